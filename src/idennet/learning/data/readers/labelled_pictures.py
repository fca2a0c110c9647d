"""A CSV of pictures with whatever is known about each: Action Units, and yes/no conditions such as `smiling`.

Columns: `image` (path, relative to the CSV), optionally `subject`, Action Units in any usual spelling with
1, 0, and -1 or empty for not coded, and conditions with yes/no, true/false, 1/0, or empty for unknown.
`sequence` and `frame`, which `idennet prepare csv` reads, are passed over.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from idennet import facs
from idennet.errors import InputError, UnknownActionUnitError
from idennet.learning.data.readers.csv_list import occurrence, read_rows

_ANSWERS = {"yes": 1, "true": 1, "1": 1, "no": 0, "false": 0, "0": 0, "": facs.MISSING}
_OWN_COLUMNS = ("image", "subject", "sequence", "frame")


@dataclass(frozen=True, eq=False)
class LabelledPictures:
    """N pictures, who is on them and what is known about them.

    Attributes:
        path: The CSV file.
        sha256: Of its bytes.
        names: Pictures as the file names them.
        subjects: (N,) person on each; without a column `subject`, each picture counts as a person.
        aus: Action Units with at least one label.
        au_labels: (N, A) in {1, 0, -1}.
        conditions: For each condition with at least one answer, (N,) in {1, 0, -1}.
    """

    path: Path
    sha256: str
    names: tuple[str, ...]
    subjects: NDArray[np.str_]
    aus: tuple[int, ...]
    au_labels: NDArray[np.int8]
    conditions: dict[str, NDArray[np.int8]]

    @property
    def images(self) -> list[Path]:
        """The files, in order."""
        return [self.path.parent / name for name in self.names]


def read_labelled_pictures(path: Path) -> LabelledPictures:
    """Read a CSV of labelled pictures; the pictures themselves are not opened.

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
    return LabelledPictures(
        path=path,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        names=tuple(lines),
        subjects=np.array([row.get("subject", row["image"]) for _, row in rows]),
        aus=tuple(known),
        au_labels=np.stack([labels[au] for au in known], axis=1) if known else _nothing(len(rows)),
        conditions=conditions,
    )


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


def _nothing(rows: int) -> NDArray[np.int8]:
    return np.empty((rows, 0), dtype=np.int8)
