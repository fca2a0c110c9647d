"""Threads of our own beside those of PyTorch and OpenCV, and after a fork.

Several workers are quickest when each computes on one core. A process made by a fork lacks the threads of
its parent's OpenMP, and would wait for them for ever; it computes on one core, too.
"""

import os
import threading
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager

import cv2
import torch


def cores() -> int:
    """Return on how many cores this thread may compute, as PyTorch counts them."""
    return torch.get_num_threads()


@contextmanager
def workers(count: int) -> Iterator[Executor]:
    """Yield a pool of threads in each of which PyTorch and OpenCV compute on one core.

    At the end, what has not begun is cancelled, what has begun is awaited, and PyTorch and OpenCV get back
    the threads that they had.
    """
    _single_core.enter()
    pool = ThreadPoolExecutor(count, "idennet", initializer=torch.set_num_threads, initargs=(1,))
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)
        _single_core.leave()


class _SingleCore:
    """Keeps the threads that PyTorch and OpenCV had before the first of several pools."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pools = 0
        self._before = (1, 1)

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
