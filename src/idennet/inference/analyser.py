"""The one path from pictures to Action Units: read, find faces, align them, read Action Units, on all cores.

Each picture is examined by one thread, and a few pictures share a batch of the network; so numbers are the
same alone and among many, memory stays bounded, and results come in the order of their pictures.

The frames of a video are searched in their order, a group at a time, since faces are tracked; meanwhile other
threads judge and read the faces of the groups before, and the caller's thread decodes those that come next.
"""

import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from math import isnan
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from idennet.errors import IdenNetError, InputError, WeightsError
from idennet.faces.alignment import TEMPLATE, align
from idennet.faces.finder import FaceFinder, Finder, FoundFace
from idennet.faces.tracking import FaceTracker, Track
from idennet.facs import PARTS, SIDED_AUS
from idennet.inference.face import Box, Face, HeadPose, Sides
from idennet.inference.quality import flags_of
from idennet.inference.result import Result
from idennet.inference.turns import TurnTaker
from idennet.media.frame import Frame
from idennet.media.kinds import is_video
from idennet.media.live import Live
from idennet.media.names import text_of
from idennet.media.pictures import as_frame
from idennet.media.video import Video
from idennet.models.action_units import CROP_SHAPE, SEEN_FROM, ActionUnitModel, Readings
from idennet.models.threads import cores, workers

PICTURES_TOGETHER = 4
"""Pictures whose faces share a batch on the CPU: of more, a face costs hardly less (docs/performance.md)."""

PICTURES_TOGETHER_ON_GPU = 32

PIXELS_TOGETHER = 40_000_000
"""Pixels of pictures that wait for each other, about 120 MB."""

FRAMES_TOGETHER = 16
"""Frames of a video whose faces share a batch on the CPU."""

FRAME_PIXELS_TOGETHER = 10_000_000
"""Pixels of frames from which on fewer are read together, about 30 MB."""

