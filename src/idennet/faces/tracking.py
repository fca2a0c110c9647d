"""Faces of a video: found as in photographs, followed where they are not, numbered while they stay.

What a photograph of a frame would give, the frame gives: Action Units depend on where the square lay that was
read first, so a face that the finder sees is read from the finder's square. But the finder need not search
the whole frame each time: it stops as soon as it sees the faces of the frames before again. All of a frame is
searched every so often, whenever a face is lost, and after a cut. Where the finder misses a face that was
there, because the head turns away or lies on its side, the landmarks of the frame before propose its square.

A frame without a face is also turned, every so often, and searched for heads that lie. In a file all turns
fall on the same frame; in a live stream, where no frame may take long, each falls on another.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from idennet.faces.boxes import Grey, Pixels, in_grey
from idennet.faces.crop import Floats, cut, squares_around
from idennet.faces.finder import QUARTERS, FaceFinder, Finder, FoundFace

ROUND = 15
"""Frames from one search of everything to the next."""

MEMORY = 30
"""Frames for which a lost face keeps its number."""

_TOGETHER = 8  # frames that are searched together: of more, faces would have moved on in the last ones
_NEAR = 0.5  # mean distance of the landmarks of one face in two frames, in sides of its square
_SAME = 0.25  # below it, two faces of a frame are one
_SURE = 0.995  # confidence that a track has had, below which it may be a false alarm and is not followed
_ALIKE = 0.6  # correlation of a face's pixels in two frames, below which it is another face
_CUT = 30.0  # mean difference of grey values of two frames between which there is a cut
_THUMBNAIL = (16, 12)


@dataclass(frozen=True)
class Track:
    """A face that is followed.

    Attributes:
        number: From 1.
        landmarks: (68, 2) where it was last.
        confidence: The highest that it was found with.
        missed: Frames since then.
        look: What it looked like, (64, 64) grey, or None where that is not known.
    """

    number: int
    landmarks: Floats
    confidence: float
    missed: int = 0
    look: Grey | None = None


def tracks_after(before: Sequence[Track], here: Sequence[Track]) -> list[Track]:
    """Return the tracks that may go on after a frame.

    Args:
        before: The tracks that might go on in it.
        here: The tracks of its faces.
    """
    seen = {track.number for track in here}
    gone = [replace(track, missed=track.missed + 1) for track in before if track.number not in seen]
    surest = {track.number: track.confidence for track in before}
    kept = [replace(track, confidence=max(track.confidence, surest.get(track.number, 0.0))) for track in here]
    return [*kept, *(track for track in gone if track.missed <= MEMORY)]


class FaceTracker:
    """Finds the faces of one video, a few consecutive frames at a time.

    Args:
        finder: Finds faces.
        earlier: Tracks with which an earlier reading of the video ended.
        first: Number of the next new track.
        live: Whether no frame may take long.

    Attributes:
        tracks: That may go on.
    """

    def __init__(
        self, finder: Finder, earlier: Sequence[Track] = (), first: int = 1, *, live: bool = False
    ) -> None:
        self._finder = finder
        self._live = live
        self.tracks = list(earlier)
        self._next = first
        self._since = ROUND  # frames since everything was searched
        self._thumbnail: NDArray[np.float32] | None = None

    def find_all(self, pictures: Sequence[Pixels]) -> list[list[FoundFace]]:
        """Return the faces of each frame (H, W, 3) uint8 RGB, from left to right, with their `track`."""
        parts = range(0, len(pictures), _TOGETHER)
        return [faces for start in parts for faces in self._find(pictures[start : start + _TOGETHER])]

    def _find(self, pictures: Sequence[Pixels]) -> list[list[FoundFace]]:
        """Return the faces of a few frames, which are searched together."""
        cuts = [self._is_cut(pixels) for pixels in pictures]
        found: Sequence[Sequence[FoundFace]]
        if isinstance(self._finder, FaceFinder):
            found = self._found(self._finder, pictures, cuts)
        else:
            found = self._finder.find_all(pictures)
        return [
            self._numbered(pixels, faces, after_cut)
            for pixels, faces, after_cut in zip(pictures, found, cuts, strict=True)
        ]

    def _found(
        self, finder: FaceFinder, pictures: Sequence[Pixels], cuts: Sequence[bool]
    ) -> list[list[FoundFace]]:
        """Return what the finder sees; a frame that shows nothing is also turned, every so often."""
        known = [track.landmarks for track in self.tracks if not track.missed]
        found: list[list[FoundFace]] = []
        scenes = [k for k, after_cut in enumerate(cuts) if after_cut or k == 0]
        for start, stop in pairwise([*scenes, len(cuts)]):
            known = [] if cuts[start] else known
            if not known:  # the first frame tells where to look in the others
                found += self._searched(finder, pictures[start : start + 1], known)
                known = [face.landmarks for face in found[-1]]
            found += self._searched(finder, pictures[len(found) : stop], known)
        return found

    def _searched(
        self, finder: FaceFinder, pictures: Sequence[Pixels], known: Sequence[Floats]
    ) -> list[list[FoundFace]]:
        """Return the faces of frames in which others, of the landmarks `known`, were a moment ago."""
        ages = []  # in frames, of each frame's round
        for _ in pictures:
            self._since = 1 if self._since >= ROUND else self._since + 1
            ages.append(self._since - 1)
        expected = [None if age == 0 or not known else np.stack(known) for age in ages]
        found = finder.find_again(pictures, expected)
        for k, age in enumerate(ages):
            for quarters in () if known else self._turns(age):
                if not found[k]:
                    (found[k],) = finder.find_turned([pictures[k]], quarters)
        return found

    def _turns(self, age: int) -> tuple[int, ...]:
        """Return by how many quarters a frame without a face is turned, so many frames into a round."""
        if self._live:
            return tuple(k for k in QUARTERS if age == (k - 1) * ROUND // len(QUARTERS))
        return QUARTERS if age == 0 else ()

    def _numbered(self, pixels: Pixels, found: Sequence[FoundFace], after_cut: bool) -> list[FoundFace]:
        """Return the faces of the next frame with the numbers of their tracks, and followed ones."""
        if after_cut:
            self.tracks.clear()
        seen = [_Seen(face, pixels) for face in found]
        pairs = sorted(
            (distance, track.number, k)
            for track in self.tracks
            for k, one in enumerate(seen)
            if (distance := one.distance(track.landmarks)) < _NEAR and one.is_like(track)
        )
        numbers: dict[int, int] = {}  # of the faces, in `seen`
        for _, number, k in pairs:
            if k not in numbers and number not in numbers.values():
                numbers[k] = number
        for track, one in self._followed(pixels, set(numbers.values())):
            if all(one.distance(other.face.landmarks) > _SAME for other in seen):
                numbers[len(seen)] = track
                seen.append(one)
        for k in range(len(seen)):
            if k not in numbers:
                numbers[k], self._next = self._next, self._next + 1
        here = [
            Track(numbers[k], one.face.landmarks, one.face.confidence, 0, one.look)
            for k, one in enumerate(seen)
        ]
        self.tracks = tracks_after(self.tracks, here)
        faces = [replace(one.face, track=numbers[k]) for k, one in enumerate(seen)]
        return sorted(faces, key=lambda face: float(face.landmarks[:, 0].mean()))

    def _followed(self, pixels: Pixels, taken: set[int]) -> Iterator[tuple[int, "_Seen"]]:
        """Yield number and face of tracks that the finder does not see, but their landmarks lead to."""
        lost = [
            track
            for track in self.tracks
            if not track.missed and track.confidence >= _SURE and track.number not in taken
        ]
        if not lost or not isinstance(self._finder, FaceFinder):
            return
        faces = self._finder.follow(pixels, np.stack([track.landmarks for track in lost]))
        for track, face in zip(lost, faces, strict=True):
            if face is not None:
                one = _Seen(face, pixels)
                if one.distance(track.landmarks) < _NEAR and one.is_like(track):
                    yield track.number, one

    def _is_cut(self, pixels: Pixels) -> bool:
        """Say whether a frame differs from the one before as another scene does."""
        few = pixels[:: max(1, len(pixels) // 96), :: max(1, pixels.shape[1] // 128)]
        small = cv2.resize(few, _THUMBNAIL, interpolation=cv2.INTER_AREA).astype(np.float32)
        before, self._thumbnail = self._thumbnail, small
        return before is not None and float(np.abs(small - before).mean()) > _CUT


class _Seen:
    """A face of a frame, with what tells it from other faces."""

    def __init__(self, face: FoundFace, pixels: Pixels) -> None:
        self.face = face
        square = squares_around(face.landmarks[None])[0]
        self.look = in_grey(cut(pixels, square))
        self._side = float(square[2])

    def distance(self, landmarks: Floats) -> float:
        """Return how far another face's landmarks are, in sides of this face."""
        return float(np.linalg.norm(self.face.landmarks - landmarks, axis=1).mean()) / self._side

    def is_like(self, track: Track) -> bool:
        """Say whether the face looks as it did."""
        if track.look is None:
            return True
        correlation = cv2.matchTemplate(self.look, track.look, cv2.TM_CCOEFF_NORMED)
        return float(correlation[0, 0]) > _ALIKE
