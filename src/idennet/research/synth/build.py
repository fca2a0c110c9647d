"""From a subject's traits to what the renderer draws."""

import numpy as np

from idennet.research.synth.accessories import glasses_meshes, headwear_mesh
from idennet.research.synth.appearance import Appearance, FloatArray
from idennet.research.synth.atlas import atlas_of, noise
from idennet.research.synth.facemodel import FaceModel
from idennet.research.synth.facial_hair import beard_density, paint_beard, paint_brows
from idennet.research.synth.raster import add_shapes
from idennet.research.synth.scalp import (
    hair_behind,
    hair_volume,
    locks,
    paint_scalp,
    scalp_colour,
    unit_normals,
)
from idennet.research.synth.skin import paint_skin, skin_rgb
from idennet.research.synth.traits import SHAPE_MODES, Traits
from idennet.research.synth.wrinkles import resting_relief, wrinkle_patches

# Expression shapes (without side) that make up a resting face.
_RESTING_SHAPES = {
    "brow_low": "browDown",
    "brow_outer_up": "browOuterUp",
    "brow_inner_up": "browInnerUp",
    "mouth_frown": "mouthFrown",
    "mouth_smile": "mouthSmile",
    "lips_pressed": "mouthPress",
    "upper_lip_up": "mouthUpperUp",
    "cheek_squint": "cheekSquint",
    "chin_up": "mouthShrugLower",
}

_PART_COLOURS = {"mouth": (0.22, 0.05, 0.045), "sockets": (0.45, 0.20, 0.17), "gums": (0.42, 0.12, 0.11)}
_TEETH = np.array((0.72, 0.66, 0.55), np.float32)
_LIP_ROLL, _LIPS_OF_MODEL = 0.5, 0.5  # full lips roll outwards; the model's own are thin
_SIDE_SHAPES = {"_L": 1.0, "_R": -1.0}


def build_appearance(model: FaceModel, traits: Traits) -> Appearance:
    """Return the geometry, textures and worn things of a subject; equal traits give equal arrays."""
    atlas = atlas_of(model)
    # One stream for each maker: a change in one leaves the others as they were.
    skin_noise, wrinkle_noise, brow_noise, beard_noise, scalp_noise, lock_noise = (
        np.random.default_rng(child) for child in np.random.SeedSequence(traits.seed).spawn(6)
    )
    patches = wrinkle_patches(atlas, wrinkle_noise)
    relief = resting_relief(atlas, wrinkle_noise, patches, traits.wrinkle_static, traits.age)
    albedo = paint_skin(atlas, traits, skin_noise)
    beard = beard_density(atlas, traits, beard_noise)
    paint_beard(atlas, traits, beard_noise, albedo, beard)
    paint_brows(atlas, traits, brow_noise, albedo)
    paint_scalp(atlas, traits, scalp_noise, albedo)

    vertices = _neutral_mesh(model, traits)
    normals = unit_normals(vertices, model.triangles)
    lift = hair_volume(model, traits)
    if traits.beard.kind == "full":
        lift[model.parts["face"]] += 0.5 * traits.beard.length * atlas.at_vertices(beard)
        whole = (slice(0, len(beard)), slice(0, len(beard)))
        tufts = 0.05 * beard * (noise(beard_noise, 3) + noise(beard_noise, 1.5))
        relief[..., :3] += atlas.gradient(tufts.astype(np.float32), whole)
    vertices += lift[:, None] * normals
    return Appearance(
        vertices=vertices,
        albedo=np.clip(albedo, 0.003, 0.95).astype(np.float32),
        vertex_albedo=_vertex_albedo(model, traits, scalp_noise),
        relief=relief,
        wrinkles=patches,
        wrinkle_static=np.array(traits.wrinkle_static, np.float32),
        wrinkle_gain=traits.wrinkle_gain,
        iris_rgb=np.array(traits.eyes.iris, np.float32),
        sclera_rgb=np.array(traits.eyes.sclera, np.float32),
        iris_radius=traits.eyes.iris_radius,
        pupil_radius=traits.eyes.pupil_radius,
        skin_oil=traits.skin.oil,
        skin_roughness=traits.skin.roughness,
        lid_droop=traits.eyes.lid_droop,
        lash_density=traits.eyes.lashes,
        style=np.array(traits.style, np.float32),
        hair_behind=hair_behind(traits, lock_noise),
        hair=locks(model, traits, vertices, normals, lock_noise),
        headwear=headwear_mesh(model, traits, vertices, normals),
        glasses=glasses_meshes(traits.glasses, vertices[model.landmarks]) if traits.glasses else (),
    )


def _neutral_mesh(model: FaceModel, traits: Traits) -> FloatArray:
    """Return (V, 3) the subject's face at rest: identity modes and the resting expression."""
    vertices = np.empty_like(model.base)
    add_shapes(model.base, model.identity[:SHAPE_MODES], np.array(traits.shape, np.float32), vertices)
    roll = np.float32(_LIP_ROLL * (_LIPS_OF_MODEL - traits.lip_fullness))
    for shape in ("mouthRollUpper", "mouthRollLower"):
        vertices += roll * model.expression[model.expression_index(shape)]
    for field, shape in _RESTING_SHAPES.items():
        weight = getattr(traits.resting, field)
        if weight == 0:
            continue
        if shape in model.expression_names:
            vertices += np.float32(weight) * model.expression[model.expression_index(shape)]
            continue
        for suffix, side in _SIDE_SHAPES.items():
            share = np.float32(weight * (1 + side * traits.resting.asymmetry))
            vertices += share * model.expression[model.expression_index(shape + suffix)]
    return vertices


def _vertex_albedo(model: FaceModel, traits: Traits, generator: np.random.Generator) -> FloatArray:
    """Return (V, 3) the colour of all parts beside the face tile."""
    skin = skin_rgb(traits.skin.melanin, traits.skin.hemoglobin)
    colour = np.tile(skin, (len(model.base), 1)).astype(np.float32)
    colour[: model.parts["head"].stop] = scalp_colour(model, traits, skin, generator)
    for part, rgb in _PART_COLOURS.items():
        colour[model.parts[part]] = rgb
    colour[model.parts["teeth"]] = _TEETH * traits.teeth
    for part in ("eye_L", "eye_R"):
        colour[model.parts[part]] = traits.eyes.sclera
    return colour
