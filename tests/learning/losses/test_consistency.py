"""Consistency loss against a loop; no pull where teacher and student agree."""

import math

import pytest
import torch

from idennet.errors import ShapeError
from idennet.learning.losses.consistency import consistency_loss


def test_equals_the_loop_and_only_the_student_has_a_gradient() -> None:
    logits = torch.randn(3, 4, dtype=torch.float64, requires_grad=True)
    expected = torch.rand(3, 4, dtype=torch.float64, requires_grad=True)
    total = 0.0
    for logit, share in zip(logits.detach().ravel().tolist(), expected.ravel().tolist(), strict=True):
        probability = 1 / (1 + math.exp(-logit))
        total -= share * math.log(probability) + (1 - share) * math.log(1 - probability)
    loss = consistency_loss(logits, expected)
    loss.backward()
    assert loss.item() == pytest.approx(total / 12)
    assert expected.grad is None
    torch.testing.assert_close(logits.grad, (logits.sigmoid() - expected).detach() / 12)


def test_there_is_no_pull_where_both_agree() -> None:
    logits = torch.randn(5, 2, requires_grad=True)
    consistency_loss(logits, logits.sigmoid()).backward()
    assert logits.grad.abs().max() < 1e-7


@pytest.mark.parametrize("shape", [(2, 3), (3,), (3, 2, 1)])
def test_tables_must_be_alike(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match="must be"):
        consistency_loss(torch.zeros(3, 2), torch.zeros(shape))
