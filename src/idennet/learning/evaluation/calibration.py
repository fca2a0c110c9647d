"""Probabilities that mean something: of the faces read as 70 %, about 70 % should show the Action Unit.

Platt scaling (Platt, 1999): for each Action Unit a logistic map of the logit, fitted on people who were not
trained on. It is increasing, so no ranking and no AUC changes. `idennet.models.calibration` applies it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from idennet.errors import ShapeError
from idennet.facs import MISSING
from idennet.models.calibration import IDENTITY, logits_of, sigmoid

SMALLEST_SCALE = 0.01
BINS = 10
_MARGIN = 1e-6  # logits below the threshold, for rounding


@dataclass(frozen=True)
class ReliabilityCurve:
    """What was said against what was so, in bins of about the same number of frames.

    Attributes:
        count: Frames of each bin, (B,).
        mean_probability: Mean of the probabilities said there, (B,).
        observed_rate: Share of these frames in which the Action Unit is present, (B,).
    """

    count: NDArray[np.int64]
    mean_probability: NDArray[np.float64]
    observed_rate: NDArray[np.float64]

    @property
    def error(self) -> float:
        """Expected calibration error, 0 to 1: mean of |observed - said| over frames; NaN without frames."""
        if not len(self.count):
            return float("nan")
        return float(np.average(np.abs(self.observed_rate - self.mean_probability), weights=self.count))


@dataclass(frozen=True)
class Reliability:
    """Reliability curves of each Action Unit, and one over the frames of all of them."""

    by_au: dict[int, ReliabilityCurve]
    pooled: ReliabilityCurve

    @property
    def errors(self) -> NDArray[np.float64]:
        """Expected calibration error of each Action Unit, (A,)."""
        return np.array([curve.error for curve in self.by_au.values()])


def fit_calibration(probabilities: NDArray[np.floating], labels: NDArray[np.int8]) -> NDArray[np.float64]:
    """Return scale and shift of each Action Unit, (A, 2), for `idennet.models.calibration.calibrate`.

    Maximum likelihood of p = sigmoid(scale * logit + shift) with positive scale. As in Platt's paper, labels
    are drawn in by a prior of one frame each way, (P + 1) / (P + 2) and 1 / (N + 2) for P present and N
    absent frames, so the fit is finite where the classes separate. An Action Unit whose labels have only
    one class is left as it is.

    Args:
        probabilities: (N, A), 0 to 1.
        labels: (N, A) in {1, 0, -1}; -1 counts nowhere.

    Raises:
        ShapeError: The shapes differ.
    """
    _check(probabilities, labels)
    logits = logits_of(probabilities)
    fits = []
    for au_logits, au_labels in zip(logits.T, labels.T, strict=True):
        coded = au_labels != MISSING
        fits.append(_fit(au_logits[coded], au_labels[coded] == 1))
    return np.array(fits, dtype=np.float64).reshape(-1, 2)


def reliability(
    probabilities: NDArray[np.floating], labels: NDArray[np.int8], aus: Sequence[int]
) -> Reliability:
    """Return the reliability curves of (N, A) probabilities against (N, A) labels in {1, 0, -1}.

    Raises:
        ShapeError: The shapes do not belong together.
    """
    _check(probabilities, labels)
    pairs = zip(aus, probabilities.T, labels.T, strict=True)
    by_au = {au: reliability_curve(values, coded) for au, values, coded in pairs}
    return Reliability(by_au, reliability_curve(probabilities.ravel(), labels.ravel()))


def reliability_curve(
    probabilities: NDArray[np.floating], labels: NDArray[np.integer], bins: int = BINS
) -> ReliabilityCurve:
    """Return the curve of (N,) probabilities, in bins of equal mass: each has about N / bins frames.

    Most Action Units are rare, so bins of equal width would put nearly all frames into the lowest. Frames
    of one probability share a bin; the order of the frames plays no part. Even perfect probabilities have
    an error above zero on few frames.
    """
    coded = labels != MISSING
    values, position, ties = np.unique(
        probabilities[coded].astype(np.float64), return_inverse=True, return_counts=True
    )
    frames = int(ties.sum())
    first_rank = np.cumsum(ties) - ties
    place = (first_rank * bins // max(frames, 1))[position]
    count = np.bincount(place, minlength=bins)
    used = count > 0
    said = np.bincount(place, weights=values[position], minlength=bins)[used]
    present = np.bincount(place, weights=labels[coded] == 1, minlength=bins)[used]
    return ReliabilityCurve(count[used], said / count[used], present / count[used])


def fit_to_teacher(probabilities: NDArray[np.floating], taught: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return scale and shift of each Action Unit, (A, 2), on photographs that a teacher has labelled.

    As `fit_calibration`, but the targets are the teacher's own probabilities: unlike an occurrence they say
    how sure it was.

    Args:
        probabilities: (N, A), 0 to 1.
        taught: (N, A), the teacher's logits; NaN counts nowhere. An Action Unit without any stays as it is.
    """
    fits = []
    for au_logits, au_taught in zip(logits_of(probabilities).T, taught.T, strict=True):
        known = ~np.isnan(au_taught)
        target = sigmoid(au_taught[known].astype(np.float64))
        fits.append(_fit_targets(au_logits[known], target) if known.any() else IDENTITY)
    return np.array(fits, dtype=np.float64).reshape(-1, 2)


