"""Colour of the skin, painted in rest coordinates: pigments first, then lips, eyes' rims and makeup."""

import numpy as np
import numpy.typing as npt

from idennet.research.synth.appearance import TEXTURE_SIZE, FloatArray
from idennet.research.synth.atlas import SkinAtlas, noise
from idennet.research.synth.pixels import blurred
from idennet.research.synth.traits import Traits

BARE = np.array((0.78, 0.63, 0.53), np.float32)
MELANIN_ABSORPTION = np.array((1.85, 2.2, 2.45), np.float32)
HEMOGLOBIN_ABSORPTION = np.array((0.12, 0.55, 0.45), np.float32)

RIGHT_EYE_CORNERS, LEFT_EYE_CORNERS = (36, 39), (42, 45)
OUTER_LIP = slice(48, 60)
INNER_LIP = slice(60, 68)


def skin_rgb(melanin: npt.ArrayLike, hemoglobin: npt.ArrayLike) -> FloatArray:
    """Return (..., 3) linear RGB of skin by its pigments (a two-pigment Beer-Lambert model)."""
    m = np.maximum(np.asarray(melanin, np.float32), 0)[..., None]
    h = np.maximum(np.asarray(hemoglobin, np.float32), 0)[..., None]
    return BARE * np.exp(-m * MELANIN_ABSORPTION - h * HEMOGLOBIN_ABSORPTION)


def blend(albedo: FloatArray, mask: np.ndarray, colour: npt.ArrayLike) -> None:
    """Lay a colour (3,) or (..., 3) over an albedo in place, with opacity `mask` (...)."""
    albedo += (np.asarray(colour, np.float32) - albedo) * np.asarray(mask, np.float32)[..., None]


def paint_skin(atlas: SkinAtlas, traits: Traits, generator: np.random.Generator) -> FloatArray:
    """Return (T, T, 3) the albedo of the bare face with lips, lash line and makeup."""
    melanin, hemoglobin = _pigments(atlas, traits, generator)
    albedo = skin_rgb(melanin, hemoglobin)
    _paint_blush(atlas, traits, albedo)
    _paint_lips(atlas, traits, generator, albedo)
    _paint_eyes(atlas, traits, albedo)
    return albedo


