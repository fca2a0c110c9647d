"""Faces to fill a fake tree with, and the list of what a writer put where.

No code is shared with the readers, and what a writer returns is what it knew before it wrote: reader and
writer can only agree by both following the data set's layout.
"""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from idennet.facs import column
from idennet.synth.corpora import SAMPLE
from idennet.synth.generate import SubjectRenderer

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Shot:
    """A labelled picture of a face.

    Attributes:
        image: (H, W, 3) uint8 RGB.
        landmarks: (68, 2) pixels.
        occurrences: 1, 0, or -1 for a trace, of each Action Unit.
        intensities: 0 to 1 of each Action Unit.
    """

    image: npt.NDArray[np.uint8]
    landmarks: FloatArray
    occurrences: Mapping[int, int]
    intensities: Mapping[int, float]

    @property
    def eyes(self) -> FloatArray:
        """(2, 2) centres of the subject's right eye, left in the picture, and of the left one."""
        return np.stack([self.landmarks[36:42].mean(axis=0), self.landmarks[42:48].mean(axis=0)])


Faces = Callable[[int, int], list[Shot]]
"""Returns some pictures of a subject, given the subject's number and how many; the same ones always."""


@dataclass(frozen=True)
class Written:
    """One labelled picture of a fake tree, as a correct reader has to understand it.

    Attributes:
        subject: Without the name of the corpus.
        sequence: As the reader calls it.
        frame: Its number.
        file: Where the picture is, or would be.
        labels: Occurrence of the Action Units that are coded.
        intensities: Intensity of those that have one.
        eyes: (2, 2) pixels where the tree tells them, else None.
        exists: Whether the picture is there; data sets lack some.
    """

    subject: str
    sequence: str
    frame: int
    file: Path
    labels: Mapping[int, int] = field(default_factory=dict)
    intensities: Mapping[int, float] = field(default_factory=dict)
    eyes: FloatArray | None = None
    exists: bool = True


class RenderedFaces:
    """Renders the pictures of subjects who do not exist.

    Args:
        face_model: NPZ of the face model; by default the one that `IDENNET_FACE_MODEL` names.
        seed: Another seed gives other people.
    """

    def __init__(self, face_model: Path | None = None, seed: int = 0) -> None:
        self._face_model, self._seed = face_model, seed

    def __call__(self, subject: int, count: int) -> list[Shot]:
        """Return `count` pictures of a subject."""
        changes = {"seed": self._seed, "frames_per_subject": count, "subjects": subject + 1}
        table = SubjectRenderer(SAMPLE.model_copy(update=changes), self._face_model).table(subject)
        return [
            Shot(
                image=np.asarray(Image.open(io.BytesIO(row["image"]))),
                landmarks=np.asarray(row["landmarks"], np.float64).reshape(68, 2),
                occurrences={au: int(row[column(au)]) for au in SAMPLE.aus},
                intensities={au: float(row[f"{column(au)}_intensity"]) for au in SAMPLE.aus},
            )
            for row in table.to_dict("records")
        ]


def place(shot: Shot, size: tuple[int, int], eyes: tuple[tuple[float, float], tuple[float, float]]) -> Shot:
    """Return the picture turned and scaled onto a canvas.

    Args:
        shot: The picture.
        size: Width and height of the canvas; its margin repeats the picture's edge.
        eyes: Where the right and the left eye go, in pixels of the canvas.
    """
    (start, end), (goal, goal_end) = shot.eyes, np.asarray(eyes, np.float64)
    run, goal_run = complex(*(end - start)), complex(*(goal_end - goal))
    turn = goal_run / run
    linear = np.array([[turn.real, -turn.imag], [turn.imag, turn.real]])
    matrix = np.column_stack([linear, goal - linear @ start])
    image = np.asarray(cv2.warpAffine(shot.image, matrix, size, borderMode=cv2.BORDER_REPLICATE), np.uint8)
    return Shot(image, shot.landmarks @ linear.T + matrix[:, 2], shot.occurrences, shot.intensities)


def write_picture(file: Path, image: npt.NDArray[np.uint8]) -> None:
    """Write a picture (H, W, 3) or grey (H, W) uint8, in the format that the name tells."""
    file.parent.mkdir(parents=True, exist_ok=True)
    bgr = image[..., ::-1] if image.ndim == 3 else image
    file.write_bytes(cv2.imencode(file.suffix, bgr)[1].tobytes())


def write_text(file: Path, text: str) -> None:
    """Write a text file byte by byte as given: no line end is translated."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text.encode())
