"""What every compared system is: settings that can be fitted to a fold's faces, and then score a store.

A system gets a whole store to score, not batches: some look at all faces of a test subject, some at the
sequence before a frame, some at landmarks. None of them may look at the labels of what it scores.
"""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Literal, Protocol, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from idennet.errors import ShapeError
from idennet.learning.data.store import FaceStore
from idennet.learning.evaluation.protocols import Fold
from idennet.settings import Config


@dataclass(frozen=True)
class TrainingFaces:
    """What a system may learn from in one fold.

    Attributes:
        train: Faces with Action Units of the training subjects; their subjects are identities as well.
        validation: Faces of the validation subjects, to choose steps and settings by; None: there are none.
        aus: (A,) Action Units to score, in order.
        identities: Stores of which only the subjects count (the paper's CelebA); most systems ignore them.
    """

    train: FaceStore
    validation: FaceStore | None
    aus: tuple[int, ...]
    identities: tuple[FaceStore, ...] = ()

    @classmethod
    def of_fold(
        cls, fold: Fold, store: FaceStore, aus: tuple[int, ...], identities: tuple[FaceStore, ...] = ()
    ) -> "TrainingFaces":
        """Return the faces that a fold allows to learn from.

        Args:
            fold: Names the training and validation subjects.
            store: Of the training corpus, from `evaluation.fold_scoring.stores_by_corpus`.
            aus: Those of the protocol.
            identities: Further people.
        """
        validation = store.select(fold.validation) if fold.validation else None
        return cls(store.select(fold.train), validation, aus, identities)

    @cached_property
    def digest(self) -> str:
        """12 hex digits that name exactly these faces, labels and Action Units, whatever they are for."""
        summary = hashlib.sha256(repr(self.aus).encode())
        for store in (self.train, self.validation, *self.identities):
            if store is None:
                summary.update(b"none")
                continue
            summary.update(store.digest.encode())
            for values in (store.index, store.labels(self.aus)):
                summary.update(np.ascontiguousarray(values).data)
        return summary.hexdigest()[:12]


class Seeded(Config):
    """What systems learn by that take no steps, or those of a recipe: chance alone."""

    seed: int = Field(default=0, ge=0, description="of first weights, batches, augmentation, choices")


class Budget(Seeded):
    """How long and how fast a network learns: the same for all, so that none wins by being trained longer."""

    steps: int = Field(default=4000, ge=1, description="of the optimiser")
    batch: int = Field(default=64, ge=4, description="faces with Action Units of one step")
    learning_rate: float = Field(default=3e-4, gt=0, description="Adam's, the largest of a cosine schedule")
    validations: int = Field(default=8, ge=1, description="looks at the validation faces; the best is kept")


class Fitted(Protocol):
    """A system that has learnt."""

    @property
    def parameters(self) -> int:
        """Learnt numbers without biases, as the paper counts them."""

    @property
    def remarks(self) -> tuple[str, ...]:
        """Sentences that a reader of the result must know, such as "Started from random weights."."""

    def predict(self, store: FaceStore) -> NDArray[np.float32]:
        """Return scores (N, A) from 0 to 1 for all faces of a store; 0.5 and more means present.

        Labels of the store are never read. The same store always gets the same scores.
        """


class System(Config, ABC):
    """Settings of one system; every one that its source leaves open is a documented field."""

    looks_at: ClassVar[Literal["face", "sequence", "subject"]] = "face"
    """What one score depends on: that face alone, frames of its sequence up to it, or all unlabelled faces of
    its subject (transductive: needs a batch of test frames)."""

    name: str = Field(min_length=1, description="what tables call it")
    budget: Seeded = Seeded()

    def warnings(self, faces: TrainingFaces) -> tuple[str, ...]:
        """Return sentences on what these faces do not allow, for users to read before training begins."""
        return ()

    def shortest(self) -> Self:
        """Return the system with the least training, for measures that do not depend on what was learnt."""
        return self

    @abstractmethod
    def fit(self, faces: TrainingFaces, folder: Path, device: str = "auto") -> Fitted:
        """Learn, or continue in `folder`, or load what was learnt there before.

        The same settings and faces give the same result on the same machine.

        Args:
            faces: All that may be learnt from.
            folder: This fit's alone; made if missing. What takes long is saved there while it runs.
            device: `"auto"` (CUDA if there is any), `"cpu"`, `"cuda:1"`, ...; ignored without a network.

        Raises:
            InputError: The faces lack what the system needs, such as landmarks or two subjects.
            RecipeError: The folder has a fit of other settings or faces.
        """


class SteppedSystem(System):
    """A system that learns by an optimiser's steps."""

    budget: Budget = Budget()

    def shortest(self) -> Self:
        """See `System.shortest`."""
        budget = self.budget.model_copy(update={"steps": 1, "validations": 1})
        return self.model_copy(update={"budget": budget})


def fewer_identities(batch: str, wanted: int, stores: Sequence[FaceStore]) -> tuple[str, ...]:
    """Return a sentence if batches of so many identities cannot be drawn from stores; else nothing.

    Args:
        batch: What the sentence begins with: "A batch of stage au".
        wanted: Distinct identities, each with a pair of faces.
        stores: Where they are drawn from.
    """
    there = sum(int((store.frames["subject"].value_counts() >= 2).sum()) for store in stores)
    if there >= wanted:
        return ()
    return (f"{batch} has pairs of {there} identities instead of {wanted}: there are no more to learn from.",)


def checked_scores(
    scores: NDArray[np.floating], store: FaceStore, aus: tuple[int, ...]
) -> NDArray[np.float32]:
    """Return scores as float32 after checking that they are (N, A) and from 0 to 1.

    Raises:
        ShapeError: They are not.
    """
    expected = (len(store), len(aus))
    if scores.shape != expected or not ((scores >= 0) & (scores <= 1)).all():
        raise ShapeError(f"Scores must be {expected} and from 0 to 1, but have shape {scores.shape}.")
    return scores.astype(np.float32)
