"""Convert a checkout of ICT-FaceKit Light (USC ICT, MIT licence) into the compact face model of the renderer.

The checkout holds one Wavefront OBJ a shape; all share the topology of the neutral mesh, so a shape is stored
as its difference from neutral. Units are those of the model, about one centimetre.
"""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from idennet.errors import InputError
from idennet.files import draft_of

NEUTRAL = "generic_neutral_mesh"
UNLISTED_EXPRESSIONS = ("cheekRaiser_L", "cheekRaiser_R", "PupilDilate_L", "PupilDilate_R")
"""Expression shapes that exist as files but are missing from the checkout's own list."""

IDENTITY_MODES = 100

ItemT = TypeVar("ItemT")


def import_face_model(checkout: Path, out: Path, progress: bool = False) -> Path:
    """Write the face model of an ICT-FaceKit checkout as a compressed NPZ and return its path.

    Fields: `base` (V, 3) float32; `identity` (100, V, 3) and `expression` (E, V, 3) float16 differences from
    it; `expression_names`; triangles `tri` and `tri_uv` (T, 3) uint16 into vertices and `uv` (U, 2) float32;
    `tri_material` (T,) uint8 into `materials`; `landmarks68` (68,) int32 vertex numbers.

    Args:
        checkout: The cloned repository, or its folder `FaceXModel`.
        out: The file to write; it appears only when it is complete.
        progress: Show a progress bar.

    Raises:
        InputError: The folder is no checkout, or one of its files is missing or does not fit the others.
    """
    folder = _model_folder(checkout)
    indices = _read_indices(folder / "vertex_indices.json")
    expressions = [*indices["expressions"], *UNLISTED_EXPRESSIONS]
    identities = [f"identity{mode:03d}" for mode in range(IDENTITY_MODES)]
    missing = [
        name for name in [NEUTRAL, *expressions, *identities] if not (folder / f"{name}.obj").is_file()
    ]
    if missing:
        raise InputError(
            f"{folder} lacks {len(missing)} shapes, the first is {missing[0]}.obj; "
            "clone https://github.com/ICT-VGL/ICT-FaceKit again, completely."
        )
    neutral = (folder / f"{NEUTRAL}.obj").read_bytes().splitlines()
    base = _numbers(neutral, b"v ")[:, :3]

    def difference(name: str) -> NDArray[np.float16]:
        vertices = _numbers((folder / f"{name}.obj").read_bytes().splitlines(), b"v ")[:, :3]
        if vertices.shape != base.shape:
            raise InputError(
                f"{name}.obj has {len(vertices)} vertices, {NEUTRAL}.obj has {len(base)}; "
                "the files come from different versions of ICT-FaceKit."
            )
        return (vertices - base).astype(np.float16)

    shapes = [difference(name) for name in _tracked([*identities, *expressions], progress)]
    fields: dict[str, Any] = {
        "base": base.astype(np.float32),
        "identity": np.stack(shapes[:IDENTITY_MODES]),
        "expression": np.stack(shapes[IDENTITY_MODES:]),
        "expression_names": np.array(expressions),
        "uv": _numbers(neutral, b"vt ")[:, :2].astype(np.float32),
        "landmarks68": np.array(indices["idx_to_landmark_verts"], np.int32),
        **_triangles(neutral),
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    with draft_of(out) as draft, draft.open("wb") as file:
        np.savez_compressed(file, **fields)
    return out


def _model_folder(checkout: Path) -> Path:
    for folder in (checkout / "FaceXModel", checkout):
        if (folder / "vertex_indices.json").is_file():
            return folder
    raise InputError(
        f"{checkout} is no checkout of ICT-FaceKit: there is no FaceXModel/vertex_indices.json in it; "
        "clone https://github.com/ICT-VGL/ICT-FaceKit and give the path of that folder."
    )


def _read_indices(path: Path) -> dict[str, Any]:
    try:
        indices = json.loads(path.read_text())
    except json.JSONDecodeError as error:
        raise InputError(f"{path} is not valid JSON: {error}.") from error
    if not isinstance(indices, dict) or not {"expressions", "idx_to_landmark_verts"} <= indices.keys():
        raise InputError(
            f"{path} names no expressions and landmarks; it is of another version of ICT-FaceKit."
        )
    return indices


def _numbers(lines: Sequence[bytes], keyword: bytes) -> NDArray[np.float64]:
    """Return the numbers of all lines that start with a keyword, one row a line."""
    rows = [line[len(keyword) :] for line in lines if line.startswith(keyword)]
    return np.fromstring(b" ".join(rows), sep=" ").reshape(len(rows), -1)


def _triangles(lines: Iterable[bytes]) -> dict[str, np.ndarray]:
    """Return the faces as fans of triangles, with their texture coordinates and materials."""
    corners: list[list[list[int]]] = []
    names: list[str] = []
    material = ""
    for line in lines:
        if line.startswith(b"usemtl"):
            material = line.split()[1].decode()
        elif line.startswith(b"f "):
            polygon = [[int(number) - 1 for number in corner.split(b"/")[:2]] for corner in line.split()[1:]]
            for k in range(1, len(polygon) - 1):
                corners.append([polygon[0], polygon[k], polygon[k + 1]])
                names.append(material)
    table = np.array(corners, np.uint16)
    materials, index = np.unique(names, return_inverse=True)
    return {
        "tri": table[..., 0],
        "tri_uv": table[..., 1],
        "tri_material": index.astype(np.uint8),
        "materials": materials,
    }


def _tracked(items: Sequence[ItemT], progress: bool) -> Iterable[ItemT]:
    return track(items, description="Reading shapes", disable=not progress, transient=True)
