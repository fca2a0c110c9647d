"""Brows, beards and stubble: many fine strokes painted into the skin, along the way hair grows."""

import cv2
import numpy as np
import numpy.typing as npt

from idennet.research.synth.appearance import TEXTURE_SIZE, FloatArray
from idennet.research.synth.atlas import Box, SkinAtlas, noise, smooth_curve
from idennet.research.synth.pixels import blurred, resized
from idennet.research.synth.skin import blend, lip_mask
from idennet.research.synth.traits import Traits

FINER = 4
"""Strokes are drawn on a canvas this many times finer than the texture."""


def draw_strokes(
    roots: np.ndarray,
    ways: np.ndarray,
    box: Box,
    generator: np.random.Generator,
    *,
    bend: float,
    width: int = 2,
) -> FloatArray:
    """Return (h, w) the cover, 0 to 1 and above where strokes cross, of curved hair strokes.

    Args:
        roots: (N, 2) texels (column, row) where the hairs leave the skin.
        ways: (N, 2) vector in texels from root to tip.
        box: Rectangle of the texture to draw.
        generator: Source of the bends.
        bend: Sideways bend of the hairs as a share of their length.
        width: Width of a hair in quarter texels.
    """
    rows, columns = box
    shape = ((rows.stop - rows.start) * FINER, (columns.stop - columns.start) * FINER)
    across = np.stack([-ways[:, 1], ways[:, 0]], 1) * generator.normal(0, bend, (len(ways), 1))
    nodes = np.stack([roots, roots + 0.5 * ways + 0.5 * across, roots + ways + across], 1)
    nodes = (nodes - (columns.start - 0.5, rows.start - 0.5)) * FINER * 16  # 4 bits of sub-pixel
    cover = np.zeros(shape, np.float32)
    layers = 4  # strokes of one layer do not add up; layers do
    lines = np.round(nodes).astype(np.int32)
    for layer in range(layers):
        canvas = np.zeros(shape, np.uint8)
        cv2.polylines(canvas, list(lines[layer::layers]), False, 255, width, cv2.LINE_AA, 4)
        cover += canvas
    return resized(cover / 255.0, (rows.stop - rows.start, columns.stop - columns.start))


def paint_brows(atlas: SkinAtlas, traits: Traits, generator: np.random.Generator, albedo: FloatArray) -> None:
    """Paint both eyebrows over an albedo (T, T, 3) in place."""
    brows = traits.brows
    # Right: landmarks 17 to 21 from outside in; left: 26 to 22. One layout, mirrored with small differences.
    for side, order in ((-1.0, range(21, 16, -1)), (1.0, range(22, 27))):
        line = atlas.landmarks[list(order), :2].copy()
        line[:, 1] += brows.lift - 0.1 + generator.normal(0, 0.03)
        line[:, 1] += brows.arch * np.array([0.0, 0.3, 0.8, 1.0, 0.2]) - brows.tilt * np.array(
            [1, 0.5, 0, -0.3, -0.5]
        )
        line[0, 0] += side * brows.reach
        spine = smooth_curve(line, 12)
        count = int(110 + 260 * brows.density * (0.25 + brows.thickness))
        t = generator.beta(1.25, 1.25, count) * (len(spine) - 1)
        low = np.minimum(t.astype(int), len(spine) - 2)
        ahead = spine[low + 1] - spine[low]
        centre = spine[low] + (t - low)[:, None] * ahead
        place = t / (len(spine) - 1)
        half = 0.5 * brows.thickness * np.interp(place, [0, 0.1, 0.4, 0.65, 1], [0.75, 1.0, 1.0, 0.8, 0.22])
        height = np.clip(generator.normal(0, 0.55, count), -1.25, 1.25)
        roots = centre + np.c_[np.zeros(count), half * height]
        roots[:, 0] += generator.normal(0, 0.03, count)
        # Hairs stand up at the inner end and lie along the brow outside; they bend towards the middle.
        ahead /= np.linalg.norm(ahead, axis=1, keepdims=True)
        rise = np.interp(place, [0, 0.2, 0.6, 1], [1.3, 0.75, 0.25, 0.0]) - 0.45 * height * (place > 0.12)
        way = ahead + np.c_[np.zeros(count), rise + generator.normal(0, 0.12, count)]
        way *= (generator.uniform(0.35, 0.75, count) * np.interp(place, [0, 1], [1.0, 0.75]))[:, None]
        root_texels, tip_texels = atlas.texels(roots), atlas.texels(roots + way)
        box = atlas.box(spine, 0.9)
        cover = draw_strokes(root_texels, tip_texels - root_texels, box, generator, bend=0.12)
        shadow = blurred(cover, 2.0)
        opacity = np.clip(brows.density * (0.5 * cover + 0.2 * shadow), 0, 0.85)
        blend(albedo[box], opacity, np.array(brows.colour) * 0.8)


