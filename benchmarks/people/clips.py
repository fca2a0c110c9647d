"""Are people told apart in assembled clips, and in folders of photographs?"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from idennet.people.doubts import doubts
from idennet.people.grouping import group
from idennet.people.persons import Persons
from idennet.people.population import Population
from idennet.people.tracks import Sighting, Strand, of_track
from idennet.research.weights.population import Seen

FPS, SHOTS = 10, 8
"""Of assembled clips."""

Scenes = Mapping[int, Sequence[Sequence[int]]]
"""Rows of each person, in scenes: what one track shows."""


def pictures_of(seen: Seen, least: int = 6, together: int = 3) -> Scenes:
    """Return photographs of people who have six, three a scene: harder than a clip, no two are alike."""
    generator = np.random.default_rng(5)
    rows = {one: generator.permutation(np.flatnonzero(seen.people == one)) for one in np.unique(seen.people)}
    return {
        int(one): [own[at : at + together].tolist() for at in range(0, len(own) - 1, together)]
        for one, own in rows.items()
        if len(own) >= least
    }


def sequences_of(seen: Seen, sequences: Sequence[str]) -> Scenes:
    """Return rendered sequences as scenes."""
    table = pd.DataFrame({"person": seen.people, "sequence": sequences})
    scenes: dict[int, list[list[int]]] = {}
    for (person, _), part in table.groupby(["person", "sequence"]):
        scenes.setdefault(int(person), []).append(part.index.tolist())
    return scenes


def assembled(
    scenes: Scenes, people: int, generator: np.random.Generator
) -> Iterator[tuple[float, list[tuple[int, int, tuple[float, float, float, float], int]]]]:
    """Yield frames of a clip: time, and person, row, box and track of each face.

    Eight shots of three to six seconds, each with some of the people in other places; some leave early,
    some come late, all tracks end at cuts.
    """
    cast = generator.choice(list(scenes), people, replace=False).tolist()
    scene = {one: itertools.cycle(generator.permutation(len(scenes[one])).tolist()) for one in cast}
    time, tracks = 0, itertools.count(1)
    for _ in range(SHOTS):
        length = int(generator.integers(30, 60))
        here = generator.permutation(cast)[: int(generator.integers(1, people + 1))].tolist()
        plan = []
        for place, person in zip(generator.permutation(people).tolist(), here, strict=False):
            start, end = 0, length
            chance = generator.random()
            if chance < 0.3:
                end = int(length * generator.uniform(0.4, 0.8))
            elif chance < 0.5:
                start = int(length * generator.uniform(0.2, 0.6))
            plan.append(
                (person, start, end, scenes[person][next(scene[person])], place * 100.0, next(tracks))
            )
        for frame in range(length):
            yield (
                time / FPS,
                [
                    (person, rows[(frame - start) // 5 % len(rows)], (x, 0.0, x + 80, 80.0), track)
                    for person, start, end, rows, x, track in plan
                    if start <= frame < end
                ],
            )
            time += 1


def judge_clips(
    population: Population, embeddings: NDArray[np.float64], scenes: Scenes, clips: int = 40
) -> dict[str, Any]:
    """Return, for two to five people: faces with the right number, switches, fragments, shared numbers."""
    found: dict[str, Any] = {"people": len(scenes)}
    for people, (kind, number) in itertools.product((2, 3, 4, 5), (("online", online), ("whole", whole))):
        judged = []
        for clip in range(clips):
            frames = list(assembled(scenes, people, np.random.default_rng((people, clip))))
            truth = np.array([person for _, faces in frames for person, *_ in faces])
            judged.append(agreement(truth, number(population, embeddings, frames)))
        table = pd.DataFrame(judged)
        found[f"{people} people, {kind}"] = {
            "right": round(float(table["right"].mean()), 3),
            **{name: round(float(table[name].sum() / table["people"].sum()), 3)
               for name in ("switches", "fragments", "shared")},
        }  # fmt: skip
    return found


def online(
    population: Population, embeddings: NDArray[np.float64], frames: Sequence[Any]
) -> NDArray[np.int64]:
    """Return the numbers that are given as the frames come."""
    persons = Persons(population)
    return np.array([
        number
        for time, faces in frames
        for number in persons.assign(
            [Sighting(embeddings[row], box, Strand("", track)) for _, row, box, track in faces], time
        )
    ])  # fmt: skip


def whole(
    population: Population, embeddings: NDArray[np.float64], frames: Sequence[Any]
) -> NDArray[np.int64]:
    """Return the numbers that are given when the whole clip has been seen."""
    looks: dict[int, list[int]] = {}
    shown: dict[int, set[float]] = {}
    for time, faces in frames:
        for _, row, _, track in faces:
            shown.setdefault(track, set()).add(time)
            looks.setdefault(track, [])
            if (len(shown[track]) - 1) % (FPS // 2) == 0:
                looks[track].append(row)
    evidence = [of_track(population.evidence(embeddings[rows])) for rows in looks.values()]
    groups = group(population, evidence, [frozenset(times) for times in shown.values()])
    number = dict(zip(looks, groups.tolist(), strict=True))
    return np.array([number[track] for _, faces in frames for *_, track in faces])


def agreement(truth: NDArray[np.int64], given: NDArray[np.int64]) -> dict[str, float]:
    """Return the share of faces with the number that suits them best, one number a person, and faults."""
    people, who = np.unique(truth, return_inverse=True)
    numbers, which = np.unique(given, return_inverse=True)
    together = np.zeros((len(people), len(numbers)))
    np.add.at(together, (who, which), 1)
    best = linear_sum_assignment(-together)
    return {
        "people": len(people),
        "right": together[best].sum() / together.sum(),
        "switches": sum(int((np.diff(which[who == one]) != 0).sum()) for one in range(len(people))),
        "fragments": int(((together > 0).sum(axis=1) - 1).sum()),
        "shared": int(((together > 0).sum(axis=0) - 1).sum()),
    }


def judge_folders(
    population: Population,
    embeddings: NDArray[np.float64],
    people: NDArray[np.int64],
    sizes: Sequence[int | None],
    turns: int = 20,
) -> dict[str, Any]:
    """Return precision and recall (B-cubed) of grouping photographs, and how often groups are doubtful.

    Doubtful are so many of the groups of several photographs that show several people, and of those that show
    one.

    Args:
        population: Of the weights.
        embeddings: (N, D) of the photographs.
        people: (N,) whom they show.
        sizes: How many people at once, None for all; others are drawn from those with most photographs.
        turns: Drawings of each.
    """
    counts = np.bincount(people)
    often = np.flatnonzero(counts >= min(6, counts.max()))
    found = {}
    for size in sizes:
        judged: list[tuple[float, float, int]] = []
        doubtful: dict[bool, list[bool]] = {True: [], False: []}
        in_one_place: list[bool] = []
        for turn in range(turns if size else 1):
            draw = np.random.default_rng(turn)
            chosen = people if size is None else draw.choice(often, size, replace=False)
            rows = np.flatnonzero(np.isin(people, chosen))
            evidence = [population.evidence(embeddings[row]) for row in rows]
            given, truth = group(population, evidence, rows.tolist()), people[rows]
            told = doubts(population, evidence, given.tolist(), [""] * len(rows))
            in_one_place.append(told.in_one_place)
            for number in np.flatnonzero(np.bincount(given) > 1):
                several = len(np.unique(truth[given == number])) > 1
                doubtful[several].append(number in [one.person for one in told.persons])
            same, alike = truth[:, None] == truth, given[:, None] == given
            both = (same & alike).sum(axis=1)
            judged.append(((both / alike.sum(axis=1)).mean(), (both / same.sum(axis=1)).mean(), len(rows)))
        precision, recall, pictures = np.mean(judged, axis=0)
        found[f"{size or len(np.unique(people))} people"] = {
            "pictures": round(float(pictures)),
            "precision": round(float(precision), 3),
            "recall": round(float(recall), 3),
            "told to be in one place": _part(in_one_place),
            "several people: told": _part(doubtful[True]),
            "one person: told": _part(doubtful[False]),
            "told: several people": _part([True] * sum(doubtful[True]) + [False] * sum(doubtful[False])),
        }
    return found


def _part(flags: Sequence[bool]) -> float | None:
    return round(sum(flags) / len(flags), 2) if flags else None
