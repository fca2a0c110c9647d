"""Which movement is added to which photograph: drawn from its name, so that nothing needs to be recorded."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

Sides = tuple[float, float]
"""Of the subject's left and right."""

MOVED = "~moved"
"""What follows the name of a photograph where a movement was added to it; a number comes after it.

One copy is made of each photograph: two outweighed real faces. Older labels have several.
"""

TOGETHER: tuple[tuple[int, ...], ...] = (
    (1,), (2,), (1, 2), (1, 2), (1, 2, 5), (5,), (4,), (4, 7), (7,), (1, 4),
    (12,), (15,), (1, 15), (4, 15), (17,), (15, 17), (43,), (43,),
)  # fmt: skip
"""Movements that are added at once, each entry as often: alone, surprise, anger, distress, sadness."""

CLEAR = 0.5
"""Strength from which an added movement counts as shown."""

_LEAST = 0.35  # strength
_ONE_SIDED = {2: 0.3, 12: 1.0, 43: 0.6}  # chance; whole smiles are in most photographs anyway
_FURROWED = 0.6  # chance that brows furrow the skin as they move
_LINED = 0.3  # chance that a forehead at rest is lined


@dataclass(frozen=True)
class Movement:
    """What is added to a face.

    Attributes:
        strengths: Of each Action Unit, 0 to 1, by side.
        forehead: How deep the forehead's furrows are, 0 to 1: at the inner ends of the brows, at the outer.
        frown: How deep the furrows between the brows are, 0 to 1.
        seed: Draws the course of the furrows.
    """

    strengths: Mapping[int, Sides] = field(default_factory=dict)
    forehead: tuple[float, float] = (0.0, 0.0)
    frown: float = 0.0
    seed: int = 0


def drawn_movement(name: str) -> Movement:
    """Return what is added to a photograph to make the picture of this name; always the same.

    Brows that move furrow the skin in most faces, not in all; and where no brow moves some foreheads are
    lined all the same, since lines alone are no movement.
    """
    rng = np.random.default_rng(list(hashlib.sha256(name.encode()).digest()))
    strengths = {}
    for au in TOGETHER[rng.integers(len(TOGETHER))]:
        strength, left_only = float(rng.uniform(_LEAST, 1)), rng.random() < 0.5
        is_one_sided = rng.random() < _ONE_SIDED.get(au, 0.0)
        one_side = (strength, 0.0) if left_only else (0.0, strength)
        strengths[au] = one_side if is_one_sided else (strength, strength)
    inner, outer, frown = (max(strengths.get(au, (0.0,))) for au in (1, 2, 4))
    furrowed = rng.random() < (_FURROWED if inner or outer or frown else _LINED)
    lines = (inner, outer, frown) if inner or outer or frown else (*2 * (rng.random(),), rng.random())
    deep = furrowed * rng.uniform(0.4, 1)
    return Movement(strengths, (deep * lines[0], deep * lines[1]), deep * lines[2], int(rng.integers(2**32)))


def copy_of(name: str) -> str:
    """Return the name of the picture that is made of a photograph by adding a movement."""
    return f"{name}{MOVED}1"


def is_moved(name: str) -> bool:
    """Return whether a picture of this name had a movement added."""
    return original(name) != name


def original(name: str) -> str:
    """Return the name of the photograph that a picture was made of; its own if nothing was added."""
    before, mark, number = name.rpartition(MOVED)
    return before if mark and number.isdecimal() else name


def added_to(name: str) -> Mapping[int, Sides]:
    """Return the strengths that were added to the picture of a name; none to a photograph as it was."""
    return drawn_movement(name).strengths if is_moved(name) else {}
