"""Who is who, looking at everything at once: faces and tracks are grouped by the odds of one person."""

from collections.abc import Hashable, Sequence
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from idennet.people.population import Evidence, Floats, Population

ROUNDS = 5
"""Groupings that are tried, each without what the recording adds by the one before; the first as they are."""


def chance(others: int) -> float:
    """Return the log odds that one of so many others reaches who is nobody of them: 1 of them by chance."""
    return float(np.log(1 + others))


def group(
    population: Population, evidence: Sequence[Evidence], frames: Sequence[Hashable]
) -> NDArray[np.int64]:
    """Return the person of each of N faces or tracks, from 1 in order of first appearance.

    They are grouped as they are, then without what the recording adds to all of them, as the groups found so
    far tell it (`Population.shared_offset`); the likeliest of these groupings counts. Takes five bytes for
    each pair.

    People who are known from before are given among the others. Theirs may be other recordings, but how far
    somebody lies from them then stays what it was, and those of many places say that nothing is shared.

    Args:
        population: Of the weights that the embeddings come from.
        evidence: What each says about who it is.
        frames: For each face its picture, or for each track the set of frames it is in; what is equal, or
            overlaps, shows different people.
    """
    if not evidence:
        return np.empty(0, int)
    counts = np.array([float(item.count) for item in evidence])
    totals = np.stack([item.total for item in evidence])
    groupings: list[tuple[float, NDArray[np.int64]]] = []
    offset = np.zeros_like(population.spread)
    for _ in range(ROUNDS):
        without = totals - counts[:, None] * offset
        labels = agglomerated(population, counts, without, frames, needed=chance(len(counts)))
        if groupings and np.array_equal(labels, groupings[-1][1]):
            break
        offset, likelihood = _judged(population, counts, totals, labels)
        groupings.append((likelihood, labels))
    best = max(groupings, key=itemgetter(0))[1].tolist()
    first = {label: number for number, label in enumerate(dict.fromkeys(best), start=1)}
    return np.array([first[label] for label in best], int)


def _judged(
    population: Population, counts: Floats, totals: Floats, labels: NDArray[np.int64]
) -> tuple[Floats, float]:
    """Return what the recording adds (K,), given the group of each face, and how likely that grouping is."""
    names, groups = np.unique(labels, return_inverse=True)
    count = np.bincount(groups, counts).astype(float)
    total = np.zeros((len(names), totals.shape[1]))
    np.add.at(total, groups, totals)
    offset, gain = population.shared_offset(count, total)
    likelihood = population.log_likelihood(count, total).sum() + chance(len(counts)) * len(names)
    return offset, float(likelihood) + max(gain, 0.0)


def agglomerated(
    population: Population,
    counts: Floats,
    totals: Floats,
    frames: Sequence[Hashable],
    *,
    needed: float,
    fewest: int = 1,
) -> NDArray[np.int64]:
    """Return a group of each of N faces, named by one of them.

    Greedy agglomeration: the two groups that most likely show one person become one, as long as that is
    likely enough, and no frame shows both.

    Args:
        population: Of the weights that the embeddings come from.
        counts: (N,) pictures of each face.
        totals: (N, K) sums of their places.
        frames: As for `group`.
        needed: Log odds above which two groups become one.
        fewest: So many groups are left at least.
    """
    counts, totals, apart = counts.copy(), totals.copy(), _apart(frames)
    alone = population.log_likelihood(counts, totals)
    alive = np.ones(len(counts), bool)
    labels = np.arange(len(counts))

    def gains(at: int) -> NDArray[np.float64]:
        together = population.log_likelihood(counts + counts[at], totals + totals[at])
        found = together - alone - alone[at]
        found[~alive | apart[at]] = -np.inf
        return found

    pairs = np.empty(apart.shape, np.float32)
    for row in range(len(counts)):
        pairs[row] = gains(row)
    best = pairs.argmax(axis=1)
    value = pairs.max(axis=1)
    while value.max() > needed and alive.sum() > fewest:
        kept = int(value.argmax())
        gone = int(best[kept])
        counts[kept] += counts[gone]
        totals[kept] += totals[gone]
        alone[kept] = population.log_likelihood(counts[kept], totals[kept])
        apart[kept] |= apart[gone]
        apart[:, kept] |= apart[:, gone]
        labels[labels == gone] = kept
        alive[gone], value[gone] = False, -np.inf
        pairs[:, gone] = -np.inf
        pairs[kept] = pairs[:, kept] = gains(kept)
        for at in np.flatnonzero(alive & (np.isin(best, (kept, gone)) | (pairs[:, kept] > value))):
            best[at] = pairs[at].argmax()
            value[at] = pairs[at, best[at]]
    return labels


def _apart(frames: Sequence[Hashable]) -> NDArray[np.bool_]:
    """Return (N, N) whether two are seen in one frame; each is apart from itself."""
    where: dict[Hashable, list[int]] = {}
    for at, given in enumerate(frames):
        for frame in given if isinstance(given, frozenset) else (given,):
            where.setdefault(frame, []).append(at)
    apart = np.eye(len(frames), dtype=bool)
    for together in where.values():
        apart[np.ix_(together, together)] = True
    return apart
