"""Compiled kernels on meshes: linear shapes, vertex normals, projection and the depth buffer.

Importing this module compiles nothing; numba compiles each kernel once and keeps it on disk.
"""

from typing import NamedTuple

import numpy as np

from idennet.errors import MissingExtraError
from idennet.research.synth.appearance import FloatArray, IntArray

try:
    from numba import njit
except ImportError as error:
    raise MissingExtraError("The renderer", "research") from error


class SurfaceBuffer(NamedTuple):
    """What the rasteriser leaves for each pixel of an (H, W) picture.

    Attributes:
        depth: (H, W) larger is nearer; 0 where there is nothing.
        triangle: (H, W) index of the nearest triangle, -1 where there is nothing.
        weights: (H, W, 2) barycentric weights of its first two corners.
    """

    depth: FloatArray
    triangle: IntArray
    weights: FloatArray

    @classmethod
    def empty(cls, size: int) -> "SurfaceBuffer":
        """Return the buffer of a square picture."""
        return cls(
            np.zeros((size, size), np.float32),
            np.full((size, size), -1, np.int32),
            np.zeros((size, size, 2), np.float32),
        )


@njit(cache=True, fastmath=True)
def add_shapes(base: FloatArray, shapes: FloatArray, weights: FloatArray, out: FloatArray) -> None:
    """Write `base + sum_k weights[k] * shapes[k]` to `out`, all meshes (V, 3), skipping zero weights."""
    out[:] = base
    for k in range(shapes.shape[0]):
        weight = weights[k]
        if weight != 0.0:
            shape = shapes[k]
            for i in range(base.shape[0]):
                out[i, 0] += weight * shape[i, 0]
                out[i, 1] += weight * shape[i, 1]
                out[i, 2] += weight * shape[i, 2]


@njit(cache=True, fastmath=True)
def rotate_about(points: FloatArray, rotation: FloatArray, centre: FloatArray, out: FloatArray) -> None:
    """Write `rotation @ (point - centre)` for each of the (V, 3) points to `out`."""
    for i in range(points.shape[0]):
        x = points[i, 0] - centre[0]
        y = points[i, 1] - centre[1]
        z = points[i, 2] - centre[2]
        for k in range(3):
            out[i, k] = rotation[k, 0] * x + rotation[k, 1] * y + rotation[k, 2] * z


@njit(cache=True, fastmath=True)
def project(
    points: FloatArray, distance: float, focal: float, centre_x: float, centre_y: float, out: FloatArray
) -> None:
    """Project (V, 3) points of camera space, whose origin is `distance` cm before the lens, to the screen.

    `out` receives x to the right and y down in pixels (0 is the picture's edge) and the reciprocal depth.
    """
    for i in range(points.shape[0]):
        nearness = 1.0 / (distance - points[i, 2])
        out[i, 0] = centre_x + focal * points[i, 0] * nearness
        out[i, 1] = centre_y - focal * points[i, 1] * nearness
        out[i, 2] = nearness


@njit(cache=True, fastmath=True)
def vertex_normals(points: FloatArray, triangles: IntArray, normals: FloatArray) -> None:
    """Write the (V, 3) unit normals, weighted by the area of the triangles, to `normals`."""
    normals[:] = 0.0
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ux, uy, uz = points[b, 0] - points[a, 0], points[b, 1] - points[a, 1], points[b, 2] - points[a, 2]
        vx, vy, vz = points[c, 0] - points[a, 0], points[c, 1] - points[a, 1], points[c, 2] - points[a, 2]
        nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        for i in (a, b, c):
            normals[i, 0] += nx
            normals[i, 1] += ny
            normals[i, 2] += nz
    for i in range(points.shape[0]):
        length = np.sqrt(normals[i, 0] ** 2 + normals[i, 1] ** 2 + normals[i, 2] ** 2) + np.float32(1e-12)
        for k in range(3):
            normals[i, k] /= length


@njit(cache=True)
def clear(buffer: SurfaceBuffer) -> None:
    """Empty a buffer."""
    buffer.depth[:] = 0.0
    buffer.triangle[:] = -1


@njit(cache=True, fastmath=True)
def rasterise(screen: FloatArray, triangles: IntArray, two_sided: bool, buffer: SurfaceBuffer) -> None:
    """Draw triangles into a buffer; the nearest surface of each pixel's centre stays.

    Args:
        screen: (V, 3) x to the right, y down in pixels, and nearness (larger is nearer, above 0).
        triangles: (T, 3) counter-clockwise, seen from outside, in space with y up.
        two_sided: Whether back faces are drawn too.
        buffer: What is drawn into.
    """
    depth, triangle, weights = buffer
    height, width = depth.shape
    half, one, zero = np.float32(0.5), np.float32(1.0), np.float32(0.0)
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ax, ay, bx, by, cx, cy = (
            screen[a, 0], screen[a, 1], screen[b, 0], screen[b, 1], screen[c, 0], screen[c, 1],
        )  # fmt: skip
        area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
        if area == zero or (area > zero and not two_sided):  # y points down: front faces are negative
            continue
        left = max(0, int(np.ceil(min(ax, bx, cx) - half)))
        right = min(width - 1, int(np.floor(max(ax, bx, cx) - half)))
        top = max(0, int(np.ceil(min(ay, by, cy) - half)))
        bottom = min(height - 1, int(np.floor(max(ay, by, cy) - half)))
        if left > right or top > bottom:
            continue
        scale = one / area
        for y in range(top, bottom + 1):
            py = np.float32(y) + half
            for x in range(left, right + 1):
                px = np.float32(x) + half
                wa = ((bx - px) * (cy - py) - (cx - px) * (by - py)) * scale
                wb = ((cx - px) * (ay - py) - (ax - px) * (cy - py)) * scale
                wc = one - wa - wb
                if wa < zero or wb < zero or wc < zero:
                    continue
                nearness = wa * screen[a, 2] + wb * screen[b, 2] + wc * screen[c, 2]
                if nearness > depth[y, x]:
                    depth[y, x] = nearness
                    triangle[y, x] = t
                    weights[y, x, 0] = wa
                    weights[y, x, 1] = wb
