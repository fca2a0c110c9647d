"""Sets of fewer than 68 landmarks, as data sets deliver them, brought into the order of 68.

What a set does not mark becomes NaN, never a guess: alignment needs the eyes alone, which all sets have.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

POINTS_66 = np.delete(np.arange(68), (60, 64))
"""Positions of 66 points among 68: all but the inner corners of the mouth (DISFA, UNBC-McMaster)."""

POINTS_49 = POINTS_66[17:]
"""Positions of 49 points among 68: the 66 without the jaw (BP4D)."""

_SETS = {49: POINTS_49, 66: POINTS_66, 68: np.arange(68)}
_EYES = slice(36, 48)


def as_68(points: ArrayLike) -> NDArray[np.float32] | None:
    """Return 49, 66 or 68 points (K, 2) as (68, 2) float32 pixels, NaN for those the set does not mark.

    None when `points` is another array, which stands for a face that was lost, or lacks part of an eye.
    """
    given = np.asarray(points, dtype=np.float32)
    if given.ndim != 2 or given.shape[1] != 2 or len(given) not in _SETS:
        return None
    full = np.full((68, 2), np.nan, np.float32)
    full[_SETS[len(given)]] = given
    return full if np.isfinite(full[_EYES]).all() else None
