"""Verbs that write tell a place that takes nothing before they read anything."""

import errno
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from idennet.cli.main import app

FOLDERS = [
    "detect nothing.jpg --out",
    "prepare lfw nothing --out",
    "teach nothing --model nothing.task --out labels.parquet --moved",
    "train demo --au nothing --out",
    "benchmark within --corpus nothing --out",
    "report nothing --out",
    "view nothing --out",
    "export nothing --out",
    "serve --folder",
    "demo --out",
    "weights build --photographs nothing --out",
    "weights landmarks nothing --out",
    "weights shape nothing --model nothing.task --out",
    "weights shots --photographs nothing nothing --rendered nothing --out",
    "synth render spot --face-model nothing.npz --out",
    "synth movements --face-model nothing.npz --out",
    "synth fake-tree bp4d",
]
FILES = [
    "teach nothing --model nothing.task --out",
    "evaluate nothing --out",
    "evaluate nothing --save-predictions",
    "weights import-lightcnn nothing.caffemodel --out",
]
FILES_OF_NEW_FOLDERS = [
    "synth sheet nothing --out",
    "synth group --face-model nothing.npz --out",
    "synth import-face-model nothing --out",
]


def told(command: str, place: Path) -> str:
    ran = CliRunner().invoke(app, [*command.split(), str(place)])
    assert (ran.exit_code, ran.stderr.count("\n")) == (2, 1), ran.output
    return ran.stderr


@pytest.mark.parametrize("command", [*FOLDERS, *FILES, *FILES_OF_NEW_FOLDERS])
def test_a_place_that_takes_nothing_is_told_in_a_sentence_before_anything_is_read(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The place answers as /proc does."""

    def refuse(path: str | Path, mode: int = 0o777) -> None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "mkdir", refuse)
    where = "place" if command in FOLDERS and "labels.parquet" not in command else "."
    assert told(command, Path("place")) == (
        f"Nothing can be written in {where}: No such file or directory; choose another place.\n"
    )


@pytest.mark.parametrize("command", [*FOLDERS, *FILES, *FILES_OF_NEW_FOLDERS])
def test_a_folder_cannot_be_made_below_a_file(command: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    folder = tmp_path / "file" / "new"
    told_of = folder if command in FOLDERS else folder.parent
    assert told(command, folder) == (
        f"Nothing can be written in {told_of}: Not a directory; choose another place.\n"
    )
    assert [*tmp_path.iterdir()] == [tmp_path / "file"]


@pytest.mark.parametrize("command", FILES)
def test_a_file_needs_a_folder_that_is_there(command: str, tmp_path: Path) -> None:
    assert told(command, tmp_path / "none" / "new") == (
        f"There is no folder {tmp_path / 'none'} for new; make it first, or choose another place.\n"
    )
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("command", [*FILES, *FILES_OF_NEW_FOLDERS])
def test_a_folder_is_no_file_to_write(command: str, tmp_path: Path) -> None:
    assert told(command, tmp_path) == f"{tmp_path} is a folder; give the name of a file to write.\n"
    assert not [*tmp_path.iterdir()]


def test_a_person_store_that_cannot_be_made_is_told_before_pictures_are_read(tmp_path: Path) -> None:
    ran = CliRunner().invoke(app, ["people", "enrol", str(tmp_path / "none" / "people.db"), "nothing.jpg"])
    assert (ran.exit_code, ran.stderr) == (
        2,
        f"There is no folder {tmp_path / 'none'} for people.db; make it first, or choose another place.\n",
    )
