"""Glasses and headwear as meshes in the face model's space."""

import numpy as np

from idennet.research.synth.appearance import FloatArray, Mesh
from idennet.research.synth.facemodel import FaceModel
from idennet.research.synth.traits import Glasses, Headwear, Traits

_EXPONENTS = {"round": 2.0, "oval": 2.2, "rectangular": 5.0, "browline": 3.2, "rimless": 3.0}
_AROUND = 40
_THINNEST = 0.15  # cm; thinner tubes would break up into dots, so they are drawn fainter instead
_LENS_EDGE = 0.05  # cm; the ground edge of a lens without rim


def headwear_mesh(model: FaceModel, traits: Traits, vertices: FloatArray, normals: FloatArray) -> Mesh | None:
    """Return what a subject wears on the head, fitted to the subject's vertices and normals (V, 3)."""
    if traits.headwear is None:
        return None
    return fabric(model, traits.headwear, vertices, normals, hair_volume=traits.hair.volume)


def glasses_meshes(glasses: Glasses, marks: FloatArray) -> tuple[Mesh, ...]:
    """Return rims with bridge and temples, then both lenses, fitted to landmarks (68, 3)."""
    eyes = np.stack([marks[36:42].mean(0), marks[42:48].mean(0)])
    bridge = marks[27]
    front = max(float(bridge[2]) + 0.35, float(marks[[37, 38, 43, 44], 2].max()) + 1.0)
    apart = max(float(np.abs(eyes[:, 0]).mean()), glasses.width + 0.55)
    height = float(eyes[:, 1].mean()) - 0.25
    angle = np.linspace(0, 2 * np.pi, _AROUND, endpoint=False)
    power = 2 / _EXPONENTS[glasses.kind]
    outline = np.stack([np.sign(f) * np.abs(f) ** power for f in (np.cos(angle), np.sin(angle))], 1) * (
        glasses.width,
        glasses.height,
    )
    frames: list[tuple[FloatArray, FloatArray]] = []
    lenses: list[Mesh] = []
    thickness = np.full(_AROUND, glasses.rim)
    if glasses.kind == "rimless":
        thickness[:] = _LENS_EDGE
    if glasses.kind == "browline":
        thickness = np.interp(np.sin(angle), [-0.1, 0.3], [0.06, max(glasses.rim, 0.25)])
    for side in (-1.0, 1.0):
        ring = np.c_[side * (apart + outline[:, 0]), height + outline[:, 1], np.zeros(_AROUND)]
        ring[:, 2] = front - 0.018 * ring[:, 0] ** 2 + 0.08  # the front curves round the face
        frames.append((_closed(ring), _closed(thickness)))
        lenses.append(_disc(ring, side, glasses))
        temple_start = np.array((side * (apart + glasses.width), height + 0.4 * glasses.height, 0.0))
        temple_start[2] = front - 0.018 * temple_start[0] ** 2
        ear = np.array((side * (float(np.abs(marks[[0, 16], 0]).mean()) + 0.45), temple_start[1] + 0.1, 0.0))
        temple = np.linspace(temple_start, ear, 6)
        frames.append((temple, np.full(6, max(glasses.rim, 0.09))))
    inner = apart - glasses.width
    t = np.linspace(-1, 1, 7)
    arch = np.stack(
        [t * inner, height + 0.35 * glasses.height + 0.25 * (1 - t**2), np.full(7, front + 0.1)], 1
    )
    frames.append((arch, np.full(7, max(glasses.rim * 0.8, 0.09))))
    return (tubes(frames, glasses.colour), *lenses)


def _closed(values: np.ndarray) -> np.ndarray:
    return np.concatenate([values, values[:1]])


