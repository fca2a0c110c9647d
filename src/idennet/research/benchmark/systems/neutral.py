"""Neutral-feature subtraction: a person's running mean of neutral frames is taken off before reading a frame.

A machine tells neutral from expressive frames; what it calls neutral, weighted by how surely, becomes the
person's neutral descriptor, and Action Units are read from the difference. Until a first neutral frame of the
person is seen, the mean of all training people's neutral frames stands in. Frames are read in order, and each
is scored with the mean so far, itself included. Source: Haber et al., WACV 2016, as the IdenNet paper
describes it; descriptors, weights and threshold are from memory.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from sklearn.calibration import CalibratedClassifierCV
from sklearn.model_selection import GroupKFold
from sklearn.svm import LinearSVC

from idennet.errors import InputError
from idennet.learning.data.store import FaceStore
from idennet.research.benchmark.systems.contract import System, TrainingFaces, checked_scores
from idennet.research.benchmark.systems.descriptors import DescriptorKind, describe
from idennet.research.benchmark.systems.learnt_arrays import Arrays, learn_once, rows_by_subject
from idennet.research.benchmark.systems.linear import (
    Mask,
    Projection,
    Rows,
    Values,
    choose_evenly,
    large_machines,
    margins,
    principal_components,
    scores_of,
)


class NeutralSubtraction(System):
    """Linear machines on descriptors minus the person's neutral descriptor."""

    looks_at: ClassVar[Literal["face", "sequence", "subject"]] = "subject"

    name: str = "neutral-subtraction"
    descriptor: DescriptorKind = Field(default="hog", description="HOG or landmarks (recalled)")
    energy: float = Field(default=0.98, gt=0, le=1, description="share of variance that is kept")
    most_components: int = Field(default=256, ge=1)
    most_faces: int = Field(default=5000, ge=10, description="to learn from, the same number of each subject")
    neutral_from: float = Field(default=0.5, gt=0, lt=1, description="frames count above this probability")
    c: float = Field(default=0.1, gt=0, description="price of errors of all machines")
    balanced: bool = Field(default=True, description="both classes weigh the same; not stated")

    def fit(self, faces: TrainingFaces, folder: Path, device: str = "auto") -> "FittedNeutral":
        """Learn the neutral machine, then those of the Action Units. See `System.fit`.

        Raises:
            InputError: Fewer than two training subjects have both neutral and expressive frames.
        """
        return FittedNeutral(self, faces.aus, learn_once(self, faces, folder, lambda: self._learn(faces)))

    def _learn(self, faces: TrainingFaces) -> Arrays:
        store, seed = faces.train, self.budget.seed
        rows = choose_evenly(store.subject_index, self.most_faces, seed)
        labels, subject = store.labels(faces.aus)[rows], store.subject_index[rows]
        described = describe(store, rows, self.descriptor)
        projection = principal_components(described, self.energy, self.most_components, seed)
        features = projection(described)
        neutral = is_neutral(labels)
        expressive = (labels == 1).any(axis=1)
        detector = learn_neutral(features, neutral, expressive, subject, c=self.c, seed=seed)
        everybody = features[neutral].mean(axis=0)
        difference = features - own_neutrals(features, neutral, subject, everybody)
        return {
            **{"mean": projection.mean, "basis": projection.basis},
            **{"neutral": detector, "everybody": everybody},
            "machines": large_machines(difference, labels, self.c, balanced=self.balanced, seed=seed),
        }


@dataclass(frozen=True)
class FittedNeutral:
    """A neutral machine, everybody's neutral descriptor, and machines of the differences."""

    settings: NeutralSubtraction
    aus: tuple[int, ...]
    arrays: Arrays

    @property
    def parameters(self) -> int:
        """Components and weights of all machines."""
        machines = (len(self.aus) + 1) * len(self.arrays["basis"])
        return int(self.arrays["basis"].size) + machines

    @property
    def remarks(self) -> tuple[str, ...]:
        """That it remembers a person."""
        return ("Each score depends on the earlier unlabelled frames of its subject.",)

    def predict(self, store: FaceStore) -> NDArray[np.float32]:
        """Return scores (N, A): the logistic function of margins. See `Fitted.predict`."""
        a = self.arrays
        projection = Projection(a["mean"], a["basis"])
        scores = np.empty((len(store), len(self.aus)))
        for rows in rows_by_subject(store):
            features = projection(describe(store, rows, self.settings.descriptor))
            probability = scores_of(margins(features, a["neutral"]))
            difference = features - running_neutral(
                features, probability, a["everybody"], self.settings.neutral_from
            )
            for column, theta in enumerate(a["machines"]):
                scores[rows, column] = scores_of(margins(difference, theta))
        return checked_scores(scores, store, self.aus)


def is_neutral(labels: NDArray[np.int8]) -> Mask:
    """Return which rows of labels (n, A) show no coded Action Unit; rows without any code are not neutral."""
    return np.asarray((labels == 0).any(axis=1) & ~(labels == 1).any(axis=1))


def learn_neutral(
    features: Values, neutral: Mask, expressive: Mask, subject: Rows, *, c: float, seed: int
) -> Values:
    """Return [w; b] (d + 1,) whose logistic function is the probability of being neutral.

    A balanced linear machine and Platt's scaling, fitted on subjects that its machine did not see.

    Raises:
        InputError: Fewer than two subjects have both kinds of frames.
    """
    both = np.intersect1d(subject[neutral], subject[expressive])
    if len(both) < 2:
        raise InputError(
            f"{len(both)} training subjects have both neutral frames and others; "
            "neutral subtraction needs two at least."
        )
    used = np.flatnonzero((neutral | expressive) & np.isin(subject, both))
    folds = GroupKFold(min(5, len(both))).split(used, groups=subject[used])
    machine = LinearSVC(C=c, class_weight="balanced", random_state=seed, max_iter=3000)
    scaled = CalibratedClassifierCV(machine, method="sigmoid", cv=list(folds), ensemble=False)
    (fitted,) = scaled.fit(features[used], neutral[used]).calibrated_classifiers_
    (platt,) = fitted.calibrators  # probability 1 / (1 + exp(a f + b))
    theta = np.append(fitted.estimator.coef_[0], fitted.estimator.intercept_)
    theta *= -platt.a_
    theta[-1] -= platt.b_
    return theta


def own_neutrals(features: Values, neutral: Mask, subject: Rows, everybody: Values) -> Values:
    """Return for each row the mean of its subject's neutral rows, or `everybody` (d,) without any; (n, d)."""
    means = np.tile(everybody, (len(features), 1))
    for person in np.unique(subject[neutral]):
        own = subject == person
        means[own] = features[own & neutral].mean(axis=0)
    return means


def running_neutral(features: Values, probability: Values, everybody: Values, at_least: float) -> Values:
    """Return for each frame the mean of the neutral frames up to it, weighted by their probability; (n, d).

    Args:
        features: (n, d), of one person in order.
        probability: (n,) of being neutral.
        everybody: (d,) until there is a neutral frame.
        at_least: Frames count whose probability is above this.
    """
    weight = np.where(probability > at_least, probability, 0.0)
    total = np.cumsum(weight)[:, None]
    sums = np.cumsum(weight[:, None] * features, axis=0)
    return np.where(total > 0, sums / np.where(total > 0, total, 1.0), everybody)
