"""Video files become frames: upright, in the order and at the times at which they are shown.

Frames are decoded one after the other, so an hour needs no more memory than a second. Times are those of the
file, not of a counter: phones and screen recorders film at no steady rate.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import av
import cv2
import numpy as np
from av.sidedata.sidedata import Type as SideData
from av.stream import Disposition
from av.video.reformatter import Colorspace, VideoReformatter
from numpy.typing import NDArray

from idennet.errors import ImageError, InputError
from idennet.media.frame import Frame
from idennet.media.names import text_of
from idennet.media.pictures import check_file

MAX_FRAME_PIXELS = 36_000_000
"""Larger frames are refused; those of 8K video have 33 million."""

ROUNDED = 1e-4
"""Tables give times in steps of this many seconds."""

_UNSPECIFIED = 2  # colour space; films of 720 lines and more then mean that of HD
_HD_LINES = 720
_BEFORE = 1.0  # seconds that are decoded before the first frame that is wanted, so that it is whole
_MAY_LACK = 0.5  # seconds at the end of what a file announces
_ASSUMED_RATE = 25.0  # of files that say nothing of time
Stream = Any  # a video stream of PyAV, whose types also hold for streams that are written


@dataclass(frozen=True)
class Place:
    """Where a frame is in its video: its number from 0, and its time in seconds."""

    index: int
    time: float


@dataclass(frozen=True)
class Video:
    """A video file, as an iterable of its frames; each iteration opens the file anew.

    Frames have an `index`, counted from the beginning of the file whatever is asked for, and a `time` in
    seconds since the file's beginning. A file that is damaged, or that ends before what it announces, yields
    what can be decoded and then raises, with a sentence that says how far it went.

    Args:
        path: The file; a text becomes a `Path`.
        every: Only frames whose number is a multiple of this.
        start: Only frames from this time on, in seconds.
        end: Only frames before this time.
        after: Only frames after this one, with which an earlier reading ended.

    Raises:
        InputError: `every` is not positive, or `end` is not after `start`.
        ImageError: On iteration: the file is missing, no video, too large, damaged, cut off, or has no frame
            of the part that is asked for.
    """

    path: Path
    every: int = 1
    start: float | None = None
    end: float | None = None
    after: Place | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", Path(self.path))  # a text is a path too
        if self.every < 1:
            raise InputError(f"Every {self.every}th frame cannot be read; give 1, 2, 3, ...")
        if self.end is not None and self.end <= (self.start or 0.0):
            raise InputError(
                f"The time to read to, {self.end:g} s, must come after the time to read from, "
                f"{self.start or 0:g} s."
            )

    @property
    def source(self) -> str:
        """What people call the video: its path, printable."""
        return text_of(self.path)

    def codec(self) -> str | None:
        """Return FFmpeg's name of how the pictures are stored, such as "h264"; None where none can be read.

        Raises:
            ImageError: As on iteration.
        """
        with self._opened() as stream:
            name: str | None = stream.codec_context and stream.codec_context.codec.canonical_name
            return name

    def expected_frames(self) -> int | None:
        """Return about how many frames are to come; None where the file does not say.

        Raises:
            ImageError: As on iteration.
        """
        with self._opened() as stream:
            rate = float(stream.guessed_rate or stream.average_rate or _ASSUMED_RATE)
            seconds = stream.frames / rate if stream.frames else _announced(stream)
        if seconds is None:
            return None
        first = max(self.start or 0.0, self.after.time if self.after else 0.0)
        last = seconds if self.end is None else min(self.end, seconds)
        return max(0, round((last - first) * rate / self.every))

    def __iter__(self) -> Iterator[Frame]:
        """Yield the frames, as the class says."""
        with self._opened() as stream:
            announced = _announced(stream)
        converter, reached = VideoReformatter(), self.after.time if self.after else None
        anything = self.after is not None
        try:
            for index, shown in enumerate(self._shown(), self._first_index()):
                if self.end is not None and shown.time >= self.end:
                    if not anything:
                        raise ImageError(self._nothing_asked_for(announced))
                    return
                reached = shown.until
                if index % self.every == 0:
                    self._check_size(_width(shown.frame, shown.aspect), shown.frame.height)
                    pixels = pixels_of(shown.frame, converter, shown.aspect)
                    anything = True
                    yield Frame(pixels, self.source, self.path, index, shown.time, shown.notes)
        except av.FFmpegError as error:
            raise ImageError(f"{self._so_far(reached)}: {_reason(error)}.") from error
        if reached is None and self.start is None:
            raise ImageError(f"{self.source} holds no frame that can be decoded.")
        if not anything:
            raise ImageError(self._nothing_asked_for(announced))
        if announced is not None and reached is not None and reached + _MAY_LACK < announced:
            raise ImageError(
                f"{self._so_far(reached)} of the {announced:.1f} that it announces: it is cut off or damaged."
            )

    def _nothing_asked_for(self, announced: float | None) -> str:
        if self.start and announced is not None and self.start >= announced:
            return f"{self.source} is {announced:.1f} s long; nothing lies after {self.start:g} s."
        every = f" whose number is a multiple of {self.every}" if self.every > 1 else ""
        part = "" if self.start is None else f" from {self.start:g} s on"
        part += "" if self.end is None else f" and before {self.end:g} s"
        long = "" if announced is None else f"; it is {announced:.1f} s long"
        return f"{self.source} has no frame{every}{part}{long}."

    def _so_far(self, reached: float | None) -> str:
        if reached is None:
            return f"{self.source} cannot be decoded"
        return f"{self.source} could be read for {reached:.1f} seconds"

    @property
    def _first(self) -> float | None:
        """Time from which on frames are wanted, or None for all."""
        if self.after is not None:
            return self.after.time + ROUNDED / 2
        return self.start or None

    def _first_index(self) -> int:
        """Return the number of the first frame that is wanted, by counting what lies before it."""
        if self.after is not None:
            return self.after.index + 1
        first = self._first
        if first is None:
            return 0
        with self._opened() as stream:
            origin = _origin(stream)
            stamps = (
                packet.dts if packet.pts is None else packet.pts
                for packet in stream.container.demux(stream)
                if packet.size and not packet.is_discard
            )
            return sum(stamp is not None and stamp * stream.time_base - origin < first for stamp in stamps)

    def _shown(self) -> Iterator["_Shown"]:
        """Yield the frames from `_first` on; from a key frame before it, where the file can be searched."""
        first = self._first
        if first is not None:
            with self._opened() as stream:
                frames, before = _decoded(stream), None
                with suppress(av.FFmpegError):  # then the file is read from its beginning
                    target = first - _BEFORE + _origin(stream)
                    stream.container.seek(int(target / stream.time_base), stream=stream, backward=True)
                    before = next(frames, None)
                if before is not None and before.time < first:
                    yield from (shown for shown in chain([before], frames) if shown.time >= first)
                    return
        with self._opened() as stream:
            yield from (shown for shown in _decoded(stream) if first is None or shown.time >= first)

    @contextmanager
    def _opened(self) -> Iterator[Stream]:
        """Open the file, and close it at the end.

        Raises:
            ImageError: As on iteration, but for damage.
        """
        if check_file(self.path).st_size == 0:
            raise ImageError(f"{self.source} is empty (0 bytes).")
        try:
            container = av.open(str(self.path), metadata_errors="replace")
        except PermissionError as error:
            raise ImageError(f"{self.source} cannot be opened: {error.strerror}.") from error
        except av.FFmpegError as error:
            raise ImageError(
                f"{self.source} is no video, or its beginning or index is damaged ({_reason(error)}); "
                "copy it again, or let the program that made it repair it."
            ) from error
        with container:
            stream = next((each for each in container.streams.video if not _is_cover(each)), None)
            if stream is None:
                kind = "only sound" if container.streams.audio else "no pictures"
                raise ImageError(f"{self.source} holds {kind}.")
            self._check_size(stream.width, stream.height)
            stream.thread_type = "AUTO"
            yield stream

    def _check_size(self, width: int, height: int) -> None:
        if width * height > MAX_FRAME_PIXELS:
            raise ImageError(
                f"{self.source} has frames of {width:,} x {height:,} pixels; at most "
                f"{MAX_FRAME_PIXELS // 1_000_000} million are read, make it smaller first."
            )


class _Shown(NamedTuple):
    """A frame of a video, and when it is shown, in seconds from the beginning of the file."""

    frame: av.VideoFrame
    time: float
    until: float
    aspect: Fraction | None
    notes: tuple[str, ...]


def _decoded(stream: Stream) -> Iterator[_Shown]:
    """Yield the frames of a stream from where it is; what is damaged is left out, with a note."""
    origin = _origin(stream)
    step = 1 / float(stream.guessed_rate or stream.average_rate or _ASSUMED_RATE)
    time, lost = -step, 0
    for packet in stream.container.demux(stream):
        try:
            frames = packet.decode()
        except av.InvalidDataError:
            lost += 1
            continue
        for frame in frames:
            time = time + step if frame.time is None else frame.time - origin
            until = time + (float(frame.duration * frame.time_base) if frame.duration else step)
            notes: tuple[str, ...] = ("damaged",) if frame.is_corrupt else ()
            if lost:
                notes += (f"after {lost} damaged frame{'s' * (lost > 1)} that cannot be read",)
            yield _Shown(frame, time, until, stream.sample_aspect_ratio, notes)
            lost = 0


def pixels_of(
    frame: av.VideoFrame, converter: VideoReformatter, aspect: Fraction | None = None
) -> NDArray[np.uint8]:
    """Return the pixels (H, W, 3) RGB of a decoded frame, upright and square.

    Args:
        frame: As decoded.
        converter: Kept from frame to frame, since it remembers how to convert; for one thread.
        aspect: Width of a pixel divided by its height; None where they are square.
    """
    untold_hd = frame.colorspace == _UNSPECIFIED and frame.height >= _HD_LINES
    space = Colorspace.ITU709 if untold_hd else None
    rgb = converter.reformat(frame, format="rgb24", src_colorspace=space, threads=1)
    pixels: NDArray[Any] = rgb.to_ndarray()
    if (width := _width(frame, aspect)) != frame.width:
        pixels = cv2.resize(pixels, (width, frame.height), interpolation=cv2.INTER_LINEAR)
    matrix: Any = frame.side_data.get(SideData.DISPLAYMATRIX)  # type: ignore[call-overload]
    return pixels if matrix is None else _turned(pixels, np.frombuffer(matrix, np.int32))


def _width(frame: av.VideoFrame, aspect: Fraction | None) -> int:
    """Return the width of a frame with square pixels; the height stays."""
    return max(1, round(frame.width * aspect)) if aspect else frame.width


def _turned(pixels: NDArray[np.uint8], matrix: NDArray[np.int32]) -> NDArray[np.uint8]:
    """Return pixels turned and mirrored as a display matrix of nine numbers says, by quarter turns."""
    (right_x, right_y), (down_x, down_y) = matrix[0:2], matrix[3:5]  # where the picture's axes point
    if abs(right_x) < abs(right_y):
        pixels, (right_x, down_y) = pixels.transpose(1, 0, 2), (down_x, right_y)
    if right_x < 0:
        pixels = pixels[:, ::-1]
    if down_y < 0:
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)


def _origin(stream: Stream) -> float:
    """Return the time stamp, in seconds, at which the file begins to play."""
    if stream.container.start_time is not None:
        return stream.container.start_time / av.time_base
    return 0.0 if stream.start_time is None else float(stream.start_time * stream.time_base)


def _announced(stream: Stream) -> float | None:
    """Return the time at which the pictures end, as far as the file says; rather too early than too late."""
    container, origin = stream.container, _origin(stream)
    whole = None if container.duration is None else container.duration / av.time_base
    if stream.duration is not None:
        own = float(((stream.start_time or 0) + stream.duration) * stream.time_base) - origin
        return own if whole is None else min(own, whole)
    if told := stream.metadata.get("DURATION"):  # Matroska's, which may count from zero
        with suppress(InputError):
            return seconds_of(told) - max(origin, 0.0)
    return whole - max(origin, 0.0) if whole is not None and len(container.streams) == 1 else None


def seconds_of(text: str) -> float:
    """Return the seconds of "90", "1:30", "1:30.5" or "0:01:30".

    Raises:
        InputError: The text is no time.
    """
    parts = text.strip().split(":")
    try:
        numbers = [float(part) for part in parts]
    except ValueError:
        numbers = []
    if not 1 <= len(numbers) <= 3 or not all(0 <= number < float("inf") for number in numbers):
        raise InputError(f"{text!r} is no time; give seconds such as 90.5, or 1:30.5, or 0:01:30.5.")
    return sum(number * 60**power for power, number in enumerate(reversed(numbers)))


def span_of(text: str) -> tuple[float, float] | None:
    """Return the seconds of a range such as "2-5" or "0:02-0:05"; None where it is written otherwise.

    Raises:
        InputError: It ends before it starts, or one of both is no time.
    """
    moment = r"([\d:.]+)"
    span = re.fullmatch(f"{moment}-{moment}", text)
    if span is None:
        return None
    start, end = map(seconds_of, span.groups())
    if end <= start:
        raise InputError(f"The range {text} ends before it starts; write it like 2-5 or 0:02-0:05.")
    return start, end


def _is_cover(stream: Stream) -> bool:
    """Say whether a stream is the picture that goes with a piece of music."""
    return bool(stream.disposition & Disposition.attached_pic)


def _reason(error: av.FFmpegError) -> str:
    return (error.strerror or type(error).__name__).lower()
