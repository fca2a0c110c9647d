"""The label and landmark files that BP4D and BP4D+ share.

Occurrence files have a header, and their columns differ between the two data sets, so columns are looked up;
intensity files have none. Frames count from 1; code 9 means not coded.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from idennet import facs
from idennet.errors import MissingExtraError
from idennet.learning.data.readers.point_sets import as_68
from idennet.learning.data.readers.tables import damaged, frame_numbers, read_lines, read_numbers

if TYPE_CHECKING:
    import h5py

NOT_CODED = 9
_OCCURRENCE = {0.0: 0, 1.0: 1, float(NOT_CODED): facs.MISSING}
_FIRST_PIXEL = 1  # MATLAB counts pixels from 1


@dataclass(frozen=True)
class Codes:
    """Occurrences of one recording.

    Attributes:
        frames: (N,) frame numbers.
        labels: (N,) 1, 0 or -1 of each Action Unit that the file has a column of.
        occluded: (N,) whether the last column is 1, which OpenFace's scripts take for an occluded face.
    """

    frames: NDArray[np.int64]
    labels: Mapping[int, NDArray[np.int8]]
    occluded: NDArray[np.bool_]


def read_codes(file: Path) -> Codes:
    """Read an occurrence file such as `AU_OCC/F001_T1.csv`.

    Raises:
        StoreError: The file has no header, no rows, doubled frames, or a code other than 0, 1 and 9.
    """
    lines = read_lines(file)
    header = [cell.strip().strip('"') for cell in lines[0].split(",")] if lines else []
    columns = {int(cell): column for column, cell in enumerate(header) if column and cell.isdecimal()}
    if not columns or len(columns) != sum(cell.isdecimal() for cell in header[1:]):
        raise damaged(file, "its first line must name each Action Unit once")
    table = read_numbers(file, lines[1:], len(header))
    labels = {}
    for au, column in columns.items():
        if au in facs.NAMES:
            if unknown := sorted(set(table[:, column]) - _OCCURRENCE.keys()):
                raise damaged(file, f"AU{au} has the code {unknown[0]:g}, but 0, 1 and 9 are allowed")
            labels[au] = np.array([_OCCURRENCE[code] for code in table[:, column]], np.int8)
    return Codes(frame_numbers(file, table), labels, table[:, -1] == 1)


def read_intensities(file: Path) -> dict[int, float]:
    """Return the intensity, 0 to 5, of each frame in a file such as `AU_INT/AU06/F001_T1_AU06.csv`.

    NaN stands for frames that the file lists as not coded.

    Raises:
        StoreError: A line has not two numbers, a frame comes twice, or an intensity is not 0 to 5 or 9.
    """
    table = read_numbers(file, read_lines(file), 2)
    frames, intensities = frame_numbers(file, table), table[:, 1]
    coded = intensities != NOT_CODED
    if not ((intensities >= 0) & (intensities <= 5) | ~coded).all():
        raise damaged(file, "intensities must be from 0 to 5, or 9")
    return dict(zip(frames.tolist(), np.where(coded, intensities, np.nan).tolist(), strict=True))


class TrackedPoints:
    """The 49 tracked points of a recording, from a file such as `2DFeatures/F001_T1.mat` (HDF5).

    Use it as a context: it keeps the file open.
    """

    def __init__(self, file: Path) -> None:
        """Keep the path.

        Raises:
            MissingExtraError: The package that reads these files is not installed.
        """
        try:
            import h5py
        except ImportError as error:
            raise MissingExtraError("Reading the landmarks of BP4D and BP4D+", "learn") from error
        self._open = h5py.File
        self._path = file

    def __enter__(self) -> "TrackedPoints":
        try:
            self._file: h5py.File = self._open(self._path, "r")
        except OSError as error:
            raise damaged(self._path, error) from error
        entries = self._file.get("fit/pred")
        if entries is None or entries.dtype.kind != "O":
            self._file.close()
            raise damaged(self._path, "it has no references fit/pred to the points of each frame")
        self._entries = np.asarray(entries).ravel()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def at(self, frame: int) -> NDArray[np.float32] | None:
        """Return (68, 2) pixels, NaN for points that are not tracked, or None where tracking failed."""
        if not 1 <= frame <= len(self._entries) or not self._entries[frame - 1]:
            return None
        points = np.asarray(self._file[self._entries[frame - 1]], dtype=np.float64)
        full = as_68(points.T if points.shape[0] == 2 else points)
        return None if full is None else full - np.float32(_FIRST_PIXEL)
