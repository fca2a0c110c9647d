"""Threads of our own beside those of PyTorch and OpenCV, and after a fork.

Several workers are quickest when each computes on one core; while only one of them is busy, the kernels of
the trunk compute on all. A process made by a fork lacks the threads of its parent's OpenMP, and would wait
for them for ever; it computes on one core, too.
"""

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

import cv2
import torch

Value = TypeVar("Value")


def cores() -> int:
    """Return on how many cores this thread may compute, as PyTorch counts them."""
    return torch.get_num_threads()


def share() -> int:
    """Return on how many cores kernels of this thread may compute: a busy worker's share of all."""
    return max(torch.get_num_threads(), _single_core.share() if _here.is_worker else 1)


def worker() -> Executor:
    """Return one more thread in which PyTorch computes on one core; it ends when nobody holds it any more."""
    return _Workers(1)


@contextmanager
def workers(count: int) -> Iterator[Executor]:
    """Yield a pool of threads in each of which PyTorch and OpenCV compute on one core.

    At the end, what has not begun is cancelled, what has begun is awaited, and PyTorch and OpenCV get back
    the threads that they had.
    """
    _single_core.enter()
    pool = _Workers(count)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)
        _single_core.leave()


class _Here(threading.local):
    is_worker = False


_here = _Here()


class _Workers(ThreadPoolExecutor):
    """Threads that count as busy while they do what was submitted."""

    def __init__(self, count: int) -> None:
        super().__init__(count, "idennet", initializer=_begin_worker)

    def submit(self, step: Callable[..., Value], /, *args: Any, **named: Any) -> Future[Value]:
        return super().submit(_single_core.do, step, *args, **named)


def _begin_worker() -> None:
    torch.set_num_threads(1)
    _here.is_worker = True


class _SingleCore:
    """Keeps the threads that PyTorch and OpenCV had before the first of several pools, and who is busy."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pools = 0
        self._busy = 0
        self._before = (1, 1)

    def do(self, step: Callable[..., Value], *args: Any, **named: Any) -> Value:
        with self._lock:
            self._busy += 1
        try:
            return step(*args, **named)
        finally:
            with self._lock:
                self._busy -= 1

    def share(self) -> int:
        with self._lock:
            return self._before[0] // max(self._busy, 1)

    def enter(self) -> None:
        with self._lock:
            if self._pools == 0:
                self._before = torch.get_num_threads(), cv2.getNumThreads()
                cv2.setNumThreads(1)
            self._pools += 1

    def leave(self) -> None:
        with self._lock:
            self._pools -= 1
            if self._pools == 0:
                torch.set_num_threads(self._before[0])
                cv2.setNumThreads(self._before[1])


_single_core = _SingleCore()


def _after_fork() -> None:
    global _single_core
    _single_core = _SingleCore()
    torch.set_num_threads(1)


if hasattr(os, "register_at_fork"):  # Windows has no fork
    os.register_at_fork(after_in_child=_after_fork)
