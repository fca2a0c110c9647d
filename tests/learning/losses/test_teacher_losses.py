"""Losses by a teacher: brute force, silence where nothing is taught, constants of a person are nothing."""

import math

import pytest
import torch

from idennet.errors import ShapeError
from idennet.learning.losses.teacher import taught_au_loss, within_person_loss

NAN = float("nan")


def cross_entropy(logit: float, target: float) -> float:
    prob = 1 / (1 + math.exp(-logit))
    return -target * math.log(prob) - (1 - target) * math.log(1 - prob)


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


@pytest.fixture
def faces() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    logits = torch.randn(6, 4, generator=generator, dtype=torch.float64)
    teacher = 2 * torch.randn(6, 4, generator=generator, dtype=torch.float64)
    teacher[1, 2] = teacher[4, 0] = NAN
    weights = torch.rand(6, 4, generator=generator, dtype=torch.float64)
    weights[:, 3] = 0
    return logits, teacher, weights


def test_soft_targets_agree_with_brute_force(faces: tuple[torch.Tensor, ...]) -> None:
    logits, teacher, weights = faces
    total = norm = 0.0
    for face in range(6):
        for au in range(4):
            if not math.isnan(teacher[face, au]):
                weight = float(weights[face, au])
                total += weight * cross_entropy(float(logits[face, au]), sigmoid(teacher[face, au]))
                norm += weight
    assert float(taught_au_loss(logits, teacher, weights)) == pytest.approx(total / norm, rel=1e-12)


def test_differences_within_a_person_agree_with_brute_force(faces: tuple[torch.Tensor, ...]) -> None:
    logits, teacher, weights = faces
    pairs = torch.tensor([[0, 1], [2, 3], [5, 4]])
    total = norm = 0.0
    for one, other in pairs.tolist():
        for au in range(4):
            taught = float(teacher[one, au] - teacher[other, au])
            if not math.isnan(taught):
                said = float(logits[one, au] - logits[other, au])
                weight = float(weights[one, au] + weights[other, au]) / 2
                total += weight * cross_entropy(said, sigmoid(taught))
                norm += weight
    assert float(within_person_loss(logits, teacher, pairs, weights)) == pytest.approx(
        total / norm, rel=1e-12
    )


def test_a_constant_of_a_person_changes_no_difference(faces: tuple[torch.Tensor, ...]) -> None:
    logits, teacher, weights = faces
    pairs = torch.tensor([[0, 1], [2, 3], [4, 5]])
    person = torch.randn(3, 4, dtype=torch.float64).repeat_interleave(2, dim=0)
    plain = within_person_loss(logits, teacher, pairs, weights)
    assert within_person_loss(logits + person, teacher, pairs, weights).allclose(plain)
    assert within_person_loss(logits, teacher - 3 * person, pairs, weights).allclose(plain)


def test_gradient_vanishes_where_network_and_teacher_agree(faces: tuple[torch.Tensor, ...]) -> None:
    _, teacher, weights = faces
    pairs = torch.tensor([[0, 2], [3, 5]])
    agreeing = teacher.nan_to_num().clone().requires_grad_()
    (
        taught_au_loss(agreeing, teacher, weights) + within_person_loss(agreeing, teacher, pairs, weights)
    ).backward()
    assert agreeing.grad is not None
    assert agreeing.grad.abs().max() < 1e-12


def test_what_is_not_taught_has_no_gradient(faces: tuple[torch.Tensor, ...]) -> None:
    logits, teacher, weights = faces
    logits.requires_grad_()
    loss = taught_au_loss(logits, teacher, weights)
    loss = loss + within_person_loss(logits, teacher, torch.tensor([[1, 0], [4, 5]]), weights)
    loss.backward()
    assert logits.grad is not None
    assert not logits.grad[:, 3].any()  # weight 0
    assert logits.grad[1, 2] == logits.grad[4, 0] == 0  # the teacher is silent
    assert logits.grad.isfinite().all()


def test_nothing_taught_costs_nothing(faces: tuple[torch.Tensor, ...]) -> None:
    logits, teacher, weights = faces
    silent = torch.full_like(teacher, NAN)
    logits.requires_grad_()
    loss = taught_au_loss(logits, silent, weights)
    loss = loss + within_person_loss(logits, teacher, torch.empty(0, 2, dtype=torch.int64), weights)
    loss.backward()
    assert loss == 0
    assert not logits.grad.any()  # type: ignore[union-attr]


def test_tables_that_do_not_fit_are_refused(faces: tuple[torch.Tensor, ...]) -> None:
    logits, teacher, weights = faces
    with pytest.raises(ShapeError, match="both must be"):
        taught_au_loss(logits, teacher[:3], weights)
    with pytest.raises(ShapeError, match="one for each of the logits"):
        taught_au_loss(logits, teacher, weights[:2])
    with pytest.raises(ShapeError, match="two rows"):
        within_person_loss(logits, teacher, torch.tensor([0, 1]), weights)
