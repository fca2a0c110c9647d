"""Where a face lies in the picture: the template, the head's pose, and the pinhole camera."""

from dataclasses import dataclass

import numpy as np

from idennet.research.synth.appearance import FloatArray
from idennet.research.synth.raster import project, rotate_about
from idennet.research.synth.scene import Camera

TEMPLATE_FRAME = 160
"""Frame size at which the eyes of a frontal face lie at `TEMPLATE_EYES`."""

TEMPLATE_EYES = ((60.0, 60.0), (100.0, 60.0))
"""Centres of the subject's right and left eye: the alignment template and a margin of 16 pixels."""


@dataclass(frozen=True)
class View:
    """The transformation from face model space to the pixels of the supersampled picture."""

    rotation: FloatArray
    origin: FloatArray
    distance: float
    focal: float
    centre: tuple[float, float]

    def to_camera(self, points: FloatArray) -> FloatArray:
        """Return (V, 3) points in camera space."""
        posed = np.empty_like(points)
        rotate_about(points, self.rotation, self.origin, posed)
        return posed

    def to_screen(self, posed: FloatArray) -> FloatArray:
        """Return (V, 3) screen positions and nearness of points of camera space."""
        screen = np.empty_like(posed)
        project(posed, self.distance, self.focal, *self.centre, screen)
        return screen


def view_of(camera: Camera, landmarks: FloatArray, size: int) -> View:
    """Return the view that puts the point between the eyes at its place.

    Args:
        camera: Pose, distance and framing.
        landmarks: (68, 3) of the subject's neutral face; the scale is that of this face seen from the front.
        size: Side of the picture in pixels.
    """
    right, left = landmarks[36:42].mean(axis=0), landmarks[42:48].mean(axis=0)
    (right_x, eye_y), (left_x, _) = TEMPLATE_EYES
    scale = size / TEMPLATE_FRAME
    between = (left_x - right_x) * scale * camera.zoom
    return View(
        rotation=_rotation(camera),
        origin=((right + left) / 2).astype(np.float32),
        distance=camera.distance,
        focal=float(between * camera.distance / np.linalg.norm(left - right)),
        centre=(
            ((right_x + left_x) / 2 + 0.5) * scale + camera.shift[0] * size,
            (eye_y + 0.5) * scale + camera.shift[1] * size,
        ),
    )


def _rotation(camera: Camera) -> FloatArray:
    """Return the (3, 3) rotation from face model space to camera space."""
    yaw, pitch, roll = np.radians([camera.yaw, -camera.pitch, -camera.roll])
    about_y = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
    about_z = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
    return (about_z @ about_y @ about_x).astype(np.float32)
