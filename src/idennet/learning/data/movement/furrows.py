"""Furrows are drawn on a forehead: across it, as raised brows make them, and upright between the brows."""

import cv2
import numpy as np
from numpy.typing import NDArray

from idennet.faces.boxes import Pixels
from idennet.faces.landmarks import BROWS, NOSE_BRIDGE
from idennet.learning.data.movement.axes import Axes, window

Range = tuple[float, float]

# In distances between the eyes:
_FIRST: Range = (0.17, 0.25)  # the lowest furrow above the brows
_APART: Range = (0.11, 0.17)  # from one to the next
_HALF_LENGTH: Range = (0.35, 0.62)
_BREADTH: Range = (0.02, 0.036)
_FROWN_AT: Range = (0.07, 0.12)  # upright furrows beside the middle
_REACH = 1.6  # around the middle of the eyes; holds the forehead
_INNER = 0.3  # where furrows of the inner brows end and those of the outer begin

_ACROSS: Range = (0.08, 0.26)  # share of the light that a furrow swallows at full depth
_UPRIGHT: Range = (0.1, 0.28)
_RIM = 0.45  # light that the skin below a furrow catches, of what the furrow swallows
_SKIN = 0.65  # as far from the colour of the nose, in logarithms, skin ends


def furrow(
    pixels: Pixels,
    landmarks: NDArray[np.floating],
    forehead: tuple[float, float],
    frown: float,
    rng: np.random.Generator,
) -> Pixels:
    """Return a picture with furrows, drawn only where it has the colour of skin.

    Args:
        pixels: (H, W, 3) uint8 RGB.
        landmarks: (68, 2) of the face in it.
        forehead: Depth of the furrows across, 0 to 1, above the inner ends of the brows and the outer.
        frown: Depth of the furrows between the brows, 0 to 1.
        rng: Draws their number and course.
    """
    if not (max(forehead) or frown):
        return pixels
    axes = Axes.of(landmarks)
    part, here = window(pixels, axes.middle, _REACH * axes.distance)
    across, up = np.moveaxis(axes.of_points(here), -1, 0)
    brows = axes.of_points(landmarks[BROWS])
    shade = np.ones_like(up)
    if max(forehead):
        shade *= _across(across, up - _arch(brows)(across), forehead, rng)
    if frown:
        shade *= _upright(across, up - brows[[4, 5], 1].mean(), frown, rng)
    skin = _skin(pixels[part], landmarks[NOSE_BRIDGE] - here[0, 0], axes.distance)
    furrowed = pixels.copy()
    furrowed[part] = np.rint(pixels[part] * (1 + (shade - 1) * skin)[..., None]).clip(0, 255)
    return furrowed


def _arch(brows: NDArray[np.float64]) -> np.poly1d:
    """Return the height of the forehead's furrows over the face: the brows' own arch, flattened."""
    bent, slope, height = np.polyfit(brows[:, 0], brows[:, 1], 2)
    return np.poly1d([0.6 * bent, slope, height])


def _across(
    across: NDArray[np.float64],
    above: NDArray[np.float64],
    depths: tuple[float, float],
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    inner, outer = depths
    depth = inner + (outer - inner) / (1 + np.exp((_INNER - np.abs(across)) / 0.06))
    first, apart = rng.uniform(*_FIRST), rng.uniform(*_APART)
    shade = np.ones_like(above)
    for number in range(rng.integers(2, 5)):
        course = np.full_like(above, first + number * apart)
        for waves in (0.7, 1.5, 2.6):
            course += 0.008 * rng.normal() * np.sin(2 * np.pi * (waves * across + rng.random()))
        ends = 1 + np.exp((np.abs(across) - rng.uniform(*_HALF_LENGTH)) / 0.05)
        swallowed = depth * rng.uniform(*_ACROSS) * (1 - 0.15 * number) / ends
        shade *= _line(above - course, swallowed, rng.uniform(*_BREADTH))
    return shade


def _upright(
    across: NDArray[np.float64], above: NDArray[np.float64], depth: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    shade = np.ones_like(above)
    for side in ((-1, 1), (-1, 1), (-1, 1), (-1,), (1,))[rng.integers(5)]:
        course = side * (rng.uniform(*_FROWN_AT) + rng.uniform(0, 0.12) * above)
        swallowed = depth * rng.uniform(*_UPRIGHT) * np.exp(-(((above - 0.05) / 0.11) ** 4))
        shade *= _line(-side * (across - course), swallowed, rng.uniform(*_BREADTH))
    return shade


def _line(away: NDArray[np.float64], swallowed: NDArray[np.float64], breadth: float) -> NDArray[np.float64]:
    """Return the light of a furrow's profile: dark in it, brighter on the skin that bulges beside it."""
    dark = np.exp(-((away / breadth) ** 2) / 2)
    bright = np.exp(-(((away + 1.9 * breadth) / breadth) ** 2) / 2)
    return 1 - swallowed * dark + _RIM * swallowed * bright


def _skin(pixels: Pixels, nose: NDArray[np.floating], distance: float) -> NDArray[np.float64]:
    """Return how much each pixel looks like skin, 0 to 1: like the bridge of the nose at places (4, 2)."""
    height, width = pixels.shape[:2]
    smooth = cv2.GaussianBlur(pixels, (0, 0), 0.03 * distance).astype(np.float64)
    x, y = np.round(nose).astype(int).T
    usual = np.median(smooth[y.clip(0, height - 1), x.clip(0, width - 1)], axis=0)
    away = np.abs(np.log((smooth + 8) / (usual + 8))).max(axis=-1)
    return 1 / (1 + np.exp((away - _SKIN) / 0.1))
