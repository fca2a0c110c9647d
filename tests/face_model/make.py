"""Makes `small_face.npz`, the face model of the tests, from the one of `idennet synth import-face-model`.

`python tests/face_model/make.py ict_facekit.npz`: edges collapse onto one of their ends (Garland and
Heckbert, SIGGRAPH 1997), so every vertex that stays has its place, its shapes and its texture coordinates
from the whole model. Lids, lips and landmarks stay densest. Only what the renderer draws is kept.
"""

import heapq
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np

from idennet.research.synth.facemodel import FaceModel, load_face_model
from idennet.research.synth.traits import SHAPE_MODES

VERTICES = {
    ("face", "head"): 700, ("mouth",): 70, ("sockets",): 40, ("gums",): 40, ("teeth",): 300,
    ("eye_L",): 70, ("eye_R",): 70, ("lashes",): 130,
}  # fmt: skip
"""How many vertices of the parts stay, in the model's order; none of those parts that no picture shows."""

STEP = 1 / 64
"""Shapes are rounded to this many centimetres, which makes them small on disk; those of landmarks are not."""

UNSEEN = ("M_EyeBlend", "M_EyeOcclusion", "M_LacrimalFluid", "M_IrisLeft", "M_IrisRight")
Corner = tuple[int, int]
"""A vertex and its texture coordinates."""


class Mesh:
    """Triangles of corners, which lose one vertex after another."""

    def __init__(
        self, places: np.ndarray, corners: np.ndarray, importance: np.ndarray, fixed: set[int]
    ) -> None:
        self.places, self.importance, self.fixed = places, importance, fixed
        self.triangles: dict[int, list[Corner]] = {
            number: [(int(v), int(t)) for v, t in triangle] for number, triangle in enumerate(corners)
        }
        self.around: dict[int, set[int]] = defaultdict(set)
        for number, triangle in self.triangles.items():
            for vertex, _ in triangle:
                self.around[vertex].add(number)
        self.quadrics: dict[int, np.ndarray] = {vertex: np.zeros((4, 4)) for vertex in self.around}
        for triangle in self.triangles.values():
            self._add_planes(triangle)
        self.age = dict.fromkeys(self.around, 0)

    def _add_planes(self, triangle: list[Corner]) -> None:
        """Add the triangle's plane to its vertices, and upright planes along edges of the mesh or texture."""
        names = [vertex for vertex, _ in triangle]
        a, b, c = self.places[names]
        normal = np.cross(b - a, c - a)
        area = np.linalg.norm(normal)
        if area == 0:
            return
        normal = normal / area
        for vertex in names:
            self._add_plane(vertex, normal, a, area)
        for first, second in zip(triangle, triangle[1:] + triangle[:1], strict=True):
            if len(self._sharing(first, second)) == 1:
                along = self.places[second[0]] - self.places[first[0]]
                upright = np.cross(along, normal)
                for vertex in (first[0], second[0]):
                    self._add_plane(vertex, upright / np.linalg.norm(upright), self.places[vertex], area * 10)

    def _add_plane(self, vertex: int, normal: np.ndarray, point: np.ndarray, weight: float) -> None:
        plane = np.append(normal, -normal @ point)
        self.quadrics[vertex] += weight * self.importance[vertex] * np.outer(plane, plane)

    def _sharing(self, first: Corner, second: Corner) -> list[int]:
        both = self.around[first[0]] & self.around[second[0]]
        return [n for n in both if first in self.triangles[n] and second in self.triangles[n]]

    def neighbours(self, vertex: int) -> set[int]:
        return {name for n in self.around[vertex] for name, _ in self.triangles[n]} - {vertex}

    def cost(self, gone: int, kept: int) -> float:
        place = np.append(self.places[kept], 1)
        length = float(((self.places[gone] - self.places[kept]) ** 2).sum())
        return float(place @ (self.quadrics[gone] + self.quadrics[kept]) @ place) + 1e-5 * length

    def collapse(self, gone: int, kept: int) -> bool:
        """Let one vertex become another; return False where that would tear or fold the mesh."""
        shared = self.around[gone] & self.around[kept]
        moved = self.around[gone] - shared
        if len(shared) > 2 or len(self.neighbours(gone) & self.neighbours(kept)) != len(shared):
            return False
        if self._is_border(gone) and not (len(shared) == 1 and self._is_border(kept)):
            return False
        texture: dict[int, int] = {}
        for number in shared:
            named = dict(self.triangles[number])
            if texture.setdefault(named[gone], named[kept]) != named[kept]:
                return False
        changed = {}
        for number in moved:
            old = self.triangles[number]
            if any(vertex == gone and coordinate not in texture for vertex, coordinate in old):
                return False
            new = [(kept, texture[t]) if v == gone else (v, t) for v, t in old]
            if self._normal(old) @ self._normal(new) <= 0.2:
                return False
            changed[number] = new
        for number in shared:
            for vertex, _ in self.triangles.pop(number):
                self.around[vertex].discard(number)
        self.triangles |= changed
        self.around[kept] |= moved
        del self.around[gone]
        self.quadrics[kept] += self.quadrics.pop(gone)
        return True

    def _is_border(self, vertex: int) -> bool:
        counts: dict[int, int] = defaultdict(int)
        for number in self.around[vertex]:
            for name, _ in self.triangles[number]:
                counts[name] += name != vertex
        return any(count == 1 for count in counts.values())

    def _normal(self, triangle: list[Corner]) -> np.ndarray:
        a, b, c = self.places[[vertex for vertex, _ in triangle]]
        normal = np.cross(b - a, c - a)
        return normal / max(float(np.linalg.norm(normal)), 1e-12)

    def reduce(self, vertices: int) -> None:
        """Collapse the cheapest edges until so many vertices are left, or none can go."""
        queue: list[tuple[float, int, int, int]] = []

        def offer(gone: int, kept: int) -> None:
            if gone not in self.fixed:
                age = self.age[gone] + self.age[kept]
                heapq.heappush(queue, (self.cost(gone, kept), gone, kept, age))

        for gone in self.around:
            for kept in self.neighbours(gone):
                offer(gone, kept)
        while queue and len(self.around) > vertices:
            _, gone, kept, age = heapq.heappop(queue)
            if gone not in self.around or kept not in self.around or age != self.age[gone] + self.age[kept]:
                continue
            if not self.collapse(gone, kept):
                continue
            self.age[kept] += 1
            for vertex in self.neighbours(kept):
                offer(kept, vertex)
                offer(vertex, kept)


