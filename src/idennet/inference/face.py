"""One face that was found and read: where it is, how the head stands, which Action Units occur."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from idennet.facs import column
from idennet.inference.quality import Flag
from idennet.models.weights import Evidence


class Box(NamedTuple):
    """A face's rectangle in pixels of the picture as shown; it may reach outside the picture."""

    x0: float
    y0: float
    x1: float
    y1: float


class HeadPose(NamedTuple):
    """Head rotation in degrees, estimated from the landmarks."""

    yaw: float
    pitch: float
    roll: float


@dataclass(frozen=True, eq=False, repr=False)
class Face:
    """A face in a picture.

    Attributes:
        box: Rectangle in pixels.
        landmarks: (68, 2) float32 points (x, y) in pixels of the picture.
        confidence: How surely this is a face, 0 to 1.
        pose: Head rotation, or None when it was not estimated.
        au_probs: Probability of each Action Unit, 0 to 1, keyed by number: `face.au_probs[12]`.
        au_occurrences: Whether the probability reaches the Action Unit's own threshold.
        au_thresholds: These thresholds, 0 to 1, which are fixed with the weights.
        unreliable_aus: Action Units that the model card of the weights calls unreliable.
        au_evidence: What the reading of each Action Unit rests on; empty where the model card does not say.
        flags: Why the face may be read badly, for example because it is small in the picture.
        identity_embedding: (256,) float32 of unit length, or None for a network without identity branch.
        crop: (128, 128, 3) uint8 RGB, the aligned face that the network saw.
        person: Number of the person, where faces of several pictures were assigned to people; else None.
    """

    box: Box
    landmarks: np.ndarray
    confidence: float
    pose: HeadPose | None
    au_probs: Mapping[int, float]
    au_occurrences: Mapping[int, bool]
    au_thresholds: Mapping[int, float]
    unreliable_aus: frozenset[int] = frozenset()
    au_evidence: Mapping[int, Evidence] = field(default_factory=dict)
    flags: tuple[Flag, ...] = ()
    identity_embedding: np.ndarray | None = None
    crop: np.ndarray | None = None
    person: int | None = None

    @property
    def aus(self) -> tuple[int, ...]:
        """Action Units that occur: the reliable before the unreliable, each by falling probability."""
        return tuple(au for au in self.ranked_aus if self.au_occurrences[au])

    @property
    def ranked_aus(self) -> tuple[int, ...]:
        """All Action Units: first those that occur; among these, and among the others, unreliable ones last.

        Within each of the four groups the probability falls.
        """
        return tuple(sorted(self.au_probs, key=self._rank))

    def marked(self, au: int) -> str:
        """Return an Action Unit's column name, with "~" before it when it is unreliable: "~AU23"."""
        return ("~" if au in self.unreliable_aus else "") + column(au)

    def __repr__(self) -> str:
        """Return one line: the place in the picture and what occurs."""
        place = ", ".join(f"{value:.0f}" for value in self.box)
        occurring = ", ".join(f"{self.marked(au)} {self.au_probs[au]:.0%}" for au in self.aus)
        return f"<Face at ({place}): {occurring or 'no Action Unit'}>"

    def _rank(self, au: int) -> tuple[bool, bool, float, int]:
        return not self.au_occurrences[au], au in self.unreliable_aus, -self.au_probs[au], au

    def to_dict(self) -> dict[str, Any]:
        """Return plain numbers, lists and texts, without the crop and the embedding."""
        return {
            "box": [round(float(value), 2) for value in self.box],
            "confidence": round(self.confidence, 4),
            "pose": None if self.pose is None else {k: round(v, 2) for k, v in self.pose._asdict().items()},
            **({} if self.person is None else {"person": self.person}),
            "flags": list(self.flags),
            "aus": {
                column(au): {
                    "probability": round(prob, 4),
                    "threshold": round(self.au_thresholds[au], 4),
                    "present": self.au_occurrences[au],
                    "reliable": au not in self.unreliable_aus,
                    "evidence": self.au_evidence.get(au),
                }
                for au, prob in self.au_probs.items()
            },
            "landmarks": np.round(self.landmarks, 2).tolist(),
        }
