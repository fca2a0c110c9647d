import errno
import runpy
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import typer
from PIL import Image
from typer.core import TyperGroup
from typer.testing import CliRunner

import idennet
from idennet.cli.errors import Verbs
from idennet.cli.main import VERBS, app, load
from idennet.errors import RecipeError

QUIET_IMPORT = """
import os, sys
environment = dict(os.environ)
import idennet
print(dict(os.environ) == environment, "torch" in sys.modules, file=sys.stderr)
[getattr(idennet, name) for name in idennet.__all__]
changed = {name for name, value in os.environ.items() if environment.get(name) != value}
print(changed - {"LD_LIBRARY_PATH"}, file=sys.stderr)  # OpenCV writes that one
print({"numba", "matplotlib", "jinja2", "tensorboard"} & set(sys.modules), file=sys.stderr)
"""


def verbs_app() -> typer.Typer:
    verbs = typer.Typer(cls=Verbs, pretty_exceptions_enable=False)

    @verbs.command()
    def mistaken() -> None:
        raise RecipeError("There is no recipe none.yaml; give the path of a YAML file.")

    @verbs.command()
    def refused() -> None:
        raise PermissionError(errno.EACCES, "Permission denied", "/etc/runs")

    @verbs.command()
    def full() -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    @verbs.command()
    def interrupted() -> None:
        raise KeyboardInterrupt

    @verbs.command()
    def defective() -> None:
        raise ZeroDivisionError

    return verbs


def test_a_mistake_is_one_sentence_with_code_2() -> None:
    ran = CliRunner().invoke(verbs_app(), ["mistaken"])
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert ran.stderr == "There is no recipe none.yaml; give the path of a YAML file.\n"


@pytest.mark.parametrize(
    ("verb", "sentence"),
    [
        ("refused", "/etc/runs cannot be used: Permission denied; choose another place.\n"),
        ("full", "The place to write to cannot be used: No space left on device; choose another place.\n"),
    ],
)
def test_what_a_file_system_refuses_is_one_sentence(verb: str, sentence: str) -> None:
    ran = CliRunner().invoke(verbs_app(), [verb])
    assert (ran.exit_code, ran.stderr) == (2, sentence)


def test_an_interruption_promises_nothing() -> None:
    ran = CliRunner().invoke(verbs_app(), ["interrupted"])
    assert (ran.exit_code, ran.stderr) == (130, "Interrupted.\n")


def test_an_option_that_deletes_is_no_suggestion() -> None:
    ran = CliRunner().invoke(app, ["detect", "a.jpg", "--threshold", "0.3"])
    assert ran.exit_code == 2
    assert "No such option: --threshold" in ran.output
    assert "--fresh" not in ran.output
    assert "--people" in CliRunner().invoke(app, ["detect", "a.jpg", "--peopel"]).output


def test_a_defect_keeps_its_traceback() -> None:
    assert isinstance(CliRunner().invoke(verbs_app(), ["defective"]).exception, ZeroDivisionError)


def test_help_names_the_verbs_and_each_verb_has_an_example() -> None:
    overview = CliRunner().invoke(app, ["--help"]).stdout
    for name in VERBS:
        assert name in overview
        told = CliRunner().invoke(app, [name, "--help"], env={"COLUMNS": "150"})
        assert told.exit_code == 0
        if isinstance(load(name), TyperGroup):
            continue  # its commands have the examples
        assert f"idennet {name}" in told.stdout.split("Usage", 1)[1].split("\n", 1)[1]


def test_version() -> None:
    assert CliRunner().invoke(app, ["--version"]).stdout == f"idennet {idennet.__version__}\n"


def test_python_m_idennet_is_the_same(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["idennet", "--version"])
    with pytest.raises(SystemExit) as left:
        runpy.run_module("idennet", run_name="__main__")
    assert left.value.code == 0
    assert capsys.readouterr().out == f"idennet {idennet.__version__}\n"


