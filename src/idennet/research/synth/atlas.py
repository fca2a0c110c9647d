"""Maps between the face tile's texels and the face model's rest positions: the ground to paint on.

All painting happens in rest coordinates (centimetres), so that shapes keep their size and follow the skin
when an expression moves it.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from idennet.research.synth.appearance import TEXTURE_SIZE, FloatArray
from idennet.research.synth.facemodel import FaceModel
from idennet.research.synth.pixels import blurred, looked_up, resized

Box = tuple[slice, slice]

PLANE_STEP = 0.05
"""Spacing in cm of the grid that maps rest (x, y) of the front of the face to texels."""
PLANE_LEFT, PLANE_TOP = -9.5, 12.5
_PLANE_SHAPE = (580, 380)  # rows, columns: y from 12.5 down to -16.5, x from -9.5 to 9.5


@dataclass(frozen=True, eq=False)
class SkinAtlas:
    """The face tile of a face model, texel by texel (T = `TEXTURE_SIZE`).

    Attributes:
        position: (T, T, 3) rest position of each texel in cm; texels outside the tile repeat the nearest.
        tangents: (T, T, 2, 3) change of the position per texel column and per row.
        plane: (rows, columns, 2) texel (column, row) of the front surface at rest (x, y).
        landmarks: (68, 3) rest positions of the landmarks.
        landmark_texels: (68, 2) texel (column, row) of the landmarks.
        vertex_texels: (F, 2) texel (column, row) of the vertices of the part "face".
    """

    position: FloatArray
    tangents: FloatArray
    plane: FloatArray
    landmarks: FloatArray
    landmark_texels: FloatArray
    vertex_texels: FloatArray

    @property
    def x(self) -> FloatArray:
        """(T, T) rest x, positive at the subject's left."""
        return self.position[..., 0]

    @property
    def y(self) -> FloatArray:
        """(T, T) rest y, upwards."""
        return self.position[..., 1]

    @property
    def z(self) -> FloatArray:
        """(T, T) rest z, towards the viewer."""
        return self.position[..., 2]

    def texels(self, points: npt.ArrayLike) -> FloatArray:
        """Return (N, 2) texel (column, row) of rest points (N, 2) in x and y, on the front of the face."""
        xy = np.asarray(points, np.float32).reshape(-1, 2)
        columns = (xy[:, 0] - PLANE_LEFT) / PLANE_STEP
        rows = (PLANE_TOP - xy[:, 1]) / PLANE_STEP
        return looked_up(self.plane, columns, rows)

    def at_vertices(self, texture: FloatArray) -> FloatArray:
        """Return (F,) the values of a texture (T, T) at the vertices of the part "face"."""
        columns, rows = self.vertex_texels.T
        return looked_up(texture, columns, rows)

    def box(self, points: npt.ArrayLike, margin: float) -> Box:
        """Return the texel rectangle round rest points (N, 2), widened by a margin in cm."""
        texels = self.texels(points)
        pad = margin / 0.06  # a texel is 0.06 to 0.08 cm wide
        low = np.clip(np.floor(texels.min(0) - pad), 0, TEXTURE_SIZE - 1).astype(int)
        high = np.clip(np.ceil(texels.max(0) + pad) + 1, 1, TEXTURE_SIZE).astype(int)
        return slice(low[1], high[1]), slice(low[0], high[0])

    def bump(self, x: float, y: float, width: float, height: float) -> FloatArray:
        """Return (T, T) a Gaussian of height 1 at rest (x, y) on the front of the face; sizes in cm."""
        out = np.zeros((TEXTURE_SIZE, TEXTURE_SIZE), np.float32)
        reach = 2.6 * max(width, height)
        corners = [
            (x - reach, y - reach),
            (x + reach, y - reach),
            (x - reach, y + reach),
            (x + reach, y + reach),
        ]
        box = self.box(corners, 0.3)
        out[box] = np.exp(-(((self.x[box] - x) / width) ** 2) - ((self.y[box] - y) / height) ** 2)
        out[box] *= self.z[box] > 1.5
        return out

    def gradient(self, height: FloatArray, box: Box) -> FloatArray:
        """Return (h, w, 3) the surface gradient, as an object-space vector, of a height map (h, w) in cm."""
        per_column, per_row = np.gradient(height, axis=1), np.gradient(height, axis=0)
        along, down = self.tangents[box][..., 0, :], self.tangents[box][..., 1, :]
        e, f, g = (along**2).sum(-1) + 1e-5, (along * down).sum(-1), (down**2).sum(-1) + 1e-5
        determinant = np.maximum(e * g - f * f, 1e-8)
        a = (g * per_column - f * per_row) / determinant
        b = (e * per_row - f * per_column) / determinant
        return np.clip(along * a[..., None] + down * b[..., None], -1.2, 1.2).astype(np.float32)

    def polygon(self, texels: FloatArray, blur: float) -> FloatArray:
        """Return (T, T) a filled polygon with soft edges, 0 to 1, from its corners in texels (N, 2)."""
        mask = np.zeros((TEXTURE_SIZE * 4, TEXTURE_SIZE * 4), np.uint8)
        cv2.fillPoly(mask, [np.round((texels + 0.5) * 4).astype(np.int32)], 255)
        return blurred(resized(mask, (TEXTURE_SIZE, TEXTURE_SIZE)) / 255, blur)


