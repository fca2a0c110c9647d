"""What a benchmark leaves behind: one folder a run, and the runs put together over folds and seeds.

A run is one system on one fold of one protocol with one seed. Its folder `runs/<digest>` has `result.json`
(counts, as `idennet evaluate` writes them; `idennet compare` reads them too), `curve.csv` if something was
learnt in steps, `features.npz` if there is something for Figure 2, and last `run.json`: a folder that has it
is complete.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field, ValidationError

from idennet import facs
from idennet.errors import InputError
from idennet.learning.evaluation.intervals import Bootstrap, Statistic, Weights
from idennet.learning.evaluation.protocols import Protocol
from idennet.learning.evaluation.result_files import read_result
from idennet.learning.evaluation.results import ProtocolResult, with_mean
from idennet.settings import Config

RUNS, RECORD, RESULT, CURVE, FEATURES = "runs", "run.json", "result.json", "curve.csv", "features.npz"

SHOWN_SUBJECTS, SHOWN_FACES = 6, 1000
"""Of Figure 2: test subjects, and at most so many faces of each."""


class Leak(Config):
    """How much of the person and of one Action Unit is in the features of test faces, 0 to 1 each.

    *Nearest*: how often the nearest other face is of the same subject, or agrees on the Action Unit.
    *Probe*: balanced accuracy of a linear classifier of subjects, tested on sequences that it has not seen.
    *Before* are the expression features, *after* those that Action Units are read from.

    Attributes:
        faces: How many.
        au: The Action Unit.
    """

    faces: int
    au: int
    subject_before: float
    subject_after: float
    au_before: float
    au_after: float
    probe_before: float
    probe_after: float
    chance: float


class RunRecord(Config):
    """What was run, besides the counts.

    Attributes:
        key: Names the run, as its folder does: settings, protocol, stores, fold, seed.
        system: Name of the system.
        kind: Its class.
        settings: All its settings, the seed left out.
        looks_at: What a score depends on; `subject`: all unlabelled faces of a test subject.
        seed: Of the budget.
        fold: Name of the fold.
        folds: How many the protocol has.
        order: Position of the fold, from 0.
        thresholds: How they were chosen.
        aus: Action Units that were learnt; the protocol scores some or all of them.
        identities: Digests of the stores of which only the subjects counted.
        parameters: Learnt numbers without biases.
        fit_seconds: Wall time of learning; for runs that share a fit, of all of it.
        predict_seconds: Wall time of scoring the test faces.
        leak: What is left of the person; None where the system has no such features.
        provenance: Version, date, machine.
    """

    key: str
    system: str
    kind: str
    settings: dict[str, object]
    looks_at: str
    seed: int
    fold: str
    folds: int
    order: int
    thresholds: str
    aus: tuple[int, ...]
    identities: tuple[str, ...] = ()
    parameters: int
    fit_seconds: float
    predict_seconds: float
    leak: Leak | None = None
    provenance: dict[str, str] = Field(default={})


@dataclass(frozen=True)
class FinishedRun:
    """A complete run's folder, its record and its counts."""

    folder: Path
    record: RunRecord
    result: ProtocolResult


def is_finished(results: Path, digest: str) -> bool:
    """Return whether the run of this digest is complete."""
    return (results / RUNS / digest / RECORD).is_file()


def read_record(folder: Path) -> RunRecord:
    """Return the record of a run's folder.

    Raises:
        InputError: It is damaged or of another version.
    """
    try:
        return RunRecord.model_validate(json.loads((folder / RECORD).read_text(encoding="utf-8")))
    except (ValueError, ValidationError) as error:
        raise InputError(f"{folder} is no run of this version; delete it and benchmark again.") from error


def read_runs(results: Path) -> list[FinishedRun]:
    """Return the complete runs of a benchmark's folder, sorted by system, protocol, seed and fold.

    Raises:
        InputError: There is none, or one is damaged.
    """
    folders = sorted(path.parent for path in (results / RUNS).glob(f"*/{RECORD}"))
    if not folders:
        raise InputError(f"{results} has no complete run; make some with: idennet benchmark")
    runs = [FinishedRun(folder, read_record(folder), read_result(folder / RESULT)) for folder in folders]
    return sorted(
        runs, key=lambda run: (run.result.protocol.name, run.record.system, run.record.seed, run.record.order)
    )


