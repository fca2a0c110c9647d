"""JPEGs decoded at a half, quarter or eighth of their side, for faces that are much larger than a crop.

The decoder leaves out coefficients that the crop could not show. Pictures of 1040 x 1392 pixels become crops
about two and a half times as fast; docs/data-sets.md says how much the crops differ.
"""

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageFile

from idennet.media.colour import to_srgb

FACTORS = (8, 4, 2)
_ROOM = 2.0  # a reduced face stays this much larger than its crop, so that the warp still averages pixels


def best_factor(matrix: NDArray[np.float64]) -> int:
    """Return how often a picture may be reduced before a similarity (2, 3) to the crop is applied: 1 to 8."""
    pixels_per_crop_pixel = 1 / float(np.hypot(matrix[0, 0], matrix[1, 0]))
    return next((factor for factor in FACTORS if pixels_per_crop_pixel >= _ROOM * factor), 1)


def after_reduction(matrix: NDArray[np.float64], factor: int) -> NDArray[np.float64]:
    """Return the similarity (2, 3) for the reduced picture; whose pixels are squares of pixels."""
    middle = np.full(2, (factor - 1) / 2)
    return np.column_stack([factor * matrix[:, :2], matrix[:, :2] @ middle + matrix[:, 2]])


def read_reduced(source: Path | bytes, factor: int) -> NDArray[np.uint8] | None:
    """Return a JPEG (H, W, 3) uint8 RGB at 1 / `factor` of its side.

    None for whatever is no upright, undamaged JPEG in colour: the ordinary reader knows what to do or say.
    """
    try:
        with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source) as image:
            upright = image.getexif().get(ExifTags.Base.Orientation, 1) == 1
            if not isinstance(image, ImageFile.ImageFile) or image.format != "JPEG" or not upright:
                return None
            size = tuple(-(-side // factor) for side in image.size)
            image.draft("RGB", (image.width // factor, image.height // factor))
            return to_srgb(image)[0] if image.mode == "RGB" and image.size == size else None
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
