"""Faces on canvases where the eyes lie at chosen places, as in data sets that their authors aligned."""

from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt

from idennet.research.synth.fake_trees.common import FakeFace

Eyes = tuple[tuple[float, float], tuple[float, float]]


def eyes_of(face: FakeFace) -> npt.NDArray[np.float64]:
    """Return the centres (2, 2) of the subject's right eye, left in the picture, and of the left one."""
    points = face.landmarks.astype(np.float64)
    return np.stack([points[36:42].mean(axis=0), points[42:48].mean(axis=0)])


def with_eyes_at(face: FakeFace, width: int, height: int, eyes: Eyes) -> FakeFace:
    """Return the face turned and scaled onto a canvas; the picture's edge goes on to the canvas's.

    Args:
        face: The face.
        width: Of the canvas.
        height: Of the canvas.
        eyes: Where the right and the left eye go.
    """
    (start, end), (goal, goal_end) = eyes_of(face), np.asarray(eyes, np.float64)
    turn = complex(*(goal_end - goal)) / complex(*(end - start))
    linear = np.array([[turn.real, -turn.imag], [turn.imag, turn.real]])
    matrix = np.column_stack([linear, goal - linear @ start])
    canvas = cv2.warpAffine(face.image, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
    landmarks = (face.landmarks @ linear.T + matrix[:, 2]).astype(np.float32)
    return replace(face, image=np.asarray(canvas, np.uint8), landmarks=landmarks)
