"""The compiled kernels that this CPU can run."""

import os
from collections.abc import Callable, Iterator

import pytest
import torch

from idennet.models.fastcpu.build import library_path
from idennet.models.fastcpu.library import VARIABLE, Kernels, instruction_sets


@pytest.fixture(params=instruction_sets() or ["none"])
def each_kernels(request: pytest.FixtureRequest) -> Kernels:
    """The library of every instruction set that this CPU supports; no other is loaded."""
    if os.environ.get(VARIABLE) == "torch":
        pytest.skip("IDENNET_KERNELS=torch leaves the kernels out")
    if request.param == "none":
        pytest.skip("this CPU has no AVX2")
    if not library_path(request.param).exists():
        pytest.skip("the kernels are not built")
    return Kernels(request.param)


@pytest.fixture
def threads() -> Iterator[Callable[[int], None]]:
    """Sets the number of threads for the time of the test."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)
