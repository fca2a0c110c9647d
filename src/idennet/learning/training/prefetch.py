"""Batches prepared ahead, in threads: possible in any order because a batch is a function of its step."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Prepared = TypeVar("Prepared")


def prefetch(prepare: Callable[[int], Prepared], steps: range, workers: int) -> Iterator[Prepared]:
    """Yield `prepare(step)` for each step in order, `workers` of them being prepared at any time."""
    with ThreadPoolExecutor(workers) as pool:
        waiting: deque[Future[Prepared]] = deque()
        try:
            for step in steps:
                waiting.append(pool.submit(prepare, step))
                if len(waiting) > workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
