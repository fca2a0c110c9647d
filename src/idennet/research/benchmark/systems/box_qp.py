"""A quadratic programme in a box whose sum is bounded, as kernel mean matching asks for."""

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


def minimise_in_box(
    matrix: Values,
    linear: Values,
    *,
    upper: float,
    sums: tuple[float, float],
    start: Values,
    tolerance: float = 1e-6,
    most_steps: int = 2000,
) -> Values:
    """Return s (n,) that minimises 1/2 s'As + b's with 0 <= s_i <= upper and sums[0] <= sum s <= sums[1].

    Accelerated projected gradient with restarts; the projection is exact.

    Args:
        matrix: A, (n, n), symmetric and positive semi-definite.
        linear: b, (n,).
        upper: Largest value of one s_i.
        sums: Smallest and largest sum; n `upper` must reach the smallest.
        start: (n,) where to begin.
        tolerance: Stop when a projected step moves no s_i by more than this share of 1 + max |s|.
        most_steps: Stop at the latest.

    Source: Beck and Teboulle, "A fast iterative shrinkage-thresholding algorithm", SIAM J. Imaging Sciences
        2009; restarts of O'Donoghue and Candès, 2015.
    """
    step = 1 / _largest_eigenvalue(matrix)
    point = project(start, upper, sums)
    ahead, momentum = point, 1.0
    for _ in range(most_steps):
        moved = project(ahead - step * (matrix @ ahead + linear), upper, sums)
        change = np.abs(moved - ahead).max()
        if (ahead - moved) @ (moved - point) > 0:  # the momentum leads uphill
            momentum, following = 1.0, 1.0
        else:
            following = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
        ahead = moved + (momentum - 1) / following * (moved - point)
        point, momentum = moved, following
        if change <= tolerance * (1 + np.abs(point).max()):
            break
    return point


def project(values: Values, upper: float, sums: tuple[float, float]) -> Values:
    """Return the nearest point with 0 <= s_i <= upper and sums[0] <= sum s <= sums[1]."""
    inside = np.clip(values, 0, upper)
    total = float(inside.sum())
    target = min(max(total, sums[0]), sums[1])
    if target == total:
        return inside
    low, high = float(values.min()) - upper, float(values.max())  # shifts with all at upper, all at 0
    for _ in range(60):
        shift = (low + high) / 2
        if np.clip(values - shift, 0, upper).sum() > target:
            low = shift
        else:
            high = shift
    return np.clip(values - (low + high) / 2, 0, upper)


def _largest_eigenvalue(matrix: Values) -> float:
    """Return an upper bound: the largest absolute row sum, which is near for matrices of positive numbers."""
    return max(float(np.abs(matrix).sum(axis=1).max()), 1e-12)
