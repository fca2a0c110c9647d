"""Faces that are taken for the neutral pictures' person, and clearly are somebody else's."""

from collections.abc import Sequence

from numpy.typing import ArrayLike

from idennet.people.looks import Look
from idennet.people.population import Evidence, Population
from idennet.people.tracks import Strand, of_track

CLEARLY = -3.0
"""Log odds of "the same person" below which two pictures clearly show different people. Below lie 2.6 % of
5,365 pairs of pictures of one person of LFW and none of 20 of the London set; of the pairs of two people 86 %
of LFW and 66 % of the London set, which was taken in one studio (`synfacs-0.11.0`)."""


class Strangers:
    """Counts the photographed faces and tracks that clearly show somebody else.

    Args:
        population: Of the weights.
        neutral: Looks at the person whom all faces are taken for.
    """

    def __init__(self, population: Population, neutral: Sequence[Look]) -> None:
        self._population = population
        self._person = population.evidence([look.embedding for look in neutral])
        self._tracks: dict[Strand, Evidence] = {}
        self._counted = 0

    def see(self, embedding: ArrayLike, strand: Strand | None) -> None:
        """Add a face, (D,) who it is; what a track says adds up until it ends."""
        seen = self._population.evidence(embedding)
        if strand is None:
            self._counted += self._is_stranger(seen)
        else:
            self._tracks[strand] = self._tracks[strand] + seen if strand in self._tracks else seen

    def end(self, strand: Strand) -> None:
        """Keep of a track only whether it counts."""
        if seen := self._tracks.pop(strand, None):
            self._counted += self._is_stranger(of_track(seen))

    @property
    def count(self) -> int:
        """How many there are so far."""
        return self._counted + sum(self._is_stranger(of_track(seen)) for seen in self._tracks.values())

    def _is_stranger(self, seen: Evidence) -> bool:
        return self._population.same_person(self._person, seen) < CLEARLY
