"""Options that several verbs share, and what those that name a place to write to have in common."""

from pathlib import Path
from typing import Annotated

import typer

from idennet.errors import InputError

Weights = Annotated[
    Path | None, typer.Option(help="Weights (.safetensors) or folder of a run (default: bundled weights).")
]
Finder = Annotated[Path | None, typer.Option(help="YuNet's ONNX file or face_landmarker.task.")]


def folder_to_write(folder: Path | None) -> Path | None:
    """Return a folder that may have to be made; a callback of options, so before anything is read.

    Raises:
        InputError: Nothing can be written there.
    """
    from idennet.files import check_folder

    if folder is not None:
        check_folder(folder)
    return folder


def file_to_write(file: Path | None) -> Path | None:
    """Return a file to be made or replaced, whose folder may have to be made; a callback of options.

    Raises:
        InputError: It is a folder, or nothing can be written there.
    """
    if file is not None:
        folder_to_write(file.parent)
        if file.is_dir():
            raise InputError(f"{file} is a folder; give the name of a file to write.")
    return file


def file_of_folder(file: Path | None) -> Path | None:
    """Return a file to be made or replaced in a folder that is there; a callback of options.

    Raises:
        InputError: There is no such folder, or as `file_to_write`.
    """
    if file is not None and not file.parent.is_dir():
        folder_to_write(file.parent)
        raise InputError(
            f"There is no folder {file.parent} for {file.name}; make it first, or choose another place."
        )
    return file_to_write(file)
