"""What labelled photographs say about weights: which Action Units are unreliable, and which they test.

The rule: an Action Unit is unreliable if it is called present in more than `MOST_FALSE_ALARMS` of the neutral
faces, or if its AUC is below `LEAST_AUC` on photographs some of which show it. It is tested on photographs
if some show it and some do not. "Some" are at least `ENOUGH` faces; fewer say nothing.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field

from idennet.errors import InputError
from idennet.models.weights import ActionUnit, WeightsSidecar
from idennet.settings import Config, load_config

MEANING = "evidence.yaml"
MOST_FALSE_ALARMS = 0.1
LEAST_AUC = 0.75
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
        auc: Area under the ROC curve; NaN if one kind is missing.
    """

    au: int
    condition: str
    present: int
    absent: int
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
        faults += [
            f"AUC {comparison.auc:.3f}{comparison.what} in {comparison.present + comparison.absent} "
            f"{self.photographs}"
            for comparison in self.comparisons
            if comparison.au == au and comparison.counts and comparison.auc < LEAST_AUC
        ]
        return faults


def rule() -> str:
    """Return in words what makes an Action Unit unreliable on photographs."""
    return (
        f"present in more than {100 * MOST_FALSE_ALARMS:.0f} % of neutral faces, or an AUC below {LEAST_AUC} "
        f"where at least {ENOUGH} photographs show it and {ENOUGH} do not"
    )


def read_evidence(result: Path, card: WeightsSidecar) -> PhotographEvidence:
    """Return what a result of `idennet evaluate` says about the weights of a card.

    The list of pictures that was judged, and its `evidence.yaml`, lie in the folder of the result.

    Raises:
        InputError: The file is no such result, or judges other weights or another list.
        RecipeError: `evidence.yaml` is missing or wrong.
    """
    try:
        fields = json.loads(result.read_text(encoding="utf-8"))
        weights, data = fields["weights"]["sha256"], fields["data"]["sha256"]
        conditions = {name: _Answers(scores) for name, scores in fields["conditions"].items()}
        coded = _Answers(fields["action_units"]) if fields["action_units"] else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{result} is no result of a list of pictures; make it with idennet evaluate LIST.csv --out FILE."
        ) from error
    if weights != card.sha256:
        raise InputError(f"{result} judges other weights than {card.version}; evaluate these.")
    meaning = load_config(Meaning, result.parent / MEANING)
    pictures = result.parent / meaning.list
    if not pictures.is_file() or hashlib.sha256(pictures.read_bytes()).hexdigest() != data:
        raise InputError(f"{result} judges another list than {pictures}; evaluate that one.")
    if strangers := {*meaning.shows, *filter(None, [meaning.neutral])} - conditions.keys():
        raise InputError(
            f"{result} has no condition {', '.join(sorted(strangers))}, which {MEANING} beside it explains."
        )
    comparisons = [
        _comparison(conditions[condition], au, condition)
        for condition, aus in meaning.shows.items()
        for au in aus
    ]
    if coded:
        comparisons += [_comparison(coded, au, "") for au in coded.aus]
    neutral, false_alarms = 0, dict[int, int]()
    if meaning.neutral is not None:
        answers = conditions[meaning.neutral]
        neutral, false_alarms = answers.absent[0], dict(zip(answers.aus, answers.false_alarms, strict=True))
    return PhotographEvidence(meaning.photographs, tuple(comparisons), neutral, false_alarms)


class _Answers:
    """For each of `aus`: photographs with and without a condition, how often it fired in the latter, AUC."""

    def __init__(self, scores: Mapping[str, Any]) -> None:
        self.aus: list[int] = scores["aus"]
        hits, false_alarms, misses, rejections = (
            [sum(subjects) for subjects in scores[outcome]]
            for outcome in ("true_positive", "false_positive", "false_negative", "true_negative")
        )
        self.present = [hit + miss for hit, miss in zip(hits, misses, strict=True)]
        self.absent = [alarm + right for alarm, right in zip(false_alarms, rejections, strict=True)]
        self.false_alarms = false_alarms
        self.auc = [math.nan if auc is None else float(auc) for auc in scores["auc"]]


def _comparison(answers: _Answers, au: int, condition: str) -> Comparison:
    row = answers.aus.index(au)
    return Comparison(au, condition, answers.present[row], answers.absent[row], answers.auc[row])
