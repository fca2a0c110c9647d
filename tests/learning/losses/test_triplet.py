"""Triplet hinge against a loop, and its relation to the hinge on dot products."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from idennet import triplet_loss
from idennet.errors import ShapeError


def loop_loss(embeddings: Tensor, triplets: Tensor, margin: float, bank: Tensor) -> float:
    rows, negatives = embeddings.tolist(), bank.tolist()

    def squared(x: list[float], y: list[float]) -> float:
        return sum((a - b) ** 2 for a, b in zip(x, y, strict=True))

    return sum(
        max(0.0, margin + squared(rows[a], rows[p]) - squared(rows[a], negatives[n]))
        for a, p, n in triplets.tolist()
    )


@settings(deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 9), st.floats(0, 3), st.booleans())
def test_equals_the_loop(seed: int, count: int, margin: float, remembered: bool) -> None:
    generator = torch.Generator().manual_seed(seed)
    embeddings = torch.randn(6, 4, dtype=torch.float64, generator=generator)
    memory = torch.randn(6, 4, dtype=torch.float64, generator=generator)
    triplets = torch.randint(0, 6, (count, 3), generator=generator)
    negatives = memory if remembered else None
    expected = loop_loss(embeddings, triplets, margin, memory if remembered else embeddings)
    assert triplet_loss(embeddings, triplets, margin, negatives=negatives).item() == pytest.approx(expected)
    mean = triplet_loss(embeddings, triplets, margin, negatives=negatives, reduction="mean")
    assert mean.item() == pytest.approx(expected / count)


@settings(deadline=None)
@given(st.integers(0, 10**6), st.floats(0, 2))
def test_dot_product_hinge_is_half_of_twice_the_margin_on_unit_vectors(seed: int, margin: float) -> None:
    vectors = torch.randn(3, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    anchor, positive, negative = unit = torch.nn.functional.normalize(vectors, dim=1)
    dot_hinge = max(0.0, float(margin - anchor @ positive + anchor @ negative))
    euclidean = triplet_loss(unit, torch.tensor([[0, 1, 2]]), 2 * margin)
    assert euclidean.item() / 2 == pytest.approx(dot_hinge, abs=1e-12)


def test_satisfied_triplets_have_no_gradient() -> None:
    embeddings = torch.tensor([[0.0], [0.1], [5.0], [0.2]], requires_grad=True)
    triplet_loss(embeddings, torch.tensor([[0, 1, 2]])).backward()
    assert embeddings.grad is not None
    assert not embeddings.grad.any()
    triplet_loss(embeddings, torch.tensor([[0, 1, 3]])).backward()
    # d/da = 2(n - p), d/dp = 2(p - a), d/dn = -2(n - a)
    torch.testing.assert_close(embeddings.grad, torch.tensor([[0.2], [0.2], [0.0], [-0.4]]))


@pytest.mark.parametrize("reduction", ["sum", "mean"])
def test_no_triplets_is_zero_with_zero_gradient(reduction: str) -> None:
    embeddings = torch.randn(2, 3, requires_grad=True)
    loss = triplet_loss(
        embeddings,
        torch.zeros(0, 3, dtype=torch.int64),
        reduction=reduction,  # type: ignore[arg-type]
    )
    loss.backward()
    assert loss.item() == 0
    assert embeddings.grad is not None
    assert not embeddings.grad.any()


@pytest.mark.parametrize(
    ("embeddings", "triplets", "negatives"),
    [
        (torch.zeros(4), torch.zeros(1, 3, dtype=torch.int64), None),
        (torch.zeros(4, 2, dtype=torch.int64), torch.zeros(1, 3, dtype=torch.int64), None),
        (torch.zeros(4, 2), torch.zeros(1, 2, dtype=torch.int64), None),
        (torch.zeros(4, 2), torch.zeros(1, 3), None),
        (torch.zeros(4, 2), torch.zeros(1, 3, dtype=torch.int64), torch.zeros(4, 3)),
    ],
)
def test_wrong_shapes_are_refused(embeddings: Tensor, triplets: Tensor, negatives: Tensor | None) -> None:
    with pytest.raises(ShapeError, match=r"give .*\.$"):
        triplet_loss(embeddings, triplets, negatives=negatives)
