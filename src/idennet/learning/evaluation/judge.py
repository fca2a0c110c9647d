"""A system that is ready is judged: on a protocol's test subjects, or on everybody of a store or a list.

Its thresholds are its own, or chosen on the validation subjects of each fold: never on test subjects.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from idennet import facs
from idennet.errors import ProtocolError
from idennet.learning.evaluation.answers import Answers
from idennet.learning.evaluation.catalogue import PROTOCOLS, whole_corpus
from idennet.learning.evaluation.conditions import ConditionResult
from idennet.learning.evaluation.faces import Faces
from idennet.learning.evaluation.fold_results import FoldResult
from idennet.learning.evaluation.fold_scoring import score_fold, stores_by_corpus
from idennet.learning.evaluation.prediction_formats import Missing
from idennet.learning.evaluation.pretrained import PretrainedSystem, WeightsOfFolds
from idennet.learning.evaluation.protocols import Fold, Protocol
from idennet.learning.evaluation.results import ProtocolResult
from idennet.learning.evaluation.thresholds import best_thresholds

MOST_NAMED = 5
"""Folds that one sentence names."""


@dataclass(frozen=True, eq=False)
class Judged:
    """A result, and what it was computed from.

    Attributes:
        result: Counts.
        read: All faces that were read, with what was counted of them.
    """

    result: ProtocolResult
    read: tuple[Answers, ...]


def everybody_of(
    data: Sequence[Faces], system: PretrainedSystem, *, choose_thresholds: bool = False
) -> Protocol:
    """Return the protocol that tests everybody of the only store or list.

    With thresholds to choose, thirds of the people are judged by thresholds chosen on the other two.

    Raises:
        ProtocolError: There are several stores or corpora, or nothing that is labelled is predicted.
    """
    if len(data) > 1:
        raise ProtocolError("Several stores need a --protocol that says which of them is tested.")
    (faces,) = data
    corpora = sorted({subject.partition("/")[0] for subject in faces.subjects})
    if len(corpora) > 1:
        raise ProtocolError(
            f"{faces.path} has subjects of {' and '.join(corpora)}; name a --protocol for one of them."
        )
    aus = tuple(au for au in facs.NAMES if au in faces.aus and au in system.aus)
    if not aus and not faces.conditions:
        labelled, predicted = ", ".join(facs.columns(faces.aus)), ", ".join(facs.columns(system.aus))
        raise ProtocolError(
            f"{faces.path} has no labels of any Action Unit that {system.name} predicts (labelled: "
            f"{labelled or 'none'}; predicted: {predicted})."
        )
    return whole_corpus(corpora[0], aus, in_thirds=choose_thresholds)


def judge(
    system: PretrainedSystem,
    protocol: Protocol,
    data: Sequence[Faces],
    *,
    partial: bool = False,
    missing: Missing = Missing.REFUSE,
    choose_thresholds: bool = False,
) -> Judged:
    """Judge a system on all test subjects of a protocol.

    Args:
        system: Ready; whether it knows the test subjects is for the caller to know.
        protocol: Names corpora, Action Units and folds.
        data: Of the test corpus; of the training corpus too if thresholds are chosen there.
        partial: Use the subjects that data and protocol both have, the Action Units that are both predicted
            and asked for, and the folds that have weights.
        missing: Faces that the system says nothing about are refused, count as faces without any Action
            Unit, or are left out as if nobody had coded them.
        choose_thresholds: Choose those with the largest F1-frame on each fold's validation subjects,
            instead of the system's own. Conditions keep the system's own.

    Raises:
        ProtocolError: Data, protocol and system do not fit, or faces are missing.
        NoFaceError: Nothing can be read in any picture.
    """
    protocol, remarks = _predicted(system, protocol, partial)
    by_corpus = stores_by_corpus(protocol, data, trained_elsewhere=not choose_thresholds)
    folds = _folds(system, protocol, by_corpus, partial=partial, trained_elsewhere=not choose_thresholds)
    results: dict[str, FoldResult] = {}
    read: list[Answers] = []
    tested: list[Answers] = []
    said: list[str] = []
    for one, its_folds in _by_system(system, folds):
        answers = {
            corpus: Answers.of(one, faces, protocol, its_folds, missing)
            for corpus, faces in by_corpus.items()
        }
        read += answers.values()
        if not (protocol.crosses and tested):  # by fold, systems read the same faces
            tested.append(answers[protocol.test])
        said += [remark for each in answers.values() for remark in each.remarks(one)]
        for fold in its_folds:
            results[fold.name] = _judge_fold(system.aus, protocol, fold, answers, choose_thresholds)
            if choose_thresholds:
                said += _unchosen(protocol, fold, answers[protocol.train].faces)
    if choose_thresholds:
        remarks.append("Thresholds have the largest F1-frame on the validation subjects of each fold.")
    in_order = tuple(results[fold.name] for fold in folds)
    labelled = {au for faces in by_corpus.values() for au in faces.aus}
    if protocol.name not in PROTOCOLS and (unread := labelled - set(system.aus)):
        said.append(
            f"Labelled, but not predicted by {system.name}: {' '.join(facs.columns(sorted(unread)))}."
        )
    return Judged(
        ProtocolResult(
            protocol,
            system.name,
            in_order,
            {corpus: faces.digest for corpus, faces in by_corpus.items()},
            (*system.remarks, *remarks, *said, *_undefined(in_order)),
            {corpus: faces.provenance for corpus, faces in by_corpus.items()},
            conditions=_conditions(system, tested),
            weights=system.digests,
            unreliable_aus=system.unreliable_aus,
            faces=sum(int(one.counted(protocol.aus).sum()) for one in tested),
            left_out=(
                *by_corpus[protocol.test].left_out,
                *(lost for one in tested for lost in one.uncounted(protocol.aus)),
            ),
            partial=partial and protocol.name in PROTOCOLS,
        ),
        tuple(read),
    )


def _folds(
    system: PretrainedSystem,
    protocol: Protocol,
    by_corpus: Mapping[str, Faces],
    *,
    partial: bool,
    trained_elsewhere: bool,
) -> list[Fold]:
    """Return the folds that are tested; across corpora there is one for all, unless weights are of a fold."""
    names = [name for faces in by_corpus.values() for name in faces.subjects]
    folds = [
        replace(fold, train=())  # nothing is learnt here
        for fold in protocol.folds(names, partial=partial, trained_elsewhere=trained_elsewhere)
    ]
    if not isinstance(system, WeightsOfFolds):
        return folds
    if protocol.crosses and trained_elsewhere:
        folds = [replace(folds[0], name=name) for name in protocol.split.names()]
    return [fold for fold in folds if not partial or fold.name in system.folds]


def _predicted(system: PretrainedSystem, protocol: Protocol, partial: bool) -> tuple[Protocol, list[str]]:
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


def _by_system(system: PretrainedSystem, folds: Sequence[Fold]) -> list[tuple[PretrainedSystem, list[Fold]]]:
    """Return each system of a fold with all its folds, so that it reads a face once."""
    groups: dict[int, tuple[PretrainedSystem, list[Fold]]] = {}
    for fold in folds:
        one = system.of_fold(fold)
        groups.setdefault(id(one), (one, []))[1].append(fold)
    return list(groups.values())


def _judge_fold(
    aus: Sequence[int],
    protocol: Protocol,
    fold: Fold,
    answers: Mapping[str, Answers],
    choose_thresholds: bool,
) -> FoldResult:
    columns = [list(aus).index(au) for au in protocol.aus]
    faces, read = answers[protocol.test].faces, answers[protocol.test].readings
    rows = faces.frames["subject"].isin(fold.test).to_numpy()
    tested, scores = faces.select(fold.test), read.scores[rows][:, columns]
    if not choose_thresholds:
        own = read.thresholds[columns].tolist()
        return score_fold(scores, protocol, fold, tested, own, present=read.present[rows][:, columns])
    if not fold.validation:
        raise ProtocolError(
            f"{protocol.name} has no validation subjects in fold {fold.name} to choose thresholds on."
        )
    known, chooses = answers[protocol.train].faces, answers[protocol.train].readings
    chosen = known.frames["subject"].isin(fold.validation).to_numpy()
    labels = known.labels(protocol.aus)[chosen]
    thresholds = best_thresholds(chooses.scores[chosen][:, columns], labels, beta=1)
    return score_fold(scores, protocol, fold, tested, thresholds.tolist())


def _unchosen(protocol: Protocol, fold: Fold, known: Faces) -> list[str]:
    """Return one sentence if the validation subjects of a fold do not show some Action Unit."""
    shown = (known.select(fold.validation).labels(protocol.aus) == 1).any(axis=0)
    missing = [au for au, is_shown in zip(protocol.aus, shown, strict=True) if not is_shown]
    if not missing:
        return []
    return [
        f"{', '.join(facs.columns(missing))}: no validation frame of fold {fold.name} shows it, so "
        "nothing could be chosen; .5 was used."
    ]


def _conditions(system: PretrainedSystem, tested: Sequence[Answers]) -> tuple[ConditionResult, ...]:
    """Return what each condition does to all Action Units; each face counts once."""
    names = dict.fromkeys(name for answers in tested for name in answers.faces.conditions)
    scores = np.concatenate([answers.readings.scores for answers in tested])
    present = np.concatenate([answers.readings.present for answers in tested])
    gaps = np.concatenate([answers.gaps for answers in tested])
    people = np.concatenate([answers.faces.frames["subject"].to_numpy(str) for answers in tested])
    results = []
    for name in names:
        said = np.concatenate(
            [np.where(one.unread & one.left_out, facs.MISSING, one.faces.conditions[name]) for one in tested]
        )
        results.append(
            ConditionResult.of(name, said.astype(np.int8), scores, present, people, system.aus, gaps)
        )
    return tuple(results)


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
