"""Tables of results under a protocol: one system, or two side by side."""

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from idennet import facs
from idennet.cli.tables import DASH, heading, interval, new_table, number, print_whole, share
from idennet.cli.words import count
from idennet.learning.evaluation.comparison import Comparison
from idennet.learning.evaluation.results import ProtocolResult

_EXPLAINED = "95 %: intervals from resampled subjects"


def print_result(console: Console, result: ProtocolResult) -> None:
    """Print one row an Action Unit, and what a reader must know."""
    faces = sum(int(fold.counts.coded.max(axis=0).sum()) for fold in result.folds)
    people = len({name for fold in result.folds for name in fold.fold.test})
    extent = ", ".join((count(len(result.folds), "fold"), count(faces, "face"), count(people, "subject")))
    heading(console, result.protocol.name, f"{result.system}, {extent}")
    print_whole(console, _table_of(result))
    notes = [f"\n{_EXPLAINED}", "always: F1 of saying 'present' to every face, the baseline to beat"]
    if len(result.folds) > 1:
        notes.append("F1, AUC: mean over folds; pooled: one F1 over the faces of all folds")
    notes.append("subjects: quartiles of their F1")
    for note in notes:
        console.print(Text(note, style="dim"), soft_wrap=True)
    for remark in result.remarks:
        console.print(Text(remark, style="yellow"), soft_wrap=True)


def _table_of(result: ProtocolResult) -> Table:
    pooled = len(result.folds) > 1
    columns = ("frames", "present", "F1", "95 %", *(["pooled"] if pooled else []), "always", "AUC", "95 %")
    table = new_table(1, (*columns, "subjects"))
    for name, row in result.table().iterrows():
        mean = name == "mean"
        quartiles = (row[f"subject_f1_{which}"] for which in ("quartile_1", "median", "quartile_3"))
        table.add_row(
            str(name),
            *("" if mean else f"{row['frames']:.0f}", share(row["rate"])),
            *(number(row["f1_averaged"]), interval(row, "f1_averaged")),
            *([number(row["f1_pooled"])] if pooled else []),
            number(row["f1_all_positive_averaged"]),
            *(number(row["auc"]), interval(row, "auc")),
            " ".join(map(number, quartiles)),
            style="bold" if mean else "",
        )
    return table


def print_comparison(console: Console, comparison: Comparison) -> None:
    """Print scores of both systems, their differences, and how sure these are."""
    first, second = comparison.first, comparison.second
    heading(console, first.protocol.name, f"{first.system} minus {second.system}")
    table = new_table(1, ("F1", "other", "difference", "95 %", "p", "AUC", "other", "difference", "95 %"))
    for name, row in comparison.table().iterrows():
        cells = [
            (
                *(number(row[f"{score}_{which}"]) for which in ("first", "second")),
                _signed(row[f"{score}_difference"]),
                _interval(row[f"{score}_low"], row[f"{score}_high"]),
            )
            for score in ("f1_averaged", "auc")
        ]
        table.add_row(
            *(str(name), *cells[0], number(row["p_holm"]), *cells[1]),
            style="bold" if name == "mean" else "",
        )
    print_whole(console, table)
    if comparison.left_out:
        missing = ", ".join(facs.columns(comparison.left_out))
        note = f"Compared on the Action Units that both read; left out: {missing}."
        console.print(Text(note, style="yellow"), soft_wrap=True)
    for note in (
        f"\n{_EXPLAINED}, the same for both systems",
        "p: Wilcoxon's signed-rank test of the subjects' F1, corrected for the number of Action Units (Holm)",
    ):
        console.print(Text(note, style="dim"), soft_wrap=True)
    for result in (first, second):
        for remark in result.remarks:
            console.print(Text(f"{result.system}: {remark}", style="yellow"), soft_wrap=True)


def _signed(value: float) -> str:
    return DASH if np.isnan(value) else f"{value:+.3f}".replace("0.", ".", 1)


def _interval(low: float, high: float) -> str:
    return DASH if np.isnan(low) else f"{_signed(low)} to {_signed(high)}"
