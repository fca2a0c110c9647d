"""The examples that embed the tool work as they stand."""

import json
import re
import runpy
from importlib import resources
from pathlib import Path

import pandas as pd
import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"
GROUP = resources.files("idennet") / "assets" / "rendered_group.jpg"


def test_the_notebook_runs(capsys: pytest.CaptureFixture[str]) -> None:
    cells = json.loads((EXAMPLES / "embed.ipynb").read_text())["cells"]
    names: dict[str, object] = {}
    for cell in cells:
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), names)
    assert len(names["table"]) == 4
    printed = capsys.readouterr().out
    assert [line[:6] for line in printed.splitlines() if line.startswith("Face")] == [
        f"Face {number}" for number in range(1, 5)
    ]
    assert "lip corner puller" in printed


def test_the_program_reads_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "group.jpg").write_bytes(GROUP.read_bytes())
    (tmp_path / "photos" / "notes.txt").write_text("no picture")
    runpy.run_path(str(EXAMPLES / "embed.py"))["main"](str(tmp_path / "photos"), str(tmp_path / "smiles.csv"))
    printed = capsys.readouterr().out
    assert re.search(r"group\.jpg: [1-4] of 4 smile", printed)
    assert printed.count("notes.txt") == 1
    assert len(pd.read_csv(tmp_path / "smiles.csv")) == 5
