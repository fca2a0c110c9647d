"""What zeros do on photographs of people who have several: against the values of a teacher."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata, spearmanr

from benchmarks.people.zeros import zeroed
from idennet.facs import columns
from idennet.people.population import Population
from idennet.research.weights.population import Seen

LEAST_PICTURES = 8


TEACHER = {
    1: ("browInnerUp",),
    2: ("browOuterUpLeft", "browOuterUpRight"),
    4: ("browDownLeft", "browDownRight"),
    5: ("eyeWideLeft", "eyeWideRight"),
    7: ("eyeSquintLeft", "eyeSquintRight"),
    12: ("mouthSmileLeft", "mouthSmileRight"),
    15: ("mouthFrownLeft", "mouthFrownRight"),
    17: ("mouthShrugLower",),
    25: ("lip_gap",),
    26: ("jawOpen",),
    43: ("eyeBlinkLeft", "eyeBlinkRight"),
}
"""Values of MediaPipe's face landmarker that rank photographs; the mean of both sides counts."""


def judge_photographs(
    population: Population, seen: Seen, names: Sequence[str], teacher: Path
) -> dict[str, Any]:
    """Return the share of people in the variance, and agreement with the teacher, by way and Action Unit."""
    values = teacher_values(teacher, population.card.aus).reindex(names).to_numpy()
    counts = np.bincount(seen.people)
    rows = np.flatnonzero((counts[seen.people] >= LEAST_PICTURES) & np.isfinite(values).any(axis=1))
    people = np.unique(seen.people[rows], return_inverse=True)[1]
    spread = np.nanstd(values[rows], axis=0)
    labels = np.full(seen.labels.shape, -1, np.int8)
    for person in np.unique(people):  # the teacher's calmest picture stands in for a neutral one
        own = rows[people == person]
        labels[own[np.nansum(values[own] / spread, axis=1).argmin()]] = 0
    some = Seen(seen.embeddings[rows], seen.logits[rows], labels[rows], people)
    after = {"raw": some.logits} | zeroed(population, some, every=1)
    relative = values[rows] - pd.DataFrame(values[rows]).groupby(people).transform("median").to_numpy()
    found: dict[str, Any] = {"people": int(people.max() + 1), "pictures": len(rows), "by AU": {}}
    draws = np.random.default_rng(0).integers(0, people.max() + 1, (500, people.max() + 1))
    chosen = [np.concatenate([np.flatnonzero(people == one) for one in draw]) for draw in draws]
    drawn = [np.repeat(np.arange(len(draw)), np.bincount(people)[draw]) for draw in draws]
    for at, au in enumerate(columns(population.card.aus)):
        if not np.isfinite(values[rows, at]).all():
            continue
        row: dict[str, Any] = {}
        for way, logits in after.items():
            finite = np.isfinite(logits[:, at])
            row[way] = {
                "share": round(person_share(logits[finite, at], people[finite]), 3),
                "agreement": round(float(spearmanr(logits[finite, at], relative[finite, at])[0]), 3),
            }
        for way in ("whole", "identity"):
            gains = [
                (
                    person_share(after[way][take, at], who) - person_share(some.logits[take, at], who),
                    rho(after[way][take, at], relative[take, at])
                    - rho(some.logits[take, at], relative[take, at]),
                )
                for take, who in zip(chosen, drawn, strict=True)
            ]
            low, high = np.quantile(gains, (0.025, 0.975), axis=0)
            row[way] |= {
                "share gain": [round(float(low[0]), 3), round(float(high[0]), 3)],
                "agreement gain": [round(float(low[1]), 3), round(float(high[1]), 3)],
            }
        found["by AU"][au] = row
    return found


def teacher_values(file: Path, aus: Sequence[int]) -> pd.DataFrame:
    """Return a teacher's values by picture, NaN for Action Units that it cannot judge."""
    table = pd.read_parquet(file).set_index("picture")
    return pd.DataFrame(
        {au: table[list(TEACHER[au])].mean(axis=1) if au in TEACHER else np.nan for au in aus}
    )


def rho(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Return Spearman's correlation."""
    return float(np.corrcoef(rankdata(one), rankdata(other))[0, 1])


def person_share(values: NDArray[np.float64], people: NDArray[np.int64]) -> float:
    """Return which share of the variance lies between people, ICC(1)."""
    number = people.max() + 1
    counts = np.bincount(people, minlength=number)
    means = np.bincount(people, values, number) / counts
    within = np.square(values - means[people]).sum() / (len(values) - number)
    between = (counts * np.square(means - values.mean())).sum() / (number - 1)
    usual = (counts.sum() - np.square(counts).sum() / counts.sum()) / (number - 1)
    return float((between - within) / (between + (usual - 1) * within))
