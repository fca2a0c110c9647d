"""How far a run of `idennet detect` is, how fast it goes, and how long it still takes."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from idennet.cli.console import Screen
from idennet.errors import ImageError
from idennet.inference.analyser import Clip
from idennet.inference.result import Result


class _Speed(ProgressColumn):
    """Pictures and frames a second."""

    def render(self, task: Task) -> Text:
        return Text("" if task.speed is None else f"{task.speed:.1f} a second", style="progress.data.speed")


def progress_of(results: Iterable[Result], sources: Sequence[object], console: Screen) -> Iterator[Result]:
    """Yield results while a bar shows how many of the pictures and frames to come are done."""
    columns = TextColumn("Reading"), BarColumn(), MofNCompleteColumn(), _Speed(), TimeRemainingColumn()
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=_expected(sources))
        for result in results:
            yield result
            progress.advance(task)


def _expected(sources: Sequence[object]) -> int | None:
    """Return about how many results are to come; None where a video does not say how long it is."""
    total = 0
    for source in sources:
        count: int | None = 1
        if isinstance(source, Clip):
            with suppress(ImageError):  # whoever reads it explains
                count = source.video.expected_frames()
        if count is None:
            return None
        total += count
    return total