def beard_density(atlas: SkinAtlas, traits: Traits, generator: np.random.Generator) -> FloatArray:
    """Return (T, T) how densely facial hair grows, 0 to 1, with soft uneven edges; zero if there is none."""
    beard = traits.beard
    if beard.density == 0:
        return np.zeros((TEXTURE_SIZE, TEXTURE_SIZE), np.float32)
    wobble = 0.22 * noise(generator, 14) + 0.12 * noise(generator, 4)
    x, y, z = np.abs(atlas.x), atlas.y + wobble, atlas.z
    soft = 0.8

    def step(distance: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.exp(-np.clip(distance / (0.35 * soft), -20, 20)))

    cheek_line = np.interp(x, [0, 2.0, 3.2, 4.5, 6.0, 6.9, 8.0], [-1.6, -1.7, -3.4, -3.3, -2.0, 1.5, 3.5])
    neck_line = -9.0 + 0.3 * x
    jaw = step(cheek_line - y) * step(y - neck_line) * step(7.9 - x)
    moustache = (
        step(-1.55 - y) * step(y + 3.0 + 0.55 * np.maximum(x - 2.2, 0)) * step(2.95 - x + 0.12 * wobble)
    )
    below_lip = step(-4.55 - y) * step(y + 8.3) * step(1.9 - x - 0.1 * (y + 6))
    corners = step(-3.2 - y) * step(y + 6.2) * step(x - 2.25) * step(3.25 - x)
    bare = 0.75 * (step(-4.4 - y) * step(y + 5.2) * step(x - 0.65) * step(1.9 - x))  # beside the soul patch
    masks = {
        "moustache": moustache,
        "goatee": np.maximum(np.maximum(moustache, below_lip), corners),
    }
    mask = masks.get(beard.kind, np.maximum(jaw * (1 - bare), moustache))
    mask = mask * (z > 0.5) * (1 - np.clip(1.6 * lip_mask(atlas, max(traits.lip_fullness, 0.8)), 0, 1))
    return blurred(mask.astype(np.float32), 1.6)


def paint_beard(
    atlas: SkinAtlas, traits: Traits, generator: np.random.Generator, albedo: FloatArray, density: FloatArray
) -> None:
    """Paint facial hair over an albedo (T, T, 3) in place, where `density` (T, T) says."""
    beard = traits.beard
    if not density.any():
        return
    box = atlas.box([(-7, -12), (7, 3)], 5.0)
    local, colour = density[box], np.array(beard.colour)
    if beard.kind in ("none", "stubble"):
        _paint_stubble(local, beard.density, colour, generator, albedo[box])
        return
    cumulative = np.cumsum(local.ravel())
    count = int(min(9000, cumulative[-1] * 0.55))
    flat = np.searchsorted(cumulative, generator.uniform(0, cumulative[-1], count))
    row, column = np.divmod(flat, local.shape[1])
    roots = np.stack([column + box[1].start, row + box[0].start], 1) + generator.uniform(
        -0.5, 0.5, (count, 2)
    )
    way = (
        _growth(atlas, roots, generator)
        * (4.0 + 9.0 * beard.length)
        * generator.uniform(0.5, 1.2, (count, 1))
    )
    cover = draw_strokes(roots.astype(np.float32), way, box, generator, bend=0.25)
    highlights = draw_strokes(roots[::3].astype(np.float32), way[::3], box, generator, bend=0.25, width=1)
    under = blurred(local, 1.5) * beard.density
    blend(albedo[box], np.clip(0.5 * under, 0, 1), colour * 0.75 + 0.15 * albedo[box] * 0.5)
    blend(albedo[box], np.clip(0.6 * cover * beard.density, 0, 0.9), colour * 0.8)
    blend(albedo[box], np.clip(0.5 * highlights * local, 0, 0.6), colour * 1.7 + 0.012)


def _growth(atlas: SkinAtlas, roots: npt.NDArray[np.float64], generator: np.random.Generator) -> FloatArray:
    """Return (N, 2) unit directions in texels: down and outwards, sideways on the upper lip."""
    column, row = np.round(roots).astype(int).T.clip(0, TEXTURE_SIZE - 1)
    x, y = atlas.x[row, column], atlas.y[row, column]
    sideways = np.where(
        (y > -3.3) & (np.abs(x) < 3.2), 0.35 + 0.45 * np.abs(x), 0.12 * np.abs(x) / 4
    ) * np.sign(x)
    sideways = np.where(y < -6.5, 0.05 * x, sideways)
    way = np.stack([sideways, np.ones_like(sideways)], 1) + generator.normal(0, 0.28, (len(roots), 2))
    return (way / np.linalg.norm(way, axis=1, keepdims=True)).astype(np.float32)


def _paint_stubble(
    density: FloatArray,
    strength: float,
    colour: np.ndarray,
    generator: np.random.Generator,
    albedo: FloatArray,
) -> None:
    """Cover skin with a bluish shade of roots under it and with dots of cut hairs."""
    dots = generator.random(density.shape, dtype=np.float32)
    dots = blurred((dots < 0.3 * density).astype(np.float32), 0.55) * 1.6
    patchy = np.clip(
        1
        + 0.16
        * resized(
            generator.standard_normal((24, 24), dtype=np.float32), (density.shape[0], density.shape[1])
        ),
        0.5,
        1.3,
    )
    blend(albedo, np.clip(0.42 * strength * density * patchy, 0, 1), albedo * 0.35 + colour * 0.4 + 0.004)
    blend(albedo, np.clip(0.55 * strength * dots * density, 0, 0.8), colour)
