"""Which parts of a face can be seen in a picture, told from what was drawn over them."""

import cv2
import numpy as np

from idennet.facs import MISSING
from idennet.research.synth.appearance import FloatArray

HIDDEN, SEEN = 0.6, 0.25
"""A part is hidden where more than this share of it is covered, and seen where less than this is."""

_CURVES = {"eyes": ((36, 42), (42, 48)), "brows": ((17, 22), (22, 27)), "mouth": ((48, 60),)}
_MARGINS = {"eyes": 0.1, "brows": 0.07, "mouth": 0.03}  # round the landmarks, of the distance of the eyes


def visible_parts(landmarks: FloatArray, cover: FloatArray) -> dict[str, int]:
    """Return for each of `facs.PARTS` 1 (seen), 0 (hidden) or -1 (partly covered, or outside of the picture).

    Args:
        landmarks: (68, 2) pixels.
        cover: (S, S) opacity of everything before the face, 0 to 1.
    """
    apart = float(np.linalg.norm(landmarks[36:42].mean(0) - landmarks[42:48].mean(0)))
    shares = {part: _covered(part, landmarks, cover, apart) for part in _CURVES}
    return {part: 0 if share > HIDDEN else 1 if share < SEEN else MISSING for part, share in shares.items()}


def _covered(part: str, landmarks: FloatArray, cover: FloatArray, apart: float) -> float:
    """Return the covered share of the hulls of a part's landmarks and a margin, NaN outside the picture."""
    region = np.zeros(cover.shape, np.uint8)
    for first, stop in _CURVES[part]:
        hull = cv2.convexHull(np.round(landmarks[first:stop]).astype(np.int32))
        cv2.fillConvexPoly(region, hull, 1)
        cv2.polylines(region, [hull], True, 1, max(1, round(2 * _MARGINS[part] * apart)))
    return float(cover[region > 0].mean()) if region.any() else float("nan")
