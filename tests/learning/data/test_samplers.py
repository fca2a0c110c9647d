"""Batches as pure functions of the step."""

import numpy as np
import pytest

from idennet.errors import InputError
from idennet.learning.data.samplers import BalancedFaceSampler, ConsecutivePairSampler, IdentityPairSampler

LABELS = np.random.default_rng(0).permutation(np.repeat(np.arange(9), [1, 2, 3, 4, 5, 6, 7, 20, 60]))


def test_pairs_are_two_faces_of_distinct_identities() -> None:
    sampler = IdentityPairSampler(LABELS, identities=5)
    for step in range(200):
        pairs = sampler.draw(step)
        assert pairs.shape == (5, 2)
        assert (pairs[:, 0] != pairs[:, 1]).all()
        assert (LABELS[pairs[:, 0]] == LABELS[pairs[:, 1]]).all()
        assert len(set(LABELS[pairs[:, 0]])) == 5


def test_identities_are_drawn_evenly_and_single_faces_never() -> None:
    sampler = IdentityPairSampler(LABELS, identities=2)
    drawn = np.concatenate([LABELS[sampler.draw(step)[:, 0]] for step in range(4000)])
    counts = np.bincount(drawn, minlength=9)
    assert counts[0] == 0
    assert np.allclose(counts[1:], 1000, atol=130)


def test_every_ordered_pair_of_an_identity_is_as_likely() -> None:
    sampler = IdentityPairSampler(np.array([0, 0, 0, 1, 1, 1]), identities=2)
    pairs = np.concatenate([sampler.draw(step) for step in range(3000)])
    _, counts = np.unique(pairs, axis=0, return_counts=True)
    assert len(counts) == 12
    assert np.allclose(counts, 500, atol=90)


@pytest.mark.parametrize("step", [0, 7, 1000])
def test_a_step_is_the_same_whatever_was_drawn_before(step: int) -> None:
    def samplers() -> tuple[IdentityPairSampler, ConsecutivePairSampler]:
        return IdentityPairSampler(LABELS, 4, seed=3), ConsecutivePairSampler(LABELS, 4, seed=3)

    for used, fresh in zip(samplers(), samplers(), strict=True):
        for earlier in range(20):
            used.draw(earlier)
        assert np.array_equal(used.draw(step), fresh.draw(step))
    assert not np.array_equal(samplers()[0].draw(step), IdentityPairSampler(LABELS, 4, seed=4).draw(step))


def test_an_epoch_of_consecutive_pairs_uses_every_face_at_most_once() -> None:
    sampler = ConsecutivePairSampler(LABELS, pairs=8)
    epochs = []
    for epoch in range(2):
        steps = range(epoch * sampler.epoch_steps, (epoch + 1) * sampler.epoch_steps)
        chunks = [sampler.draw(step) for step in steps]
        assert [len(chunk) for chunk in chunks[:-1]] == [8] * (len(chunks) - 1)
        pairs = np.concatenate(chunks)
        assert len(pairs) == sum(count // 2 for count in np.bincount(LABELS))
        assert len(np.unique(pairs)) == pairs.size
        assert (LABELS[pairs[:, 0]] == LABELS[pairs[:, 1]]).all()
        epochs.append(pairs)
    assert not np.array_equal(*epochs)


def test_rare_aus_are_drawn_more_often_than_they_occur() -> None:
    rng = np.random.default_rng(1)
    labels = (rng.random((2000, 2)) < [0.5, 0.02]).astype(np.int8)
    drawn = labels[BalancedFaceSampler(labels).draw(0, 20_000)]
    assert drawn[:, 1].mean() > 1.7 * labels[:, 1].mean()
    even = BalancedFaceSampler(np.zeros_like(labels)).draw(0, 20_000)
    assert labels[even, 1].mean() == pytest.approx(labels[:, 1].mean(), abs=0.005)


def test_nothing_to_pair_is_said() -> None:
    with pytest.raises(InputError, match="two identities with two faces"):
        IdentityPairSampler(np.array([0, 0, 1, 2]))
    with pytest.raises(InputError, match="two faces"):
        ConsecutivePairSampler(np.arange(5), pairs=2)
