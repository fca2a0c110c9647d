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
from idennet.learning.evaluation.scored import Scored, score_with_intervals


@dataclass(frozen=True)
class Condition:
    """One condition against the Action Units that were read.

    Attributes:
        name: For example `"smiling"`.
        scored: As if the condition were the label of every Action Unit: true positives are pictures with the
            condition in which the Action Unit fires, the AUC is that of its probability for the condition.
        mean_yes: (A,) mean probability where the condition holds; NaN without such pictures.
        mean_no: (A,) where it does not.
    """

    name: str
    scored: Scored
    mean_yes: NDArray[np.float64]
    mean_no: NDArray[np.float64]

    @property
    def pictures(self) -> tuple[int, int]:
        """Pictures where it holds, and where it does not."""
        counts = self.scored.evaluation.counts
        yes, coded = int(counts.positives[0].sum()), int(counts.coded[0].sum())
        return yes, coded - yes

    @property
    def firing(self) -> tuple[float, float]:
        """Mean number of Action Units that fire in a picture, in either group; NaN without pictures."""
        counts = self.scored.evaluation.counts
        fired = counts.true_positive.sum(), counts.false_positive.sum()
        yes, no = (
            fires / group if group else np.nan for fires, group in zip(fired, self.pictures, strict=True)
        )
        return float(yes), float(no)

    def table(self) -> pd.DataFrame:
        """Return one row an Action Unit, the most telling first.

        Columns: `auc` with `auc_low` and `auc_high`; share of pictures in which it fires, `fires_yes` and
        `fires_no`; mean probability, `mean_yes` and `mean_no`. Rows fall by |AUC - .5|.
        """
        counts, auc = self.scored.evaluation.counts, self.scored.auc
        yes, no = (group or np.nan for group in self.pictures)
        table = pd.DataFrame(
            {
                "auc": auc.estimate[:-1],
                "auc_low": auc.low[:-1],
                "auc_high": auc.high[:-1],
                "fires_yes": counts.true_positive.sum(1) / yes,
                "fires_no": counts.false_positive.sum(1) / no,
                "mean_yes": self.mean_yes,
                "mean_no": self.mean_no,
            },
            index=pd.Index(facs.columns(counts.aus), name="au"),
        )
        return table.iloc[np.argsort(-np.abs(table["auc"].to_numpy() - 0.5), kind="stable")]


def compare(
    name: str,
    answers: NDArray[np.int8],
    probabilities: NDArray[np.floating],
    subject_of_picture: NDArray[np.str_],
    aus: Sequence[int],
    thresholds: Sequence[float],
) -> Condition:
    """Return what a condition does to every Action Unit.

    Args:
        name: Of the condition.
        answers: (N,) in {1, 0, -1}: it holds, it does not, unknown.
        probabilities: (N, A), 0 to 1.
        subject_of_picture: (N,).
        aus: Action Units.
        thresholds: Probability from which each fires, (A,).

    Raises:
        ShapeError: The shapes do not belong together.
    """
    labels = np.repeat(answers[:, None], len(aus), axis=1)
    scored = score_with_intervals(probabilities, labels, subject_of_picture, aus, thresholds)
    return Condition(name, scored, _mean(probabilities[answers == 1]), _mean(probabilities[answers == 0]))


def _mean(probabilities: NDArray[np.floating]) -> NDArray[np.float64]:
    if len(probabilities) == 0:
        return np.full(probabilities.shape[1], np.nan)
    return probabilities.mean(axis=0, dtype=np.float64)
