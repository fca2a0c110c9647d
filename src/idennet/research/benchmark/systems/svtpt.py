"""SVTPT: the classifier of a new person is predicted from how that person's unlabelled faces lie.

For each Action Unit, every training subject has a support vector machine of their own. A kernel between sets
says how alike two subjects are: of a source, its support vectors stand for it; of the new subject, all faces.
A support vector regression on that kernel predicts the parameters of the new subject's machine.

Transductive: it needs many faces of one person at once, and cannot score a single photograph. Labels of the
scored faces are never read. Source: Zen, Sangineto, Ricci and Sebe, "Unsupervised domain adaptation for
personalized facial emotion recognition", ICMI 2014; features, kernel width and settings are not stated in the
IdenNet paper, and the authors' code is not at hand.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from idennet import facs
from idennet.learning.data.store import FaceStore
from idennet.research.benchmark.systems.contract import System, TrainingFaces, checked_scores
from idennet.research.benchmark.systems.descriptors import DescriptorKind, Features, describe
from idennet.research.benchmark.systems.learnt_arrays import Arrays, learn_once, rows_by_subject, spread
from idennet.research.benchmark.systems.linear import (
    Projection,
    Rows,
    Values,
    choose_rows,
    margins,
    principal_components,
    scores_of,
)
from idennet.research.benchmark.systems.parameter_transfer import Bias, Transfer, learn_transfer
from idennet.research.benchmark.systems.set_kernel import Sets


class SVTPT(System):
    """Support-vector-based transductive parameter transfer."""

    looks_at: ClassVar[Literal["face", "sequence", "subject"]] = "subject"

    name: str = "svtpt"
    descriptor: DescriptorKind = Field(default="hog", description="not stated for Action Units")
    standardise: Literal["subject", "corpus"] = Field(
        default="subject", description="whose mean and deviation the descriptors lose"
    )
    energy: float = Field(default=0.98, gt=0, le=1, description="share of variance that is kept")
    most_components: int = Field(default=256, ge=1)
    frames_per_subject: int = Field(default=500, ge=2, description="drawn at random beyond that")
    most_sources: int = Field(default=200, ge=3, description="training subjects, drawn at random beyond that")
    machine_cs: tuple[float, ...] = Field(
        default=(1e-3, 1e-2, 1e-1, 1.0, 10.0), min_length=1, description="chosen within subjects"
    )
    bias: Bias = Field(
        default="penalised",
        description="of the machines; not stated. A free one, with 16 frames a subject, calls all absent",
    )
    regression_c: float = Field(default=10.0, gt=0)
    regression_epsilon: float = Field(default=1e-3, ge=0, description="in deviations of the parameter")
    least_sources: int = Field(default=3, ge=1, description="below, one machine of all subjects is used")

    def fit(self, faces: TrainingFaces, folder: Path, device: str = "auto") -> "FittedSVTPT":
        """Learn on the training subjects; validation subjects are not used. See `System.fit`."""
        return FittedSVTPT(self, faces.aus, learn_once(self, faces, folder, lambda: self._learn(faces)))

    def _learn(self, faces: TrainingFaces) -> Arrays:
        store, seed = faces.train, self.budget.seed
        rows = self._grouped_rows(store.subject_index)
        starts = np.flatnonzero(np.diff(store.subject_index[rows], prepend=-1))
        described = describe(store, rows, self.descriptor)
        centre, scale = spread(described)
        for own in np.split(np.arange(len(rows)), starts[1:]):
            described[own] = self.standardised(described[own], centre, scale)
        projection = principal_components(described, self.energy, self.most_components, seed)
        transfer = learn_transfer(
            projection(described),
            store.labels(faces.aus)[rows],
            starts,
            machine_cs=self.machine_cs,
            bias=self.bias,
            regression_c=self.regression_c,
            regression_epsilon=self.regression_epsilon,
            least_sources=self.least_sources,
            seed=seed,
        )
        return {
            **{"centre": centre, "scale": scale, "mean": projection.mean, "basis": projection.basis},
            **{"features": transfer.sets.features, "starts": starts, "counted": transfer.sets.counted},
            **{"gamma": np.array(transfer.gamma), "own": transfer.own, "dual": transfer.dual},
            **{"offset": transfer.offset, "sources": transfer.sources},
        }

    def _grouped_rows(self, subject_index: Rows) -> Rows:
        """Return the rows to learn from, subject by subject."""
        rows = choose_rows(subject_index, self.frames_per_subject, self.budget.seed)
        present = np.unique(subject_index)
        if len(present) > self.most_sources:
            rng = np.random.default_rng(self.budget.seed)
            rows = rows[np.isin(subject_index[rows], rng.choice(present, self.most_sources, replace=False))]
        return rows[np.argsort(subject_index[rows], kind="stable")]

    def standardised(self, described: Features, centre: Values, scale: Values) -> Features:
        """Return one subject's descriptors (n, D) without mean and deviation, by default their own."""
        if self.standardise == "subject":
            centre, scale = spread(described)
        return np.asarray((described - centre) / scale, dtype=np.float32)


@dataclass(frozen=True)
class FittedSVTPT:
    """Regressions from the lie of a subject's faces to the machines of all Action Units."""

    settings: SVTPT
    aus: tuple[int, ...]
    arrays: Arrays

    @property
    def parameters(self) -> int:
        """Components, support vectors and weights of the regressions."""
        vectors = int(self.arrays["counted"].any(axis=0).sum()) * self.arrays["features"].shape[1]
        return int(self.arrays["basis"].size + vectors + self.arrays["dual"].size)

    @property
    def remarks(self) -> tuple[str, ...]:
        """That it is transductive, and which Action Units had too few sources."""
        sentences = ["Transductive: it looks at all unlabelled faces of each test subject."]
        few = self.arrays["sources"] < self.settings.least_sources
        if few.any():
            names = ", ".join(facs.columns(np.array(self.aus)[few].tolist()))
            sentences.append(f"Too few training subjects show and lack {names}: one machine for everybody.")
        return tuple(sentences)

    def predict(self, store: FaceStore) -> NDArray[np.float32]:
        """Return scores (N, A): the logistic function of margins. See `Fitted.predict`."""
        a = self.arrays
        projection = Projection(a["mean"], a["basis"])
        transfer = Transfer(
            Sets(a["features"], a["starts"], a["counted"]),
            float(a["gamma"]),
            a["own"],
            a["dual"],
            a["offset"],
            a["sources"],
        )
        scores = np.empty((len(store), len(self.aus)))
        for rows in rows_by_subject(store):
            described = describe(store, rows, self.settings.descriptor)
            features = projection(self.settings.standardised(described, a["centre"], a["scale"]))
            every = -(-len(features) // self.settings.frames_per_subject)
            thetas = transfer.thetas(features[::every])
            scores[rows] = np.stack([scores_of(margins(features, theta)) for theta in thetas], axis=1)
        return checked_scores(scores, store, self.aus)
