"""The deferred shader: what a visible surface point looks like under the lights, in linear RGB.

Skin is wrapped diffuse light (more in red, for light that wanders under the skin) with a GGX highlight;
relief textures bend the normal and darken grooves; eyes are painted by radius; the mouth darkens inwards.
"""

from typing import NamedTuple

import numpy as np

from idennet.synth.appearance import FloatArray, IntArray
from idennet.synth.raster import SurfaceBuffer, njit

SKIN, MATTE, LEFT_EYE, RIGHT_EYE, TEETH, GUMS = range(6)
"""Kinds of surface, one for each triangle."""


class Surface(NamedTuple):
    """The posed mesh and what it is made of (V vertices, T triangles, X the side of the textures).

    Attributes:
        points: (V, 3) in camera space, cm.
        normals: (V, 3) in camera space.
        rest: (V, 3) of the mean face, where the eyes are painted.
        triangles: (T, 3) vertex indices.
        triangle_uv: (T, 3) indices into `uv`.
        uv: (U, 2) texture coordinates.
        kind: (T,) `SKIN` to `GUMS`.
        albedo: (X, X, 3) of the skin.
        relief: (X, X, 4) gradient and height of the skin, face model space.
        vertex_albedo: (V, 3) of all other kinds.
        cavity: (V,) light that reaches a point of the mouth's inside, 1 outside of the mouth.
        rotation: (3, 3) from face model space to camera space.
        eye_centres: (2, 3) left and right, mean face.
    """

    points: FloatArray
    normals: FloatArray
    rest: FloatArray
    triangles: IntArray
    triangle_uv: IntArray
    uv: FloatArray
    kind: IntArray
    albedo: FloatArray
    relief: FloatArray
    vertex_albedo: FloatArray
    cavity: FloatArray
    rotation: FloatArray
    eye_centres: FloatArray


class Finish(NamedTuple):
    """A subject's optical numbers; see `Appearance`."""

    iris_rgb: FloatArray
    sclera_rgb: FloatArray
    iris_radius: float
    pupil_radius: float
    skin_oil: float
    skin_roughness: float


class Lights(NamedTuple):
    """Light in camera space (L directional lights; the first one casts shadows).

    Attributes:
        directions: (L, 3) unit vectors towards the lights.
        colours: (L, 3).
        sky: (3,) ambient light from above.
        ground: (3,) ambient light from below.
    """

    directions: FloatArray
    colours: FloatArray
    sky: FloatArray
    ground: FloatArray


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


SHADOW_OFFSET = 100.0
"""Added to distances along the light so that nearness in the shadow map is positive."""


def shadow_taps(softness: float) -> IntArray:
    """Return the filter of a shadow map: (8, 12, 2) offsets on discs that grow with `softness` (0 to 1)."""
    radius = 1.0 + 4.0 * softness
    turn = np.arange(12) * 2.39996 + np.arange(8)[:, None] * 0.785  # the golden angle spreads the taps
    length = radius * np.sqrt((np.arange(12) + 0.5) / 12)
    return np.rint(np.stack([np.cos(turn) * length, np.sin(turn) * length], axis=-1)).astype(np.int32)


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


@njit(cache=True, fastmath=True)
def _corners(
    values: FloatArray, i: int, j: int, k: int, wi: float, wj: float, wk: float
) -> tuple[float, float, float]:
    """Interpolate a vertex attribute in a triangle."""
    return (
        values[i, 0] * wi + values[j, 0] * wj + values[k, 0] * wk,
        values[i, 1] * wi + values[j, 1] * wj + values[k, 1] * wk,
        values[i, 2] * wi + values[j, 2] * wj + values[k, 2] * wk,
    )


@njit(cache=True, fastmath=True)
def _unit(x: float, y: float, z: float) -> tuple[float, float, float]:
    scale = 1.0 / np.sqrt(x * x + y * y + z * z + 1e-12)
    return x * scale, y * scale, z * scale


