"""Where faces are in photographs of people: a table for the training of the shot network.

`python -m idennet.learning.training.face_labels --photographs LFW --yunet FILE --mediapipe FILE --out TABLE`
writes Parquet with one row a face. A face that YuNet and MediaPipe see alike and that the landmark network
confirms has the square around its landmarks; what only one of them sees is doubtful.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pandas as pd
import torch

from idennet.errors import InputError
from idennet.faces.boxes import BoxFinder, Pixels
from idennet.faces.crop import Floats, squares_around
from idennet.faces.mediapipe import MediaPipeFinder
from idennet.faces.reading import LandmarkReader
from idennet.faces.yunet import YuNetFinder
from idennet.files import draft_of
from idennet.learning.data.split import held_out
from idennet.media.pictures import read_picture

_POSSIBLE, _SEEN, _CONFIRMED = 0.3, 0.5, 0.7
_NEAR = 0.3  # distance of the middles of two boxes of one face, in sides
_ALIKE = 1.6  # ratio of their sides


class Label(NamedTuple):
    """What may be a face.

    Attributes:
        x: Middle of the square, in pixels.
        y: Middle of the square, in pixels.
        side: Of the square, in pixels.
        agreed: Whether it is a face; else it is doubtful.
        landmarks: 136 numbers, x and y by turns; zeros where it is doubtful.
    """

    x: float
    y: float
    side: float
    agreed: bool
    landmarks: Floats


def labels_of(pixels: Pixels, first: BoxFinder, second: BoxFinder, reader: LandmarkReader) -> list[Label]:
    """Return what may be a face in a picture (H, W, 3).

    Args:
        pixels: The picture.
        first: Proposes down to a score of 0.3.
        second: Another one, likewise.
        reader: Confirms what both propose.
    """
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    ours, theirs = (_squares(finder.find(pixels)) for finder in (first, second))
    reading = reader.read([grey] * len(ours), np.pad(ours[:, :3], ((0, 0), (0, 1))))
    around = squares_around(reading.landmarks)[:, :3]
    labels = []
    for k, square in enumerate(ours):
        others = [other for other in theirs if _same(square, other)]
        agreed = (
            any(min(square[3], other[3]) >= _SEEN for other in others)
            and reading.confidence[k] >= _CONFIRMED
            and _same(square, around[k])
        )
        points = reading.landmarks[k].ravel() if agreed else np.zeros(136, np.float32)
        x, y, side = (float(value) for value in (around[k] if agreed else square)[:3])
        labels.append(Label(x, y, side, agreed, points))
    for other in theirs:
        if not any(_same(square, other) for square in ours):
            x, y, side = (float(value) for value in other[:3])
            labels.append(Label(x, y, side, False, np.zeros(136, np.float32)))
    return labels


def _squares(boxes: Floats) -> Floats:
    """Return middle x, y, side and score of boxes (K, 5)."""
    x0, y0, x1, y1, score = boxes.T
    return np.stack([(x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, score], axis=1).astype(np.float32)


def _same(a: Floats, b: Floats) -> bool:
    larger, smaller = max(a[2], b[2]), min(a[2], b[2])
    return bool(np.hypot(*(a[:2] - b[:2])) < _NEAR * larger and larger < _ALIKE * smaller)


def rows_of(folder: Path, first: BoxFinder, second: BoxFinder) -> Iterator[dict[str, object]]:
    """Yield the rows of the table: what may be a face in the photographs `folder/person/*.jpg`.

    Photographs of held-out people are left out.
    """
    reader = LandmarkReader()
    for file in sorted(folder.glob("*/*.jpg")):
        if not held_out(file.parent.name):
            for label in labels_of(read_picture(file).pixels, first, second, reader):
                yield {"file": file.relative_to(folder).as_posix(), **label._asdict()}


def main() -> None:
    """Write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photographs", type=Path, required=True, help="a folder with one folder a person")
    parser.add_argument("--yunet", type=Path, required=True, help="YuNet's ONNX file")
    parser.add_argument("--mediapipe", type=Path, required=True, help="MediaPipe's face_landmarker.task")
    parser.add_argument("--out", type=Path, required=True, help="the Parquet file to write")
    given = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    first = YuNetFinder(given.yunet, _POSSIBLE)
    second = MediaPipeFinder(given.mediapipe, _POSSIBLE)
    table = pd.DataFrame(rows_of(given.photographs, first, second))
    if table.empty:
        raise InputError(
            f"{given.photographs} has no faces in */*.jpg; give a folder with one folder a person."
        )
    with draft_of(given.out) as draft:
        table.to_parquet(draft)


if __name__ == "__main__":
    main()
