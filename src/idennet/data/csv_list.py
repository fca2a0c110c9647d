"""Reader of a plain CSV list, for data sets of one's own.

Columns `image` (path, relative to the CSV) and `subject`; optionally `sequence`, `frame`, and Action Units in
any usual spelling (`AU12`, `AU04`, `au 4`) with values 1, 0, and -1 or empty for not coded.
"""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from idennet import facs
from idennet.data.records import Chunk, Record, picture_chunks
from idennet.errors import InputError, UnknownActionUnitError

_LABELS = {"": facs.MISSING, "-1": facs.MISSING, "0": 0, "1": 1, "-1.0": facs.MISSING, "0.0": 0, "1.0": 1}


class CsvList:
    """A CSV file that lists pictures.

    Attributes:
        path: The file.
        name: Its name without suffix; part of every subject's name.
    """

    def __init__(self, path: str | Path) -> None:
        """Check that the file exists.

        Raises:
            InputError: There is no such file.
        """
        self.path = Path(path)
        self.name = self.path.stem
        if not self.path.is_file():
            raise InputError(f"There is no CSV file {self.path}.")

    def chunks(self) -> Sequence[Chunk]:
        """Return all rows in their order.

        Raises:
            InputError: A column or a value is wrong; the sentence names the line.
        """
        try:
            with self.path.open(encoding="utf-8-sig", newline="") as stream:
                rows = csv.DictReader(stream, strict=True)
                aus = self._columns(rows.fieldnames or ())
                records = [self._record(row, rows.line_num, aus) for row in rows]
        except UnicodeDecodeError as error:
            raise InputError(f"{self.path} is not UTF-8 text ({error}); save it as UTF-8 CSV.") from error
        except csv.Error as error:
            raise InputError(f"{self.path}, line {rows.reader.line_num}: {error}.") from error
        if not records:
            raise InputError(f"{self.path} lists no pictures.")
        return picture_chunks(records)

    def _columns(self, names: Sequence[str]) -> dict[str, int]:
        """Return the Action Unit of each column that has one."""
        if missing := {"image", "subject"} - set(names):
            found = ", ".join(map(repr, names)) or "nothing"
            raise InputError(
                f"{self.path}, line 1: needs the columns image and subject, separated by commas, "
                f"but lacks {' and '.join(sorted(missing))}; found {found}."
            )
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

    def _record(self, row: Mapping[str | None, str | None], line: int, aus: Mapping[str, int]) -> Record:
        """Check and describe one line."""
        where = f"{self.path}, line {line}"
        if None in row or None in row.values():
            raise InputError(f"{where}: has another number of values than line 1 has columns.")
        values = {name: (value or "").strip() for name, value in row.items() if name is not None}
        for name in ("image", "subject"):
            if not values[name]:
                raise InputError(f"{where}: {name} is empty.")
        labels = {}
        for name, au in aus.items():
            if values[name] not in _LABELS:
                raise InputError(f"{where}: {name} is {values[name]!r}; allowed are 1, 0, -1 or empty.")
            labels[au] = _LABELS[values[name]]
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
