"""Linear maps that are fitted, not trained."""

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]


def ridge(x: Numbers, y: Numbers, penalty: float, weight: Numbers | None = None) -> tuple[Numbers, Numbers]:
    """Return weights (K, F) and biases (K,) of the linear map from x (N, F) to y (N, K).

    It minimises the mean squared error, weighted by `weight` (N,), plus `penalty` times the squared weights.
    """
    share = np.full(len(x), 1 / len(x)) if weight is None else weight / weight.sum()
    mean_x, mean_y = share @ x, share @ y
    x, y = x - mean_x, y - mean_y
    found = np.linalg.solve(
        (x * share[:, None]).T @ x + penalty * np.eye(x.shape[1]), (x * share[:, None]).T @ y
    )
    return found.T, mean_y - mean_x @ found


def others_mean(values: Numbers, people: NDArray[np.int64]) -> tuple[Numbers, NDArray[np.int64]]:
    """Return the mean of values (N, K) over a person's other pictures, and how many these are, (N,)."""
    others = np.bincount(people)[people] - 1
    total = np.stack([np.bincount(people, column)[people] for column in values.T], axis=1)
    return (total - values) / np.maximum(others, 1)[:, None], others
