"""Eyeballs turn with the gaze and keep behind the lids."""

import numpy as np

from idennet.research.synth.appearance import FloatArray
from idennet.research.synth.facemodel import SCLERA_VERTICES, FaceModel
from idennet.research.synth.scene import Camera

REACH = np.array([30.0, 24.0])
"""Degrees to the side, and up or down, of a gaze of 1."""

_COUNTER = np.array([18.0, 12.0])  # degrees by which eyes at most turn back to the camera


def gaze_past(camera: Camera, offset: tuple[float, float]) -> tuple[float, float]:
    """Return the gaze in the head of eyes that look past the camera by an offset.

    Eyes make up for the turn of the head, as people do who are photographed, up to a comfortable angle.

    Args:
        camera: Pose of the head.
        offset: (x, y) in the units of `Expression.gaze`; (0, 0) looks at the camera.
    """
    back = np.clip((camera.yaw, camera.pitch), -_COUNTER, _COUNTER) / REACH
    x, y = np.clip(offset - back, -1, 1)
    return float(x), float(y)


def turn_eyeballs(vertices: FloatArray, gaze: tuple[float, float], model: FaceModel) -> None:
    """Turn both eyeballs of posed vertices (V, 3) about their centres, in place.

    The model's own shapes move only the lids.
    """
    about_y, about_x = np.radians(np.array(gaze) * REACH * (1, -1))
    across = np.array(
        [[np.cos(about_y), 0, np.sin(about_y)], [0, 1, 0], [-np.sin(about_y), 0, np.cos(about_y)]]
    )
    down = np.array(
        [[1, 0, 0], [0, np.cos(about_x), -np.sin(about_x)], [0, np.sin(about_x), np.cos(about_x)]]
    )
    turn = (across @ down).astype(np.float32)
    for side in ("eye_L", "eye_R"):
        eyeball = vertices[model.parts[side]]
        centre = eyeball[:SCLERA_VERTICES].mean(axis=0)
        vertices[model.parts[side]] = (eyeball - centre) @ turn.T + centre


def sink_eyeballs(
    screen: FloatArray, posed: FloatArray, weights: FloatArray, distance: float, model: FaceModel
) -> None:
    """Draw eyeballs as if they lay deeper while lids move over them on straight lines, not on an arc."""
    for side in ("L", "R"):
        blink = weights[model.expression_index(f"eyeBlink_{side}")]
        squint = weights[model.expression_index(f"eyeSquint_{side}")]
        downcast = weights[model.expression_index(f"eyeLookDown_{side}")]
        closure = min(1.0, float(blink + 0.5 * squint + 0.6 * downcast))
        part = model.parts[f"eye_{side}"]
        screen[part, 2] = 1.0 / (distance - posed[part, 2] + 0.03 + 0.95 * closure**2)
