"""Scores with intervals by subject, for people who were judged all together, without folds."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idennet.learning.evaluation.evaluate import Evaluation, score
from idennet.learning.evaluation.fold_results import (
    count_wins,
    f1_if_shown,
    groups_of_subjects,
    weighted_auc,
    weighted_outcomes,
)
from idennet.learning.evaluation.intervals import Bootstrap, Interval
from idennet.learning.evaluation.metrics import count
from idennet.learning.evaluation.results import with_mean


@dataclass(frozen=True)
class Scored:
    """An evaluation, and how sure F1-frame and AUC are.

    Attributes:
        evaluation: Counts by subject, AUC, thresholds.
        f1: Of each Action Unit and, last, their mean, (A + 1,); NaN where no frame shows it.
        auc: Of each Action Unit and their mean, (A + 1,).
    """

    evaluation: Evaluation
    f1: Interval
    auc: Interval

    def table(self) -> pd.DataFrame:
        """Return `Evaluation.table` with the columns `f1_low`, `f1_high`, `auc_low` and `auc_high`."""
        table = self.evaluation.table()
        for name, interval in (("f1", self.f1), ("auc", self.auc)):
            table[name], table[f"{name}_low"], table[f"{name}_high"] = (
                interval.estimate,
                interval.low,
                interval.high,
            )
        return table


def score_with_intervals(
    probabilities: NDArray[np.floating],
    labels: NDArray[np.int8],
    subject_of_frame: NDArray[np.str_],
    aus: Sequence[int],
    thresholds: Sequence[float],
    bootstrap: Bootstrap | None = None,
) -> Scored:
    """Judge (N, A) probabilities against (N, A) labels in {1, 0, -1}; subjects are resampled for intervals.

    Args:
        probabilities: 0 to 1.
        labels: In the order of `aus`.
        subject_of_frame: (N,).
        aus: Action Units.
        thresholds: One an Action Unit.
        bootstrap: How to resample.

    Raises:
        ShapeError: The shapes do not belong together.
    """
    evaluation = score(probabilities, labels, subject_of_frame, aus, thresholds)
    groups = groups_of_subjects(subject_of_frame)
    counts = count(probabilities >= evaluation.thresholds, labels, groups, aus)
    wins = count_wins(probabilities, labels, groups)
    everybody = [np.arange(len(counts.subjects))]
    how = bootstrap or Bootstrap()
    return Scored(
        evaluation,
        f1=how.interval(lambda some: with_mean(f1_if_shown(*weighted_outcomes(counts, some)[:3])), everybody),
        auc=how.interval(lambda some: with_mean(weighted_auc(counts, wins, some)), everybody),
    )
