"""Drawing scenes from a corpus's ranges: what stays during a sequence, and what moves from frame to frame."""

from dataclasses import replace

import numpy as np

from idennet.research.synth.appearance import FloatArray
from idennet.research.synth.backdrop import sample_backdrop
from idennet.research.synth.corpora import Cameras, CorpusConfig, Lights, Range, Views
from idennet.research.synth.coverings import COVERINGS
from idennet.research.synth.occluders import occluder, sample_occluder
from idennet.research.synth.scene import Camera, CameraEffects, Covering, Lighting, Rgb, Scene

MAX_YAW = 45.0
MAX_PITCH = 25.0
MAX_ROLL = 25.0


def sample_scenes(config: CorpusConfig, generator: np.random.Generator, frames: int) -> list[Scene]:
    """Return the scenes of one sequence: one light, place and camera, a slowly moving head.

    Args:
        config: The corpus.
        generator: Source of all randomness; equal generators give equal scenes.
        frames: Length of the sequence.
    """
    around = config.surroundings
    spread = 1 + around.wall_spread * generator.uniform(-1, 1, 3)
    lighting = _lighting(config.lights, generator)
    background = None
    if generator.random() < around.scenery:
        background = sample_backdrop(generator, config.frame_size)
    effects = _effects(config.cameras, generator)
    red, green, blue = (float(v) for v in np.array(around.wall) * spread)
    scenes = []
    for camera in _cameras(config.views, generator, frames):
        occluded = generator.random() < around.occlusion
        covering: Covering | None = None
        layers: tuple[FloatArray, ...] = ()
        if occluded:
            layers = (sample_occluder(generator, config.frame_size),)
        if generator.random() < around.hidden:
            covering, layers = _hiding(generator, config.frame_size)
        scenes.append(
            Scene(
                camera=camera,
                lighting=lighting,
                background=background,
                background_rgb=(red, green, blue),
                occluders=layers,
                covering=covering,
                effects=_shaken(effects, config.cameras, generator),
            )
        )
    return scenes


HIDING = {
    "sunglasses": 0.34, "mask": 0.17, "scarf": 0.07, "cap": 0.08, "beanie": 0.06, "fringe": 0.06,
    "hand over mouth": 0.10, "cup": 0.07, "microphone at mouth": 0.05,
}  # fmt: skip
"""How often each covering or occluder hides a part of the face, of those that do."""


def _hiding(generator: np.random.Generator, size: int) -> tuple[Covering | None, tuple[FloatArray, ...]]:
    """Return something that hides eyes, brows or mouth: a covering or the layers of an occluder."""
    kind = list(HIDING)[generator.choice(len(HIDING), p=list(HIDING.values()))]
    if kind in COVERINGS:
        return Covering(kind, int(generator.integers(2**32))), ()
    return None, (occluder(generator, size, kind),)


def _cameras(views: Views, generator: np.random.Generator, frames: int) -> list[Camera]:
    yaw = generator.normal(0, views.yaw)
    if generator.random() < views.profile:
        yaw = generator.choice((-1, 1)) * generator.uniform(25, MAX_YAW)
    middle = (yaw, generator.normal(0, views.pitch), generator.normal(0, views.roll))
    limits = (MAX_YAW, MAX_PITCH, MAX_ROLL)
    yaws, pitches, rolls = (
        np.clip(mean + _drift(generator, frames, 0.5 * deviation), -limit, limit)
        for mean, deviation, limit in zip(middle, (views.yaw, views.pitch, views.roll), limits, strict=True)
    )
    near, far = np.log(views.distance)
    distance, zoom = float(np.exp(generator.uniform(near, far))), _within(generator, views.zoom)
    x, y = generator.normal(0, views.shift, 2)
    xs, ys = (mean + _drift(generator, frames, 0.3 * views.shift) for mean in (x, y))
    return [
        Camera(
            distance, float(yaws[k]), float(pitches[k]), float(rolls[k]), zoom, (float(xs[k]), float(ys[k]))
        )
        for k in range(frames)
    ]


def _drift(generator: np.random.Generator, frames: int, amplitude: float) -> np.ndarray:
    """Return a slow movement about zero, one value a frame; a single picture does not move."""
    if frames == 1:
        return np.zeros(1)
    time = np.arange(frames) / 24
    rates, phases = generator.uniform((0.3, 0.8), (0.7, 1.6)), generator.random(2)
    slow, quick = np.sin(2 * np.pi * (rates[:, None] * time + phases[:, None]))
    return amplitude * (0.8 * slow + 0.3 * quick)


def _lighting(lights: Lights, generator: np.random.Generator) -> Lighting:
    side = generator.choice((-1.0, 1.0))
    key_azimuth = side * _within(generator, lights.key_azimuth)
    ambient, ambient_warmth = _within(generator, lights.ambient), _within(generator, lights.ambient_warmth)
    rim = generator.uniform(0.3, 1.5) if generator.random() < lights.rim else 0.0
    return Lighting(
        key_azimuth=key_azimuth,
        key_elevation=_within(generator, lights.key_elevation),
        key_rgb=_tone(_within(generator, lights.key), _within(generator, lights.key_warmth)),
        key_softness=_within(generator, lights.softness),
        fill_azimuth=float(-side * generator.uniform(20, 70)),
        fill_rgb=_tone(_within(generator, lights.fill), ambient_warmth),
        rim_azimuth=float(-side * generator.uniform(110, 160)),
        rim_rgb=_tone(float(rim), _within(generator, lights.key_warmth)),
        sky_rgb=_tone(ambient, ambient_warmth),
        ground_rgb=_tone(ambient * float(generator.uniform(0.4, 0.8)), ambient_warmth + 0.1),
    )


def _tone(strength: float, warmth: float) -> Rgb:
    """Return the colour of a light, from bluish (warmth -1) to yellowish (1)."""
    return strength * (1 + 0.22 * warmth), strength, strength * (1 - 0.42 * warmth)


def _effects(cameras: Cameras, generator: np.random.Generator) -> CameraEffects:
    def happens(probability: float) -> bool:
        return bool(generator.random() < probability)

    # Cameras err between blue and yellow more than between green and purple.
    spread = cameras.white_balance * np.array((1.0, 0.4, 1.0))
    red, green, blue = (float(v) for v in np.exp(generator.normal(0, spread)))
    return CameraEffects(
        vignette=float(generator.uniform(0, 0.3)),
        white_balance=(red, green, blue),
        exposure=float(generator.normal(-0.4 * cameras.exposure, cameras.exposure)),
        blur=float(generator.uniform(0.4, 1.2)) if happens(cameras.blur) else 0.0,
        resolution=float(generator.uniform(0.38, 0.85)) if happens(cameras.low_resolution) else 1.0,
        noise=_within(generator, cameras.noise),
        contrast=float(np.exp(generator.normal(0.5, 0.08 + 0.3 * cameras.exposure))),
        haze=float(generator.uniform(0.15, 0.6)) if happens(cameras.haze) else 0.0,
        grey=happens(cameras.grey),
        jpeg_quality=int(generator.integers(30, 91)) if happens(cameras.compression) else None,
    )


def _shaken(effects: CameraEffects, cameras: Cameras, generator: np.random.Generator) -> CameraEffects:
    if generator.random() >= cameras.motion:
        return effects
    length, angle = generator.uniform(1.0, 3.5), generator.uniform(0, 180)
    return replace(effects, motion_length=float(length), motion_angle=float(angle))


def _within(generator: np.random.Generator, limits: Range) -> float:
    return float(generator.uniform(*limits))
