"""The cost of steps is measured, summed over interruptions, and kept when a step fails."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from idennet.research.weights.cost import FILE, CostRecord

SPIN = "import time\nwhile time.process_time() < .3: pass"


def test_work_of_this_process_and_its_children_counts_and_sleep_does_not(tmp_path: Path) -> None:
    record = CostRecord(tmp_path)
    with record.step("sleep"):
        time.sleep(0.2)
    with record.step("children"):
        subprocess.run([sys.executable, "-c", SPIN], check=True)
    steps = json.loads((tmp_path / FILE).read_text())
    assert steps["sleep"]["cpu_hours"] * 3600 < 0.1 <= steps["sleep"]["wall_hours"] * 3600
    assert steps["children"]["cpu_hours"] * 3600 > 0.25


def test_a_step_that_fails_or_comes_again_adds_to_its_cost(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), CostRecord(tmp_path).step("train"):
        raise RuntimeError
    first = json.loads((tmp_path / FILE).read_text())["train"]
    again = CostRecord(tmp_path)
    with again.step("train"):
        time.sleep(0.05)
    assert (
        json.loads((tmp_path / FILE).read_text())["train"]["wall_hours"] >= first["wall_hours"] + 0.05 / 3600
    )
    assert set(again.summary()) == {"train", "all"}
