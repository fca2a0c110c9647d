"""Things between the camera and the face: hands, strands of hair, microphones, scarves, passing objects.

Those of `sample_occluder` stay mostly at the edges of the face; the others hide the mouth. Places suit a
face at the template's place: eyes at 0.375 of the frame's height, mouth near 0.65, chin near 0.8.
"""

from collections.abc import Callable

import cv2
import numpy as np

from idennet.research.synth.appearance import FloatArray
from idennet.research.synth.pixels import blurred, resized
from idennet.research.synth.skin import skin_rgb

_FINER = 2


def sample_occluder(generator: np.random.Generator, size: int) -> FloatArray:
    """Return a random occluder at the edge of the face, (size, size, 4): linear RGB and opacity 0 to 1."""
    kind = generator.choice(len(AT_THE_EDGE), p=list(AT_THE_EDGE.values()))
    return occluder(generator, size, list(AT_THE_EDGE)[kind])


def occluder(generator: np.random.Generator, size: int, kind: str) -> FloatArray:
    """Return an occluder of one of the kinds of `OCCLUDERS`, as `sample_occluder` does."""
    colour, alpha = OCCLUDERS[kind](generator, size * _FINER)
    layer = np.concatenate([np.clip(colour, 0.002, 1.5), np.clip(alpha, 0, 1)[..., None]], 2).astype(
        np.float32
    )
    layer = resized(blurred(layer, _FINER * generator.uniform(0.3, 1.0)), (size, size))
    layer[..., 3] = layer[..., 3].clip(0, 1)  # rounding
    return layer


def _hand(g: np.random.Generator, size: int) -> tuple[FloatArray, FloatArray]:
    """A hand that rests on chin, cheek or temple, from below or from the side, with a soft shadow."""
    side = g.choice([-1.0, 1.0])
    places = [
        (
            (0.5 + side * g.uniform(0.12, 0.22), g.uniform(0.79, 0.86)),
            (0.5 + side * g.uniform(0.1, 0.35), 1.15),
        ),
        (
            (0.5 + side * g.uniform(0.23, 0.29), g.uniform(0.45, 0.62)),
            (0.5 + side * g.uniform(0.3, 0.5), 1.1),
        ),
        (
            (0.5 + side * g.uniform(0.26, 0.33), g.uniform(0.2, 0.36)),
            (0.5 + side * 0.65, g.uniform(0.3, 0.9)),
        ),
    ]
    tip, root = places[g.choice(3, p=(0.45, 0.45, 0.1))]
    return _hand_from(g, size, np.array(tip), np.array(root))


def _hand_over_mouth(g: np.random.Generator, size: int) -> tuple[FloatArray, FloatArray]:
    """Fingers across the mouth, from one side or from below; often a second hand beside the first."""
    side = g.choice([-1.0, 1.0])
    if g.random() < 0.7:
        tip = np.array((0.5 - side * g.uniform(0.1, 0.2), g.uniform(0.6, 0.68)))
        root = tip + np.array((side * g.uniform(0.55, 0.8), g.uniform(0.15, 0.6)))
    else:
        tip = np.array((0.5 + side * g.uniform(0.0, 0.06), g.uniform(0.52, 0.6)))
        root = tip + np.array((side * g.uniform(0.0, 0.3), 0.7))
    return _hand_from(g, size, tip, root, fingers=4, scale=g.uniform(1.15, 1.5))


