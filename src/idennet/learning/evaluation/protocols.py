"""The protocol section as data: who is trained, validated and tested on, and which Action Units are scored.

A protocol is a frozen configuration; applied to the names of subjects, which carry their corpus
(`bp4d/F001`), it gives folds. Nothing here reads a face.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from idennet.errors import ProtocolError
from idennet.learning.data.split import split_subjects
from idennet.learning.evaluation.folds import SUBJECTS, Subjects
from idennet.learning.evaluation.splits import Split
from idennet.settings import Config


@dataclass(frozen=True)
class Fold:
    """Three groups of subjects; no person is in two of them.

    Attributes:
        name: `"1"`, `"2"`, ...; the subject when one is left out; `"all"` when nobody is.
        train: Subjects to learn from, `bp4d/F001`; nobody when the system was trained elsewhere.
        validation: Subjects to choose checkpoints and thresholds on, taken from the training subjects.
        test: Subjects that the score is about.
    """

    name: str
    train: Subjects
    validation: Subjects
    test: Subjects

    def __post_init__(self) -> None:
        """Check that the groups are exclusive and that somebody is tested.

        Raises:
            ProtocolError: Two groups share a subject, or nobody is tested.
        """
        groups = {"training": self.train, "validation": self.validation, "test": self.test}
        group_of: dict[str, str] = {}
        for group, names in groups.items():
            for name in set(names):
                if name in group_of:
                    raise ProtocolError(
                        f"Fold {self.name} has subject {name!r} for {group_of[name]} and for {group}; "
                        "a subject may be in one group only."
                    )
                group_of[name] = group
        if not self.test:
            raise ProtocolError(f"Fold {self.name} has no test subjects.")


class Protocol(Config):
    """How a system is trained and judged.

    Attributes:
        name: What tables call it.
        train: Corpus to learn from: what the subjects' names begin with.
        test: Corpus to be judged on; the same one for a within-dataset protocol.
        aus: Action Units to score, in order; none where conditions of pictures are all that is known.
        split: How the training corpus falls into folds.
        at_least: By corpus, the stored intensity from which an Action Unit counts as present; a corpus that
            is not listed keeps the labels of its store.
        validation: Share of each fold's training subjects that is set aside for validation; 1 where nothing
            is learnt.
        seed: Chooses the validation subjects.
        source: Where the protocol comes from.
    """

    name: str
    train: str
    test: str
    aus: tuple[int, ...]
    split: Split
    at_least: dict[str, float] = Field(default={})
    validation: Annotated[float, Field(ge=0, le=1)] = 0.15
    seed: Annotated[int, Field(ge=0)] = 0
    source: str = ""

    @property
    def crosses(self) -> bool:
        """Whether the system is judged on another corpus than it learnt from."""
        return self.train != self.test

    def folds(
        self, subjects: Iterable[str], *, partial: bool = False, trained_elsewhere: bool = False
    ) -> tuple[Fold, ...]:
        """Return the folds for the subjects of the stores; those of other corpora are passed over.

        Args:
            subjects: Names with their corpus; the order does not matter.
            partial: Accept stores that lack subjects, or have subjects that the protocol does not know, and
                use those that both have: for trials and incomplete copies.
            trained_elsewhere: The system is ready, so folds name test subjects only, and a cross-dataset
                protocol needs no subjects of its training corpus.

        Raises:
            ProtocolError: A corpus or subject is missing or unknown, or two groups would share a subject.
        """
        names = sorted(set(subjects))
        strangers = self._take_part(self.test, (), names, partial) if self.crosses else ()
        if strangers and trained_elsewhere:
            return (Fold("all", (), (), _full_names(self.test, strangers)),)
        learners = self._take_part(self.train, self.split.people(), names, partial)
        folds = []
        for fold, left_out in self.split.leave_out(learners).items():
            learning = _full_names(self.train, [name for name in learners if name not in left_out])
            train, validation = ((), ()) if trained_elsewhere else self._set_aside(learning)
            if judged := strangers or left_out:  # an incomplete copy may have nobody of a part
                folds.append(Fold(fold, train, validation, _full_names(self.test, judged)))
        if not folds:
            raise ProtocolError(
                f"{self.name} has nobody to test; it must leave out some or test another corpus."
            )
        return tuple(folds)

    def _set_aside(self, learning: Subjects) -> tuple[Subjects, Subjects]:
        """Return training and validation subjects."""
        if self.validation == 1:
            return (), learning
        if len(learning) < 2:
            raise ProtocolError(
                f"{self.name} leaves {len(learning)} to learn from in a fold; it needs two subjects "
                "or more. Give more subjects, or another protocol."
            )
        train, validation = split_subjects(learning, self.validation, self.seed)
        return tuple(train), tuple(validation)

    def _take_part(self, corpus: str, named: Subjects, names: list[str], partial: bool) -> Subjects:
        """Return who of a corpus takes part, without the corpus's name."""
        prefix = f"{corpus}/"
        there = {name.removeprefix(prefix) for name in names if name.startswith(prefix)}
        if not there:
            given = ", ".join(sorted({name.partition("/")[0] for name in names})) or "nobody"
            raise ProtocolError(f"{self.name} needs subjects of {corpus}, but the stores have {given}.")
        expected = set(named or SUBJECTS.get(corpus, tuple(there)))
        if not partial:
            self._complain(corpus, "the store lacks", expected - there)
            self._complain(corpus, "the protocol does not know", there - expected)
        return tuple(sorted(there & expected))

    def _complain(self, corpus: str, fault: str, names: set[str]) -> None:
        if names:
            shown = ", ".join(sorted(names)[:5]) + (", ..." if len(names) > 5 else "")
            raise ProtocolError(
                f"{self.name}: {fault} {len(names)} of the subjects of {corpus} ({shown}); "
                "allow a partial corpus (--partial) to use those that both have."
            )


def _full_names(corpus: str, names: Iterable[str]) -> Subjects:
    return tuple(f"{corpus}/{name}" for name in names)
