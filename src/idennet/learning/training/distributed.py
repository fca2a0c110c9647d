"""Several processes as one: each reads its share of every batch, and the gradients equal one process's.

Triplets join faces of all shares, so averaging gradients of separate losses would be another training.
Instead every process gathers all outputs, computes the loss of the whole batch, and lets gradients flow
into its own share only; the sum over processes is then exactly the gradient of the whole batch.
Started by torchrun (it sets RANK and WORLD_SIZE); alone, everything here is a no-op.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
import torch.distributed as dist
from torch import Tensor, nn


@contextmanager
def process_group(device: torch.device) -> Iterator[None]:
    """Join the group that torchrun prepared for as long as the block lasts, if there is one."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1 or dist.is_initialized():
        yield
        return
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield
    finally:
        dist.destroy_process_group()


def local_rank() -> int:
    """Return which device of this machine is this process's."""
    return int(os.environ.get("LOCAL_RANK", "0"))


def world_size() -> int:
    """Return the number of processes."""
    return dist.get_world_size() if dist.is_initialized() else 1


def is_first() -> bool:
    """Return whether this process writes the files and prints."""
    return not dist.is_initialized() or dist.get_rank() == 0


def share(count: int) -> slice:
    """Return which of `count` faces are this process's: contiguous, sizes differing by at most one."""
    if not dist.is_initialized():
        return slice(0, count)
    return _bounds(count)[dist.get_rank()]


def gather(outputs: Tensor, count: int) -> Tensor:
    """Return the (count, ...) outputs of all processes, with a gradient into this process's rows only."""
    if not dist.is_initialized():
        return outputs
    bounds = _bounds(count)
    longest = bounds[0].stop
    padded = outputs.new_zeros(longest, *outputs.shape[1:])
    padded[: len(outputs)] = outputs.detach()
    parts = [torch.empty_like(padded) for _ in bounds]
    dist.all_gather(parts, padded)
    rows = [part[: bound.stop - bound.start] for part, bound in zip(parts, bounds, strict=True)]
    rows[dist.get_rank()] = outputs
    return torch.cat(rows)


def sum_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Replace each parameter's gradient by the sum over processes; absent ones stay absent."""
    if not dist.is_initialized():
        return
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    dist.all_reduce(flat)
    for gradient, summed in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
        gradient.copy_(summed.view_as(gradient))


def from_first(value: float, device: torch.device) -> float:
    """Return the first process's value in all of them."""
    if not dist.is_initialized():
        return value
    box = torch.tensor([value], dtype=torch.float64, device=device)
    dist.broadcast(box, 0)
    return float(box.item())


def wait() -> None:
    """Wait until all processes are here."""
    if dist.is_initialized():
        dist.barrier()


def _bounds(count: int) -> list[slice]:
    sizes = [len(part) for part in torch.arange(count).tensor_split(dist.get_world_size())]
    ends = torch.tensor(sizes).cumsum(0).tolist()
    return [slice(end - size, end) for size, end in zip(sizes, ends, strict=True)]
