"""What a training tells: a progress bar, `metrics.jsonl`, and TensorBoard if it is installed."""

import importlib.util
import json
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from idennet.files import write_text

METRICS, TENSORBOARD = "metrics.jsonl", "tensorboard"
_SHOWN = 8  # numbers of a validation that fit into a line


class Reporter:
    """Writes one JSON line for each record and shows the newest; silent in all processes but the first."""

    def __init__(self, folder: Path, *, active: bool, quiet: bool = False) -> None:
        self._folder, self._active = folder, active
        self._console = Console(stderr=True, quiet=quiet or not active)
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=12),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[news]}"),
            console=self._console,
            disable=not self._console.is_terminal or self._console.quiet,
        )
        self._board: Any = None
        self._seen = (time.monotonic(), 0)

    def __enter__(self) -> "Reporter":
        if self._active:
            self._file = (self._folder / METRICS).open("a")
            if importlib.util.find_spec("tensorboard"):
                from torch.utils.tensorboard import SummaryWriter

                self._board = SummaryWriter(str(self._folder / TENSORBOARD))
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()
        if self._active:
            self._file.close()
        if self._board is not None:
            self._board.close()

    def begin(self, stage: str, step: int, steps: int) -> None:
        """Start a stage's bar at a step; say so where an interrupted training goes on."""
        self._stage = stage
        if step:
            self.say(f"{stage}: going on after step {step} of {steps}")
        self._task = self._bar.add_task(f"stage {stage}", total=steps, completed=step, news="")
        self._seen = (time.monotonic(), 0)

    def say(self, sentence: str) -> None:
        """Print one line."""
        self._console.print(sentence, highlight=False, soft_wrap=True)

    def advance(self, faces: int) -> None:
        """Count one step of so many faces."""
        self._seen = (self._seen[0], self._seen[1] + faces)
        self._bar.advance(self._task)

    def losses(self, step: int, values: dict[str, float]) -> None:
        """Write and show the mean losses since the last record, `loss` among them, and the speed."""
        now = time.monotonic()
        began, faces = self._seen
        speed = round(faces / max(now - began, 1e-9), 2)
        self._write(step, {"faces_per_second": speed, **values})
        news = f"loss {values['loss']:.4g}  {speed:.1f} faces/s"
        self._bar.update(self._task, news=news)
        if not self._console.is_terminal:
            self.say(f"{self._stage} {step}: {news}")

    def scores(self, step: int, numbers: dict[str, float]) -> None:
        """Write the numbers of a validation and show the first; `score` repeats one and is left out."""
        shown = {name: value for name, value in numbers.items() if name != "score"}
        self._write(step, {f"validation_{name}": value for name, value in shown.items()})
        text = "  ".join(f"{name} {value:.3f}" for name, value in list(shown.items())[:_SHOWN])
        more = f"  and {len(shown) - _SHOWN} more in {METRICS}" if len(shown) > _SHOWN else ""
        self.say(f"{self._stage} {step}: validation {text}{more}")

    def _write(self, step: int, values: dict[str, float]) -> None:
        self._seen = (time.monotonic(), 0)
        if not self._active:
            return
        self._file.write(json.dumps({"stage": self._stage, "step": step, **values}) + "\n")
        self._file.flush()
        if self._board is not None:
            for name, value in values.items():
                self._board.add_scalar(f"{self._stage}/{name}", value, step)


def read_metrics(folder: Path) -> list[dict[str, Any]]:
    """Return the records of a run in order; none if it has not written any.

    What follows the last line's end was torn by a kill and is left out.
    """
    path = folder / METRICS
    return [json.loads(line) for line in path.read_text().split("\n")[:-1]] if path.is_file() else []


def forget_metrics_after(folder: Path, stage_names: list[str], step: int) -> None:
    """Drop records that a resumed run will write again.

    Args:
        folder: The run.
        stage_names: Stages begun so far; records of others are dropped.
        step: Steps that the last of them has done.
    """
    *before, current = stage_names
    kept = [
        record
        for record in read_metrics(folder)
        if record["stage"] in before or (record["stage"] == current and record["step"] <= step)
    ]
    write_text(folder / METRICS, "".join(json.dumps(record) + "\n" for record in kept))
