"""Outcome of one system under one protocol: scores over folds, tables with intervals by subject.

F1-frame comes in two ways that differ when Action Units are rarer in one fold than in another: *averaged*
(the F1 of each fold, then the mean over folds; most papers) and *pooled* (one F1 over all folds' frames).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idennet import facs
from idennet.learning.data.provenance import Provenance
from idennet.learning.evaluation.conditions import ConditionResult
from idennet.learning.evaluation.fold_results import FoldResult, f1_all_positive, f1_if_shown
from idennet.learning.evaluation.intervals import Bootstrap, Interval, Statistic, Weights
from idennet.learning.evaluation.protocols import Protocol


@dataclass(frozen=True)
class ProtocolResult:
    """What a system did on every fold of a protocol.

    Attributes:
        protocol: How it was trained and judged.
        system: Name of the system: weights, recipe or tool.
        folds: One result a fold.
        stores: Digest of each face store that was used, by corpus.
        remarks: Sentences that a reader of the scores must know.
        provenance: What each of these stores is, by corpus.
        conditions: What conditions of pictures do to all Action Units that the system predicts.
        weights: SHA-256 of the weights, one a file; none of another tool.
        unreliable_aus: Action Units that the system is known to read unreliably.
        faces: How many test faces entered the scores; 0 where nobody counted.
        left_out: Name and reason of the test faces and pictures that did not.
        partial: Whether missing subjects, Action Units or folds were accepted.
    """

    protocol: Protocol
    system: str
    folds: tuple[FoldResult, ...]
    stores: Mapping[str, str] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    provenance: Mapping[str, Provenance] = field(default_factory=dict)
    conditions: tuple[ConditionResult, ...] = ()
    weights: tuple[str, ...] = ()
    unreliable_aus: tuple[int, ...] = ()
    faces: int = 0
    left_out: tuple[tuple[str, str], ...] = ()
    partial: bool = False

    @property
    def is_comparable(self) -> bool:
        """Whether all stores are complete licensed data, the only kind that published numbers are about."""
        return bool(self.provenance) and all(one.is_comparable for one in self.provenance.values())

    @property
    def data(self) -> str:
        """What was learnt from and judged on: `bp4d: fake tree, 12 of 41 subjects; disfa: ...`."""
        return "; ".join(f"{corpus}: {one}" for corpus, one in self.provenance.items())

    @property
    def aus(self) -> tuple[int, ...]:
        """Action Units that were scored, in order."""
        return self.protocol.aus

    def restricted_to(self, aus: Sequence[int]) -> "ProtocolResult":
        """Return the result of some of the Action Units, in the given order; its mean is theirs."""
        at = [self.aus.index(au) for au in aus]
        folds = tuple(one.restricted_to(at) for one in self.folds)
        return replace(self, protocol=self.protocol.model_copy(update={"aus": tuple(aus)}), folds=folds)

    @cached_property
    def subjects(self) -> tuple[str, ...]:
        """Test subjects of all folds, each once, sorted."""
        return tuple(sorted({name for result in self.folds for name in result.counts.subjects}))

    @cached_property
    def _positions(self) -> list[NDArray[np.int64]]:
        """For each fold, where its subjects are in `subjects`."""
        return [np.searchsorted(self.subjects, result.counts.subjects) for result in self.folds]

    @cached_property
    def strata(self) -> list[NDArray[np.int64]]:
        """Groups of subjects that are resampled separately: those who were tested by the same folds.

        A group of one would never vary: where a fold tests a single subject, all subjects are one group.
        """
        groups: dict[tuple[str, ...], list[int]] = {}
        for at, name in enumerate(self.subjects):
            folds = tuple(one.fold.name for one in self.folds if name in one.counts.subjects)
            groups.setdefault(folds, []).append(at)
        if min(map(len, groups.values())) == 1:
            return [np.arange(len(self.subjects))]
        return [np.array(group) for group in groups.values()]

    def f1_averaged(
        self, weights: Weights | None = None, *, undefined_is_zero: bool = False
    ) -> NDArray[np.float64]:
        """Return the mean over folds of each fold's F1-frame, (R, A).

        Args:
            weights: (R, S) how often each of `subjects` counts; everybody once when None.
            undefined_is_zero: Count folds in which no frame shows the Action Unit as 0, as scikit-learn and
                so most published code does, instead of leaving them out.
        """
        weights = self._everybody(weights)
        scores = [one.f1(weights[:, at]) for one, at in self._with_positions()]
        return self._average(list(map(np.nan_to_num, scores)) if undefined_is_zero else scores, weights)

    def auc_averaged(self, weights: Weights | None = None) -> NDArray[np.float64]:
        """Return the mean over folds of each fold's AUC, (R, A); scores of two folds are never compared."""
        weights = self._everybody(weights)
        return self._average([one.auc(weights[:, at]) for one, at in self._with_positions()], weights)

    def f1_all_positive_averaged(self, weights: Weights | None = None) -> NDArray[np.float64]:
        """Return the mean over folds of the F1-frame of saying "present" to every frame, (R, A)."""
        weights = self._everybody(weights)
        return self._average(
            [one.f1_all_positive(weights[:, at]) for one, at in self._with_positions()], weights
        )

    def f1_pooled(self, weights: Weights | None = None) -> NDArray[np.float64]:
        """Return one F1-frame over the frames of all folds, (R, A)."""
        return f1_if_shown(*self._pooled(weights)[:3])

    def f1_all_positive_pooled(self, weights: Weights | None = None) -> NDArray[np.float64]:
        """Return the pooled F1-frame of saying "present" to every frame, (R, A)."""
        return f1_all_positive(*self._pooled(weights))

    def f1_by_subject(self) -> NDArray[np.float64]:
        """Return the F1-frame of each Action Unit and subject, (A, S); NaN where it is never shown."""
        return self.f1_pooled(np.eye(len(self.subjects))).T  # one subject at a time

    @property
    def undefined_folds(self) -> dict[int, int]:
        """In how many folds no test frame shows an Action Unit, for those of which that happens."""
        never = np.sum([one.counts.positives.sum(axis=1) == 0 for one in self.folds], axis=0)
        return {au: int(number) for au, number in zip(self.aus, never, strict=True) if number}

    def table(self, bootstrap: Bootstrap | None = None) -> pd.DataFrame:
        """Return one row an Action Unit and a row `mean`, with intervals by subject.

        Columns: `frames`, `rate` (share present), `f1_averaged`, `f1_pooled` and `auc`, each with `_low` and
        `_high`, `f1_averaged_with_zeros` (of undefined folds), the F1 of saying "present" to every frame,
        averaged and pooled, and the spread over the subjects who show the Action Unit: their number and the
        quartiles of their F1.
        """
        frames = np.sum([one.counts.coded.sum(1) for one in self.folds], axis=0).astype(float)
        hit, _, miss, _ = (table[0] for table in self._pooled(None))
        rate = np.divide(hit + miss, frames, out=np.full(len(frames), np.nan), where=frames > 0)
        columns = {"frames": with_mean(frames), "rate": with_mean(rate)}
        scores = {"f1_averaged": self.f1_averaged, "f1_pooled": self.f1_pooled, "auc": self.auc_averaged}
        for name, score in scores.items():
            interval = self.interval(score, bootstrap)
            columns |= {name: interval.estimate, f"{name}_low": interval.low, f"{name}_high": interval.high}
        columns["f1_averaged_with_zeros"] = with_mean(self.f1_averaged(undefined_is_zero=True)[0])
        columns["f1_all_positive_averaged"] = with_mean(self.f1_all_positive_averaged()[0])
        columns["f1_all_positive_pooled"] = with_mean(self.f1_all_positive_pooled()[0])
        columns |= self._spread()
        return pd.DataFrame(columns, index=pd.Index([*facs.columns(self.aus), "mean"], name="au"))

    def interval(self, score: Statistic, bootstrap: Bootstrap | None = None) -> Interval:
        """Return a score of each Action Unit and their mean, (A + 1,), with intervals by subject.

        Args:
            score: `f1_averaged`, `f1_pooled` or `auc_averaged` of this result.
            bootstrap: How to resample.
        """
        return (bootstrap or Bootstrap()).interval(lambda weights: with_mean(score(weights)), self.strata)

    def _spread(self) -> dict[str, NDArray[np.float64]]:
        by_subject = self.f1_by_subject()
        rows = [row[np.isfinite(row)] for row in with_mean(by_subject.T).T]
        quartiles = np.array(
            [np.quantile(row, (0.25, 0.5, 0.75)) if len(row) else [np.nan] * 3 for row in rows]
        )
        names = ("subject_f1_quartile_1", "subject_f1_median", "subject_f1_quartile_3")
        spread = dict(zip(names, quartiles.T, strict=True))
        return {"subjects": np.array([float(len(row)) for row in rows])} | spread

    def _everybody(self, weights: Weights | None) -> Weights:
        return np.ones((1, len(self.subjects))) if weights is None else weights

    def _with_positions(self) -> list[tuple[FoldResult, NDArray[np.int64]]]:
        return list(zip(self.folds, self._positions, strict=True))

    def _pooled(self, weights: Weights | None) -> list[NDArray[np.float64]]:
        """Return weighted true and false positives, false and true negatives of all folds, each (R, A)."""
        weights = self._everybody(weights)
        by_fold = [one.outcomes(weights[:, at]) for one, at in self._with_positions()]
        return [np.sum(tables, axis=0) for tables in zip(*by_fold, strict=True)]

    def _average(self, by_fold: Sequence[NDArray[np.float64]], weights: Weights) -> NDArray[np.float64]:
        """Return the mean over folds; a fold of one subject counts as often as this subject was drawn."""
        total, divisor = np.zeros(by_fold[0].shape), np.zeros(by_fold[0].shape)
        for scores, at in zip(by_fold, self._positions, strict=True):
            times = weights[:, at] if len(at) == 1 else np.ones((len(weights), 1))
            defined = np.isfinite(scores)
            total += np.where(defined, scores, 0) * times
            divisor += defined * times
        return np.divide(total, divisor, out=np.full(total.shape, np.nan), where=divisor > 0)


def mean_over_aus(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean over the last axis of what is defined; NaN where nothing is."""
    defined = np.isfinite(scores)
    total, number = np.where(defined, scores, 0).sum(-1), defined.sum(-1)
    return np.divide(total, number, out=np.full(np.shape(total), np.nan), where=number > 0)


def with_mean(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return scores (..., A) with their mean over Action Units at the end of the last axis, (..., A + 1)."""
    return np.concatenate([scores, mean_over_aus(scores)[..., None]], axis=-1)