def importance(model: FaceModel) -> np.ndarray:
    """Return (V,) how much errors at a vertex count: most at the lids and lips, least behind the ears."""
    marks = model.base[model.landmarks[36:]]
    distance = np.min([np.linalg.norm(model.base - mark, axis=1) for mark in marks], axis=0)
    return 0.05 + (model.base[:, 2] > 2) + 30 * np.exp(-((distance / 0.8) ** 2))


def small_face(model: FaceModel) -> dict[str, np.ndarray]:
    """Return the fields of the small model's file."""
    weights = importance(model)
    fixed = set(map(int, model.landmarks))
    seen = ~model.of_material(*UNSEEN)
    corners, materials, kept = [], [], []
    for parts, count in VERTICES.items():
        start, stop = model.parts[parts[0]].start, model.parts[parts[-1]].stop
        inside = (model.triangles >= start) & (model.triangles < stop)
        chosen = np.flatnonzero(inside.all(axis=1) & seen)
        mesh = Mesh(
            model.base.astype(float),
            np.stack([model.triangles[chosen], model.triangle_uv[chosen]], axis=2),
            weights,
            fixed & set(range(start, stop)),
        )
        mesh.reduce(count)
        corners += mesh.triangles.values()
        materials += [model.triangle_material[chosen[number]] for number in mesh.triangles]
        kept += sorted(mesh.around)
        print(*parts, len(mesh.around), "vertices,", len(mesh.triangles), "triangles")
    numbers = np.array(corners)
    names, triangles = np.unique(numbers[..., 0], return_inverse=True)
    assert names.tolist() == kept
    texels, triangle_uv = np.unique(numbers[..., 1], return_inverse=True)

    marks = np.searchsorted(names, model.landmarks)

    def rounded(shapes: np.ndarray) -> np.ndarray:
        small = np.round(shapes[:, kept] / STEP) * STEP
        small[:, marks] = shapes[:, model.landmarks]
        return small.astype(np.float16)

    sizes = [sum(v in range(p.start, p.stop) for v in kept) for p in model.parts.values()]
    return {
        "base": np.round(model.base[kept], 3),
        "identity": rounded(model.identity[:SHAPE_MODES]),
        "expression": rounded(model.expression),
        "expression_names": np.array(model.expression_names),
        "tri": triangles.reshape(-1, 3).astype(np.uint16),
        "tri_uv": triangle_uv.reshape(-1, 3).astype(np.uint16),
        "uv": np.round(model.uv[texels], 4),
        "tri_material": np.array(materials, np.uint8),
        "materials": np.array(model.materials),
        "landmarks68": marks.astype(np.int32),
        "part_sizes": np.array(sizes),
    }


if __name__ == "__main__":
    out = Path(__file__).with_name("small_face.npz")
    np.savez_compressed(out, **small_face(load_face_model(Path(sys.argv[1]))))
    print(out, out.stat().st_size, "bytes")
