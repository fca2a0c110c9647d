"""The files of CelebA: pictures and lists, in the trees and spellings that copies come in."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from idennet.errors import InputError, StoreError
from idennet.learning.data.readers.listings import find_file, numbered_lines
from idennet.learning.data.readers.tree import folders_below
from idennet.media.kinds import SUFFIXES

Pictures = Literal["aligned", "wild"]

SOURCE = "https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html"
_PARTITIONS = ("train", "valid", "test")
_FOLDERS = {"aligned": ("img_align_celeba", "img_align_celeba_png"), "wild": ("img_celeba",)}
_LANDMARKS = {"aligned": "list_landmarks_align_celeba", "wild": "list_landmarks_celeba"}
_EYES = ("lefteye_x", "lefteye_y", "righteye_x", "righteye_y")
"""Left in the picture, so the subject's right eye comes first."""


class CelebaFiles:
    """Where a copy of CelebA keeps its pictures and lists, and what these say.

    What is missing or damaged is a `StoreError` that tells how to get it.

    Attributes:
        root: The copy.
        landmarks: Name without ending of the list of points that belongs to the chosen pictures.
    """

    def __init__(self, root: Path, pictures: Pictures, identities: Path | None) -> None:
        if pictures not in _FOLDERS:
            raise InputError(f"CelebA's pictures are {pictures!r}; allowed are 'aligned' and 'wild'.")
        self.root, self.landmarks = root, _LANDMARKS[pictures]
        self._pictures, self._identities = pictures, identities

    def _find(self, *names: str) -> Path | None:
        """Return the first of these files, wherever it is, without looking through the pictures."""
        return find_file(self.root, *names, enter=_holds_no_pictures)

    def folder(self) -> Path:
        """Return the folder of the pictures."""
        names = _FOLDERS[self._pictures]
        below = {folder.name: folder for folder in folders_below(self.root, enter=_holds_no_pictures)}
        folder = next((below[name] for name in names if name in below), None)
        if folder is not None:
            inner = folder / folder.name  # asked for by name: listing all pictures takes seconds
            return inner if inner.is_dir() else folder
        archive = self._find(*(f"{name}.{suffix}" for name in names for suffix in ("zip", "7z", "7z.001")))
        if archive is not None:
            raise StoreError(f"{archive} is not unpacked; unpack it into {archive.parent}.")
        raise StoreError(
            f"{self.root} has no folder {names[0]} with pictures; unpack {names[0]}.zip of {SOURCE} there."
            if self._pictures == "aligned"
            else f"{self.root} has no folder img_celeba with the original pictures; unpack all parts of "
            f"img_celeba.7z of {SOURCE} there."
        )

    def pictures(self) -> dict[str, Path]:
        """Return the pictures by name without suffix: the lists say `.jpg` for PNG files, too."""
        folder = self.folder()
        shown = (file for file in folder.iterdir() if not file.name.startswith("."))
        files = {file.stem: file for file in shown if file.suffix.lower() in SUFFIXES}
        if not files:
            raise StoreError(f"{folder} has no pictures like 000001.jpg; unpack CelebA's archive again.")
        return files

    def identities(self) -> dict[str, int]:
        """Return the identity of each picture; its list has no header."""
        file = self._identities or self._find("identity_CelebA.txt", "labels.txt")
        if file is None or not file.is_file():
            raise StoreError(
                f"{self.root} has no identity_CelebA.txt, which tells who is in each picture; get it from "
                f"the folder Anno of {SOURCE} (Kaggle's copy lacks it)."
            )
        return _pairs(file, numbered_lines(file))

    def partitions(self) -> dict[str, str]:
        """Return the partition of each picture; the list has no header, Kaggle's has one."""
        file = self.partition_file()
        if file is None:
            raise StoreError(
                f"{self.root} has no list_eval_partition.txt; get it from the folder Eval of {SOURCE}, or "
                "take all pictures."
            )
        pairs = _pairs(file, numbered_lines(file)[file.suffix == ".csv" :])
        if wrong := set(pairs.values()) - {0, 1, 2}:
            raise StoreError(f"{file} has the partition {min(wrong)}; allowed are 0, 1 and 2; copy it again.")
        return {stem: _PARTITIONS[number] for stem, number in pairs.items()}

    def partition_file(self) -> Path | None:
        """Return the list of partitions, if there is one."""
        return self._find("list_eval_partition.txt", "list_eval_partition.csv")

    def landmark_file(self) -> Path | None:
        """Return the list of points, if there is one."""
        return self._find(f"{self.landmarks}.txt", f"{self.landmarks}.csv")

    def eyes(self) -> dict[str, tuple[float, ...]]:
        """Return the eye centres of each picture: x, y, x, y; empty without a list.

        The list has two lines of header: how many pictures, and ten column names. Kaggle's has one.
        """
        file = self.landmark_file()
        if file is None:
            return {}
        lines = numbered_lines(file)
        promised = None
        if file.suffix == ".txt" and lines:
            promised = int(lines[0][1]) if lines[0][1].isdecimal() else None
            if promised is None:
                raise StoreError(f"{file}, line 1: has no number of pictures; copy it again.")
            lines = lines[1:]
        header = [name for name in _values(lines[0][1]) if name != "image_id"] if lines else []
        if missing := [name for name in _EYES if name not in header]:
            raise StoreError(f"{file} lacks the column {missing[0]}; copy it again.")
        columns = [1 + header.index(name) for name in _EYES]
        eyes: dict[str, tuple[float, ...]] = {}
        for number, line in lines[1:]:
            values = _values(line)
            try:
                eyes[Path(values[0]).stem] = tuple(float(values[column]) for column in columns)
            except (ValueError, IndexError) as error:
                raise StoreError(f"{file}, line {number}: is no picture with five points.") from error
        if promised not in (None, len(eyes)):
            raise StoreError(
                f"{file} promises {promised} pictures but lists {len(eyes)}; it was cut off, copy it again."
            )
        return eyes


def _holds_no_pictures(folder: str) -> bool:
    """Return whether a folder of this name is worth looking into for lists."""
    return folder not in {name for names in _FOLDERS.values() for name in names}


def _pairs(file: Path, lines: Sequence[tuple[int, str]]) -> dict[str, int]:
    """Return name without suffix and number of each line."""
    pairs: dict[str, int] = {}
    for number, line in lines:
        values = _values(line)
        if len(values) != 2 or not values[1].isdecimal():
            raise StoreError(
                f"{file}, line {number}: is {line!r}, not a picture and a number like '000001.jpg 2880'."
            )
        if (stem := Path(values[0]).stem) in pairs:
            raise StoreError(f"{file}, line {number}: lists {values[0]} a second time; copy it again.")
        pairs[stem] = int(values[1])
    if not pairs:
        raise StoreError(f"{file} lists no pictures; copy it again.")
    return pairs


def _values(line: str) -> list[str]:
    """Split at runs of white space, or at commas."""
    return re.split(r"\s*,\s*|\s+", line)