@dataclass(frozen=True)
class Repeated:
    """One system under one protocol: every seed whose folds are all there.

    Scores are means over seeds; intervals resample the test subjects, the same for every seed.

    Attributes:
        name: Of the system; with the beginning of a digest where its name alone would be ambiguous.
        runs: All that were finished.
        seeds: By seed, the result over all folds.
    """

    name: str
    runs: tuple[FinishedRun, ...]
    seeds: Mapping[int, ProtocolResult]

    @property
    def protocol(self) -> Protocol:
        """How it was trained and judged."""
        return self.runs[0].result.protocol

    @property
    def learnt(self) -> tuple[object, ...]:
        """What made the networks, whatever they were judged on: settings, Action Units, identity stores."""
        record = self.runs[0].record
        return record.kind, record.settings, record.aus, record.identities

    @property
    def is_comparable(self) -> bool:
        """Whether everything is about complete licensed data, and the paper's numbers may stand beside."""
        return all(result.is_comparable for result in self.seeds.values())

    @property
    def data(self) -> str:
        """What was learnt from and judged on, in words: `fake tree, 12 of 41 subjects`."""
        known = self.runs[0].result.provenance
        if not self.protocol.crosses:
            return str(known[self.protocol.test])
        return f"trained on {known[self.protocol.train]}; tested on {known[self.protocol.test]}"

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a reader must know, each sentence once."""
        return tuple(dict.fromkeys(said for run in self.runs for said in run.result.remarks))

    def f1_averaged(self, weights: Weights | None = None) -> NDArray[np.float64]:
        """Return the F1-frame averaged over folds, then over seeds, (R, A)."""
        return np.mean([result.f1_averaged(weights) for result in self.seeds.values()], axis=0)

    @cached_property
    def aus_absent_from_folds(self) -> tuple[int, ...]:
        """Action Units that no test frame of some fold shows; their F1 is undefined there."""
        folds = [one.counts.positives.sum(1) for result in self.seeds.values() for one in result.folds]
        return tuple(np.array(self.protocol.aus)[(np.array(folds) == 0).any(axis=0)].tolist())

    @cached_property
    def f1_absent_is_zero(self) -> NDArray[np.float64]:
        """Return F1-frames and their mean, (A + 1,), if a fold without the Action Unit counts as 0.

        So scikit-learn's `f1_score` counts it; everywhere else such a fold is left out.
        """
        by_fold = [
            one.f1(np.ones((1, len(one.counts.subjects))))[0]
            for result in self.seeds.values()
            for one in result.folds
        ]
        return with_mean(np.mean(np.nan_to_num(by_fold), axis=0))  # every seed has all folds

    def auc_averaged(self, weights: Weights | None = None) -> NDArray[np.float64]:
        """Return the AUC averaged over folds, then over seeds, (R, A)."""
        return np.mean([result.auc_averaged(weights) for result in self.seeds.values()], axis=0)

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row an Action Unit and a row `mean`: `f1` and `auc` with `_low` and `_high`, baseline.

        `f1_sd` is the standard deviation over seeds, NaN with one seed; `f1_all_positive` the score of saying
        "present" to every frame.
        """
        first = next(iter(self.seeds.values()))
        f1, auc = (
            Bootstrap().interval(partial(_scores_and_mean, score), first.strata)
            for score in (self.f1_averaged, self.auc_averaged)
        )
        by_seed = with_mean(np.stack([result.f1_averaged()[0] for result in self.seeds.values()]))
        columns = {
            **{"f1": f1.estimate, "f1_low": f1.low, "f1_high": f1.high},
            "f1_sd": by_seed.std(axis=0, ddof=1) if len(by_seed) > 1 else np.full(by_seed.shape[1], np.nan),
            **{"auc": auc.estimate, "auc_low": auc.low, "auc_high": auc.high},
            "f1_all_positive": with_mean(first.f1_all_positive_averaged()[0]),
        }
        return pd.DataFrame(columns, index=pd.Index([*facs.columns(self.protocol.aus), "mean"], name="au"))


def _scores_and_mean(score: Statistic, weights: Weights) -> NDArray[np.float64]:
    return with_mean(score(weights))


def repeat(runs: Sequence[FinishedRun]) -> tuple[list[Repeated], list[str]]:
    """Return the runs put together, and one sentence for each seed that lacks folds and is left out."""
    groups: dict[tuple[str, ...], list[FinishedRun]] = {}
    for run in runs:
        groups.setdefault(_identity(run), []).append(run)
    names = [(key[0], key[1]) for key in groups]
    together, sentences = [], []
    for key, members in groups.items():
        protocol, system, digest = key[:3]
        name = system if names.count((protocol, system)) == 1 else f"{system} ({digest[:4]})"
        seeds = {}
        for seed in sorted({run.record.seed for run in members}):
            folds = sorted(
                (run for run in members if run.record.seed == seed), key=lambda run: run.record.order
            )
            if len(folds) < folds[0].record.folds:
                sentences.append(
                    f"{name} lacks folds of {protocol} with seed {seed} (it has {len(folds)} of "
                    f"{folds[0].record.folds}): this seed is left out."
                )
                continue
            every = tuple(one for run in folds for one in run.result.folds)
            seeds[seed] = replace(folds[0].result, system=name, folds=every)
        if seeds:
            together.append(Repeated(name, tuple(members), seeds))
    return together, sentences


def _identity(run: FinishedRun) -> tuple[str, ...]:
    """Return what all folds and seeds of a system under a protocol share."""
    record, protocol = run.record, run.result.protocol
    settings = json.dumps([record.kind, record.settings, record.thresholds, record.aus, record.identities])
    stores = json.dumps(dict(run.result.stores), sort_keys=True)
    rest = short_digest(settings, protocol.digest(), stores)
    return protocol.name, record.system, rest


def short_digest(*texts: str) -> str:
    """Return 12 hex digits that name these texts in this order."""
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:12]
