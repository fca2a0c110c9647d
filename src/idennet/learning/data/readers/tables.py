"""Small text tables of numbers, with the blank lines, line ends and byte-order marks that data sets have."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from idennet.errors import StoreError

_LONGEST_SHOWN = 60


def damaged(file: Path, why: object) -> StoreError:
    """Return the error that names a damaged file."""
    return StoreError(f"{file} is damaged ({str(why).rstrip('.')}); copy it again.")


def read_lines(file: Path) -> list[str]:
    """Return the lines of a text file, stripped, without blank ones.

    Raises:
        StoreError: The file cannot be read as text.
    """
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise damaged(file, "it is no text") from error
    except OSError as error:
        raise damaged(file, error) from error
    return [line.strip() for line in lines if line.strip()]


def read_numbers(
    file: Path, lines: Sequence[str], width: int, delimiter: str | None = ","
) -> NDArray[np.float64]:
    """Return lines of a file as (N, width) numbers; `delimiter` None is white space.

    Raises:
        StoreError: There is no line, a cell is no number, or a line has another number of cells.
    """
    if not lines:
        raise damaged(file, "it has no lines of numbers")
    try:
        table = np.loadtxt(lines, delimiter=delimiter, dtype=np.float64, ndmin=2, comments=None)
    except ValueError as error:
        raise damaged(file, _first_fault(lines, width, delimiter)) from error
    if table.shape[1] != width:
        raise damaged(file, _first_fault(lines, width, delimiter))
    return table


def _first_fault(lines: Sequence[str], width: int, delimiter: str | None) -> str:
    """Return what is wrong with the first line that is not `width` numbers."""
    for line in lines:
        cells = line.split(delimiter)
        shown = repr(line if len(line) <= _LONGEST_SHOWN else f"{line[:_LONGEST_SHOWN]}...")
        if len(cells) != width:
            return f"the line {shown} has {len(cells)} values instead of {width}"
        if wrong := [cell for cell in cells if not _is_number(cell)]:
            return f"{wrong[0].strip()!r} in the line {shown} is no number"
    return "its lines are no numbers"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def frame_numbers(file: Path, table: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the first column of a table (N, width) as frame numbers.

    Raises:
        StoreError: A number is negative, no whole number, or comes twice.
    """
    frames = table[:, 0].astype(np.int64)
    if (frames != table[:, 0]).any() or (frames < 0).any() or len(np.unique(frames)) != len(frames):
        raise damaged(file, "its first column must have each frame once")
    return frames
