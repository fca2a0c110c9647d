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

from idennet.synth import shading
from idennet.synth.appearance import Appearance, FloatArray, HairLayer, Mesh
from idennet.synth.expression import Expression, blendshape_weights, visible_occurrences, wrinkle_weights
from idennet.synth.facemodel import NUM_VERTICES, PARTS, SCLERA_VERTICES, FaceModel
from idennet.synth.raster import (
    SurfaceBuffer,
    add_shapes,
    clear,
    project,
    rasterise,
    rotate_about,
    vertex_normals,
)
from idennet.synth.scene import Camera, Lighting, Scene
from idennet.synth.sensor import develop

TEMPLATE_FRAME = 160
"""Frame size at which the eyes of a frontal face lie at `TEMPLATE_EYES`."""

TEMPLATE_EYES = ((60.0, 60.0), (100.0, 60.0))
"""Centres of the subject's right and left eye: the alignment template and a margin of 16 pixels."""

_GAZE_REACH = np.array([30.0, 24.0])  # degrees to the side and up or down at gaze 1
_SHADOW_SIZE = 192
_OPAQUE = 0.5  # least opacity of a thing that casts a shadow
_SHADOW_EXTENT = 36.0  # cm that the shadow map covers
_EYE = np.array([3.15, 3.45, 9.0])  # middle of the left eye's slit on the mean face
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
        lip_gap: Opening of the lips beyond the neutral face's, cm.
    """

    image: npt.NDArray[np.uint8]
    landmarks: FloatArray
    yaw: float
    pitch: float
    roll: float
    intensities: dict[int, float]
    occurrences: dict[int, int]
    lip_gap: float


@dataclass(frozen=True)
class _View:
    """The transformation from face model space to the pixels of the supersampled picture."""

    rotation: FloatArray
    origin: FloatArray
    distance: float
    focal: float
    centre: tuple[float, float]

    def to_camera(self, points: FloatArray) -> FloatArray:
        """Return (V, 3) points in camera space."""
        posed = np.empty_like(points)
        rotate_about(points, self.rotation, self.origin, posed)
        return posed

    def to_screen(self, posed: FloatArray) -> FloatArray:
        """Return (V, 3) screen positions and nearness of points of camera space."""
        screen = np.empty_like(posed)
        project(posed, self.distance, self.focal, *self.centre, screen)
        return screen


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
        self._lashes = np.ascontiguousarray(model.triangles[model.of_material("M_EyeLashes")])
        self._mouth_light = _mouth_light(model)
        self._lash_alpha = _lash_opacity(model)
        self._eye_centres = model.eye_centres()
        self._buffer = SurfaceBuffer.empty(self._size)
        self._worn_buffer = SurfaceBuffer.empty(self._size)
        self._shadow_buffer = SurfaceBuffer.empty(_SHADOW_SIZE)
        self._openness = np.ones((self._size // 2, self._size // 2), np.float32)
        self._vertices = np.empty((NUM_VERTICES, 3), np.float32)
        self._normals = np.empty((NUM_VERTICES, 3), np.float32)

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
        view = self._view(appearance, scene.camera)
        add_shapes(appearance.vertices, self.model.expression, weights, self._vertices)
        self._turn_eyes(expression.gaze)
        posed = view.to_camera(self._vertices)
        screen = view.to_screen(posed)
        landmarks = screen[self.model.landmarks, :2] * (self.frame_size / self._size) - 0.5
        self._sink_eyes(screen, posed, weights, view.distance)
        light = self._draw(appearance, expression, scene, view, posed, screen)
        picture, face = self._reduce(light, scene)
        image = develop(picture, face, scene.effects, generator)
        camera = scene.camera
        return Frame(
            image, landmarks, camera.yaw, camera.pitch, camera.roll,
            labels.intensities, labels.occurrences, labels.lip_gap,
        )  # fmt: skip

    def _view(self, appearance: Appearance, camera: Camera) -> _View:
        """Put the point between the eyes at its place; the scale is that of the frontal neutral face."""
        landmarks = appearance.vertices[self.model.landmarks]
        right, left = landmarks[36:42].mean(axis=0), landmarks[42:48].mean(axis=0)
        (right_x, eye_y), (left_x, _) = TEMPLATE_EYES
        scale = self._size / TEMPLATE_FRAME
        between = (left_x - right_x) * scale * camera.zoom
        return _View(
            rotation=_rotation(camera),
            origin=((right + left) / 2).astype(np.float32),
            distance=camera.distance,
            focal=float(between * camera.distance / np.linalg.norm(left - right)),
            centre=(
                ((right_x + left_x) / 2 + 0.5) * scale + camera.shift[0] * self._size,
                (eye_y + 0.5) * scale + camera.shift[1] * self._size,
            ),
        )

    def _turn_eyes(self, gaze: tuple[float, float]) -> None:
        """Turn both eyeballs about their centres; the model's own shapes move only the lids."""
        about_y, about_x = np.radians(np.array(gaze) * _GAZE_REACH * (1, -1))
        across = np.array(
            [[np.cos(about_y), 0, np.sin(about_y)], [0, 1, 0], [-np.sin(about_y), 0, np.cos(about_y)]]
        )
        down = np.array(
            [[1, 0, 0], [0, np.cos(about_x), -np.sin(about_x)], [0, np.sin(about_x), np.cos(about_x)]]
        )
        turn = (across @ down).astype(np.float32)
        for side in ("eye_L", "eye_R"):
            eyeball = self._vertices[PARTS[side]]
            centre = eyeball[:SCLERA_VERTICES].mean(axis=0)
            self._vertices[PARTS[side]] = (eyeball - centre) @ turn.T + centre

    def _sink_eyes(self, screen: FloatArray, posed: FloatArray, weights: FloatArray, distance: float) -> None:
        """Draw eyeballs as if they lay deeper while lids move over them on straight lines, not on an arc."""
        for side in ("L", "R"):
            blink = weights[self.model.expression_index(f"eyeBlink_{side}")]
            squint = weights[self.model.expression_index(f"eyeSquint_{side}")]
            downcast = weights[self.model.expression_index(f"eyeLookDown_{side}")]
            closure = min(1.0, float(blink + 0.5 * squint + 0.6 * downcast))
            part = PARTS[f"eye_{side}"]
            screen[part, 2] = 1.0 / (distance - posed[part, 2] + 0.03 + 0.95 * closure**2)

    def _draw(
        self,
        appearance: Appearance,
        expression: Expression,
        scene: Scene,
        view: _View,
        posed: FloatArray,
        screen: FloatArray,
    ) -> FloatArray:
        """Return the (size, size, 3) light of everything but the occluders."""
        lights = _lights(scene.lighting)
        light = self._background(scene)
        if appearance.hair_behind is not None:
            _blend_hair(appearance.hair_behind, view, lights, light)
        vertex_normals(posed, self._triangles, self._normals)
        clear(self._buffer)
        rasterise(screen, self._triangles, False, self._buffer)
        pixels_per_cm = view.focal / view.distance
        shading.ambient_occlusion(self._buffer, pixels_per_cm, shading.OCCLUSION_OFFSETS, self._openness)
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
        worn = [_posed(mesh, view) for mesh in appearance.accessories]
        shadow = self._shadow_map(posed, worn, lights, scene.lighting.key_softness)
        shading.shade(self._buffer, surface, finish, lights, shadow, openness, view.distance, light)
        self._blend_lashes(appearance, posed, screen, lights, shadow, light)
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

    def _shadow_map(
        self, posed: FloatArray, worn: list[Mesh], lights: shading.Lights, softness: float
    ) -> shading.ShadowMap:
        """Draw the head and the opaque things on it as the key light sees them."""
        towards = lights.directions[0]
        right = np.cross(np.array([0.0, 1.0, 0.0]), towards)
        right /= np.linalg.norm(right)
        axes = np.stack([right, np.cross(towards, right), towards]).astype(np.float32)
        scale = _SHADOW_SIZE / _SHADOW_EXTENT
        stretch = np.array([scale, -scale, 1.0], np.float32)
        middle = np.array([_SHADOW_SIZE / 2, _SHADOW_SIZE / 2, shading.SHADOW_OFFSET], np.float32)

        def seen(points: FloatArray) -> FloatArray:
            return (points @ axes.T * stretch + middle).astype(np.float32)

        clear(self._shadow_buffer)
        rasterise(seen(posed), self._casting, False, self._shadow_buffer)
        for mesh in worn:
            if mesh.alpha.min() > _OPAQUE:
                rasterise(seen(mesh.vertices), mesh.triangles, True, self._shadow_buffer)
        return shading.ShadowMap(self._shadow_buffer.depth, axes, scale, shading.shadow_taps(softness))

    def _blend_lashes(
        self,
        appearance: Appearance,
        posed: FloatArray,
        screen: FloatArray,
        lights: shading.Lights,
        shadow: shading.ShadowMap,
        light: FloatArray,
    ) -> None:
        part = PARTS["lashes"]

        mesh = Mesh(
            posed[part],
            self._lashes - part.start,
            np.tile(np.array(_LASH_RGB, np.float32), (part.stop - part.start, 1)),
            self._lash_alpha * np.float32(appearance.lash_density),
            specular=0.0,
        )
        self._blend_posed(mesh, screen[part], lights, shadow, light)

    def _blend_posed(
        self,
        mesh: Mesh,
        screen: FloatArray,
        lights: shading.Lights,
        shadow: shading.ShadowMap,
        light: FloatArray,
    ) -> None:
        """Blend a mesh whose vertices are in camera space."""
        normals = np.empty_like(mesh.vertices)
        vertex_normals(mesh.vertices, mesh.triangles, normals)
        clear(self._worn_buffer)
        rasterise(screen, mesh.triangles, True, self._worn_buffer)
        shading.blend_worn(
            self._worn_buffer, self._buffer.depth,
            mesh.vertices, mesh.triangles, normals, mesh.colour, mesh.alpha,
            float(mesh.specular), float(mesh.roughness), lights, shadow, light,
        )  # fmt: skip

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
        depth = (model.base[PARTS[part], 2] - 6.0) / 5.4
        light[PARTS[part]] = np.clip(depth, 0.02, 1.0) ** 1.8
    return light