_latest: list[tuple[FaceModel, SkinAtlas]] = []


def atlas_of(model: FaceModel) -> SkinAtlas:
    """Return the atlas of a face model; that of the latest model is kept, since making one takes 0.5 s."""
    if not _latest or _latest[0][0] is not model:
        _latest[:] = [(model, _make_atlas(model))]
    return _latest[0][1]


def _make_atlas(model: FaceModel) -> SkinAtlas:
    face = model.of_material("M_Face")
    corners = model.base[model.triangles[face]]
    texels = model.uv[model.triangle_uv[face]] * (TEXTURE_SIZE, -TEXTURE_SIZE) + (-0.5, TEXTURE_SIZE - 0.5)
    position = _splat(texels, corners, (TEXTURE_SIZE, TEXTURE_SIZE), corners[..., 2])
    position = blurred(position, 0.8)  # evens out the samples' offsets within a texel
    along = blurred(np.gradient(position, axis=1), 1)
    down = blurred(np.gradient(position, axis=0), 1)
    on_plane = (corners[..., :2] - (PLANE_LEFT, PLANE_TOP)) / (PLANE_STEP, -PLANE_STEP)
    front = corners[..., 2].mean(1) > 1.5
    plane = _splat(on_plane[front], texels[front], _PLANE_SHAPE, corners[front][..., 2])
    vertex_texels = np.zeros((len(model.base), 2), np.float32)
    vertex_texels[model.triangles[face].ravel()] = texels.reshape(-1, 2)
    return SkinAtlas(
        position=position,
        tangents=np.stack([along, down], axis=2).astype(np.float32),
        plane=blurred(plane, 1.0),
        landmarks=model.base[model.landmarks],
        landmark_texels=vertex_texels[model.landmarks],
        vertex_texels=vertex_texels[model.parts["face"]],
    )


def _splat(
    places: np.ndarray, values: np.ndarray, shape: tuple[int, int], depth: np.ndarray, steps: int = 14
) -> FloatArray:
    """Spread corner values (F, 3, C) over a grid; nearer samples win, holes get the nearest value."""
    a, b = (grid.ravel() for grid in np.meshgrid(np.arange(steps + 1), np.arange(steps + 1)))
    inside = a + b <= steps
    weights = np.stack([a[inside], b[inside], steps - a[inside] - b[inside]], 1).astype(np.float32) / steps
    place = np.einsum("sk,fkc->fsc", weights, places.astype(np.float32)).reshape(-1, 2)
    value = np.einsum("sk,fkc->fsc", weights, values.astype(np.float32)).reshape(-1, values.shape[-1])
    near = np.einsum("sk,fk->fs", weights, depth.astype(np.float32)).ravel()
    column, row = np.round(place).astype(np.int64).T
    kept = (column >= 0) & (column < shape[1]) & (row >= 0) & (row < shape[0])
    order = np.argsort(near[kept], kind="stable")
    out = np.zeros((*shape, values.shape[-1]), np.float32)
    known = np.zeros(shape, bool)
    out[row[kept][order], column[kept][order]] = value[kept][order]
    known[row[kept], column[kept]] = True
    _, labels = cv2.distanceTransformWithLabels(
        (~known).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    rows_of_label = np.zeros((labels.max() + 1, values.shape[-1]), np.float32)
    rows_of_label[labels[known]] = out[known]
    return rows_of_label[labels]


def noise(generator: np.random.Generator, scale: float, size: int = TEXTURE_SIZE) -> FloatArray:
    """Return (size, size) smooth noise of about unit variance with details of `scale` texels."""
    cells = max(2, round(size / scale))
    grid = generator.standard_normal((cells, cells), dtype=np.float32)
    return resized(grid, (size, size))


def smooth_curve(points: npt.ArrayLike, steps: int = 6) -> FloatArray:
    """Return a Catmull-Rom curve ((N - 1) * steps + 1, D) through points (N, D)."""
    given = np.asarray(points, np.float32)
    p = np.vstack([2 * given[0] - given[1], given, 2 * given[-1] - given[-2]])
    t = np.linspace(0, 1, steps, endpoint=False, dtype=np.float32)[None, :, None]
    p0, p1, p2, p3 = (p[k : len(given) - 1 + k, None] for k in range(4))
    curve = 0.5 * (
        2 * p1 + (p2 - p0) * t + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2 + (3 * p1 - p0 - 3 * p2 + p3) * t**3
    )
    return np.vstack([curve.reshape(-1, given.shape[1]), given[-1:]]).astype(np.float32)
