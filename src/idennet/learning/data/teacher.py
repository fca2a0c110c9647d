"""What MediaPipe's face landmarker says of photographs, as targets for Action Units.

Its 52 blendshapes (named as in Apple's ARKit) are no Action Units: a lesson says which of them stand for
which, from where on, and how far they are believed. Values below what studio portraits of neutral faces
reach teach absence. A large part of such a value is the person, so some lessons are taken relative to what
is usual for that person.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idennet.errors import InputError
from idennet.files import draft_of
from idennet.learning.data.movement.drawn import CLEAR, Sides, added_to, is_moved
from idennet.learning.data.store import FaceStore

LIP_GAP = "lip_gap"
"""Column: distance of the inner lips' middles (points 13 and 14) over the distance of the eye centres."""

ENOUGH_PICTURES = 4
"""Photographs of one person from which their median says what is usual for them."""


@dataclass(frozen=True)
class Lesson:
    """How a teacher's value becomes the logit of one Action Unit: (value - middle) / width.

    Attributes:
        au: Number of the Action Unit.
        columns: Values whose mean counts; both sides of the face where there are two.
        middle: Value that is neither present nor absent; above the 95th percentile of neutral portraits.
        width: Change of the value that is worth one unit of the logit.
        weight: How far it is believed, by its AUC on photographs with proxy labels: 1 above .95,
            0.5 above .7, 0.25 below or untested.
        relative: Taken relative to the person's own median.
        larger: The larger of the columns counts, not their mean (one closed eye).
        share: What a new shape branch has of a network's logit on photographs, 0 to 1. Nothing for AU4, which
            this teacher ranked hardly better than chance on 29 photographs with proxy labels (AUC .55); a
            third of AU25, where skin tells as much and the lesson is over twice as steep. Two thirds else.
        usual: What is usual for the person is subtracted from what a shape says: of brows, lids, chin and
            lowered mouth corners, not of a mouth that smiles or speaks, of which the identity embedding
            holds too much.
    """

    au: int
    columns: tuple[str, ...]
    middle: float
    width: float
    weight: float
    relative: bool = False
    larger: bool = False
    share: float = 2 / 3
    usual: bool = False

    def value(self, sides: NDArray[np.floating]) -> NDArray[np.floating]:
        """Return what counts of values (..., C) of its columns: their mean, or the larger."""
        return np.asarray(sides.max(axis=-1) if self.larger else sides.mean(axis=-1))


def _sides(name: str) -> tuple[str, str]:
    return f"{name}Left", f"{name}Right"


LESSONS: tuple[Lesson, ...] = (
    Lesson(1, ("browInnerUp",), 0.35, 0.1, 0.5, relative=True, usual=True),
    Lesson(2, _sides("browOuterUp"), 0.4, 0.1, 0.5, relative=True, usual=True),
    Lesson(4, _sides("browDown"), 0.6, 0.1, 0.25, relative=True, share=0),
    Lesson(5, _sides("eyeWide"), 0.06, 0.015, 0.5, relative=True, usual=True),
    Lesson(7, _sides("eyeSquint"), 0.6, 0.1, 0.5, relative=True, usual=True),
    Lesson(10, _sides("mouthUpperUp"), 0.35, 0.1, 0.25),
    Lesson(12, _sides("mouthSmile"), 0.3, 0.1, 1.0),
    Lesson(15, _sides("mouthFrown"), 0.06, 0.02, 0.25, relative=True, usual=True),
    Lesson(17, ("mouthShrugLower",), 0.45, 0.1, 0.25, relative=True, usual=True),
    Lesson(18, ("mouthPucker",), 0.6, 0.1, 0.25),
    Lesson(20, _sides("mouthStretch"), 0.25, 0.06, 0.25),
    Lesson(22, ("mouthFunnel",), 0.1, 0.03, 0.25),
    Lesson(25, (LIP_GAP,), 0.06, 0.015, 1.0, share=1 / 3),
    Lesson(26, ("jawOpen",), 0.2, 0.05, 1.0),
    Lesson(27, ("jawOpen",), 0.55, 0.07, 0.5),
    Lesson(43, _sides("eyeBlink"), 0.5, 0.07, 1.0, larger=True, usual=True),
)
"""AU6 and AU9 are missing because the teacher's cheekSquint and noseSneer stay at 0."""

VALUES: tuple[str, ...] = tuple(dict.fromkeys(column for lesson in LESSONS for column in lesson.columns))
"""The teacher's values that the lessons need; labels have these columns."""

