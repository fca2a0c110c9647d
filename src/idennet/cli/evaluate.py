"""`idennet evaluate`: how well weights read the faces of a store, or the pictures that a CSV lists."""

from pathlib import Path
from typing import Annotated

import typer


def evaluate_command(
    data: Annotated[Path, typer.Argument(help="CSV that lists pictures, or folder of a face store.")],
    weights: Annotated[
        Path | None,
        typer.Option(help="Weights (.safetensors) or folder of a run [default: bundled weights]."),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="JSON file for counts and scores.")] = None,
    detector_model: Annotated[Path | None, typer.Option(help="YuNet ONNX file to find faces with.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, ...")] = "auto",
) -> None:
    """Compare what weights read with what you know: Action Units coded by hand, or conditions.

    [bold]idennet evaluate pictures.csv --out result.json[/bold] reads the pictures that a CSV lists;
    [bold]idennet evaluate stores/spot --weights runs/demo[/bold] judges a training on a face store.

    The CSV has the columns image, optionally subject, Action Units (AU12: 1, 0, or nothing), and any
    conditions (smiling: yes, no, or nothing). Pictures are read as [bold]idennet detect[/bold] does; of
    several faces the one nearest the middle counts.

    Give people who were not trained on: the result is meaningless otherwise.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from idennet.cli import scores
    from idennet.errors import InputError
    from idennet.inference.predictor import Predictor
    from idennet.training import open_run
    from idennet.workflows.evaluate_data import evaluate_data, write_evaluation

    if out is not None and not out.absolute().parent.is_dir():
        raise InputError(f"There is no folder {out.parent}; make it, or choose another --out.")
    if weights is not None and weights.is_dir():
        weights = open_run(weights).weights
    reader = Predictor(weights, detector_model, device=device)
    console = Console()
    columns = (TextColumn("Reading"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=None)
        evaluation = evaluate_data(
            reader, data, lambda done, total: bar.update(task, completed=done, total=total)
        )
    if out is not None:
        write_evaluation(evaluation, reader, out)
    scores.print_evaluation(console, evaluation, reader.card)
    if out is not None:
        console.print(f"Written to {out}.", highlight=False, soft_wrap=True, markup=False)
