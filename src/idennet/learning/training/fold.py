"""Whom a training may learn from in one fold of a protocol, and on whom it is validated."""

from collections.abc import Sequence
from dataclasses import dataclass

from idennet.errors import ProtocolError
from idennet.learning.data.store import FaceStore
from idennet.learning.evaluation.catalogue import AUS, protocol_named
from idennet.learning.evaluation.folds import SUBJECTS
from idennet.learning.evaluation.judge import stores_by_corpus
from idennet.learning.evaluation.protocols import Fold, Protocol


@dataclass(frozen=True)
class FoldFaces:
    """Faces of the training corpus, labelled as the protocol asks.

    Attributes:
        protocol: Its name.
        fold: The fold's name.
        stores: Faces of the training and of the validation subjects.
        validation: Names of the latter.
        aus: Action Units that are learnt: those of the training corpus, wherever it is tested.
    """

    protocol: str
    fold: str
    stores: tuple[FaceStore, ...]
    validation: tuple[str, ...]
    aus: tuple[int, ...]

    def __str__(self) -> str:
        learning, validating = (len(store.subjects) for store in self.stores)
        return (
            f"Fold {self.fold} of {self.protocol}: {learning} subjects to learn from, {validating} to "
            "validate on; those who are tested stay unseen."
        )


def faces_of_fold(
    protocol: str,
    fold: str | None,
    au_stores: Sequence[FaceStore],
    identity_stores: Sequence[FaceStore] = (),
    *,
    partial: bool = False,
) -> FoldFaces:
    """Return the faces that a fold allows to learn from.

    Args:
        protocol: Name of a protocol of the catalogue.
        fold: Name of the fold; None where there is one only.
        au_stores: One store, with the training corpus.
        identity_stores: Further people; nobody who is tested may be among them.
        partial: Accept a store that lacks subjects.

    Raises:
        ProtocolError: There is no such protocol or fold, a store is not of the training corpus, subjects are
            missing, or an identity store has people who are tested.
    """
    known = protocol_named(protocol)
    for store in au_stores:
        if not any(name.startswith(f"{known.train}/") for name in store.subjects):
            raise ProtocolError(
                f"{store.path} has no subjects of {known.train}, which {protocol} learns from; leave it out."
            )
    within = known.model_copy(update={"test": known.train})
    store = stores_by_corpus(within, au_stores)[known.train]
    chosen = _chosen(known, known.folds([*store.subjects, *_tested_elsewhere(known)], partial=partial), fold)
    allowed = {*chosen.train, *chosen.validation}
    for other in identity_stores:
        tested = [name for name in other.subjects if name.partition("/")[0] in (known.train, known.test)]
        if unseen := [name for name in tested if name not in allowed]:
            raise ProtocolError(
                f"{other.path} has {unseen[0]}, who is tested in fold {chosen.name} of {protocol}; "
                "give identity stores of other people."
            )
    groups = [names for names in (chosen.train, chosen.validation) if names]
    return FoldFaces(
        protocol,
        chosen.name,
        tuple(store.select(names) for names in groups),
        chosen.validation,
        AUS.get(known.train, known.aus),
    )


def _tested_elsewhere(protocol: Protocol) -> list[str]:
    """Return names of the test corpus: training needs no store of it, but folds name who is tested."""
    if not protocol.crosses:
        return []
    return [f"{protocol.test}/{name}" for name in SUBJECTS.get(protocol.test, ("anybody",))]


def _chosen(protocol: Protocol, folds: Sequence[Fold], name: str | None) -> Fold:
    names = [fold.name for fold in folds]
    if name is None and len(folds) == 1:
        return folds[0]
    if name not in names:
        given = "give one with --fold" if name is None else f"there is no fold {name}"
        raise ProtocolError(f"{protocol.name} has the folds {', '.join(names)}; {given}.")
    return folds[names.index(name)]