@njit(cache=True, fastmath=True)
def _texel(texture: FloatArray, row: int, column: int, down: float, right: float, channel: int) -> float:
    """Interpolate one channel between four texels."""
    above = texture[row, column, channel] * (1.0 - right) + texture[row, column + 1, channel] * right
    below = texture[row + 1, column, channel] * (1.0 - right) + texture[row + 1, column + 1, channel] * right
    return above * (1.0 - down) + below * down


@njit(cache=True, fastmath=True)
def _skin(
    surface: Surface, t: int, wi: float, wj: float, wk: float
) -> tuple[float, float, float, float, float, float, float]:
    """Colour (3), bend of the normal in camera space (3), openness of grooves."""
    size = surface.albedo.shape[0]
    uv = surface.uv
    i, j, k = surface.triangle_uv[t, 0], surface.triangle_uv[t, 1], surface.triangle_uv[t, 2]
    u = (uv[i, 0] * wi + uv[j, 0] * wj + uv[k, 0] * wk) * size - 0.5
    v = (1.0 - (uv[i, 1] * wi + uv[j, 1] * wj + uv[k, 1] * wk)) * size - 0.5
    u, v = min(max(u, 0.0), size - 1.001), min(max(v, 0.0), size - 1.001)
    row, column = int(v), int(u)
    down, right = v - row, u - column
    relief = surface.relief
    gx = _texel(relief, row, column, down, right, 0)
    gy = _texel(relief, row, column, down, right, 1)
    gz = _texel(relief, row, column, down, right, 2)
    groove = min(1.0, max(0.0, -9.0 * _texel(relief, row, column, down, right, 3)))
    turn = surface.rotation
    red = 1.0 - 0.18 * groove  # grooves are redder, not only darker
    return (
        _texel(surface.albedo, row, column, down, right, 0),
        _texel(surface.albedo, row, column, down, right, 1) * red,
        _texel(surface.albedo, row, column, down, right, 2) * red,
        turn[0, 0] * gx + turn[0, 1] * gy + turn[0, 2] * gz,
        turn[1, 0] * gx + turn[1, 1] * gy + turn[1, 2] * gz,
        turn[2, 0] * gx + turn[2, 1] * gy + turn[2, 2] * gz,
        1.0 - 0.55 * groove,
    )


@njit(cache=True, fastmath=True)
def _eye(
    surface: Surface, finish: Finish, eye: int, i: int, j: int, k: int, wi: float, wj: float, wk: float
) -> tuple[float, float, float]:
    """Colour of the eyeball, painted by the distance from its axis on the mean face."""
    x, y, _ = _corners(surface.rest, i, j, k, wi, wj, wk)
    x, y = x - surface.eye_centres[eye, 0], y - surface.eye_centres[eye, 1]
    radius = np.sqrt(x * x + y * y)
    shade = 0.85 - 0.35 * min(1.0, max(0.0, y + 0.1)) - 0.2 * min(1.0, abs(x))
    if radius >= finish.iris_radius:
        pink = min(1.0, max(0.0, (radius - finish.iris_radius) / 0.6))
        white = finish.sclera_rgb
        return white[0] * shade, white[1] * shade * (1 - 0.1 * pink), white[2] * shade * (1 - 0.12 * pink)
    if radius < finish.pupil_radius:
        return 0.004, 0.004, 0.004
    angle = np.arctan2(y, x)
    ratio = radius / finish.iris_radius
    fibre = (0.8 + 0.3 * np.sin(angle * 17) * np.sin(angle * 7 + 1)) * (0.7 + 0.5 * ratio)
    limbus = 1.0 - 0.75 * max(0.0, (ratio - 0.82) / 0.18)
    tint = fibre * limbus * shade
    return finish.iris_rgb[0] * tint, finish.iris_rgb[1] * tint, finish.iris_rgb[2] * tint


