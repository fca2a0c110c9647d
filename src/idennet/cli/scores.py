"""Tables of results: one system, or two side by side."""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table
from rich.text import Text

from idennet import facs
from idennet.cli.tables import DASH, heading, interval, new_table, number, print_left_out, print_whole, share
from idennet.cli.words import count
from idennet.learning.evaluation.comparison import Comparison
from idennet.learning.evaluation.conditions import ConditionResult
from idennet.learning.evaluation.results import ProtocolResult

_EXPLAINED = "95 %: intervals from resampled subjects"
_FEW_SUBJECTS = 10


def print_result(console: Console, result: ProtocolResult) -> None:
    """Print one row an Action Unit, a table a condition, what was left out, and what a reader must know."""
    people = len({name for fold in result.folds for name in fold.fold.test})
    extent = (count(len(result.folds), "fold"), count(result.faces, "face"), count(people, "subject"))
    heading(console, result.protocol.name, f"{result.system}, {', '.join(extent)}")
    _print_data(console, result)
    if result.aus:
        print_whole(console, _action_units(result))
    for condition in result.conditions:
        _print_condition(console, result, condition)
    _print_notes(console, _notes(result, people))
    _print_remarks(console, result.remarks)
    print_left_out(console, result.faces, result.left_out)


def print_comparison(console: Console, comparison: Comparison) -> None:
    """Print scores of both systems, their differences, and how sure these are."""
    first, second = comparison.first, comparison.second
    heading(console, first.protocol.name, f"{first.system} minus {second.system}")
    _print_data(console, first)
    if first.aus:
        print_whole(console, _differences(comparison))
    for name, table in comparison.conditions().items():
        heading(console, name, "how well each Action Unit tells it")
        print_whole(console, _condition_differences(table))
    if comparison.left_out:
        missing = ", ".join(facs.columns(comparison.left_out))
        _print_remarks(
            console,
            [f"Compared on the Action Units that both read and that are labelled; left out: {missing}."],
        )
    notes = [f"{_EXPLAINED}, the same for both systems"]
    if first.aus:
        notes.append(
            "p: Wilcoxon's signed-rank test of the subjects' F1, corrected for the Action Units (Holm)"
        )
    _print_notes(console, notes)
    for result in (first, second):
        _print_remarks(console, (f"{result.system}: {remark}" for remark in result.remarks))


def _print_data(console: Console, result: ProtocolResult) -> None:
    """Print where the faces come from; in yellow unless published numbers may stand beside them."""
    said = result.data + ("; judged in part (--partial)" if result.partial else "")
    style = "dim" if result.is_comparable and not result.partial else "yellow"
    console.print(Text(said, style=style), soft_wrap=True)


def _action_units(result: ProtocolResult) -> Table:
    folds = len(result.folds) > 1
    zeros = bool(result.undefined_folds) and folds
    more = [*(["or 0"] if zeros else []), *(["pooled"] if folds else [])]
    table = new_table(1, ("frames", "present", "F1", "95 %", *more, "always", "AUC", "95 %", "subjects"))
    for name, row in result.table().iterrows():
        mean = name == "mean"
        quartiles = (row[f"subject_f1_{which}"] for which in ("quartile_1", "median", "quartile_3"))
        table.add_row(
            str(name) if mean else _marked(str(name), result),
            *("" if mean else f"{row['frames']:.0f}", share(row["rate"])),
            *(number(row["f1_averaged"]), interval(row, "f1_averaged")),
            *([number(row["f1_averaged_with_zeros"])] if zeros else []),
            *([number(row["f1_pooled"])] if folds else []),
            number(row["f1_all_positive_averaged"]),
            *(number(row["auc"]), interval(row, "auc")),
            " ".join(map(number, quartiles)),
            style="bold" if mean else "",
        )
    return table


