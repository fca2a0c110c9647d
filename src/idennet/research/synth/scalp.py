"""Scalp hair: paint and volume on the skull, and locks of hair as thin ribbons that fall round the head."""

import cv2
import numpy as np

from idennet.research.synth.appearance import FloatArray, HairLayer, IntArray, Mesh
from idennet.research.synth.atlas import SkinAtlas, noise
from idennet.research.synth.facemodel import FaceModel
from idennet.research.synth.pixels import blurred, looked_up
from idennet.research.synth.skin import blend
from idennet.research.synth.traits import Hair, Traits

HAIRLINE = 2.55
"""Score of `hair_score` at the usual hairline."""

HEAD_CENTRE = np.array((0.0, 4.5, 0.0), np.float32)
_AZIMUTHS, _ELEVATIONS = 48, 24

# Number of locks, length in cm, segments of a lock, for each style with locks.
_LOCKS = {"short": (1300, 3.2, 4), "medium": (1300, 11.0, 8), "long": (1300, 17.0, 10), "tied": (700, 7.0, 5)}


def hair_score(position: FloatArray, hair: Hair) -> FloatArray:
    """Return (...) how far inside the hair rest positions (..., 3) lie, in cm; 0 at the hairline."""
    x, y, z = np.abs(position[..., 0]), position[..., 1], position[..., 2]
    temples = np.exp(-(((x - 4.6) / 1.7) ** 2)) * (z > 2)
    score = 0.8 * y - 0.6 * z + 0.25 * x - HAIRLINE - hair.hairline - 2.0 * hair.recession * temples
    ears = np.clip((x - 7.6) * 4, 0, 1) * (y < 5) * (z > -4)
    return (score - 6 * ears).astype(np.float32)


def paint_scalp(atlas: SkinAtlas, traits: Traits, generator: np.random.Generator, albedo: FloatArray) -> None:
    """Paint the hair that grows on the face tile over an albedo (T, T, 3) in place."""
    hair = traits.hair
    score = hair_score(atlas.position, hair)
    edge = score + 0.22 * noise(generator, 14) + 0.16 * noise(generator, 3)
    cover = 1 / (1 + np.exp(-np.clip(edge / 0.22, -20, 20)))
    if hair.style == "bald":
        shaved = np.clip(0.5 * cover * (0.6 + 0.4 * noise(generator, 1.4)), 0, 1) * (traits.seed % 3 > 0)
        cover = 0.6 * shaved
    elif hair.style == "buzz":
        cover = np.clip(cover * (0.72 + 0.14 * noise(generator, 1.3)), 0, 0.95)
    if traits.masculine and hair.style != "bald":
        x, y, z = np.abs(atlas.x), atlas.y, atlas.z
        burns = (
            np.clip((x - 6.75 + 0.12 * noise(generator, 4)) * 3, 0, 1)
            * (x < 7.6)
            * (z > 2.0)
            * np.clip((y - 0.8 - 0.3 * noise(generator, 8)) * 1.5, 0, 1)
            * (y < 7)
        )
        cover = np.maximum(cover, 0.8 * burns)
    strands = np.clip(0.8 + 0.25 * blurred(noise(generator, 1.3), 0.5, 2), 0.3, 1.5)
    blend(albedo, cover, np.array(hair.colour) * 0.75 * strands[..., None])


def scalp_colour(
    model: FaceModel, traits: Traits, skin: FloatArray, generator: np.random.Generator
) -> FloatArray:
    """Return (H, 3) the colour of the vertices of the parts "face" and "head": hair, neck and clothes."""
    position = model.base[: model.parts["head"].stop]
    count = len(position)
    cover = np.clip(1.6 * hair_score(position, traits.hair) + 0.5, 0, 1)
    cover *= {"bald": 0.3, "buzz": 0.75}.get(traits.hair.style, 1.0)
    colour = np.tile(skin, (count, 1)).astype(np.float32)
    tone = (0.75 + 0.12 * generator.standard_normal((count, 1))).clip(0.4, 1.1)
    blend(colour, cover, np.array(traits.hair.colour) * tone)
    clothed = np.clip((-12.2 - position[:, 1]) * 4, 0, 1)
    blend(colour, clothed.astype(np.float32), traits.clothes)
    return colour


