"""Faces made harder: functions of seed, step and position."""

import numpy as np
import pytest
from numpy.typing import NDArray

from idennet.learning.training import load_recipe
from idennet.learning.training.augment import Augmentation, Augmenter


@pytest.fixture
def faces() -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (6, 128, 128, 3), dtype=np.uint8)


def test_augmentation_is_a_function_of_step_and_position(faces: NDArray[np.uint8]) -> None:
    augmenter = Augmenter(load_recipe("transfer").augmentation, seed=1)
    whole = augmenter(faces, step=4)
    assert whole.dtype == np.uint8
    assert whole.shape == faces.shape
    assert np.array_equal(np.concatenate([augmenter(faces[:2], 4), augmenter(faces[2:], 4, first=2)]), whole)
    assert not np.array_equal(augmenter(faces, step=5), whole)
    assert not np.array_equal(augmenter(faces[[0, 0]], step=4)[0], augmenter(faces[[0, 0]], step=4)[1])


def test_no_augmentation_changes_nothing(faces: NDArray[np.uint8]) -> None:
    assert Augmenter(Augmentation())(faces, 0) is faces


def test_a_certain_flip_is_a_mirror(faces: NDArray[np.uint8]) -> None:
    assert np.array_equal(Augmenter(Augmentation(flip=1))(faces, 0), faces[:, :, ::-1])


def test_a_flip_with_geometry_is_a_mirror_too(faces: NDArray[np.uint8]) -> None:
    flipped = Augmenter(Augmentation(flip=1, scale=1e-9))(faces, 0)
    assert np.abs(flipped.astype(int) - faces[:, :, ::-1]).max() <= 1


def test_a_shift_moves_no_further_than_asked() -> None:
    face = np.zeros((1, 128, 128, 3), np.uint8)
    face[0, 64, 64] = 255
    for step in range(20):
        moved = Augmenter(Augmentation(shift=4))(face, step)[0, ..., 0].astype(float)
        rows, columns = np.nonzero(moved)
        centre = np.average([rows, columns], axis=1, weights=moved[rows, columns])
        assert (np.abs(centre - 64) <= 4.05).all()


def test_a_shadow_only_darkens_and_a_shine_only_brightens() -> None:
    grey = np.full((8, 128, 128, 3), 120, np.uint8)
    shaded = Augmenter(Augmentation(shade=1))(grey, 0)
    assert shaded.max() == 120
    assert (shaded < 115).any(axis=(1, 2, 3)).mean() > 0.5
    shining = Augmenter(Augmentation(shine=1))(grey, 0)
    assert shining.min() == 120
    assert (shining > 125).any(axis=(1, 2, 3)).all()
    assert (shining[..., 0] == shining[..., 2]).all()


def test_jpeg_keeps_the_colours_apart() -> None:
    red = np.zeros((1, 128, 128, 3), np.uint8)
    red[..., 0] = 200
    changed = Augmenter(Augmentation(jpeg=1))(red, 0)[0].reshape(-1, 3).mean(axis=0)
    assert np.allclose(changed, [200, 0, 0], atol=4)