def fit_apart(
    present: NDArray[np.floating], absent: NDArray[np.floating], share: float
) -> tuple[float, float]:
    """Return scale and shift by which faces that show an Action Unit are told from faces that do not.

    As `fit_calibration`, but weighted as if `share` of all faces showed it, however many are given.

    Args:
        present: (P,) probabilities of faces that show it.
        absent: (N,) of faces that do not.
        share: More than 0, less than 1.
    """
    logits = logits_of(np.concatenate([present, absent]))
    shown = np.repeat([True, False], [len(present), len(absent)])
    weights = np.where(shown, share / len(present), (1 - share) / len(absent))
    return _fit_targets(logits, _drawn_in(shown), weights * len(shown))


def quietened(
    calibration: NDArray[np.float64], probabilities: NDArray[np.floating], most: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return a calibration (A, 2) by which few of some faces at rest show any one Action Unit.

    Shifts are lowered until at most a share `most` of the faces reaches .5; scales, and so all rankings,
    stay as they are, and an Action Unit that is quiet already is left alone.

    Args:
        calibration: Scale and shift of each Action Unit, (A, 2).
        probabilities: (N, A) of faces at rest, before calibration.
        most: Largest share of them in which each Action Unit may be present, (A,), 0 to less than 1.
    """
    allowed = (most * len(probabilities)).astype(int)
    scale, shift = calibration.T
    loudest = np.sort(scale * logits_of(probabilities), axis=0)[::-1][allowed, np.arange(len(allowed))]
    return np.stack([scale, np.minimum(shift, -loudest - _MARGIN)], axis=1)


def _fit(logits: NDArray[np.float64], present: NDArray[np.bool_]) -> tuple[float, float]:
    if present.all() or not present.any():
        return IDENTITY
    return _fit_targets(logits, _drawn_in(present))


def _drawn_in(present: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return Platt's targets: labels with a prior of one frame each way."""
    positives = int(present.sum())
    return np.where(present, (positives + 1) / (positives + 2), 1 / (len(present) - positives + 2))


def _fit_targets(
    logits: NDArray[np.float64], target: NDArray[np.float64], weights: NDArray[np.float64] | float = 1.0
) -> tuple[float, float]:
    """Return the scale and shift of greatest likelihood for targets from 0 to 1."""
    from scipy.optimize import minimize  # only who fits needs to wait for its import

    def loss(parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        scale, shift = parameters
        moved = scale * logits + shift
        value = (weights * (np.logaddexp(0, moved) - target * moved)).sum()
        residual = weights * (sigmoid(moved) - target)
        return float(value), np.array([residual @ logits, residual.sum()])

    bounds = [(SMALLEST_SCALE, None), (None, None)]
    found = minimize(loss, np.array(IDENTITY), jac=True, method="L-BFGS-B", bounds=bounds)
    scale, shift = found.x
    return float(scale), float(shift)


def _check(probabilities: NDArray[np.floating], labels: NDArray[np.int8]) -> None:
    if probabilities.shape != labels.shape or labels.ndim != 2:
        raise ShapeError(
            f"Probabilities {probabilities.shape} and labels {labels.shape} must both be (N, A)."
        )
