"""How much of a person is left in the features that Action Units are read from."""

import numpy as np
from numpy.typing import NDArray

from idennet.errors import ShapeError


def nearest_shares(features: NDArray[np.floating], groups: NDArray[np.generic]) -> float:
    """Return how often the nearest other face belongs to the same group, 0 to 1.

    With subjects as groups this is an identity leak: the lower, the less the features tell who it is.
    With the presence of an Action Unit as groups it says how well they keep the expression.

    Args:
        features: (N, D), compared by Euclidean distance.
        groups: (N,) group of each face.

    Raises:
        ShapeError: The lengths differ, or there are fewer than two faces.
    """
    if features.ndim != 2 or groups.shape != (len(features),) or len(features) < 2:
        raise ShapeError(
            f"Give features (N, D), groups (N,) of two or more faces, not {features.shape}, {groups.shape}."
        )
    lengths = np.square(features).sum(axis=1)
    squared_distance = lengths[:, None] + lengths - 2 * features @ features.T
    np.fill_diagonal(squared_distance, np.inf)
    return float(np.mean(groups[squared_distance.argmin(axis=1)] == groups))
