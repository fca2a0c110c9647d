"""What lies behind the head: out-of-focus rooms, streets, leaves, lights and walls."""

from collections.abc import Callable

import cv2
import numpy as np

from idennet.research.synth.appearance import FloatArray
from idennet.research.synth.pixels import blurred, resized


def sample_backdrop(generator: np.random.Generator, size: int) -> FloatArray:
    """Return a random backdrop of a random kind, (size, size, 3) float32 linear RGB of at least 0."""
    kind = generator.choice(len(BACKDROPS), p=_SHARES)
    return backdrop(generator, size, tuple(BACKDROPS)[kind])


def backdrop(generator: np.random.Generator, size: int, kind: str) -> FloatArray:
    """Return a backdrop of a kind of `BACKDROPS`, (size, size, 3) float32 linear RGB of at least 0."""
    picture = BACKDROPS[kind](generator, size)
    picture = picture * _field(generator, size, 2, 0.25)  # light falls unevenly
    blur = 0.0 if kind in ("plain", "gradient") else generator.uniform(0.006, 0.05) * size
    if blur > 0.3:
        picture = blurred(picture, blur)
    grain = 1 + 0.015 * generator.standard_normal((size, size, 1), dtype=np.float32)
    return np.clip(picture * grain, 0, None).astype(np.float32)


def _colour(g: np.random.Generator, light: float = 1.0, saturation: float = 0.25) -> FloatArray:
    """A likely colour of walls and things: mostly muted, of widely varying brightness."""
    tint = 1 + saturation * g.standard_normal(3)
    return (light * g.uniform(0.08, 0.9) ** 1.5 * np.clip(tint, 0.4, 1.6)).astype(np.float32)


def _field(g: np.random.Generator, size: int, cells: int, spread: float) -> FloatArray:
    """Smooth brightness (size, size, 1) about 1."""
    coarse = np.exp(spread * g.standard_normal((cells + 1, cells + 1))).astype(np.float32)
    return resized(coarse, (size, size))[..., None]


def _plain(g: np.random.Generator, size: int) -> FloatArray:
    return np.tile(_colour(g), (size, size, 1))


def _gradient(g: np.random.Generator, size: int) -> FloatArray:
    row, column = np.mgrid[:size, :size].astype(np.float32) / size - 0.5
    angle = g.uniform(0, 2 * np.pi)
    t = np.clip(0.5 + np.cos(angle) * column + np.sin(angle) * row, 0, 1)[..., None]
    first = _colour(g)
    return first * (1 - t) + first * g.uniform(0.3, 1.8) * t


def _shapes(g: np.random.Generator, size: int) -> FloatArray:
    picture = _plain(g, size)
    for _ in range(g.integers(8, 25)):
        centre = tuple(int(v) for v in g.uniform(0, size, 2))
        axes = tuple(int(v) for v in g.uniform(0.03, 0.3, 2) * size)
        cv2.ellipse(
            picture, centre, axes, float(g.uniform(0, 180)), 0, 360, _colour(g).tolist(), -1, cv2.LINE_AA
        )
    return picture


def _lights(g: np.random.Generator, size: int) -> FloatArray:
    """Bokeh: discs of light out of focus before the night."""
    picture = _shapes(g, size) * 0.2
    radius = g.uniform(0.02, 0.07) * size
    for _ in range(g.integers(10, 40)):
        disc = np.zeros((size, size), np.float32)
        centre = tuple(int(v) for v in g.uniform(0, size, 2))
        cv2.circle(
            disc,
            centre,
            max(1, round(radius * g.uniform(0.7, 1.2))),
            float(g.uniform(0.1, 0.8)),
            -1,
            cv2.LINE_AA,
        )
        picture += disc[..., None] * np.clip(
            np.array((1.0, 0.75, 0.45)) + 0.3 * g.standard_normal(3), 0.05, 1.3
        ).astype(np.float32)
    return picture


