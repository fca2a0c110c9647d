"""The command for data sets: every kind opens, checks say what is missing, a killed run goes on."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from agreement import shaded_people
from click.testing import Result
from typer.testing import CliRunner

from idennet.cli.errors import Verbs
from idennet.cli.prepare import prepare_command
from idennet.errors import InputError, StoreError
from idennet.learning.data.prepare import prepare
from idennet.learning.data.readers.disfa import Disfa
from idennet.learning.data.readers.kinds import Kind, open_source
from idennet.learning.data.readers.records import PublishedSource, Totals
from idennet.learning.data.readers.tables import read_lines, read_numbers
from idennet.learning.data.readers.unbc import Unbc
from idennet.research.synth.fake_trees.unbc import write_unbc

LICENSED = (Kind.BP4D, Kind.BP4D_PLUS, Kind.DISFA, Kind.UNBC)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("kinds") / "tree"
    write_unbc(root, shaded_people(3, 8))
    return root


@pytest.fixture
def app() -> typer.Typer:
    app = typer.Typer(cls=Verbs)
    app.command("prepare")(prepare_command)
    app.command("other")(lambda: None)
    return app


@pytest.mark.parametrize("kind", LICENSED)
def test_licensed_data_sets_can_be_checked(kind: Kind, tmp_path: Path) -> None:
    source = open_source(kind, tmp_path / "nowhere")
    assert isinstance(source, PublishedSource)
    assert source.name == kind
    assert source.settings
    (finding,) = source.check()
    assert "There is no folder" in finding


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.CSV])
def test_a_file_is_no_data_set(kind: Kind, tmp_path: Path) -> None:
    file = tmp_path / "BP4D.zip"
    file.touch()
    with pytest.raises(StoreError, match=r"BP4D\.zip is a file"):
        open_source(kind, file)


def test_thresholds_go_where_intensities_are() -> None:
    assert open_source(Kind.DISFA, "x", {"threshold": "1"}).settings["threshold"] == 1
    assert open_source(Kind.UNBC, "x", {"threshold": "3"}).settings["threshold"] == 3
    assert (Disfa("x").threshold, Unbc("x").threshold) == (2, 1)
    for kind in (Kind.BP4D, Kind.BP4D_PLUS):
        with pytest.raises(InputError, match="has no choice 'threshold'; it has leave_out_occluded"):
            open_source(kind, "x", {"threshold": "2"})


def test_totals_name_each_difference() -> None:
    published = Totals(48_398, 25, 200)
    assert Totals(48_398, 25, 200).differences(published) == []
    assert Totals(1_000, 25, 3).differences(published) == [
        "1,000 pictures, not 48,398",
        "3 sequences, not 200",
    ]
    assert Totals(5, 25).differences(Totals(None, 25, 200)) == []


def test_check_exits_with_1_when_something_is_missing(app: typer.Typer, tree: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["prepare", "unbc", str(tree), "--check"])
    assert done.exit_code == 1
    assert "FACS files of 3 subjects are there, 25 are published; copy the rest." in done.output
    done = CliRunner().invoke(app, ["prepare", "bp4d", str(tmp_path), "--check"])
    assert done.exit_code == 1
    assert "has no codes such as AUCoding/AU_OCC/F001_T1.csv" in done.output
    assert list(tmp_path.iterdir()) == []


def test_check_exits_with_0_when_all_is_there(
    app: typer.Typer, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Unbc, "check", lambda self: [])
    done = CliRunner().invoke(app, ["prepare", "unbc", str(tree), "--check"])
    assert done.exit_code == 0
    assert "unbc is complete." in done.output


def test_the_command_says_what_it_needs(app: typer.Typer, tree: Path) -> None:
    done = CliRunner().invoke(app, ["prepare", "unbc", str(tree)])
    assert done.exit_code == 2
    assert "prepare needs --out and a folder for the face store, or --check." in done.stderr
    done = CliRunner().invoke(app, ["prepare", "folders", str(tree), "--check"])
    assert done.exit_code == 2
    done = CliRunner().invoke(app, ["prepare", "bp4d", str(tree), "--check", "--threshold", "2"])
    assert done.exit_code == 2
    assert "bp4d has no choice 'threshold'" in done.stderr


def test_the_command_warns_about_totals(
    app: typer.Typer, tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "idennet.learning.data.readers.locate.MainFaceLocator", lambda model: lambda picture: None
    )
    out = str(tmp_path / "s")
    done = CliRunner().invoke(app, ["prepare", "unbc", str(tree), "--out", out, "--threshold", "2"])
    assert done.exit_code == 0, done.output
    assert "17 faces of 3 subjects" in done.output
    assert "1 left out: black picture" in done.output
    assert "unbc: 24 pictures, not 48,398 as published." in done.output
    assert '"threshold": 2' in (tmp_path / "s" / "store.json").read_text()


def test_lost_subjects_and_cut_labels_exit_with_1(
    app: typer.Typer, tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "idennet.learning.data.readers.locate.MainFaceLocator", lambda model: lambda picture: None
    )

    def prepare_copy(name: str) -> Result:
        return CliRunner().invoke(
            app, ["prepare", "unbc", str(tmp_path / name), "--out", str(tmp_path / f"{name}-s")]
        )

    lost = shutil.copytree(tree, tmp_path / "lost")
    for picture in (lost / "Images" / "Images" / "043-jh043").rglob("*.png"):
        picture.write_bytes(b"PNG")
    done = prepare_copy("lost")
    assert done.exit_code == 1
    assert "No face of 1 subject: unbc/043-jh043." in done.output
    assert (tmp_path / "lost-s" / "store.json").exists()

    uncoded = shutil.copytree(tree, tmp_path / "uncoded")
    (uncoded / "Frame_Labels/FACS/042-ll042/ll042t1aaaff/ll042t1aaaff003_facs.txt").unlink()
    done = prepare_copy("uncoded")
    assert done.exit_code == 1
    assert "042-ll042/ll042t1aaaff has 1 of 4 pictures without FACS file, the first is 003" in done.output


def test_damage_is_told_in_our_own_words(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    for text, words in {
        "1,2\n3\n": "the line '3' has 1 values instead of 2",
        "1,2\n3,x\n": "'x' in the line '3,x' is no number",
        "1,2,3\n": "the line '1,2,3' has 3 values instead of 2",
        "#1,2\n": "'#1' in the line '#1,2' is no number",
        f"1,{'9' * 80}a\n": f"'{'9' * 80}a' in the line '1,{'9' * 58}...' is no number",
    }.items():
        file.write_text(text)
        with pytest.raises(StoreError) as caught:
            read_numbers(file, read_lines(file), 2)
        assert str(caught.value) == f"{file} is damaged ({words}); copy it again."
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(StoreError, match=r"is damaged \(it is no text\)"):
        read_lines(file)


KILLED = """
import os, signal, sys
from idennet.learning.data.prepare import prepare
from idennet.learning.data.readers.unbc import Unbc
told = []
def progress(done, total):
    told.append(done)
    if len(told) == 4:
        os.kill(os.getpid(), signal.SIGKILL)
