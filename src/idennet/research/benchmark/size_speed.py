"""Parameters, multiply-accumulates and speed of systems, side by side with one engine (Table II)."""

import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import torch
from torch.utils.flop_counter import FlopCounterMode

from idennet.errors import InputError
from idennet.learning.data.store import FaceStore
from idennet.models.device import choose_device
from idennet.models.fastcpu.library import VARIABLE
from idennet.research.benchmark.grid import learnt_aus
from idennet.research.benchmark.report.size_speed import Measured, SizeSpeed
from idennet.research.benchmark.systems.contract import Fitted, System, TrainingFaces

TIMED_SUBJECTS, ROUNDS = 2, 5


def measure_systems(
    systems: Sequence[System],
    store: FaceStore,
    device: str = "auto",
    tell: Callable[[str], None] = lambda sentence: None,
    aus: tuple[int, ...] | None = None,
) -> Measured:
    """Return size and speed of systems, each learnt for one step: neither depends on what was learnt.

    All networks are computed by PyTorch's own layers: the package's kernels exist for one trunk only, which
    would be unfair. Times are those of `Fitted.predict` for all faces of two subjects: reading,
    descriptors and landmarks included. Rounds alternate between systems, so that what else the machine does
    meets all of them.

    Args:
        systems: In the order of the table.
        store: Faces to learn from and to score; the last two subjects are scored.
        device: Of the networks.
        tell: Called with one sentence a step.
        aus: Action Units that the networks have; None: those that are learnt from the store's corpus.

    Raises:
        InputError: The store has fewer than five subjects.
    """
    if len(store.subjects) < TIMED_SUBJECTS + 3:
        raise InputError(f"{store.path} has {len(store.subjects)} subjects; measuring needs five or more.")
    scored = store.select(store.subjects[-TIMED_SUBJECTS:])
    corpus = store.subjects[0].partition("/")[0]
    learns = aus or learnt_aus(corpus, store.aus)
    faces = TrainingFaces(store.select(store.subjects[:-TIMED_SUBJECTS]), None, learns)
    one_face = store.select(store.subjects[-1:])
    where = choose_device(device)
    with tempfile.TemporaryDirectory() as folder, _plain_pytorch():
        fitted = []
        for system in systems:
            tell(f"Preparing {system.name}.")
            fitted.append(system.shortest().fit(faces, Path(folder) / system.name, device))
        tell(f"Timing {len(scored)} faces, {ROUNDS} rounds.")
        macs = [
            _macs(one, one_face) if system.looks_at == "face" else None
            for system, one in zip(systems, fitted, strict=True)
        ]
        times = _times(fitted, scored, where)
    return Measured(
        systems=tuple(
            SizeSpeed(
                system=system.name,
                parameters=one.parameters,
                macs=count,
                faces_per_second=len(scored) / statistics.median(seconds),
                looks_at=system.looks_at,
            )
            for system, one, count, seconds in zip(systems, fitted, macs, times, strict=True)
        ),
        aus=faces.aus,
        data=str(store.provenance),
        faces=len(scored),
        rounds=ROUNDS,
        engine=f"PyTorch {torch.__version__}",
        machine=_machine(where),
        date=datetime.now(UTC).strftime("%Y-%m-%d"),
    )


def _times(fitted: Sequence[Fitted], scored: FaceStore, device: torch.device) -> list[list[float]]:
    """Return the seconds of every round for each system, after a round that does not count."""
    times: list[list[float]] = [[] for _ in fitted]
    for number in range(ROUNDS + 1):
        for one, seconds in zip(fitted, times, strict=True):
            start = time.perf_counter()
            one.predict(scored)
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            if number:
                seconds.append(time.perf_counter() - start)
    return times


def _macs(fitted: Fitted, faces: FaceStore) -> int | None:
    """Return multiply-accumulates a face, as PyTorch counts them; None for a system without a network."""
    with FlopCounterMode(display=False) as counter:
        fitted.predict(faces)
    return counter.get_total_flops() // (2 * len(faces)) or None


def _machine(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{platform.processor() or platform.machine()}, {torch.get_num_threads()} threads"


@contextmanager
def _plain_pytorch() -> Iterator[None]:
    """Let PyTorch's layers compute everything."""
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = "torch"
    try:
        yield
    finally:
        if before is None:
            del os.environ[VARIABLE]
        else:
            os.environ[VARIABLE] = before
