"""The loop that all compared networks share: draw, look, step; now and then judge, keep the best, save.

Everything random is a function of the seed and the step, so an interrupted fit ends where an uninterrupted
one does. IdenNet and LightCNN have the loop of `training`, with two losses; here is one number to lower.
"""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
import safetensors.torch
import torch
from torch import Tensor, nn

from idennet.errors import RecipeError
from idennet.files import write_bytes, write_text
from idennet.learning.training.checkpoint import (
    Progress,
    load_checkpoint,
    load_optimiser,
    optimiser_tensors,
    save_checkpoint,
)
from idennet.learning.training.optimiser import Optimiser
from idennet.learning.training.prefetch import prefetch
from idennet.research.benchmark.systems.contract import Budget
from idennet.research.benchmark.systems.sgd import Sgd

FITTED, CURVE = "fitted.safetensors", "curve.jsonl"
"""Of a fit's folder: the best weights, there when the fit is complete, and what was measured on the way."""

LAST, BEST = "last.safetensors", "best.safetensors"
"""There while it is under way: the state to continue from, and the best weights so far."""

Prepared = TypeVar("Prepared")


def take_steps(
    network: nn.Module,
    *,
    prepare: Callable[[int], Prepared],
    loss: Callable[[Prepared, int], Tensor],
    judge: Callable[[], float] | None,
    budget: Budget,
    optimiser: Optimiser | Sgd | None,
    folder: Path,
    device: torch.device,
) -> None:
    """Train a network; afterwards it has its best weights and is in evaluation mode.

    A folder in which all steps were taken before gives those weights at once; one with some of them goes on.

    Args:
        network: On its device; changed in place.
        prepare: Returns the batch of a step, a pure function of it; called in a thread, ahead of time.
        loss: Returns the scalar to lower, from what `prepare` gave and the step.
        judge: Returns the number to make large, with the network in evaluation mode and no gradients; None
            keeps the last weights.
        budget: How many steps, validations, and the seed.
        optimiser: None is `common_optimiser(budget)`.
        folder: Gets `fitted.safetensors` at the end, and `curve.jsonl` (loss and judgement by step).
        device: Of the network.

    Raises:
        RecipeError: The loss is no longer a number.
    """
    last, best, fitted = folder / LAST, folder / BEST, folder / FITTED
    if not fitted.is_file():
        settings = optimiser or common_optimiser(budget)
        _take_all(network, prepare, loss, judge, budget, settings, folder, device)
        best.replace(fitted)
    last.unlink(missing_ok=True)
    network.load_state_dict(safetensors.torch.load_file(fitted, device=str(device)))
    network.eval()


def common_optimiser(budget: Budget, rate_factor: float = 1.0) -> Optimiser:
    """Return what all networks are compared with: Adam, a short rise, then half a cosine down to zero."""
    return Optimiser(
        learning_rate=rate_factor * budget.learning_rate,
        schedule="cosine",
        warm_up=max(1, budget.steps // 20),
        clip_norm=5.0,
    )


def _take_all(
    network: nn.Module,
    prepare: Callable[[int], Prepared],
    loss: Callable[[Prepared, int], Tensor],
    judge: Callable[[], float] | None,
    budget: Budget,
    settings: Optimiser | Sgd,
    folder: Path,
    device: torch.device,
) -> None:
    last = folder / LAST
    solver = _build(settings, network)
    progress = Progress(stage="fit")
    if last.is_file():
        state, progress = load_checkpoint(last)
        network.load_state_dict(state["network"])
        load_optimiser(solver, state.get("optimiser", {}))
    curve = _curve_until(folder / CURVE, progress.step)
    validate_every = max(1, math.ceil(budget.steps / budget.validations))
    losses: list[Tensor] = []
    network.train()
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        for prepared in prefetch(prepare, range(progress.step, budget.steps), workers=1):
            torch.manual_seed(int(np.random.SeedSequence((budget.seed, progress.step)).generate_state(1)[0]))
            losses.append(_step(network, solver, settings, loss, prepared, progress.step, budget.steps))
            progress.step += 1
            if progress.step % validate_every and progress.step != budget.steps:
                continue
            record = {"step": progress.step, "loss": _mean(losses, progress.step)}
            losses.clear()
            score = float(progress.step)
            if judge is not None:
                record["score"] = score = _judged(network, judge)
            curve.append(json.dumps(record))
            if score > progress.best_score or progress.best_step < 0:
                progress.best_score, progress.best_step = score, progress.step
                _save_network(network, folder / BEST)
            write_text(folder / CURVE, "\n".join(curve) + "\n")
            if progress.step < budget.steps:
                groups = {"network": network.state_dict(), "optimiser": optimiser_tensors(solver)}
                save_checkpoint(last, groups, progress)


def _build(settings: Optimiser | Sgd, network: nn.Module) -> torch.optim.Optimizer:
    if isinstance(settings, Sgd):
        return settings.build(network)
    return settings.build(parameter for parameter in network.parameters() if parameter.requires_grad)


def _step(
    network: nn.Module,
    solver: torch.optim.Optimizer,
    settings: Optimiser | Sgd,
    loss: Callable[[Prepared, int], Tensor],
    prepared: Prepared,
    step: int,
    steps: int,
) -> Tensor:
    for group in solver.param_groups:
        group["lr"] = settings.rate(step, steps) * group.get("factor", 1.0)
    cost = loss(prepared, step)
    solver.zero_grad()
    cost.backward()
    if settings.clip_norm is not None:
        nn.utils.clip_grad_norm_(network.parameters(), settings.clip_norm)
    solver.step()
    return cost.detach()


def _mean(losses: list[Tensor], step: int) -> float:
    mean = float(torch.stack(losses).mean())
    if not math.isfinite(mean):
        raise RecipeError(f"The loss became {mean} at step {step}; lower budget.learning_rate.")
    return mean


def _judged(network: nn.Module, judge: Callable[[], float]) -> float:
    network.eval()
    with torch.inference_mode():
        score = judge()
    network.train()
    return score if math.isfinite(score) else float("-inf")


def _save_network(network: nn.Module, path: Path) -> None:
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    write_bytes(path, safetensors.torch.save(tensors))


def _curve_until(path: Path, step: int) -> list[str]:
    """Return the lines of a curve that an interrupted fit will not write again."""
    lines = path.read_text().splitlines() if path.is_file() else []
    return [line for line in lines if json.loads(line)["step"] <= step]
