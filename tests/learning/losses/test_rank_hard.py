"""The released code's identity loss against loops over pairs, candidates and hinges."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from idennet import RankHardLoss, triplet_loss
from idennet.errors import InputError, ShapeError


def oracle(embeddings: Tensor, labels: Tensor, n: int, hard: int, margin: float, seed: int) -> Tensor:
    """Loops and lists; draws the same two tables of random keys, the largest keys win."""
    generator = torch.Generator().manual_seed(seed)
    num_pairs, images = len(embeddings) // 2, len(embeddings)
    first_keys = torch.rand(num_pairs, images, generator=generator).tolist()
    second_keys = torch.rand(num_pairs, images, generator=generator).tolist()

    def hinge(a: int, p: int, negative: int) -> Tensor:
        near, far = embeddings[a] @ embeddings[p], embeddings[a] @ embeddings[negative]
        return torch.relu(margin - near + far)  # like the loss, no gradient at exactly 0

    total = torch.zeros((), dtype=embeddings.dtype)
    for pair in range(num_pairs):
        a, p = 2 * pair, 2 * pair + 1
        violators = [i for i in range(images) if labels[i] != labels[a] and hinge(a, p, i) > 0]
        violators.sort(key=lambda i: (-(embeddings[a] @ embeddings[i]).item(), i))
        if len(violators) > n:
            short_list = sorted(violators[:n], key=lambda i: -first_keys[pair][i])
            chosen = short_list[:hard]
            rest = sorted(short_list[hard:] + violators[n:], key=lambda i: -second_keys[pair][i])
            chosen += rest[: n - hard]
        else:
            chosen = violators
        for i in chosen:
            total = total + hinge(a, p, i) + hinge(p, a, i)
    return total / (n * images / 2 * 2)


@settings(deadline=None)
@given(
    seed=st.integers(0, 10**6),
    num_pairs=st.integers(1, 8),
    identities=st.integers(1, 8),
    scheme=st.sampled_from([(4, 0.5, 2), (2, 0.5, 1), (3, 0.0, 0), (3, 1.0, 3)]),
    margin=st.sampled_from([0.25, 0.5, 3.0]),
)
def test_value_and_gradient_equal_the_oracle(
    seed: int, num_pairs: int, identities: int, scheme: tuple[int, float, int], margin: float
) -> None:
    generator = torch.Generator().manual_seed(seed)
    # Small whole numbers: exact arithmetic, many ties.
    embeddings = torch.randint(-2, 3, (2 * num_pairs, 3), generator=generator).double().requires_grad_()
    labels = (torch.arange(num_pairs) % identities).repeat_interleave(2)
    n, fraction, hard = scheme
    loss = RankHardLoss(n, fraction, margin)(
        embeddings, labels, generator=torch.Generator().manual_seed(seed)
    )
    expected = oracle(embeddings, labels, n, hard, margin, seed)
    torch.testing.assert_close(loss, expected)
    if expected.requires_grad:
        (gradient,) = torch.autograd.grad(loss, embeddings)
        torch.testing.assert_close(gradient, torch.autograd.grad(expected, embeddings)[0])


def test_two_hinges_with_a_constant_normalizer_are_half_of_eq_2_with_twice_the_margin() -> None:
    generator = torch.Generator().manual_seed(0)
    vectors = torch.nn.functional.normalize(
        torch.randn(4, 8, dtype=torch.float64, generator=generator), dim=1
    )
    labels = torch.tensor([0, 0, 1, 1])
    # A margin of 2 makes every image a violator; two candidates of four wanted are all used.
    triplets = [[0, 1, 2], [0, 1, 3], [1, 0, 2], [1, 0, 3], [2, 3, 0], [2, 3, 1], [3, 2, 0], [3, 2, 1]]
    expected = triplet_loss(vectors, torch.tensor(triplets), margin=4.0) / 2 / (4 * 4 / 2 * 2)
    torch.testing.assert_close(RankHardLoss(margin=2.0)(vectors, labels), expected)


def test_hard_negatives_are_of_the_hardest_four_and_all_others_equally_likely() -> None:
    pairs, candidates, rounds = 7, 12, 300
    labels = torch.arange(pairs).repeat_interleave(2)
    generator = torch.Generator().manual_seed(0)
    hinge = 0.1 + torch.rand(pairs, 2 * pairs, generator=generator)  # all of them violate the margin
    others = labels != labels[::2, None]
    by_hardness = hinge.masked_fill(~others, -1).argsort(dim=1, descending=True)[:, :candidates]
    counts = torch.zeros(candidates)
    for _ in range(rounds):
        chosen = RankHardLoss()._choose(hinge, labels, generator).gather(1, by_hardness)
        assert (chosen.sum(dim=1) == 4).all()
        assert (chosen[:, :4].sum(dim=1) >= 2).all()
        counts += chosen.sum(dim=0)
    # Two of the hardest four; then two of the ten that are left, which the other two of the four belong to.
    expected = torch.tensor([2 / 4 + 2 / 4 * 2 / 10] * 4 + [2 / 10] * 8)
    deviation = (expected * (1 - expected) / (rounds * pairs)).sqrt()
    assert ((counts / (rounds * pairs) - expected).abs() < 4 * deviation).all()


def test_satisfied_batches_and_one_identity_have_no_loss() -> None:
    apart = torch.eye(4).repeat_interleave(2, dim=0).requires_grad_()
    loss = RankHardLoss()(apart, torch.arange(4).repeat_interleave(2))
    loss.backward()
    assert loss.item() == 0
    assert apart.grad is not None
    assert not apart.grad.any()
    assert RankHardLoss()(torch.randn(4, 2), torch.zeros(4, dtype=torch.int64)).item() == 0
    assert RankHardLoss()(torch.zeros(0, 2), torch.zeros(0, dtype=torch.int64)).item() == 0


def test_images_are_consecutive_pairs() -> None:
    with pytest.raises(InputError, match="one identity"):
        RankHardLoss()(torch.zeros(4, 2), torch.tensor([0, 1, 1, 0]))
    with pytest.raises(ShapeError, match="even number"):
        RankHardLoss()(torch.zeros(3, 2), torch.tensor([0, 0, 1]))