def _lash_opacity(model: FaceModel) -> FloatArray:
    """Return the (V,) opacity of the lashes: 1 at the lid, 0 at the tip; the lower ones are faint."""
    lashes, face = model.base[PARTS["lashes"]], model.base[PARTS["face"]]
    folded = np.column_stack([np.abs(face[:, 0]), face[:, 1:]])
    lids = face[np.linalg.norm(folded - _EYE, axis=1) < 3.0]
    length = np.linalg.norm(lashes[:, None] - lids, axis=2).min(axis=1)
    above = lashes[:, 1] > _EYE[1]
    return (np.clip(1.0 - length / 0.5, 0, 1) ** 1.5 * np.where(above, 1.0, 0.25)).astype(np.float32)


def _rotation(camera: Camera) -> FloatArray:
    """Return the (3, 3) rotation from face model space to camera space."""
    yaw, pitch, roll = np.radians([camera.yaw, -camera.pitch, -camera.roll])
    about_y = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
    about_z = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
    return (about_z @ about_y @ about_x).astype(np.float32)


def _lights(lighting: Lighting) -> shading.Lights:
    """Return the lights as arrays, the key light first."""

    def towards(azimuth: float, elevation: float) -> list[float]:
        a, e = np.radians([azimuth, elevation])
        return [np.sin(a) * np.cos(e), np.sin(e), np.cos(a) * np.cos(e)]

    directions = [
        towards(lighting.key_azimuth, lighting.key_elevation),
        towards(lighting.fill_azimuth, 10.0),
        towards(lighting.rim_azimuth, 20.0),
    ]
    colours = [lighting.key_rgb, lighting.fill_rgb, lighting.rim_rgb]
    return shading.Lights(
        np.array(directions, np.float32),
        np.array(colours, np.float32),
        np.array(lighting.sky_rgb, np.float32),
        np.array(lighting.ground_rgb, np.float32),
    )


def _posed(mesh: Mesh, view: _View) -> Mesh:
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


def _blend_hair(layer: HairLayer, view: _View, lights: shading.Lights, light: FloatArray) -> None:
    """Blend a flat layer that stands in the head over `light`, lit evenly by what falls on it."""
    left, right, bottom, top = layer.extent
    corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)
    points = np.column_stack([corners, np.full(4, layer.depth)]).astype(np.float32)
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
