"""Tables on disk: CSV, and one JSON object a line. A row is safe once it is written.

Each picture is appended whole or not at all, so whatever ends the program (a signal, a full disk, a power
switch) leaves tables that can be read and continued.
"""

import csv
import io
import json
import os
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from idennet.errors import InputError
from idennet.inference.result import Result, table_columns


class Journal:
    """A text file that grows by whole entries: UTF-8, lone surrogates escaped.

    Args:
        path: Appended to; made when it does not exist.

    Raises:
        InputError: It cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file = path.open("ab", buffering=0)
        except OSError as error:
            raise InputError(f"Cannot write {path}: {error.strerror}; choose another folder.") from error

    @property
    def is_new(self) -> bool:
        """Whether nothing has been written to the file yet."""
        return self._file.tell() == 0

    def append(self, entry: str) -> None:
        """Write an entry; after an error or interruption the file is as it was before.

        Raises:
            InputError: The file system takes no more.
        """
        before = self._file.tell()
        rest = memoryview(encoded(entry))
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except BaseException as error:
            os.truncate(self._file.fileno(), before)
            if not isinstance(error, OSError):
                raise
            raise InputError(
                f"{self.path} cannot be written any further: {error.strerror}. The rows so far are kept; "
                "when that is mended, the same command continues."
            ) from error

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class CsvWriter(Journal):
    """Writes results as CSV: one header line, the columns of `table_columns`, empty where unknown.

    Args:
        path: Appended to; a new file gets the header.
        aus: Action Units in the order of the columns.
        graded: Whether there are columns of their intensities, sides and hidden parts.
        zeroed: Whether there are columns of what is read from each person's own zero.
    """

    def __init__(self, path: Path, aus: Sequence[int], *, graded: bool = False, zeroed: bool = False) -> None:
        super().__init__(path)
        self._columns = table_columns(aus, graded=graded, zeroed=zeroed)
        if self.is_new:
            self.append(csv_line(self._columns))

    def write(self, result: Result) -> None:
        """Append the rows of one picture."""
        rows = ([row.get(name, "") for name in self._columns] for row in result.rows())
        self.append("".join(map(csv_line, rows)))


class JsonLinesWriter(Journal):
    """Writes results as JSON lines, as `json_line` makes them."""

    def write(self, result: Result, **more: Any) -> None:
        """Append one picture, and what else is known about it."""
        self.append(json_line(result, **more))


def json_line(result: Result, **more: Any) -> str:
    """Return `Result.to_dict()` of one picture, and what else is known about it, as a line of JSON."""
    return json.dumps(result.to_dict() | more, ensure_ascii=False) + "\n"


def encoded(text: str) -> bytes:
    """Return text as files hold it: UTF-8, lone surrogates escaped."""
    return text.encode("utf-8", "backslashreplace")


def csv_line(cells: Sequence[object]) -> str:
    """Return one line of a CSV file."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()
