"""What a system says of the faces by which it is judged, and what of it counts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from idennet import facs
from idennet.errors import NoFaceError, ProtocolError
from idennet.learning.evaluation.faces import Faces
from idennet.learning.evaluation.occurrence import without_labels
from idennet.learning.evaluation.prediction_formats import Missing
from idennet.learning.evaluation.prediction_rows import PICTURE
from idennet.learning.evaluation.pretrained import PretrainedSystem, Readings
from idennet.learning.evaluation.protocols import Fold, Protocol

UNCODED = "no label"


@dataclass(frozen=True, eq=False)
class Answers:
    """What is finally counted of N faces.

    Attributes:
        faces: Those of one corpus; labels that are not counted are hidden.
        readings: Without gaps.
        unread: (N,), of which the system said nothing.
        gaps: (N, A), single Action Units that it did not read, as where the eyes are hidden, and that
            therefore do not count.
        left_out: Whether these count nowhere, instead of as faces without Action Units.
    """

    faces: Faces
    readings: Readings
    unread: NDArray[np.bool_]
    gaps: NDArray[np.bool_]
    left_out: bool

    @classmethod
    def of(
        cls,
        system: PretrainedSystem,
        faces: Faces,
        protocol: Protocol,
        folds: Sequence[Fold],
        missing: Missing,
    ) -> Self:
        """Return what a system says about the people of its folds, without gaps.

        Raises:
            NoFaceError: It says nothing at all.
            ProtocolError: It says nothing about some faces, and that is refused.
        """
        needed = {name for fold in folds for name in (*fold.test, *fold.validation)}
        faces = faces.select(needed & set(faces.subjects))
        read = system.read(faces, protocol)
        unsaid = np.isnan(read.scores)
        unread = unsaid.all(axis=1)
        if unread.all() and len(unread):
            raise NoFaceError(
                f"{system.name} says nothing about any face of {faces.path}: {read.problems[0]}."
            )
        if unread.any() and missing is Missing.REFUSE:
            first = _name(faces, int(np.flatnonzero(unread)[0]))
            raise ProtocolError(
                f"{system.name} says nothing about {_part(unread, faces)}, first {first}; predict them, "
                "count them as faces without Action Units (--missing absent), or leave them out (--missing "
                "leave-out)."
            )
        full = replace(read, scores=np.where(unsaid, 0, read.scores), present=read.present & ~unsaid)
        left_out = missing is Missing.LEAVE_OUT
        gaps = unsaid & ~unread[:, None] & (missing is not Missing.ABSENT)
        labelled = without_labels(faces, unread & left_out)
        if gaps.any():
            labelled = without_labels(labelled, gaps, system.aus)
        return cls(labelled, full, unread, gaps, left_out)

    def remarks(self, system: PretrainedSystem) -> Iterator[str]:
        """Yield a sentence about faces that the system did not read, and one about single Action Units."""
        if self.unread.any():
            yield f"{system.name} says nothing about {_part(self.unread, self.faces)}; " + (
                "they are left out, so this is no result on all faces."
                if self.left_out
                else "they count as faces without Action Units."
            )
        if self.gaps.any():
            some = np.asarray(self.gaps.any(axis=1))
            often = zip(facs.columns(system.aus), self.gaps.sum(axis=0), strict=True)
            times = ", ".join(f"{name} {number}" for name, number in often if number)
            yield (
                f"{system.name} leaves Action Units of {_part(some, self.faces)} unread, as where parts of a "
                f"face are hidden; they are not counted there: {times}."
            )

    def counted(self, aus: Sequence[int]) -> NDArray[np.bool_]:
        """Return which faces enter some score, (N,)."""
        known = (self.faces.labels(aus) >= 0).any(axis=1)
        for said in self.faces.conditions.values():
            known |= said >= 0
        return known & ~(self.unread & self.left_out)

    def uncounted(self, aus: Sequence[int]) -> list[tuple[str, str]]:
        """Return name and reason of the faces that enter no score."""
        return [
            (_name(self.faces, int(row)), self.readings.problems.get(int(row), UNCODED))
            for row in np.flatnonzero(~self.counted(aus))
        ]


def _part(some: NDArray[np.bool_], faces: Faces) -> str:
    """Return such as `3 of 20 pictures of list.csv`."""
    kind = "pictures" if PICTURE in faces.frames else "faces"
    return f"{some.sum()} of {len(faces)} {kind} of {faces.path}"


def _name(faces: Faces, row: int) -> str:
    """Return what a user calls a face: its picture, or subject, sequence and frame."""
    frame = faces.frames.iloc[row]
    return (
        str(frame[PICTURE])
        if PICTURE in frame
        else "/".join(map(str, frame[["subject", "sequence", "frame"]]))
    )
