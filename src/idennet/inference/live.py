"""Frames as they come: the newest is read, what comes meanwhile is dropped and counted."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from threading import Condition, Thread
from time import monotonic, sleep

from idennet.faces.tracking import FaceTracker
from idennet.inference.analyser import Analyser
from idennet.inference.result import Result
from idennet.media.frame import Frame
from idennet.models.threads import worker


@dataclass(frozen=True)
class Reading:
    """What was read of a frame, and how that keeps up.

    Attributes:
        result: Of the frame.
        seconds: From when the frame came to now.
        dropped: Frames so far that were not read, since newer ones came.
    """

    result: Result
    seconds: float
    dropped: int


def following(analyser: Analyser) -> Analyser:
    """Return an analyser for the frames of one live source, in their order, whose faces are tracked.

    Args:
        analyser: Its finder and model are used.
    """
    return Analyser(FaceTracker(analyser.finder, beside=worker()), analyser.model)


def read_live(analyser: Analyser, frames: Iterable[Frame]) -> Iterator[Reading]:
    """Yield a reading of the newest frame whenever the one before is done; faces are tracked.

    Args:
        analyser: Reads.
        frames: Of a camera, which gives them when it likes.

    Raises:
        ImageError: As `frames` does, after what came before was read.
    """
    tracked = following(analyser)
    newest = _Newest(frames)
    while (taken := newest.take()) is not None:
        frame, came = taken
        result = tracked.analyse(frame)
        yield Reading(result, monotonic() - came, newest.dropped)


def at_their_times(frames: Iterable[Frame]) -> Iterator[Frame]:
    """Yield frames of a video when they are shown, so that a file plays as a camera would."""
    begin = monotonic()
    for frame in frames:
        sleep(max(0.0, (frame.time or 0.0) - (monotonic() - begin)))
        yield frame


class _Newest:
    """The newest frame of a source, which a thread of its own follows.

    Attributes:
        dropped: Frames that made room for newer ones.
    """

    def __init__(self, frames: Iterable[Frame]) -> None:
        self.dropped = 0
        self._changed = Condition()
        self._waiting: tuple[Frame, float] | None = None
        self._ended = False
        self._error: Exception | None = None
        Thread(target=self._follow, args=(frames,), daemon=True).start()

    def take(self) -> tuple[Frame, float] | None:
        """Return the newest frame and when it came, once there is one; None after the last.

        Raises:
            Exception: The source failed.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._waiting is not None or self._ended)
            taken, self._waiting = self._waiting, None
            if taken is None and self._error is not None:
                raise self._error
            return taken

    def _follow(self, frames: Iterable[Frame]) -> None:
        try:
            for frame in frames:
                with self._changed:
                    self.dropped += self._waiting is not None
                    self._waiting = frame, monotonic()
                    self._changed.notify()
        except Exception as error:  # raised where frames are taken
            self._error = error
        with self._changed:
            self._ended = True
            self._changed.notify()
