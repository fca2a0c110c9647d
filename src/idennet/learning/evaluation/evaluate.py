"""Judge any predictor on the subjects of a face store; the result is counts, and tables are read from it."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idennet import facs
from idennet.errors import InputError, ShapeError
from idennet.learning.evaluation.metrics import Counts, auc, count

Predict = Callable[[NDArray[np.uint8]], NDArray[np.floating]]
"""Takes (n, 128, 128, 3) uint8 RGB faces, returns (n, A) probabilities from 0 to 1."""

BATCH = 64
_OUTCOMES = ("true_positive", "false_positive", "false_negative", "true_negative")


class LabelledFaces(Protocol):
    """What evaluation asks of a face store."""

    @property
    def frames(self) -> pd.DataFrame:
        """One row a face, with its `subject`."""

    def read(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Faces of some rows, (n, 128, 128, 3) uint8 RGB."""

    def labels(self, aus: Sequence[int]) -> NDArray[np.int8]:
        """Occurrence of the Action Units, (N, A) in {1, 0, -1}."""


@dataclass(frozen=True)
class Evaluation:
    """Outcome of one predictor on one set of frames: counts by subject, AUC and thresholds by Action Unit."""

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

    def to_dict(self) -> dict[str, Any]:
        """Return counts, AUC and thresholds as plain lists; every ratio can be computed again from them."""
        fields: dict[str, Any] = {
            "aus": list(self.counts.aus),
            "subjects": list(self.counts.subjects),
            "thresholds": self.thresholds.tolist(),
            "auc": [None if np.isnan(value) else value for value in self.auc],
        }
        return fields | {outcome: getattr(self.counts, outcome).tolist() for outcome in _OUTCOMES}

    def to_json(self, path: Path) -> None:
        """Write what `to_dict` returns."""
        path.write_text(json.dumps(self.to_dict(), indent=1) + "\n")

    @classmethod
    def from_json(cls, path: Path) -> "Evaluation":
        """Read what `to_json` wrote."""
        fields = json.loads(path.read_text())
        outcomes = {outcome: np.array(fields[outcome], dtype=np.int64) for outcome in _OUTCOMES}
        counts = Counts(aus=tuple(fields["aus"]), subjects=tuple(fields["subjects"]), **outcomes)
        return cls(counts, np.array(fields["auc"], dtype=float), np.array(fields["thresholds"], dtype=float))


def evaluate(
    predict: Predict,
    store: LabelledFaces,
    *,
    aus: Sequence[int],
    subjects: Sequence[str] | None = None,
    thresholds: float | Sequence[float] = 0.5,
) -> Evaluation:
    """Run a predictor over a store's faces and count.

    Args:
        predict: Called with batches of uint8 faces; returns probabilities in the order of `aus`.
        store: Faces, subjects and labels.
        aus: Action Units to judge.
        subjects: Only these people; everybody when None.
        thresholds: Present means a probability at or above it; one for all or one an Action Unit. Never
            choose them on the frames that are judged here.

    Raises:
        InputError: A subject is not in the store, or none of its frames is left.
    """
    subject_of_frame = store.frames["subject"].to_numpy(dtype=str)
    rows = np.arange(len(subject_of_frame))
    if subjects is not None:
        strangers = sorted(set(subjects) - set(subject_of_frame))
        if strangers:
            raise InputError(
                f"The store has no subject {strangers[0]!r}; it has {subject_of_frame[0]!r}, ..."
            )
        rows = np.flatnonzero(np.isin(subject_of_frame, list(subjects)))
    if len(rows) == 0:
        raise InputError("There is no frame to evaluate; name at least one subject of the store.")
    probabilities = predictions(predict, store, rows)
    return score(probabilities, store.labels(aus)[rows], subject_of_frame[rows], aus, thresholds)


def predictions(predict: Predict, store: LabelledFaces, rows: NDArray[np.int64]) -> NDArray[np.floating]:
    """Return the probabilities (K, A) that a predictor gives for the faces at `rows` (K,), batch by batch."""
    return np.concatenate([predict(store.read(some)) for some in _chunks(rows)])


def score(
    probabilities: NDArray[np.floating],
    labels: NDArray[np.int8],
    subject_of_frame: Sequence[str] | NDArray[np.str_],
    aus: Sequence[int],
    thresholds: float | Sequence[float] = 0.5,
) -> Evaluation:
    """Judge (N, A) probabilities that are already there against (N, A) labels in {1, 0, -1}.

    Raises:
        ShapeError: The shapes do not belong together.
    """
    if probabilities.ndim != 2 or probabilities.shape[1] != len(aus):
        raise ShapeError(f"Probabilities must be (frames, {len(aus)}), but are {probabilities.shape}.")
    limits = np.broadcast_to(np.asarray(thresholds, dtype=float), len(aus)).copy()
    counts = count(probabilities >= limits, labels, subject_of_frame, aus)
    areas = [auc(probabilities[:, index], labels[:, index]) for index in range(len(aus))]
    return Evaluation(counts, np.array(areas), limits)


def _chunks(rows: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    for start in range(0, len(rows), BATCH):
        yield rows[start : start + BATCH]


def _mean(values: NDArray[np.float64]) -> float:
    return float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")