def test_info_names_versions_and_weights() -> None:
    ran = CliRunner().invoke(app, ["info"], env={"COLUMNS": "200"})
    assert ran.exit_code == 0
    for name in ("idennet", "PyTorch", "device", "threads", "weights", "landmarks", "finder"):
        assert f"\n{name}" in f"\n{ran.stdout}"
    assert "unreliable (~): AU2 AU4" in ran.output
    assert "~AU4: AUC 0.700 for brow lowered" in ran.output


def test_import_is_quiet_and_light() -> None:
    ran = subprocess.run([sys.executable, "-c", QUIET_IMPORT], capture_output=True, text=True, check=True)
    assert ran.stdout == ""
    assert ran.stderr.split("\n") == ["True False", "set()", "set()", ""]


def test_every_public_name_is_found_and_others_are_not() -> None:
    assert set(idennet.__all__) <= set(dir(idennet))
    assert set(idennet._HOMES) == set(idennet.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = idennet.nothing


@pytest.mark.parametrize("width", [60, 80, 110])
def test_paragraphs_of_help_are_as_wide_as_the_terminal(width: int) -> None:
    text = CliRunner().invoke(app, ["detect", "--help"], env={"COLUMNS": str(width)}).output
    prose = [line.strip() for line in text.partition("╭")[0].splitlines()]
    breaks = [(line, below) for line, below in pairwise(prose) if line and below]
    assert len(breaks) > 3
    for line, below in breaks:
        assert len(f"{line} {below.split()[0]}") > width - 2


def test_every_verb_is_listed_with_the_first_sentence_of_its_own_help() -> None:
    names = [
        "benchmark",
        "compare",
        "demo",
        "detect",
        "evaluate",
        "export",
        "info",
        "live",
        "people",
        "prepare",
        "report",
        "serve",
    ]
    assert sorted(VERBS) == [*names, "synth", "teach", "train", "view", "weights"]
    for name, (_, summary) in VERBS.items():
        assert load(name).help.startswith(summary)


LIGHT = """
import sys
from idennet.cli.main import VERBS, app, load
try:
    app(sys.argv[1:])
except SystemExit as left:
    assert not left.code, left.code
names = set(sys.modules)
wings = {".".join(name.split(".")[:2]) for name in names if name.startswith("idennet.")}
print(*sorted(wings), file=sys.stderr)
print(*sorted({"torch", "sklearn", "numba", "matplotlib", "pandas", "cv2", "scipy"} & names), file=sys.stderr)
"""


def modules_after(*arguments: object) -> tuple[set[str], set[str]]:
    """Return which wings and which heavy packages a command line has imported."""
    command = [sys.executable, "-c", LIGHT, *map(str, arguments)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    wings, heavy = ran.stderr.split("\n")[-3:-1]
    return set(wings.split()), set(heavy.split())


def test_mistakes_are_told_before_torch_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").touch()
    program = LIGHT.replace("assert not left.code, left.code", "assert left.code == 2, left.code")
    for arguments in (
        ("live", tmp_path / "nowhere.mp4"),
        ("detect", tmp_path / "nowhere.mp4"),
        ("detect", tmp_path / "a.mp4", "--from", "0:09", "--to", "0:02"),
    ):
        command = [sys.executable, "-c", program, *map(str, arguments)]
        ran = subprocess.run(command, capture_output=True, text=True, check=True)
        assert "torch" not in ran.stderr.splitlines()[-1].split(), ran.stderr


def test_help_imports_nothing_but_the_command_line() -> None:
    for arguments in (["--help"], ["--version"], ["detect", "--help"], ["train", "--help"]):
        wings, heavy = modules_after(*arguments)
        assert heavy == set()
        assert wings == {"idennet.cli", "idennet.errors"}


def test_reading_imports_neither_learning_nor_research(tmp_path: Path, random_weights: Path) -> None:
    Image.fromarray(np.zeros((40, 40, 3), np.uint8)).save(tmp_path / "black.png")
    Image.fromarray(np.zeros((40, 40, 3), np.uint8)).save(tmp_path / "dark.png")
    wings, heavy = modules_after("detect", tmp_path, "--weights", random_weights, "--out", tmp_path / "out")
    assert wings & {"idennet.learning", "idennet.research"} == set()
    assert heavy & {"sklearn", "numba", "matplotlib", "scipy"} == set()
