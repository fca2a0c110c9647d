"""JPML's patch learning: which patches of the face tell an Action Unit, and what they say.

SIFT on 49 landmarks makes 49 patches of 128 numbers; logistic regression under a group lasso keeps some of
them. This is the released part of the method. The relations between Action Units of the full method (positive
correlation, negative competition) are not released and left out.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from idennet.learning.data.store import FaceStore
from idennet.research.benchmark.systems.contract import System, TrainingFaces, checked_scores
from idennet.research.benchmark.systems.descriptors import SIFT_LENGTH, describe
from idennet.research.benchmark.systems.group_lasso import group_lasso_logistic
from idennet.research.benchmark.systems.learnt_arrays import Arrays, learn_once
from idennet.research.benchmark.systems.linear import choose_evenly, scores_of

_AT_ONCE = 1000


class PatchLearning(System):
    """Active patch learning of Zhao, Chu, De la Torre, Cohn and Zhang, CVPR 2015, as released."""

    name: str = "jpml-patches"
    strength: float = Field(default=1e-3, gt=0, description="lambda; the release names 1e-3 to 1e-6")
    most_steps: int = Field(default=500, ge=1, description="of FISTA")
    tolerance: float = Field(default=1e-3, gt=0, description="relative duality gap")
    most_faces: int = Field(default=5000, ge=10, description="to learn from, the same number of each subject")

    def fit(self, faces: TrainingFaces, folder: Path, device: str = "auto") -> "FittedPatches":
        """Learn the weights of all patches. See `System.fit`.

        Raises:
            InputError: The store has no landmarks.
        """
        return FittedPatches(self, faces.aus, learn_once(self, faces, folder, lambda: self._learn(faces)))

    def _learn(self, faces: TrainingFaces) -> Arrays:
        store = faces.train
        rows = choose_evenly(store.subject_index, self.most_faces, self.budget.seed)
        weights = group_lasso_logistic(
            describe(store, rows, "sift"),
            store.labels(faces.aus)[rows],
            SIFT_LENGTH,
            strength=self.strength,
            most_steps=self.most_steps,
            tolerance=self.tolerance,
        )
        return {"weights": weights}


@dataclass(frozen=True)
class FittedPatches:
    """Weights of 49 patches for each Action Unit."""

    settings: PatchLearning
    aus: tuple[int, ...]
    arrays: Arrays

    @property
    def parameters(self) -> int:
        """All weights, kept or not: 6,272 for an Action Unit."""
        return int(self.arrays["weights"].size)

    @property
    def remarks(self) -> tuple[str, ...]:
        """That only the released part of the method is here."""
        return ("Patch learning only: the relations between Action Units are not released.",)

    def predict(self, store: FaceStore) -> NDArray[np.float32]:
        """Return probabilities (N, A). See `Fitted.predict`."""
        chunks = [np.empty((0, len(self.aus)))]
        for first in range(0, len(store), _AT_ONCE):
            rows = np.arange(first, min(first + _AT_ONCE, len(store)))
            described = describe(store, rows, "sift").astype(np.float64)
            chunks.append(scores_of(described @ self.arrays["weights"]))
        return checked_scores(np.concatenate(chunks), store, self.aus)
