"""Things put on for one picture that hide a part of the face: dark glasses, masks, scarves, hats, a fringe.

They are fitted to the posed head in the face model's space, so that they turn with it, cast shadows and
follow an opening jaw. Cloth is draped over the head's radius round a vertical axis.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np

from idennet.research.synth.accessories import fabric, glasses_meshes, tubes
from idennet.research.synth.appearance import Appearance, FloatArray, Mesh
from idennet.research.synth.facemodel import FaceModel
from idennet.research.synth.pixels import blurred, looked_up, resized
from idennet.research.synth.scalp import ribbons, unit_normals
from idennet.research.synth.scene import Covering
from idennet.research.synth.traits import GLASSES, Glasses, Headwear, rgb

_AXIS = -1.0  # z in cm of the vertical axis that cloth is draped round
_WIDEST = 2.4  # radians to either side that the drape knows
_LOWEST, _HIGHEST = -19.0, 14.0  # cm
_COLUMNS, _ROWS = 97, 111
_BROW_LEVEL = 3.2  # level of the brows in `accessories.fabric`


def put_on(model: FaceModel, covering: Covering, appearance: Appearance, posed: FloatArray) -> list[Mesh]:
    """Return everything worn in a picture with a covering, in drawing order.

    Dark glasses take the place of the subject's own, hats that of loose hair over the forehead.

    Args:
        model: The face model.
        covering: What is put on.
        appearance: The subject.
        posed: (V, 3) the head with its expression, in face model space.
    """
    generator = np.random.default_rng(covering.seed)
    head = _Head(model, appearance, posed)
    made = COVERINGS[covering.kind](generator, head)
    if covering.kind == "sunglasses":
        appearance = replace(appearance, glasses=())
    if covering.kind in ("cap", "beanie"):
        appearance = replace(appearance, hair=None, headwear=None)
    return [*appearance.worn, *made]


@dataclass(frozen=True)
class _Head:
    """What coverings are fitted to."""

    model: FaceModel
    appearance: Appearance
    posed: FloatArray

    @property
    def marks(self) -> FloatArray:
        """(68, 3) landmarks."""
        return self.posed[self.model.landmarks]

    def drape(self, taut: float) -> "_Drape":
        """Return a cloth over the head, the tauter (in cm) the fewer hollows it follows."""
        return _Drape(self.posed[: self.model.parts["head"].stop], taut)


class _Drape:
    """The radius of a cloth round the vertical axis, by angle (positive to the subject's left) and height."""

    def __init__(self, points: FloatArray, taut: float) -> None:
        angle, radius = (
            np.arctan2(points[:, 0], points[:, 2] - _AXIS),
            np.hypot(*(points[:, (0, 2)] - (0, _AXIS)).T),
        )
        seen = (np.abs(angle) < _WIDEST) & (points[:, 1] > _LOWEST) & (points[:, 1] < _HIGHEST)
        column, row = (np.rint(v).astype(int) for v in self._cell(angle[seen], points[seen, 1]))
        field = np.zeros((_ROWS, _COLUMNS), np.float32)
        np.maximum.at(field, (row, column), radius[seen].astype(np.float32))
        for reach in (1.5, 4.0, 12.0):  # what lies between vertices, then what lies beyond them
            known = (field > 0).astype(np.float32)
            near = blurred(known, reach)
            filled = np.where(near > 0.02, blurred(field, reach) / np.maximum(near, 0.02), 0)
            field = np.where(known > 0, field, filled).astype(np.float32)
        field = np.asarray(cv2.dilate(field, np.ones((3, 3))), np.float32)
        # A taut cloth bridges hollows: it lies over the smoothed head wherever that is further out.
        for _ in range(3):
            field = np.maximum(field, blurred(field, max(taut / 0.3, 0.5)))
        self._field = blurred(field, 1.2)

    @staticmethod
    def _cell(angle: np.ndarray, height: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        column = (angle + _WIDEST) / (2 * _WIDEST) * (_COLUMNS - 1)
        return column, (height - _LOWEST) / (_HIGHEST - _LOWEST) * (_ROWS - 1)

    def points(self, angle: np.ndarray, height: np.ndarray, lift: np.ndarray | float) -> FloatArray:
        """Return (..., 3) points of the cloth, `lift` cm further out."""
        column, row = self._cell(angle.ravel(), height.ravel())
        radius = looked_up(self._field, column, row).reshape(angle.shape) + lift
        return np.stack([radius * np.sin(angle), height, radius * np.cos(angle) + _AXIS], -1).astype(
            np.float32
        )


def _sheet(points: FloatArray, colour: np.ndarray, specular: float = 0.1, roughness: float = 0.9) -> Mesh:
    """Return a mesh of a grid (R, C, 3) of points, opaque."""
    rows, columns = points.shape[:2]
    first = (np.arange(rows - 1)[:, None] * columns + np.arange(columns - 1)[None]).ravel()
    triangles = np.concatenate(
        [
            np.stack([first, first + 1, first + columns], 1),
            np.stack([first + 1, first + columns + 1, first + columns], 1),
        ]
    )
    return Mesh(
        vertices=np.ascontiguousarray(points.reshape(-1, 3), np.float32),
        triangles=triangles.astype(np.int32),
        colour=np.clip(colour.reshape(-1, 3), 0.002, 0.9).astype(np.float32),
        alpha=np.ones(rows * columns, np.float32),
        specular=specular,
        roughness=roughness,
    )


def _dye(g: np.random.Generator) -> np.ndarray:
    """Return the linear RGB of a piece of cloth, often black, white or grey."""
    if g.random() < 0.4:
        return np.full(3, float(g.choice((0.012, 0.05, 0.2, 0.55, 0.75)))) * g.uniform(0.8, 1.2)
    return np.clip(g.uniform(0.03, 0.5) * np.clip(1 + 0.6 * g.standard_normal(3), 0.1, 2.5), 0.004, 0.85)


def _pattern(g: np.random.Generator, shape: tuple[int, int]) -> FloatArray:
    """Return (R, C, 3) the colour of cloth: plain, striped, checked or printed."""
    base, other = _dye(g), _dye(g)
    v, u = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    kind = g.choice(["plain", "stripes", "checks", "print"], p=[0.55, 0.15, 0.15, 0.15])
    share = np.zeros(shape, np.float32)
    if kind == "stripes":
        share = (np.sin(v * g.uniform(0.4, 1.2) + u * g.choice((0.0, 0.0, 0.3))) > 0).astype(np.float32)
    if kind == "checks":
        share = 0.5 * ((np.sin(v * 0.9) > 0).astype(np.float32) + (np.sin(u * 0.7) > 0))
    if kind == "print":
        coarse = g.standard_normal((max(shape[0] // 3, 2), max(shape[1] // 3, 2)), dtype=np.float32)
        share = np.clip(resized(coarse, shape), 0, 1)
    weave = 1 + 0.05 * g.standard_normal((*shape, 1), dtype=np.float32)
    return np.asarray((base + (other - base) * share[..., None]) * weave, np.float32)


def _sunglasses(g: np.random.Generator, head: _Head) -> list[Mesh]:
    """Dark glasses: small or large, black, graded from dark to clear, brown or mirrored."""
    width = g.uniform(2.35, 3.05)
    kind = str(g.choice([known for known in GLASSES if known != "browline"]))
    rim = 0.05 if kind == "rimless" else g.uniform(0.06, 0.4)
    metal = g.uniform(0.2, 0.5) * np.array((1.0, 0.93, 0.75))
    glasses = Glasses(
        kind=kind,
        colour=rgb(metal if g.random() < 0.3 else g.random(3) * 0.08),
        rim=float(rim),
        width=float(width),
        height=float(width * g.uniform(0.62, 0.98)),
        tint=1.0,
        tint_colour=rgb(np.zeros(3)),
    )
    frame, *lenses = glasses_meshes(glasses, head.marks)
    finish = g.choice(["black", "graded", "brown", "mirrored"], p=[0.5, 0.2, 0.15, 0.15])
    dark = g.uniform(0.002, 0.02) * np.ones(3)
    top, bottom = (dark, g.uniform(0.93, 1.0)), (dark * g.uniform(1, 2), g.uniform(0.9, 1.0))
    if finish == "graded":
        bottom = (dark * 3, float(g.uniform(0.6, 0.85)))
    if finish == "brown":
        brown = np.array((0.05, 0.025, 0.01)) * g.uniform(0.4, 1.4)
        top, bottom = (brown, g.uniform(0.88, 1.0)), (brown * g.uniform(1, 2), g.uniform(0.8, 1.0))
    if finish == "mirrored":
        sky = np.array(((0.25, 0.33, 0.45), (0.4, 0.3, 0.12), (0.3, 0.3, 0.32)))[g.integers(3)]
        top, bottom = (sky * g.uniform(0.3, 1.2), 1.0), (sky * g.uniform(0.05, 0.3), 1.0)
        if g.random() < 0.4:
            top, bottom = bottom, top
    made = [frame]
    for lens in lenses:
        y = lens.vertices[:, 1]
        t = ((y.max() - y) / np.ptp(y))[:, None]
        colour = np.array(top[0]) * (1 - t) + np.array(bottom[0]) * t
        alpha = top[1] * (1 - t[:, 0]) + bottom[1] * t[:, 0]
        made.append(
            replace(
                lens,
                colour=np.clip(colour, 0.002, 0.9).astype(np.float32),
                alpha=alpha.astype(np.float32),
                specular=float(g.uniform(1.0, 5.0)),
                roughness=float(g.uniform(0.05, 0.2)),
            )
        )
    return made


def _mask(g: np.random.Generator, head: _Head) -> list[Mesh]:
    """A surgical, cloth or folded mask over mouth and nose, with loops round the ears."""
    rows, columns = 30, 41
    marks, drape = head.marks, head.drape(g.uniform(0.6, 1.2))
    u = np.linspace(-1, 1, columns)[None].repeat(rows, 0)
    v = np.linspace(0, 1, rows)[:, None].repeat(columns, 1)
    nose = marks[28, 1] + g.uniform(0.0, 1.0) * (marks[29, 1] - marks[28, 1])
    temple = marks[[1, 2, 14, 15], 1].mean() + g.uniform(-0.9, 0.2)
    chin, jaw = marks[8, 1] - g.uniform(0.1, 0.9), marks[[4, 12], 1].mean() - g.uniform(-0.3, 0.6)
    top = nose + (temple - nose) * np.abs(u) ** g.uniform(1.1, 1.9)
    low = chin + (max(jaw, chin) - chin) * np.abs(u) ** 2
    reach = np.arctan2(np.abs(marks[[2, 14], 0]).mean(), marks[[2, 14], 2].mean() - _AXIS) * g.uniform(
        0.92, 1.05
    )
    points = drape.points(u * reach * (1 - 0.06 * v), top + (low - top) * v, 0.2)
    kind = g.choice(["surgical", "cloth", "folded"], p=[0.5, 0.35, 0.15])
    if kind == "cloth":
        colour: np.ndarray = _pattern(g, (rows, columns))
    else:
        shades = (
            (0.30, 0.52, 0.66),
            (0.72, 0.73, 0.72),
            (0.012, 0.012, 0.013),
            (0.62, 0.36, 0.40),
            (0.3, 0.5, 0.42),
        )
        colour = np.ones((rows, columns, 3)) * shades[g.choice(5, p=(0.4, 0.25, 0.2, 0.08, 0.07))]
    if kind == "surgical":
        for pleat in (0.32, 0.5, 0.68):
            colour = colour * (1 - 0.35 * np.exp(-(((v - pleat) / 0.025) ** 2)))[..., None]
    if kind == "folded":
        points[..., 2] += (0.7 * np.exp(-((u / 0.25) ** 2)) * np.sin(np.pi * v)).astype(np.float32)
        colour = colour * (1 - 0.3 * np.exp(-(((v - 0.5) / 0.02) ** 2)))[..., None]
    loops = []
    for edge, side in ((0, -1.0), (-1, 1.0)):
        ear = np.array(
            (side * (np.abs(marks[[0, 16], 0]).mean() + 0.5), marks[0, 1] + 0.3, marks[0, 2] - 2.0)
        )
        for start in (points[1, edge], points[-2, edge]):
            loops.append((np.linspace(start, ear, 5), np.full(5, 0.13)))
    return [tubes(loops, (0.6, 0.6, 0.6)), _sheet(points, colour)]


def _scarf(g: np.random.Generator, head: _Head) -> list[Mesh]:
    """A scarf wound round neck, mouth and often nose."""
    rows, columns = 44, 61
    marks, drape = head.marks, head.drape(1.2)
    u = np.linspace(-1, 1, columns)[None].repeat(rows, 0)
    v = np.linspace(0, 1, rows)[:, None].repeat(columns, 1)
    middle = marks[30, 1] + g.uniform(-1.4, 1.6)
    side = marks[[3, 13], 1].mean() + g.uniform(-1.0, 2.0)
    top = middle + (side - middle) * np.abs(u) ** 1.5 + 0.15 * np.sin(u * g.uniform(5, 11) + g.uniform(0, 6))
    height = top + (-17.5 - top) * v
    folds = np.sin(v * g.uniform(14, 26) + 2.0 * np.sin(u * g.uniform(2, 5) + g.uniform(0, 6)))
    points = drape.points(u * 2.1, height, 0.45 + 0.22 * folds + 0.8 * v)
    colour = _pattern(g, (rows, columns)) * (0.8 + 0.2 * folds[..., None])
    return [_sheet(points, colour)]


def _cap(g: np.random.Generator, head: _Head) -> list[Mesh]:
    """A cap whose peak reaches over the forehead, level or pulled down."""
    level = _BROW_LEVEL + g.uniform(0.7, 2.4)
    colour = _dye(g)
    dome = _hat(head, level, colour, knit=0.0)
    drape = head.drape(0.3)
    rows, columns = 7, 25
    u = np.linspace(-1, 1, columns)[None].repeat(rows, 0)
    v = np.linspace(0, 1, rows)[:, None].repeat(columns, 1)
    angle = u * g.uniform(0.75, 1.0)
    height = np.full((rows, columns), level)
    for _ in range(4):  # the peak starts where the dome ends
        height = (level + 0.15 + 0.25 * drape.points(angle, height, 0.3)[..., 2]) / 0.97
    points = drape.points(angle, height, 0.3)
    tilt, length = g.uniform(0.0, 0.75), g.uniform(4.5, 7.0)
    out = v * length * np.cos(0.5 * np.pi * np.abs(u) ** 1.5) ** 0.7
    points[..., 2] += (out * np.cos(tilt)).astype(np.float32)
    points[..., 1] -= (out * np.sin(tilt) + 0.12 * v * (4.5 * u) ** 2 * g.uniform(0.3, 1.0)).astype(
        np.float32
    )
    shade = (colour if g.random() < 0.7 else _dye(g)) * np.ones((rows, columns, 1))
    return [dome, _sheet(points, shade)]


def _beanie(g: np.random.Generator, head: _Head) -> list[Mesh]:
    """A knitted hat or a hood pulled down to the brows or over them."""
    return [_hat(head, _BROW_LEVEL - g.uniform(0.0, 1.2), _dye(g), knit=0.07)]


def _hat(head: _Head, level: float, colour: np.ndarray, knit: float) -> Mesh:
    normals = unit_normals(head.posed, head.model.triangles)
    return fabric(head.model, Headwear("cap", rgb(colour)), head.posed, normals, cap_level=level, knit=knit)


def _fringe(g: np.random.Generator, head: _Head) -> list[Mesh]:
    """Hair over the forehead that ends at the brows or below them; of the subject's colour, where known."""
    hair = head.appearance.hair
    drape = head.drape(0.3)
    count, nodes = 420, 7
    along = np.linspace(0, 1, nodes)[None]
    start = g.uniform(-0.95, 0.95, count)[:, None]
    sweep = g.normal(0, 0.12) + g.normal(0, 0.05, count)[:, None]
    brow = head.marks[17:27, 1].mean()
    end = brow - g.uniform(-0.6, 1.6) + g.normal(0, 0.25, count)[:, None]
    top = 10.2 - 1.5 * np.abs(start) + g.normal(0, 0.4, count)[:, None]
    bow = 1.2 * (1 - along) * along
    paths = drape.points(
        start + sweep * along**1.5, top + (end - top) * along, 0.3 + bow + 0.12 * g.random((count, 1))
    )
    colour = hair.colour.mean(0) if hair else g.choice((0.012, 0.04, 0.12, 0.3)) * np.array((1.0, 0.65, 0.42))
    return [ribbons(paths, np.asarray(colour, np.float32), 0.0, g)]


COVERINGS: dict[str, Callable[[np.random.Generator, _Head], list[Mesh]]] = {
    "sunglasses": _sunglasses,
    "mask": _mask,
    "scarf": _scarf,
    "cap": _cap,
    "beanie": _beanie,
    "fringe": _fringe,
}
"""Kinds of coverings."""
