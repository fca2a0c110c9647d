"""The morphable face: one mesh topology, linear identity modes and linear expression shapes.

The geometry is that of ICT-FaceKit Light (Li et al., CVPR 2020; MIT licence) packed into one npz by
`idennet synth import-face-model`. Units are centimetres, y is up, the face looks towards +z and the
subject's left is +x.
"""

import os
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from idennet.errors import InputError
from idennet.research.synth.appearance import FloatArray, IntArray

ENVIRONMENT_VARIABLE = "IDENNET_FACE_MODEL"

_PART_SIZES: MappingProxyType[str, int] = MappingProxyType(
    {
        "face": 9409,
        "head": 1839,
        "mouth": 2046,
        "sockets": 768,
        "gums": 2977,
        "teeth": 4412,
        "eye_L": 1570,
        "eye_R": 1570,
        "lacrimal": 408,
        "eye_blend": 48,
        "eye_occlusion": 304,
        "lashes": 1368,
    }
)
"""Vertices of the named parts of ICT-FaceKit Light, in this order."""

SCLERA_VERTICES = 770
"""The eye parts begin with at most this many vertices of the sclera; the iris follows."""
_ARRAYS = (
    "base",
    "identity",
    "expression",
    "expression_names",
    "tri",
    "tri_uv",
    "uv",
    "tri_material",
    "materials",
    "landmarks68",
)


@dataclass(frozen=True)
class FaceModel:
    """The arrays of the morphable face (V = 26719 vertices for ICT-FaceKit Light).

    Attributes:
        parts: Vertices of the named parts; "face" has the texture, the first tile of the UV layout.
        base: (V, 3) mean face.
        identity: (100, V, 3) identity modes, in units of one standard deviation.
        expression: (57, V, 3) shapes at full strength; the 53 of ARKit, cheek raisers, pupil dilation.
        expression_names: (57,) such as `mouthSmile_L`; L is the subject's left.
        triangles: (T, 3) vertex indices.
        triangle_uv: (T, 3) indices into `uv`.
        uv: (U, 2) texture coordinates; the face lies in 0 to 1, v points up.
        triangle_material: (T,) indices into `materials`.
        materials: (12,) such as `M_Face`.
        landmarks: (68,) vertex indices of the 68 points of Multi-PIE.
    """

    parts: MappingProxyType[str, slice]
    base: FloatArray
    identity: FloatArray
    expression: FloatArray
    expression_names: tuple[str, ...]
    triangles: IntArray
    triangle_uv: IntArray
    uv: FloatArray
    triangle_material: npt.NDArray[np.uint8]
    materials: tuple[str, ...]
    landmarks: IntArray

    def expression_index(self, name: str) -> int:
        """Return the row of `expression` that a shape's name stands for."""
        return self.expression_names.index(name)

    def of_material(self, *names: str) -> npt.NDArray[np.bool_]:
        """Return the (T,) mask of the triangles that have one of the named materials."""
        return np.isin(self.triangle_material, [self.materials.index(name) for name in names])

    def eye_centres(self) -> FloatArray:
        """Return the (2, 3) centres of the left and the right eyeball of the mean face."""
        eyes = (self.base[self.parts[side]] for side in ("eye_L", "eye_R"))
        return np.stack([eye[:SCLERA_VERTICES].mean(axis=0) for eye in eyes])


def load_face_model(path: Path | None = None) -> FaceModel:
    """Read the face model from its npz file.

    Args:
        path: The file; by default the one that the environment variable `IDENNET_FACE_MODEL` names.

    Raises:
        InputError: No file is named, it is not there, or it is not a face model.
    """
    advice = "make one with: idennet synth import-face-model"
    named = path or os.environ.get(ENVIRONMENT_VARIABLE)
    if not named:
        raise InputError(f"No face model is given: pass its path or set {ENVIRONMENT_VARIABLE}, or {advice}.")
    file = Path(named)
    if not file.is_file():
        raise InputError(f"There is no face model at {file}; {advice}.")
    # NumPy takes what is no archive for a pickle and says so, which helps nobody.
    stranger = InputError(f"{file} is not a face model; idennet synth import-face-model makes one.")
    if not zipfile.is_zipfile(file):
        raise stranger
    try:
        with np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in _ARRAYS}
            # Only a thinned model, as the tests have one, says how many vertices its parts have.
            sizes = archive["part_sizes"] if "part_sizes" in archive else np.array([*_PART_SIZES.values()])
    except (ValueError, KeyError, OSError, zipfile.BadZipFile, zlib.error) as error:
        raise stranger from error
    if sizes.shape != (len(_PART_SIZES),) or arrays["base"].shape != (sizes.sum(), 3):
        raise InputError(
            f"{file} has a mesh of shape {arrays['base'].shape}, not ({sizes.sum()}, 3); {advice}."
        )
    ends = np.cumsum(sizes).tolist()

    def floats(name: str) -> FloatArray:
        return np.ascontiguousarray(arrays[name], dtype=np.float32)

    def integers(name: str) -> IntArray:
        return np.ascontiguousarray(arrays[name], dtype=np.int32)

    return FaceModel(
        parts=MappingProxyType(dict(zip(_PART_SIZES, map(slice, [0, *ends], ends), strict=False))),
        base=floats("base"),
        identity=floats("identity"),
        expression=floats("expression"),
        expression_names=tuple(str(name) for name in arrays["expression_names"]),
        triangles=integers("tri"),
        triangle_uv=integers("tri_uv"),
        uv=floats("uv"),
        triangle_material=arrays["tri_material"],
        materials=tuple(str(name) for name in arrays["materials"]),
        landmarks=integers("landmarks68"),
    )
