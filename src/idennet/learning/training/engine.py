"""The engine of every training here: draw, compare, step; now and then judge, keep the best, save.

What is random is a function of the seed and the step, so a training that was interrupted ends where an
uninterrupted one does. Recipes, compared systems, the landmark network and the benchmarks bring a `Lesson`.
"""

import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from idennet.errors import RecipeError
from idennet.learning.training import distributed
from idennet.learning.training.checkpoint import (
    Counters,
    State,
    load_optimiser,
    optimiser_tensors,
    save_checkpoint,
)
from idennet.learning.training.prefetch import prefetch

Prepared = TypeVar("Prepared")
Numbers = dict[str, float]
Tensors = tuple[Tensor, ...] | list[Tensor]


@dataclass(frozen=True)
class Cost:
    """What one batch costs: the number to lower, the parts that are reported beside it, and its size."""

    total: Tensor
    parts: Mapping[str, Tensor] = field(default_factory=dict)
    faces: int = 0


class Memory(Protocol):
    """State of a lesson that a checkpoint must hold."""

    def state(self) -> dict[str, Tensor]:
        """Return the tensors to save."""

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Take back what `state` returned."""


@dataclass(frozen=True)
class Lesson(Generic[Prepared]):
    """What a network learns.

    Attributes:
        prepare: Returns the batch of a step, a pure function of it; called in threads, ahead of time.
        cost: Returns what that batch costs, with gradients; given what `prepare` gave, and the step.
        judge: Returns named numbers of a network in evaluation mode, `score` among them, which is to become
            large. None: the newest weights are the best.
        keep: Called with a network and its numbers (`score` and `step` among them) if it is the best so far.
        memory: State that a checkpoint must hold, if there is any.
    """

    prepare: Callable[[int], Prepared]
    cost: Callable[[Prepared, int], Cost]
    judge: Callable[[nn.Module], Numbers] | None
    keep: Callable[[nn.Module, Numbers], None]
    memory: Memory | None = None


@dataclass(frozen=True)
class Pace:
    """How long a training is, and every how many steps something is done.

    Attributes:
        steps: Length.
        validate_every: Steps from one judgement to the next; the last step is judged too.
        checkpoint_every: Steps from one checkpoint to the next; every judgement is followed by one too.
        record_every: Steps over which reported losses are averaged, unless a checkpoint comes first.
        patience: Judgements without a better one before the end; None: never.
    """

    steps: int
    validate_every: int
    checkpoint_every: int
    record_every: int
    patience: int | None = None


class OptimiserSettings(Protocol):
    """An optimiser whose rate is a plain function of the step."""

    clip_norm: float | None
    """Largest norm of the gradients; None: any."""

    def rate(self, step: int, steps: int) -> float:
        """Return the learning rate of a step (from 0) of a training that is `steps` long."""

    def build(self, network: nn.Module) -> torch.optim.Optimizer:
        """Return the optimiser; a group's `factor` multiplies the rate."""


class Listener(Protocol):
    """Hears how a training goes."""

    def begin(self, stage: str, step: int, steps: int) -> None:
        """Hear that steps from `step` on come now; forget what was reported about later ones."""

    def advance(self, faces: int) -> None:
        """Hear of one more step, on so many faces."""

    def losses(self, step: int, values: Numbers) -> None:
        """Hear the mean losses since the last time, `loss` first, and the `learning_rate`."""

    def scores(self, step: int, numbers: Numbers) -> None:
        """Hear the numbers of a judgement."""


