"""One line for a whole grid: runs done, what runs now, time left; elsewhere than a terminal, a line a run."""

from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

from idennet.research.benchmark.benchmark import GridState


class GridProgress:
    """Shows where a grid stands."""

    def __init__(self, console: Console) -> None:
        self._console, self._started = console, False
        self._bar = Progress(
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TextColumn("{task.fields[left]}"),
            TextColumn("{task.fields[now]}", style="dim"),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("", total=None, left="", now="")

    def __enter__(self) -> "GridProgress":
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def show(self, state: GridState) -> None:
        """Show a new state."""
        left = "" if state.remaining is None else f"about {duration(state.remaining)} left"
        now = "; ".join(state.running)
        ended = state.done + state.failed
        self._bar.update(self._task, total=state.total, completed=ended, left=left, now=now)
        is_start, self._started = not self._started, True
        if not self._console.is_terminal and (state.news or is_start):
            failed = f", {state.failed} failed" if state.failed else ""
            news = "; ".join(run.label for run in state.news) or "start"
            line = ", ".join(part for part in (f"{ended} of {state.total}{failed}", left, news) if part)
            self._console.print(Text(line), soft_wrap=True)


def duration(seconds: float) -> str:
    """Return a time for a person: `40 s`, `12 min`, `3 h 20 min`."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
