"""What happens between the light on the sensor and the pixels of the file."""

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from idennet.research.synth.appearance import FloatArray
from idennet.research.synth.scene import CameraEffects

Picture = npt.NDArray[Any]  # what OpenCV's functions are declared to return

_FACE_LEVEL = 0.31  # linear level that automatic exposure gives to the face's bright quarter
_ADAPTATION = 0.7  # how much of the difference it makes up; 1 would make all skins equally bright


def develop(
    light: FloatArray, face: npt.NDArray[np.bool_], effects: CameraEffects, generator: np.random.Generator
) -> npt.NDArray[np.uint8]:
    """Return the picture that a camera makes of linear light.

    Args:
        light: (S, S, 3) linear RGB.
        face: (S, S) pixels by which the camera exposes.
        effects: What the camera does.
        generator: Source of the noise.

    Returns:
        (S, S, 3) uint8 RGB.
    """
    picture = light * _exposure(light, face, effects)
    if effects.vignette > 0:
        picture *= _vignette(picture.shape[0], effects.vignette)[..., None]
    picture = _soften(picture, effects)
    if effects.haze > 0:
        picture += (picture.mean(axis=(0, 1)) - picture) * np.float32(effects.haze)
    if effects.noise > 0:
        grain = generator.standard_normal(picture.shape, dtype=np.float32)
        picture += grain * np.sqrt(np.maximum(picture, 0) * 4e-4 + 2e-6) * np.float32(effects.noise)
    picture = _tone(picture, effects.contrast)
    if effects.grey:
        picture = np.repeat(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)
    coded = (picture * 255.0 + 0.5).astype(np.uint8)
    return coded if effects.jpeg_quality is None else _compress(coded, effects.jpeg_quality)


def _exposure(light: FloatArray, face: npt.NDArray[np.bool_], effects: CameraEffects) -> FloatArray:
    """Return the (3,) gain of automatic exposure, white balance and the effects' stops."""
    levels = light[face] if face.any() else light.reshape(-1, 3)
    level = float(np.percentile(levels.mean(axis=1), 75))
    gain = (_FACE_LEVEL / max(level, 0.02)) ** _ADAPTATION * 2.0**effects.exposure
    return (gain * np.asarray(effects.white_balance)).astype(np.float32)


def _vignette(size: int, strength: float) -> FloatArray:
    axis = np.linspace(-1, 1, size, dtype=np.float32) ** 2
    return 1.0 - 0.5 * np.float32(strength) * (axis[:, None] + axis)


def _soften(picture: FloatArray, effects: CameraEffects) -> Picture:
    """Apply defocus, motion and the loss of a small intermediate picture."""
    size = picture.shape[0]
    soft: Picture = picture
    if effects.blur > 0.05:
        soft = cv2.GaussianBlur(soft, (0, 0), effects.blur)
    if effects.motion_length > 1:
        length = int(np.ceil(effects.motion_length)) | 1
        kernel = np.zeros((length, length), np.float32)
        angle = np.radians(effects.motion_angle)
        reach = np.array([np.cos(angle), -np.sin(angle)]) * (effects.motion_length - 1) / 2
        centre = np.array([length // 2, length // 2])
        start, end = np.rint(centre - reach).astype(int), np.rint(centre + reach).astype(int)
        cv2.line(kernel, start.tolist(), end.tolist(), 1.0)
        soft = cv2.filter2D(soft, -1, kernel / kernel.sum())
    if effects.resolution < 1:
        small = max(8, round(size * effects.resolution))
        soft = cv2.resize(soft, (small, small), interpolation=cv2.INTER_AREA)
        soft = cv2.resize(soft, (size, size), interpolation=cv2.INTER_LINEAR)
    return soft


def _tone(picture: FloatArray, contrast: float) -> FloatArray:
    """Return gamma-encoded values in 0 to 1: Reinhard's shoulder (white at 2), then an S-curve about grey."""
    light = 1.5 * np.maximum(picture, 0)
    light = light * (1 + light / 9) / (1 + light)
    coded = np.minimum(cv2.pow(light, 1 / 2.2), 1)
    bright, dark = cv2.pow(coded, contrast), cv2.pow(1 - coded, contrast)
    return np.asarray(bright / (bright + dark), np.float32)


def _compress(picture: npt.NDArray[np.uint8], quality: int) -> npt.NDArray[np.uint8]:
    _, data = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
    return np.ascontiguousarray(decoded[..., ::-1])
