"""What is drawn behind and over the shaded head: long hair, lashes, locks, glasses and headwear."""

import cv2
import numpy as np

from idennet.research.synth.appearance import FloatArray, HairLayer, IntArray
from idennet.research.synth.framing import View
from idennet.research.synth.raster import SurfaceBuffer, njit
from idennet.research.synth.shading import Lights, corners, highlight, unit
from idennet.research.synth.shadow import ShadowMap, lit_by_key

_GLARE = 1.2  # largest highlight of a light of strength 1, so that lenses do not turn white


def blend_hair(layer: HairLayer, view: View, lights: Lights, light: FloatArray) -> None:
    """Blend a flat layer that stands in the head over `light`, lit evenly by what falls on it."""
    left, right, bottom, top = layer.extent
    edges = np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)
    points = np.column_stack([edges, np.full(4, layer.depth)]).astype(np.float32)
    target = view.to_screen(view.to_camera(points))[:, :2]
    height, width = layer.rgba.shape[:2]
    source = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    warp = cv2.getPerspectiveTransform(source - 0.5, target - 0.5)
    size = (light.shape[1], light.shape[0])
    premultiplied = layer.rgba.copy()
    premultiplied[..., :3] *= layer.rgba[..., 3:]
    drawn = cv2.warpPerspective(premultiplied, warp, size, flags=cv2.INTER_LINEAR)
    facing = np.maximum(lights.directions[:, 2], 0.3) * 0.6
    incoming = (lights.sky + lights.ground) * 0.5 + facing @ lights.colours
    light *= 1.0 - drawn[..., 3:]
    light += drawn[..., :3] * incoming.astype(np.float32)


@njit(cache=True)
def soften_strands(buffer: SurfaceBuffer, cover: FloatArray) -> None:
    """Close gaps of one pixel between strands in a rasterised buffer, and write how covered a pixel is.

    A gap takes the surface of one of its neighbours. `cover` (H, W) receives the share of the 5 x 5
    pixels around that are covered, times 1.6 and at most 1: 1 inside of the hair, less towards its edge and
    in thin tips.
    """
    depth, triangle, weights = buffer
    height, width = depth.shape
    for row in range(1, height - 1):
        for column in range(1, width - 1):
            if triangle[row, column] >= 0:
                continue
            for up, left in ((0, 1), (1, 0), (1, 1), (1, -1)):
                y, x = row - up, column - left
                if triangle[y, x] >= 0 and triangle[row + up, column + left] >= 0 and cover[y, x] >= 0:
                    cover[row, column] = -1.0  # filled, so that it fills no other
                    depth[row, column] = depth[y, x]
                    triangle[row, column] = triangle[y, x]
                    weights[row, column] = weights[y, x]
                    break
    for row in range(2, height - 2):
        for column in range(2, width - 2):
            if triangle[row, column] < 0:
                cover[row, column] = 0.0
                continue
            covered = 0
            for y in range(row - 2, row + 3):
                for x in range(column - 2, column + 3):
                    covered += triangle[y, x] >= 0
            cover[row, column] = min(1.0, 1.6 * covered / 25.0)


@njit(cache=True, fastmath=True)
def blend_worn(
    buffer: SurfaceBuffer,
    head_depth: FloatArray,
    points: FloatArray,
    triangles: IntArray,
    normals: FloatArray,
    colour: FloatArray,
    alpha: FloatArray,
    cover: FloatArray,
    specular: float,
    roughness: float,
    lights: Lights,
    shadow: ShadowMap,
    out: FloatArray,
    covered: FloatArray,
) -> None:
    """Blend a rasterised mesh with vertex colours and opacity over `out` where it is before the head.

    Used for lashes and accessories. Where it is opaque it also enters `head_depth`. Highlights are
    added, even where it is clear, so that lenses reflect. `cover` (H, W) scales the opacity.
    `covered` (H, W) gathers the opacity of everything that was blended.
    """
    height, width = head_depth.shape
    for row in range(height):
        for column in range(width):
            t = buffer.triangle[row, column]
            if t < 0 or buffer.depth[row, column] <= head_depth[row, column]:
                continue
            wi, wj = buffer.weights[row, column, 0], buffer.weights[row, column, 1]
            wk = 1.0 - wi - wj
            i, j, k = triangles[t, 0], triangles[t, 1], triangles[t, 2]
            nx, ny, nz = unit(*corners(normals, i, j, k, wi, wj, wk))
            if nz < 0.0:
                nx, ny, nz = -nx, -ny, -nz
            red, green, blue = corners(colour, i, j, k, wi, wj, wk)
            x, y, z = corners(points, i, j, k, wi, wj, wk)
            key = lights.directions[0]
            key_facing = nx * key[0] + ny * key[1] + nz * key[2]
            lit = lit_by_key(shadow, x, y, z, key_facing, (column * 5 + row * 3) & 7)
            opacity = (alpha[i] * wi + alpha[j] * wj + alpha[k] * wk) * cover[row, column]
            up = 0.5 + 0.5 * ny
            for channel in range(3):
                light = lights.sky[channel] * up + lights.ground[channel] * (1.0 - up)
                shine = 0.0
                for n in range(lights.directions.shape[0]):
                    towards = lights.directions[n]
                    lx, ly, lz = towards[0], towards[1], towards[2]
                    colour_here = lights.colours[n, channel] * (lit if n == 0 else 1.0)
                    light += colour_here * max(0.0, nx * lx + ny * ly + nz * lz)
                    reflected = highlight(nx, ny, nz, 0.0, 0.0, 1.0, lx, ly, lz, roughness)
                    shine += colour_here * min(_GLARE, np.pi * specular * reflected)
                base = red if channel == 0 else green if channel == 1 else blue
                behind = out[row, column, channel] * (1.0 - opacity)
                out[row, column, channel] = behind + base * light * opacity + shine * max(opacity, 0.3)
            covered[row, column] += (1.0 - covered[row, column]) * opacity
            if opacity > 0.5:
                head_depth[row, column] = buffer.depth[row, column]
