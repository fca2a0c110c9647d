"""A CSV of pictures with whatever is known about each: Action Units, and yes/no conditions such as `smiling`.

Columns: `image` (path, relative to the CSV), optionally `subject`, Action Units in any usual spelling with
1, 0, and -1 or empty for not coded, and conditions with yes/no, true/false, 1/0, or empty for unknown.
`sequence` and `frame`, which `idennet prepare csv` reads too, say which frame of a recording a picture is.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idennet import facs
from idennet.errors import InputError, UnknownActionUnitError
from idennet.learning.data.provenance import Origin, Provenance
from idennet.learning.data.readers.csv_list import Row, occurrence, read_rows

_ANSWERS = {"yes": 1, "true": 1, "1": 1, "no": 0, "false": 0, "0": 0, "": facs.MISSING}
_OWN_COLUMNS = ("image", "subject", "sequence", "frame")


@dataclass(frozen=True, eq=False)
class LabelledPictures:
    """N pictures, who is on them and what is known about them; like a `FaceStore` to whoever judges.

    Attributes:
        path: The CSV file.
        digest: SHA-256 of its bytes, in hexadecimal.
        frames: One row a picture: `picture` (as the file names it), `subject` (with the list's corpus before
            it; without a column `subject`, each picture counts as a person), `sequence` and `frame` (where
            the file has both; else the picture without its suffix, and -1), `AU12` in {1, 0, -1}.
        conditions: For each condition with at least one answer, (N,) in {1, 0, -1}.
    """

    path: Path
    digest: str
    frames: pd.DataFrame
    conditions: dict[str, NDArray[np.int8]]

    left_out: ClassVar[tuple[tuple[str, str], ...]] = ()
    """Nothing: every picture of the list is there, whether or not it shows a face."""

    def __len__(self) -> int:
        return len(self.frames)

    @property
    def images(self) -> list[Path]:
        """The files, in order."""
        return [self.path.parent / name for name in self.frames["picture"]]

    @property
    def subjects(self) -> tuple[str, ...]:
        """Names of the people, each once, sorted."""
        return tuple(sorted(self.frames["subject"].unique()))

    @property
    def aus(self) -> tuple[int, ...]:
        """Action Units with at least one label."""
        return tuple(au for au in facs.NAMES if facs.column(au) in self.frames)

    @property
    def provenance(self) -> Provenance:
        """Photographs of somebody's own."""
        return Provenance(origin=Origin.PHOTOGRAPHS, subjects=len(self.subjects), faces=len(self))

    def labels(self, aus: Iterable[int]) -> NDArray[np.int8]:
        """Return occurrence labels (N, A) in the order of `aus`: 1, 0, or -1 where nobody coded."""
        columns = facs.columns(aus)
        labels = np.full((len(self), len(columns)), facs.MISSING, dtype=np.int8)
        for position, name in enumerate(columns):
            if name in self.frames:
                labels[:, position] = self.frames[name]
        return labels

    def with_labels(self, labels: Mapping[str, NDArray[np.int8]]) -> "LabelledPictures":
        """Return the same pictures with other occurrence labels, (N,) by column, for example `AU12`."""
        return replace(self, frames=self.frames.assign(**labels))

    def select(self, subjects: Iterable[str]) -> "LabelledPictures":
        """Return the pictures of some people, in order."""
        rows = self.frames["subject"].isin(set(subjects)).to_numpy()
        conditions = {name: answers[rows] for name, answers in self.conditions.items()}
        return replace(self, frames=self.frames[rows].reset_index(drop=True), conditions=conditions)


