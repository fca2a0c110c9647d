"""Cells of predictions files as text: separators, quotes and decimal commas of other programs.

A cell is never given to another column than its own: a line that does not fit the header is refused.
"""

import csv
import io
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idennet.errors import InputError

_SEPARATORS = (",", ";", "\t", " ")  # a space only where nothing else separates
_COMMA, _POINT = r"[-+]?\d*,\d+(?:[eE][-+]?\d+)?", r"[-+]?\d*\.\d+(?:[eE][-+]?\d+)?"
_EMPTY = ("", "nan", "na")

_ADVICE = "save it with decimal points, a name for each column and no row names (R: row.names = FALSE)"


def read_cells(file: Path, wanted: Callable[[tuple[str, ...]], Collection[str]]) -> pd.DataFrame:
    """Return some columns as stripped text, indexed by the number of the line.

    Commas, semicolons, tabs or spaces may separate; UTF-8 and UTF-16, with or without a byte order mark, are
    read. A first column without a name (the index of pandas) may be there.

    Args:
        file: CSV file.
        wanted: Returns those of the header's names that are needed.

    Raises:
        InputError: The file is no text, two columns share a name, or a line has another number of cells than
            the header.
    """
    source = list(io.StringIO(_text_of(file), newline=""))
    hint = re.fullmatch(r"sep=(.)\s*", source[0]) if source else None  # of Excel
    separator = hint[1] if hint else _separator(source[0] if source else "")
    table = source[1:] if hint else source
    reader = csv.reader(table, delimiter=separator, skipinitialspace=True, strict=True)
    try:
        return _columns(file, _rows(reader, separator == " ", 1 if hint else 0), wanted)
    except csv.Error as error:
        raise InputError(f"{file}, line {reader.line_num}: {error}; save it again as CSV.") from error


def _columns(
    file: Path, rows: Iterable[tuple[int, list[str]]], wanted: Callable[[tuple[str, ...]], Collection[str]]
) -> pd.DataFrame:
    names: tuple[str, ...] = ()
    places: list[int] = []
    lines: list[int] = []
    kept: list[list[str]] = []
    for line, cells in rows:
        if not names:
            names = tuple(cells)
            chosen = wanted(_checked(file, names))
            places = [place for place, name in enumerate(names) if name in chosen]
            nameless = [place for place, name in enumerate(names) if place and not name]
            continue
        if len(cells) != len(names):
            raise InputError(
                f"{file}, line {line}: has {len(cells)} cells, but line 1 has {len(names)} names; {_ADVICE}."
            )
        if filled := next((place for place in nameless if cells[place]), 0):
            raise InputError(f"{file}, line 1: column {filled + 1} has no name; {_ADVICE}.")
        lines.append(line)
        kept.append([cells[place] for place in places])
    if not names:
        raise InputError(f"{file} is empty.")
    return pd.DataFrame(kept, columns=[names[place] for place in places], index=lines, dtype=str)


def _rows(reader: Iterable[list[str]], blanks: bool, skipped: int) -> Iterator[tuple[int, list[str]]]:
    """Yield the lines that say something, each with the number of its first line and with stripped cells."""
    begin = skipped + 1
    for cells in reader:
        if any(map(str.strip, cells)):
            row = [cell.strip() for cell in cells]
            yield begin, row[:-1] if blanks and not row[-1] else row
        begin = skipped + reader.line_num + 1  # type: ignore[attr-defined]


def _checked(file: Path, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names that are there, each once."""
    there = [name for name in names if name]
    if doubled := next((name for number, name in enumerate(there) if name in there[:number]), None):
        raise InputError(f"{file}, line 1: two columns are called {doubled!r}; keep one.")
    return tuple(there)


def numbers_of(cells: pd.Series, file: Path) -> NDArray[np.float64]:
    """Return a column of `read_cells` as numbers; NaN where a cell is empty or says nan or NA.

    A decimal comma is as good as a point.

    Raises:
        InputError: A cell is no number; the sentence names the line.
    """
    with_points = cells.where(~cells.str.fullmatch(_COMMA), cells.str.replace(",", ".", regex=False))
    values = pd.to_numeric(with_points, errors="coerce").to_numpy(np.float64)
    unread = np.isnan(values) & ~cells.str.lower().isin(_EMPTY).to_numpy()
    if (wrong := np.flatnonzero(unread | np.isinf(values))).size:
        line, cell = cells.index[wrong[0]], cells.iloc[wrong[0]]
        raise InputError(f"{file}, line {line}: {cells.name} is {cell!r}, which is no number.")
    return values


def check_decimal_mark(table: pd.DataFrame, file: Path) -> None:
    """Check that numbers have decimal commas or points, not both.

    Raises:
        InputError: Some have commas and some have points, which might separate thousands.
    """
    commas = table.apply(lambda column: column.str.fullmatch(_COMMA)).any(axis=1)
    points = table.apply(lambda column: column.str.fullmatch(_POINT)).any(axis=1)
    if commas.any() and points.any():
        line = table.index[commas][0]
        raise InputError(
            f"{file}, line {line}: has a decimal comma, but other numbers have a point; {_ADVICE}."
        )


def whole_numbers(cells: pd.Series, file: Path) -> NDArray[np.int64]:
    """Return a column of whole numbers, such as those of frames.

    Raises:
        InputError: A cell is anything else, or may have a comma between thousands.
    """
    thousands = cells.str.fullmatch(r"\d{1,3}(,\d{3})+")
    values = numbers_of(cells.where(~thousands, "0.5"), file)
    if (wrong := np.flatnonzero(~(values == np.floor(values)))).size:
        line, cell = cells.index[wrong[0]], cells.iloc[wrong[0]]
        raise InputError(f"{file}, line {line}: {cells.name} is {cell!r}, but must be a whole number.")
    return values.astype(np.int64)


def _text_of(file: Path) -> str:
    content = file.read_bytes()
    encoding = "utf-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise InputError(f"{file} is not UTF-8 text ({error}); save it as UTF-8 CSV.") from error


def _separator(header: str) -> str:
    names = {mark: len(next(csv.reader([header], delimiter=mark), [])) for mark in _SEPARATORS[:-1]}
    best = max(names, key=lambda mark: names[mark])
    return best if names[best] > 1 else _SEPARATORS[-1] if " " in header.strip() else best
