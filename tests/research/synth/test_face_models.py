"""The face model of the tests: thinned, yet complete; and files that are none."""

from pathlib import Path

import numpy as np
import pytest

from idennet.errors import InputError
from idennet.research.synth.facemodel import FaceModel, load_face_model
from small_face import FACE_MODEL


@pytest.fixture(scope="module")
def model() -> FaceModel:
    return load_face_model(FACE_MODEL)


def test_parts_follow_each_other_and_hold_their_materials(model: FaceModel) -> None:
    ends = [0, *(part.stop for part in model.parts.values())]
    assert [part.start for part in model.parts.values()] == ends[:-1]
    assert ends[-1] == len(model.base) < 1500
    for part, material in (("teeth", "M_Teeth"), ("eye_L", "M_ScleraLeft"), ("lashes", "M_EyeLashes")):
        corners = np.unique(model.triangles[model.of_material(material)])
        assert corners.tolist() == list(range(model.parts[part].start, model.parts[part].stop))


def test_eyes_and_landmarks_lie_where_a_face_has_them(model: FaceModel) -> None:
    left, right = model.eye_centres()
    marks = model.base[model.landmarks]
    assert np.allclose(left * (-1, 1, 1), right, atol=0.01)
    for eye, points in ((left, marks[42:48]), (right, marks[36:42])):
        assert np.abs(eye - points.mean(axis=0))[:2].max() < 0.4  # cm
    assert len(set(model.landmarks.tolist())) >= 66  # both corners of the lips may be inner and outer ones


def test_parts_that_do_not_add_up_are_refused(tmp_path: Path) -> None:
    with np.load(FACE_MODEL) as archive:
        fields = {name: archive[name] for name in archive}
    fields["part_sizes"] = fields["part_sizes"] + 1
    np.savez(tmp_path / "torn.npz", **fields)
    with pytest.raises(InputError, match=r"has a mesh of shape \(1420, 3\), not \(1432, 3\)"):
        load_face_model(tmp_path / "torn.npz")
