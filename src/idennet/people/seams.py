"""Where a track goes over to somebody else, at a cut that nobody noticed."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from idennet.people.population import Floats, Population
from idennet.people.tracks import Endings, Strand

ABRUPT = 0.3
"""Variance of the step in identity space where a face changes at once. Between frames of real clips it is .01
(median; .4 at most), between a neutral and a smiling portrait of a person .4 (20 people, `synfacs-0.5.0`).
With .4 here more strangers of one studio would pass for one person; a part too many costs less."""


class Seams:
    """Takes tracks apart where they go over to somebody else: at a cut that nobody noticed.

    That is so where the faces of two frames differ rather as two people do, of one place, than as one person
    whose face changes at once. What the place adds is in both and cancels out. A face that goes back to what
    it was, after a blink, a blurred frame or another cut, is of the same part again.

    Args:
        population: Of the weights that the embeddings come from.
    """

    def __init__(self, population: Population) -> None:
        self.population = population
        self._last: dict[tuple[str, int], list[Floats]] = {}  # of each part; few, as no two are alike
        self._endings = Endings[tuple[str, int]]()

    def strands(self, source: str, faces: Mapping[int, NDArray[np.floating]]) -> dict[int, Strand]:
        """Return the parts of tracks that the faces of the next frame belong to, by track.

        Args:
            source: The clip.
            faces: The identity embedding of each face that is followed, by track.
        """
        strands = {}
        for track, embedding in faces.items():
            place = self.population.evidence(embedding).total
            parts = self._last.setdefault((source, track), [])
            odds = [self._goes_on(place - last) for last in parts]
            part = int(np.argmax(odds)) if max(odds, default=-1.0) >= 0 else len(parts)
            parts[part : part + 1] = [place]
            strands[track] = Strand(source, track, part)
        for ended in self._endings.after([(source, track) for track in faces]):
            del self._last[ended]
        return strands

    def _goes_on(self, step: Floats) -> float:
        """Return the log likelihood ratio of "the same person" against "another", given a step (K,)."""
        other = ABRUPT + 2 * self.population.spread
        return float((np.log(other / ABRUPT) - np.square(step) * (1 / ABRUPT - 1 / other)).sum() / 2)
