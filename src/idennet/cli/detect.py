"""`idennet detect`: photographs in; Action Units on the screen, in tables and drawn on the pictures out."""

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from idennet.cli.errors import EXIT_INTERRUPTED, complain
from idennet.cli.weights_file import weights_file
from idennet.errors import InputError

EXIT_NO_FACE = 1


def detect_command(
    pictures: Annotated[
        list[str], typer.Argument(help="Photographs, folders, or patterns such as 'photos/*.jpg'.")
    ],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder for aus.csv, aus.json and the overlays.")
    ] = None,
    weights: Annotated[
        Path | None,
        typer.Option(help="Weights (.safetensors) or folder of a run (default: bundled weights)."),
    ] = None,
    detector_model: Annotated[Path | None, typer.Option(help="YuNet ONNX file to find faces with.")] = None,
    overlay: Annotated[
        bool | None, typer.Option("--overlay/--no-overlay", help="Draw on the pictures; on with --out.")
    ] = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print only problems and the summary.")
    ] = False,
) -> None:
    """Find faces in photographs and read their Action Units.

    [bold]idennet detect photo.jpg[/bold] prints a table;
    [bold]idennet detect photos --out results[/bold] reads a folder and writes files.

    Exits with 0; with 1 when the only picture shows no face; with 2 when it cannot be read. In a batch
    such pictures get a row without Action Units.
    """
    from rich.console import Console
    from rich.progress import track

    from idennet.cli import screen
    from idennet.cli.outputs import CSV_NAME, Outputs, made_by_us
    from idennet.inference.predictor import Predictor
    from idennet.media.folders import find_pictures

    if overlay and out is None:
        raise InputError("Overlays need a folder; add --out FOLDER.")
    if out is not None and out.is_file():
        raise InputError(f"{out} is a file; --out needs a folder.")
    alone = len(pictures) == 1 and Path(pictures[0]).is_file()
    named = find_pictures(pictures)
    paths = [path for path in named.files if alone or not made_by_us(path, out)]
    if not paths:
        raise InputError(
            f"All pictures there are overlays that {out} holds from an earlier run; name others."
        )
    predictor = Predictor(weights_file(weights), detector_model)
    results = iter([predictor.detect_one(paths[0])]) if alone else predictor.detect(paths)

    console = Console()
    summary = screen.Summary()
    interrupted = False
    draw = overlay is not False
    replaced = ", in place of an earlier run's tables" if out and (out / CSV_NAME).exists() else ""
    outputs = Outputs(out, paths, predictor.aus, predictor.card.version, draw) if out else nullcontext()
    with outputs as sink:
        shown = track(
            results, "Reading", total=len(paths), console=console, transient=True,
            disable=alone or quiet or not console.is_terminal,
        )  # fmt: skip
        try:
            for result in shown:
                if sink is not None:
                    sink.write(result)
                summary.add(result)
                if result.problem:
                    screen.print_problem(console, result)
                    if alone and not quiet:
                        screen.print_hint(console, yunet=detector_model is not None)
                elif not quiet:
                    (screen.print_details if alone else screen.print_lines)(console, result)
        except KeyboardInterrupt:
            interrupted = True

    for remark in named.remarks():
        screen.print_remark(console, remark)
    if not quiet:
        screen.print_footnotes(console, summary, details=alone)
    console.print(("" if quiet else "\n") + summary.line(), highlight=False)
    if out is not None:
        console.print(f"Written to {out}{replaced}.", highlight=False, soft_wrap=True, markup=False)
    if interrupted:
        complain(f"Interrupted after {summary.pictures} of {len(paths)} pictures.")
        raise typer.Exit(EXIT_INTERRUPTED)
    if alone and not summary.faces:
        raise typer.Exit(EXIT_NO_FACE)
