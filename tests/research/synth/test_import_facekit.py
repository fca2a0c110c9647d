import json
from pathlib import Path

import numpy as np
import pytest

from idennet.errors import InputError
from idennet.research.synth.import_facekit import UNLISTED_EXPRESSIONS, import_face_model

BASE = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0], [2, 0, 0.5]], float)
EXPRESSIONS = ["jawOpen", "mouthSmile_L"]
FACES = "usemtl M_Teeth\nf 1/1 2/2 3/3 4/1\nusemtl M_Face\nf 2/1 5/2 3/3\n"
UV = np.array([[0, 0], [1, 0], [1, 0.25]])


def obj(vertices: np.ndarray, tail: str = "") -> str:
    rows = "".join(f"v {x:.6f} {y:.6f} {z:.6f}\n" for x, y, z in vertices)
    return "# a licence\n" + rows + "".join(f"vt {u} {v}\n" for u, v in UV) + tail


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "ICT-FaceKit" / "FaceXModel"
    folder.mkdir(parents=True)
    indices = {"expressions": EXPRESSIONS, "idx_to_landmark_verts": [k % 5 for k in range(68)]}
    (folder / "vertex_indices.json").write_text(json.dumps(indices))
    (folder / "generic_neutral_mesh.obj").write_text(obj(BASE, FACES))
    for k in range(100):
        (folder / f"identity{k:03d}.obj").write_text(obj(BASE + k / 64))
    for k, name in enumerate([*EXPRESSIONS, *UNLISTED_EXPRESSIONS]):
        (folder / f"{name}.obj").write_text(obj(BASE + np.eye(5, 3, -4 + min(k, 2)) * 0.5))
    return folder.parent


def test_arrays_are_exact(checkout: Path, tmp_path: Path) -> None:
    with np.load(import_face_model(checkout, tmp_path / "new" / "model.npz")) as model:
        np.testing.assert_array_equal(model["base"], BASE.astype(np.float32))
        np.testing.assert_array_equal(model["tri"], [[0, 1, 2], [0, 2, 3], [1, 4, 2]])
        np.testing.assert_array_equal(model["tri_uv"], [[0, 1, 2], [0, 2, 0], [0, 1, 2]])
        assert model["materials"].tolist() == ["M_Face", "M_Teeth"]
        assert model["tri_material"].tolist() == [1, 1, 0]
        np.testing.assert_array_equal(model["uv"], UV)
        assert model["expression_names"].tolist() == [*EXPRESSIONS, *UNLISTED_EXPRESSIONS]
        np.testing.assert_array_equal(
            model["identity"], np.ones((100, 5, 3)) * np.arange(100)[:, None, None] / 64
        )
        np.testing.assert_array_equal(model["expression"][0], np.eye(5, 3, -4) * 0.5)
        assert model["landmarks68"].shape == (68,)
        assert model["base"].dtype == np.float32
        assert model["identity"].dtype == model["expression"].dtype == np.float16
        assert model["tri"].dtype == model["tri_uv"].dtype == np.uint16


def test_the_folder_facexmodel_itself_is_accepted(checkout: Path, tmp_path: Path) -> None:
    one = import_face_model(checkout, tmp_path / "one.npz").read_bytes()
    assert import_face_model(checkout / "FaceXModel", tmp_path / "two.npz").read_bytes() == one


def test_a_wrong_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no checkout of ICT-FaceKit"):
        import_face_model(tmp_path, tmp_path / "model.npz")


def test_a_missing_shape_is_named(checkout: Path, tmp_path: Path) -> None:
    (checkout / "FaceXModel" / "identity042.obj").unlink()
    with pytest.raises(InputError, match=r"lacks 1 shapes, the first is identity042\.obj"):
        import_face_model(checkout, tmp_path / "model.npz")


def test_another_topology_is_refused_and_leaves_nothing(checkout: Path, tmp_path: Path) -> None:
    (checkout / "FaceXModel" / "jawOpen.obj").write_text(obj(BASE[:4]))
    with pytest.raises(InputError, match=r"jawOpen\.obj has 4 vertices"):
        import_face_model(checkout, tmp_path / "model.npz")
    assert not list(tmp_path.glob("*.npz"))
