"""Confidence intervals from resampled subjects: frames of one person are not independent, people are.

A statistic is a function of how often each subject counts. The observed value has weight 1 for everybody; a
bootstrap sample, weights that say how often each subject was drawn. Counts by subject thus suffice, and all
samples are one matrix product.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.special import ndtr, ndtri

from idennet.settings import Config

Weights = NDArray[np.float64]
"""(R, S): how often each of S subjects counts in each of R samples."""

Statistic = Callable[[Weights], NDArray[np.float64]]
"""Takes (R, S) weights, returns (R, K) values; NaN where a sample leaves a value undefined."""


@dataclass(frozen=True)
class Interval:
    """K observed values with the ends of their confidence intervals, each (K,); NaN where undefined."""

    estimate: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


class Bootstrap(Config):
    """How intervals are computed.

    Attributes:
        repetitions: Samples that are drawn.
        confidence: Share of intervals that should cover the true value.
        method: `bca`, corrected for bias and skewness (Efron, 1987), or `percentile`.
        seed: Source of all draws.
    """

    repetitions: Annotated[int, Field(ge=10)] = 2000
    confidence: Annotated[float, Field(gt=0, lt=1)] = 0.95
    method: Literal["bca", "percentile"] = "bca"
    seed: Annotated[int, Field(ge=0)] = 0

    def interval(self, statistic: Statistic, strata: Sequence[NDArray[np.int64]]) -> Interval:
        """Return the values of a statistic with their intervals.

        Samples in which a value is undefined are left out for that value. A value that one subject alone
        decides (it is undefined without this subject) has no interval.

        Args:
            statistic: Called with all bootstrap samples at once.
            strata: Positions of subjects; each group is resampled by itself, so that it keeps its size. All
                groups together are all subjects, each once.
        """
        size = sum(len(stratum) for stratum in strata)
        estimate = statistic(np.ones((1, size)))[0]
        samples = statistic(draw_subjects(strata, self.repetitions, self.seed))
        without_one = statistic(1 - np.eye(size))
        low, high = np.full_like(estimate, np.nan), np.full_like(estimate, np.nan)
        for k in range(len(estimate)):
            drawn = samples[np.isfinite(samples[:, k]), k]
            if len(drawn) and np.isfinite(estimate[k]) and np.isfinite(without_one[:, k]).all():
                levels = self._levels(estimate[k], drawn, [without_one[stratum, k] for stratum in strata])
                low[k], high[k] = np.quantile(drawn, levels)
        return Interval(estimate, low, high)

    def _levels(
        self, estimate: float, drawn: NDArray[np.float64], without_one: Sequence[NDArray[np.float64]]
    ) -> NDArray[np.float64]:
        """Return the two quantiles of the samples at which the interval ends."""
        tails = np.array([1 - self.confidence, 1 + self.confidence]) / 2
        if self.method == "percentile":
            return tails
        share_below = (np.mean(drawn < estimate) + np.mean(drawn <= estimate)) / 2
        bias = ndtri(np.clip(share_below, 0.5 / len(drawn), 1 - 0.5 / len(drawn)))
        corrected = bias + ndtri(tails)
        return np.asarray(ndtr(bias + corrected / (1 - _acceleration(without_one) * corrected)))


def draw_subjects(strata: Sequence[NDArray[np.int64]], repetitions: int, seed: int) -> Weights:
    """Return how often each subject is drawn, (R, S): with replacement, within each stratum."""
    rng = np.random.default_rng(seed)
    size = sum(len(stratum) for stratum in strata)
    rows = np.arange(repetitions)[:, None] * size
    weights = np.zeros(repetitions * size)
    for stratum in strata:
        drawn = np.asarray(stratum)[rng.integers(0, len(stratum), (repetitions, len(stratum)))]
        weights += np.bincount((rows + drawn).ravel(), minlength=len(weights))
    return weights.reshape(repetitions, size)


def _acceleration(without_one: Sequence[NDArray[np.float64]]) -> float:
    """Return how fast the spread changes with the value, from the values without each subject (jackknife)."""
    influence = [(values.mean() - values) * (len(values) - 1) / len(values) for values in without_one]
    spread = sum(np.square(part).sum() for part in influence)
    return float(sum((part**3).sum() for part in influence) / spread**1.5 / 6) if spread > 0 else 0.0