class Engine(Generic[Prepared]):
    """Trains a network on a lesson.

    Args:
        network: On its device; changed in place.
        lesson: What it learns.
        optimiser: How it steps.
        pace: When something is done.
        seed: Names all randomness, also of dropout.
        device: Of the network.
        checkpoint: File for the state to continue from; None keeps none.
        listener: Hears about losses and scores; None: nobody.
        stage: Name in the checkpoint.
        average: Running mean of the network's weights, from `running_mean`: judged and kept in its place.
        scale_loss: Scale the loss against underflow, as float16 needs.
    """

    def __init__(
        self,
        network: nn.Module,
        lesson: Lesson[Prepared],
        optimiser: OptimiserSettings,
        pace: Pace,
        *,
        seed: int,
        device: torch.device,
        checkpoint: Path | None = None,
        listener: Listener | None = None,
        stage: str = "fit",
        average: AveragedModel | None = None,
        scale_loss: bool = False,
    ) -> None:
        self._network, self._lesson, self._settings, self._pace = network, lesson, optimiser, pace
        self._seed, self._device, self._checkpoint = seed, device, checkpoint
        self._listener, self._average = listener, average
        self._parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
        self._solver = optimiser.build(network)
        self._scaler = torch.amp.GradScaler(device.type, enabled=scale_loss)
        self._counters = Counters(stage)
        self._costs: list[Cost] = []

    def restore(self, state: State, counters: Counters) -> None:
        """Continue from a checkpoint."""
        self._network.load_state_dict(state["network"])
        load_optimiser(self._solver, state.get("optimiser", {}))
        if self._average is not None:
            self._average.load_state_dict(state["average"])
        if self._lesson.memory is not None:
            self._lesson.memory.load_state(state["memory"])
        self._scaler.load_state_dict(counters.scaler)
        self._counters = counters

    def run(self) -> None:
        """Train to the end, or until judgements have stopped getting better.

        Raises:
            RecipeError: The loss is no longer a number.
        """
        pace, counters = self._pace, self._counters
        if self._listener is not None:
            self._listener.begin(counters.stage, counters.step, pace.steps)
        steps = range(pace.steps if counters.finished else counters.step, pace.steps)
        on_cuda = self._device.type == "cuda"
        workers = min(os.cpu_count() or 1, 16) if on_cuda else 1
        self._network.train()
        with torch.random.fork_rng(devices=[self._device] if on_cuda else []):
            for prepared in prefetch(self._lesson.prepare, steps, workers):
                self._step(prepared)
                validating = counters.step % pace.validate_every == 0 or counters.step == pace.steps
                saving = validating or counters.step % pace.checkpoint_every == 0
                if saving or counters.step % pace.record_every == 0:
                    self._record()
                if validating:
                    self._validate()
                counters.finished = counters.step == pace.steps or self._is_stalled()
                if saving:
                    self._save()
                if counters.finished:
                    break

    def _step(self, prepared: Prepared) -> None:
        """Take one step of the optimiser on one batch."""
        step, solver = self._counters.step, self._solver
        torch.manual_seed(step_seed(self._seed, step))
        for group in solver.param_groups:
            group["lr"] = self._settings.rate(step, self._pace.steps) * group.get("factor", 1.0)
        cost = self._lesson.cost(prepared, step)
        solver.zero_grad()
        self._scaler.scale(cost.total).backward()
        distributed.sum_gradients(self._parameters)
        self._scaler.unscale_(solver)
        if self._settings.clip_norm is not None:
            nn.utils.clip_grad_norm_(self._parameters, self._settings.clip_norm)
        self._scaler.step(solver)
        self._scaler.update()
        if self._average is not None:
            self._average.update_parameters(self._network)
        parts = {name: part.detach() for name, part in cost.parts.items()}
        self._costs.append(Cost(cost.total.detach(), parts))
        self._counters.step += 1
        if self._listener is not None:
            self._listener.advance(cost.faces)

    def _record(self) -> None:
        """Tell the mean losses since the last record; batches of different kinds have different parts."""
        values = {"loss": _mean([cost.total for cost in self._costs])}
        for name in sorted({name for cost in self._costs for name in cost.parts}):
            values[name] = _mean([cost.parts[name] for cost in self._costs if name in cost.parts])
        self._costs.clear()
        step = self._counters.step
        if not math.isfinite(values["loss"]):
            raise RecipeError(
                f"The loss became {values['loss']} at step {step} of stage {self._counters.stage}; "
                "lower the learning_rate or set optimiser.clip_norm."
            )
        if self._listener is not None:
            rate = self._settings.rate(step - 1, self._pace.steps)
            self._listener.losses(step, {**values, "learning_rate": rate})

    def _validate(self) -> None:
        """Judge the network and keep it if it is the best so far."""
        counters = self._counters
        numbers = {"score": float(counters.step)}
        if distributed.is_first():
            judged = self._network if self._average is None else self._average.module
            if self._lesson.judge is not None:
                with torch.inference_mode():
                    numbers = self._lesson.judge(judged.eval())
                if self._listener is not None:
                    self._listener.scores(counters.step, numbers)
            if self._is_better(numbers["score"]):
                self._lesson.keep(judged, {**numbers, "step": float(counters.step)})
            self._network.train()
        score = distributed.from_first(numbers["score"], self._device)
        counters.since_best += 1
        if self._is_better(score):
            counters.best_score = score if math.isfinite(score) else float("-inf")
            counters.best_step, counters.since_best = counters.step, 0

    def _is_better(self, score: float) -> bool:
        """Return whether a score is the best so far; the first one is, even if it is not a number."""
        return score > self._counters.best_score or self._counters.best_step < 0

    def _is_stalled(self) -> bool:
        patience = self._pace.patience
        return patience is not None and self._counters.since_best >= patience

    def _save(self) -> None:
        if self._checkpoint is None or not distributed.is_first():
            return
        state: State = {"network": self._network.state_dict(), "optimiser": optimiser_tensors(self._solver)}
        if self._average is not None:
            state["average"] = self._average.state_dict()
        if self._lesson.memory is not None:
            state["memory"] = self._lesson.memory.state()
        self._counters.scaler = self._scaler.state_dict()
        save_checkpoint(self._checkpoint, state, self._counters)


def step_seed(seed: int, step: int) -> int:
    """Return the seed of all that is random in a step."""
    return int(np.random.SeedSequence((seed, step)).generate_state(1)[0])


def running_mean(network: nn.Module, decay: float) -> AveragedModel:
    """Return a running mean of a network's weights; its decay rises with the steps, to forget the start."""

    @torch.no_grad()
    def move(means: Tensors, values: Tensors, count: Tensor | int) -> None:
        towards = 1 - min(decay, int(count) / (9 + int(count)))
        for mean, value in zip(means, values, strict=True):
            if mean.is_floating_point():
                mean.lerp_(value, towards)
            else:
                mean.copy_(value)

    average = AveragedModel(network, multi_avg_fn=move, use_buffers=True)
    average.update_parameters(network)  # the first weights are the first of the mean
    return average


def _mean(values: list[Tensor]) -> float:
    return float(torch.stack(values).mean())
