"""From a subject, an expression and a scene to a labelled picture.

A frame is drawn larger than it is delivered: shapes, pose, depth buffer, shadow map, ambient occlusion,
shading, hair layers and accessories, then the sensor. The same arguments and generator state give the
same picture on one machine.
"""

from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from idennet.research.synth import shading
from idennet.research.synth.appearance import Appearance, FloatArray, Mesh
from idennet.research.synth.atlas import smooth_curve
from idennet.research.synth.coverings import put_on
from idennet.research.synth.expression import (
    Expression,
    blendshape_weights,
    visible_occurrences,
    wrinkle_weights,
)
from idennet.research.synth.eyeballs import sink_eyeballs, turn_eyeballs
from idennet.research.synth.facemodel import FaceModel
from idennet.research.synth.framing import TEMPLATE_FRAME, View, view_of
from idennet.research.synth.layers import blend_hair, blend_worn, soften_strands
from idennet.research.synth.occlusion import OCCLUSION_OFFSETS, ambient_occlusion
from idennet.research.synth.raster import SurfaceBuffer, add_shapes, clear, rasterise, vertex_normals
from idennet.research.synth.scene import Scene
from idennet.research.synth.sensor import develop
from idennet.research.synth.shadow import SHADOW_SIZE, ShadowMap, draw_shadow_map
from idennet.research.synth.visibility import visible_parts

VERSION = 5
"""Counts changes of the pictures or labels that equal arguments give; corpora of two versions do not mix.

5: brows as low as people's, which the Action Units move as far as people do; fuller lips; wide and narrow
eyes; darker, brighter and flatter pictures.
4: sides of Action Units and hidden parts are told; dark glasses, masks, scarves, hats, hands and cups that
hide a part; winks, one-sided smiles and brows.
3: lip lines from faint to dark, thinner lips, shaded eyes, heavier lids and the lashes of shut ones; smiles
from curved to straight with more of the upper teeth; lips count as parted when a pixel of the mouth shows;
faint Action Units and closed eyes respond earlier; combinations closer to those of photographs.
"""

_UPPER_LID, _LOWER_LID = (42, 43, 44, 45), (42, 47, 46, 45)  # landmarks of the left eye
_LASH_RGB = (0.012, 0.009, 0.008)
_INVISIBLE = ("M_EyeBlend", "M_EyeOcclusion", "M_LacrimalFluid", "M_IrisLeft", "M_IrisRight", "M_EyeLashes")
_NO_SHADOW = ("M_Teeth", "M_GumsTongue", "M_ScleraLeft", "M_ScleraRight")
_KINDS = {
    "M_Face": shading.SKIN,
    "M_ScleraLeft": shading.LEFT_EYE,
    "M_ScleraRight": shading.RIGHT_EYE,
    "M_Teeth": shading.TEETH,
    "M_GumsTongue": shading.GUMS,
}


@dataclass(frozen=True)
class Frame:
    """A labelled picture (S = frame size).

    Attributes:
        image: (S, S, 3) uint8 RGB.
        landmarks: (68, 2) exact pixel positions (x, y), also of points that the head hides; the centre of
            the first pixel is (0, 0).
        yaw: Degrees, as in `Camera`.
        pitch: Degrees, as in `Camera`.
        roll: Degrees, as in `Camera`.
        intensities: Of all 22 Action Units, 0 to 1.
        occurrences: Of all 22 Action Units: 1, 0, or -1 for a trace.
        sides: Intensity on the subject's left and right of each Action Unit of `facs.SIDED_AUS`; NaN where
            it cannot be told.
        visible: For each of `facs.PARTS` 1 (seen), 0 (hidden) or -1 (partly covered).
        lip_gap: Opening of the lips beyond the neutral face's, cm.
    """

    image: npt.NDArray[np.uint8]
    landmarks: FloatArray
    yaw: float
    pitch: float
    roll: float
    intensities: dict[int, float]
    occurrences: dict[int, int]
    sides: dict[int, tuple[float, float]]
    visible: dict[str, int]
    lip_gap: float


