"""Are two systems different? Both judged on the same frames, compared subject by subject."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import wilcoxon

from idennet import facs
from idennet.errors import ProtocolError
from idennet.learning.evaluation.conditions import ConditionResult
from idennet.learning.evaluation.intervals import Bootstrap, Statistic
from idennet.learning.evaluation.metrics import Counts, drop_rate
from idennet.learning.evaluation.results import ProtocolResult, with_mean

_SAME_FACES = "evaluate both on the same data, with --missing absent where one of them lacks faces."


@dataclass(frozen=True)
class Comparison:
    """Two results of one protocol, side by side; differences are first minus second.

    Attributes:
        first: Result of one system.
        second: Result of the other.
        left_out: Action Units that only one of them reads.
    """

    first: ProtocolResult
    second: ProtocolResult
    left_out: tuple[int, ...] = ()

    @classmethod
    def of_shared(cls, first: ProtocolResult, second: ProtocolResult) -> "Comparison":
        """Return the comparison on the Action Units that both read: tools differ in what they know.

        Raises:
            ProtocolError: They are of two protocols, share no Action Unit, or were judged on other frames.
        """
        names = f"{first.system} and {second.system}"
        if first.protocol.name != second.protocol.name:
            raise ProtocolError(
                f"{names} were judged by {first.protocol.name} and {second.protocol.name}; compare results "
                "of one protocol."
            )
        shared = [au for au in first.aus if au in second.aus]
        if not shared and not (first.conditions and second.conditions):
            raise ProtocolError(f"{names} read no Action Unit in common; there is nothing to compare.")
        left_out = tuple(sorted(set(first.aus) ^ set(second.aus)))
        return cls(first.restricted_to(shared), second.restricted_to(shared), left_out)

    def __post_init__(self) -> None:
        """Check that the results are about the same frames.

        Raises:
            ProtocolError: Action Units, folds, subjects or labels differ.
        """
        one, other = self.first, self.second
        names = f"{one.system} and {other.system}"
        if one.aus != other.aus:
            raise ProtocolError(
                f"{names} were judged on different Action Units; compare results of one protocol."
            )
        if [fold.counts.subjects for fold in one.folds] != [fold.counts.subjects for fold in other.folds]:
            raise ProtocolError(
                f"{names} were judged on different subjects; compare results of one protocol."
            )
        for mine, theirs in zip(one.folds, other.folds, strict=True):
            if not _same_labels(mine.counts, theirs.counts):
                raise ProtocolError(
                    f"{names} were judged on other frames or labels in fold {mine.fold.name}; {_SAME_FACES}"
                )

    def table(self, bootstrap: Bootstrap | None = None) -> pd.DataFrame:
        """Return one row an Action Unit and a row `mean`.

        Columns: for `f1_averaged`, `f1_pooled` and `auc` the two scores (`_first`, `_second`), their
        difference and its interval (the same resampled subjects for both systems); `subjects` with a defined
        F1; `p`, Wilcoxon's signed-rank test of their F1, two-sided; `p_holm`, corrected for the number of
        Action Units (the row `mean` is one test and stays as it is).
        """
        bootstrap = bootstrap or Bootstrap()
        one, other = self.first, self.second
        columns: dict[str, NDArray[np.float64]] = {}
        scores = {
            "f1_averaged": (one.f1_averaged, other.f1_averaged),
            "f1_pooled": (one.f1_pooled, other.f1_pooled),
            "auc": (one.auc_averaged, other.auc_averaged),
        }
        for name, (mine, theirs) in scores.items():
            interval = bootstrap.interval(_difference(mine, theirs), one.strata)
            columns[f"{name}_first"] = with_mean(mine()[0])
            columns[f"{name}_second"] = with_mean(theirs()[0])
            columns[f"{name}_difference"] = interval.estimate
            columns[f"{name}_low"], columns[f"{name}_high"] = interval.low, interval.high
        columns |= self._tests()
        return pd.DataFrame(columns, index=pd.Index([*facs.columns(one.aus), "mean"], name="au"))

    def conditions(self, bootstrap: Bootstrap | None = None) -> dict[str, pd.DataFrame]:
        """Return for each condition that both were judged on how well their Action Units tell it.

        Columns: the AUC of both (`auc_first`, `auc_second`), the difference and its interval. The first
        system's most telling Action Units come first.

        Raises:
            ProtocolError: They were judged on other pictures.
        """
        theirs = {condition.name: condition for condition in self.second.conditions}
        tables = {}
        for one in self.first.conditions:
            if one.name not in theirs:
                continue
            shared = [au for au in one.counts.aus if au in theirs[one.name].counts.aus]
            mine, other = one.restricted_to(shared), theirs[one.name].restricted_to(shared)
            if mine.counts.subjects != other.counts.subjects or not _same_labels(mine.counts, other.counts):
                names = f"{self.first.system} and {self.second.system}"
                raise ProtocolError(f"{names} were judged on other pictures ({one.name}); {_SAME_FACES}")
            everybody = np.ones((1, len(mine.counts.subjects)))
            strata = [np.arange(len(mine.counts.subjects))]
            interval = (bootstrap or Bootstrap()).interval(_auc_difference(mine, other), strata)
            table = pd.DataFrame(
                {
                    "auc_first": mine.auc(everybody)[0],
                    "auc_second": other.auc(everybody)[0],
                    "auc_difference": interval.estimate,
                    "auc_low": interval.low,
                    "auc_high": interval.high,
                },
                index=pd.Index(facs.columns(shared), name="au"),
            )
            order = np.argsort(-np.abs(table["auc_first"].to_numpy() - 0.5), kind="stable")
            tables[one.name] = table.iloc[order]
        return tables

    def _tests(self) -> dict[str, NDArray[np.float64]]:
        mine, theirs = (with_mean(result.f1_by_subject().T) for result in (self.first, self.second))
        differences = [column[np.isfinite(column)] for column in (mine - theirs).T]
        p = np.array([signed_rank(column) for column in differences])
        return {
            "subjects": np.array([float(len(column)) for column in differences]),
            "p": p,
            "p_holm": np.append(holm(p[:-1]), p[-1]),
        }


def _same_labels(one: Counts, other: Counts) -> bool:
    return np.array_equal(one.positives, other.positives) and np.array_equal(one.coded, other.coded)


def _auc_difference(mine: ConditionResult, other: ConditionResult) -> Statistic:
    return lambda weights: mine.auc(weights) - other.auc(weights)


def _difference(mine: Statistic, theirs: Statistic) -> Statistic:
    return lambda weights: with_mean(mine(weights)) - with_mean(theirs(weights))


def signed_rank(differences: NDArray[np.float64]) -> float:
    """Return the two-sided p of Wilcoxon's signed-rank test; 1 if all differences are 0, NaN without any."""
    if len(differences) == 0:
        return float("nan")
    return float(wilcoxon(differences).pvalue) if np.any(differences) else 1.0


