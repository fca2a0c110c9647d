"""Selective Transfer Machine: each test person gets machines learnt from the training faces most like theirs.

Descriptors are SIFT on 9 points of the upper or 7 of the lower face, by Action Unit. The learning happens
when a store is scored, once for each person and Action Unit, so scoring is slow. Transductive: it looks at
all unlabelled faces of a person. The optional Laplacian term of the paper is left out.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from sklearn.metrics.pairwise import rbf_kernel

from idennet import facs
from idennet.learning.data.store import FaceStore
from idennet.research.benchmark.systems.contract import System, TrainingFaces, checked_scores
from idennet.research.benchmark.systems.descriptors import LOWER_POINTS, UPPER_POINTS, describe
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
from idennet.research.benchmark.systems.selective_transfer import select_and_learn
from idennet.research.benchmark.systems.set_kernel import median_gamma

UPPER_AUS = frozenset((1, 2, 4, 5, 6, 7, 43))
"""Action Units of the upper face; all others are read from the lower points."""

_PARTS = {"upper": UPPER_POINTS, "lower": LOWER_POINTS}


class SelectiveTransferMachine(System):
    """Settings marked recalled are from memory of the paper."""

    looks_at: ClassVar[Literal["face", "sequence", "subject"]] = "subject"

    name: str = "stm"
    energy: float = Field(default=0.98, gt=0, le=1, description="share of variance that is kept (recalled)")
    most_components: int = Field(default=256, ge=1)
    most_faces: int = Field(default=1000, ge=10, description="to learn from, the same number of each subject")
    c: float = Field(default=1.0, gt=0, description="price of errors")
    transfer: float = Field(default=1.0, gt=0, description="lambda, of the quadratic programme; not stated")
    largest_weight: float = Field(default=10.0, gt=1, description="B; 10 to 1000 (recalled)")
    alternations: int = Field(default=10, ge=1, description="(recalled)")
    balanced: bool = Field(default=True, description="both classes weigh the same; not stated")

    def fit(self, faces: TrainingFaces, folder: Path, device: str = "auto") -> "FittedSTM":
        """Describe the training faces; machines are learnt when a store is scored. See `System.fit`.

        Raises:
            InputError: The store has no landmarks.
        """
        return FittedSTM(self, faces.aus, learn_once(self, faces, folder, lambda: self._learn(faces)))

    def _learn(self, faces: TrainingFaces) -> Arrays:
        store = faces.train
        rows = choose_evenly(store.subject_index, self.most_faces, self.budget.seed)
        arrays: Arrays = {"labels": store.labels(faces.aus)[rows]}
        for part, points in _PARTS.items():
            described = describe(store, rows, "sift", points)
            projection = principal_components(described, self.energy, self.most_components, self.budget.seed)
            features = projection(described)
            arrays |= {f"{part}_mean": projection.mean, f"{part}_basis": projection.basis}
            arrays |= {f"{part}_features": features}
            arrays |= {f"{part}_gamma": np.array(median_gamma(features, self.budget.seed))}
        return arrays


@dataclass(frozen=True)
class FittedSTM:
    """Labelled training faces from which each test person's machines are learnt."""

    settings: SelectiveTransferMachine
    aus: tuple[int, ...]
    arrays: Arrays

    @property
    def parameters(self) -> int:
        """Components and the training faces that are kept."""
        kept = ("upper_basis", "lower_basis", "upper_features", "lower_features")
        return sum(int(self.arrays[name].size) for name in kept)

    @property
    def remarks(self) -> tuple[str, ...]:
        """That it is transductive."""
        return ("Transductive: it learns anew from all unlabelled faces of each test subject.",)

    def predict(self, store: FaceStore) -> NDArray[np.float32]:
        """Return scores (N, A): the logistic function of margins. See `Fitted.predict`."""
        scores = np.empty((len(store), len(self.aus)))
        for part, points in _PARTS.items():
            columns = [at for at, au in enumerate(self.aus) if (au in UPPER_AUS) == (part == "upper")]
            if not columns:
                continue
            features, gamma = self.arrays[f"{part}_features"], float(self.arrays[f"{part}_gamma"])
            kernel = rbf_kernel(features, features, gamma)
            projection = Projection(self.arrays[f"{part}_mean"], self.arrays[f"{part}_basis"])
            for rows in rows_by_subject(store):
                new = projection(describe(store, rows, "sift", points))
                similarity = rbf_kernel(features, new, gamma).mean(axis=1)
                for column in columns:
                    theta = self._machine(column, features, kernel, similarity)
                    scores[rows, column] = scores_of(margins(new, theta))
        return checked_scores(scores, store, self.aus)

    def _machine(self, column: int, features: Values, kernel: Values, similarity: Values) -> Values:
        """Return [w; b] of one Action Unit for a person of whom the training faces have `similarity` (n,)."""
        labels = self.arrays["labels"][:, column]
        if not has_both(labels):
            return constant(features.shape[1], labels)
        coded = np.flatnonzero(labels != facs.MISSING)
        settings = self.settings
        return select_and_learn(
            features[coded],
            np.where(labels[coded] == 1, 1.0, -1.0),
            kernel[np.ix_(coded, coded)],
            len(coded) * similarity[coded],
            c=settings.c,
            transfer=settings.transfer,
            largest_weight=settings.largest_weight,
            alternations=settings.alternations,
            balanced=settings.balanced,
        ).theta