def _hand_from(
    g: np.random.Generator,
    size: int,
    tip: np.ndarray,
    root: np.ndarray,
    fingers: int | None = None,
    scale: float = 1.0,
) -> tuple[FloatArray, FloatArray]:
    """A hand whose middle finger ends at `tip` and whose wrist lies towards `root`."""
    skin = skin_rgb(0.05 + 0.8 * g.beta(1.0, 1.8), g.uniform(0.4, 0.75))
    height, crease, nail = _hand_relief(g, size, tip, root, fingers or int(g.integers(2, 5)), scale)
    alpha = np.clip(height * 120, 0, 1)
    smooth = blurred(height, 0.006 * size) * np.float32(size)
    slope = np.gradient(smooth, axis=0), np.gradient(smooth, axis=1)
    lamp = g.normal(0, 0.35, 2)
    shade = np.clip(0.75 - slope[0] * (0.25 + lamp[0] * 0.2) - slope[1] * lamp[1] * 0.6, 0.25, 1.3)
    depth = np.clip(0.5 + 20 * height, 0, 1) * (1 - 0.3 * crease)
    redness = np.array((1.0, 0.9, 0.88), np.float32)
    colour = skin * (shade * depth)[..., None] * g.uniform(0.85, 1.15)
    colour *= redness + (1 - redness) * depth[..., None]
    colour += (np.array((0.55, 0.4, 0.36)) * shade[..., None] - colour) * (0.45 * nail)[..., None]
    shadow = 0.4 * blurred(np.roll(alpha, int(0.012 * size), axis=0), 0.015 * size)
    covered = np.maximum(alpha, shadow)
    return colour * (alpha / np.maximum(covered, 1e-3))[..., None], covered