class Renderer:
    """Draws frames of one size; holds the buffers, so that one instance serves one thread.

    Args:
        model: The face model.
        frame_size: Side of the delivered square picture in pixels.
        supersample: Side of the drawn picture over that of the delivered one.
    """

    def __init__(self, model: FaceModel, frame_size: int = TEMPLATE_FRAME, supersample: float = 1.6) -> None:
        self.model = model
        self.frame_size = frame_size
        self._size = 2 * round(frame_size * supersample / 2)  # even, for ambient occlusion at half resolution
        drawn = ~model.of_material(*_INVISIBLE)
        self._triangles = np.ascontiguousarray(model.triangles[drawn])
        self._triangle_uv = np.ascontiguousarray(model.triangle_uv[drawn])
        self._kind = np.full(len(self._triangles), shading.MATTE, np.int32)
        for name, kind in _KINDS.items():
            self._kind[model.of_material(name)[drawn]] = kind
        self._casting = np.ascontiguousarray(model.triangles[drawn & ~model.of_material(*_NO_SHADOW)])
        self._mouth_light = _mouth_light(model)
        self._lash_alpha = _lash_opacity(model)
        lashes = model.triangles[model.of_material("M_EyeLashes")] - model.parts["lashes"].start
        # Only the upper lashes: those of closed lids would hide behind the faint lower ones.
        self._lashes = np.ascontiguousarray(lashes[(self._lash_alpha[lashes] > 0).any(axis=1)])
        self._eye_centres = model.eye_centres()
        self._buffer = SurfaceBuffer.empty(self._size)
        self._worn_buffer = SurfaceBuffer.empty(self._size)
        self._cover = np.ones((self._size, self._size), np.float32)
        self._covered = np.zeros((self._size, self._size), np.float32)
        self._shadow_buffer = SurfaceBuffer.empty(SHADOW_SIZE)
        self._openness = np.ones((self._size // 2, self._size // 2), np.float32)
        self._vertices = np.empty_like(model.base)
        self._normals = np.empty_like(model.base)

    def render(
        self, appearance: Appearance, expression: Expression, scene: Scene, generator: np.random.Generator
    ) -> Frame:
        """Draw one picture and say what is in it.

        Args:
            appearance: The subject.
            expression: What the face does.
            scene: Camera, light, background, occluders, sensor.
            generator: Source of the sensor's noise; nothing else is random here.
        """
        weights = blendshape_weights(expression, self.model, appearance)
        labels = visible_occurrences(expression, weights, self.model, appearance)
        view = view_of(scene.camera, appearance.vertices[self.model.landmarks], self._size)
        add_shapes(appearance.vertices, self.model.expression, weights, self._vertices)
        turn_eyeballs(self._vertices, expression.gaze, self.model)
        posed = view.to_camera(self._vertices)
        screen = view.to_screen(posed)
        landmarks = screen[self.model.landmarks, :2] * (self.frame_size / self._size) - 0.5
        sink_eyeballs(screen, posed, weights, view.distance, self.model)
        light = self._draw(appearance, expression, scene, view, posed, screen)
        picture, face = self._reduce(light, scene)
        image = develop(picture, face, scene.effects, generator)
        camera = scene.camera
        return Frame(
            image, landmarks, camera.yaw, camera.pitch, camera.roll,
            labels.intensities, labels.occurrences, labels.sides,
            visible_parts(landmarks, self._cover_of(scene)), labels.lip_gap,
        )  # fmt: skip

    def _draw(
        self,
        appearance: Appearance,
        expression: Expression,
        scene: Scene,
        view: View,
        posed: FloatArray,
        screen: FloatArray,
    ) -> FloatArray:
        """Return the (size, size, 3) light of everything but the occluders."""
        lights = shading.lights_of(scene.lighting)
        light = self._background(scene)
        if appearance.hair_behind is not None:
            blend_hair(appearance.hair_behind, view, lights, light)
        vertex_normals(posed, self._triangles, self._normals)
        clear(self._buffer)
        rasterise(screen, self._triangles, False, self._buffer)
        pixels_per_cm = view.focal / view.distance
        ambient_occlusion(self._buffer, pixels_per_cm, OCCLUSION_OFFSETS, self._openness)
        openness = _resized(cv2.blur(self._openness, (3, 3)), self._size, cv2.INTER_LINEAR)
        surface = shading.Surface(
            posed, self._normals, self.model.base,
            self._triangles, self._triangle_uv, self.model.uv, self._kind,
            appearance.albedo, _relief(appearance, expression), appearance.vertex_albedo, self._cavity(),
            view.rotation, self._eye_centres,
        )  # fmt: skip
        finish = shading.Finish(
            appearance.iris_rgb, appearance.sclera_rgb, float(appearance.iris_radius),
            float(appearance.pupil_radius), float(appearance.skin_oil), float(appearance.skin_roughness),
        )  # fmt: skip
        things = (
            put_on(self.model, scene.covering, appearance, self._vertices)
            if scene.covering
            else appearance.worn
        )
        worn = [_posed(mesh, view) for mesh in things]
        shadow = draw_shadow_map(
            self._shadow_buffer, posed, self._casting, worn, lights.directions[0], scene.lighting.key_softness
        )
        shading.shade(self._buffer, surface, finish, lights, shadow, openness, view.distance, light)
        self._blend_lashes(appearance, posed, screen, lights, shadow, light)
        self._covered[:] = 0.0  # lashes hide nothing
        for mesh in worn:
            self._blend_posed(mesh, view.to_screen(mesh.vertices), lights, shadow, light)
        return light

    def _cavity(self) -> FloatArray:
        """Return the (V,) share of light that the parts of the mouth get through the parted lips."""
        heights = self._vertices[self.model.landmarks, 1]
        gap = float((heights[[61, 62, 63]] - heights[[67, 66, 65]]).max())
        return np.where(self._mouth_light < 1, self._mouth_light * np.float32(np.clip(gap / 0.4, 0.1, 1)), 1)

    def _background(self, scene: Scene) -> FloatArray:
        if scene.background is None:
            return np.full((self._size, self._size, 3), scene.background_rgb, np.float32)
        return _resized(scene.background, self._size, cv2.INTER_LINEAR)

    def _blend_lashes(
        self,
        appearance: Appearance,
        posed: FloatArray,
        screen: FloatArray,
        lights: shading.Lights,
        shadow: ShadowMap,
        light: FloatArray,
    ) -> None:
        part = self.model.parts["lashes"]
        mesh = Mesh(
            posed[part],
            self._lashes,
            np.tile(np.array(_LASH_RGB, np.float32), (part.stop - part.start, 1)),
            np.minimum(self._lash_alpha * np.float32(appearance.lash_density), 1),
            specular=0.0,
        )
        before = screen[part] * np.array((1, 1, 1.003), np.float32)  # lashes lie on the lids, not in them
        self._blend_posed(mesh, before, lights, shadow, light)

    def _blend_posed(
        self,
        mesh: Mesh,
        screen: FloatArray,
        lights: shading.Lights,
        shadow: ShadowMap,
        light: FloatArray,
    ) -> None:
        """Blend a mesh whose vertices are in camera space."""
        normals = np.empty_like(mesh.vertices)
        vertex_normals(mesh.vertices, mesh.triangles, normals)
        clear(self._worn_buffer)
        rasterise(screen, mesh.triangles, True, self._worn_buffer)
        self._cover[:] = 1.0
        if mesh.strands:
            soften_strands(self._worn_buffer, self._cover)
        blend_worn(
            self._worn_buffer, self._buffer.depth,
            mesh.vertices, mesh.triangles, normals, mesh.colour, mesh.alpha, self._cover,
            float(mesh.specular), float(mesh.roughness), lights, shadow, light,
            self._covered,
        )  # fmt: skip

    def _cover_of(self, scene: Scene) -> FloatArray:
        """Return the (S, S) opacity of everything that the last picture has before the face."""
        cover = _resized(self._covered, self.frame_size, cv2.INTER_AREA)
        for layer in scene.occluders:
            cover += (1 - cover) * layer[..., 3]
        return cover

    def _reduce(self, light: FloatArray, scene: Scene) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
        """Return the picture in its delivered size with its occluders, and the pixels of the face."""
        picture = _resized(light, self.frame_size, cv2.INTER_AREA)
        skin = (self._buffer.triangle >= 0) & (self._kind[self._buffer.triangle] == shading.SKIN)
        face = _resized(skin.astype(np.float32), self.frame_size, cv2.INTER_NEAREST) > 0.5
        for layer in scene.occluders:
            picture += (layer[..., :3] - picture) * layer[..., 3:]
            face &= layer[..., 3] < 0.5
        return picture, face


def _resized(picture: npt.NDArray[Any], size: int, interpolation: int) -> FloatArray:
    """Return a square float32 picture in another size."""
    return np.asarray(cv2.resize(picture, (size, size), interpolation=interpolation), np.float32)


def _mouth_light(model: FaceModel) -> FloatArray:
    """Return the (V,) share of light that reaches a point: less, the deeper it lies in the mouth."""
    light = np.ones(len(model.base), np.float32)
    for part in ("mouth", "gums", "teeth"):
        depth = (model.base[model.parts[part], 2] - 6.0) / 5.4
        light[model.parts[part]] = np.clip(depth, 0.02, 1.0) ** 1.8
    return light


def _lash_opacity(model: FaceModel) -> FloatArray:
    """Return the (V,) opacity of the lashes: above 1 at the upper lid, 0 at the tips; the lower have none."""
    lashes, marks = model.base[model.parts["lashes"]], model.base[model.landmarks]
    folded = np.column_stack([np.abs(lashes[:, 0]), lashes[:, 1:]])
    upper, lower = (
        np.linalg.norm(folded[:, None] - smooth_curve(marks[list(lid)], 8), axis=2).min(axis=1)
        for lid in (_UPPER_LID, _LOWER_LID)
    )
    return np.where(upper < lower, np.clip(1.6 - upper / 0.6, 0, 1.2), 0).astype(np.float32)


def _posed(mesh: Mesh, view: View) -> Mesh:
    """Return a mesh in camera space."""
    return replace(mesh, vertices=view.to_camera(mesh.vertices))


def _relief(appearance: Appearance, expression: Expression) -> FloatArray:
    """Return the (T, T, 4) relief of the skin under an expression; no wrinkle gets deeper than 1.3."""
    relief = appearance.relief.copy()
    depths = wrinkle_weights(expression) * appearance.wrinkle_gain
    for patch, depth, static in zip(appearance.wrinkles, depths, appearance.wrinkle_static, strict=True):
        if depth > 0.02:
            height, width, _ = patch.relief.shape
            rows, columns = slice(patch.top, patch.top + height), slice(patch.left, patch.left + width)
            relief[rows, columns] += patch.relief * np.float32(min(depth, 1.3 - static))
    return relief
