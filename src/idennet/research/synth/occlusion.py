"""Ambient occlusion in screen space: how much of the surrounding light reaches the folds of a face."""

import numpy as np

from idennet.research.synth.appearance import FloatArray
from idennet.research.synth.raster import SurfaceBuffer, njit


def _occlusion_offsets() -> FloatArray:
    rings = [(0.35, 4), (0.8, 5), (1.8, 5), (3.2, 4)]
    offsets = [
        (radius * np.cos(np.pi * (k + 0.5) / count), radius * np.sin(np.pi * (k + 0.5) / count), radius)
        for radius, count in rings
        for k in range(count)
    ]
    return np.array(offsets, np.float32)


OCCLUSION_OFFSETS = _occlusion_offsets()
"""(K, 3) x, y and radius in cm of the pairs of points that `ambient_occlusion` compares."""


@njit(cache=True, fastmath=True)
def ambient_occlusion(
    buffer: SurfaceBuffer, pixels_per_cm: float, offsets: FloatArray, out: FloatArray
) -> None:
    """Write how open each visible point is (1 open, 0 buried) to `out`, at half resolution.

    A point is occluded as far as pairs of opposite neighbours lie nearer to the camera than it does.
    """
    depth, triangle, _ = buffer
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            y, x = 2 * i, 2 * j
            out[i, j] = 1.0
            if triangle[y, x] < 0:
                continue
            distance = 1.0 / depth[y, x]
            angle = 0.785 * ((j * 7 + i * 13) % 8)
            cosine, sine = pixels_per_cm * np.cos(angle), pixels_per_cm * np.sin(angle)
            hidden = 0.0
            for k in range(offsets.shape[0]):
                dx = int(offsets[k, 0] * cosine - offsets[k, 1] * sine)
                dy = int(offsets[k, 0] * sine + offsets[k, 1] * cosine)
                x1, y1, x2, y2 = x + dx, y + dy, x - dx, y - dy
                if min(x1, y1, x2, y2) < 0 or max(x1, x2) >= depth.shape[1] or max(y1, y2) >= depth.shape[0]:
                    continue
                if triangle[y1, x1] < 0 or triangle[y2, x2] < 0:
                    continue
                radius = offsets[k, 2]
                limit = 2.5 * radius
                before = min(max(distance - 1.0 / depth[y1, x1], -limit), limit)
                behind = min(max(distance - 1.0 / depth[y2, x2], -limit), limit)
                slope = (before + behind) / (2.0 * radius)
                hidden += min(1.0, max(0.0, slope - 0.04) * 1.3)
            out[i, j] = max(0.12, 1.0 - 1.25 * hidden / offsets.shape[0])
