"""The engine: what is judged, kept, told and averaged."""

import math

import pytest
import torch
from torch import Tensor, nn

from idennet.errors import RecipeError
from idennet.learning.training.engine import Cost, Engine, Lesson, Numbers, Pace, running_mean
from idennet.learning.training.optimiser import Optimiser

CPU = torch.device("cpu")


class Told:
    """Remembers all that a listener hears."""

    def __init__(self) -> None:
        self.begun: list[tuple[str, int, int]] = []
        self.faces = 0
        self.heard: list[tuple[int, Numbers]] = []

    def begin(self, stage: str, step: int, steps: int) -> None:
        self.begun.append((stage, step, steps))

    def advance(self, faces: int) -> None:
        self.faces += faces

    def losses(self, step: int, values: Numbers) -> None:
        self.heard.append((step, values))

    def scores(self, step: int, numbers: Numbers) -> None:
        self.heard.append((step, numbers))


def engine(
    scores: list[float],
    kept: list[Numbers],
    pace: Pace,
    *,
    told: Told | None = None,
    cost_of: Tensor | float = 1.0,
) -> Engine[int]:
    network, coming = nn.Linear(1, 1), iter(scores)

    def cost(prepared: int, step: int) -> Cost:
        assert prepared == 10 * step
        total = network(torch.ones(1, 1)).sum() * cost_of
        return Cost(total, {"odd": total} if step % 2 else {}, faces=5)

    lesson = Lesson(
        prepare=lambda step: 10 * step,
        cost=cost,
        judge=(lambda _: {"score": next(coming)}) if scores else None,
        keep=lambda _, numbers: kept.append(numbers),
    )
    return Engine(network, lesson, Optimiser(), pace, seed=0, device=CPU, listener=told, stage="here")


def test_only_better_networks_are_kept_and_the_first_always() -> None:
    kept: list[Numbers] = []
    engine([math.nan, 0.2, 0.1, math.nan, 0.3, 0.3], kept, Pace(6, 1, 1, 1)).run()
    assert [numbers["step"] for numbers in kept] == [1, 2, 5]


def test_without_a_judge_the_newest_is_kept() -> None:
    kept: list[Numbers] = []
    engine([], kept, Pace(5, 2, 9, 9)).run()
    assert [numbers["step"] for numbers in kept] == [2, 4, 5]


def test_patience_counts_judgements_without_a_better_one() -> None:
    kept: list[Numbers] = []
    engine([0.5, 0.6, 0.4, 0.6, 0.9], kept, Pace(5, 1, 1, 1, patience=2)).run()
    assert [numbers["score"] for numbers in kept] == [0.5, 0.6]


def test_losses_are_told_as_means_since_the_last_time_and_parts_where_they_apply() -> None:
    told = Told()
    engine([0.1, 0.2], [], Pace(6, 4, 100, 3), told=told).run()
    assert told.begun == [("here", 0, 6)]
    assert told.faces == 30
    assert [step for step, _ in told.heard] == [3, 4, 4, 6, 6]
    assert [set(values) for step, values in told.heard if "loss" in values] == [
        {"loss", "odd", "learning_rate"}
    ] * 3
    assert told.heard[2] == (4, {"score": 0.1})


def test_a_loss_that_is_no_number_stops_with_advice() -> None:
    with pytest.raises(RecipeError, match="became nan at step 2 of stage here; lower the learning_rate"):
        engine([], [], Pace(9, 9, 9, 2), cost_of=math.nan).run()


def test_the_running_mean_forgets_its_start_and_covers_buffers() -> None:
    network = nn.BatchNorm1d(1)
    average = running_mean(network, decay=0.5)
    mean, variance = 1.0, 1.0
    for step in range(12):
        with torch.no_grad():
            network.weight.fill_(step)
            network.running_var.fill_(2 * step)
            network.num_batches_tracked += 1
        average.update_parameters(network)
        decay = min(0.5, (1 + step) / (10 + step))
        mean, variance = (
            decay * mean + (1 - decay) * step,
            decay * variance + (1 - decay) * 2 * step,
        )
        assert average.module.weight.item() == pytest.approx(mean)
        assert average.module.running_var.item() == pytest.approx(variance)
    assert average.module.num_batches_tracked == 12
