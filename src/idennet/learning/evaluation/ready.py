"""Systems that are ready, trained weights or files that a tool wrote, judged under a protocol.

Their thresholds are their own, or chosen on the validation subjects of each fold: never on test subjects.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol as Structural

import numpy as np
from numpy.typing import NDArray

from idennet import facs
from idennet.errors import ProtocolError
from idennet.learning.data.store import FaceStore
from idennet.learning.evaluation.fold_results import FoldResult
from idennet.learning.evaluation.judge import score_fold, stores_by_corpus
from idennet.learning.evaluation.occurrence import without_labels
from idennet.learning.evaluation.prediction_formats import Missing
from idennet.learning.evaluation.protocols import Fold, Protocol
from idennet.learning.evaluation.results import ProtocolResult
from idennet.learning.evaluation.thresholds import best_thresholds

MOST_NAMED = 5
"""Folds that one sentence names."""


@dataclass(frozen=True, eq=False)
class Readings:
    """What a system says about N faces.

    Attributes:
        scores: (N, A) from 0 to 1; NaN in the rows of faces that it said nothing about.
        present: (N, A), what it calls present.
        thresholds: (A,) score from which it does; NaN where it decides by other means.
    """

    scores: NDArray[np.floating]
    present: NDArray[np.bool_]
    thresholds: NDArray[np.float64]


class ReadySystem(Structural):
    """A system that learns nothing more."""

    @property
    def name(self) -> str:
        """What tables call it."""

    @property
    def aus(self) -> tuple[int, ...]:
        """Action Units that it predicts."""

    @property
    def remarks(self) -> tuple[str, ...]:
        """Sentences that a reader of its scores must know."""

    def read(self, faces: FaceStore, protocol: Protocol) -> Readings:
        """Return what it says about all faces of a store, in the order of `protocol.aus`."""


@dataclass(frozen=True, eq=False)
class Judged:
    """A result, and what it was computed from.

    Attributes:
        result: Counts by fold.
        readings: By corpus, the faces and what the system says about them.
    """

    result: ProtocolResult
    readings: Mapping[str, tuple[FaceStore, Readings]]


def judge_ready(
    system: ReadySystem,
    protocol: Protocol,
    stores: Sequence[FaceStore],
    *,
    partial: bool = False,
    missing: Missing = Missing.REFUSE,
    choose_thresholds: bool = False,
) -> Judged:
    """Judge a system on all test subjects of a protocol.

    Args:
        system: Ready; whether it knows the test subjects is for the caller to know.
        protocol: Names corpora, Action Units and folds.
        stores: Of the test corpus; of the training corpus too if thresholds are chosen there.
        partial: Use the subjects that stores and protocol both have, and the Action Units that are both
            predicted and asked for.
        missing: Faces that the system says nothing about are refused, count as faces without any Action
            Unit, or are left out as if nobody had coded them.
        choose_thresholds: Choose those with the largest F1-frame on each fold's validation subjects,
            instead of the system's own.

    Raises:
        ProtocolError: Stores, protocol and system do not fit, or faces are missing.
    """
    protocol, narrowed = _predicted(system, protocol, partial)
    by_corpus = stores_by_corpus(protocol, stores, trained_elsewhere=not choose_thresholds)
    names = [name for store in by_corpus.values() for name in store.subjects]
    folds = [
        replace(fold, train=())  # nothing is learnt here
        for fold in protocol.folds(names, partial=partial, trained_elsewhere=not choose_thresholds)
    ]
    readings: dict[str, tuple[FaceStore, Readings]] = {}
    remarks = [*system.remarks, *narrowed]
    for corpus, store in by_corpus.items():
        needed = {name for fold in folds for name in (*fold.test, *fold.validation)}
        faces = store.select(needed & set(store.subjects))
        readings[corpus], said = _complete(faces, system.read(faces, protocol), missing, system.name)
        remarks += said
    results = [_judge_fold(protocol, fold, readings, choose_thresholds) for fold in folds]
    if choose_thresholds:
        remarks.append("Thresholds have the largest F1-frame on the validation subjects of each fold.")
        remarks += _unchosen(protocol, folds, readings)
    digests = {corpus: store.digest for corpus, store in by_corpus.items()}
    remarks += _undefined(results)
    known = {corpus: store.provenance for corpus, store in by_corpus.items()}
    result = ProtocolResult(protocol, system.name, tuple(results), digests, tuple(remarks), known)
    return Judged(result, readings)


def _predicted(system: ReadySystem, protocol: Protocol, partial: bool) -> tuple[Protocol, list[str]]:
    """Return the protocol with the Action Units that are predicted, and what is lost by that."""
    lacking = [au for au in protocol.aus if au not in system.aus]
    if not lacking:
        return protocol, []
    names = ", ".join(facs.columns(lacking))
    if not partial:
        raise ProtocolError(
            f"{system.name} does not predict {names}, which {protocol.name} scores; score the others "
            "with --partial."
        )
    left = tuple(au for au in protocol.aus if au in system.aus)
    if not left:
        raise ProtocolError(f"{system.name} predicts no Action Unit that {protocol.name} scores.")
    return protocol.model_copy(update={"aus": left}), [
        f"{names} not predicted: scores and mean are about the other Action Units of {protocol.name}."
    ]


def _complete(
    faces: FaceStore, read: Readings, missing: Missing, name: str
) -> tuple[tuple[FaceStore, Readings], list[str]]:
    """Return faces and readings without gaps, and what was done about them."""
    unread = np.isnan(read.scores).any(axis=1)
    if not unread.any():
        return (faces, read), []
    first = faces.frames.loc[np.flatnonzero(unread)[0], ["subject", "sequence", "frame"]]
    gap = f"{unread.sum()} of {len(faces)} faces of {faces.path}"
    if missing is Missing.REFUSE:
        raise ProtocolError(
            f"{name} says nothing about {gap}, first {'/'.join(map(str, first))}; predict them, count them "
            "as faces without Action Units (--missing absent), or leave them out (--missing leave-out)."
        )
    scores = np.where(unread[:, None], 0, read.scores)
    full = replace(read, scores=scores, present=read.present & ~unread[:, None])
    if missing is Missing.ABSENT:
        return (faces, full), [f"{name} says nothing about {gap}; they count as faces without Action Units."]
    return (without_labels(faces, unread), full), [
        f"{name} says nothing about {gap}; they are left out, so this is no result on all faces."
    ]


def _judge_fold(
    protocol: Protocol,
    fold: Fold,
    readings: Mapping[str, tuple[FaceStore, Readings]],
    choose_thresholds: bool,
) -> FoldResult:
    faces, read = readings[protocol.test]
    rows = faces.frames["subject"].isin(fold.test).to_numpy()
    tested, scores = faces.select(fold.test), read.scores[rows]
    if not choose_thresholds:
        own = read.thresholds.tolist()
        return score_fold(scores, protocol, fold, tested, own, present=read.present[rows])
    if not fold.validation:
        raise ProtocolError(
            f"{protocol.name} has no validation subjects in fold {fold.name} to choose thresholds on."
        )
    known, chooses = readings[protocol.train]
    chosen = known.frames["subject"].isin(fold.validation).to_numpy()
    labels = known.labels(protocol.aus)[chosen]
    thresholds = best_thresholds(chooses.scores[chosen], labels, beta=1)
    return score_fold(scores, protocol, fold, tested, thresholds.tolist())


def _unchosen(
    protocol: Protocol, folds: Sequence[Fold], readings: Mapping[str, tuple[FaceStore, Readings]]
) -> list[str]:
    """Return one sentence for each fold whose validation subjects do not show some Action Unit."""
    known, _ = readings[protocol.train]
    sentences = []
    for fold in folds:
        shown = (known.select(fold.validation).labels(protocol.aus) == 1).any(axis=0)
        missing = [au for au, is_shown in zip(protocol.aus, shown, strict=True) if not is_shown]
        if missing:
            sentences.append(
                f"{', '.join(facs.columns(missing))}: no validation frame of fold {fold.name} shows it, so "
                "nothing could be chosen; .5 was used."
            )
    return sentences


def _undefined(results: Sequence[FoldResult]) -> list[str]:
    """Return one sentence for each Action Unit that some fold cannot score."""
    shown = np.array([result.counts.positives.sum(axis=1) > 0 for result in results])
    undefined: dict[str, list[str]] = {}
    for au, column in zip(results[0].counts.aus, shown.T, strict=True):
        names = [result.fold.name for result, is_shown in zip(results, column, strict=True) if not is_shown]
        more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
        where = f"of fold {', '.join(names[:MOST_NAMED])}{more} " if column.any() else ""
        if names:
            undefined.setdefault(where, []).append(facs.column(au))
    return [
        f"{', '.join(aus)}: no test frame {where}shows {'it; its' if len(aus) == 1 else 'them; their'} "
        "scores are undefined there."
        for where, aus in undefined.items()
    ]
