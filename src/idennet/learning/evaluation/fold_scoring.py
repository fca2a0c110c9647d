"""Scores of the test subjects of one fold, with the labels that the protocol asks for."""

from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray

from idennet import facs
from idennet.errors import ProtocolError, ShapeError
from idennet.learning.data.store import FaceStore
from idennet.learning.evaluation.faces import Faces, FacesT
from idennet.learning.evaluation.fold_results import FoldResult, count_wins, groups_of_subjects
from idennet.learning.evaluation.metrics import count
from idennet.learning.evaluation.occurrence import relabel
from idennet.learning.evaluation.protocols import Fold, Protocol


def stores_by_corpus(
    protocol: Protocol, stores: Sequence[FacesT], *, trained_elsewhere: bool = False
) -> dict[str, FacesT]:
    """Return the store of the training and of the test corpus, labelled as the protocol asks.

    A list of pictures says itself what is present, and keeps its labels.

    Args:
        protocol: Names corpora, Action Units and thresholds.
        stores: In any order; one may be both.
        trained_elsewhere: Only the test corpus is needed.

    Raises:
        ProtocolError: A corpus is in no store or in two, or the test store has no labels of an Action Unit.
    """
    found: dict[str, FacesT] = {}
    for corpus in [protocol.test] if trained_elsewhere else dict.fromkeys([protocol.train, protocol.test]):
        holders = [store for store in stores if any(name.startswith(f"{corpus}/") for name in store.subjects)]
        if len(holders) != 1:
            found_in = f"{len(holders)} of the stores have them"
            raise ProtocolError(f"{protocol.name} needs one store with subjects of {corpus}; {found_in}.")
        store = holders[0]
        at_least = protocol.at_least.get(corpus)
        if at_least is not None and isinstance(store, FaceStore):
            store = cast(FacesT, relabel(store, at_least, protocol.aus))
        found[corpus] = store
        if uncoded := set(protocol.aus) - set(found[corpus].aus):
            raise ProtocolError(
                f"{store.path} has no labels of {facs.column(min(uncoded))}, which {protocol.name} needs."
            )
    return found


def findings(protocol: Protocol, folds: Sequence[Fold], stores: Mapping[str, Faces]) -> list[str]:
    """Return one sentence for each fold and group, training or test, that never shows some Action Unit."""
    shown = {corpus: _shown(store, protocol.aus) for corpus, store in stores.items()}
    sentences = []
    for fold in folds:
        groups = [("test", protocol.test, fold.test, "whose scores are undefined there")]
        if fold.train:
            groups.insert(0, ("training", protocol.train, fold.train, "which cannot be learnt"))
        for group, corpus, names, consequence in groups:
            anybody = np.any([shown[corpus][name] for name in names], axis=0)
            if not anybody.all():
                never = ", ".join(facs.columns(np.array(protocol.aus)[~anybody].tolist()))
                sentences.append(f"Fold {fold.name}: no {group} frame shows {never}, {consequence}.")
    return sentences


def _shown(store: Faces, aus: Sequence[int]) -> dict[str, NDArray[np.bool_]]:
    """Return for each subject which Action Units at least one frame shows, (A,)."""
    present = store.labels(aus) == 1
    subject_of_face = store.frames["subject"].to_numpy(str)
    return {name: present[subject_of_face == name].any(0) for name in store.subjects}


def score_fold(
    probabilities: NDArray[np.floating],
    protocol: Protocol,
    fold: Fold,
    faces: Faces,
    thresholds: float | Sequence[float] = 0.5,
    *,
    present: NDArray[np.bool_] | None = None,
) -> FoldResult:
    """Count what (N, A) probabilities that are already there say about the faces of a fold's test subjects.

    Args:
        probabilities: One row a face of `faces`, in the order of `protocol.aus`.
        protocol: Names the Action Units.
        fold: Who was trained and tested on.
        faces: `store.select(fold.test)`, with `store` from `stores_by_corpus`.
        thresholds: Present means a probability at or above it; one for all or one an Action Unit. Choose
            them on `fold.validation`, never on test subjects.
        present: (N, A), what the system itself called present; by default what reaches the thresholds. The
            AUC is of the probabilities all the same.

    Raises:
        ProtocolError: The faces are not those of the fold's test subjects.
        ShapeError: The shapes do not belong together.
    """
    if set(faces.subjects) != set(fold.test):
        raise ProtocolError(f"Give the faces of all test subjects of fold {fold.name} and of nobody else.")
    groups = groups_of_subjects(faces.frames["subject"].to_numpy(dtype=str))
    labels = faces.labels(protocol.aus)
    if probabilities.shape != labels.shape:
        frames, aus = labels.shape
        raise ShapeError(f"Probabilities must be ({frames} frames, {aus}), but are {probabilities.shape}.")
    limits = np.broadcast_to(np.asarray(thresholds, dtype=float), len(protocol.aus)).copy()
    counts = count(probabilities >= limits if present is None else present, labels, groups, protocol.aus)
    return FoldResult(fold, counts, count_wins(probabilities, labels, groups), limits)
