"""Pieces of the tables that `idennet evaluate` and `idennet compare` print."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pandas as pd
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from idennet.cli.words import count

DASH = "–"
_MOST_LISTED = 10


def print_left_out(console: Console, judged: int, left_out: Sequence[tuple[str, str]]) -> None:
    """Print how many pictures were judged, and which were left out for which reason."""
    reasons = Counter(reason.split(":")[0] for _, reason in left_out)
    counts = "".join(f", {often} {reason}" for reason, often in reasons.items())
    total = judged + len(left_out)
    console.print(f"{count(total, 'picture')}: {judged} judged{counts}.", highlight=False)
    for picture, reason in left_out[:_MOST_LISTED]:
        console.print(Text(f"  {picture}: {reason}", style="yellow"), soft_wrap=True)
    if len(left_out) > _MOST_LISTED:
        console.print(f"  and {len(left_out) - _MOST_LISTED} more", style="yellow", highlight=False)


def heading(console: Console, title: str, about: str) -> None:
    """Print a title, and in grey what it is about."""
    console.print()
    console.print(Text(title, style="bold cyan").append(f"  {about}", style="not bold dim"))


def new_table(names: int, headings: Sequence[str]) -> Table:
    """Return a table with columns of text, then columns of numbers."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for _ in range(names):
        table.add_column("", no_wrap=True)
    for title in headings:
        table.add_column(title, justify="right", no_wrap=True)
    return table


def print_whole(console: Console, table: Table) -> None:
    """Print a table as wide as its numbers need; a narrow terminal wraps lines, but no digit is lost."""
    needed = Measurement.get(console, console.options.update(max_width=1000), table).maximum
    Console(file=console.file, width=max(needed, console.width)).print(table)


def interval(row: pd.Series, name: str) -> str:
    """Return the interval of a score, from the columns `..._low` and `..._high` of its row."""
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    return DASH if np.isnan(low) else f"{number(low)}–{number(high)}"


def number(value: float) -> str:
    """Return a number below 1 as `.123`; a dash when it is undefined."""
    return DASH if np.isnan(value) else f"{value:.3f}".removeprefix("0")


def share(value: float) -> str:
    """Return a share in percent; a dash when it is undefined."""
    return DASH if np.isnan(value) else f"{value:.0%}"