def _hand_relief(
    g: np.random.Generator, size: int, tip: np.ndarray, root: np.ndarray, count: int, scale: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the height of a hand over the picture in fractions of the frame, its creases and its nails.

    Fingers of different length spread from the back of the hand; each bends once and tapers.
    """
    row, column = np.mgrid[:size, :size].astype(np.float32) / size
    height, crease, nail = (np.zeros((size, size), np.float32) for _ in range(3))
    way = (root - tip) / np.linalg.norm(root - tip)
    across = np.array((-way[1], way[0]))
    radius, long = scale * g.uniform(0.026, 0.034), scale * g.uniform(0.24, 0.32)
    spread, bend, shows_back = g.uniform(0.02, 0.16), g.normal(0, 0.18), g.random() < 0.6
    knuckles = tip + long * way

    def finger(start: np.ndarray, end: np.ndarray, thin: float, thick: float) -> np.ndarray:
        step = end - start
        along = ((column - start[0]) * step[0] + (row - start[1]) * step[1]) / (step @ step)
        t = np.clip(along, 0, 1)
        distance = np.hypot(column - start[0] - t * step[0], row - start[1] - t * step[1])
        width = thin + (thick - thin) * t
        np.maximum(height, np.sqrt(np.clip(1 - (distance / width) ** 2, 0, 1)) * width, out=height)
        return along

    for k in range(count):
        place = k - (count - 1) / 2
        length = long * (1.0, 1.08, 1.02, 0.8)[k] * g.uniform(0.93, 1.05)
        base = knuckles + across * place * 2.0 * radius
        angle = spread * place
        joint = base - (way - across * angle) * 0.55 * length
        end = joint - (way - across * (angle + bend)) * 0.45 * length
        outer = finger(end, joint, 0.8 * radius, 0.95 * radius)
        finger(joint, base, 0.95 * radius, 1.08 * radius)
        inside = np.hypot(column - joint[0], row - joint[1]) < 1.3 * radius
        np.maximum(crease, inside * np.exp(-(((outer - 1) / 0.12) ** 2)), out=crease)
        if shows_back:
            middle = end + 0.12 * (joint - end)
            nail[np.hypot(column - middle[0], row - middle[1]) < 0.5 * radius] = 1.0
    palm = 0.95 * count * radius
    finger(knuckles + 0.6 * palm * way, root + 0.1 * way, palm, 0.8 * palm)
    return np.minimum(height, 1.3 * radius), crease, blurred(nail, 1.0)


def _strands(g: np.random.Generator, size: int) -> tuple[FloatArray, FloatArray]:
    """Loose hair that hangs over the forehead or a cheek."""
    shade = g.choice([0.012, 0.04, 0.12, 0.3]) * np.array((1.0, 0.65, 0.42))
    start_x, drift = g.uniform(0.15, 0.85), g.normal(0, 0.12)
    length = g.uniform(0.25, 0.6)
    canvas = np.zeros((size, size), np.float32)
    t = np.linspace(0, 1, 14)
    for _ in range(g.integers(6, 40)):
        x = (
            start_x
            + g.normal(0, 0.035)
            + drift * t
            + g.normal(0, 0.015) * np.sin(3 * t)
            + 0.05 * g.normal() * t**2
        )
        y = -0.05 + t * length * g.uniform(0.7, 1.1)
        line = np.round(np.stack([x, y], 1) * size * 16).astype(np.int32)
        cv2.polylines(canvas, [line], False, 1.0, int(g.integers(1, 3)), cv2.LINE_AA, 4)
    tone = np.exp(0.3 * g.standard_normal((1, size, 1), dtype=np.float32))
    return np.tile(shade.astype(np.float32), (size, size, 1)) * tone, canvas * g.uniform(0.7, 0.95)


def _microphone(g: np.random.Generator, size: int) -> tuple[FloatArray, FloatArray]:
    """A hand microphone below the chin or a thin boom at one mouth corner."""
    colour = np.zeros((size, size, 3), np.float32)
    alpha = np.zeros((size, size), np.float32)
    dark = np.full(3, g.uniform(0.01, 0.06))
    if g.random() < 0.5:
        head = np.array((0.5 + g.normal(0, 0.12), g.uniform(0.84, 0.97)))
        radius = g.uniform(0.045, 0.08)
        foot = head + np.array((g.normal(0, 0.1), 0.4))
        _capsule(colour, alpha, head, foot, 0.55 * radius, dark * 1.5)
        _capsule(colour, alpha, head, head, radius, np.full(3, g.uniform(0.03, 0.3)))
    else:
        side = g.choice([-1.0, 1.0])
        mouth = np.array((0.5 + side * g.uniform(0.14, 0.2), g.uniform(0.66, 0.74)))
        ear = np.array((0.5 + side * 0.36, 0.5))
        _capsule(colour, alpha, mouth, ear, 0.007, dark)
        _capsule(colour, alpha, mouth, mouth, g.uniform(0.015, 0.028), dark)
    return colour, alpha


def _microphone_at_mouth(g: np.random.Generator, size: int) -> tuple[FloatArray, FloatArray]:
    """A large microphone right before the mouth."""
    colour = np.zeros((size, size, 3), np.float32)
    alpha = np.zeros((size, size), np.float32)
    head = np.array((0.5 + g.normal(0, 0.03), g.uniform(0.64, 0.72)))
    radius = g.uniform(0.085, 0.13)
    foot = head + np.array((g.normal(0, 0.15), 0.6))
    _capsule(colour, alpha, head, foot, 0.55 * radius, np.full(3, g.uniform(0.01, 0.08)))
    _capsule(colour, alpha, head, head, radius, np.full(3, g.uniform(0.02, 0.3)))
    grid = 1 + 0.3 * g.standard_normal((size // 4, size // 4), dtype=np.float32)
    return colour * resized(grid, (size, size))[..., None].clip(0.4, 1.6), alpha


def _cup(g: np.random.Generator, size: int) -> tuple[FloatArray, FloatArray]:
    """A cup, a glass or a telephone held before the mouth: a block with round corners, from below."""
    row, column = np.mgrid[:size, :size].astype(np.float32) / size
    x, top = 0.5 + g.normal(0, 0.03), g.uniform(0.52, 0.62)
    half, tall = g.uniform(0.12, 0.19), g.uniform(0.22, 0.4)
    lean, taper, bulge = g.normal(0, 0.12), g.uniform(-0.25, 0.05), g.uniform(0.0, 0.04)
    v = (row - top) / tall
    u = (column - x - lean * (row - top)) / (half * (1 + taper * v))
    edge = v + bulge / tall * (1 - u**2)  # the rim is seen a little from above or below
    inside = np.clip((1 - np.abs(u)) * half * size, 0, 1) * np.clip(edge * tall * size, 0, 1)
    inside *= np.clip((1 - v) * tall * size, 0, 1)
    base = g.uniform(0.03, 0.8) * np.clip(1 + 0.3 * g.standard_normal(3), 0.2, 2)
    shade = np.clip(1 - 0.45 * (u - g.uniform(-0.5, 0.5)) ** 2, 0.2, 1.2)
    if g.random() < 0.4:  # a band or a print
        shade = shade * np.where(
            np.abs(v - g.uniform(0.3, 0.7)) < g.uniform(0.05, 0.2), g.uniform(0.2, 0.8), 1
        )
    return (base * shade[..., None]).astype(np.float32), inside.astype(np.float32)


def _capsule(
    colour: FloatArray, alpha: FloatArray, start: np.ndarray, end: np.ndarray, radius: float, rgb: np.ndarray
) -> None:
    """Draw a shaded capsule; positions and radius are fractions of the frame."""
    size = alpha.shape[0]
    row, column = np.mgrid[:size, :size].astype(np.float32) / size
    step = end - start
    t = np.clip(((column - start[0]) * step[0] + (row - start[1]) * step[1]) / (step @ step + 1e-9), 0, 1)
    x, y = column - start[0] - t * step[0], row - start[1] - t * step[1]
    inside = np.hypot(x, y) < radius
    light = np.clip(0.7 - 0.5 * (x + y) / radius, 0.2, 1.6)[..., None]
    colour[inside] = (rgb * light)[inside]
    alpha[inside] = 1.0


def _scarf(g: np.random.Generator, size: int) -> tuple[FloatArray, FloatArray]:
    """Fabric with folds round the neck, up to the chin."""
    row, column = np.mgrid[:size, :size].astype(np.float32) / size
    top = (
        g.uniform(0.80, 0.92)
        - g.uniform(0.1, 0.5) * (column - 0.5) ** 2
        + 0.01 * np.sin(column * g.uniform(10, 25))
    )
    folds = np.sin((row - top) * g.uniform(30, 70) + 2.5 * np.sin(column * g.uniform(4, 9)) + g.uniform(0, 6))
    weave = 1 + 0.08 * g.standard_normal((size, size), dtype=np.float32)
    shade = (0.75 + 0.22 * folds) * weave * np.clip(0.55 + (row - top) * 8, 0.4, 1)
    colour = (g.uniform(0.03, 0.6) * np.clip(1 + 0.4 * g.standard_normal(3), 0.1, 2)).astype(np.float32)
    return colour * shade[..., None], np.clip((row - top) * size / 2, 0, 1)


def _blob(g: np.random.Generator, size: int) -> tuple[FloatArray, FloatArray]:
    """A soft object out of focus that enters the frame at an edge: a cup, a shoulder, a plant."""
    angle = g.uniform(-0.1, np.pi + 0.1)  # sides and below
    reach = g.uniform(0.40, 0.50)
    centre = np.array((0.5 + (reach + 0.05) * np.cos(angle), 0.52 + reach * np.sin(angle)))
    row, column = np.mgrid[:size, :size].astype(np.float32) / size
    around = np.arctan2(row - centre[1], column - centre[0])
    radius = g.uniform(0.08, 0.17) * (
        1 + 0.2 * np.sin(2 * around + g.uniform(0, 6)) + 0.1 * np.sin(5 * around)
    )
    distance = np.hypot(row - centre[1], column - centre[0])
    alpha = np.clip((radius - distance) * g.uniform(15, 100), 0, 1)
    shade = np.clip(0.8 - g.normal(0, 1.5) * (column - centre[0]) - 1.5 * (row - centre[1]), 0.3, 1.5)
    texture = resized(g.standard_normal((24, 24), dtype=np.float32), (size, size))
    colour = (g.uniform(0.05, 0.6) * np.clip(1 + 0.4 * g.standard_normal(3), 0.1, 2)).astype(np.float32)
    return colour * (shade * (1 + 0.12 * texture))[..., None], alpha


OCCLUDERS: dict[str, Callable[[np.random.Generator, int], tuple[FloatArray, FloatArray]]] = {
    "hand": _hand,
    "strands": _strands,
    "microphone": _microphone,
    "scarf": _scarf,
    "blob": _blob,
    "hand over mouth": _hand_over_mouth,
    "microphone at mouth": _microphone_at_mouth,
    "cup": _cup,
}
"""Kinds of occluders."""

AT_THE_EDGE = {"hand": 0.32, "strands": 0.22, "microphone": 0.14, "scarf": 0.12, "blob": 0.20}
"""How often each kind is drawn at the edge of the face; the other kinds hide the mouth."""
