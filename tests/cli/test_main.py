import errno
import runpy
import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

import idennet
from idennet.cli.errors import Verbs
from idennet.cli.main import app
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
        ("full", "The folder to write to cannot be used: No space left on device; choose another place.\n"),
    ],
)
def test_what_a_file_system_refuses_is_one_sentence(verb: str, sentence: str) -> None:
    ran = CliRunner().invoke(verbs_app(), [verb])
    assert (ran.exit_code, ran.stderr) == (2, sentence)


def test_an_interruption_says_how_to_go_on() -> None:
    ran = CliRunner().invoke(verbs_app(), ["interrupted"])
    assert (ran.exit_code, ran.stderr) == (130, "Interrupted; run the same command again to resume.\n")


def test_a_defect_keeps_its_traceback() -> None:
    assert isinstance(CliRunner().invoke(verbs_app(), ["defective"]).exception, ZeroDivisionError)


def test_help_names_the_verbs_and_each_verb_has_an_example() -> None:
    overview = CliRunner().invoke(app, ["--help"]).stdout
    for command in app.registered_commands:
        assert command.name is not None
        assert command.name in overview
        told = CliRunner().invoke(app, [command.name, "--help"], env={"COLUMNS": "150"})
        assert told.exit_code == 0
        assert f"idennet {command.name}" in told.stdout.split("Usage", 1)[1].split("\n", 1)[1]


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


def test_import_is_quiet_and_light() -> None:
    ran = subprocess.run([sys.executable, "-c", QUIET_IMPORT], capture_output=True, text=True, check=True)
    assert ran.stdout == ""
    assert ran.stderr.split("\n") == ["True False", "set()", "set()", ""]


def test_every_public_name_is_found_and_others_are_not() -> None:
    assert set(idennet.__all__) <= set(dir(idennet))
    assert set(idennet._HOMES) == set(idennet.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = idennet.nothing


def test_every_verb_is_there_once() -> None:
    verbs = [item.name for item in (*app.registered_commands, *app.registered_groups)]
    expected = ["benchmark", "compare", "demo", "detect", "evaluate", "info", "prepare", "report", "synth"]
    expected += ["train", "weights"]
    assert sorted(map(str, verbs)) == expected
