"""Where networks compute: the CPU, or one of the CUDA devices of this machine."""

import torch

from idennet.errors import InputError


def choose_device(name: str, process: int = 0) -> torch.device:
    """Return the device of a name such as `auto`, `cpu`, `cuda` or `cuda:1`.

    Args:
        name: `auto` is CUDA where there is any, else the CPU.
        process: Number of this process on the machine: which CUDA device a name without number means.

    Raises:
        InputError: There is no such device here.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise InputError(f"There is no device {name!r}; use auto, cpu, cuda or cuda:1.") from error
    if device.type == "cpu":
        return device
    number = process if device.index is None else device.index
    if device.type != "cuda" or number >= torch.cuda.device_count():
        raise InputError(f"This machine has no device {name!r}; use auto or cpu.")
    device = torch.device("cuda", number)
    torch.cuda.set_device(device)
    return device
