"""Pictures of more than 8 bits become 8-bit ones, whatever range their values use."""

import numpy as np
from numpy.typing import NDArray

from idennet.errors import ImageError

_DEPTHS = (8, 10, 12, 14, 16)
_HALF_A_STEP = 0.5 / 255


def to_eight_bits(
    values: NDArray[np.generic], white: int | None = None, *, alpha: bool = False
) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Return a picture as uint8 with what was done to it.

    Floating-point pictures go from 0 to 1. Sensors of 10, 12 and 14 bits and programs that widen 8-bit
    pictures store their values in 16 bits without stretching them. So the white of integers is the largest
    value of 8, 10, 12, 14 or 16 bits, whichever is the first that all values fit in.

    Args:
        values: (H, W) or (H, W, C).
        white: The value of white, where the file says it.
        alpha: Whether the last channel is alpha, which is scaled on its own.

    Raises:
        ImageError: Values are negative, not finite or too large; the sentence lacks its subject.
    """
    if values.dtype == np.uint8:
        return values.astype(np.uint8, copy=False), ()
    if alpha:
        colour, notes = to_eight_bits(values[:, :, :-1], white)
        share, _ = to_eight_bits(values[:, :, -1:], white)
        return np.concatenate([colour, share], axis=2), notes
    if values.dtype.kind == "f":
        return _from_floats(values.astype(np.float64)), ("floating-point scaled to 8-bit",)
    return _from_integers(values, white)


def _from_floats(values: NDArray[np.float64]) -> NDArray[np.uint8]:
    low, high = values.min(), values.max()
    if not np.isfinite(low + high):
        raise ImageError("has values that are not finite; floating-point pictures must be in [0, 1].")
    if low < -_HALF_A_STEP or high > 1 + _HALF_A_STEP:
        advice = "divide them by 255" if low >= 0 and high <= 255.5 else "scale them"
        raise ImageError(
            f"has values from {low:g} to {high:g}; floating-point pictures must be in [0, 1], {advice} first."
        )
    return np.round(np.clip(values, 0, 1) * 255).astype(np.uint8)


def _from_integers(
    values: NDArray[np.generic], white: int | None
) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    low, high = int(values.min()), int(values.max())
    if low < 0 or high >= 2 ** _DEPTHS[-1]:
        raise ImageError(
            f"has values from {low} to {high}; integers must be from 0 to 65535, scale them first."
        )
    if white is None or white < high:
        depth = next(depth for depth in _DEPTHS if high < 2**depth)
        white = 2**depth - 1
        known = depth == _DEPTHS[-1]
        note = "16-bit scaled to 8-bit" if known else f"values up to {high} in 16 bits: read as {depth}-bit"
    else:
        note = f"{white.bit_length()}-bit scaled to 8-bit"
    table = np.round(np.arange(white + 1) * (255 / white)).astype(np.uint8)
    return table[values.astype(np.intp)], (note,)