def hair_volume(model: FaceModel, traits: Traits) -> FloatArray:
    """Return (V,) how far hair lifts each vertex along its normal, in cm."""
    lift = np.zeros(len(model.base), np.float32)
    hair = traits.hair
    if hair.style != "bald":
        amount = {"buzz": 0.15, "tied": 0.35}.get(hair.style, hair.volume)
        amount = min(amount, 0.3) if traits.headwear else amount
        hairy = slice(model.parts["face"].start, model.parts["head"].stop)
        lift[hairy] = amount * np.clip(0.55 * hair_score(model.base[hairy], hair), 0, 1)
    return lift


def locks(
    model: FaceModel,
    traits: Traits,
    vertices: FloatArray,
    normals: FloatArray,
    generator: np.random.Generator,
) -> Mesh | None:
    """Return locks of hair on a subject's head (vertices and normals (V, 3)), or None for styles without."""
    hair = traits.hair
    covered = {"cap": "short tied", "band": "", "scarf": "short tied medium long"}
    if hair.style not in _LOCKS or (traits.headwear and hair.style in covered[traits.headwear.kind]):
        return None
    count, length, segments = _LOCKS[hair.style]
    length = length + (hair.length if hair.style == "long" else 0.0)
    roots, outward, score = _roots(model, hair, vertices, normals, count, generator)
    # Hair is cut to one length; short hair is layered.
    lengths = length * generator.uniform(0.7 if hair.style in ("short", "tied") else 0.92, 1.08, len(roots))
    fringe = _in_fringe(roots, score, hair, generator)
    reach = np.interp(hair.fringe, [0.25, 1.0], [2.0, 5.2])
    lengths[fringe] = reach * generator.uniform(0.8, 1.1, int(fringe.sum()))
    paths = _fall(
        roots,
        outward,
        lengths,
        segments,
        hair,
        fringe,
        _skull(vertices[: model.parts["head"].stop]),
        generator,
    )
    return ribbons(paths, np.array(hair.colour, np.float32), hair.grey, generator)


