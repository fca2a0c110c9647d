from pathlib import Path

import numpy as np
import pytest
import skimage.data

import idennet
from idennet.inference.result import Result


@pytest.fixture(scope="module")
def smiling(random_weights: Path) -> Result:
    return idennet.detect(skimage.data.astronaut(), weights=random_weights)


def test_the_astronaut_has_one_frontal_face_where_it_is(smiling: Result) -> None:
    (face,) = smiling.faces
    np.testing.assert_allclose(face.landmarks[36:48].mean(axis=0), (223, 102), atol=6)
    np.testing.assert_allclose(face.landmarks[48:].mean(axis=0), (224, 147), atol=6)
    assert face.pose is not None
    assert max(abs(face.pose.yaw), abs(face.pose.roll)) < 15
    assert face.crop is not None
    assert face.crop.shape == (128, 128, 3)


def test_the_drawn_astronaut_is_untouched_far_from_the_face(smiling: Result) -> None:
    drawn, original = np.asarray(smiling.draw()), skimage.data.astronaut()
    assert drawn.shape == original.shape
    np.testing.assert_array_equal(drawn[350:], original[350:])
    assert (drawn[60:180, 180:280] != original[60:180, 180:280]).any()


def test_the_bundled_weights_see_the_astronaut_smile_with_open_lips_and_no_frown() -> None:
    (face,) = idennet.detect(skimage.data.astronaut()).faces
    assert {12, 25} <= set(face.aus)
    assert not {4, 15, 43} & set(face.aus)
