"""Rates and weight decay."""

import pytest
import torch

from idennet.learning.training.optimiser import Optimiser


def test_schedules() -> None:
    step = Optimiser(learning_rate=1, schedule="step", step_every=10, step_factor=0.1)
    assert [step.rate(s, 99) for s in (0, 9, 10, 25)] == pytest.approx([1, 1, 0.1, 0.01])
    cosine = Optimiser(learning_rate=1, schedule="cosine", warm_up=4, final_fraction=0.1)
    assert [cosine.rate(s, 104) for s in (0, 3, 4, 54, 104)] == pytest.approx([0.25, 1, 1, 0.55, 0.1])
    assert Optimiser(learning_rate=2).rate(10**6, 1) == 2


def test_weight_decay_is_coupled() -> None:
    network = torch.nn.Linear(1, 1, bias=False)
    weight = network.weight
    torch.nn.init.ones_(weight)
    optimiser = Optimiser(learning_rate=0.1, weight_decay=0.5).build(network)
    weight.grad = torch.zeros(1, 1)
    optimiser.step()  # Adam's first step has the length of the rate, whatever the gradient's size
    assert weight.item() == pytest.approx(0.9)