Finish = Callable[[Result, Frame], Result]
"""What else is done with a picture while its pixels are in memory; returns the result, perhaps with notes."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Clip:
    """A video, and the tracks with which an earlier reading of its first frames ended.

    Attributes:
        video: Its frames.
        tracks: Of the last frame that was read.
        first_track: Number of the next new track.
    """

    video: Video | Live
    tracks: tuple[Track, ...] = ()
    first_track: int = 1


class _Examined(NamedTuple):
    """A picture whose faces are found and wait for the network."""

    frame: Frame
    found: Sequence[FoundFace]
    crops: Sequence[NDArray[np.uint8]]


@dataclass
class _Group:
    """Pictures with their numbers, or frames of a video, that one worker examines together.

    Attributes:
        sources: Pictures, or frames and failures.
        finder: Of frames of a video.
    """

    sources: list[tuple[int, object]] = field(default_factory=list)
    finder: TurnTaker | None = None


Value = TypeVar("Value")


class Analyser:
    """Reads Action Units from pictures; safe to be used from several threads.

    Args:
        finder: Finds faces; by default the one that needs no file.
        model: Reads aligned faces; by default the bundled weights.
        workers: Threads that examine pictures at the same time, where there are several; by default as many
            as PyTorch has, so `OMP_NUM_THREADS` and `torch.set_num_threads` count.

    Raises:
        WeightsError: The weights belong to another alignment of faces.
        InputError: `workers` is not positive.
    """

    def __init__(
        self,
        finder: Finder | None = None,
        model: ActionUnitModel | None = None,
        workers: int | None = None,
    ) -> None:
        if workers is not None and workers < 1:
            raise InputError(f"There are {workers} workers; at least 1 is needed.")
        self.finder = FaceFinder() if finder is None else finder
        self.model = ActionUnitModel.open() if model is None else model
        self._workers = workers
        card = self.model.card
        if card.template != TEMPLATE.name:
            raise WeightsError(
                f"The weights {card.version} were trained on faces aligned as {card.template}, "
                f"but this version aligns as {TEMPLATE.name}; use weights that fit."
            )

    def analyse(self, source: object) -> Result:
        """Return the result of one picture.

        Args:
            source: Whatever `idennet.media.pictures.as_frame` takes.

        Raises:
            ImageError: The picture cannot be read.
            InputError: `source` is no picture; `ShapeError`, if it is an array of another shape.
        """
        return self._read([self._examine_one(as_frame(source))])[0]

    def analyse_all(self, sources: Iterable[object], finish: Finish | None = None) -> Iterator[Result]:
        """Yield one result a picture or frame, in order, while reading them as a stream.

        A picture that cannot be read gives a result with its `error`, whatever went wrong; so does what is
        missing of a video, after its frames. A few pictures are read ahead: at most `PICTURES_TOGETHER` for
        each worker, and as many again.

        Args:
            sources: A video, or pictures as for `analyse` and videos (`Video`, `Live`, `Clip`); read by the
                caller's thread.
            finish: Called by a worker for each picture that was read, before its result is yielded.
        """
        if isinstance(sources, Video | Live):
            sources = [sources]
        count = cores() if self._workers is None else self._workers
        together = PICTURES_TOGETHER if self.model.device.type == "cpu" else PICTURES_TOGETHER_ON_GPU
        waiting = 0  # threads that wait for their turn to search, while others compute
        if isinstance(sources, Sequence) and any(map(_clip_of, sources)):
            waiting = 1
        elif isinstance(sources, Sequence):
            count = max(min(count, len(sources)), 1)
            together = max(min(together, -(-len(sources) // count)), 1)
        groups = self._groups(sources, together)
        if count == 1:
            for group in groups:
                yield from self._analyse_group(group, finish)
            return
        with workers(count + waiting) as pool:
            ahead: deque[Future[list[Result]]] = deque()
            for group in groups:
                ahead.append(pool.submit(self._analyse_group, group, finish))
                if len(ahead) > count + waiting:
                    yield from ahead.popleft().result()
            while ahead:
                yield from ahead.popleft().result()

    def _groups(self, sources: Iterable[object], together: int) -> Iterator["_Group"]:
        group = _Group()
        for number, source in enumerate(sources, start=1):
            if clip := _clip_of(source):
                if group.sources:
                    yield group
                    group = _Group()
                yield from self._groups_of(clip)
                continue
            group.sources.append((number, source))
            if len(group.sources) == together:
                yield group
                group = _Group()
        if group.sources:
            yield group

    def _groups_of(self, clip: Clip) -> Iterator["_Group"]:
        """Yield the frames of a video, at the end perhaps with a result that says what is missing."""
        tracker = FaceTracker(self.finder, clip.tracks, clip.first_track)
        finder = TurnTaker(tracker)
        group, pixels = _Group(finder=finder), 0
        frames, video = iter(clip.video), clip.video
        go_on = True
        while go_on:
            frame = self._or_failed(lambda: next(frames, None), video.source, video.path)
            go_on = isinstance(frame, Frame)
            if frame is not None:
                group.sources.append((0, frame))
                pixels += frame.pixels[..., 0].size if isinstance(frame, Frame) else 0
            is_full = len(group.sources) >= FRAMES_TOGETHER or pixels > FRAME_PIXELS_TOGETHER
            if group.sources and (is_full or not go_on):
                yield group
                finder = TurnTaker(tracker, before=finder)
                group, pixels = _Group(finder=finder), 0

    def _analyse_group(self, group: "_Group", finish: Finish | None) -> list[Result]:
        if group.finder is not None:
            try:
                frames: list[Frame | Result] = [source for _, source in group.sources]  # type: ignore[misc]
                examined = self._examine_or_explain(frames, group.finder)
            finally:
                group.finder.pass_on()
            return self._read(examined, finish)
        results: list[Result] = []
        frames = []
        pixels = 0
        for number, source in group.sources:
            frame = self._or_failed(partial(as_frame, source, number), _name(source, number), source)
            frames.append(frame)
            pixels += 0 if isinstance(frame, Result) else frame.pixels[..., 0].size
            if pixels > PIXELS_TOGETHER:
                results += self._read(self._examine_or_explain(frames, self.finder), finish)
                frames, pixels = [], 0
        return results + self._read(self._examine_or_explain(frames, self.finder), finish)

    def _examine_or_explain(
        self, frames: Sequence[Frame | Result], finder: Finder
    ) -> list[_Examined | Result]:
        """Return what is found in frames, and results of failures as they are."""
        readable = [frame for frame in frames if not isinstance(frame, Result)]
        examined: Sequence[_Examined | Result]
        try:
            examined = self._examine(readable, finder)
        except Exception:  # which of them it is, and why, is found out one by one
            examined = [
                self._or_failed(partial(self._examine_one, frame), _name(frame, 0), frame.path)
                for frame in readable
            ]
        rest = iter(examined)
        return [frame if isinstance(frame, Result) else next(rest) for frame in frames]

    def _or_failed(self, step: Callable[[], Value], name: str, source: object) -> Value | Result:
        """Return what a step gives, or a result that says why it gives nothing."""
        try:
            return step()
        except IdenNetError as error:
            sentence, defect = str(error), False
        except MemoryError:
            sentence, defect = f"{name} needs more memory than there is; make it smaller first.", False
        except Exception as error:  # one picture must not cost the results of all others
            _log.debug("%s", name, exc_info=True)
            about = " ".join(f"{type(error).__name__}: {error}".split())[:200]
            sentence = f"{name} could not be read because of a defect of IdenNet ({about}); please report it."
            defect = True
        path = Path(source) if isinstance(source, str | Path) else None
        version = self.model.card.version
        return Result(name, None, (), self.model.aus, version, error=sentence, defect=defect, path=path)

    def _examine(self, frames: Sequence[Frame], finder: Finder) -> list[_Examined]:
        found = finder.find_all([frame.pixels for frame in frames])
        return [
            _Examined(frame, faces, [align(frame.pixels, face.landmarks) for face in faces])
            for frame, faces in zip(frames, found, strict=True)
        ]

    def _examine_one(self, frame: Frame) -> _Examined:
        return self._examine([frame], self.finder)[0]

    def _read(self, examined: Sequence[_Examined | Result], finish: Finish | None = None) -> list[Result]:
        """Return the results of examined pictures, whose faces are read together; failures as they are."""
        crops = [crop for item in examined if isinstance(item, _Examined) for crop in item.crops]
        readings = self.model.read(np.array(crops, np.uint8).reshape(-1, *CROP_SHAPE))
        unseen = self.model.unseen(readings)
        results, row = [], 0
        for item in examined:
            if isinstance(item, Result):
                results.append(item)
                continue
            faces = tuple(
                self._face(found, crop, readings, unseen[row + at], row + at)
                for at, (found, crop) in enumerate(zip(item.found, item.crops, strict=True))
            )
            row += len(faces)
            result = self._result(item.frame, faces)
            if finish:
                result = self._or_failed(partial(finish, result, item.frame), result.source, result.path)
            results.append(result)
        return results

    def _result(self, frame: Frame, faces: tuple[Face, ...]) -> Result:
        height, width = frame.pixels.shape[:2]
        return Result(
            source=_name(frame, 0),
            size=(width, height),
            faces=faces,
            aus=self.model.aus,
            weights=self.model.card.version,
            graded=self.model.card.architecture.graded,
            notes=frame.notes,
            path=frame.path,
            frame=None if frame.time is None else frame.index,
            time=frame.time,
            _frame=frame if frame.path is None else None,
        )

    def _face(
        self,
        found: FoundFace,
        crop: NDArray[np.uint8],
        readings: Readings,
        unseen: NDArray[np.bool_],
        row: int,
    ) -> Face:
        card = self.model.card
        probs = self._by_au(readings.probs[row], unseen)
        sides = {} if readings.sides is None else self._sides(readings.sides[row], unseen)
        seen = np.ones(len(PARTS)) if readings.visible is None else readings.visible[row]
        hidden = frozenset(part for part, prob in zip(PARTS, seen, strict=True) if prob < SEEN_FROM)
        read = {au: prob for au, prob in probs.items() if not isnan(prob)}
        return Face(
            box=Box(*map(float, found.box)),
            landmarks=found.landmarks,
            confidence=float(found.confidence),
            pose=HeadPose(found.yaw, found.pitch, found.roll),
            au_probs=probs,
            au_occurrences={
                au: None if isnan(prob) else prob >= card.thresholds[au] for au, prob in probs.items()
            },
            au_thresholds=card.thresholds,
            unreliable_aus=frozenset(card.unreliable_aus),
            au_evidence=card.evidence,
            flags=flags_of(crop, found.landmarks, found.yaw, found.pitch, read, hidden),
            au_intensities={au: max(both) for au, both in sides.items()},
            au_sides={au: both for au, both in sides.items() if au in SIDED_AUS},
            hidden=hidden,
            identity_embedding=None if readings.embeddings is None else readings.embeddings[row],
            crop=crop,
            track=found.track,
        )

    def _by_au(self, values: NDArray[np.float32], unseen: NDArray[np.bool_]) -> dict[int, float]:
        """Return a number for each Action Unit, NaN where it cannot be seen."""
        return dict(zip(self.model.aus, np.where(unseen, np.nan, values).tolist(), strict=True))

    def _sides(self, sides: NDArray[np.float32], unseen: NDArray[np.bool_]) -> dict[int, Sides]:
        left, right = (self._by_au(side, unseen) for side in sides.T)
        return {au: Sides(left[au], right[au]) for au in self.model.aus}


def _clip_of(source: object) -> Clip | None:
    """Return a video as a clip; None for what is no video."""
    if isinstance(source, str | Path) and is_video(Path(source)):
        source = Video(Path(source))
    if isinstance(source, Video | Live):
        source = Clip(source)
    return source if isinstance(source, Clip) else None


def _name(source: object, number: int) -> str:
    name = source.source if isinstance(source, Frame) else source
    return text_of(name) if isinstance(name, str | Path) else f"picture {number}"
