"""How far scores agree with a teacher on photographs of people who have several."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import spearmanr

from benchmarks.subtraction.measures import person_offsets
from idennet.learning.data.store import FaceStore
from idennet.learning.data.teacher import LESSONS, TeacherLabels

LEAST_PICTURES = 8


class People:
    """People with enough photographs to tell what is constant about them, and a teacher's values of these.

    Attributes:
        store: All photographs, also of people who have fewer.
        rows: Of the store: photographs of people who have enough.
    """

    def __init__(self, store: Path, labels: Path) -> None:
        self.store = FaceStore.open(store)
        self._labels = TeacherLabels.open(labels)
        row, who = self._labels.rows_of(self.store), self.store.subject_index
        self.rows = np.flatnonzero((np.bincount(who)[who] >= LEAST_PICTURES) & (row >= 0))
        self._row, self._who = row[self.rows], who[self.rows]

    def judge(self, logits: NDArray[np.floating], aus: Sequence[int]) -> dict[str, float]:
        """Return agreement with the teacher, and the share of the variance that is the person.

        Agreement is Spearman's correlation of the logit with the teacher's value relative to the person's own
        median, over all pictures of all people, so that every constant that a person has lowers it. Means
        over the Action Units that have a lesson.

        Args:
            logits: (N, A) of the photographs `rows`.
            aus: Their Action Units.
        """
        taught = [lesson.au for lesson in LESSONS if lesson.au in aus]
        values = self._labels.logits(taught, relative=False)[self._row]
        relative = values - pd.DataFrame(values).groupby(self._who).transform("median").to_numpy()
        columns = [logits[:, aus.index(au)] for au in taught]
        nothing = np.zeros(len(logits), np.int8)
        return {
            "agreement": float(
                np.nanmean([spearmanr(one, to)[0] for one, to in zip(columns, relative.T, strict=True)])
            ),
            "share": float(np.mean([person_offsets(one, nothing, self._who)[1] for one in columns])),
        }
