"""`idennet demo` and `idennet weights build`: whole jobs with one command."""

from pathlib import Path
from typing import Annotated

import typer

weights_app = typer.Typer(help="Build weights and their model card.", no_args_is_help=True)


def demo_command(
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder for the report and what it is made of.")
    ] = Path("demo"),
) -> None:
    """Read a real photograph, train both stages for about two minutes, and write one HTML report.

    [bold]idennet demo --out demo[/bold]
    """
    from rich.console import Console

    from idennet.research.demo.demo import run_demo

    console = Console()
    page = run_demo(out, lambda sentence: console.print(sentence, style="bold"))
    console.print(f"The report: {page.resolve()}", highlight=False, soft_wrap=True, markup=False)


@weights_app.command()
def build(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for corpora, stores, run and weights.")],
    recipe: Annotated[str, typer.Argument(help="Name of a bundled recipe, or a YAML file.")] = "transfer",
    subjects: Annotated[int, typer.Option(min=4, help="Rendered subjects with Action Units.")] = 1500,
    frames: Annotated[int, typer.Option(min=2, help="Frames of each.")] = 24,
    crowd: Annotated[int, typer.Option(min=4, help="Rendered subjects for identity alone.")] = 600,
    test: Annotated[int, typer.Option(min=4, help="Rendered subjects for calibration and scores.")] = 100,
    photographs: Annotated[
        Path | None, typer.Option(help="Photographs: a subfolder for each person, such as LFW.")
    ] = None,
    face_model: Annotated[
        Path | None, typer.Option(help="Face model, an NPZ file.", envvar="IDENNET_FACE_MODEL")
    ] = None,
    detector_model: Annotated[Path | None, typer.Option(help="YuNet ONNX file to find faces with.")] = None,
    override: Annotated[
        list[str] | None, typer.Option("--set", help="Replace a field of the recipe; repeatable.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes to render with.")] = 2,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, ...")] = "auto",
) -> None:
    """Render, prepare, train both stages, calibrate, judge, write weights and their model card.

    [bold]idennet weights build transfer --out build --face-model ict_facekit.npz --photographs lfw[/bold]

    Interrupted, the same command continues where it was. Copied over the files of the same name in
    idennet/assets, the result becomes the bundled weights.
    """
    from rich.console import Console

    from idennet.learning.training import load_recipe
    from idennet.research.weights.build import Faces, build_weights

    console = Console()
    weights = build_weights(
        load_recipe(recipe, override or ()),
        Faces(wild=(subjects, frames), crowd=(crowd, 8), test=(test, frames)),
        out,
        tell=lambda sentence: console.print(sentence, style="bold"),
        photographs=photographs,
        face_model=face_model,
        detector_model=detector_model,
        workers=workers,
        device=device,
    )
    console.print(f"Weights: {weights}; model card: {out / 'model-card.md'}", highlight=False, soft_wrap=True)