prepare(Unbc(sys.argv[1]), sys.argv[2], locate=lambda picture: None, workers=1, progress=progress)
"""


def test_a_killed_run_continues_where_it_was(tree: Path, tmp_path: Path) -> None:
    out = tmp_path / "s"
    command = [sys.executable, "-c", KILLED, str(tree), str(out)]
    killed = subprocess.run(command, check=False, env=dict(os.environ))
    assert killed.returncode == -signal.SIGKILL
    done = {folder.name.removesuffix(".part") for folder in (out / ".partial").glob("*.part")}
    assert 3 <= len(done) <= 5
    written = {folder: folder.stat().st_mtime_ns for folder in (out / ".partial").glob("*.part")}
    told: list[int] = []

    def progress(done: int, total: int) -> None:
        told.append(done)
        assert all(folder.stat().st_mtime_ns == at for folder, at in written.items() if folder.exists())

    again = prepare(Unbc(tree), out, locate=lambda picture: None, workers=1, progress=progress)
    sizes = {chunk.key: chunk.size for chunk in Unbc(tree).chunks()}
    assert told[0] == sum(sizes[key] for key in done)
    once = prepare(Unbc(tree), tmp_path / "once", locate=lambda picture: None)
    assert again.store.digest == once.store.digest
    assert again.left_out == once.left_out


def test_other_settings_do_not_continue_a_store(tree: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILLED, str(tree), str(tmp_path / "s")]
    subprocess.run(command, check=False)
    with pytest.raises(StoreError, match="another source or other settings"):
        prepare(Unbc(tree, threshold=2), tmp_path / "s", locate=lambda picture: None)
