"""How all compared networks are fitted: one number to lower, the engine of `training`, a folder to go on in.

IdenNet and LightCNN have the recipes of `training`, with two losses.
"""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import safetensors.torch
import torch
from torch import Tensor, nn

from idennet.files import write_bytes, write_text
from idennet.learning.training.checkpoint import load_checkpoint
from idennet.learning.training.engine import Cost, Engine, Lesson, Numbers, Pace
from idennet.learning.training.optimiser import Optimiser
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
        every = max(1, math.ceil(budget.steps / budget.validations))
        engine = Engine(
            network,
            Lesson(
                prepare,
                lambda prepared, step: Cost(loss(prepared, step)),
                None if judge is None else lambda _: {"score": judge()},
                lambda judged, _: write_bytes(best, safetensors.torch.save(_tensors(judged))),
            ),
            optimiser or common_optimiser(budget),
            Pace(budget.steps, validate_every=every, checkpoint_every=every, record_every=every),
            seed=budget.seed,
            device=device,
            checkpoint=last,
            listener=Curve(folder / CURVE),
        )
        if last.is_file():
            engine.restore(*load_checkpoint(last))
        engine.run()
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


class Curve:
    """A `Listener` that writes one JSON line a judgement: step, mean loss since the one before, score."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._records: dict[int, Numbers] = {}

    def begin(self, stage: str, step: int, steps: int) -> None:
        """Read what an interrupted fit wrote up to a step."""
        lines = self._path.read_text().splitlines() if self._path.is_file() else []
        records = [json.loads(line) for line in lines]
        self._records = {record.pop("step"): record for record in records if record["step"] <= step}

    def advance(self, faces: int) -> None:
        """Nothing is shown step by step."""

    def losses(self, step: int, values: Numbers) -> None:
        """Write the loss."""
        self._write(step, "loss", values["loss"])

    def scores(self, step: int, numbers: Numbers) -> None:
        """Write the score beside it."""
        self._write(step, "score", numbers["score"])

    def _write(self, step: int, name: str, value: float) -> None:
        self._records.setdefault(step, {})[name] = value
        lines = [json.dumps({"step": step, **record}) for step, record in self._records.items()]
        write_text(self._path, "\n".join(lines) + "\n")


def _tensors(network: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