def _print_condition(console: Console, result: ProtocolResult, condition: ConditionResult) -> None:
    yes, no = condition.pictures
    unknown = result.faces - yes - no
    heading(console, condition.name, f"{yes} yes, {no} no" + (f", {unknown} unknown" if unknown > 0 else ""))
    table = new_table(2, ("AUC", "95 %", "fires yes", "no", "mean yes", "no"))
    for name, row in condition.table().iterrows():
        table.add_row(
            *(_marked(str(name), result), facs.NAMES[facs.parse(str(name))]),
            *(number(row["auc"]), interval(row, "auc")),
            *(share(row[column]) for column in ("fires_yes", "fires_no", "mean_yes", "mean_no")),
        )
    print_whole(console, table)
    if not (yes and no):
        console.print("AUC needs pictures with the condition and without it.", style="yellow")
    with_it, without = (DASH if np.isnan(mean) else f"{mean:.2f}" for mean in condition.firing)
    console.print(f"Action Units that fire in a picture: {with_it} yes, {without} no", highlight=False)


def _notes(result: ProtocolResult, people: int) -> Iterable[str]:
    yield _EXPLAINED
    if people < _FEW_SUBJECTS:
        yield f"With fewer than {_FEW_SUBJECTS} subjects these intervals are too narrow to rely on"
    if result.aus:
        yield "always: F1 of saying 'present' to every face, the baseline to beat"
        if len(result.folds) > 1:
            yield "F1, AUC: mean over folds; pooled: one F1 over the faces of all folds"
            if undefined := result.undefined_folds:
                folds = len(result.folds)
                of_each = ", ".join(f"{facs.column(au)} {number}" for au, number in undefined.items())
                yield (
                    f"Folds of {folds} in which no frame shows the Action Unit: {of_each}; F1 leaves them "
                    "out, or 0: counts them as 0, as scikit-learn does"
                )
        yield "subjects: quartiles of their F1"
    if result.conditions:
        yield "AUC of a condition: how often a picture with it has the higher score; .5 is chance"
        yield "fires: share of pictures in which the Action Unit occurs; mean: of its score"
    if result.unreliable_aus:
        yield "~ These weights read this Action Unit unreliably; why: idennet info, or their model card"


def _differences(comparison: Comparison) -> Table:
    table = new_table(1, ("F1", "other", "difference", "95 %", "p", "AUC", "other", "difference", "95 %"))
    for name, row in comparison.table().iterrows():
        f1, auc = (_difference(row, score) for score in ("f1_averaged", "auc"))
        style = "bold" if name == "mean" else ""
        table.add_row(str(name), *f1, number(row["p_holm"]), *auc, style=style)
    return table


def _condition_differences(differences: pd.DataFrame) -> Table:
    table = new_table(2, ("AUC", "other", "difference", "95 %"))
    for name, row in differences.iterrows():
        table.add_row(str(name), facs.NAMES[facs.parse(str(name))], *_difference(row, "auc"))
    return table


def _difference(row: pd.Series, score: str) -> tuple[str, ...]:
    low, high = row[f"{score}_low"], row[f"{score}_high"]
    return (
        *(number(row[f"{score}_{which}"]) for which in ("first", "second")),
        _signed(row[f"{score}_difference"]),
        DASH if np.isnan(low) else f"{_signed(low)} to {_signed(high)}",
    )


def _signed(value: float) -> str:
    return DASH if np.isnan(value) else f"{value:+.3f}".replace("0.", ".", 1)


def _marked(column: str, result: ProtocolResult) -> str:
    return ("~" if facs.parse(column) in result.unreliable_aus else "") + column


def _print_notes(console: Console, notes: Iterable[str]) -> None:
    console.print()
    for note in notes:
        console.print(Text(note, style="dim"), soft_wrap=True)


def _print_remarks(console: Console, remarks: Iterable[str]) -> None:
    for remark in remarks:
        console.print(Text(remark, style="yellow"), soft_wrap=True)
