"""Confidence Preserving Machine: easy test frames teach what the hard ones show.

Zeng, Chu, De la Torre, Cohn and Xiong, ICCV 2015. Details are from memory of the paper; each one that it may
settle otherwise is a setting. The extensions iCPM (repeated) and kCPM (kernels) are left out. Transductive:
it looks at all unlabelled frames of a person, in order.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from idennet import facs
from idennet.learning.data.store import FaceStore
from idennet.research.benchmark.systems.confidence import (
    confident_machines,
    neighbour_laplacian,
    smooth_machine,
    virtual_labels,
)
from idennet.research.benchmark.systems.contract import System, TrainingFaces, checked_scores
from idennet.research.benchmark.systems.descriptors import describe
from idennet.research.benchmark.systems.learnt_arrays import Arrays, learn_once, rows_by_subject
from idennet.research.benchmark.systems.linear import (
    Projection,
    Values,
    choose_evenly,
    constant,
    has_both,
    margins,
    principal_components,
    scores_of,
)


class ConfidencePreservingMachine(System):
    """Settings of the confident machines, and of each person's own."""

    looks_at: ClassVar[Literal["face", "sequence", "subject"]] = "subject"

    name: str = "cpm"
    energy: float = Field(default=0.98, gt=0, le=1, description="share of variance that is kept")
    most_components: int = Field(default=256, ge=1)
    most_faces: int = Field(default=5000, ge=10, description="to learn from, the same number of each subject")
    c: float = Field(default=0.1, gt=0, description="price of errors of the confident machines")
    rounds: int = Field(default=10, ge=1, description="of relabelling hard training faces")
    balanced: bool = Field(default=True, description="both classes weigh the same; not stated")
    ridge: float = Field(default=0.1, gt=0, description="price of a person's weights")
    smoothness: float = Field(default=1.0, ge=0, description="price of differences between neighbours")
    neighbours: int = Field(default=5, ge=1, description="of a frame, the most alike within the window")
    window: int = Field(default=10, ge=1, description="frames of the sequence before and after")
    frames_at_once: int = Field(default=2000, ge=2, description="of one person, smoothed together")

    def fit(self, faces: TrainingFaces, folder: Path, device: str = "auto") -> "FittedCPM":
        """Learn the confident machines. See `System.fit`.

        Raises:
            InputError: The store has no landmarks.
        """
        return FittedCPM(self, faces.aus, learn_once(self, faces, folder, lambda: self._learn(faces)))

    def _learn(self, faces: TrainingFaces) -> Arrays:
        store, seed = faces.train, self.budget.seed
        rows = choose_evenly(store.subject_index, self.most_faces, seed)
        described = describe(store, rows, "sift")
        projection = principal_components(described, self.energy, self.most_components, seed)
        features = projection(described)
        machines = [self._confident(features, labels) for labels in store.labels(faces.aus)[rows].T]
        return {
            "mean": projection.mean,
            "basis": projection.basis,
            "sure_present": np.stack([present for present, _ in machines]),
            "sure_absent": np.stack([absent for _, absent in machines]),
        }

    def _confident(self, features: Values, labels: NDArray[np.int8]) -> tuple[Values, Values]:
        if not has_both(labels):
            theta = constant(features.shape[1], labels)
            return theta, theta
        coded = labels != facs.MISSING
        signs = np.where(labels[coded] == 1, 1.0, -1.0)
        return confident_machines(
            features[coded],
            signs,
            c=self.c,
            rounds=self.rounds,
            balanced=self.balanced,
            seed=self.budget.seed,
        )


@dataclass(frozen=True)
class FittedCPM:
    """Two confident machines of each Action Unit."""

    settings: ConfidencePreservingMachine
    aus: tuple[int, ...]
    arrays: Arrays

    @property
    def parameters(self) -> int:
        """Components and weights of the confident machines."""
        machines = 2 * len(self.aus) * (self.arrays["sure_present"].shape[1] - 1)
        return int(self.arrays["basis"].size) + machines

    @property
    def remarks(self) -> tuple[str, ...]:
        """That it is transductive."""
        return ("Transductive: it looks at all unlabelled frames of each test subject, in order.",)

    def predict(self, store: FaceStore) -> NDArray[np.float32]:
        """Return scores (N, A): the logistic function of each person's own values. See `Fitted.predict`."""
        projection = Projection(self.arrays["mean"], self.arrays["basis"])
        _, sequences = np.unique(store.frames["sequence"].to_numpy(str), return_inverse=True)
        scores = np.empty((len(store), len(self.aus)))
        for all_rows in rows_by_subject(store):
            for rows in np.array_split(all_rows, -(-len(all_rows) // self.settings.frames_at_once)):
                features = projection(describe(store, rows, "sift"))
                laplacian = neighbour_laplacian(
                    features,
                    sequences[rows],
                    neighbours=self.settings.neighbours,
                    window=self.settings.window,
                )
                for column in range(len(self.aus)):
                    scores[rows, column] = scores_of(self._values(column, features, laplacian))
        return checked_scores(scores, store, self.aus)

    def _values(self, column: int, features: Values, laplacian: Values) -> Values:
        """Return the values (n,) of one Action Unit for one person, above 0 where it is present.

        Where the easy frames do not show both labels, no machine can be taught by them, and the mean of the
        confident machines decides.
        """
        present, absent = self.arrays["sure_present"][column], self.arrays["sure_absent"][column]
        virtual = virtual_labels(features, present, absent)
        if not ((virtual == 1).any() and (virtual == -1).any()):
            return margins(features, (present + absent) / 2)
        own = smooth_machine(
            features, virtual, laplacian, ridge=self.settings.ridge, smoothness=self.settings.smoothness
        )
        return margins(features, own)
