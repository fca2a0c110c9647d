"""Cameras and network streams as frames, for as long as they give any."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

import av
import cv2
from av.video.reformatter import VideoReformatter

from idennet.errors import ImageError, InputError
from idennet.media.frame import Frame
from idennet.media.video import pixels_of

SCHEMES = ("rtsp", "rtsps", "rtmp", "http", "https", "udp", "tcp", "srt")
_PATIENCE = 10.0  # seconds without an answer after which a stream counts as gone
_LOOK = {"analyzeduration": "1000000"}  # microseconds: what a stream holds is clear long before FFmpeg's five


def is_live(name: str) -> bool:
    """Say whether a text names a camera (its number) or a stream (its address) rather than a file."""
    return name.partition("://")[0].lower() in SCHEMES or (name.isdecimal() and not Path(name).exists())


@dataclass(frozen=True)
class Live:
    """A camera or a network stream, as an iterable of its frames.

    Frames are numbered from 0; their `time` is in seconds since the first one came. There is no end but that
    of the stream, `end`, or that nobody takes the next frame.

    Args:
        name: Number of a camera from 0, or an address such as `rtsp://...`.
        every: Only frames whose number is a multiple of this.
        end: Only frames before this time, in seconds.

    Raises:
        InputError: `name` is neither, or `every` is not positive.
        ImageError: On iteration: there is no such camera or stream, or it breaks off.
    """

    name: str
    every: int = 1
    end: float | None = None

    def __post_init__(self) -> None:
        if not is_live(self.name):
            raise InputError(
                f"{self.name!r} is neither the number of a camera nor an address such as rtsp://..."
            )
        if self.every < 1:
            raise InputError(f"Every {self.every}th frame cannot be read; give 1, 2, 3, ...")

    @property
    def source(self) -> str:
        """What people call it: "camera 0", or the address without user and password."""
        if self.name.isdecimal():
            return f"camera {self.name}"
        scheme, _, rest = self.name.partition("://")
        host, slash, place = rest.partition("/")
        return f"{scheme}://{host.rpartition('@')[2]}{slash}{place}"

    @property
    def path(self) -> None:
        """There is no file."""

    def expected_frames(self) -> None:
        """Nobody knows how many frames are to come."""

    def __iter__(self) -> Iterator[Frame]:
        """Yield the frames as they come."""
        pictures = self._camera() if self.name.isdecimal() else self._stream()
        begin: float | None = None
        for index, pixels in enumerate(pictures):
            begin = monotonic() if begin is None else begin
            time = monotonic() - begin
            if self.end is not None and time >= self.end:
                return
            if index % self.every == 0:
                yield Frame(pixels, self.source, None, index, time)

    def _camera(self) -> Iterator[Any]:
        level = cv2.utils.logging.getLogLevel()
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # we say what is wrong
        try:
            camera = cv2.VideoCapture(int(self.name))
        finally:
            cv2.utils.logging.setLogLevel(level)
        try:
            if not camera.isOpened():
                raise ImageError(
                    f"There is no {self.source}, or another program uses it; cameras are counted from 0."
                )
            while True:
                taken, picture = camera.read()
                if not taken:
                    raise ImageError(f"{self.source} gives no more pictures.")
                yield cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
        finally:
            camera.release()

    def _stream(self) -> Iterator[Any]:
        converter = VideoReformatter()
        try:
            with av.open(self.name, options=dict(_LOOK), timeout=_PATIENCE) as container:
                if not container.streams.video:
                    raise ImageError(f"{self.source} sends no pictures.")
                for frame in container.decode(video=0):
                    yield pixels_of(frame, converter)
        except av.ExitError as error:
            raise ImageError(
                f"No picture has come from {self.source} for {_PATIENCE:g} seconds; is it on, and can it be "
                "reached from here?"
            ) from error
        except av.InvalidDataError as error:
            raise ImageError(
                f"{self.source} sends no video that can be read; give the address of the pictures, "
                "not of a page that shows them."
            ) from error
        except (av.FFmpegError, OSError) as error:
            reason = (getattr(error, "strerror", None) or type(error).__name__).lower()
            raise ImageError(f"{self.source} cannot be read, or breaks off: {reason}.") from error