def _pigments(atlas: SkinAtlas, traits: Traits, g: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    skin, shape = traits.skin, (TEXTURE_SIZE, TEXTURE_SIZE)
    fine, middle, coarse = noise(g, 1.6), noise(g, 5), noise(g, 22)
    hemoglobin = np.full(shape, skin.hemoglobin, np.float32)
    hemoglobin += skin.mottling * (0.05 * coarse + 0.05 * middle) + 0.03 * fine
    for side in (1, -1):
        hemoglobin += skin.redness * atlas.bump(side * 4.2, -0.2, 2.0, 1.9)
    hemoglobin += (0.1 + 0.7 * skin.redness) * atlas.bump(0, 0.2, 1.4, 1.2)
    hemoglobin += 0.2 * atlas.bump(0, -6.6, 1.6, 1.0) + 0.12 * atlas.bump(0, 9.5, 4.0, 1.5) * g.random()
    melanin = np.full(shape, skin.melanin, np.float32)
    variation = 0.5 + 0.9 * skin.melanin
    melanin += variation * (skin.mottling * (0.03 * middle + 0.03 * coarse) + 0.012 * fine)
    # Forehead and the rim of the face carry more melanin than the cheeks, above all in dark skin.
    melanin += (
        0.10
        * skin.melanin
        * (atlas.bump(0, 9.0, 6.0, 2.5) - atlas.bump(4, 0, 2.5, 2) - atlas.bump(-4, 0, 2.5, 2))
    )
    for side in (1, -1):
        melanin += 0.14 * skin.under_eye * variation * atlas.bump(side * 2.9, 2.35, 1.4, 0.6)
        hemoglobin += 0.22 * skin.under_eye * atlas.bump(side * 2.5, 2.4, 1.0, 0.5)
        melanin += 0.05 * variation * atlas.bump(side * 3.2, 4.4, 1.7, 0.5)
        melanin += 0.06 * variation * atlas.bump(side * 2.6, -3.6, 0.7, 0.7)
    if skin.freckles:
        spots = np.clip(noise(g, 2.3) - 1.45, 0, 1) * atlas.bump(0, 1.2, 5.5, 2.6)
        melanin += 0.7 * skin.freckles * spots
    age_spots = np.clip(noise(g, 5) - 1.9, 0, 1) * max(0.0, traits.age - 0.55)
    melanin += 0.6 * age_spots * (atlas.z > 0)
    for _ in range(skin.moles):
        size = g.uniform(0.07, 0.15)
        melanin += g.uniform(0.3, 0.9) * atlas.bump(g.uniform(-6, 6), g.uniform(-6.5, 9), size, size)
    return melanin, hemoglobin


def _paint_blush(atlas: SkinAtlas, traits: Traits, albedo: FloatArray) -> None:
    if traits.makeup.blush:
        for side in (1, -1):
            mask = 0.22 * traits.makeup.blush * atlas.bump(side * 4.6, 0.2, 1.8, 1.2)
            blend(albedo, mask, albedo * (1.05, 0.62, 0.66))


def lip_mask(atlas: SkinAtlas, fullness: float) -> FloatArray:
    """Return (T, T) the red of the lips, 0 to 1; fullness scales it towards the line between the lips."""
    outer = atlas.landmark_texels[OUTER_LIP].copy()
    middle = atlas.landmark_texels[INNER_LIP][:, 1].mean()
    outer[:, 1] = middle + (outer[:, 1] - middle) * fullness
    # The landmarks are joined by a smooth outline, not by straight lines.
    closed = np.vstack([outer[-2:], outer, outer[:3]])
    steps = np.arange(len(closed), dtype=np.float32)
    fine = np.linspace(2, len(outer) + 2, 72, endpoint=False)
    outline = np.stack([np.interp(fine, steps, closed[:, k]) for k in range(2)], 1).astype(np.float32)
    kernel = np.array([1, 2, 3, 2, 1], np.float32) / 9
    smooth = np.stack(
        [np.convolve(np.r_[outline[-2:, k], outline[:, k], outline[:2, k]], kernel, "valid") for k in (0, 1)],
        1,
    )
    return atlas.polygon(smooth.astype(np.float32), 1.1)


def _paint_lips(atlas: SkinAtlas, traits: Traits, g: np.random.Generator, albedo: FloatArray) -> None:
    skin, makeup = traits.skin, traits.makeup
    mask = lip_mask(atlas, traits.lip_fullness)
    box = atlas.box([(-2.9, -5.4), (2.9, -1.6)], 0.2)
    # Fine vertical lines and a paler lower lip.
    lines = blurred(noise(g, 1.2)[box], 0.6, 2.5)
    melanin = 0.75 * skin.melanin + 0.08 + 0.05 * lines + 0.06 * (atlas.y[box] > -3.4)
    hemoglobin = skin.hemoglobin + traits.lip_contrast * (1.0 + 0.15 * lines)
    colour = skin_rgb(melanin, hemoglobin)
    blend(colour, np.full(colour.shape[:2], 0.8 * makeup.lipstick, np.float32), makeup.lipstick_colour)
    lipped = albedo[box]
    edge = 0.8 + 0.2 * min(1.0, 2 * makeup.lipstick)
    blend(lipped, mask[box] * edge, colour)
    # The line where the lips meet: inside of the lips, dark and red. At rest it is all that is seen of their
    # inside, and photographs show it from faint to as dark as an open mouth.
    seam = atlas.landmarks[INNER_LIP]
    ends = atlas.landmarks[[48, 54]]
    line = np.vstack([ends[0], seam[0], (seam[[1, 2, 3]] + seam[[7, 6, 5]]) / 2, seam[4], ends[1]])
    height = np.interp(atlas.x[box], line[:, 0], line[:, 1])
    fading = 1 / (1 + np.exp((np.abs(atlas.x[box]) - abs(ends[:, 0]).mean() + 0.1) / 0.12))
    meeting = np.exp(-(((atlas.y[box] - height) / traits.lip_line_width) ** 2)) * fading
    blend(lipped, 0.9 * traits.lip_line * meeting, lipped * (0.22, 0.13, 0.13))


def _paint_eyes(atlas: SkinAtlas, traits: Traits, albedo: FloatArray) -> None:
    makeup, eyes = traits.makeup, traits.eyes
    columns, rows = np.meshgrid(
        np.arange(TEXTURE_SIZE, dtype=np.float32), np.arange(TEXTURE_SIZE, dtype=np.float32)
    )
    for corners in (RIGHT_EYE_CORNERS, LEFT_EYE_CORNERS):
        first, last = atlas.landmark_texels[list(corners)]
        box = (slice(int(first[1]) - 36, int(first[1]) + 24), slice(int(first[0]) - 20, int(last[0]) + 21))
        offset = np.stack([columns[box] - first[0], rows[box] - first[1]], 2)
        step = last - first
        t = np.clip(offset @ step / (step @ step), 0.06, 0.94)
        away = offset - t[..., None] * step
        distance = np.hypot(away[..., 0], away[..., 1])
        above = away[..., 1] < 0
        patch = albedo[box]
        if makeup.eyeshadow:
            shade = makeup.eyeshadow * np.exp(-((distance / 11.0) ** 2)) * above
            blend(patch, blurred(shade, 1.5), makeup.eyeshadow_colour)
        # The fold of the upper lid, then the wet rim and the roots of the lashes.
        fold = 0.28 * np.exp(-(((distance - 9.5) / 1.6) ** 2)) * above
        blend(patch, blurred(fold, 0.8), patch * (0.55, 0.42, 0.40))
        # Closed lids meet in this dark line, on photographs the mark of a shut eye.
        rim = np.exp(-((distance / np.where(above, 5.0, 3.6)) ** 2))
        strength = (
            np.where(above, 0.55 + 0.45 * eyes.lashes, 0.25 + 0.3 * eyes.lashes) + 0.3 * makeup.eyeliner
        )
        lined = rim * np.clip(strength, 0, 0.95)
        blend(patch, lined, (0.03, 0.018, 0.014))
        inner = 0.35 * np.exp(-((distance / 1.2) ** 2))
        blend(patch, inner, (0.30, 0.12, 0.10))
