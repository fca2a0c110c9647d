"""Things drawn over a training face that hide a part of it: dark glasses, masks and scarves, hands, hats.

What is hidden is known, so a network learns to say that it cannot see. Rendered faces and photographs are
covered alike.
"""

from collections.abc import Callable, Mapping
from itertools import pairwise
from types import MappingProxyType
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Face = NDArray[Any]
Points = NDArray[np.floating]
Shape = tuple[NDArray[np.float32], NDArray[np.float32]]
"""Colour (H, W, 3), 0 to 255, and opacity (H, W), 0 to 1."""

_SUBPIXEL = 4  # bits of OpenCV's fixed-point coordinates


def kind_of(rng: np.random.Generator) -> str:
    """Return which cover is drawn; the first number of the generator decides."""
    return tuple(HIDES)[min(int(rng.random() * len(HIDES)), len(HIDES) - 1)]


def cover(face: Face, points: Points, kind: str, rng: np.random.Generator) -> Face:
    """Return a copy of a face (H, W, 3) uint8 with a cover over it.

    Args:
        face: RGB.
        points: (68, 2) landmarks in its pixels.
        kind: One of `HIDES`.
        rng: Source of all randomness.
    """
    colour, alpha = _DRAW[kind](face, points, rng)
    opacity = cv2.GaussianBlur(alpha, (0, 0), rng.uniform(0.4, 0.9))[..., None]
    return (face * (1 - opacity) + colour * opacity + 0.5).clip(0, 255).astype(np.uint8)


def _glasses(face: Face, points: Points, rng: np.random.Generator) -> Shape:
    """Dark, coloured or mirrored glasses: two lenses or a band, rims, a bridge, arms, often a reflection."""
    eyes = np.stack([points[36:42].mean(0), points[42:48].mean(0)])
    span = max(float(np.linalg.norm(eyes[1] - eyes[0])), 8.0)
    angle = float(np.degrees(np.arctan2(*(eyes[1] - eyes[0])[::-1])))
    width, height = span * rng.uniform(0.33, 0.5), span * rng.uniform(0.15, 0.46)
    lower = np.array([0, span * rng.uniform(-0.04, 0.1)])
    brow_line = lower - (0, 0.3 * height)
    alpha = np.zeros(face.shape[:2], np.float32)
    corner = int(rng.integers(0, 3))  # ellipse, rounded, rectangular
    is_band = height < 0.3 * span and rng.random() < 0.3
    for eye in eyes:
        centre = eye + lower
        if is_band:  # both lenses meet above the nose
            centre = 0.75 * centre + 0.25 * (eyes.mean(0) + lower)
        if corner == 0 and not is_band:
            _ellipse(alpha, centre, (width, height), angle)
        else:
            box = cv2.boxPoints((tuple(map(float, centre)), (2 * width, 2 * height), angle))
            _polygon(alpha, np.array(box, np.float32))
    if corner == 1 or is_band:
        blur = cv2.GaussianBlur(alpha, (0, 0), 0.25 * height)
        alpha = np.clip((blur - 0.4) * 6, 0, 1).astype(np.float32)
    lenses = alpha.copy()
    thick = max(1, round(span * rng.uniform(0.03, 0.08)))
    ends = [points[0], *(eyes + brow_line), points[16]]
    for one, other in pairwise(ends):
        cv2.line(alpha, _fixed(one), _fixed(other), 1.0, thick, cv2.LINE_AA, _SUBPIXEL)
    if rng.random() < 0.3:  # coloured or mirrored
        tint = rng.uniform(0, 170, 3)
    else:
        tint = rng.uniform(0, 60) * np.clip(1 + 0.3 * rng.standard_normal(3), 0.3, 1.7)
    colour = np.broadcast_to(tint, face.shape).astype(np.float32).copy()
    colour += (_slope(face.shape[:2], rng) * rng.uniform(0, 110) * (rng.random() < 0.6))[..., None]
    if rng.random() < 0.3:  # the sky, a window or a lamp in both lenses
        colour += (_streaks(face.shape[:2], eyes + lower, span, rng) * rng.uniform(40, 200))[..., None]
    if rng.random() < 0.3:  # coloured or white rims
        rim = (alpha > 0.5) & (lenses < 0.5)
        colour[rim] = rng.uniform(0, 255, 3)
    through = np.full(face.shape[:2], rng.uniform(0.9, 1.0), np.float32)
    if rng.random() < 0.4:  # paler below, where cheeks shine through
        below = (np.arange(face.shape[0]) - (eyes.mean(0) + lower)[1]) / height
        through *= (1 - rng.uniform(0.1, 0.5) * below.clip(0, 1))[:, None]
    return colour.clip(0, 255), np.where(lenses > 0.5, alpha * through, alpha)


