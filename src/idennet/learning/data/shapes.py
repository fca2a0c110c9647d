"""Where a teacher sees the points of aligned faces, and what expression it reads from them.

Unlike the labels of `teach`, these are of a store's crops, in their pixels, so they are read from the crops.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from idennet.errors import InputError
from idennet.files import draft_of
from idennet.learning.data.landmarker import READ_BY_BLENDSHAPES, Landmarked, Landmarker
from idennet.learning.data.store import FaceStore
from idennet.learning.data.teach import values_of
from idennet.learning.data.teacher import VALUES

_LARGER = 2  # crops of 128 pixels to the 256 that the teacher reads
_MARGIN = 96  # pixels about the enlarged face, so that the teacher's finder sees a whole head


@dataclass(frozen=True, eq=False)
class ShapeLabels:
    """A teacher's points of a store's faces.

    Attributes:
        rows: (N,) of the store; faces in which the teacher finds none are missing.
        points: (N, 146, 2) float32, pixels of the crop.
        values: (N, V) float32, what the teacher reads, in the order of `teacher.VALUES`.
        teacher: SHA-256 of the teacher's file.
    """

    rows: NDArray[np.int64]
    points: NDArray[np.float32]
    values: NDArray[np.float32]
    teacher: str

    @classmethod
    def open(cls, file: Path, store: FaceStore) -> "ShapeLabels":
        """Read a file of `save`.

        Raises:
            InputError: It is missing, or of another store.
        """
        if not file.is_file():
            raise InputError(f"There is no {file}; the points of a store's faces are read with a teacher.")
        with np.load(file, allow_pickle=False) as arrays:
            if str(arrays["store"]) != store.digest:
                raise InputError(f"{file} has the points of another store than {store.path}; read them anew.")
            return cls(arrays["rows"], arrays["points"], arrays["values"], str(arrays["teacher"]))

    def save(self, file: Path, store: FaceStore) -> None:
        """Write a NumPy archive that `open` reads."""
        with draft_of(file) as draft, draft.open("wb") as stream:
            np.savez(stream, store=store.digest, **vars(self))


def shapes_of(
    store: FaceStore, folder: Path, landmarker: Landmarker, advance: Callable[[], None] = lambda: None
) -> ShapeLabels:
    """Return the points of a store's faces, kept in `folder` from an earlier call or read now and kept.

    What another teacher read is not taken for this one's.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"points-{store.digest[:12]}-{landmarker.digest[:12]}.npz"
    if not file.is_file():
        read_shapes(store, landmarker, advance).save(file, store)
    return ShapeLabels.open(file, store)


def read_shapes(
    store: FaceStore, landmarker: Landmarker, advance: Callable[[], None] = lambda: None
) -> ShapeLabels:
    """Return the points of a store's faces, read from the crops; about 40 faces a second on a core.

    Args:
        store: Of aligned faces.
        landmarker: The teacher.
        advance: Called after each face.
    """
    found: list[tuple[int, Landmarked]] = []
    for row in range(len(store)):
        if (seen := landmarker(_enlarged(store.read(np.array([row]))[0]))) is not None:
            found.append((row, seen))
        advance()
    points = np.array([seen.points[READ_BY_BLENDSHAPES] for _, seen in found], np.float32)
    values = np.array([values_of(seen) for _, seen in found], np.float32).reshape(-1, len(VALUES))
    points = points.reshape(-1, len(READ_BY_BLENDSHAPES), 2)
    in_crop = ((points - _MARGIN + 0.5) / _LARGER - 0.5).astype(np.float32)
    return ShapeLabels(np.array([row for row, _ in found], np.int64), in_crop, values, landmarker.digest)


def _enlarged(crop: NDArray[np.uint8]) -> NDArray[np.uint8]:
    large = cv2.resize(crop, None, fx=_LARGER, fy=_LARGER, interpolation=cv2.INTER_CUBIC)
    framed = cv2.copyMakeBorder(large, _MARGIN, _MARGIN, _MARGIN, _MARGIN, cv2.BORDER_REPLICATE)
    return np.asarray(framed, np.uint8)
