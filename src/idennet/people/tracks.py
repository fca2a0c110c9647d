"""Faces that are followed: what names them, when they have ended, and what many looks at one are worth."""

from collections.abc import Collection, Hashable
from typing import Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from idennet.faces.tracking import MEMORY
from idennet.people.population import Evidence

Box = tuple[float, float, float, float]

Key = TypeVar("Key", bound=Hashable)

SCENE = 0.6
"""Correlation of two looks of one track, beyond the person: same light, pose and camera. Of rendered people
.66 of the variance of a person's embeddings lies between sequences."""


class Strand(NamedTuple):
    """A track, or the part of it that shows one person.

    Attributes:
        source: The clip.
        track: Number of the track in it.
        part: From 0.
    """

    source: str
    track: int
    part: int = 0


class Sighting(NamedTuple):
    """A face in a frame.

    Attributes:
        embedding: (D,) who it is.
        box: x0, y0, x1, y1 in pixels.
        strand: What it is part of; None for a face that nobody followed.
    """

    embedding: NDArray[np.floating]
    box: Box
    strand: Strand | None = None


class Endings(Generic[Key]):
    """Tells when tracks have ended, so that little need be kept of them and a camera may run for weeks."""

    def __init__(self) -> None:
        self._missed: dict[Key, int] = {}

    def after(self, here: Collection[Key]) -> list[Key]:
        """Return the tracks that cannot go on after a frame, given those of its faces."""
        self._missed = {track: missed + 1 for track, missed in self._missed.items()} | dict.fromkeys(here, 0)
        ended = [track for track, missed in self._missed.items() if missed > MEMORY]
        for track in ended:
            del self._missed[track]
        return ended


def worth_of(looks: int) -> float:
    """Return how many pictures of different scenes tell as much as so many looks of one track."""
    return looks / (1 + SCENE * (looks - 1)) if looks else 0.0


def of_track(seen: Evidence) -> Evidence:
    """Return what the looks of one track say together of who it is, from their sum."""
    worth = worth_of(round(seen.count))
    return Evidence(worth, worth / seen.count * seen.total)


def overlap(one: Box, other: Box) -> float:
    """Return the area that two boxes share, as a part of the area that they cover."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return shared / (sum(areas) - shared)
