"""What labelled photographs say about weights: which Action Units are unreliable, and which they test.

The rule: an Action Unit is unreliable if it is called present in more than `MOST_FALSE_ALARMS` of the neutral
faces, or, on photographs some of which show it, if its AUC is below `LEAST_AUC` or it is called present in
fewer than `LEAST_FOUND` of these. It is tested on photographs if some show it and some do not, and then
rendered faces have no say. "Some" are at least `ENOUGH` faces; fewer say nothing.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from idennet.errors import InputError
from idennet.learning.evaluation.fold_results import weighted_auc
from idennet.learning.evaluation.metrics import Counts
from idennet.learning.evaluation.result_files import read_result
from idennet.models.weights import ActionUnit, WeightsSidecar
from idennet.settings import Config, load_config

MEANING = "evidence.yaml"
MOST_FALSE_ALARMS = 0.1
LEAST_AUC = 0.75
LEAST_FOUND = 0.1
ENOUGH = 10


class Meaning(Config):
    """What a list of labelled photographs can say: `evidence.yaml` beside it.

    Attributes:
        list: Name of the CSV file, as `idennet evaluate` takes it.
        photographs: What is on it, in the plural: "portraits".
        shows: The Action Units that each condition shows; raised brows show AU1 and AU2.
        neutral: The condition without which a face is neutral; None where no condition says so.
    """

    list: str
    photographs: str
    shows: dict[str, tuple[ActionUnit, ...]] = Field(default_factory=dict)
    neutral: str | None = None


@dataclass(frozen=True)
class Comparison:
    """How well the probability of an Action Unit tells photographs that show it from the others.

    Attributes:
        au: The Action Unit.
        condition: Name of what the photographs show; empty if it is the Action Unit itself.
        present: Photographs that show it.
        absent: Photographs that do not.
        found: Photographs that show it and are called so.
        auc: Area under the ROC curve; NaN if one kind is missing.
    """

    au: int
    condition: str
    present: int
    absent: int
    found: int
    auc: float

    @property
    def counts(self) -> bool:
        """Whether there are enough photographs of both kinds."""
        return min(self.present, self.absent) >= ENOUGH

    @property
    def what(self) -> str:
        """What is told apart: " for brows raised"; empty if it is the Action Unit itself."""
        return f" for {self.condition.replace('_', ' ')}" if self.condition else ""


@dataclass(frozen=True)
class PhotographEvidence:
    """What one list of photographs says about weights.

    Attributes:
        photographs: What is on them.
        comparisons: Each Action Unit with everything that shows it.
        neutral: Number of neutral faces.
        false_alarms: Neutral faces in which each Action Unit is called present.
    """

    photographs: str
    comparisons: tuple[Comparison, ...]
    neutral: int
    false_alarms: Mapping[int, int]

    @property
    def tested_aus(self) -> frozenset[int]:
        """Action Units that enough of the photographs show, and enough do not."""
        return frozenset(comparison.au for comparison in self.comparisons if comparison.counts)

    def faults(self, au: int) -> list[str]:
        """Return why an Action Unit is unreliable on these photographs, in words; empty if it is not."""
        faults = []
        alarms = self.false_alarms.get(au, 0)
        if self.neutral >= ENOUGH and alarms > MOST_FALSE_ALARMS * self.neutral:
            faults.append(f"present in {alarms} of {self.neutral} neutral {self.photographs}")
        for one in self.comparisons:
            if one.au != au or not one.counts:
                continue
            if one.auc < LEAST_AUC:
                faults.append(f"AUC {one.auc:.3f}{one.what} in {one.present + one.absent} {self.photographs}")
            if one.found < LEAST_FOUND * one.present:
                shown = one.condition.replace("_", " ") or "it"
                faults.append(
                    f"called present in {one.found} of {one.present} {self.photographs} that show {shown}"
                )
        return faults


def rule() -> str:
    """Return in words what makes an Action Unit unreliable on photographs."""
    return (
        f"present in more than {100 * MOST_FALSE_ALARMS:.0f} % of neutral faces; where at least {ENOUGH} "
        f"photographs show it and {ENOUGH} do not, an AUC below {LEAST_AUC}, or called present in fewer than "
        f"{100 * LEAST_FOUND:.0f} % of those that show it"
    )


def read_evidence(result: Path, card: WeightsSidecar) -> PhotographEvidence:
    """Return what a result of `idennet evaluate` says about the weights of a card.

    The list of pictures that was judged, and its `evidence.yaml`, lie in the folder of the result.

    Raises:
        InputError: The file is no such result, or judges other weights or another list.
        RecipeError: `evidence.yaml` is missing or wrong.
    """
    judged = read_result(result)
    conditions = {condition.name: condition for condition in judged.conditions}
    if judged.weights != (card.sha256,):
        raise InputError(f"{result} judges other weights than {card.version}; evaluate these.")
    meaning = load_config(Meaning, result.parent / MEANING)
    pictures = result.parent / meaning.list
    if not pictures.is_file() or (
        hashlib.sha256(pictures.read_bytes()).hexdigest() not in judged.stores.values()
    ):
        raise InputError(f"{result} judges another list than {pictures}; evaluate that one.")
    if strangers := {*meaning.shows, *filter(None, [meaning.neutral])} - conditions.keys():
        raise InputError(
            f"{result} has no condition {', '.join(sorted(strangers))}, which {MEANING} beside it explains."
        )
    comparisons = [
        _comparison(conditions[condition].counts, conditions[condition].doubled_wins, au, condition)
        for condition, aus in meaning.shows.items()
        for au in aus
    ]
    if len(judged.folds) > 1:
        raise InputError(f"{result} is judged in folds; evaluate the list without options.")
    (coded,) = judged.folds
    comparisons += [_comparison(coded.counts, coded.doubled_wins, au, "") for au in judged.aus]
    neutral, false_alarms = 0, dict[int, int]()
    if meaning.neutral is not None:
        counts = conditions[meaning.neutral].counts
        neutral = int((counts.coded - counts.positives).sum(axis=1).max())
        false_alarms = dict(zip(counts.aus, map(int, counts.false_positive.sum(1)), strict=True))
    return PhotographEvidence(meaning.photographs, tuple(comparisons), neutral, false_alarms)


def _comparison(counts: Counts, doubled_wins: NDArray[np.int64], au: int, condition: str) -> Comparison:
    row = counts.aus.index(au)
    present = int(counts.positives[row].sum())
    absent = int(counts.coded[row].sum()) - present
    found = int(counts.true_positive[row].sum())
    everybody = np.ones((1, len(counts.subjects)))
    auc = float(weighted_auc(counts, doubled_wins, everybody)[0, row])
    return Comparison(au, condition, present, absent, found, auc)
