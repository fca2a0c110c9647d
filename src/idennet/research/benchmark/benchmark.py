"""Run a grid: one process a job, several side by side; what fails is reported and the others finish.

A process for each fit costs a few seconds of imports and buys isolation: whatever happens in it, even a kill
for want of memory, ends that fit only, and its memory is given back.
"""

import multiprocessing
import os
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from pathlib import Path

import torch

from idennet.errors import InputError
from idennet.learning.data.store import FaceStore
from idennet.learning.evaluation.protocols import Protocol
from idennet.research.benchmark.grid import GridSettings, Job, Run, group_by_fit, plan_runs, warnings_of
from idennet.research.benchmark.job import run_job
from idennet.research.benchmark.runs import RUNS, is_finished, read_record
from idennet.research.benchmark.systems.contract import System

REFRESH_SECONDS = 20
"""Seconds between two estimates of the remaining time."""


@dataclass(frozen=True)
class Failure:
    """A job that ended without all its results.

    Attributes:
        runs: Those that are missing now.
        reason: The last line of the log.
        log: Everything that the job printed.
    """

    runs: tuple[Run, ...]
    reason: str
    log: Path


@dataclass(frozen=True)
class GridState:
    """Where a grid stands.

    Attributes:
        done: Runs with results.
        failed: Runs that will have none this time.
        total: All runs.
        remaining: Seconds until the end, from what fits of the same system cost so far; None: not known.
        news: Runs that have just ended; most often none.
        running: One phrase for each job under way.
    """

    done: int
    failed: int
    total: int
    remaining: float | None
    news: tuple[Run, ...]
    running: tuple[str, ...]


def run_benchmark(
    systems: Sequence[System],
    protocols: Sequence[Protocol],
    stores: Sequence[FaceStore],
    results: Path,
    *,
    identities: Sequence[FaceStore] = (),
    settings: GridSettings | None = None,
    workers: int | None = None,
    device: str = "auto",
    tell: Callable[[GridState], None] = lambda progress: None,
    warn: Callable[[str], None] = lambda sentence: None,
) -> list[Failure]:
    """Fit and judge every system on every fold of every protocol with every seed.

    Runs whose results are there are not repeated; a fit that was interrupted continues.

    Args:
        systems: Their budgets' seeds are replaced by those of the settings.
        protocols: What they are judged by.
        stores: Of all corpora that the protocols name.
        results: Folder; several grids may share it.
        identities: Stores of which only the subjects count (the paper's CelebA).
        settings: Seeds and thresholds.
        workers: Jobs side by side; None: one a GPU, or one for every four cores.
        device: `"auto"`, `"cpu"`, `"cuda"`; with several GPUs and `"auto"` jobs take turns on them.
        tell: Called at the start, whenever a job ends, and now and then.
        warn: Called before the start with what training faces do not allow; results say it too.

    Returns:
        The failures; empty when all is done.

    Raises:
        ProtocolError: Stores and protocols do not fit; nothing has been run then.
        InputError: Two systems have the same name.
    """
    names = [system.name for system in systems]
    if doubled := {name for name in names if names.count(name) > 1}:
        raise InputError(f"Two systems are called {min(doubled)}; give each system a name of its own.")
    runs = plan_runs(systems, protocols, stores, identities, settings or GridSettings())
    missing = [run for run in runs if not is_finished(results, run.digest)]
    for sentence in warnings_of(missing, stores, identities):
        warn(sentence)
    devices = _devices(device)
    side_by_side = workers or (len(devices) if len(devices) > 1 else max(1, _cores() // 4))
    jobs = [
        Job(
            runs=tuple(run for run in group if not is_finished(results, run.digest)),
            store_folders=tuple(store.path.resolve() for store in stores),
            identity_folders=tuple(store.path.resolve() for store in identities),
            results=results,
            threads=max(1, _cores() // side_by_side),
        )
        for group in group_by_fit(runs)
    ]
    return _Grid(runs, results, side_by_side, tell).run([job for job in jobs if job.runs], devices)


class _Grid:
    """The jobs under way, and what is known of the time they take."""

    def __init__(
        self, runs: Sequence[Run], results: Path, side_by_side: int, tell: Callable[[GridState], None]
    ) -> None:
        self.runs, self.results, self.side_by_side, self.tell = runs, results, side_by_side, tell
        self.waiting: list[Job] = []
        self.running: dict[SpawnProcess, tuple[Job, float]] = {}
        self.failures: list[Failure] = []
        self.seconds: dict[str, list[float]] = {}
        finished = [run for run in runs if is_finished(results, run.digest)]
        self.done = len(finished)
        for group in group_by_fit(finished):
            records = [read_record(results / RUNS / run.digest) for run in group]
            cost = max(record.fit_seconds for record in records)
            self._learn(group[0], cost + sum(record.predict_seconds for record in records))

    def run(self, jobs: Sequence[Job], devices: Sequence[str]) -> list[Failure]:
        """Run all jobs; on an interruption those under way are ended."""
        self.waiting = list(jobs)
        context = multiprocessing.get_context("spawn")
        free = [devices[number % len(devices)] for number in range(self.side_by_side)]
        self._say(())
        try:
            while self.waiting or self.running:
                while self.waiting and free:
                    job = replace(self.waiting.pop(0), device=free.pop(0))
                    process = context.Process(target=run_job, args=(job,))
                    process.start()
                    self.running[process] = job, time.monotonic()
                self._say(())
                wait([process.sentinel for process in self.running], timeout=REFRESH_SECONDS)
                for process in [one for one in self.running if one.exitcode is not None]:
                    job, started = self.running.pop(process)
                    free.append(job.device)
                    self._end(job, process.exitcode or 0, time.monotonic() - started)
        finally:
            for process in self.running:
                process.terminate()
            for process in self.running:
                process.join()
        return self.failures

    def _end(self, job: Job, exit_code: int, seconds: float) -> None:
        missing = tuple(run for run in job.runs if not is_finished(self.results, run.digest))
        self.done += len(job.runs) - len(missing)
        if missing:
            lines = job.log.read_text(encoding="utf-8").split("\n") if job.log.is_file() else []
            said = next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")
            said = re.sub(r"^idennet\.errors\.\w+: ", "", said)
            reason = said if exit_code >= 0 else f"killed by signal {-exit_code}; out of memory?"
            self.failures.append(Failure(missing, reason, job.log))
        else:
            self._learn(job.runs[0], seconds)
        self._say(job.runs)

    def _say(self, news: tuple[Run, ...]) -> None:
        failed = sum(len(failure.runs) for failure in self.failures)
        running = tuple(job.runs[0].label for job, _ in self.running.values())
        self.tell(GridState(self.done, failed, len(self.runs), self._remaining(), news, running))

    def _learn(self, run: Run, seconds: float) -> None:
        self.seconds.setdefault(run.system.name, []).append(seconds)

    def _remaining(self) -> float | None:
        if not self.seconds:
            return None
        means = {name: sum(costs) / len(costs) for name, costs in self.seconds.items()}
        typical = sum(means.values()) / len(means)
        now = time.monotonic()
        left = sum(means.get(job.runs[0].system.name, typical) for job in self.waiting)
        for job, started in self.running.values():
            left += max(0.0, means.get(job.runs[0].system.name, typical) - (now - started))
        return left / self.side_by_side


def _devices(device: str) -> list[str]:
    count = torch.cuda.device_count() if device == "auto" else 0
    return [f"cuda:{number}" for number in range(count)] or [device]


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
