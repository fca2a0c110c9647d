"""What `idennet evaluate` prints: a table of Action Units, one a condition, and the pictures left out."""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table
from rich.text import Text

from idennet import facs
from idennet.evaluation.conditions import Condition
from idennet.evaluation.scored import Scored
from idennet.models.weights import WeightsCard
from idennet.workflows.evaluate_data import DataEvaluation

_DASH = "–"
_MOST_LISTED = 10


def print_evaluation(console: Console, evaluation: DataEvaluation, card: WeightsCard) -> None:
    """Print all tables, then what was left out and what the marks mean."""
    scores = evaluation.scores
    if scores.action_units is not None:
        subjects = len(scores.action_units.evaluation.counts.subjects)
        _heading(
            console, "Action Units", f"{_count(evaluation.faces, 'face')}, {_count(subjects, 'subject')}"
        )
        console.print(_action_units(scores.action_units, card))
    for condition in scores.conditions:
        yes, no = condition.pictures
        unknown = evaluation.faces - yes - no
        _heading(console, condition.name, f"{yes} yes, {no} no" + (f", {unknown} unknown" if unknown else ""))
        console.print(_condition(condition, card))
        with_it, without = (_DASH if np.isnan(mean) else f"{mean:.2f}" for mean in condition.firing)
        console.print(f"Action Units that fire in a picture: {with_it} yes, {without} no", highlight=False)
    for line in _notes(evaluation, card):
        console.print(Text(line, style="dim"), soft_wrap=True)
    _print_left_out(console, evaluation)


def _action_units(scored: Scored, card: WeightsCard) -> Table:
    table = _table(1, ("frames", "present", "F1", "95 %", "always", "AUC", "95 %", "accuracy"))
    for name, row in scored.table().iterrows():
        mean = name == "mean"
        table.add_row(
            "mean" if mean else _marked(str(name), card),
            *("" if mean else f"{row['frames']:.0f}", _share(row["rate"])),
            *(_number(row["f1"]), _interval(row, "f1"), _number(row["f1_all_positive"])),
            *(_number(row["auc"]), _interval(row, "auc"), _share(row["accuracy"])),
            style="bold" if mean else "",
        )
    return table


def _condition(condition: Condition, card: WeightsCard) -> Table:
    table = _table(2, ("AUC", "95 %", "fires yes", "no", "mean yes", "no"))
    for name, row in condition.table().iterrows():
        table.add_row(
            *(_marked(str(name), card), facs.NAMES[facs.parse(str(name))]),
            *(_number(row["auc"]), _interval(row, "auc")),
            *(_share(row[column]) for column in ("fires_yes", "fires_no", "mean_yes", "mean_no")),
        )
    return table


def _notes(evaluation: DataEvaluation, card: WeightsCard) -> Iterable[str]:
    scores = evaluation.scores
    yield f"\nWeights {card.version}; 95 %: intervals from resampled subjects"
    if scores.action_units is not None:
        yield "always: F1 of saying 'present' to every face, the baseline to beat"
    if scores.conditions:
        yield "AUC: how often a picture with the condition has the higher probability; .5 is chance"
        yield "fires: share of pictures in which the Action Unit occurs; mean: of its probability"
    if card.unreliable_aus:
        yield "~ These weights read this Action Unit unreliably; see: idennet info"
    if scores.not_predicted:
        yield f"Labelled, but not predicted by these weights: {' '.join(facs.columns(scores.not_predicted))}"


def _print_left_out(console: Console, evaluation: DataEvaluation) -> None:
    left_out = evaluation.left_out
    counts = "".join(f", {number} {reason}" for reason, number in evaluation.reasons.items())
    total = evaluation.faces + len(left_out)
    console.print(f"{_count(total, 'picture')}: {evaluation.faces} judged{counts}.", highlight=False)
    for picture, reason in left_out[:_MOST_LISTED]:
        console.print(Text(f"  {picture}: {reason}", style="yellow"), soft_wrap=True)
    if len(left_out) > _MOST_LISTED:
        console.print(f"  and {len(left_out) - _MOST_LISTED} more", style="yellow", highlight=False)


def _heading(console: Console, title: str, about: str) -> None:
    console.print()
    console.print(Text(title, style="bold cyan").append(f"  {about}", style="not bold dim"))


def _table(names: int, headings: Sequence[str]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for _ in range(names):
        table.add_column("", no_wrap=True)
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def _marked(column: str, card: WeightsCard) -> str:
    return ("~" if facs.parse(column) in card.unreliable_aus else "") + column


def _interval(row: pd.Series, name: str) -> str:
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    return _DASH if np.isnan(low) else f"{_number(low)}–{_number(high)}"


def _number(value: float) -> str:
    return _DASH if np.isnan(value) else f"{value:.3f}".removeprefix("0")


def _share(value: float) -> str:
    return _DASH if np.isnan(value) else f"{value:.0%}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