def holm(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return p values corrected for their number by Holm's step-down method; NaN stays and does not count."""
    corrected = np.full(len(p), np.nan)
    tested = np.flatnonzero(np.isfinite(p))
    rising = tested[np.argsort(p[tested])]
    steps = p[rising] * np.arange(len(rising), 0, -1)
    corrected[rising] = np.minimum(np.maximum.accumulate(steps), 1)
    return corrected


class Drop(NamedTuple):
    """A drop rate, and the Action Units that it is the mean of."""

    rate: float
    aus: tuple[int, ...]


def drop_between(within: ProtocolResult, across: ProtocolResult) -> Drop:
    """Return the paper's drop rate: from a within-dataset result to a cross-dataset result of one system.

    F1-frame is averaged over folds on both sides; Action Units that both score count, unless a score is
    undefined or the one within is 0.

    Raises:
        ProtocolError: The second result is not that of a system trained on the first one's corpus and judged
            on another, or no Action Unit is in both.
    """
    if (
        within.protocol.crosses
        or not across.protocol.crosses
        or within.protocol.train != across.protocol.train
    ):
        raise ProtocolError(
            f"A drop rate needs results within one corpus and from it to another, not {within.protocol.name} "
            f"and {across.protocol.name}."
        )
    shared = [au for au in within.aus if au in across.aus]
    if not shared:
        raise ProtocolError(f"{within.protocol.name} and {across.protocol.name} share no Action Unit.")
    original, new = (
        result.f1_averaged()[0][[result.aus.index(au) for au in shared]] for result in (within, across)
    )
    counted = np.isfinite(original) & np.isfinite(new) & (original > 0)
    return Drop(drop_rate(original, new), tuple(np.array(shared)[counted].tolist()))
