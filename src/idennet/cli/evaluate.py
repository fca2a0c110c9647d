"""`idennet evaluate`: how well weights, or another tool, read face stores or the pictures of a list."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from idennet.errors import InputError
from idennet.learning.evaluation.prediction_formats import Format, Missing

if TYPE_CHECKING:
    from rich.console import Console

    from idennet.inference.analyser import Analyser
    from idennet.learning.evaluation.ready import ReadySystem

_TOOLS, _HOW = "Predictions of another tool", "How stores are judged"


def evaluate_command(
    data: Annotated[
        list[Path], typer.Argument(help="Folders of face stores, or one CSV that lists pictures.")
    ],
    weights: Annotated[
        Path | None,
        typer.Option(help="Weights (.safetensors) or folder of a run (default: bundled weights)."),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="JSON file for counts and scores.")] = None,
    protocol: Annotated[
        str | None,
        typer.Option(help="See docs/protocols.md (default: everybody in the store).", rich_help_panel=_HOW),
    ] = None,
    partial: Annotated[
        bool,
        typer.Option("--partial", help="Accept missing subjects and Action Units.", rich_help_panel=_HOW),
    ] = False,
    choose_thresholds: Annotated[
        bool,
        typer.Option(
            "--choose-thresholds",
            help="Choose them on the validation subjects of each fold (default: the system's own).",
            rich_help_panel=_HOW,
        ),
    ] = False,
    saved: Annotated[
        Path | None,
        typer.Option("--save-predictions", help="CSV file for scores and decisions.", rich_help_panel=_HOW),
    ] = None,
    predictions: Annotated[
        Path | None, typer.Option(help="CSV file, or folder of them.", rich_help_panel=_TOOLS)
    ] = None,
    format: Annotated[
        Format | None,
        typer.Option(help="Who wrote it (default: its columns tell).", rich_help_panel=_TOOLS),
    ] = None,
    missing: Annotated[
        Missing, typer.Option(help="What faces without a prediction count as.", rich_help_panel=_TOOLS)
    ] = Missing.REFUSE,
    finder: Annotated[Path | None, typer.Option(help="YuNet's ONNX file or face_landmarker.task.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, ...")] = "auto",
) -> None:
    """Compare what is read in faces with what you know about them.

    [bold]idennet evaluate pictures.csv --out result.json[/bold] reads the pictures that a CSV lists, with
    Action Units coded by hand (AU12: 1, 0, or nothing) or conditions (smiling: yes, no, or nothing).

    [bold]idennet evaluate stores/disfa --protocol bp4d-to-disfa[/bold] judges on a face store;
    [bold]--predictions openface/[/bold] judges what OpenFace, py-feat or LibreFace wrote.

    Give people who were not trained on: the result is meaningless otherwise. Everything else is in
    docs/evaluate-your-own.md.
    """
    from rich.console import Console

    from idennet.learning.data.store import FaceStore

    for file in (out, saved):
        if file is not None and not file.absolute().parent.is_dir():
            raise InputError(f"There is no folder {file.parent}; make it, or choose another place.")
        if file is not None and file.is_dir():
            raise InputError(f"{file} is a folder; give the name of a file to write.")
    if predictions is not None and weights is not None:
        raise InputError("Give --weights or --predictions, not both.")
    console = Console()
    if data[0].is_file() or data[0].suffix.lower() == ".csv":
        for_stores = (protocol, saved, predictions, partial, choose_thresholds, len(data) > 1)
        if any(for_stores):
            raise InputError(f"{data[0]} lists pictures; it goes alone, without options for stores.")
        _evaluate_pictures(console, data[0], _analyser(weights, finder, device), out)
        return
    from idennet.cli.protocol_scores import print_result
    from idennet.cli.tables import print_left_out
    from idennet.learning.evaluation.evaluate_stores import (
        PredictedSystem,
        WeightsSystem,
        counted_faces,
        left_out,
        protocol_for,
        save_predictions,
    )
    from idennet.learning.evaluation.prediction_files import read_predictions
    from idennet.learning.evaluation.ready import judge_ready
    from idennet.learning.evaluation.result_files import write_result

    stores = tuple(FaceStore.open(folder) for folder in data)
    system: ReadySystem
    if predictions is None:
        system = WeightsSystem(_analyser(weights, finder, device).model, stores)
    else:
        system = PredictedSystem(read_predictions(predictions, format), stores)
    judged = judge_ready(
        system,
        protocol_for(protocol, stores, system),
        stores,
        partial=partial or protocol is None,  # without a protocol everybody in the store is meant
        missing=missing,
        choose_thresholds=choose_thresholds,
    )
    if out is not None:
        write_result(judged.result, out)
    if saved is not None:
        save_predictions(judged, saved)
    print_result(console, judged.result)
    tested, _ = judged.readings[judged.result.protocol.test]
    judged_faces, uncounted = counted_faces(tested, judged.result.aus)
    print_left_out(console, judged_faces, [*uncounted, *left_out(tested)])
    _say_written(console, out, saved)


def _analyser(weights: Path | None, finder: Path | None, device: str) -> "Analyser":
    from idennet.faces.finder import open_finder
    from idennet.inference.analyser import Analyser
    from idennet.models.action_units import ActionUnitModel

    return Analyser(open_finder(finder), ActionUnitModel.open(weights, device))


def _evaluate_pictures(console: "Console", data: Path, analyser: "Analyser", out: Path | None) -> None:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from idennet.cli.scores import print_evaluation
    from idennet.learning.evaluation.evaluate_data import evaluate_data, write_evaluation

    columns = (TextColumn("Reading"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=None)
        evaluation = evaluate_data(
            analyser, data, lambda done, total: bar.update(task, completed=done, total=total)
        )
    if out is not None:
        write_evaluation(evaluation, analyser, out)
    print_evaluation(console, evaluation, analyser.model.card)
    _say_written(console, out)


def _say_written(console: "Console", *files: Path | None) -> None:
    for file in files:
        if file is not None:
            console.print(f"Written to {file}.", highlight=False, soft_wrap=True, markup=False)
