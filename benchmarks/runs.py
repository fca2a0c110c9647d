"""Runs of a benchmark: each is made once and kept as one file, all together as `runs.jsonl`."""

import json
import platform
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import torch

import idennet
from idennet.files import write_text

RUNS, GATHERED = "runs", "runs.jsonl"


def make_run(out: Path, name: str, make: Callable[[], Mapping[str, Any]]) -> None:
    """Make a run unless its file is there; keep what it found, and with what it was made.

    Args:
        out: Folder of the benchmark's results.
        name: What tells the run from others; a file is called as much of it as can be.
        make: Returns what was found.
    """
    path = out / RUNS / (re.sub(r"\W+", "-", name) + ".json")
    if path.exists():
        return
    facts = {
        **make(),
        "idennet": idennet.__version__,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.machine()}, {torch.get_num_threads()} threads",
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, json.dumps(facts) + "\n")
    print(path.stem, flush=True)


def gather(out: Path) -> list[dict[str, Any]]:
    """Return all runs, kept in one file; where single ones are there, it is written anew."""
    single = sorted((out / RUNS).glob("*.json"))
    if single:
        write_text(out / GATHERED, "".join(file.read_text(encoding="utf-8") for file in single))
    return [json.loads(line) for line in (out / GATHERED).read_text(encoding="utf-8").splitlines()]


def write_tables(out: Path, tables: str) -> None:
    """Write `tables.md`, and print it."""
    write_text(out / "tables.md", tables)
    print(tables)


def markdown(table: pd.DataFrame) -> str:
    """Return a table as Markdown, its index as first column."""
    rows = [["variant", *table.columns], ["---"] + ["---:"] * len(table.columns)]
    rows += [[str(name), *cells] for name, cells in zip(table.index, table.to_numpy().tolist(), strict=True)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
