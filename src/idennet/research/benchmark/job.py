"""One job of a benchmark, in a process of its own: fit once, judge every run, write what the report needs."""

import multiprocessing
import os
import platform
import sys
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

import idennet
from idennet.files import draft_of, write_text
from idennet.learning.data.store import FaceStore
from idennet.learning.evaluation.features import Subtraction, subtraction
from idennet.learning.evaluation.fold_scoring import findings, score_fold, stores_by_corpus
from idennet.learning.evaluation.identity import consecutive_blocks, nearest_shares, probe_identity
from idennet.learning.evaluation.result_files import write_result
from idennet.learning.evaluation.results import ProtocolResult
from idennet.learning.evaluation.thresholds import best_thresholds
from idennet.learning.training.progress import METRICS
from idennet.models.idennet import IdenNet
from idennet.research.benchmark.grid import Job, Run, settings_without_seed
from idennet.research.benchmark.runs import (
    CURVE,
    FEATURES,
    RECORD,
    RESULT,
    RUNS,
    SHOWN_FACES,
    SHOWN_SUBJECTS,
    Leak,
    RunRecord,
    is_finished,
)
from idennet.research.benchmark.systems.contract import Fitted
from idennet.research.benchmark.systems.idennet import FittedTwoStage
from idennet.research.benchmark.systems.steps import CURVE as STEPS_CURVE

MAPPED_AU = 12
"""Action Unit of the paper's Figure 2."""

FACES_OF_A_SUBJECT = 40
"""At most so many faces of each test subject are asked what is left of the person."""


def run_job(job: Job) -> None:
    """Fit the job's system and judge it on all its runs; runs that are complete are left alone.

    What is printed, and the traceback of whatever goes wrong, is in the job's log.
    """
    _end_with_parent()
    job.log.parent.mkdir(parents=True, exist_ok=True)
    log = job.log.open("w", encoding="utf-8", buffering=1)
    os.dup2(log.fileno(), sys.stdout.fileno())
    os.dup2(log.fileno(), sys.stderr.fileno())
    if job.threads:
        torch.set_num_threads(job.threads)
    stores = [FaceStore.open(folder) for folder in job.store_folders]
    identities = tuple(FaceStore.open(folder) for folder in job.identity_folders)
    first = job.runs[0]
    faces = first.faces(stores, identities)
    clock = time.perf_counter()
    fitted = first.system.fit(faces, job.fit_folder, job.device)
    fit_seconds = time.perf_counter() - clock
    for run in job.runs:
        if not is_finished(job.results, run.digest):
            _judge(run, fitted, first.system.warnings(faces), stores, job, fit_seconds)


def _end_with_parent() -> None:
    """Let this process die with the one that started it, or two might one day fit in the same folder."""
    parent = multiprocessing.parent_process()

    def watch() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _judge(
    run: Run,
    fitted: Fitted,
    warnings: Sequence[str],
    stores: Sequence[FaceStore],
    job: Job,
    fit_seconds: float,
) -> None:
    protocol, fold = run.protocol, run.fold
    by_corpus = stores_by_corpus(protocol, stores)
    tested = by_corpus[protocol.test].select(fold.test)
    columns = [run.learns.index(au) for au in protocol.aus]
    clock = time.perf_counter()
    scores = fitted.predict(tested)[:, columns]
    predict_seconds = time.perf_counter() - clock
    thresholds: NDArray[np.float64] | float = 0.5
    if run.choose_thresholds:
        known = by_corpus[protocol.train].select(fold.validation)
        thresholds = best_thresholds(fitted.predict(known)[:, columns], known.labels(protocol.aus), beta=1)
    limits = np.broadcast_to(thresholds, len(columns)).tolist()
    judged = score_fold(scores, protocol, fold, tested, limits)
    remarks = (*fitted.remarks, *warnings, *findings(protocol, [fold], by_corpus))
    provenance = {corpus: store.provenance for corpus, store in by_corpus.items()}
    result = ProtocolResult(
        protocol, run.system.name, (judged,), dict(run.stores), remarks, provenance, faces=len(tested)
    )
    folder = job.results / RUNS / run.digest
    folder.mkdir(parents=True, exist_ok=True)
    write_result(result, folder / RESULT)
    _write_curve(job.fit_folder, folder / CURVE)
    record = RunRecord(
        key=run.digest,
        system=run.system.name,
        kind=type(run.system).__name__,
        settings=settings_without_seed(run.system),
        looks_at=run.system.looks_at,
        seed=run.system.budget.seed,
        fold=fold.name,
        folds=run.folds,
        order=run.order,
        thresholds=run.thresholds,
        aus=run.learns,
        identities=run.identities,
        parameters=fitted.parameters,
        fit_seconds=fit_seconds,
        predict_seconds=predict_seconds,
        leak=_leak(fitted, tested, run, folder),
        provenance={
            "version": idennet.__version__,
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": f"{platform.machine()}, {job.device}, {torch.get_num_threads()} threads",
        },
    )
    write_text(folder / RECORD, record.model_dump_json(indent=1) + "\n")


