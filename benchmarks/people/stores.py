"""Are people of a store recognised, how many strangers are taken for them, and is that said?"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from idennet.inference.face import SURE
from idennet.people.grouping import group
from idennet.people.population import Population
from idennet.people.recognition import certainty

Asked = tuple[int, int, int, int]
"""How many people are enrolled, by how many pictures each; how many are read, in how many drawings."""

STUDIO: tuple[Asked, ...] = ((1, 1, 1, 200), (2, 1, 3, 100), (5, 1, 20, 40))
PHOTOGRAPHS: tuple[Asked, ...] = ((1, 1, 10, 40), (10, 1, 100, 10), (5, 3, 60, 10), (20, 5, 60, 10))

MOST = 4
"""Pictures of each person that are read, none of them enrolled."""


def judge_stores(
    population: Population,
    embeddings: NDArray[np.float64],
    people: NDArray[np.int64],
    asked: Sequence[Asked],
) -> Mapping[str, Any]:
    """Return how many pictures of enrolled people are found, and how many of strangers are taken for theirs.

    Of both also those that are sure.

    Args:
        population: Of the weights.
        embeddings: (N, D) of photographs.
        people: (N,) whom they show.
        asked: What is tried.
    """
    found = {}
    for enrolled, pictures, read, drawings in asked:
        told = []
        for drawing in range(drawings):
            draw = np.random.default_rng((enrolled, read, drawing))
            there = np.flatnonzero(np.bincount(people) > pictures)
            known = draw.choice(there, enrolled, replace=False)
            others = draw.choice(there, min(read, len(there)), replace=False)
            told += _recognised(population, embeddings, people, known, others, pictures)
        own, sure, right = np.array(told).T
        found[f"{enrolled} enrolled by {pictures}, {read} read"] = {
            "own found": _share(right[own == 1] == 1),
            "own sure": _share((right * sure)[own == 1] == 1),
            "strangers taken for them": _share(right[own == 0] == -1),
            "strangers sure": _share((right * sure)[own == 0] == -1),
            "sure and right": _share(right[sure == 1] == 1),
        }
    return found


def _share(which: NDArray[np.bool_]) -> float | None:
    return round(float(which.mean()), 3) if len(which) else None


def _recognised(
    population: Population,
    embeddings: NDArray[np.float64],
    people: NDArray[np.int64],
    known: NDArray[np.int64],
    read: NDArray[np.int64],
    pictures: int,
) -> list[tuple[bool, bool, int]]:
    """Return for each picture whether its person is enrolled, whether it is sure, and 1, -1 (wrong) or 0."""
    stored = [population.evidence(embeddings[people == one][:pictures]) for one in known]
    rows = np.concatenate([np.flatnonzero(people == one)[pictures * (one in known) :][:MOST] for one in read])
    seen = [population.evidence(embeddings[row]) for row in rows]
    groups = group(population, [*stored, *seen], ["known"] * len(known) + rows.tolist())
    numbers = range(groups.max())
    everybody = [population.nothing() for _ in numbers]
    for number, one in zip((groups - 1).tolist(), [*stored, *seen], strict=True):
        everybody[number] += one
    shared = population.shared_by(everybody)
    owner = dict(zip(groups.tolist(), range(len(known)), strict=False))
    told = []
    for row, evidence, number in zip(rows, seen, groups[len(known) :].tolist(), strict=True):
        if number not in owner:
            told.append((bool(people[row] in known), False, 0))
            continue
        sure = certainty(population, evidence, stored[owner[number]], shared) >= SURE
        right = 1 if people[row] == known[owner[number]] else -1
        told.append((bool(people[row] in known), sure, right))
    return told
