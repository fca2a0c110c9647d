"""Several rendered people before one backdrop: the picture of the demo, free of anybody's rights."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from idennet.research.synth.appearance import FloatArray
from idennet.research.synth.backdrop import backdrop
from idennet.research.synth.build import build_appearance
from idennet.research.synth.expression import Expression
from idennet.research.synth.facemodel import FaceModel, load_face_model
from idennet.research.synth.identity import sample_traits
from idennet.research.synth.renderer import Renderer
from idennet.research.synth.scene import Camera, CameraEffects, Lighting, Rgb, Scene

WIDTH, HEIGHT = 900, 500
_FRAME = 512  # side of a person's picture; with this zoom it holds head and shoulders
_ZOOM = 0.66
_GAMMA = 2.2
_LIGHT = Lighting(key_azimuth=-35, key_elevation=35, key_softness=0.7, sky_rgb=(0.45, 0.45, 0.48))
_WALL: Rgb = (0.12, 0.12, 0.12)  # dark enough for the camera to be nearly linear


@dataclass(frozen=True)
class Person:
    """One person of the group.

    Attributes:
        seed: Who it is.
        place: (x, y) of the point between the eyes in pixels.
        expression: What the face does.
        camera: Pose of the head.
    """

    seed: int
    place: tuple[int, int]
    expression: Expression
    camera: Camera


GROUP: tuple[Person, ...] = (
    Person(
        2, (770, 225), Expression({1: 0.9, 2: 0.9, 5: 0.8, 25: 0.8, 26: 0.9}), Camera(110, -9, zoom=_ZOOM)
    ),
    Person(1, (130, 246), Expression({6: 0.7, 12: 0.9, 25: 0.8}), Camera(110, 8, roll=3, zoom=_ZOOM)),
    Person(3, (340, 228), Expression(), Camera(110, 3, zoom=_ZOOM)),
    Person(4, (560, 256), Expression({4: 1.0, 7: 0.6, 23: 0.5}), Camera(110, -4, roll=-3, zoom=_ZOOM)),
)
"""The people of the demo, from back to front."""


def group_photo(out: Path, face_model: Path | None = None, people: tuple[Person, ...] = GROUP) -> Path:
    """Render people side by side into a JPEG of 900 x 500 pixels and return its path.

    Args:
        out: The JPEG to write.
        face_model: NPZ of the face model; by default the one that `IDENNET_FACE_MODEL` names.
        people: Who is in the picture, from back to front.

    Raises:
        InputError: There is no face model.
    """
    model = load_face_model(face_model)
    light = np.clip(0.6 * backdrop(np.random.default_rng(2), WIDTH, "leaves")[:HEIGHT], 0, 1)
    for person in people:
        _add(light, person, *_cut_out(model, person))
    tone = np.clip(light, 0, 1) ** (1 / _GAMMA)
    tone = 0.4 * tone + 0.6 * tone**2 * (3 - 2 * tone)  # the contrast of a photograph
    picture = 255 * tone + np.random.default_rng(0).normal(0, 1.5, light.shape)
    pixels = np.clip(picture, 0, 255).round().astype(np.uint8)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes())
    return out


def _cut_out(model: FaceModel, person: Person) -> tuple[FloatArray, FloatArray]:
    """Return a person's light (S, S, 3) and the share of the background that shows through (S, S, 1).

    The renderer gives no opacity; two pictures that differ in the background alone tell it.
    """
    traits = sample_traits(np.random.default_rng(person.seed), headwear_probability=0.0)
    appearance, renderer = build_appearance(model, traits), Renderer(model, _FRAME)

    def before(wall: Rgb) -> FloatArray:
        effects = CameraEffects(noise=0.0)
        scene = Scene(person.camera, _LIGHT, background_rgb=wall, effects=effects)
        image = renderer.render(appearance, person.expression, scene, np.random.default_rng(0)).image
        return ((image / 255) ** _GAMMA).astype(np.float32)

    dark, bright = before((0.0, 0.0, 0.0)), before(_WALL)
    corner = np.median(bright[:20, :20])  # nothing but wall
    through = ((bright - dark) / corner).mean(axis=2, keepdims=True)
    return dark, np.clip(through, 0, 1)


def _add(light: FloatArray, person: Person, own: FloatArray, through: FloatArray) -> None:
    """Lay a person over the picture, in place; what reaches beyond its edges is cut off."""
    left, top = person.place[0] - _FRAME // 2, person.place[1] - round(0.375 * _FRAME)
    x, y = max(left, 0), max(top, 0)
    region = light[y : top + _FRAME, x : left + _FRAME]
    rows, columns = (slice(y - top, y - top + region.shape[0]), slice(x - left, x - left + region.shape[1]))
    region *= through[rows, columns]
    region += own[rows, columns]
