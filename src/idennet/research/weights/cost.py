"""What a long job cost: CPU and wall time of its steps, also over interruptions."""

import contextlib
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

from idennet.files import write_text

FILE = "cost.json"


class CostRecord:
    """Sums the cost of named steps in `cost.json` of a job's folder.

    A step that is called again, because the job was interrupted, adds to what it cost before. What a killed
    process had spent in its last step is lost.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = folder / FILE
        self._steps: dict[str, dict[str, float]] = (
            json.loads(self._file.read_text()) if self._file.is_file() else {}
        )

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Add the block's wall time and the CPU time of this process and its finished children, in hours."""
        wall, cpu = time.perf_counter(), _cpu_seconds()
        try:
            yield
        finally:
            spent = self._steps.setdefault(name, {"cpu_hours": 0.0, "wall_hours": 0.0})
            spent["cpu_hours"] += (_cpu_seconds() - cpu) / 3600
            spent["wall_hours"] += (time.perf_counter() - wall) / 3600
            write_text(self._file, json.dumps(self._steps, indent=1) + "\n")

    def summary(self) -> dict[str, str]:
        """Return for each step, and for all, one phrase: CPU minutes, and minutes by the clock."""
        names = ("cpu_hours", "wall_hours")
        total = {name: sum(step[name] for step in self._steps.values()) for name in names}
        return {
            name: f"{60 * step['cpu_hours']:.1f} CPU minutes in {60 * step['wall_hours']:.1f} minutes"
            for name, step in (self._steps | {"all": total}).items()
        }


def _cpu_seconds() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system
