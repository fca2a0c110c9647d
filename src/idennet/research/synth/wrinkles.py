"""Wrinkles as relief: grooves along curves in rest coordinates, a new layout for each subject.

The same patches serve twice: at rest with a strength that grows with age (confounders of the Action
Units), and in motion with a strength given by the Action Units.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from idennet.research.synth.appearance import TEXTURE_SIZE, WRINKLES, FloatArray, WrinklePatch
from idennet.research.synth.atlas import SkinAtlas, noise, smooth_curve
from idennet.research.synth.pixels import blurred

SIDES = {"L": 1.0, "R": -1.0}  # the subject's left is +x


class _Relief:
    """A height map in cm under construction."""

    def __init__(self, atlas: SkinAtlas, generator: np.random.Generator) -> None:
        self.atlas = atlas
        self.generator = generator
        self.height = np.zeros((TEXTURE_SIZE, TEXTURE_SIZE), np.float32)

    def groove(self, points: npt.ArrayLike, width: float, depth: float, *, tapered: bool = True) -> None:
        """Cut a groove (raise a fold if `depth` is negative) along a curve through rest points (N, 2)."""
        corners = np.asarray(points, np.float32)
        curve = smooth_curve(corners, steps=max(2, 12 // len(corners)))
        box = self.atlas.box(curve, 2.5 * width)
        position = self.atlas.position[box]
        columns, rows = np.round(self.atlas.texels(curve)).astype(int).T.clip(0, TEXTURE_SIZE - 1)
        nodes = self.atlas.position[rows, columns].copy()
        nodes[:, :2] = curve
        squared, along = _distance_to_polyline(position, nodes)
        # A line of skin is never even: it fades, deepens and breaks.
        uneven = np.interp(along, np.linspace(0, 1, 9), self.generator.uniform(0.6, 1.15, 9)).astype(
            np.float32
        )
        profile = np.exp(-squared / (width * width)) * uneven
        if tapered:
            profile *= np.clip(np.sin(np.pi * np.clip(along, 0.02, 0.98)) * 1.6, 0, 1)
        self.height[box] -= depth * profile * (position[..., 2] > 1.0)

    def bump(self, x: float, y: float, width: float, height: float, depth: float) -> None:
        """Raise a soft bump by `depth` cm."""
        self.height += depth * self.atlas.bump(x, y, width, height)


def _distance_to_polyline(position: FloatArray, nodes: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the squared distance of texels (h, w, 3) to a polyline (N, 3) and the place 0 to 1 along it."""
    lengths = np.linalg.norm(np.diff(nodes, axis=0), axis=1)
    starts = np.concatenate([[0.0], np.cumsum(lengths)])
    best = np.full(position.shape[:2], np.inf, np.float32)
    along = np.zeros(position.shape[:2], np.float32)
    for index, (start, step) in enumerate(zip(nodes[:-1], np.diff(nodes, axis=0), strict=True)):
        offset = position - start
        t = np.clip(offset @ step / (step @ step + 1e-9), 0, 1)
        squared = ((offset - t[..., None] * step) ** 2).sum(-1)
        nearer = squared < best
        best = np.where(nearer, squared, best)
        along = np.where(nearer, starts[index] + t * lengths[index], along)
    return best, along / max(float(starts[-1]), 1e-6)


def wrinkle_patches(atlas: SkinAtlas, generator: np.random.Generator) -> tuple[WrinklePatch, ...]:
    """Return one subject's patches, one for each name of `WRINKLES`, in that order."""
    layout = _Layout(generator)
    patches = []
    for name in WRINKLES:
        relief = _Relief(atlas, generator)
        kind, side = (name[:-2], SIDES[name[-1]]) if name[-2:] in ("_L", "_R") else (name, 1.0)
        _MAKERS[kind](relief, layout, side)
        patches.append(_patch(name, relief.height, atlas))
    return tuple(patches)


