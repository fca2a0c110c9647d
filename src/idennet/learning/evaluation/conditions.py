"""How Action Units differ between pictures where a condition holds (`smiling`) and those where it does not.

Whoever has no FACS coding often knows what people were asked to do or what a picture shows. AU12 should then
tell smiling from neutral portraits, and Action Units that have no part in a smile should not.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idennet import facs
from idennet.learning.evaluation.fold_results import count_wins, groups_of_subjects, weighted_auc
from idennet.learning.evaluation.intervals import Bootstrap, Weights
from idennet.learning.evaluation.metrics import Counts, count

MOST_GROUPS = 40
"""More people are put into so many groups: each condition counts pairs of groups for every Action Unit."""


@dataclass(frozen=True, eq=False)
class ConditionResult:
    """One condition against the Action Units that were read.

    Attributes:
        name: For example `"smiling"`.
        counts: As if the condition were the label of every Action Unit: true positives are pictures with the
            condition in which the Action Unit fires.
        doubled_wins: (A, S, S) integers, from `count_wins`; the AUC is that of the score for the condition.
        mean_yes: (A,) mean score where the condition holds; NaN without such pictures.
        mean_no: (A,) where it does not.
    """

    name: str
    counts: Counts
    doubled_wins: NDArray[np.int64]
    mean_yes: NDArray[np.float64]
    mean_no: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        name: str,
        answers: NDArray[np.int8],
        scores: NDArray[np.floating],
        present: NDArray[np.bool_],
        subject_of_picture: NDArray[np.str_],
        aus: Sequence[int],
        gaps: NDArray[np.bool_] | None = None,
    ) -> "ConditionResult":
        """Count what a condition does to every Action Unit.

        Args:
            name: Of the condition.
            answers: (N,) in {1, 0, -1}: it holds, it does not, unknown.
            scores: (N, A), 0 to 1.
            present: (N, A), which Action Units fire.
            subject_of_picture: (N,).
            aus: Action Units.
            gaps: (N, A), Action Units that were not read in a picture and do not count there; None: none.

        Raises:
            ShapeError: The shapes do not belong together.
        """
        labels = np.repeat(answers[:, None], len(aus), axis=1)
        if gaps is not None:
            labels[gaps] = facs.MISSING
        groups = groups_of_subjects(subject_of_picture, MOST_GROUPS)
        counts, wins = count(present, labels, groups, aus), count_wins(scores, labels, groups)
        return cls(name, counts, wins, _mean(scores, labels == 1), _mean(scores, labels == 0))

    @property
    def pictures(self) -> tuple[int, int]:
        """Pictures where it holds, and where it does not, of those in which some Action Unit was read."""
        yes, coded = self.counts.positives.sum(axis=1), self.counts.coded.sum(axis=1)
        return int(yes.max()), int((coded - yes).max())

    @property
    def firing(self) -> tuple[float, float]:
        """Mean number of Action Units that fire in a picture, in either group; NaN without pictures."""
        fired = self.counts.true_positive.sum(), self.counts.false_positive.sum()
        yes, no = (
            fires / group if group else np.nan for fires, group in zip(fired, self.pictures, strict=True)
        )
        return float(yes), float(no)

    def auc(self, weights: Weights) -> NDArray[np.float64]:
        """Return how well each Action Unit tells the condition, (R, A), as of weighted subjects."""
        return weighted_auc(self.counts, self.doubled_wins, weights)

    def restricted_to(self, aus: Sequence[int]) -> "ConditionResult":
        """Return the result of some Action Units, in the given order."""
        at = [self.counts.aus.index(au) for au in aus]
        return ConditionResult(
            self.name, self.counts.at(at), self.doubled_wins[at], self.mean_yes[at], self.mean_no[at]
        )

    def table(self, bootstrap: Bootstrap | None = None) -> pd.DataFrame:
        """Return one row an Action Unit, the most telling first.

        Columns: `auc` with `auc_low` and `auc_high`; share of pictures in which it fires, `fires_yes` and
        `fires_no`; mean score, `mean_yes` and `mean_no`. Rows fall by |AUC - .5|.
        """
        everybody = [np.arange(len(self.counts.subjects))]
        auc = (bootstrap or Bootstrap()).interval(self.auc, everybody)
        yes, coded = self.counts.positives.sum(axis=1), self.counts.coded.sum(axis=1)
        table = pd.DataFrame(
            {
                "auc": auc.estimate,
                "auc_low": auc.low,
                "auc_high": auc.high,
                "fires_yes": _share(self.counts.true_positive, yes),
                "fires_no": _share(self.counts.false_positive, coded - yes),
                "mean_yes": self.mean_yes,
                "mean_no": self.mean_no,
            },
            index=pd.Index(facs.columns(self.counts.aus), name="au"),
        )
        return table.iloc[np.argsort(-np.abs(table["auc"].to_numpy() - 0.5), kind="stable")]


def _mean(scores: NDArray[np.floating], which: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the mean of some scores of each Action Unit, NaN without any."""
    total, number = np.where(which, scores, 0).sum(axis=0, dtype=np.float64), which.sum(axis=0)
    return np.divide(total, number, out=np.full(len(number), np.nan), where=number > 0)


def _share(fired: NDArray[np.int64], pictures: NDArray[np.int64]) -> NDArray[np.float64]:
    return fired.sum(axis=1) / np.where(pictures > 0, pictures, np.nan)
