"""The deferred shader: what a visible surface point looks like under the lights, in linear RGB.

Skin is wrapped diffuse light (more in red, for light that wanders under the skin) with a GGX highlight;
relief textures bend the normal and darken grooves; eyes are painted by radius; the mouth darkens inwards.
"""

from typing import NamedTuple

import numpy as np

from idennet.research.synth.appearance import FloatArray, IntArray
from idennet.research.synth.raster import SurfaceBuffer, njit
from idennet.research.synth.scene import Lighting
from idennet.research.synth.shadow import ShadowMap, lit_by_key

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


def lights_of(lighting: Lighting) -> Lights:
    """Return a scene's lights as arrays, the key light first."""

    def towards(azimuth: float, elevation: float) -> list[float]:
        a, e = np.radians([azimuth, elevation])
        return [np.sin(a) * np.cos(e), np.sin(e), np.cos(a) * np.cos(e)]

    directions = [
        towards(lighting.key_azimuth, lighting.key_elevation),
        towards(lighting.fill_azimuth, 10.0),
        towards(lighting.rim_azimuth, 20.0),
    ]
    colours = [lighting.key_rgb, lighting.fill_rgb, lighting.rim_rgb]
    return Lights(
        np.array(directions, np.float32),
        np.array(colours, np.float32),
        np.array(lighting.sky_rgb, np.float32),
        np.array(lighting.ground_rgb, np.float32),
    )


@njit(cache=True, fastmath=True)
def corners(
    values: FloatArray, i: int, j: int, k: int, wi: float, wj: float, wk: float
) -> tuple[float, float, float]:
    """Interpolate a vertex attribute in a triangle."""
    return (
        values[i, 0] * wi + values[j, 0] * wj + values[k, 0] * wk,
        values[i, 1] * wi + values[j, 1] * wj + values[k, 1] * wk,
        values[i, 2] * wi + values[j, 2] * wj + values[k, 2] * wk,
    )


@njit(cache=True, fastmath=True)
def unit(x: float, y: float, z: float) -> tuple[float, float, float]:
    """Return a vector of length 1."""
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
    x, y, _ = corners(surface.rest, i, j, k, wi, wj, wk)
    x, y = x - surface.eye_centres[eye, 0], y - surface.eye_centres[eye, 1]
    radius = np.sqrt(x * x + y * y)
    shade = 0.92 - 0.5 * min(1.0, max(0.0, y + 0.1)) - 0.25 * min(1.0, abs(x))
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
    hx, hy, hz = unit(lx + vx, ly + vy, lz + vz)
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
            nx, ny, nz = corners(surface.normals, i, j, k, wi, wj, wk)
            x, y, z = corners(surface.points, i, j, k, wi, wj, wk)
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
                red, green, blue = corners(surface.vertex_albedo, i, j, k, wi, wj, wk)
                groove = surface.cavity[i] * wi + surface.cavity[j] * wj + surface.cavity[k] * wk
                if kind != MATTE:
                    gloss, roughness = 0.6 * groove, 0.22
            nx, ny, nz = unit(nx, ny, nz)
            vx, vy, vz = unit(-x, -y, distance - z)
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
                lit = lit_by_key(shadow, x, y, z, facing, (column * 5 + row * 3) & 7) if light == 0 else 1.0
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
                    shine = min(shine, 1.5)  # glints of wet eyes stay small when the picture is reduced
                    total_red += colour[0] * shine
                    total_green += colour[1] * shine
                    total_blue += colour[2] * shine
            out[row, column, 0] = total_red
            out[row, column, 1] = total_green
            out[row, column, 2] = total_blue
