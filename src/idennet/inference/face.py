"""One face that was found and read: where it is, how the head stands, which Action Units occur."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isnan
from typing import Any, Literal, NamedTuple

import numpy as np

from idennet.facs import AUS_OF_PART, EYES_CLOSED, NAMES, PARTS, column, columns, letter
from idennet.inference.quality import Flag
from idennet.models.weights import Evidence

ONE_SIDED_FROM = 1.0
"""Intensity of the stronger side from which an Action Unit may be called one-sided."""

ONE_SIDED_TIMES = 3.0
"""More than so many times as strong as the weaker side the stronger one must be for that."""

SURE = 0.9
"""Certainty from which a face is called by the name of whom it is recognised as; below, "maybe"."""


class Box(NamedTuple):
    """A face's rectangle in pixels of the picture as shown; it may reach outside the picture."""

    x0: float
    y0: float
    x1: float
    y1: float


class Sides(NamedTuple):
    """Intensity of an Action Unit on the subject's own left and right, 0 to 5."""

    left: float
    right: float

    @property
    def only(self) -> Literal["left", "right"] | None:
        """The side on which alone it shows: `ONE_SIDED_FROM` or more, over `ONE_SIDED_TIMES` the other."""
        weaker, stronger = sorted(self)
        if not (stronger >= ONE_SIDED_FROM and ONE_SIDED_TIMES * weaker < stronger):
            return None
        return "left" if self.left > self.right else "right"


class HeadPose(NamedTuple):
    """Head rotation in degrees, estimated from the landmarks."""

    yaw: float
    pitch: float
    roll: float


MOST_YAW_OF_SIDES = 20.0
"""Degrees to the side up to which it is told that an Action Unit shows on one side alone."""


@dataclass(frozen=True, eq=False)
class Zeroed:
    """Action Units with the person's own resting face taken out; see `idennet.people.zero`.

    Attributes:
        way: How the person's zero was found: "neutral", "running", "whole" or "identity".
        looks: From how many pictures, or half seconds of a clip.
        au_probs: Probabilities, like those of the face.
        au_occurrences: Whether they reach the thresholds; None where a part is hidden.
        unsettled_aus: Action Units whose zero may still move a lot.
    """

    way: str
    looks: int
    au_probs: Mapping[int, float]
    au_occurrences: Mapping[int, bool | None]
    unsettled_aus: frozenset[int]

    def to_dict(self) -> dict[str, Any]:
        """Return plain numbers, lists and texts."""
        return {
            "way": self.way,
            "looks": self.looks,
            "aus": {
                column(au): {
                    "probability": _rounded(prob, 4),
                    "present": self.au_occurrences[au],
                    "settled": au not in self.unsettled_aus,
                }
                for au, prob in self.au_probs.items()
            },
        }


