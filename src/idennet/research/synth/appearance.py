"""What one rendered subject looks like: the contract between the makers of subjects and the renderer.

Geometry is in the face model's space: centimetres, y up, the face looks towards +z, subject's left is +x.
Colours are linear RGB (not gamma encoded) in 0 to 1. Everything here is fixed for a subject; what moves
with an expression is in `expression.py`, what belongs to a picture in `scene.py`.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int32]

TEXTURE_SIZE = 384
"""Side in texels of the face tile's textures; row 0 is v = 1."""

STYLE_SIZE = 8
"""Length of `Appearance.style`."""

WRINKLES: tuple[str, ...] = (
    "fore_in",
    "fore_out_L",
    "fore_out_R",
    "glabella",
    "crow_L",
    "crow_R",
    "bag_L",
    "bag_R",
    "nose",
    "nasolabial_L",
    "nasolabial_R",
    "sneer_L",
    "sneer_R",
    "chin",
    "marionette_L",
    "marionette_R",
    "dimple_L",
    "dimple_R",
    "lip",
)
"""Names of the wrinkles that Action Units deepen, in their order in `Appearance.wrinkles`."""


@dataclass(frozen=True)
class WrinklePatch:
    """One wrinkle as relief on a rectangle of the face tile.

    Attributes:
        name: One of `WRINKLES`.
        top: First texel row of the patch.
        left: First texel column of the patch.
        relief: (h, w, 4); the surface gradient of the height as an object-space vector (x, y, z), then the
            height in cm, grooves negative.
    """

    name: str
    top: int
    left: int
    relief: FloatArray


@dataclass(frozen=True)
class Mesh:
    """A thing worn on the head, such as the frame or the lenses of glasses; it follows the head's pose.

    Attributes:
        vertices: (V, 3) in cm, face model space.
        triangles: (T, 3) indices; both sides are visible.
        colour: (V, 3) linear RGB.
        alpha: (V,) opacity, 0 to 1.
        specular: Strength of the highlight; skin has about 0.5, glass about 3.
        roughness: 0.05 (mirror) to 1 (chalk).
        strands: Whether it is many thin strands: gaps of a pixel are closed, and the edge is soft.
    """

    vertices: FloatArray
    triangles: IntArray
    colour: FloatArray
    alpha: FloatArray
    specular: float = 0.5
    roughness: float = 0.4
    strands: bool = False


@dataclass(frozen=True)
class HairLayer:
    """Hair as a flat picture that stands in the head at one depth and follows its pose.

    Attributes:
        rgba: (h, w, 4) linear RGB and opacity, not premultiplied; row 0 is the top.
        extent: (left, right, bottom, top) in cm of the picture's edges in face model space; left is the
            edge at the left of a frontal picture, thus the smaller x.
        depth: z in cm; the head's centre is near z = -4, the forehead near z = 7.
    """

    rgba: FloatArray
    extent: tuple[float, float, float, float]
    depth: float


@dataclass(frozen=True)
class Appearance:
    """Everything the renderer needs to know of one subject (T = `TEXTURE_SIZE`, W = `len(WRINKLES)`).

    Attributes:
        vertices: (V, 3) neutral mesh of this identity, hair displacement included.
        albedo: (T, T, 3) colour of the face tile: skin, lips, brows, beard, painted hair.
        vertex_albedo: (V, 3) colour of all other parts: scalp, neck and clothes, mouth, gums, teeth.
        relief: (T, T, 4) relief that is always there (pores, wrinkles of age), as in `WrinklePatch`.
        wrinkles: The patches that Action Units add, one for each name of `WRINKLES`, in that order.
        wrinkle_static: (W,) how much of each wrinkle `relief` already contains, 0 to 1.
        wrinkle_gain: How strongly this skin wrinkles under an Action Unit, about 0.2 to 1.2.
        iris_rgb: (3,) colour of the iris.
        sclera_rgb: (3,) colour of the white of the eye.
        iris_radius: In cm, about 0.57 to 0.64.
        pupil_radius: In cm, about 0.18 to 0.33.
        skin_oil: Strength of the skin's highlight, about 0.3 to 1.
        skin_roughness: About 0.3 to 0.5.
        lid_droop: Resting closure of the upper lids, -0.2 (wide) to 0.45 (heavy).
        lash_density: Opacity of the lashes, 0 to 1.
        style: (STYLE_SIZE,) about standard normal, clipped to +-2; how this person makes expressions.
        hair_behind: Layer drawn behind the head, such as long hair.
        hair: Locks of hair over the head, or None.
        headwear: A cap, a band or a scarf, or None.
        glasses: Rims and lenses, drawn in this order.
    """

    vertices: FloatArray
    albedo: FloatArray
    vertex_albedo: FloatArray
    relief: FloatArray
    wrinkles: tuple[WrinklePatch, ...]
    wrinkle_static: FloatArray
    wrinkle_gain: float
    iris_rgb: FloatArray
    sclera_rgb: FloatArray
    iris_radius: float
    pupil_radius: float
    skin_oil: float
    skin_roughness: float
    lid_droop: float
    lash_density: float
    style: FloatArray
    hair_behind: HairLayer | None = None
    hair: Mesh | None = None
    headwear: Mesh | None = None
    glasses: tuple[Mesh, ...] = ()

    @property
    def worn(self) -> list[Mesh]:
        """Everything on the head, in drawing order."""
        return [mesh for mesh in (self.hair, self.headwear, *self.glasses) if mesh is not None]
