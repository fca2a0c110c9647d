import numpy as np
import pytest

from idennet.research.synth.backdrop import BACKDROPS, backdrop, sample_backdrop
from idennet.research.synth.occluders import AT_THE_EDGE, occluder, sample_occluder


@pytest.mark.parametrize("kind", BACKDROPS)
def test_backdrops_are_finite_light_and_repeatable(kind: str) -> None:
    pictures = [backdrop(np.random.default_rng(seed), 64, kind) for seed in (0, 0, 1)]
    assert pictures[0].shape == (64, 64, 3)
    assert pictures[0].dtype == np.float32
    assert np.isfinite(pictures[0]).all()
    assert pictures[0].min() >= 0
    assert np.array_equal(pictures[0], pictures[1])
    assert not np.array_equal(pictures[0], pictures[2])


@pytest.mark.parametrize("kind", AT_THE_EDGE)
def test_occluders_leave_most_of_the_face_visible(kind: str) -> None:
    layers = np.stack([occluder(np.random.default_rng(seed), 64, kind) for seed in range(12)])
    colour, alpha = layers[..., :3], layers[..., 3]
    assert layers.dtype == np.float32
    assert np.isfinite(layers).all()
    assert colour.min() >= 0
    assert 0 <= alpha.min() <= alpha.max() <= 1
    assert (alpha > 0.5).any(), "something is there"
    eyes_to_mouth = alpha[:, 20:45, 20:44]
    assert eyes_to_mouth.mean() < 0.15


def test_hands_have_the_colours_of_skin_and_spare_mouth_and_brows() -> None:
    hands = np.stack([occluder(np.random.default_rng(seed), 64, "hand") for seed in range(60)])
    red, green, blue = (hands[..., k][hands[..., 3] > 0.9] for k in range(3))
    assert (red > green).all()
    assert (green > blue).mean() > 0.95
    mouth, brows = hands[:, 39:45, 26:39, 3], hands[:, 16:21, 20:45, 3]
    assert (mouth.max(axis=(1, 2)) > 0.5).mean() < 0.1
    assert (brows.max(axis=(1, 2)) > 0.5).mean() < 0.1


def test_samples_follow_the_seed() -> None:
    for sample in (sample_backdrop, sample_occluder):
        first, again, other = (sample(np.random.default_rng(seed), 32) for seed in (7, 7, 8))
        assert np.array_equal(first, again)
        assert not np.array_equal(first, other)