def tubes(paths: list[tuple[FloatArray, FloatArray]], colour: tuple[float, float, float]) -> Mesh:
    """Return one mesh of square tubes along paths, each with a thickness in cm at each node."""
    vertices, triangles, opacity, start = [], [], [], 0
    for path, thickness in paths:
        way = np.gradient(path, axis=0)
        way /= np.linalg.norm(way, axis=1, keepdims=True) + 1e-9
        forward = np.where(np.abs(way[:, 2:]) > 0.9, (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
        across = np.cross(way, forward)
        across /= np.linalg.norm(across, axis=1, keepdims=True) + 1e-9
        up = np.cross(across, way)
        half = 0.5 * np.maximum(thickness, _THINNEST)[:, None]
        corners = [path + half * (a * across + b * up) for a, b in ((1, 1), (-1, 1), (-1, -1), (1, -1))]
        vertices.append(np.stack(corners, 1).reshape(-1, 3))
        opacity.append(np.repeat(np.minimum(thickness / _THINNEST, 1), 4))
        node = np.arange(len(path) - 1)[:, None] * 4 + np.arange(4)[None]
        turned = np.arange(len(path) - 1)[:, None] * 4 + np.array([1, 2, 3, 0])[None]
        quads = np.stack([node, turned, turned + 4, node + 4], -1).reshape(-1, 4) + start
        triangles.append(np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]]))
        start += len(path) * 4
    points = np.concatenate(vertices).astype(np.float32)
    return Mesh(
        vertices=points,
        triangles=np.concatenate(triangles).astype(np.int32),
        colour=np.tile(np.array(colour, np.float32), (len(points), 1)),
        alpha=np.concatenate(opacity).astype(np.float32),
        specular=1.2,
        roughness=0.3,
    )


def _disc(ring: FloatArray, side: float, glasses: Glasses) -> Mesh:
    points = np.concatenate([ring.mean(0, keepdims=True) + np.array((0, 0, 0.22)), ring]).astype(np.float32)
    turn = np.arange(_AROUND)
    triangles = np.stack([np.zeros(_AROUND, int), turn + 1, (turn + 1) % _AROUND + 1], 1)
    # A mirrored ring runs the other way round; both lenses shall face outwards.
    return Mesh(
        vertices=points,
        triangles=(triangles if side > 0 else triangles[:, ::-1]).astype(np.int32),
        colour=np.tile(np.array(glasses.tint_colour, np.float32), (len(points), 1)),
        alpha=np.full(len(points), glasses.tint, np.float32),
        specular=3.0,
        roughness=0.08,
    )


def fabric(
    model: FaceModel,
    headwear: Headwear,
    vertices: FloatArray,
    normals: FloatArray,
    *,
    hair_volume: float = 0.0,
    cap_level: float = 6.0,
    knit: float = 0.07,
) -> Mesh:
    """Return a piece of the head's surface, lifted off it, in the colour of the fabric.

    Args:
        model: The face model.
        headwear: What it is.
        vertices: (V, 3) the head.
        normals: (V, 3) its normals.
        hair_volume: Thickness in cm of the hair under a band.
        cap_level: Height of a cap's edge over a plane that rises towards the front; the brows are near 3.2.
        knit: Depth of a cap's ribs in its colour.
    """
    rest = model.base
    x, y, z = np.abs(rest[:, 0]), rest[:, 1], rest[:, 2]
    level = 0.97 * y - 0.25 * z  # height over a plane that rises towards the front
    # The scarf's opening reaches below the chin, which an open jaw needs.
    # How far inside of the fabric's edge a vertex lies, in cm, and how far the fabric stands off.
    depth, thickness = {
        "cap": (level - cap_level, 0.45),
        "band": (np.minimum(level - 6.9, 9.2 - level), 0.3 + 0.6 * hair_volume),
        "scarf": (
            7 * np.minimum(np.hypot(x / 7.0, (y - 1.8) / np.where(y > 1.8, 9.3, 12.0)) - 1, (y + 17) / 7),
            0.6,
        ),
    }[headwear.kind]
    triangles = model.triangles[model.of_material("M_Face", "M_BackHead")]
    triangles = triangles[(depth > 0)[triangles].all(1)]
    used, renumbered = np.unique(triangles, return_inverse=True)
    lift = thickness * (0.25 + 0.75 * np.clip(depth[used] / 1.2, 0, 1))
    folds = (
        0.12 * np.sin(3.1 * rest[used, 0] + 2 * np.sin(1.3 * y[used])) if headwear.kind == "scarf" else 0.0
    )
    ribs = (
        1 + knit * np.sin(9 * np.arctan2(rest[used, 0], z[used]) * 3)
        if headwear.kind == "cap"
        else np.ones(len(used))
    )
    points = vertices[used] + normals[used] * np.broadcast_to(lift + folds, used.shape)[:, None]
    return Mesh(
        vertices=points.astype(np.float32),
        triangles=renumbered.reshape(-1, 3).astype(np.int32),
        colour=np.clip(np.array(headwear.colour) * ribs[:, None], 0.002, 0.9).astype(np.float32),
        alpha=np.ones(len(used), np.float32),
        specular=0.1,
        roughness=0.9,
    )