@njit(cache=True, fastmath=True)
def _lit_by_key(shadow: ShadowMap, x: float, y: float, z: float, facing: float, seed: int) -> float:
    """Share of the key light that reaches a point of camera space."""
    depth, axes, scale, taps = shadow
    size = depth.shape[0]
    u = int((axes[0, 0] * x + axes[0, 1] * y + axes[0, 2] * z) * scale + size * 0.5)
    v = int(size * 0.5 - (axes[1, 0] * x + axes[1, 1] * y + axes[1, 2] * z) * scale)
    near = axes[2, 0] * x + axes[2, 1] * y + axes[2, 2] * z + SHADOW_OFFSET
    near += 0.25 + 0.7 * (1.0 - max(facing, 0.0))  # surfaces along the light must not shade themselves
    lit = 0
    for k in range(taps.shape[1]):
        dx, dy = taps[seed, k, 0], taps[seed, k, 1]
        inside = 0 <= u + dx < size and 0 <= v + dy < size
        if not inside or depth[v + dy, u + dx] <= near + 0.12 * (abs(dx) + abs(dy)):
            lit += 1
    return lit / taps.shape[1]


@njit(cache=True, fastmath=True)
def highlight(
    nx: float, ny: float, nz: float,
    vx: float, vy: float, vz: float,
    lx: float, ly: float, lz: float,
    roughness: float,
) -> float:  # fmt: skip
    """Return the GGX highlight (Walter et al., 2007) of a dielectric, the cosine of the light included."""
    facing = nx * lx + ny * ly + nz * lz
    if facing <= 0.0:
        return 0.0
    hx, hy, hz = _unit(lx + vx, ly + vy, lz + vz)
    nh = max(0.0, nx * hx + ny * hy + nz * hz)
    vh = max(0.0, vx * hx + vy * hy + vz * hz)
    nv = max(0.15, nx * vx + ny * vy + nz * vz)  # no glare at the silhouette
    alpha = roughness**4
    spread = nh * nh * (alpha - 1.0) + 1.0
    fresnel = 0.028 + 0.972 * (1.0 - vh) ** 5
    k = (roughness + 1.0) ** 2 / 8.0
    masking = (nv * (1.0 - k) + k) * (facing * (1.0 - k) + k)
    return min(6.0, alpha / (np.pi * spread * spread) * fresnel / (4.0 * masking)) * facing


