"""Masked AU cross entropy against a loop over labels."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from idennet import masked_au_loss
from idennet.errors import InputError, ShapeError


def loop_loss(logits: Tensor, labels: Tensor, normalizer: str, weight: Tensor | None = None) -> float:
    total, coded = 0.0, 0
    for i in range(logits.shape[0]):
        for j in range(logits.shape[1]):
            if labels[i, j] == -1:
                continue
            coded += 1
            probability = 1 / (1 + math.exp(-logits[i, j].item()))
            factor = 1.0 if weight is None else float(weight[j])
            total -= factor * math.log(probability) if labels[i, j] == 1 else math.log(1 - probability)
    return total / max(coded if normalizer == "valid" else logits.shape[0], 1)


def make(seed: int, faces: int, aus: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(faces, aus, dtype=torch.float64, generator=generator, requires_grad=True)
    return logits, torch.randint(-1, 2, (faces, aus), dtype=torch.int8, generator=generator)


@settings(deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 5), st.integers(1, 4), st.booleans())
def test_equals_the_loop_and_uncoded_labels_have_no_gradient(
    seed: int, faces: int, aus: int, weighted: bool
) -> None:
    logits, labels = make(seed, faces, aus)
    weight = torch.arange(1, aus + 1, dtype=torch.float64) / 2 if weighted else None
    for normalizer in ("valid", "batch"):
        loss = masked_au_loss(logits, labels, normalizer, weight)
        assert loss.item() == pytest.approx(loop_loss(logits, labels, normalizer, weight), abs=1e-12)
        (gradient,) = torch.autograd.grad(loss, logits)
        assert (gradient[labels == -1] == 0).all()
        assert (gradient[labels != -1] != 0).all()


def test_eq_3_is_the_mean_over_faces_and_aus() -> None:
    logits = torch.tensor([[0.0, 2.0]])
    expected = (math.log(2) + math.log(1 + math.exp(2.0))) / 2
    assert masked_au_loss(logits, torch.tensor([[1, 0]])).item() == pytest.approx(expected)


def test_identity_only_faces_dilute_the_released_normalizer_and_not_the_papers() -> None:
    logits, labels = torch.zeros(4, 12), torch.full((4, 12), -1)
    labels[:2] = 1
    assert masked_au_loss(logits, labels).item() == pytest.approx(math.log(2))
    assert masked_au_loss(logits, labels, "batch").item() == pytest.approx(6 * math.log(2))


@pytest.mark.parametrize("normalizer", ["valid", "batch"])
@pytest.mark.parametrize("faces", [0, 3])
def test_nothing_coded_is_zero_with_zero_gradient(normalizer: str, faces: int) -> None:
    logits = torch.randn(faces, 2, requires_grad=True)
    loss = masked_au_loss(logits, torch.full((faces, 2), -1), normalizer)  # type: ignore[arg-type]
    loss.backward()
    assert loss.item() == 0
    assert logits.grad is not None
    assert not logits.grad.any()


def test_an_infinite_logit_of_an_uncoded_label_does_no_harm() -> None:
    logits = torch.tensor([[torch.inf, 0.0]], requires_grad=True)
    loss = masked_au_loss(logits, torch.tensor([[-1, 1]]))
    loss.backward()
    assert loss.item() == pytest.approx(math.log(2))
    assert logits.grad is not None
    assert logits.grad.tolist() == [[0.0, -0.5]]


@pytest.mark.parametrize("label", [2.0, 9.0, 0.5, torch.nan])
def test_other_labels_are_refused(label: float) -> None:
    with pytest.raises(InputError, match="other than 1"):
        masked_au_loss(torch.zeros(1, 2), torch.tensor([[1.0, label]]))


def test_tables_must_fit() -> None:
    with pytest.raises(ShapeError, match="labels"):
        masked_au_loss(torch.zeros(2, 3), torch.zeros(2, 1))
    with pytest.raises(ShapeError, match="Positive weights"):
        masked_au_loss(torch.zeros(2, 3), torch.zeros(2, 3), positive_weight=torch.ones(1))
