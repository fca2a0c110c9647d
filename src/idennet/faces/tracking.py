"""Faces of a video: found as in photographs, followed where they are not, numbered while they stay.

What a photograph of a frame would give, the frame gives: Action Units depend on where the square lay that was
read first, so a face that the finder sees is read from the finder's square. But the finder need not search
the whole frame each time: it stops as soon as it sees the faces of the frames before again. All of a frame is
searched every so often, whenever a face is lost, and after a cut. Where the finder misses a face that was
there, because the head turns away or lies on its side, the landmarks of the frame before propose its square.

A frame without a face is also turned, every so often, and searched for heads that lie.

In a live stream no frame may take long. Faces are expected where they were in the frame before and read there
alone; a frame is searched when there are none or one was lost. All of it is searched or turned every so often
beside the frames after it, in which the newcomers are then expected.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from idennet.faces.boxes import Grey, Pixels, in_grey
from idennet.faces.crop import Floats, cut, squares_around
from idennet.faces.finder import QUARTERS, FaceFinder, Finder, FoundFace, Proposals

ROUND = 15
"""Frames from one search of everything to the next."""

LIVE_ROUND = 30
"""The same in a live stream, where it delays the two frames or so that are read meanwhile."""

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


@dataclass(frozen=True)
class Looked:
    """Frames of a video that were searched.

    Attributes:
        pictures: The frames.
        cuts: Whether each begins a new scene.
        proposed: Where faces may be, for a few frames each.
        turns: By how many quarters each frame is turned if it shows no face.
    """

    pictures: Sequence[Pixels]
    cuts: Sequence[bool]
    proposed: list[Proposals] = field(default_factory=list)
    turns: list[tuple[int, ...]] = field(default_factory=list)


class FaceTracker:
    """Finds the faces of one video, a few consecutive frames at a time.

    That is done in three steps. `look` and `number` take frames in their order; `judge` need not, so threads
    may do it while another one looks at later frames. What is found does not depend on that.

    Args:
        finder: Finds faces.
        earlier: Tracks with which an earlier reading of the video ended.
        first: Number of the next new track.
        beside: Searches all of a live stream's frame while the next ones are read; None: that is a file,
            whose frames may take long.

    Attributes:
        tracks: That may go on.
    """

    def __init__(
        self,
        finder: Finder,
        earlier: Sequence[Track] = (),
        first: int = 1,
        *,
        beside: Executor | None = None,
    ) -> None:
        self._finder = finder
        self._beside = beside
        self._newcomers: Future[Floats] | None = None  # of a frame, searched beside those after it
        self._lost = False  # a face, in the frame before of a live stream
        self.tracks = list(earlier)
        self._next = first
        self._known: list[Floats] = [track.landmarks for track in earlier if not track.missed]
        self._round = ROUND if beside is None else LIVE_ROUND
        self._since = self._round  # frames since everything was searched
        self._thumbnail: NDArray[np.float32] | None = None

    def find_all(self, pictures: Sequence[Pixels]) -> list[list[FoundFace]]:
        """Return the faces of each frame (H, W, 3) uint8 RGB, from left to right, with their `track`."""
        looked = self.look(pictures)
        return self.number(looked, self.judge(looked))

    def look(self, pictures: Sequence[Pixels]) -> Looked:
        """Return where faces may be in the next frames."""
        looked = Looked(pictures, [self._is_cut(pixels) for pixels in pictures])
        for start in range(0, len(pictures), _TOGETHER):
            cuts = looked.cuts[start : start + _TOGETHER]
            scenes = [k for k, after_cut in enumerate(cuts) if after_cut or k == 0]
            for first, stop in pairwise([*scenes, len(cuts)]):
                if cuts[first]:
                    self._known, self._newcomers = [], None
                if not self._known:  # the first frame tells where to look in the others
                    self._search(looked, start + first + 1)
                self._search(looked, start + stop)
        return looked

    def judge(self, looked: Looked) -> list[list["Seen"]]:
        """Return which of that are faces, for each frame; depends on no other frame."""
        pictures = looked.pictures
        if isinstance(self._finder, FaceFinder):
            found = [faces for part in looked.proposed for faces in self._finder.judge(part)]
            for k, turns in enumerate(looked.turns):
                for quarters in turns:
                    if not found[k]:
                        (found[k],) = self._finder.find_turned([pictures[k]], quarters)
        else:
            found = [[*faces] for faces in self._finder.find_all(pictures)]
        return [[Seen(face, pixels) for face in faces] for pixels, faces in zip(pictures, found, strict=True)]

    def number(self, looked: Looked, seen: Sequence[list["Seen"]]) -> list[list[FoundFace]]:
        """Return the faces of the next frames, as `find_all` does, given what `judge` says of each frame."""
        found = [self._numbered(*each) for each in zip(looked.pictures, seen, looked.cuts, strict=True)]
        if self._beside is not None:
            self._known = [track.landmarks for track in self.tracks if not track.missed]
            self._lost = any(track.missed == 1 for track in self.tracks)
        return found

    def _search(self, looked: Looked, stop: int) -> None:
        """Search what is not searched yet of the frames up to one, for faces that were there a moment ago."""
        pictures = looked.pictures[len(looked.turns) : stop]
        if not pictures or not isinstance(self._finder, FaceFinder):
            return
        if self._newcomers is not None and self._newcomers.done():
            found, self._newcomers = self._newcomers, None
            self._known = _last_places([found.result(), self._known])
        known = self._known
        ages = []  # in frames, of each frame's round
        for _ in pictures:
            self._since = 1 if self._since >= self._round else self._since + 1
            ages.append(self._since - 1)
        if self._beside is None:
            expected = [None if age == 0 or not known else np.stack(known) for age in ages]
            proposals = self._finder.propose(pictures, expected)
        else:
            if 0 in ages and self._newcomers is None:
                step = partial(_newcomers, self._finder, pictures[ages.index(0)], lying=not known)
                self._newcomers = self._beside.submit(step)
            if known and not self._lost:
                proposals = self._finder.expect(pictures, np.stack(known))
            else:
                proposals = self._finder.propose(pictures, [None] * len(pictures))
        looked.proposed.append(proposals)
        turned = not known and self._beside is None
        looked.turns.extend(QUARTERS if turned and age == 0 else () for age in ages)
        self._known = _last_places([proposals.likely(k) for k in range(len(pictures))])

    def _numbered(self, pixels: Pixels, seen: list["Seen"], after_cut: bool) -> list[FoundFace]:
        """Return the faces of the next frame with the numbers of their tracks, and followed ones."""
        if after_cut:
            self.tracks.clear()
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

    def _followed(self, pixels: Pixels, taken: set[int]) -> Iterator[tuple[int, "Seen"]]:
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
                one = Seen(face, pixels)
                if one.distance(track.landmarks) < _NEAR and one.is_like(track):
                    yield track.number, one

    def _is_cut(self, pixels: Pixels) -> bool:
        """Say whether a frame differs from the one before as another scene does."""
        few = pixels[:: max(1, len(pixels) // 96), :: max(1, pixels.shape[1] // 128)]
        small = cv2.resize(few, _THUMBNAIL, interpolation=cv2.INTER_AREA).astype(np.float32)
        before, self._thumbnail = self._thumbnail, small
        return before is not None and float(np.abs(small - before).mean()) > _CUT


def _newcomers(finder: FaceFinder, pixels: Pixels, *, lying: bool) -> Floats:
    """Return the landmarks (M, 68, 2) of all that may be faces in a frame, or of heads that lie."""
    if not lying:
        return finder.propose([pixels], [None]).likely(0)
    turned = (finder.find_turned([pixels], quarters)[0] for quarters in QUARTERS)
    found = next(filter(None, turned), [])
    return np.array([face.landmarks for face in found], np.float32).reshape(-1, 68, 2)


def _last_places(likely: Sequence[Floats | list[Floats]]) -> list[Floats]:
    """Return the landmarks of all faces of a few frames, where each was last, given those of each frame."""
    last: list[Floats] = []
    for face in (face for faces in reversed(likely) for face in faces):
        near = _NEAR * np.ptp(face, axis=0).max()
        if all(np.linalg.norm(face - other, axis=1).mean() > near for other in last):
            last.append(face)
    return last


class Seen:
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
        look, before = self.look.astype(np.float32), track.look.astype(np.float32)
        # the correlation of pixels; matchTemplate has the same, later
        return cv2.compareHist(look, before, cv2.HISTCMP_CORREL) > _ALIKE
