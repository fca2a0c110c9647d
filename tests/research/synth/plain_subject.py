"""A subject with one skin colour and no hair, for tests of the renderer alone."""

import numpy as np

from idennet.research.synth.appearance import STYLE_SIZE, TEXTURE_SIZE, WRINKLES, Appearance, WrinklePatch
from idennet.research.synth.facemodel import FaceModel


def plain_subject(model: FaceModel, seed: int) -> Appearance:
    """Return a subject whose shape depends on the seed; seed 0 is the mean face."""
    generator = np.random.default_rng(seed)
    modes = np.clip(0.9 * generator.standard_normal(len(model.identity)), -2, 2) * (seed > 0)
    vertices = model.base + np.tensordot(modes.astype(np.float32), model.identity, 1)
    vertex_albedo = np.tile(np.array([0.5, 0.32, 0.25], np.float32), (len(vertices), 1))
    vertex_albedo[model.parts["mouth"]] = (0.22, 0.05, 0.045)
    vertex_albedo[model.parts["gums"]] = (0.42, 0.12, 0.11)
    vertex_albedo[model.parts["teeth"]] = (0.72, 0.66, 0.55)
    empty = np.zeros((2, 2, 4), np.float32)
    return Appearance(
        vertices=vertices.astype(np.float32),
        albedo=np.full((TEXTURE_SIZE, TEXTURE_SIZE, 3), (0.5, 0.32, 0.25), np.float32),
        vertex_albedo=vertex_albedo,
        relief=np.zeros((TEXTURE_SIZE, TEXTURE_SIZE, 4), np.float32),
        wrinkles=tuple(WrinklePatch(name, 0, 0, empty) for name in WRINKLES),
        wrinkle_static=np.zeros(len(WRINKLES), np.float32),
        wrinkle_gain=0.7,
        iris_rgb=np.array([0.1, 0.16, 0.25], np.float32),
        sclera_rgb=np.array([0.56, 0.5, 0.47], np.float32),
        iris_radius=0.64,
        pupil_radius=0.25,
        skin_oil=0.6,
        skin_roughness=0.4,
        lid_droop=0.05,
        lash_density=0.5,
        style=np.zeros(STYLE_SIZE, np.float32),
    )