@njit(cache=True, fastmath=True)
def shade(
    buffer: SurfaceBuffer,
    surface: Surface,
    finish: Finish,
    lights: Lights,
    shadow: ShadowMap,
    openness: FloatArray,
    distance: float,
    out: FloatArray,
) -> None:
    """Write the colour of every covered pixel to `out`.

    Args:
        buffer: The rasterised surface, (H, W).
        surface: What was rasterised.
        finish: Optical numbers of the subject.
        lights: Directional and ambient light.
        shadow: Shadow map of the first light.
        openness: (H, W) of `ambient_occlusion`.
        distance: From the lens to the origin of camera space, cm.
        out: (H, W, 3) linear RGB; pixels without a surface stay as they are.
    """
    height, width = buffer.depth.shape
    for row in range(height):
        for column in range(width):
            t = buffer.triangle[row, column]
            if t < 0:
                continue
            wi, wj = buffer.weights[row, column, 0], buffer.weights[row, column, 1]
            wk = 1.0 - wi - wj
            i, j, k = surface.triangles[t, 0], surface.triangles[t, 1], surface.triangles[t, 2]
            nx, ny, nz = _corners(surface.normals, i, j, k, wi, wj, wk)
            x, y, z = _corners(surface.points, i, j, k, wi, wj, wk)
            kind = surface.kind[t]
            groove, gloss, roughness, scatter = 1.0, 0.12, 0.5, 1.0
            if kind == SKIN:
                red, green, blue, bx, by, bz, groove = _skin(surface, t, wi, wj, wk)
                nx, ny, nz = nx - bx, ny - by, nz - bz
                gloss, roughness = 0.45 * finish.skin_oil, finish.skin_roughness
            elif kind in (LEFT_EYE, RIGHT_EYE):
                red, green, blue = _eye(surface, finish, kind - LEFT_EYE, i, j, k, wi, wj, wk)
                gloss, roughness, scatter = 1.6, 0.14, 0.4
            else:
                red, green, blue = _corners(surface.vertex_albedo, i, j, k, wi, wj, wk)
                groove = surface.cavity[i] * wi + surface.cavity[j] * wj + surface.cavity[k] * wk
                if kind != MATTE:
                    gloss, roughness = 0.6 * groove, 0.22
            nx, ny, nz = _unit(nx, ny, nz)
            vx, vy, vz = _unit(-x, -y, distance - z)
            visible = openness[row, column] * groove
            up = 0.5 + 0.5 * ny
            ground, sky = lights.ground, lights.sky
            # Light that bounces inside of folds is reddened: red keeps a little when green and blue go dark.
            total_red = red * (sky[0] * up + ground[0] * (1.0 - up)) * (visible * 0.85 + 0.15 * groove)
            total_green = green * (sky[1] * up + ground[1] * (1.0 - up)) * visible
            total_blue = blue * (sky[2] * up + ground[2] * (1.0 - up)) * visible
            exposed = (0.45 + 0.55 * openness[row, column]) * groove
            for light in range(lights.directions.shape[0]):
                lx, ly, lz = (
                    lights.directions[light, 0],
                    lights.directions[light, 1],
                    lights.directions[light, 2],
                )
                facing = nx * lx + ny * ly + nz * lz
                if facing < -0.35:
                    continue
                lit = _lit_by_key(shadow, x, y, z, facing, (column * 5 + row * 3) & 7) if light == 0 else 1.0
                if lit == 0.0 and scatter < 1.0:
                    continue
                wrap_red, wrap_green, wrap_blue = 0.35 * scatter, 0.15 * scatter, 0.10 * scatter
                colour = lights.colours[light]
                reach = 0.94 * lit + 0.06 * scatter
                total_red += (
                    red * colour[0] * max(0.0, (facing + wrap_red) / (1 + wrap_red)) * reach * exposed
                )
                total_green += (
                    green * colour[1] * max(0.0, (facing + wrap_green) / (1 + wrap_green)) * lit * exposed
                )
                total_blue += (
                    blue * colour[2] * max(0.0, (facing + wrap_blue) / (1 + wrap_blue)) * lit * exposed
                )
                shine = np.pi * gloss * visible * lit
                if shine > 0.0:
                    shine *= highlight(nx, ny, nz, vx, vy, vz, lx, ly, lz, roughness)
                    total_red += colour[0] * shine
                    total_green += colour[1] * shine
                    total_blue += colour[2] * shine
            out[row, column, 0] = total_red
            out[row, column, 1] = total_green
            out[row, column, 2] = total_blue


@njit(cache=True, fastmath=True)
def blend_worn(
    buffer: SurfaceBuffer,
    head_depth: FloatArray,
    points: FloatArray,
    triangles: IntArray,
    normals: FloatArray,
    colour: FloatArray,
    alpha: FloatArray,
    specular: float,
    roughness: float,
    lights: Lights,
    shadow: ShadowMap,
    out: FloatArray,
) -> None:
    """Blend a rasterised mesh with vertex colours and opacity over `out` where it is before the head.

    Used for lashes and accessories. Where it is opaque it also enters `head_depth`. Highlights are
    added, even where it is clear, so that lenses reflect.
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
            nx, ny, nz = _unit(*_corners(normals, i, j, k, wi, wj, wk))
            if nz < 0.0:
                nx, ny, nz = -nx, -ny, -nz
            red, green, blue = _corners(colour, i, j, k, wi, wj, wk)
            x, y, z = _corners(points, i, j, k, wi, wj, wk)
            key = lights.directions[0]
            key_facing = nx * key[0] + ny * key[1] + nz * key[2]
            lit = _lit_by_key(shadow, x, y, z, key_facing, (column * 5 + row * 3) & 7)
            opacity = alpha[i] * wi + alpha[j] * wj + alpha[k] * wk
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
                    shine += np.pi * specular * colour_here * reflected
                base = red if channel == 0 else green if channel == 1 else blue
                behind = out[row, column, channel] * (1.0 - opacity)
                out[row, column, channel] = behind + base * light * opacity + shine * max(opacity, 0.3)
            if opacity > 0.5:
                head_depth[row, column] = buffer.depth[row, column]
