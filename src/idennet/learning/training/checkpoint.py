"""The state of an interrupted training in one safetensors file: tensors, and counters in its header.

There is no state of random generators to keep: batches, augmentation and mining are functions of the seed
and the step. The file is replaced in one move, so a kill leaves the old or the new one, never half of one.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from idennet.errors import WeightsError
from idennet.files import write_bytes

State = dict[str, dict[str, Tensor]]
"""Groups of tensors by their names, such as `{"network": network.state_dict()}`."""


@dataclass
class Counters:
    """Where a training is: the stage, its next step, its best judgement so far, the loss scale."""

    stage: str
    step: int = 0
    best_score: float = float("-inf")
    best_step: int = -1
    since_best: int = 0
    finished: bool = False
    scaler: dict[str, float] = field(default_factory=dict)


def save_checkpoint(path: Path, groups: Mapping[str, Mapping[str, Tensor]], counters: Counters) -> None:
    """Write groups of tensors and the counters."""
    tensors = {
        f"{group}/{name}": tensor.detach().cpu().contiguous().clone()
        for group, members in groups.items()
        for name, tensor in members.items()
    }
    write_bytes(path, save(tensors, metadata={"counters": json.dumps(asdict(counters))}))


def load_checkpoint(path: Path) -> tuple[State, Counters]:
    """Return what `save_checkpoint` wrote.

    Raises:
        WeightsError: The file is damaged or none of this program's.
    """
    groups: State = {}
    try:
        with safe_open(path, framework="pt") as file:
            counters = Counters(**json.loads(file.metadata()["counters"]))
            for key in file.keys():  # noqa: SIM118 - no mapping
                group, _, name = key.partition("/")
                groups.setdefault(group, {})[name] = file.get_tensor(key)
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise WeightsError(f"{path} is no training state ({error}); begin anew with --fresh.") from error
    return groups, counters


def optimiser_tensors(optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Return an optimiser's state, one tensor for each parameter number and name, such as `3.exp_avg`."""
    state = optimiser.state_dict()["state"]
    return {f"{number}.{name}": value for number, slots in state.items() for name, value in slots.items()}


def load_optimiser(optimiser: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Put back what `optimiser_tensors` returned, each tensor in the memory format of its parameter.

    Files hold contiguous tensors, and fused optimisers pair the memory of a parameter with that of its state,
    whatever the strides of either say: with others, channels last say, moments would change places.
    """
    slots: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        number, _, name = key.partition(".")
        slots.setdefault(int(number), {})[name] = value
    optimiser.load_state_dict({**optimiser.state_dict(), "state": slots})
    for parameter, state in optimiser.state.items():
        for name, value in state.items():
            if value.shape == parameter.shape:
                state[name] = torch.empty_like(parameter, dtype=value.dtype).copy_(value)