def _room(g: np.random.Generator, size: int) -> FloatArray:
    """A wall with window, pictures, shelves and furniture."""
    wall = _colour(g, 1.1, 0.15)
    picture = np.tile(wall, (size, size, 1))
    horizon = int(g.uniform(0.55, 1.0) * size)
    picture[horizon:] = _colour(g, 0.6, 0.25)
    corner = int(g.uniform(-0.2, 1.2) * size)
    picture[:, : max(corner, 0)] *= g.uniform(0.55, 0.95)
    if g.random() < 0.5:
        left, top = g.uniform(-0.1, 0.8) * size, g.uniform(-0.2, 0.3) * size
        width, height = g.uniform(0.2, 0.5, 2) * size
        _rectangle(picture, left, top, width, height, np.array((1.0, 1.05, 1.15)) * g.uniform(0.5, 1.3))
        for k in (0.48,):
            _rectangle(picture, left + k * width, top, 0.04 * width, height, wall * 0.6)
    if g.random() < 0.5:
        left, width = g.uniform(-0.1, 0.9) * size, g.uniform(0.15, 0.5) * size
        for shelf in np.arange(g.uniform(-0.1, 0.1), 0.9, g.uniform(0.13, 0.25)) * size:
            _rectangle(picture, left, shelf, width, 0.012 * size, wall * 0.4)
            edge = left
            while edge < left + width:
                thick = g.uniform(0.012, 0.04) * size
                tall = g.uniform(0.06, 0.11) * size
                _rectangle(picture, edge, shelf - tall, thick, tall, _colour(g, 0.7, 0.6))
                edge += thick
    for _ in range(g.integers(0, 5)):
        left, top = g.uniform(-0.1, 1.0, 2) * size
        width, height = g.uniform(0.08, 0.3, 2) * size
        _rectangle(picture, left, top, width, height, _colour(g))
    return picture


def _rectangle(
    picture: FloatArray, left: float, top: float, width: float, height: float, colour: np.ndarray
) -> None:
    rows = slice(max(0, round(top)), max(0, round(top + height)))
    columns = slice(max(0, round(left)), max(0, round(left + width)))
    picture[rows, columns] = colour


def _leaves(g: np.random.Generator, size: int) -> FloatArray:
    base = (
        np.array((0.12, 0.20, 0.05), np.float32)
        * g.uniform(0.5, 1.5)
        * g.uniform(0.75, 1.3, 3).astype(np.float32)
    )
    texture = np.zeros((size, size, 1), np.float32)
    for cells, weight in ((4, 0.5), (10, 0.6), (28, 0.6)):
        noise = g.standard_normal((cells, cells), dtype=np.float32)
        texture += weight * resized(noise, (size, size))[..., None]
    sky = np.clip(texture - g.uniform(0.7, 1.6), 0, 1) * np.array((0.9, 1.0, 1.1), np.float32)
    return base * np.exp(0.7 * texture) + sky


def _outdoors(g: np.random.Generator, size: int) -> FloatArray:
    """Sky, a row of houses or trees, ground."""
    picture = np.tile(
        np.array((0.55, 0.72, 1.0), np.float32) * np.float32(g.uniform(0.6, 1.2)), (size, size, 1)
    )
    picture += np.float32(g.uniform(0, 0.5)) * (_field(g, size, 4, 0.6) - 0.6).clip(0, 1)
    horizon = int(g.uniform(0.35, 0.75) * size)
    picture[horizon:] = _colour(g, 0.8, 0.25)
    left = -0.1 * size
    while left < size:
        width, height = g.uniform(0.08, 0.35) * size, g.uniform(0.05, 0.5) * size
        colour = _colour(g, 0.6) if g.random() < 0.5 else np.array((0.06, 0.11, 0.03)) * g.uniform(0.5, 1.6)
        _rectangle(picture, left, horizon - height, width, height, colour)
        left += width * g.uniform(0.7, 1.3)
    return picture


def _stripes(g: np.random.Generator, size: int) -> FloatArray:
    row, column = np.mgrid[:size, :size].astype(np.float32) / size
    angle = g.choice([0.0, np.pi / 2, g.uniform(0, np.pi)])
    wave = np.sin(2 * np.pi * g.uniform(3, 16) * (np.cos(angle) * column + np.sin(angle) * row))
    t = np.clip(0.5 + g.uniform(1, 6) * wave, 0, 1)[..., None]
    first = _colour(g)
    return first * (1 - t) + (0.4 * _colour(g) + 0.6 * first) * t


BACKDROPS: dict[str, Callable[[np.random.Generator, int], FloatArray]] = {
    "plain": _plain,
    "gradient": _gradient,
    "shapes": _shapes,
    "lights": _lights,
    "room": _room,
    "leaves": _leaves,
    "outdoors": _outdoors,
    "stripes": _stripes,
}
"""Kinds of backdrops."""

_SHARES = (0.14, 0.14, 0.10, 0.08, 0.24, 0.12, 0.14, 0.04)
