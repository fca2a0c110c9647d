"""Whether each of the persons that photographs were grouped into may be several people."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from idennet.people.grouping import agglomerated, chance
from idennet.people.population import Evidence, Population

CLEAR, CLEAR_IN_ONE_PLACE = 2.0, 8.0
"""Log odds, above those that are needed to be grouped, from which a person's two most unlike parts clearly
show one person. Chosen on the drawings of docs/people.md, which has what that tells: of the groups that show
several people more than half, in one studio three quarters, and of those that show one 21 % and 9 %."""


class Doubt(NamedTuple):
    """A person who may be several people.

    Attributes:
        person: The number of the group.
        faces: How many it has.
        one: What the first face of its smaller part is called, of the two that are most unlike.
        other: The same of the larger part.
    """

    person: int
    faces: int
    one: str
    other: str


class Doubts(NamedTuple):
    """What is doubtful about a grouping.

    Attributes:
        persons: Those who may be several people, the most doubtful first.
        in_one_place: Whether all faces have something in common, as those of one studio do, so that different
            people are easily grouped, and any are grouped.
    """

    persons: tuple[Doubt, ...]
    in_one_place: bool


def doubts(
    population: Population, evidence: Sequence[Evidence], people: Sequence[int], names: Sequence[str]
) -> Doubts:
    """Return what is doubtful about a grouping of N faces.

    Args:
        population: Of the weights.
        evidence: What each face says.
        people: The group of each, as of `idennet.people.grouping.group`.
        names: What each face is called.
    """
    groups: dict[int, list[int]] = {}
    for at, person in enumerate(people):
        groups.setdefault(person, []).append(at)
    totals = [sum((evidence[at] for at in members), population.nothing()) for members in groups.values()]
    shared = population.shared_by(totals if len(totals) > 1 else ())  # one person is no place
    in_one_place = bool(shared.any())
    clear = chance(len(evidence)) + (CLEAR_IN_ONE_PLACE if in_one_place else CLEAR)
    found = []
    for person, members in groups.items():
        if len(members) > 1:
            odds, one, other = _parts(population, [evidence[at].without(shared) for at in members])
            if odds < clear:
                found.append((odds, Doubt(person, len(members), names[members[one]], names[members[other]])))
    return Doubts(tuple(doubt for _, doubt in sorted(found)), in_one_place and len(groups) < len(evidence))


def _parts(population: Population, evidence: Sequence[Evidence]) -> tuple[float, int, int]:
    """Return how likely the two most unlike parts of N faces show one person, and the first face of each."""
    counts = np.array([float(one.count) for one in evidence])
    totals = np.stack([one.total for one in evidence])
    labels = agglomerated(population, counts, totals, range(len(evidence)), needed=-np.inf, fewest=2)
    halves = sorted((np.flatnonzero(labels == label) for label in np.unique(labels)), key=len)
    one, other = (Evidence(counts[half].sum(), totals[half].sum(axis=0)) for half in halves)
    return population.same_person(one, other), int(halves[0][0]), int(halves[1][0])
