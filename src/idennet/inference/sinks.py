"""Tables on disk: CSV and JSON, written row by row while pictures stream, and put in place at the end.

Both write to a temporary neighbour first. `close` gives it its name; without it no file appears, so a
file with the final name is always complete.
"""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from idennet import __version__
from idennet.errors import InputError
from idennet.facs import columns
from idennet.inference.result import Result, table_columns

JSON_SCHEMA = "idennet-results/1"


class _Sink:
    """A text file that appears under its name only when it is complete."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._part = path.with_name(f".{path.name}.part")
        try:
            self._file = self._part.open("w", encoding="utf-8", newline="")
        except OSError as error:
            raise InputError(f"Cannot write {path}: {error.strerror}; choose another folder.") from error

    def close(self) -> None:
        """Finish the file and give it its name, in place of an older one."""
        self._file.close()
        self._part.replace(self.path)

    def discard(self) -> None:
        """Remove what was written; an older file of that name stays."""
        self._file.close()
        self._part.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.discard()


class CsvSink(_Sink):
    """Writes results as CSV: UTF-8, one header line, the columns of `table_columns`, empty where unknown.

    Args:
        path: File to write.
        aus: Action Units in the order of the columns.
    """

    def __init__(self, path: Path, aus: Sequence[int]) -> None:
        super().__init__(path)
        self._writer = csv.DictWriter(self._file, table_columns(aus), restval="", lineterminator="\n")
        self._writer.writeheader()

    def write(self, result: Result) -> None:
        """Append the rows of one picture."""
        self._writer.writerows(result.rows())


class JsonSink(_Sink):
    """Writes results as one JSON object with a header and a list `pictures` of `Result.to_dict()`.

    Args:
        path: File to write.
        aus: Action Units of the network.
        model_version: Version of the weights.
    """

    def __init__(self, path: Path, aus: Sequence[int], model_version: str) -> None:
        super().__init__(path)
        header = {
            "schema": JSON_SCHEMA,
            "idennet": __version__,
            "model_version": model_version,
            "aus": columns(aus),
        }
        self._file.write(json.dumps(header, indent=1)[:-2] + ',\n "pictures": [')
        self._separator = "\n"

    def write(self, result: Result) -> None:
        """Append one picture."""
        self._file.write(self._separator + json.dumps(result.to_dict(), ensure_ascii=False))
        self._separator = ",\n"

    def close(self) -> None:
        """Finish the file and give it its name, in place of an older one."""
        self._file.write("\n]}\n")
        super().close()
