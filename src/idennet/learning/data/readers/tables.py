"""Small text tables of numbers, with the blank lines, line ends and byte-order marks that data sets have."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from idennet.errors import StoreError


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
    except (OSError, UnicodeDecodeError) as error:
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
        table = np.loadtxt(lines, delimiter=delimiter, dtype=np.float64, ndmin=2)
    except ValueError as error:
        raise damaged(file, error) from error
    if table.shape[1] != width:
        raise damaged(file, f"lines have {table.shape[1]} values instead of {width}")
    return table


def frame_numbers(file: Path, table: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the first column of a table (N, width) as frame numbers.

    Raises:
        StoreError: A number is negative, no whole number, or comes twice.
    """
    frames = table[:, 0].astype(np.int64)
    if (frames != table[:, 0]).any() or (frames < 0).any() or len(np.unique(frames)) != len(frames):
        raise damaged(file, "its first column must have each frame once")
    return frames
