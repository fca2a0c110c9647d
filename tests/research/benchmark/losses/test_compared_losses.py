"""Losses of the compared systems against slow loops, Jacobians and exact numbers."""

import math

import pytest
import torch
from torch import Tensor, nn

from idennet.errors import InputError, ShapeError
from idennet.research.benchmark.losses.contractive import contraction, shared_directions
from idennet.research.benchmark.losses.contrastive import contrastive_loss, share_expression
from idennet.research.benchmark.losses.offset_entropy import offset_cross_entropy
from idennet.research.benchmark.losses.tuplet_cluster import TupletClusterLoss


def test_offset_entropy_is_the_formula_of_the_release() -> None:
    logits = torch.randn(4, 3, generator=torch.Generator().manual_seed(0)) * 3
    labels = torch.tensor([[1, 0, -1], [0, 0, 1], [-1, -1, -1], [1, 1, 1]])
    terms = []
    for logit, label in zip(logits.flatten().tolist(), labels.flatten().tolist(), strict=True):
        p = 1 / (1 + math.exp(-logit))
        if label >= 0:
            terms.append(-math.log((p + 0.05) / 1.05) if label else -math.log((1.05 - p) / 1.05))
    assert offset_cross_entropy(logits, labels).item() == pytest.approx(sum(terms) / len(terms), rel=1e-5)
    wrong = offset_cross_entropy(torch.tensor([[-1e4, 1e4]]), torch.tensor([[1, 0]]))
    assert wrong.item() == pytest.approx(math.log(21))
    plain = nn.functional.binary_cross_entropy_with_logits(logits[3:], labels[3:].float())
    torch.testing.assert_close(offset_cross_entropy(logits[3:], labels[3:], offset=0.0), plain)
    empty = logits.clone().requires_grad_()
    offset_cross_entropy(empty, torch.full((4, 3), -1)).backward()
    assert empty.grad is not None
    assert not empty.grad.any()
    with pytest.raises(ShapeError, match="both must be"):
        offset_cross_entropy(logits, labels[:2])


def test_contrastive_loss_of_known_distances() -> None:
    first = torch.tensor([[0.0, 0], [0, 0], [0, 0], [3, 4]], requires_grad=True)
    second = torch.tensor([[0.6, 0.8], [0.3, 0.4], [3, 4], [3, 4]])
    same = torch.tensor([True, False, False, False])
    loss = contrastive_loss(first, second, same, margin=2.0)
    assert loss.item() == pytest.approx((1 + 1.5**2 + 0 + 2**2) / 8, abs=1e-4)
    loss.backward()
    assert first.grad is not None
    assert first.grad.isfinite().all()
    assert contrastive_loss(first[:0], second[:0], same[:0]).item() == 0
    with pytest.raises(InputError, match="above 0"):
        contrastive_loss(first, second, same, margin=0)
    with pytest.raises(ShapeError, match="one bool a row"):
        contrastive_loss(first, second, same.long())


def test_expressions_are_shared_from_an_agreement_on() -> None:
    def shared(one: list[int], other: list[int], agreement: float) -> bool:
        return bool(share_expression(torch.tensor([one]), torch.tensor([other]), agreement)[0])

    assert shared([0, 0, 0], [0, 0, 0], 0.5)
    assert shared([1, 1, 0], [1, 0, 0], 0.5)
    assert not shared([1, 1, 0], [1, 0, 0], 0.6)
    assert not shared([1, 0, 0], [0, 0, 0], 0.5)
    assert shared([1, 1, 0], [1, -1, 0], 1.0)


def slow_tuplet_loss(x: Tensor, labels: Tensor, who: Tensor, threshold: float, tau: float) -> float:
    count = len(x)
    distance = [[float((x[i] - x[j]).norm()) for j in range(count)] for i in range(count)]

    def same(i: int, j: int) -> bool:
        return bool(share_expression(labels[i], labels[j], 0.5))

    costs = []
    for i in range(count):
        positives = [i]
        for person in set(who.tolist()) - {int(who[i])}:
            theirs = [j for j in range(count) if who[j] == person and same(i, j)]
            if theirs:
                positives.append(max(theirs, key=lambda j: distance[i][j]))
        people = {int(who[j]) for j in positives}
        negatives = [j for j in range(count) if int(who[j]) in people and not same(i, j)]
        if len(positives) > 1 and negatives:
            centre = x[positives].mean(dim=0)
            far = [max(0.0, float((x[j] - centre).square().sum()) - threshold + tau / 2) for j in positives]
            near = [max(0.0, threshold + tau / 2 - float((x[j] - centre).square().sum())) for j in negatives]
            costs.append(sum(far) / len(far) + sum(near) / len(near))
    return sum(costs) / len(costs)


def test_tuplet_loss_equals_a_slow_loop_and_moves_its_threshold() -> None:
    generator = torch.Generator().manual_seed(0)
    x = nn.functional.normalize(torch.randn(14, 5, generator=generator)).requires_grad_()
    labels = torch.randint(0, 2, (14, 2), generator=generator)
    who = torch.randint(0, 5, (14,), generator=generator)
    threshold = torch.tensor(0.8, requires_grad=True)
    loss = TupletClusterLoss(tau=0.3)(x, labels, who, threshold)
    assert loss.item() == pytest.approx(slow_tuplet_loss(x.detach(), labels, who, 0.8, 0.3), rel=1e-5)
    loss.backward()
    assert threshold.grad is not None
    assert threshold.grad != 0


def test_tuplet_loss_is_zero_without_tuplets_and_when_clusters_are_apart() -> None:
    loss = TupletClusterLoss(tau=0.2)
    labels, who = torch.tensor([[1, 0], [0, 1], [1, 0], [0, 1]]), torch.tensor([0, 0, 1, 1])
    apart = torch.tensor([[1.0, 0], [-1, 0], [1, 0], [-1, 0]])
    assert loss(apart, labels, who, torch.tensor(1.0)).item() == 0
    assert loss(apart[:2], labels[:2], who[:2], torch.tensor(1.0)).item() == 0
    mixed = apart[[0, 0, 0, 0]]
    assert loss(mixed, labels, who, torch.tensor(1.0)).item() == pytest.approx(1.1)
    with pytest.raises(InputError, match="tau"):
        TupletClusterLoss(tau=0)(apart, labels, who, torch.tensor(1.0))
    with pytest.raises(ShapeError, match=r"\(4, A\)"):
        loss(apart, labels[:2], who, torch.tensor(1.0))


def test_contractive_penalties_are_those_of_the_jacobians() -> None:
    generator = torch.Generator().manual_seed(0)
    first, second = nn.Linear(6, 3), nn.Linear(6, 4)
    inputs = torch.randn(5, 6, generator=generator)
    one, other = torch.sigmoid(first(inputs)), torch.sigmoid(second(inputs))
    squares, products = [], []
    for row in inputs:
        jacobian = torch.autograd.functional.jacobian(lambda x: torch.sigmoid(first(x)), row)
        beside = torch.autograd.functional.jacobian(lambda x: torch.sigmoid(second(x)), row)
        squares.append(jacobian.square().sum())
        products.append((jacobian @ beside.T).square().sum())
    torch.testing.assert_close(contraction(one, first.weight), torch.stack(squares).mean())
    shared = shared_directions(one, first.weight, other, second.weight)
    torch.testing.assert_close(shared, torch.stack(products).mean())
    with pytest.raises(ShapeError, match=r"\(H, D\)"):
        contraction(one, second.weight)