@dataclass(frozen=True, eq=False, repr=False)
class Face:
    """A face in a picture.

    Attributes:
        box: Rectangle in pixels.
        landmarks: (68, 2) float32 points (x, y) in pixels of the picture.
        confidence: How surely this is a face, 0 to 1.
        pose: Head rotation, or None when it was not estimated.
        au_probs: Probability of each Action Unit, 0 to 1, keyed by number: `face.au_probs[12]`. NaN where its
            part of the face is hidden.
        au_occurrences: Whether the probability reaches the Action Unit's own threshold; None where its part
            of the face is hidden.
        au_thresholds: These thresholds, 0 to 1, which are fixed with the weights.
        unreliable_aus: Action Units that the model card of the weights calls unreliable.
        au_evidence: What the reading of each Action Unit rests on; empty where the model card does not say.
        flags: Why the face may be read badly, for example because it is small in the picture.
        au_intensities: Strength of each Action Unit, 0 to 5, that of the stronger side; NaN where its part of
            the face is hidden. Read apart from the probability: it tells of those that occur only. Empty for
            a network that is not graded, like the next two.
        au_sides: The same of the subject's own left and right: `face.au_sides[12].left`; for those of
            `facs.SIDED_AUS` only.
        hidden: Parts of the face that cannot be seen, of `facs.PARTS`: "eyes", "brows", "mouth".
        identity_embedding: (256,) float32, who it is, as `models.action_units.Readings` has it, or None for a
            network without identity branch.
        crop: (128, 128, 3) uint8 RGB, the aligned face that the network saw.
        track: In a video, the number of the track that the face continues, from 1; else None.
        person: Number of the person, where faces of several pictures were assigned to people; else None.
        name: Of the person, where a person store has it; else None.
        person_certainty: How surely this face shows the person of the store who has that number, 0 to 1; None
            for somebody whom no store knows. `idennet.people.recognition` says what it means.
        zeroed: The Action Units again, from the person's own zero, where that was asked for.
    """

    box: Box
    landmarks: np.ndarray
    confidence: float
    pose: HeadPose | None
    au_probs: Mapping[int, float]
    au_occurrences: Mapping[int, bool | None]
    au_thresholds: Mapping[int, float]
    unreliable_aus: frozenset[int] = frozenset()
    au_evidence: Mapping[int, Evidence] = field(default_factory=dict)
    flags: tuple[Flag, ...] = ()
    au_intensities: Mapping[int, float] = field(default_factory=dict)
    au_sides: Mapping[int, Sides] = field(default_factory=dict)
    hidden: frozenset[str] = frozenset()
    identity_embedding: np.ndarray | None = None
    crop: np.ndarray | None = None
    track: int | None = None
    person: int | None = None
    name: str | None = None
    person_certainty: float | None = None
    zeroed: Zeroed | None = None

    @property
    def aus(self) -> tuple[int, ...]:
        """Action Units that occur: the reliable before the unreliable, each by falling probability."""
        return tuple(au for au in self.ranked_aus if self.au_occurrences[au])

    @property
    def ranked_aus(self) -> tuple[int, ...]:
        """Action Units that were read: first those that occur, the unreliable of them last; then the others.

        Within each of the three groups the probability falls: an unreliable one that nearly occurs is worth
        a look. Those of hidden parts are missing.
        """
        return tuple(sorted((au for au, prob in self.au_probs.items() if not isnan(prob)), key=self._rank))

    @property
    def called(self) -> str:
        """Whom it shows, as `called` has it: "person 3 (Anna)"; "" where that was not asked."""
        return "" if self.person is None else called(self.person, self.name, self.person_certainty)

    @property
    def who(self) -> dict[str, Any]:
        """Number, name and certainty of the person, as far as they are known, as in tables."""
        certainty = None if self.person_certainty is None else round(self.person_certainty, 4)
        who = {"person": self.person, "name": self.name, "person_certainty": certainty}
        return {column: value for column, value in who.items() if value is not None}

    @property
    def notes(self) -> tuple[str, ...]:
        """The flags in words; of hidden parts, what was not read: "brows hidden: AU1, AU2, AU4 not read"."""
        flags = [flag.sentence for flag in self.flags if flag != Flag.OCCLUDED]
        return (*flags, *map(self._unread, self._hidden_in_order))

    def only_side(self, au: int) -> Literal["left", "right"] | None:
        """Return the side on which alone an Action Unit shows; None for both, neither or unknown.

        Nothing is known of heads turned by more than `MOST_YAW_OF_SIDES`: the far side is seen askew.
        """
        if not self.au_occurrences.get(au):
            return None
        if self.pose is not None and abs(self.pose.yaw) > MOST_YAW_OF_SIDES:
            return None
        return self.au_sides[au].only if au in self.au_sides else None

    def strength(self, au: int) -> str:
        """Return an Action Unit's intensity and FACS's letter for it, "3.2 C"; "" where it is unknown.

        So it is where the Action Unit does not occur: what is absent has no strength, whatever the network's
        intensity is.
        """
        if au not in self.au_intensities or not self.au_occurrences[au]:
            return ""
        intensity = self.au_intensities[au]
        return f"{intensity:.1f} {letter(intensity)}".rstrip()

    def named(self, au: int) -> str:
        """Return an Action Unit's plain name and, where it shows on one side, which: "dimpler, left only"."""
        one_sided = self.one_sided(au)
        if au == EYES_CLOSED and one_sided:
            return one_sided
        return ", ".join(filter(None, [NAMES[au], one_sided]))

    def one_sided(self, au: int) -> str:
        """Return in words that an Action Unit shows on one side alone: "left only", or "wink, left only"."""
        side = self.only_side(au)
        if side is None:
            return ""
        return f"{'wink, ' if au == EYES_CLOSED else ''}{side} only"

    def marked(self, au: int) -> str:
        """Return an Action Unit's column name, with "~" before it when it is unreliable: "~AU23"."""
        return ("~" if au in self.unreliable_aus else "") + column(au)

    def __repr__(self) -> str:
        """Return one line: the place in the picture and what occurs."""
        place = ", ".join(f"{value:.0f}" for value in self.box)
        occurring = ", ".join(f"{self.marked(au)} {self.au_probs[au]:.0%}" for au in self.aus)
        return f"<Face at ({place}): {occurring or 'no Action Unit'}>"

    def _rank(self, au: int) -> tuple[bool, bool, float, int]:
        present = bool(self.au_occurrences[au])
        return not present, present and au in self.unreliable_aus, -self.au_probs[au], au

    @property
    def _hidden_in_order(self) -> tuple[str, ...]:
        return tuple(part for part in PARTS if part in self.hidden)

    def _unread(self, part: str) -> str:
        aus = ", ".join(columns(au for au in self.au_probs if au in AUS_OF_PART[part]))
        return f"{part} hidden: {aus} not read"

    def to_dict(self) -> dict[str, Any]:
        """Return plain numbers, lists and texts, without the crop and the embedding."""
        return {
            "box": [round(float(value), 2) for value in self.box],
            "confidence": round(self.confidence, 4),
            "pose": None if self.pose is None else {k: round(v, 2) for k, v in self.pose._asdict().items()},
            **({} if self.track is None else {"track": self.track}),
            **self.who,
            "flags": list(self.flags),
            **({"hidden": list(self._hidden_in_order)} if self.au_intensities else {}),
            "aus": {
                column(au): {
                    "probability": _rounded(prob, 4),
                    "threshold": round(self.au_thresholds[au], 4),
                    "present": self.au_occurrences[au],
                    "reliable": au not in self.unreliable_aus,
                    "evidence": self.au_evidence.get(au),
                    **self._strength(au),
                }
                for au, prob in self.au_probs.items()
            },
            **({} if self.zeroed is None else {"zeroed": self.zeroed.to_dict()}),
            "landmarks": np.round(self.landmarks.astype(float), 2).tolist(),
        }

    def _strength(self, au: int) -> dict[str, float | None]:
        strength = {"intensity": self.au_intensities[au]} if au in self.au_intensities else {}
        strength |= self.au_sides[au]._asdict() if au in self.au_sides else {}
        return {name: _rounded(value, 2) for name, value in strength.items()}


def called(number: int, name: str | None, certainty: float | None) -> str:
    """Return what to call somebody: "person 3" or "maybe person 3", "person 3 (Anna)" or "(maybe Anna)"."""
    maybe = "maybe " if certainty is not None and certainty < SURE else ""
    return f"person {number} ({maybe}{name})" if name else f"{maybe}person {number}"


def _rounded(value: float, digits: int) -> float | None:
    return None if isnan(value) else round(value, digits)