def _write_curve(fit_folder: Path, path: Path) -> None:
    """Copy what was measured while learning, as CSV; nothing where nothing was learnt in steps."""
    for source in (fit_folder / STEPS_CURVE, fit_folder / "run" / METRICS):
        if source.is_file():
            pd.read_json(source, lines=True).to_csv(path, index=False, float_format="%.5g")
            return


def _leak(fitted: Fitted, tested: FaceStore, run: Run, folder: Path) -> Leak | None:
    """Return what is left of the person in the features of some faces of every test subject.

    Features of the paper's network are kept for Figure 2, from the first fold within a corpus.
    """
    if not isinstance(fitted, FittedTwoStage):
        return None
    au = MAPPED_AU if MAPPED_AU in run.protocol.aus else run.protocol.aus[0]
    present = tested.labels([au])[:, 0]
    rows = _some_of_each(tested, present >= 0, FACES_OF_A_SUBJECT)
    features = _features(fitted, tested, rows)
    subjects, sequences = features.subjects, _sequences(tested, rows)
    pieces = pd.Series(sequences).groupby(subjects).nunique()
    if len(pieces) < 2 or pieces.min() < 2:
        return None  # nobody to confuse them with, or nothing left to test on
    probes = [probe_identity(side, subjects, sequences) for side in (features.before, features.after)]
    if isinstance(fitted.network, IdenNet) and _keeps_features(run):
        first = np.isin(tested.subject_index, range(SHOWN_SUBJECTS)) & (present >= 0)
        shown = _some_of_each(tested, first, SHOWN_FACES)
        _save_features(_features(fitted, tested, shown), present[shown] == 1, au, folder / FEATURES)
    return Leak(
        faces=len(rows),
        au=au,
        subject_before=nearest_shares(features.before, subjects),
        subject_after=nearest_shares(features.after, subjects),
        au_before=nearest_shares(features.before, present[rows]),
        au_after=nearest_shares(features.after, present[rows]),
        probe_before=probes[0].accuracy,
        probe_after=probes[1].accuracy,
        chance=probes[0].chance,
    )


def _features(fitted: FittedTwoStage, faces: FaceStore, rows: NDArray[np.int64]) -> Subtraction:
    features = subtraction(fitted.network.cpu(), faces, rows)
    fitted.network.to(fitted.device)
    return features


def _keeps_features(run: Run) -> bool:
    settings = run.system.model_dump()
    return run.order == 0 and not run.protocol.crosses and settings.get("identity") == "translation"


def _some_of_each(store: FaceStore, wanted: NDArray[np.bool_], most: int) -> NDArray[np.int64]:
    """Return at most so many rows of each subject, evenly spaced among its wanted faces."""
    chosen = []
    for person in range(len(store.subjects)):
        rows = np.flatnonzero((store.subject_index == person) & wanted)
        places = np.linspace(0, len(rows) - 1, min(len(rows), most)).round().astype(int)
        chosen.append(rows[places])
    return np.concatenate(chosen)


def _sequences(store: FaceStore, rows: NDArray[np.int64]) -> NDArray[np.str_]:
    """Return the sequence of each face; where a subject has one only, it is cut into five."""
    frames = store.frames.iloc[rows]
    if (frames.groupby("subject")["sequence"].nunique() < 2).any():
        return consecutive_blocks(frames["subject"].to_numpy(str))
    return frames["sequence"].to_numpy(str)


def _save_features(features: Subtraction, present: NDArray[np.bool_], au: int, path: Path) -> None:
    with draft_of(path) as draft, draft.open("wb") as file:
        np.savez_compressed(
            file,
            before=features.before.astype(np.float16),
            after=features.after.astype(np.float16),
            subjects=features.subjects,
            present=present,
            au=au,
        )