def _roots(
    model: FaceModel,
    hair: Hair,
    vertices: FloatArray,
    normals: FloatArray,
    count: int,
    g: np.random.Generator,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Sample places on hairy triangles by area, more of them near the hairline."""
    hairy = model.of_material("M_Face", "M_BackHead")
    corners = model.triangles[hairy]
    score = hair_score(model.base[corners].mean(1), hair)
    corners, score = corners[score > 0], score[score > 0]
    a, b, c = (vertices[corners[:, k]] for k in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1) * (1 + 2.5 * np.exp(-score)) * (c[:, 2] > -7)
    chosen = g.choice(len(corners), count, p=area / area.sum())
    weights = g.dirichlet((1, 1, 1), count).astype(np.float32)
    places = np.einsum("nk,nkc->nc", weights, vertices[corners[chosen]])
    outward = np.einsum("nk,nkc->nc", weights, normals[corners[chosen]])
    return places, outward, score[chosen]


def _in_fringe(roots: FloatArray, score: FloatArray, hair: Hair, g: np.random.Generator) -> np.ndarray:
    front = (score < 1.8) & (roots[:, 2] > 3.0) & (np.abs(roots[:, 0]) < 6.5)
    return front & (g.random(len(roots)) < np.clip(1.6 * hair.fringe - 0.3, 0, 1))


def _skull(outer: FloatArray) -> FloatArray:
    """Return (elevations, azimuths) the distance of the head's surface from its centre, from its vertices."""
    outer = outer[outer[:, 1] > -8]
    row, column, radius = _polar(outer)
    skull = np.full((_ELEVATIONS, _AZIMUTHS), 4.0, np.float32)
    np.maximum.at(skull, (row.round().astype(int), column.round().astype(int) % _AZIMUTHS), radius)
    around = np.concatenate([skull[:, -3:], skull, skull[:, :3]], axis=1)
    return blurred(cv2.dilate(around, np.ones((3, 3))), 0.8)[:, 3:-3]


def _polar(points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    offset = points - HEAD_CENTRE
    radius = np.linalg.norm(offset, axis=-1)
    elevation = np.arcsin(np.clip(offset[..., 1] / np.maximum(radius, 1e-6), -1, 1))
    azimuth = np.arctan2(offset[..., 0], offset[..., 2])
    row = (elevation / np.pi + 0.5) * (_ELEVATIONS - 1)
    return row, (azimuth / (2 * np.pi) + 0.5) * _AZIMUTHS, radius


def _fall(
    roots: np.ndarray,
    outward: np.ndarray,
    lengths: np.ndarray,
    segments: int,
    hair: Hair,
    fringe: np.ndarray,
    skull: np.ndarray,
    g: np.random.Generator,
) -> np.ndarray:
    """Let locks grow step by step along the comb's direction, under gravity, outside of the skull."""
    count = len(roots)
    side = np.where(roots[:, 0] + g.normal(0, 0.3, count) > hair.parting, 1.0, -1.0)
    ahead = {"short": 0.15, "medium": 0.0, "long": -0.1, "tied": -1.3}[hair.style] + g.normal(0, 0.15)
    lean = {"short": 0.5, "medium": 0.9, "long": 0.8, "tied": 0.25}[hair.style]
    comb = np.stack([lean * side, np.full(count, -0.1), np.full(count, ahead)], 1)
    comb[fringe] = (0.12 * np.sign(hair.parting), -1.0, 0.35)
    # Neighbours go the same way: a smooth field over the head, and a little of one's own.
    waves = g.normal(0, 0.5, (3, 3))
    comb += 0.22 * np.sin(roots @ waves + g.uniform(0, 6, 3)) + g.normal(
        0, 0.07 + 0.1 * hair.curl, (count, 3)
    )
    gravity = {"short": 0.15, "medium": 0.8, "long": 1.0, "tied": 0.0}[hair.style]
    layer = g.uniform(0.02, 0.10 + 0.22 * min(hair.volume, 1.2), count)
    phase, turn = g.uniform(0, 2 * np.pi, count), g.uniform(0.7, 1.3, count)
    step = (lengths / segments)[:, None]
    cling = {"short": 0.35, "tied": 0.9}.get(hair.style, 0.0) * (1 - 0.5 * hair.curl)
    place, way = roots + 0.05 * outward, 0.3 * outward + _along_skull(comb, roots)
    path = [place]
    for k in range(segments):
        combed = np.exp(-0.5 * k) if gravity > 0.5 else 1.0
        way = 0.5 * way + combed * _along_skull(comb, place)
        way[:, 1] -= gravity * np.where(place[:, 1] < 10, 1.0, 0.5)
        angle = phase + turn * 1.9 * k
        way = way + 0.75 * hair.curl * np.stack([np.cos(angle), 0.4 * np.sin(2 * angle), np.sin(angle)], 1)
        way /= np.linalg.norm(way, axis=1, keepdims=True) + 1e-6
        place = _outside(place + step * way, layer, skull, cling)
        if hair.style in ("medium", "long", "short"):
            place = _beside_face(place, side, fringe, layer)
        path.append(place)
    return np.stack(path, 1).astype(np.float32)


def _along_skull(way: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Return directions without their part that leaves or enters the head, of unit length."""
    outward = place - HEAD_CENTRE
    outward = outward / (np.linalg.norm(outward, axis=1, keepdims=True) + 1e-6)
    tangent = way - outward * (way * outward).sum(1, keepdims=True)
    return tangent / (np.linalg.norm(tangent, axis=1, keepdims=True) + 1e-6)


def _outside(place: np.ndarray, layer: np.ndarray, skull: np.ndarray, cling: float) -> np.ndarray:
    """Push places out of the skull; `cling` (0 to 1) pulls those that stand off back to it."""
    row, column, radius = _polar(place)
    wrapped = np.concatenate([skull, skull[:, :2]], axis=1)
    surface = looked_up(wrapped, column % _AZIMUTHS, row)
    away = surface + layer - radius
    short = np.where(place[:, 1] > -6, np.where(away > 0, away, cling * away), 0)
    return place + (place - HEAD_CENTRE) / np.maximum(radius, 1e-6)[:, None] * short[:, None]


def _beside_face(place: np.ndarray, side: np.ndarray, fringe: np.ndarray, layer: np.ndarray) -> np.ndarray:
    """Keep locks that fall before the face at its sides."""
    limit = np.interp(place[:, 1], [2.0, 5.0, 7.5, 9.5, 11.0], [6.9, 6.7, 5.6, 3.2, 0.0]) + 2 * layer - 0.5
    across = place[:, 0] * side
    before = (place[:, 2] > 2.0) & ~fringe
    place[:, 0] = np.where(before, side * np.maximum(across, limit), place[:, 0])
    return place


def ribbons(paths: np.ndarray, colour: np.ndarray, grey: float, g: np.random.Generator) -> Mesh:
    """Return ribbons along paths (N, K + 1, 3), tapered, each with its own tone."""
    count, nodes = paths.shape[:2]
    way = np.gradient(paths, axis=1)
    outward = paths - HEAD_CENTRE
    tilt = g.normal(0, 0.25, (count, 1, 3))
    across = np.cross(way, outward / np.linalg.norm(outward, axis=2, keepdims=True) + tilt)
    across /= np.linalg.norm(across, axis=2, keepdims=True) + 1e-6
    taper = np.interp(np.linspace(0, 1, nodes), [0, 0.2, 0.6, 1], [0.5, 1.0, 1.0, 0.5])
    half = 0.5 * g.uniform(0.25, 0.65, (count, 1, 1)) * taper[None, :, None]
    vertices = np.stack([paths - half * across, paths + half * across], 2).reshape(-1, 3)
    first = (np.arange(count)[:, None] * nodes + np.arange(nodes - 1)[None]).ravel() * 2
    triangles = np.concatenate(
        [np.stack([first, first + 1, first + 2], 1), np.stack([first + 1, first + 3, first + 2], 1)]
    )
    tone = (
        g.lognormal(0, 0.22, (count, 1, 1))
        * np.interp(np.linspace(0, 1, nodes), [0, 1], [0.8, 1.15])[None, :, None]
    )
    # Only roots are clear, over the scalp: a pixel draws one surface, so a clear tip would show the wall.
    fade = np.interp(np.linspace(0, 1, nodes), [0, 0.15, 1], [0.45, 1.0, 1.0])
    tint = np.where(g.random((count, 1, 1)) < 0.35 * grey, 1.35, 1.0)
    shade = np.repeat((colour * tone * tint), 2, axis=1).reshape(-1, 3)
    return Mesh(
        vertices=vertices.astype(np.float32),
        triangles=triangles.astype(np.int32),
        colour=np.clip(shade, 0.002, 0.9).astype(np.float32),
        alpha=np.tile(np.repeat(fade, 2), count).astype(np.float32),
        specular=0.12,
        roughness=0.5,
        strands=True,
    )


def hair_behind(traits: Traits, generator: np.random.Generator) -> HairLayer | None:
    """Return long hair behind the neck as a flat layer, or None for other styles."""
    hair = traits.hair
    if hair.style not in ("medium", "long") or (traits.headwear and traits.headwear.kind == "scarf"):
        return None
    height, width = 220, 200
    extent = (-12.0, 12.0, -20.0, 13.0)
    y = np.linspace(extent[3], extent[2], height, dtype=np.float32)[:, None]
    x = np.linspace(extent[0], extent[1], width, dtype=np.float32)[None]
    ragged = generator.normal(0, 0.25, (1, width)).astype(np.float32)
    waves = (0.3 + 0.7 * hair.curl) * np.sin(y * (0.6 + hair.curl) + generator.uniform(0, 6)).astype(
        np.float32
    )
    half = 7.3 + 0.6 * hair.volume + 0.12 * np.clip(8 - y, 0, 14) + 0.3 * waves
    bottom = -4.5 - 0.2 * hair.length if hair.style == "medium" else -8.0 - hair.length
    alpha = np.clip((half - np.abs(x)) * 2, 0, 1) * np.clip((y - bottom + 3 * ragged) * 0.9, 0, 1) * (y < 11)
    strands = blurred(generator.standard_normal((height, width), dtype=np.float32), 0.8, 14)
    strands = strands / (strands.std() + 1e-6)
    tone = np.clip(0.45 + 0.13 * strands, 0.1, 1)[..., None]
    rgba = np.concatenate([np.array(hair.colour, np.float32) * tone, alpha[..., None]], 2)
    return HairLayer(rgba=rgba.astype(np.float32), extent=extent, depth=-5.0)


def unit_normals(points: FloatArray, triangles: IntArray) -> FloatArray:
    """Return (V, 3) the unit normals of a mesh."""
    from idennet.research.synth.raster import vertex_normals

    normals = np.zeros_like(points)
    vertex_normals(points, triangles, normals)
    return normals
