"""Scores of probabilities against labels: counts by subject, from which every table is computed."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idennet import facs
from idennet.errors import ShapeError
from idennet.learning.data.store import FaceStore
from idennet.learning.evaluation.metrics import Counts, auc, count

Predict = Callable[[NDArray[np.uint8]], NDArray[np.floating]]
"""Takes (n, 128, 128, 3) uint8 RGB faces, returns (n, A) probabilities from 0 to 1."""

BATCH = 64


@dataclass(frozen=True)
class Scores:
    """What some probabilities are worth: counts by subject, AUC and thresholds by Action Unit."""

    counts: Counts
    auc: NDArray[np.float64]
    thresholds: NDArray[np.float64]

    @property
    def mean_f1(self) -> float:
        """Mean F1-frame over the Action Units for which it is defined."""
        return _mean(self.counts.f1())

    @property
    def mean_auc(self) -> float:
        """Mean AUC over the Action Units for which it is defined."""
        return _mean(self.auc)

    def table(self) -> pd.DataFrame:
        """Return one row an Action Unit and a row `mean`: frames, rate, F1s, AUC, accuracy.

        F1s are NaN for Action Units that no frame shows, so that both means are over the same ones.
        """
        coded = self.counts.coded.sum(1)
        shown = self.counts.positives.sum(1) > 0
        columns = {
            "frames": coded.astype(float),
            "rate": self.counts.positives.sum(1) / np.where(coded, coded, np.nan),
            "f1": np.where(shown, self.counts.f1(), np.nan),
            "f1_all_positive": np.where(shown, self.counts.f1_all_positive(), np.nan),
            "auc": self.auc,
            "accuracy": self.counts.accuracy(),
        }
        table = pd.DataFrame(columns, index=pd.Index(facs.columns(self.counts.aus), name="au"))
        table.loc["mean"] = table.mean()
        return table


def predictions(predict: Predict, store: FaceStore, rows: NDArray[np.int64]) -> NDArray[np.floating]:
    """Return the probabilities (K, A) that a network gives for the faces at `rows` (K,), batch by batch."""
    return np.concatenate([predict(store.read(some)) for some in _chunks(rows)])


def score(
    probabilities: NDArray[np.floating],
    labels: NDArray[np.int8],
    subject_of_frame: Sequence[str] | NDArray[np.str_],
    aus: Sequence[int],
    thresholds: float | Sequence[float] = 0.5,
) -> Scores:
    """Return the scores of (N, A) probabilities against (N, A) labels in {1, 0, -1}.

    Raises:
        ShapeError: The shapes do not belong together.
    """
    if probabilities.ndim != 2 or probabilities.shape[1] != len(aus):
        raise ShapeError(f"Probabilities must be (frames, {len(aus)}), but are {probabilities.shape}.")
    limits = np.broadcast_to(np.asarray(thresholds, dtype=float), len(aus)).copy()
    counts = count(probabilities >= limits, labels, subject_of_frame, aus)
    areas = [auc(probabilities[:, index], labels[:, index]) for index in range(len(aus))]
    return Scores(counts, np.array(areas), limits)


def _chunks(rows: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    for start in range(0, len(rows), BATCH):
        yield rows[start : start + BATCH]


def _mean(values: NDArray[np.float64]) -> float:
    return float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")