def _patch(name: str, height: FloatArray, atlas: SkinAtlas) -> WrinklePatch:
    rows, columns = np.nonzero(np.abs(height) > 5e-4)
    pad = 3
    box = (
        slice(max(rows.min() - pad, 0), min(rows.max() + pad + 1, TEXTURE_SIZE)),
        slice(max(columns.min() - pad, 0), min(columns.max() + pad + 1, TEXTURE_SIZE)),
    )
    smooth = blurred(height[box], 0.8)
    relief = np.concatenate([atlas.gradient(smooth, box), smooth[..., None]], axis=2)
    return WrinklePatch(name=name, top=int(box[0].start), left=int(box[1].start), relief=relief)


class _Layout:
    """What a subject's wrinkles share: the heights of the forehead lines, the bend of the folds."""

    def __init__(self, generator: np.random.Generator) -> None:
        count = int(generator.integers(3, 6))
        spacing = generator.uniform(0.6, 0.85)
        self.forehead = 7.4 + generator.uniform(-0.3, 0.2) + spacing * np.arange(count)
        self.forehead += generator.uniform(-0.1, 0.1, count)
        self.forehead_width = generator.uniform(0.12, 0.19, count)
        self.forehead_depth = generator.uniform(0.028, 0.055, count)
        self.frown = generator.uniform(0.5, 0.8)
        self.fold = generator.uniform(-0.15, 0.2)
        self.crows = np.linspace(-42, 38, int(generator.integers(3, 6)))


def _fore_in(relief: _Relief, layout: _Layout, _: float) -> None:
    for y, width, depth in zip(layout.forehead, layout.forehead_width, layout.forehead_depth, strict=True):
        reach = relief.generator.uniform(2.4, 3.3)
        x = np.linspace(-reach, reach, 7)
        wave = 0.1 * np.cos(x) + relief.generator.normal(0, 0.06, 7)
        relief.groove(np.c_[x, y + wave], width, depth)


def _fore_out(relief: _Relief, layout: _Layout, side: float) -> None:
    for y, width, depth in zip(layout.forehead, layout.forehead_width, layout.forehead_depth, strict=True):
        x = np.linspace(1.6, relief.generator.uniform(5.2, 6.2), 7)
        wave = 0.45 * np.sin((x - 1.6) / 4.4 * np.pi) - 0.05 * x + relief.generator.normal(0, 0.05, 7)
        relief.groove(np.c_[side * x, y - 0.1 + wave], width, depth)


def _glabella(relief: _Relief, layout: _Layout, _: float) -> None:
    d = layout.frown
    for side in (1.0, -1.0):
        x = side * d * np.array([1.0, 0.85, 1.0, 1.35])
        relief.groove(np.c_[x, [4.9, 5.7, 6.6, 7.3]], 0.18, relief.generator.uniform(0.05, 0.09))
        relief.bump(side * 1.5, 5.9, 0.8, 0.4, 0.04)
    relief.bump(0, 6, 0.45, 0.9, 0.05)
    relief.groove([(-0.8, 4.45), (0, 4.35), (0.8, 4.45)], 0.15, 0.04)


def _crow(relief: _Relief, layout: _Layout, side: float) -> None:
    for degrees in layout.crows + relief.generator.normal(0, 5, len(layout.crows)):
        angle = np.radians(degrees)
        reach = np.array([0.45, 0.0, 0.0])
        reach[1:] = reach[0] + relief.generator.uniform(1.2, 2.2) * np.array([0.5, 1.0])
        x = side * (4.75 + reach * np.cos(angle))
        y = 3.35 + reach * np.sin(angle) - np.array([0, 0.08, 0.3 * (degrees < 0)])
        relief.groove(np.c_[x, y], 0.13, relief.generator.uniform(0.032, 0.05))


def _bag(relief: _Relief, layout: _Layout, side: float) -> None:
    drop = relief.generator.uniform(-0.1, 0.25)
    x = side * np.array([1.7, 2.6, 3.6, 4.5])
    relief.groove(np.c_[x, np.array([2.55, 2.15, 2.1, 2.6]) - drop], 0.18, 0.05)
    relief.groove(np.c_[x, [2.85, 2.6, 2.6, 2.9]], 0.26, -0.025)


