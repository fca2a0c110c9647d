"""What `idennet evaluate` prints: a table of Action Units, one a condition, and the pictures left out."""

from collections.abc import Iterable

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from idennet import facs
from idennet.cli.tables import DASH, heading, interval, new_table, number, print_left_out, print_whole, share
from idennet.cli.words import count
from idennet.learning.evaluation.conditions import Condition
from idennet.learning.evaluation.evaluate_data import DataEvaluation
from idennet.learning.evaluation.scored import Scored
from idennet.models.weights import WeightsCard

_FEW_SUBJECTS = 10


def print_evaluation(console: Console, evaluation: DataEvaluation, card: WeightsCard) -> None:
    """Print all tables, then what was left out and what the marks mean."""
    scores = evaluation.scores
    if scores.action_units is not None:
        subjects = len(scores.action_units.evaluation.counts.subjects)
        heading(console, "Action Units", f"{count(evaluation.faces, 'face')}, {count(subjects, 'subject')}")
        print_whole(console, _action_units(scores.action_units, card))
    for condition in scores.conditions:
        yes, no = condition.pictures
        unknown = evaluation.faces - yes - no
        heading(console, condition.name, f"{yes} yes, {no} no" + (f", {unknown} unknown" if unknown else ""))
        print_whole(console, _condition(condition, card))
        if not (yes and no):
            console.print("AUC needs pictures with the condition and without it.", style="yellow")
        with_it, without = (DASH if np.isnan(mean) else f"{mean:.2f}" for mean in condition.firing)
        console.print(f"Action Units that fire in a picture: {with_it} yes, {without} no", highlight=False)
    for line in _notes(evaluation, card):
        console.print(Text(line, style="dim"), soft_wrap=True)
    print_left_out(console, evaluation.faces, evaluation.left_out)


def _action_units(scored: Scored, card: WeightsCard) -> Table:
    table = new_table(1, ("frames", "present", "F1", "95 %", "always", "AUC", "95 %", "accuracy"))
    for name, row in scored.table().iterrows():
        mean = name == "mean"
        table.add_row(
            "mean" if mean else _marked(str(name), card),
            *("" if mean else f"{row['frames']:.0f}", share(row["rate"])),
            *(number(row["f1"]), interval(row, "f1"), number(row["f1_all_positive"])),
            *(number(row["auc"]), interval(row, "auc"), share(row["accuracy"])),
            style="bold" if mean else "",
        )
    return table


def _condition(condition: Condition, card: WeightsCard) -> Table:
    table = new_table(2, ("AUC", "95 %", "fires yes", "no", "mean yes", "no"))
    for name, row in condition.table().iterrows():
        table.add_row(
            *(_marked(str(name), card), facs.NAMES[facs.parse(str(name))]),
            *(number(row["auc"]), interval(row, "auc")),
            *(share(row[column]) for column in ("fires_yes", "fires_no", "mean_yes", "mean_no")),
        )
    return table


def _notes(evaluation: DataEvaluation, card: WeightsCard) -> Iterable[str]:
    scores = evaluation.scores
    yield f"\nWeights {card.version}; 95 %: intervals from resampled subjects"
    judged = [condition.scored for condition in scores.conditions]
    judged += [] if scores.action_units is None else [scores.action_units]
    if min(len(scored.evaluation.counts.subjects) for scored in judged) < _FEW_SUBJECTS:
        yield f"With fewer than {_FEW_SUBJECTS} subjects these intervals are too narrow to rely on"
    if scores.action_units is not None:
        yield "always: F1 of saying 'present' to every face, the baseline to beat"
    if scores.conditions:
        yield "AUC: how often a picture with the condition has the higher probability; .5 is chance"
        yield "fires: share of pictures in which the Action Unit occurs; mean: of its probability"
    if card.unreliable_aus:
        yield "~ These weights read this Action Unit unreliably; why: their model card"
    if scores.not_predicted:
        yield f"Labelled, but not predicted by these weights: {' '.join(facs.columns(scores.not_predicted))}"


def _marked(column: str, card: WeightsCard) -> str:
    return ("~" if facs.parse(column) in card.unreliable_aus else "") + column
