"""Workers compute on one core each; kernels of the only busy one share the cores."""

from collections.abc import Iterator
from threading import Barrier

import pytest
import torch

from idennet.models.threads import share, worker, workers


@pytest.fixture(autouse=True)
def two_cores() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_the_only_busy_worker_has_all_cores_for_its_kernels() -> None:
    together = Barrier(2)

    def with_another() -> tuple[int, int]:
        together.wait()
        mine = share()
        together.wait()
        return torch.get_num_threads(), mine

    with workers(2) as pool:
        assert pool.submit(share).result() == 2
        both = [pool.submit(with_another) for _ in range(2)]
        assert [each.result() for each in both] == [(1, 1)] * 2
        assert pool.submit(share).result() == 2


def test_one_more_worker_counts_as_busy() -> None:
    begun, seen = Barrier(2), Barrier(2)

    def wait() -> None:
        begun.wait()
        seen.wait()

    with workers(1) as pool:
        beside = worker().submit(wait)
        begun.wait()
        assert pool.submit(share).result() == 1
        seen.wait()
        beside.result()


def test_a_step_that_fails_is_busy_no_longer() -> None:
    with workers(1) as pool:
        with pytest.raises(ZeroDivisionError):
            pool.submit(lambda: 1 / 0).result()
        assert pool.submit(share).result() == 2


def test_outside_of_workers_kernels_have_what_pytorch_has() -> None:
    assert share() == 2