def _nose(relief: _Relief, layout: _Layout, _: float) -> None:
    for side in (1.0, -1.0):
        for k in range(3):
            y = np.array([3.9, 3.6, 3.0]) - 0.5 * k
            relief.groove(np.c_[side * np.array([0.15, 0.6, 1.15]), y], 0.14, 0.05)


def _fold(relief: _Relief, points: np.ndarray, side: float, width: float, depth: float) -> None:
    relief.groove(points, width, depth)
    relief.groove(points + np.array((side * 0.65, 0.18)), 2 * width, -0.5 * depth)


def _nasolabial(relief: _Relief, layout: _Layout, side: float) -> None:
    x = side * np.array([1.9, 2.8, 3.55, 3.8 + layout.fold, 3.6 + layout.fold])
    _fold(relief, np.c_[x, [0.3, -0.7, -2.0, -3.3, -4.4]], side, 0.27, 0.09)


def _sneer(relief: _Relief, layout: _Layout, side: float) -> None:
    x = side * np.array([1.75, 2.2, 2.75, 3.2 + layout.fold, 3.3 + layout.fold])
    _fold(relief, np.c_[x, [0.75, -0.4, -1.8, -3.2, -4.2]], side, 0.25, 0.085)


def _chin(relief: _Relief, layout: _Layout, _: float) -> None:
    dimples = np.maximum(noise(relief.generator, 7), -0.5) + 0.6 * noise(relief.generator, 4)
    relief.height += 0.03 * dimples * relief.atlas.bump(0, -6.3, 1.5, 0.95)
    relief.groove([(-1.5, -5.35), (0, -5.15), (1.5, -5.35)], 0.25, 0.07)


def _marionette(relief: _Relief, layout: _Layout, side: float) -> None:
    bend = relief.generator.uniform(-0.15, 0.15)
    x = side * np.array([2.75, 3.05 + bend, 3.0 + 2 * bend])
    relief.groove(np.c_[x, [-3.9, -4.7, -5.7]], 0.2, 0.075)


def _dimple(relief: _Relief, layout: _Layout, side: float) -> None:
    relief.groove(np.c_[side * np.array([3.2, 3.45, 3.3]), [-2.9, -3.4, -4.0]], 0.2, 0.09)


def _lip(relief: _Relief, layout: _Layout, _: float) -> None:
    for x in np.linspace(-1.8, 1.8, 9) + relief.generator.uniform(-0.12, 0.12, 9):
        relief.groove([(x, -2.35 - 0.12 * abs(x)), (1.05 * x, -1.75)], 0.1, 0.035)
        relief.groove([(x, -4.45 + 0.1 * abs(x)), (1.1 * x, -5.0)], 0.1, 0.03)


_MAKERS: dict[str, Callable[[_Relief, _Layout, float], None]] = {
    "fore_in": _fore_in,
    "fore_out": _fore_out,
    "glabella": _glabella,
    "crow": _crow,
    "bag": _bag,
    "nose": _nose,
    "nasolabial": _nasolabial,
    "sneer": _sneer,
    "chin": _chin,
    "marionette": _marionette,
    "dimple": _dimple,
    "lip": _lip,
}


def resting_relief(
    atlas: SkinAtlas,
    generator: np.random.Generator,
    patches: tuple[WrinklePatch, ...],
    strengths: npt.ArrayLike,
    age: float,
) -> FloatArray:
    """Return (T, T, 4) the relief that is always there: pores and the wrinkles at their resting strength."""
    whole = (slice(0, TEXTURE_SIZE), slice(0, TEXTURE_SIZE))
    pores = (0.004 + 0.005 * age) * noise(generator, 2.0) + 0.005 * noise(generator, 5)
    relief = np.zeros((TEXTURE_SIZE, TEXTURE_SIZE, 4), np.float32)
    relief[..., :3] = 0.5 * atlas.gradient(pores.astype(np.float32), whole)
    for patch, strength in zip(patches, np.asarray(strengths, np.float32), strict=True):
        height, width = patch.relief.shape[:2]
        relief[patch.top : patch.top + height, patch.left : patch.left + width] += strength * patch.relief
    return relief
