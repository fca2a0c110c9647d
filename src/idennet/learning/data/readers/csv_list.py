"""Reader of a plain CSV list, for data sets of one's own.

Columns `image` (path, relative to the CSV) and `subject`; optionally `sequence`, `frame`, and Action Units in
any usual spelling (`AU12`, `AU04`, `au 4`) with values 1, 0, and -1 or empty for not coded. A row whose
Action Units are all -1 tells identity alone. The lists of the paper's released code, with the header
`image_path,Id,AU1,...`, are read too.
"""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from idennet import facs
from idennet.errors import InputError, UnknownActionUnitError
from idennet.learning.data.provenance import Origin
from idennet.learning.data.readers.records import Chunk, Record, picture_chunks

_LABELS = {"": facs.MISSING, "-1": facs.MISSING, "0": 0, "1": 1, "-1.0": facs.MISSING, "0.0": 0, "1.0": 1}

_RELEASED = {"image_path": "image", "Id": "subject"}
"""What the released code calls the columns that every list needs."""

Row = tuple[int, dict[str, str]]
"""Number of the line, and the stripped text in each column."""


def read_rows(path: Path) -> tuple[list[str], list[Row]]:
    """Return the names of the columns and all rows of a CSV file of pictures.

    Raises:
        InputError: The file is no UTF-8 CSV, a line has too few or too many values, or there is none.
    """
    rows: list[Row] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream, strict=True)
            names = list(reader.fieldnames or ())
            for row in reader:
                if None in row or None in row.values():
                    where = f"{path}, line {reader.line_num}"
                    raise InputError(f"{where}: has another number of values than line 1 has columns.")
                rows.append((reader.line_num, {name: value.strip() for name, value in row.items()}))
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path} is not UTF-8 text from byte {error.start} on; save it as 'CSV UTF-8'."
        ) from error
    except csv.Error as error:
        raise InputError(f"{path}, line {reader.reader.line_num}: {error}.") from error
    if len(names) == 1 and ";" in names[0]:
        raise InputError(f"{path} has ; between its values; save it with commas.")
    if names and not rows:
        raise InputError(f"{path} lists no pictures.")
    return names, rows


def occurrence(text: str, where: str) -> int:
    """Return the occurrence label, 1, 0 or -1, that a cell says.

    Raises:
        InputError: It says something else; the sentence begins with `where`.
    """
    if text not in _LABELS:
        raise InputError(f"{where} is {text!r}; allowed are 1, 0, -1 or empty.")
    return _LABELS[text]


class CsvList:
    """A CSV file that lists pictures.

    Attributes:
        path: The file.
        root: Its folder.
        name: Its name without suffix; part of every subject's name.
    """

    origin = Origin.PHOTOGRAPHS

    def __init__(self, path: str | Path) -> None:
        """Check that the file exists.

        Raises:
            InputError: There is no such file.
        """
        self.path = Path(path)
        self.root = self.path.parent
        self.name = self.path.stem
        if not self.path.is_file():
            raise InputError(f"There is no CSV file {self.path}.")

    def chunks(self) -> Sequence[Chunk]:
        """Return all rows in their order.

        Raises:
            InputError: A column or a value is wrong; the sentence names the line.
        """
        names, rows = read_rows(self.path)
        aus = self._columns([_RELEASED.get(name, name) for name in names])
        renamed = (
            (line, {_RELEASED.get(name, name): value for name, value in row.items()}) for line, row in rows
        )
        return picture_chunks([self._record(row, line, aus) for line, row in renamed])

    def _columns(self, names: Sequence[str]) -> dict[str, int]:
        """Return the Action Unit of each column that has one."""
        if missing := {"image", "subject"} - set(names):
            found = ", ".join(map(repr, names)) or "nothing"
            raise InputError(
                f"{self.path}, line 1: needs the columns image and subject, separated by commas, "
                f"but lacks {' and '.join(sorted(missing))}; found {found}."
            )
        for name in _RELEASED.values():
            if names.count(name) > 1:
                raise InputError(f"{self.path}, line 1: two columns for {name}; keep one.")
        aus: dict[str, int] = {}
        for name in names:
            if name in ("image", "subject", "sequence", "frame"):
                continue
            try:
                au = facs.parse(name)
            except UnknownActionUnitError as error:
                raise InputError(f"{self.path}, line 1: column {name!r} is not known. {error}") from error
            if au in aus.values():
                raise InputError(f"{self.path}, line 1: two columns for AU{au}; keep one.")
            aus[name] = au
        return aus

    def _record(self, values: Mapping[str, str], line: int, aus: Mapping[str, int]) -> Record:
        """Check and describe one line."""
        where = f"{self.path}, line {line}"
        for name in ("image", "subject"):
            if not values[name]:
                raise InputError(f"{where}: {name} is empty.")
        labels = {au: occurrence(values[name], f"{where}: {name}") for name, au in aus.items()}
        frame = values.get("frame") or "0"
        if not frame.isdecimal():
            raise InputError(f"{where}: frame is {frame!r}; allowed are whole numbers from 0.")
        return Record(
            corpus=self.name,
            subject=f"{self.name}/{values['subject']}",
            sequence=values.get("sequence") or values["image"],
            frame=int(frame),
            image=self.path.parent / values["image"],
            au_labels=labels,
        )