def read_labelled_pictures(path: Path, corpus: str = "") -> LabelledPictures:
    """Read a CSV of labelled pictures; the pictures themselves are not opened.

    Args:
        path: The CSV file.
        corpus: Comes before the people's names; by default the name of the file.

    Raises:
        InputError: A column or a value is wrong, a picture is missing or listed twice, or nothing is known
            about any picture; the sentence names the line.
    """
    columns, rows = read_rows(path)
    au_columns = _au_columns(path, columns)
    condition_columns = [name for name in columns if name not in (*_OWN_COLUMNS, *au_columns)]
    lines: dict[str, int] = {}
    for line, row in rows:
        name = row["image"]
        if not name:
            raise InputError(f"{path}, line {line}: image is empty.")
        if name in lines:
            raise InputError(f"{path}, line {line}: {name} is also in line {lines[name]}; keep one.")
        picture = path.parent / name
        if not picture.is_file():
            raise InputError(
                f"{path}, line {line}: there is no picture {picture}; paths are relative to the CSV."
            )
        if "subject" in row and not row["subject"]:
            raise InputError(f"{path}, line {line}: subject is empty.")
        lines[name] = line

    def places(column: str) -> list[tuple[str, str]]:
        return [(row[column], f"{path}, line {line}: {column}") for line, row in rows]

    labels = {au: _column(occurrence(*cell) for cell in places(name)) for name, au in au_columns.items()}
    answers = {name: _column(_answer(*cell) for cell in places(name)) for name in condition_columns}
    known = [au for au in facs.NAMES if au in labels and _says_something(labels[au])]
    conditions = {name: values for name, values in answers.items() if _says_something(values)}
    if not known and not conditions:
        raise InputError(
            f"{path} says nothing about any picture; add columns such as AU12 with 1 and 0, or conditions "
            "such as smiling with yes and no."
        )
    corpus = corpus or path.stem
    frames = pd.DataFrame({
        "picture": list(lines),
        "subject": [f"{corpus}/{row.get('subject', row['image'])}" for _, row in rows],
        **_recordings(path, rows),
        **{facs.column(au): labels[au] for au in known},
    })  # fmt: skip
    return LabelledPictures(path, hashlib.sha256(path.read_bytes()).hexdigest(), frames, conditions)


def _recordings(path: Path, rows: Sequence[Row]) -> dict[str, list[str] | list[int]]:
    """Return sequence and number of each picture."""
    if not {"sequence", "frame"} <= rows[0][1].keys():
        return {
            "sequence": [str(Path(row["image"]).with_suffix("")) for _, row in rows],
            "frame": [-1] * len(rows),
        }
    for line, row in rows:
        if not row["frame"].isdecimal():
            raise InputError(
                f"{path}, line {line}: frame is {row['frame']!r}; allowed are whole numbers from 0."
            )
    return {"sequence": [row["sequence"] for _, row in rows], "frame": [int(row["frame"]) for _, row in rows]}


def _au_columns(path: Path, columns: Sequence[str]) -> dict[str, int]:
    """Check the first line; return the Action Unit of each column that has one."""
    if "image" not in columns:
        found = ", ".join(map(repr, columns)) or "nothing"
        raise InputError(
            f"{path}, line 1: needs the column image, and others separated by commas; found {found}."
        )
    aus: dict[str, int] = {}
    for number, name in enumerate(columns):
        if not name or name in columns[:number]:
            raise InputError(f"{path}, line 1: each column needs a name of its own, but {name!r} has not.")
        try:
            au = facs.parse(name)
        except UnknownActionUnitError as error:
            if re.match(r"(?i)au[ _]*(\d|$)", name):
                raise InputError(f"{path}, line 1: column {name!r} is not known. {error}") from error
            continue
        if au in aus.values():
            raise InputError(f"{path}, line 1: two columns for AU{au}; keep one.")
        aus[name] = au
    return aus


def _answer(text: str, where: str) -> int:
    if text.lower() not in _ANSWERS:
        raise InputError(
            f"{where} is {text!r}; allowed are yes, no, true, false, 1, 0 or empty; remove columns that ask "
            "something else."
        )
    return _ANSWERS[text.lower()]


def _column(values: Iterable[int]) -> NDArray[np.int8]:
    return np.fromiter(values, dtype=np.int8)


def _says_something(values: NDArray[np.int8]) -> bool:
    return bool((values != facs.MISSING).any())
