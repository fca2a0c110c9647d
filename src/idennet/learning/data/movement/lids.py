"""An eye is shut in a photograph: its lid is drawn down over it."""

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from idennet.errors import NoFaceError
from idennet.faces.boxes import Pixels
from idennet.faces.landmarks import LEFT_EYE, RIGHT_EYE
from idennet.learning.data.movement.axes import Axes, window
from idennet.learning.data.movement.bend import drawn_from
from idennet.learning.data.movement.drawn import Sides

# In distances between the eyes:
_LID = 0.2  # skin above the eye that the shutting lid is stretched from
_LASHES = 0.012  # above the landmarks of the upper lid: they go down with it
_RIM = 0.005  # below the landmarks of the lower lid
_REACH = 0.6  # around an eye's centre; holds it, its lid and its brow

_SLIT = 0.07  # of the opening that stays of a shut eye: its lashes
_DROP = 0.4  # power: at half strength three quarters are covered, and the eye is not yet shut


def shut(pixels: Pixels, landmarks: NDArray[np.floating], strengths: Sides) -> Pixels:
    """Return a picture whose eyes are shut by a strength, 0 to 1, of the subject's left and right.

    In every column of an eye the skin of the upper lid is stretched downwards and the eye below it pressed
    together; corners stay, and so does everything else.

    Raises:
        NoFaceError: An eye to shut is seen from the side.
    """
    axes = Axes.of(landmarks)
    for eye, strength in ((LEFT_EYE, strengths[0]), (RIGHT_EYE, strengths[1])):
        if strength:
            pixels = _shut_one(pixels, landmarks[eye], axes, (1 - _SLIT) * strength**_DROP)
    return pixels


def _shut_one(pixels: Pixels, eye: NDArray[np.floating], axes: Axes, by: float) -> Pixels:
    part, here = window(pixels, eye.mean(axis=0), _REACH * axes.distance)
    across, up = np.moveaxis(axes.of_points(here), -1, 0)
    corner, upper, lower, other = axes.of_points(eye)[[[0, 0], [1, 2], [5, 4], [3, 3]]]
    over, under = (np.array([corner[0], *lid, other[0]]) for lid in (upper, lower))
    if (np.diff(over[:, 0]) <= 0).any() or (np.diff(under[:, 0]) <= 0).any():
        raise NoFaceError("An eye that is seen from the side has no lid to draw down.")
    column = across.clip(corner[0, 0], other[0, 0])
    lid = PchipInterpolator(*over.T)(column) + _LASHES
    rim = PchipInterpolator(*under.T)(column) - _RIM
    edge, top = lid - by * (lid - rim), lid + _LID
    stretched = top - (top - up) * (top - lid) / (top - edge)
    pressed = rim + (up - rim) * (lid - rim) / np.maximum(edge - rim, 1e-9)
    origin = np.select([up >= top, up >= edge, up >= rim], [up, stretched, pressed], up)
    rise = np.where(column == across, origin - up, 0.0)
    found = pixels.copy()
    found[part] = drawn_from(pixels, (here + rise[..., None] * axes.up).astype(np.float32))
    return found
