"""Logistic regression under a group lasso: it chooses patches of the face as a whole, or leaves them out."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.linalg import svds

from idennet.research.benchmark.systems.linear import Mask, Values

_CHECK_EVERY = 10


def group_lasso_logistic(
    features: NDArray[np.floating],
    labels: NDArray[np.int8],
    group: int,
    *,
    strength: float,
    most_steps: int = 500,
    tolerance: float = 1e-3,
) -> Values:
    """Return weights (D, A), for each Action Unit those of the smallest objective, by FISTA from 0.

    The objective is the mean over coded rows of log(1 + exp(-y w.x)), plus `strength` times the sum over
    groups of |w_g|; there is no bias.

    Args:
        features: (n, D); D is a multiple of `group`.
        labels: (n, A) in {1, 0, -1}; -1 counts nowhere, and an Action Unit without any label keeps 0.
        group: Consecutive columns that are kept or left out together.
        strength: lambda.
        most_steps: At most.
        tolerance: Stop when the duality gap is below this share of every objective.

    Source: `mexFistaFlat` of SPAMS as the released code of JPML calls it (loss `logistic`, regulariser
        `group-lasso-l2`).
    """
    coded = labels >= 0
    counts = np.maximum(coded.sum(axis=0), 1)
    signs = np.where(labels == 1, 1.0, -1.0) * coded
    steps = 4 * counts / _squared_norm(features)
    weights = np.zeros((features.shape[1], labels.shape[1]))
    ahead, momentum = weights, 1.0
    for step in range(1, most_steps + 1):
        gradient = _gradient(features, signs, coded, counts, ahead)[0]
        moved = _shrink(ahead - steps * gradient, group, steps * strength)
        following = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
        ahead = moved + (momentum - 1) / following * (moved - weights)
        weights, momentum = moved, following
        if step % _CHECK_EVERY == 0:
            value, gap = duality_gap(features, labels, weights, group, strength)
            if (gap <= tolerance * value).all():
                break
    return weights


def duality_gap(
    features: NDArray[np.floating], labels: NDArray[np.int8], weights: Values, group: int, strength: float
) -> tuple[Values, Values]:
    """Return each objective and how far it is at most above the smallest possible one, both (A,)."""
    coded = labels >= 0
    counts = np.maximum(coded.sum(axis=0), 1)
    signs = np.where(labels == 1, 1.0, -1.0) * coded
    gradient, wrong, loss = _gradient(features, signs, coded, counts, weights)
    value = loss + strength * group_norms(weights, group).sum(axis=0)
    largest = group_norms(gradient, group).max(axis=0)
    dual = wrong * np.minimum(1, strength / np.maximum(largest, 1e-300))
    entropy = -(_x_log_x(dual) + _x_log_x(1 - dual)) * coded
    return value, value - entropy.sum(axis=0) / counts


def group_norms(weights: Values, group: int) -> Values:
    """Return the Euclidean norm of each group, (D / group, A), for weights (D, A)."""
    return np.asarray(np.linalg.norm(weights.reshape(-1, group, weights.shape[1]), axis=1))


def _gradient(
    features: NDArray[np.floating], signs: Values, coded: Mask, counts: NDArray[np.int64], weights: Values
) -> tuple[Values, Values, Values]:
    """Return the gradient of the loss (D, A), how wrong each row is (n, A; 0 to 1), and the loss (A,)."""
    margin = signs * (features @ weights.astype(features.dtype)).astype(np.float64)
    wrong = np.exp(-np.logaddexp(0, margin)) * coded
    loss = (np.logaddexp(0, -margin) * coded).sum(axis=0) / counts
    gradient = -(features.T @ (signs * wrong).astype(features.dtype)).astype(np.float64) / counts
    return gradient, wrong, loss


def _shrink(weights: Values, group: int, by: Values) -> Values:
    """Return weights (D, A) whose groups are shorter by `by` (A,), or 0: the proximal step."""
    norms = group_norms(weights, group)
    kept = np.maximum(1 - by / np.maximum(norms, 1e-300), 0)
    return np.asarray(weights * np.repeat(kept, group, axis=0))


def _squared_norm(features: NDArray[np.floating]) -> float:
    """Return the squared largest singular value."""
    if min(features.shape) < 2:
        return max(float((features**2).sum()), 1e-12)
    start = np.ones(min(features.shape))
    largest = svds(features.astype(np.float64), 1, v0=start, return_singular_vectors=False)
    return max(float(largest[0]) ** 2, 1e-12) * (1 + 1e-6)


def _x_log_x(values: Values) -> Values:
    return values * np.log(np.maximum(values, 1e-300))
