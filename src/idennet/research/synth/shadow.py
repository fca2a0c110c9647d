"""Shadows of the key light: a depth picture along its direction, and soft look-ups in it."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from idennet.research.synth.appearance import FloatArray, IntArray, Mesh
from idennet.research.synth.raster import SurfaceBuffer, clear, njit, rasterise

SHADOW_SIZE = 192
"""Side of the shadow map in texels."""

_EXTENT = 36.0  # cm that the map covers
_OFFSET = 100.0  # added to distances along the light so that nearness in the shadow map is positive
_OPAQUE = 0.5  # least opacity of a thing that casts a shadow


class ShadowMap(NamedTuple):
    """Nearness to the key light in an orthographic picture along its direction.

    Attributes:
        depth: (M, M) as in `SurfaceBuffer`.
        axes: (3, 3) rows: right, up, towards the light.
        scale: Texels per cm.
        taps: (8, 12, 2) texel offsets of eight rotated filters.
    """

    depth: FloatArray
    axes: FloatArray
    scale: float
    taps: IntArray


def draw_shadow_map(
    buffer: SurfaceBuffer,
    posed: FloatArray,
    casting: IntArray,
    worn: Iterable[Mesh],
    towards: FloatArray,
    softness: float,
) -> ShadowMap:
    """Draw the head and the opaque things on it as the key light sees them.

    Args:
        buffer: Drawn into, `SHADOW_SIZE` pixels wide; the map refers to it.
        posed: (V, 3) of the head in camera space.
        casting: (T, 3) triangles of the head that cast shadows.
        worn: Meshes in camera space.
        towards: (3,) unit vector towards the light.
        softness: 0 (spot) to 1 (overcast).
    """
    right = np.cross(np.array([0.0, 1.0, 0.0]), towards)
    right /= np.linalg.norm(right)
    axes = np.stack([right, np.cross(towards, right), towards]).astype(np.float32)
    scale = SHADOW_SIZE / _EXTENT
    stretch = np.array([scale, -scale, 1.0], np.float32)
    middle = np.array([SHADOW_SIZE / 2, SHADOW_SIZE / 2, _OFFSET], np.float32)

    def seen(points: FloatArray) -> FloatArray:
        return (points @ axes.T * stretch + middle).astype(np.float32)

    clear(buffer)
    rasterise(seen(posed), casting, False, buffer)
    for mesh in worn:
        if mesh.alpha.min() > _OPAQUE:
            rasterise(seen(mesh.vertices), mesh.triangles, True, buffer)
    return ShadowMap(buffer.depth, axes, scale, _taps(softness))


def _taps(softness: float) -> IntArray:
    """Return the filter of a shadow map: (8, 12, 2) offsets on discs that grow with `softness` (0 to 1)."""
    radius = 1.0 + 4.0 * softness
    turn = np.arange(12) * 2.39996 + np.arange(8)[:, None] * 0.785  # the golden angle spreads the taps
    length = radius * np.sqrt((np.arange(12) + 0.5) / 12)
    return np.rint(np.stack([np.cos(turn) * length, np.sin(turn) * length], axis=-1)).astype(np.int32)


@njit(cache=True, fastmath=True)
def lit_by_key(shadow: ShadowMap, x: float, y: float, z: float, facing: float, seed: int) -> float:
    """Share of the key light that reaches a point of camera space."""
    depth, axes, scale, taps = shadow
    size = depth.shape[0]
    u = int((axes[0, 0] * x + axes[0, 1] * y + axes[0, 2] * z) * scale + size * 0.5)
    v = int(size * 0.5 - (axes[1, 0] * x + axes[1, 1] * y + axes[1, 2] * z) * scale)
    near = axes[2, 0] * x + axes[2, 1] * y + axes[2, 2] * z + _OFFSET
    near += 0.25 + 0.7 * (1.0 - max(facing, 0.0))  # surfaces along the light must not shade themselves
    lit = 0
    for k in range(taps.shape[1]):
        dx, dy = taps[seed, k, 0], taps[seed, k, 1]
        inside = 0 <= u + dx < size and 0 <= v + dy < size
        if not inside or depth[v + dy, u + dx] <= near + 0.12 * (abs(dx) + abs(dy)):
            lit += 1
    return lit / taps.shape[1]
