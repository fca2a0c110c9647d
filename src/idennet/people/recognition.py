"""How surely a face is that of the person of a store whose number it got.

Whoever was filmed in the same place, or looks alike, comes close to somebody who was enrolled; the odds that
group faces are those against strangers from anywhere. So the certainty is what such odds were worth on people
who were kept aside, strangers of one studio among them: docs/people.md has the table.
"""

from collections.abc import Sequence

import numpy as np

from idennet.models.calibration import sigmoid
from idennet.people.population import Evidence, Floats, Population

MIDDLE, SLOPE = 8.0, 0.5
"""Log odds that are worth a certainty of one half, and the log odds of the certainty that each more adds:
.45 to .64 and 7.5 to 8.1 in two halves of 20 people of a studio and 327 of LFW, with one to five pictures
enrolled (`synfacs-0.6.0`), moved to the side of caution; docs/people.md has what it is worth now."""


def certainty(population: Population, seen: Evidence, stored: Evidence, shared: Floats) -> float:
    """Return how surely somebody who was seen is somebody of a store, 0 to 1.

    Args:
        population: Of the weights.
        seen: What a face or track says.
        stored: What the store says.
        shared: (K,) what the recording adds to all its faces.
    """
    odds = population.same_person(seen.without(shared), stored.without(shared))
    return float(sigmoid(np.array(SLOPE * (odds - MIDDLE))))


def belonging(
    population: Population, evidence: Sequence[Evidence], people: Sequence[int]
) -> list[float | None]:
    """Return how surely each of N faces shows the same person as the others of its group, 0 to 1.

    Args:
        population: Of the weights.
        evidence: What each says.
        people: The group of each, as of `idennet.people.grouping.group`.

    Returns:
        None for those who are alone in their group.
    """
    groups: dict[int, Evidence] = {}
    for one, person in zip(evidence, people, strict=True):
        groups[person] = groups.get(person, population.nothing()) + one
    shared = population.shared_by(groups.values())
    others = [groups[person] - one for one, person in zip(evidence, people, strict=True)]
    return [
        certainty(population, one, rest, shared) if rest.count else None
        for one, rest in zip(evidence, others, strict=True)
    ]
