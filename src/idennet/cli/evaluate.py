"""`idennet evaluate`: how well weights, or another tool, read face stores or the pictures of a list."""

from pathlib import Path
from typing import Annotated

import typer

from idennet.cli.options import file_of_folder
from idennet.learning.evaluation.prediction_formats import Format, Missing

_TOOLS, _HOW = "Predictions of another tool", "How they are judged"


def evaluate_command(
    data: Annotated[
        list[Path], typer.Argument(help="Folders of face stores, or CSV files that list pictures.")
    ],
    weights: Annotated[
        list[Path] | None,
        typer.Option(
            help="Weights (.safetensors) or folder of a run; once for each fold, or a folder of runs "
            "(default: bundled weights)."
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="JSON file for counts and scores.", callback=file_of_folder),
    ] = None,
    protocol: Annotated[
        str | None, typer.Option(help="See docs/protocols.md (default: everybody).", rich_help_panel=_HOW)
    ] = None,
    partial: Annotated[
        bool,
        typer.Option(
            "--partial", help="Accept missing subjects, Action Units and folds.", rich_help_panel=_HOW
        ),
    ] = False,
    choose_thresholds: Annotated[
        bool,
        typer.Option(
            "--choose-thresholds",
            help="Choose them on other people than those judged (default: the system's own).",
            rich_help_panel=_HOW,
        ),
    ] = False,
    missing: Annotated[
        Missing | None,
        typer.Option(
            help="What faces without a prediction count as (default: refuse; leave out pictures in which "
            "weights see no face).",
            rich_help_panel=_HOW,
        ),
    ] = None,
    saved: Annotated[
        Path | None,
        typer.Option(
            "--save-predictions",
            help="CSV file for scores and decisions.",
            rich_help_panel=_HOW,
            callback=file_of_folder,
        ),
    ] = None,
    predictions: Annotated[
        Path | None, typer.Option(help="CSV file, or folder of them.", rich_help_panel=_TOOLS)
    ] = None,
    format: Annotated[
        Format | None,
        typer.Option(help="Who wrote it (default: its columns tell).", rich_help_panel=_TOOLS),
    ] = None,
    finder: Annotated[
        Path | None,
        typer.Option(help="File of another face finder (YuNet, MediaPipe), for lists of pictures."),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, ...")] = "auto",
) -> None:
    """Compare what is read in faces with what you know about them.

    [bold]idennet evaluate pictures.csv --out result.json[/bold] reads the pictures that a CSV lists, with
    Action Units coded by hand (AU12: 1, 0, or nothing) or conditions (smiling: yes, no, or nothing).

    [bold]idennet evaluate stores/disfa --protocol bp4d-to-disfa[/bold] judges on a face store;
    [bold]--predictions openface/[/bold] judges what OpenFace, py-feat or LibreFace wrote about either.

    Give people who were not trained on: the result is meaningless otherwise. Everything else is in
    docs/evaluate-your-own.md.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from idennet.cli.scores import print_result
    from idennet.learning.evaluation.evaluate import evaluate
    from idennet.learning.evaluation.result_files import write_result

    console = Console()
    columns = (TextColumn("Reading"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=None)
        result = evaluate(
            *data,
            weights=weights or (),
            predictions=predictions,
            format=format,
            missing=missing,
            protocol=protocol,
            partial=partial,
            choose_thresholds=choose_thresholds,
            save_predictions=saved,
            finder=finder,
            device=device,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    if out is not None:
        write_result(result, out)
    print_result(console, result)
    for file in (out, saved):
        if file is not None:
            console.print(f"Written to {file}.", highlight=False, soft_wrap=True, markup=False)
