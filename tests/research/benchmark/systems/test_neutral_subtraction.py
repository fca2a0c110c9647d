"""Neutral subtraction: the running mean by hand, and people whose resting faces differ."""

import numpy as np
import pytest

from idennet.errors import InputError
from idennet.research.benchmark.systems.linear import large_machine, margins, scores_of
from idennet.research.benchmark.systems.neutral import (
    is_neutral,
    learn_neutral,
    own_neutrals,
    running_neutral,
)


def test_running_mean_counts_neutral_frames_up_to_now() -> None:
    features = np.array([[10.0], [2.0], [50.0], [4.0]])
    probability = np.array([0.1, 0.6, 0.5, 0.9])
    means = running_neutral(features, probability, np.array([7.0]), 0.5)
    np.testing.assert_allclose(means[:, 0], [7, 2, 2, (0.6 * 2 + 0.9 * 4) / 1.5])


def test_neutral_frames_show_nothing_that_is_coded() -> None:
    labels = np.array([[0, 0], [0, -1], [1, 0], [-1, -1], [1, -1]], dtype=np.int8)
    assert is_neutral(labels).tolist() == [True, True, False, False, False]


def test_training_subjects_lose_their_own_neutral_mean() -> None:
    features = np.array([[1.0], [3.0], [9.0], [5.0]])
    neutral, subject = np.array([True, True, False, False]), np.array([0, 0, 0, 1])
    np.testing.assert_array_equal(
        own_neutrals(features, neutral, subject, np.array([-1.0]))[:, 0], [2, 2, 2, -1]
    )


def people(seed: int, count: int, frames: int = 40) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A resting place along the first number, far wider than the Action Unit moves it; a hint in the last."""
    rng = np.random.default_rng(seed)
    subject = np.repeat(np.arange(count), frames)
    shown = rng.random(count * frames) < 0.5
    features = rng.normal(0, 0.2, (count * frames, 3))
    features[:, 0] += rng.normal(0, 4, count)[subject] + shown
    features[:, 2] += 0.4 * shown
    return features, shown, subject


def test_subtraction_finds_what_resting_faces_hide() -> None:
    features, shown, subject = people(0, 12)
    detector = learn_neutral(features, ~shown, shown, subject, c=0.1, seed=0)
    everybody = features[~shown].mean(axis=0)
    signs = np.where(shown, 1.0, -1.0)
    own = own_neutrals(features, ~shown, subject, everybody)
    subtracting = large_machine(features - own, signs, 0.1, balanced=True, seed=0)
    plain = large_machine(features, signs, 0.1, balanced=True, seed=0)
    new, truth, who = people(1, 6)
    right, before = [], []
    for person in range(6):
        frames = new[who == person]
        probability = scores_of(margins(frames, detector))
        difference = frames - running_neutral(frames, probability, everybody, 0.5)
        right.append(((margins(difference, subtracting) > 0) == truth[who == person]).mean())
        before.append(((margins(frames, plain) > 0) == truth[who == person]).mean())
    assert np.mean(right) > np.mean(before) + 0.05


def test_probabilities_of_neutral_tell_how_often() -> None:
    rng = np.random.default_rng(0)
    subject = np.repeat(np.arange(10), 200)
    features = rng.normal(size=(2000, 2))
    chance = 1 / (1 + np.exp(-2 * features[:, 0]))
    neutral = rng.random(2000) < chance
    theta = learn_neutral(features, neutral, ~neutral, subject, c=0.1, seed=0)
    assert np.abs(scores_of(margins(features, theta)) - chance).mean() < 0.05


def test_people_with_both_kinds_of_frames_are_needed() -> None:
    features, subject = np.zeros((4, 2)), np.array([0, 0, 1, 1])
    neutral = np.array([True, False, False, False])
    with pytest.raises(InputError, match="1 training subjects"):
        learn_neutral(features, neutral, ~neutral, subject, c=1.0, seed=0)
