"""Photographs with movements added: real skin with movements that it never showed.

People in the news smile; they hardly ever raise their brows, frown, wink or open their eyes wide, so
photographs of them teach little about that. A photograph bent so that its brows sit higher differs from the
first in nothing but the brows: the person, the light and the camera are the same. What a teacher says of it
is worth the same as of any photograph, and between the two of them everything constant about the person
falls out.

Neither the paper nor its released code has it. What comes out is a likeness of the movement.
"""

import numpy as np
from numpy.typing import NDArray

from idennet.errors import NoFaceError
from idennet.faces.boxes import Pixels
from idennet.learning.data.movement.bend import SHIFTS, bend, displacements
from idennet.learning.data.movement.drawn import Movement
from idennet.learning.data.movement.furrows import furrow
from idennet.learning.data.movement.lids import shut

EYES_CLOSED = 43

MOVES = (*SHIFTS, EYES_CLOSED)
"""Action Units that can be added."""


def move(pixels: Pixels, landmarks: NDArray[np.floating], movement: Movement) -> Pixels:
    """Return a picture whose face shows Action Units more than it did, and furrows.

    Args:
        pixels: (H, W, 3) uint8 RGB.
        landmarks: (68, 2) of the face in it.
        movement: What is added.

    Returns:
        A new picture of the same size; far from the face it is unchanged.

    Raises:
        ShapeError: `landmarks` is not (68, 2).
        KeyError: An Action Unit is not among `MOVES`.
        NoFaceError: The face cannot move: it lies outside the picture, landmarks coincide, or an eye to
            shut is seen from the side.
    """
    if unknown := set(movement.strengths) - set(MOVES):
        raise KeyError(f"AU{min(unknown)} cannot be added to a photograph.")
    shifts = displacements(landmarks, movement.strengths)
    inside = ((landmarks >= 0) & (landmarks < pixels.shape[1::-1])).all(axis=1)
    if not inside.any() or len(np.unique(landmarks, axis=0)) < len(landmarks):
        raise NoFaceError("The face lies outside the picture or is too small to move.")
    moved, after = bend(pixels, landmarks, shifts), landmarks + shifts
    moved = shut(moved, after, movement.strengths.get(EYES_CLOSED, (0.0, 0.0)))
    return furrow(moved, after, movement.forehead, movement.frown, np.random.default_rng(movement.seed))