_BOUND = 6.0  # of a teacher's logit: nothing is certain

SURE = 1.0
"""Distance from 0 at which a teacher's logit is sure."""

FAINT = 0.2
"""Intensity at the middle of a lesson, the least that is coded."""

_STRONGEST = 0.999  # quantile of a value that counts as the strongest there is
_FULL = 4.0  # widths from the middle to an added movement of full strength
_LEAST_RISE = 4.0  # widths from the middle to the strongest, at least


@dataclass(frozen=True, eq=False)
class TeacherLabels:
    """A teacher's values of photographs.

    Attributes:
        pictures: (N,) names of the pictures, without suffix, each once a subject.
        subjects: (N,) who is shown; the same name is the same person.
        values: N rows of teacher's values, 0 to 1, and `lip_gap`; NaN where no face was found.
    """

    pictures: tuple[str, ...]
    subjects: tuple[str, ...]
    values: pd.DataFrame

    @classmethod
    def open(cls, path: Path) -> "TeacherLabels":
        """Read a Parquet file of `save`.

        Raises:
            InputError: It is missing, no Parquet file, or lacks a column that a lesson needs.
        """
        if not path.is_file():
            raise InputError(
                f"There is no {path}; write it with: idennet teach FOLDER --model TASK --out {path}."
            )
        try:
            table = pd.read_parquet(path)
        except (OSError, ValueError) as error:
            raise InputError(
                f"{path} is no Parquet file of teacher's labels; write it with idennet teach."
            ) from error
        if missing := sorted({"picture", "subject", *VALUES} - set(table)):
            raise InputError(f"{path} lacks the column {missing[0]}; write it anew with idennet teach.")
        again = table.duplicated(["picture", "subject"])
        if again.any():
            twice = table["picture"][again].iloc[0]
            raise InputError(f"{path} names the picture {twice} twice; write it anew with idennet teach.")
        values = table.drop(columns=["picture", "subject"]).astype(np.float32)
        return cls(tuple(table["picture"]), tuple(table["subject"]), values)

    def save(self, path: Path) -> None:
        """Write a Parquet file with the columns `picture`, `subject` and the values as float16."""
        table = self.values.astype(np.float16)
        table.insert(0, "picture", list(self.pictures))
        table.insert(1, "subject", list(self.subjects))
        with draft_of(path) as draft:
            table.to_parquet(draft, index=False)

    @property
    def moved(self) -> NDArray[np.bool_]:
        """(N,) which pictures are photographs to which a movement was added."""
        return np.array([is_moved(picture) for picture in self.pictures], bool)

    @cached_property
    def _added(self) -> list[Mapping[int, Sides]]:
        """Strengths of what was added to each picture, by side."""
        return [added_to(picture) for picture in self.pictures]

    def logits(self, aus: Sequence[int], relative: bool = True) -> NDArray[np.float32]:
        """Return the teacher's logits (N, A), NaN where it says nothing, bounded by 6.

        Args:
            aus: Action Units, in order.
            relative: Take lessons marked so relative to the person: where somebody has `ENOUGH_PICTURES`
                photographs as they were, their own median takes the place of the median of all medians.
        """
        return self.side_logits(aus, relative).max(axis=2)

    def side_logits(self, aus: Sequence[int], relative: bool = True) -> NDArray[np.float32]:
        """Return the same for left and right, (N, A, 2): the two differ where the larger one counts."""
        lessons = {lesson.au: lesson for lesson in LESSONS}
        nothing = np.full((len(self.pictures), 2), np.nan)
        columns = [self._logits(lessons[au], relative) if au in lessons else nothing for au in aus]
        return np.stack(columns, axis=1).astype(np.float32)

    def sides(self, aus: Sequence[int], relative: bool = True) -> NDArray[np.float32]:
        """Return intensities (N, A, 2) of the subject's left and right, 0 to 1; NaN where it says nothing.

        A lesson's middle is the least intensity that is coded, its value in the thousandth strongest
        photograph the maximum, and between them the intensity rises with the value.
        """
        lessons = {lesson.au: lesson for lesson in LESSONS}
        nothing = np.full((len(self.pictures), 2), np.nan)
        columns = [self._intensity(lessons[au], relative) if au in lessons else nothing for au in aus]
        return np.stack(columns, axis=1).astype(np.float32)

    def values_of(self, lesson: Lesson) -> NDArray[np.floating]:
        """Return the teacher's own value of each picture, (N,): the mean of both sides, or the larger."""
        return lesson.value(self.values[list(lesson.columns)].to_numpy(np.float64))

    def rows_of(self, store: FaceStore) -> NDArray[np.int64]:
        """Return the row of each of a store's faces, (M,), -1 where the teacher does not know the picture.

        A face and a label belong together when the picture's name and the person's are the same.
        """
        names = pd.MultiIndex.from_arrays([self.subjects, self.pictures])
        people = [subject.rpartition("/")[2] for subject in store.frames["subject"]]
        wanted = pd.MultiIndex.from_arrays([people, store.frames["sequence"].astype(str)])
        return np.asarray(names.get_indexer(wanted), np.int64)

    def at_rest(self) -> NDArray[np.bool_]:
        """Return which faces clearly show nothing that the teacher knows, (N,): every logit is below -1."""
        logits = self.logits([lesson.au for lesson in LESSONS], relative=False)
        return np.asarray((logits < -SURE).all(axis=1))

    def _logits(self, lesson: Lesson, relative: bool) -> NDArray[np.float64]:
        value, worth = self._sides(lesson, relative), self._worth(lesson)
        if not lesson.larger:  # both sides count together
            value = np.broadcast_to(lesson.value(value)[:, None], value.shape)
            worth = np.fmax(worth, worth[:, ::-1])
        value = self._at_least(value, worth)
        return ((value - lesson.middle) / lesson.width).clip(-_BOUND, _BOUND)

    def _intensity(self, lesson: Lesson, relative: bool) -> NDArray[np.float64]:
        value = self._at_least(self._sides(lesson, relative), self._worth(lesson))
        strongest = max(float(np.nanquantile(value, _STRONGEST)), lesson.middle + _LEAST_RISE * lesson.width)
        return np.interp(value, [0, lesson.middle, strongest], [0, FAINT, 1])

    def _sides(self, lesson: Lesson, relative: bool) -> NDArray[np.float64]:
        """Return the teacher's values (N, 2) of left and right, relative to the person if the lesson is."""
        sides = self.values[list(lesson.columns)].to_numpy(np.float64)
        if relative and lesson.relative:
            unmoved = pd.Series(np.where(self.moved, np.nan, sides.mean(axis=1)))
            people = unmoved.groupby(np.array(self.subjects))
            usual = people.transform("median").to_numpy()
            enough = people.transform("count").to_numpy() >= ENOUGH_PICTURES
            shift = np.where(enough, np.nanmedian(people.median()) - usual, 0.0)
            sides = sides + shift[:, None]
        return np.broadcast_to(sides, (len(sides), 2))

    def _worth(self, lesson: Lesson) -> NDArray[np.float64]:
        """Return what movements added to left and right are worth as values (N, 2); NaN where none was."""
        none = (np.nan, np.nan)
        added = np.array([strengths.get(lesson.au, none) for strengths in self._added], np.float64)
        added[added == 0] = np.nan
        return lesson.middle + _FULL * lesson.width * (added - CLEAR) / (1 - CLEAR)

    @staticmethod
    def _at_least(value: NDArray[np.floating], worth: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the teacher's value, or what was added if that is more.

        Of a raised brow above a smile the teacher hardly ever knows.
        """
        return np.where(np.isnan(value), np.nan, np.fmax(value, worth))


def lesson_weights(aus: Sequence[int]) -> NDArray[np.float32]:
    """Return how far each Action Unit's teacher is believed, (A,); 0 where there is no lesson."""
    weights = {lesson.au: lesson.weight for lesson in LESSONS}
    return np.array([weights.get(au, 0.0) for au in aus], np.float32)


@dataclass(frozen=True, eq=False)
class Taught:
    """A teacher's labels as a training takes them.

    Attributes:
        labels: The labels.
        name: Of their file.
        relative: Whether lessons marked so are relative to the person.
    """

    labels: TeacherLabels
    name: str
    relative: bool = True

    def of(
        self, store: FaceStore, aus: Sequence[int]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """Return what is taught of a store's faces.

        Returns:
            Logits (N, A), how far each is believed (N, A), and intensities by side (N, A, 2); of unknown
            faces NaN, not believed at all.
        """
        labels, row = self.labels, self.labels.rows_of(store)
        stranger = row < 0
        logits, sides = labels.logits(aus, self.relative)[row], labels.sides(aus, self.relative)[row]
        believed = np.where(stranger[:, None], 0, lesson_weights(aus))
        logits[stranger], sides[stranger] = np.nan, np.nan
        return logits, believed, sides
