"""What each way to find a person's zero does to Action Units of rendered sequences."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.people.scores import difference, false_alarms, mean_auc, mean_f1, told, won
from idennet.facs import columns
from idennet.learning.evaluation.intervals import Bootstrap
from idennet.models.calibration import logits_of, sigmoid
from idennet.people.population import Population
from idennet.people.tracks import of_track
from idennet.people.zero import RunningZero, identity_zero, neutral_zero, whole_zero
from idennet.research.weights.population import Seen

WAYS = ("neutral", "running", "whole", "identity", "mean removed")

EVERY = 2
"""Of the frames of a sequence, a fifth of a second apart, so many are one look."""


def zeroed(population: Population, seen: Seen, *, every: int) -> dict[str, NDArray[np.float64]]:
    """Return (N, A) logits by way; "neutral" is NaN for people without a neutral face, and for that face."""
    probs = sigmoid(seen.logits)
    found = {way: np.full_like(probs, np.nan) for way in WAYS}
    for person in np.unique(seen.people):
        rows = np.flatnonzero(seen.people == person)
        own, looks = probs[rows], rows[::every]
        found["whole"][rows] = whole_zero(population.rest, probs[looks]).take_from(own)
        evidence = population.evidence(seen.embeddings[looks])
        if every > 1:  # frames of three sequences
            evidence = sum(
                (of_track(population.evidence(part)) for part in np.array_split(seen.embeddings[looks], 3)),
                population.nothing(),
            )
        found["identity"][rows] = identity_zero(population, evidence, len(looks)).take_from(own)
        running = RunningZero(population.rest)
        for row in rows:
            if row in looks:
                running.look(probs[row])
            found["running"][row] = running.zero.take_from(probs[[row]])[0]
        found["mean removed"][rows] = sigmoid(
            seen.logits[rows] - seen.logits[rows].mean(axis=0) + population.rest.usual
        )
        neutral = rows[(seen.labels[rows] == 0).sum(axis=1) >= seen.labels.shape[1] - 2]
        neutral = neutral[(seen.labels[neutral] != 1).all(axis=1)][:1]
        if len(neutral):
            others = rows[rows != neutral[0]]
            found["neutral"][others] = neutral_zero(population.rest, probs[neutral]).take_from(probs[others])
    return {way: logits_of(values) for way, values in found.items()}


def judge_sequences(population: Population, seen: Seen) -> dict[str, Any]:
    """Return AUC and F1 of each way, and the difference that it makes, with intervals by person."""
    found = {}
    for way, logits in zeroed(population, seen, every=EVERY).items():
        rows = np.isfinite(logits).all(axis=1)
        people = np.unique(seen.people[rows], return_inverse=True)[1]
        labels = seen.labels[rows]
        before = won(seen.logits[rows], labels, people)
        after = won(logits[rows], labels, people)
        interval = Bootstrap().interval(
            lambda weights, one=before, other=after: difference(weights, one, other),
            [np.arange(people.max() + 1)],
        )
        found[way] = {
            "people": int(people.max() + 1),
            "auc before": mean_auc(before),
            "auc": mean_auc(after),
            "f1 before": mean_f1(seen.logits[rows], labels),
            "f1": mean_f1(logits[rows], labels),
            "false alarms before": false_alarms(seen.logits[rows], labels),
            "false alarms": false_alarms(logits[rows], labels),
            "difference": told(interval, [*columns(population.card.aus), "mean"]),
        }
    return found


def always_smiling(population: Population, seen: Seen) -> dict[str, float]:
    """Return how often AU12 is read in people of whom only their smiles are shown, before and after."""
    au = population.card.aus.index(12)
    smiles = seen.labels[:, au] == 1
    people, counts = np.unique(seen.people[smiles], return_counts=True)
    kept = smiles & np.isin(seen.people, people[counts >= 6])
    shown = Seen(
        seen.embeddings[kept], seen.logits[kept], seen.labels[kept],
        np.unique(seen.people[kept], return_inverse=True)[1],
    )  # fmt: skip
    after = zeroed(population, shown, every=1)
    return {
        "people": int(shown.people.max() + 1),
        "raw": round(float((shown.logits[:, au] >= 0).mean()), 3),
        **{way: round(float((after[way][:, au] >= 0).mean()), 3) for way in WAYS[1:]},
    }


def settling(population: Population, seen: Seen) -> dict[str, float]:
    """Return which share of the Action Units has settled after so many looks, mean over people."""
    shares: dict[int, list[float]] = {}
    for person in np.unique(seen.people):
        running = RunningZero(population.rest)
        for count, look in enumerate(sigmoid(seen.logits[seen.people == person]), start=1):
            running.look(look)
            shares.setdefault(count, []).append(running.zero.settled.mean())
    return {str(count): round(float(np.mean(shares[count])), 3) for count in (1, 3, 6, 12, 24, 36)}
