"""Groups of frames of a video, examined by several threads: in turn where that matters, else side by side."""

from collections.abc import Sequence
from threading import Event
from types import TracebackType

from idennet.faces.boxes import Pixels
from idennet.faces.finder import FoundFace
from idennet.faces.tracking import FaceTracker


class Turn:
    """A step that groups take one after the other: a context in which the group before has done it.

    Args:
        before: Set when the group before has done it; None for the first group.

    Attributes:
        done: Set when this group has done it.
    """

    def __init__(self, before: Event | None) -> None:
        self._before = before
        self.done = Event()

    def __enter__(self) -> None:
        """Wait for the group before."""
        if self._before is not None:
            self._before.wait()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let the next group go on."""
        self.done.set()


class TurnTaker:
    """Finds the faces of one group of frames; a finder, to be used once.

    Args:
        tracker: Of the video.
        before: What finds the faces of the group before; None for the first.
    """

    def __init__(self, tracker: FaceTracker, before: "TurnTaker | None" = None) -> None:
        self._tracker = tracker
        self._look: Turn = Turn(before._look.done if before else None)
        self._number: Turn = Turn(before._number.done if before else None)

    def find_all(self, pictures: Sequence[Pixels]) -> list[list[FoundFace]]:
        """Return the faces of each frame, as the tracker does."""
        with self._look:
            looked = self._tracker.look(pictures)
        seen = self._tracker.judge(looked)
        with self._number:
            return self._tracker.number(looked, seen)

    def pass_on(self) -> None:
        """Let the next group go on whatever has happened."""
        for turn in (self._look, self._number):
            with turn:
                pass
