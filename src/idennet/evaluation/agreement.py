"""How far predicted intensities are from coded ones: intraclass correlation and mean absolute error."""

import numpy as np
from numpy.typing import NDArray

from idennet.errors import ShapeError


def icc_3_1(predicted: NDArray[np.floating], coded: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return ICC(3,1) of each Action Unit, (A,): consistency of one program and one coder over frames.

    (between - error) / (between + error), the mean squares of a two-way analysis of variance. NaN with fewer
    than two coded frames, or when neither side varies.

    Args:
        predicted: (N, A).
        coded: (N, A); NaN where an intensity is not coded.

    Raises:
        ShapeError: The shapes differ.

    Source: Shrout and Fleiss (1979), with two raters; the measure of FERA 2015 and 2017.
    """
    _check(predicted, coded)
    values = np.full(coded.shape[1], np.nan)
    for a in range(coded.shape[1]):
        both = np.stack([predicted[:, a], coded[:, a]])[:, np.isfinite(coded[:, a])].astype(float)
        if both.shape[1] < 2:
            continue
        between = 2 * both.mean(axis=0).var(ddof=1)
        error = (both[0] - both[1]).var(ddof=1) / 2
        if between + error > 0:
            values[a] = (between - error) / (between + error)
    return values


def mean_absolute_error(predicted: NDArray[np.floating], coded: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the mean absolute difference of each Action Unit, (A,), in the unit of the source.

    Args:
        predicted: (N, A).
        coded: (N, A); NaN where an intensity is not coded.

    Raises:
        ShapeError: The shapes differ.
    """
    _check(predicted, coded)
    known = np.isfinite(coded)
    total, number = np.where(known, np.abs(predicted - coded), 0).sum(0), known.sum(0)
    return np.divide(total, number, out=np.full(len(number), np.nan), where=number > 0)


def _check(predicted: NDArray[np.floating], coded: NDArray[np.floating]) -> None:
    if predicted.ndim != 2 or predicted.shape != coded.shape:
        raise ShapeError(f"Intensities {predicted.shape} and {coded.shape} must both be (N, A).")
