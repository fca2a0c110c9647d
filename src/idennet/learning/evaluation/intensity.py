"""How well intensities agree with those that are known: correlation and intraclass correlation."""

import numpy as np
from numpy.typing import NDArray


def icc(rated: NDArray[np.floating], known: NDArray[np.floating]) -> float:
    """Return ICC(3,1) of two raters of N faces, at most 1: how consistent they are; NaN if both are constant.

    Source: Shrout and Fleiss, "Intraclass correlations", Psychological Bulletin 86 (1979), two-way mixed
    model. With two raters it is the covariance over the mean of the variances.
    """
    table = np.stack([rated, known]).astype(np.float64)
    (one, both), (_, other) = np.cov(table)
    total = (one + other) / 2
    return float(both / total) if total > 0 else float("nan")


def correlation(rated: NDArray[np.floating], known: NDArray[np.floating]) -> float:
    """Return Pearson's correlation of two raters of N faces, -1 to 1; NaN if one is constant."""
    spreads = float(np.std(rated, dtype=np.float64)), float(np.std(known, dtype=np.float64))
    if min(spreads) == 0:
        return float("nan")
    return float(np.corrcoef(rated, known)[0, 1])
