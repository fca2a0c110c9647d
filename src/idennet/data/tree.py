"""What readers of other people's folders share: names that vary, numbered pictures, small text files.

Copies of a data set differ in the names of folders, nest a folder in one of its own name, and carry files
that an operating system left behind.
"""

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from idennet.errors import StoreError
from idennet.faces.pictures import SUFFIXES


def find_folder(root: Path, *names: str) -> Path | None:
    """Return the first of `names` that is a folder in `root`, or None; `Images/Images` counts as `Images`."""
    for name in names:
        folder = root / name
        if folder.is_dir():
            while (folder / folder.name).is_dir():
                folder = folder / folder.name
            return folder
    return None


def find_file(root: Path, *names: str) -> Path | None:
    """Return the first of `names` that is a file in `root`, or None."""
    return next((root / name for name in names if (root / name).is_file()), None)


def visible(folder: Path) -> list[Path]:
    """Return what a folder holds, sorted by name, without `.DS_Store` and other hidden names."""
    return sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))


def numbered_pictures(folder: Path) -> dict[int, Path]:
    """Return the pictures of a folder by the number at the end of their names, however it is padded."""
    found = {}
    for file in visible(folder):
        number = re.search(r"(\d+)$", file.stem)
        if number and file.suffix.lower() in SUFFIXES:
            found[int(number.group())] = file
    return dict(sorted(found.items()))


def text_lines(file: Path) -> list[tuple[int, str]]:
    """Return the lines of a text file that are not blank, stripped, with their numbers from 1.

    Raises:
        StoreError: The file cannot be read as text.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise StoreError(f"{file} cannot be read as text ({error}); copy it again.") from error
    return [(number, line.strip()) for number, line in enumerate(text.split("\n"), 1) if line.strip()]


def read_points(file: Path, count: int) -> NDArray[np.float32]:
    """Return the points (count, 2) of a text file with one `x y` a line.

    Raises:
        StoreError: The file does not hold that many points.
    """
    lines = text_lines(file)
    try:
        points = np.array([[float(value) for value in line.split()] for _, line in lines], dtype=np.float32)
    except ValueError:
        points = np.empty(0, np.float32)
    if points.shape != (count, 2):
        raise StoreError(f"{file} does not hold {count} lines with x and y; copy it again.")
    return points
