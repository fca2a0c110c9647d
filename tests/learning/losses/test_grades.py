"""The loss of graded targets against its formula, cell by cell."""

import math

import pytest
import torch

from idennet.errors import ShapeError
from idennet.learning.losses.grades import graded_loss


def test_it_is_the_mean_cross_entropy_of_known_targets() -> None:
    logits, targets = torch.tensor([[0.3, -2.0], [4.0, 1.0]]), torch.tensor([[0.0, 0.4], [1.0, math.nan]])
    cells = []
    for logit, target in ((0.3, 0.0), (-2.0, 0.4), (4.0, 1.0)):
        prob = 1 / (1 + math.exp(-logit))
        cells.append(-target * math.log(prob) - (1 - target) * math.log(1 - prob))
    assert graded_loss(logits, targets).item() == pytest.approx(sum(cells) / 3, rel=1e-5)


def test_it_is_least_where_the_sigmoid_is_the_target() -> None:
    logits = torch.tensor([0.2, -1.0, 2.0], requires_grad=True)
    graded_loss(logits, logits.detach().sigmoid()).backward()
    assert logits.grad.abs().max() < 1e-7


def test_unknown_targets_have_no_gradient() -> None:
    logits = torch.randn(3, 2, requires_grad=True)
    loss = graded_loss(logits, torch.full((3, 2), torch.nan))
    loss.backward()
    assert loss == 0
    assert not logits.grad.any()


def test_shapes_must_be_equal() -> None:
    with pytest.raises(ShapeError, match=r"\(2, 3\)"):
        graded_loss(torch.zeros(2, 3), torch.zeros(2))