def _streaks(
    size: tuple[int, ...], eyes: Points, span: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return a reflection at the same place of each lens, (H, W), 0 to 1."""
    light = np.zeros(size, np.float32)
    place, axes = span * rng.uniform(-0.25, 0.25, 2), span * rng.uniform(0.03, 0.25, 2)
    for eye in eyes:
        _ellipse(light, eye + place, axes, rng.uniform(-40, 40))
    return np.asarray(cv2.GaussianBlur(light, (0, 0), span * rng.uniform(0.01, 0.06)), np.float32)


def _mask(face: Face, points: Points, rng: np.random.Generator) -> Shape:
    """A cloth or surgical mask, or a scarf drawn up: over nose and mouth, down to the chin or beyond."""
    nose = points[27] + (points[30] - points[27]) * rng.uniform(0.35, 1.15)
    first = int(rng.integers(1, 4))
    cheeks = points[first], points[16 - first]
    jaw = points[first : 17 - first] + (points[first : 17 - first] - points[30]) * rng.uniform(0.02, 0.12)
    if rng.random() < 0.35:  # a scarf has no lower edge
        jaw = np.concatenate([cheeks[0][None], [[cheeks[0][0] - 8, face.shape[0] + 20]],
                              [[cheeks[1][0] + 8, face.shape[0] + 20]], cheeks[1][None]])  # fmt: skip
    outline = np.concatenate([jaw, [cheeks[1] * 0.35 + nose * 0.65, nose, cheeks[0] * 0.35 + nose * 0.65]])
    alpha = np.zeros(face.shape[:2], np.float32)
    _polygon(alpha, outline)
    plain = [(235, 238, 240), (140, 180, 205), (25, 25, 28), tuple(rng.uniform(0, 255, 3))]
    colour = _cloth(face.shape[:2], np.array(plain[int(rng.integers(len(plain)))], np.float32), rng)
    if rng.random() < 0.5:  # straps
        for one, other in ((cheeks[0], points[0] - (6, 8)), (cheeks[1], points[16] + (6, -8))):
            cv2.line(alpha, _fixed(one), _fixed(other), 1.0, 1, cv2.LINE_AA, _SUBPIXEL)
    return colour, alpha


def _hand(face: Face, points: Points, rng: np.random.Generator) -> Shape:
    """A hand, a cup or a microphone before the mouth."""
    mouth = points[48:60].mean(0)
    span = max(float(np.linalg.norm(points[54] - points[48])), 10.0)
    alpha = np.zeros(face.shape[:2], np.float32)
    if rng.random() < 0.6:  # fingers side by side, from below or from the side, in the face's own tone
        tone = face[int(np.clip(points[30][1], 0, 127)), int(np.clip(points[30][0], 0, 127))]
        base = tone.astype(np.float32) * rng.uniform(0.75, 1.2)
        tilt, radius = rng.uniform(-1.3, 1.3), span * rng.uniform(0.2, 0.28)
        along = np.array([np.sin(tilt), np.cos(tilt)])
        across = np.array([along[1], -along[0]])
        shade = np.zeros_like(alpha)
        for number in range(4):
            offset = across * (number - 1.5) * 1.9 * radius
            start = mouth + offset - along * span * rng.uniform(0.6, 0.9)
            end = mouth + offset + along * span * rng.uniform(1.5, 3.0)
            cv2.line(alpha, _fixed(start), _fixed(end), 1.0, round(2.3 * radius), cv2.LINE_AA, _SUBPIXEL)
            cv2.line(shade, _fixed(start), _fixed(end), 1.0, round(1.1 * radius), cv2.LINE_AA, _SUBPIXEL)
        light = 0.72 + 0.35 * cv2.GaussianBlur(shade, (0, 0), 0.4 * radius)
        return base * light[..., None], alpha
    _ellipse(alpha, mouth + rng.normal(0, 2, 2), span * rng.uniform((0.6, 0.5), (0.95, 0.9)), 0)
    foot = mouth + np.array([rng.normal(0, 15), 90])
    cv2.line(alpha, _fixed(mouth), _fixed(foot), 1.0, round(span * 0.6), cv2.LINE_AA, _SUBPIXEL)
    return _cloth(face.shape[:2], rng.uniform(0, 255, 3).astype(np.float32), rng), alpha


def _hat(face: Face, points: Points, rng: np.random.Generator) -> Shape:
    """A hat, a hood's edge or a fringe that covers both brows and leaves the eyes."""
    brows, eyes = points[17:27], points[36:48]
    lid = float(eyes[:, 1].min())
    edge = min(float(brows[:, 1].max()) + rng.uniform(1.0, 4.0), lid - 1.0)
    columns = np.arange(-10, face.shape[1] + 20, 6)
    wave = rng.uniform(0, 2.0) * np.sin(columns / rng.uniform(5, 30) + rng.uniform(0, 6))
    bow = rng.uniform(-0.002, 0.002) * (columns - points[27][0]) ** 2
    lower = np.stack([columns, edge + wave + bow], axis=1)
    alpha = np.zeros(face.shape[:2], np.float32)
    _polygon(alpha, np.concatenate([lower, [[face.shape[1] + 20, -20], [-20, -20]]]))
    if rng.random() < 0.5:
        return _cloth(face.shape[:2], rng.uniform(0, 230, 3).astype(np.float32), rng), alpha
    hair = np.array(((28, 20, 16), (70, 45, 30), (150, 115, 75), (190, 190, 185))[int(rng.integers(4))])
    strands = cv2.resize(rng.uniform(0.6, 1.4, (6, 128)).astype(np.float32), face.shape[1::-1])
    return (hair * strands[..., None]).astype(np.float32), alpha


HIDES: Mapping[str, str] = MappingProxyType(
    {"glasses": "eyes", "mask": "mouth", "hand": "mouth", "hat": "brows"}
)
"""What hides which of `facs.PARTS`."""

_DRAW: Mapping[str, Callable[[Face, Points, np.random.Generator], Shape]] = MappingProxyType(
    {"glasses": _glasses, "mask": _mask, "hand": _hand, "hat": _hat}
)


def _cloth(
    size: tuple[int, ...], colour: NDArray[np.float32], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return folds and weave of one colour, perhaps with stripes."""
    rows, columns = np.mgrid[: size[0], : size[1]].astype(np.float32)
    angle, pitch = rng.uniform(0, np.pi), rng.uniform(4, 25)
    folds = np.sin((rows * np.sin(angle) + columns * np.cos(angle)) / pitch * 2 + rng.uniform(0, 6))
    light = 0.85 + rng.uniform(0, 0.15) * folds + 0.25 * (_slope(size, rng) - 0.5)
    cloth = colour * light[..., None]
    if rng.random() < 0.25:
        stripes = np.sin((rows * np.cos(angle) + columns * np.sin(angle)) / rng.uniform(1, 4)) > 0
        cloth[stripes] = rng.uniform(0, 255, 3) * light[stripes][:, None]
    grain = cv2.resize(rng.standard_normal((64, 64)).astype(np.float32), size[::-1])
    return np.asarray(cloth + rng.uniform(0, 10) * grain[..., None], np.float32)


def _slope(size: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float32]:
    """Return a plane from 0 to 1 in a random direction, (H, W)."""
    rows, columns = np.mgrid[: size[0], : size[1]].astype(np.float32)
    angle = rng.uniform(0, 2 * np.pi)
    plane = rows * np.sin(angle) + columns * np.cos(angle)
    return np.asarray((plane - plane.min()) / (plane.max() - plane.min()), np.float32)


def _polygon(canvas: NDArray[np.float32], outline: Points) -> None:
    fixed = np.round(np.asarray(outline) * 2**_SUBPIXEL).astype(np.int32)
    cv2.fillPoly(canvas, [fixed], 1.0, cv2.LINE_AA, _SUBPIXEL)


def _ellipse(canvas: NDArray[np.float32], centre: Points, axes: Any, angle: float) -> None:
    turn = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    circle = np.stack([np.cos(turn), np.sin(turn)], axis=1) * np.asarray(axes)
    cosine, sine = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    _polygon(canvas, centre + circle @ np.array([[cosine, sine], [-sine, cosine]]))


def _fixed(point: Points) -> tuple[int, int]:
    x, y = np.round(np.asarray(point) * 2**_SUBPIXEL).astype(int)
    return int(x), int(y)
