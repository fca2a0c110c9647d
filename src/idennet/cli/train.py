"""`idennet train`: recipe and face stores in, weights out."""

from pathlib import Path
from typing import Annotated

import typer


def train_command(
    recipe: Annotated[
        str, typer.Argument(help="Recipe: demo, paper, released_code, transfer, or the path of a YAML file.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the run.")],
    au: Annotated[list[Path] | None, typer.Option(help="Face store with Action Units; repeatable.")] = None,
    identity: Annotated[
        list[Path] | None, typer.Option(help="Face store of which only the subjects count; repeatable.")
    ] = None,
    override: Annotated[
        list[str] | None, typer.Option("--set", help="Replace a field: au_stage.steps=100; repeatable.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume/--fresh", help="Continue an interrupted run, or delete it first.")
    ] = True,
    initial: Annotated[Path | None, typer.Option(help="Weights (.safetensors) to start from.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, ...")] = "auto",
) -> None:
    """Train a network on face stores; interrupted, the same command continues where it was.

    [bold]idennet train demo --au stores/studio --identity stores/crowd --out runs/demo[/bold]
    """
    from rich.console import Console

    from idennet.learning.data.store import FaceStore
    from idennet.learning.training import load_recipe, train

    run = train(
        load_recipe(recipe, override or ()),
        au_stores=[FaceStore.open(path) for path in au or ()],
        identity_stores=[FaceStore.open(path) for path in identity or ()],
        out=out,
        device=device,
        resume=resume,
        initial=initial,
    )
    numbers = ", ".join(f"{name} {value:.3f}" for name, value in run.best.items() if name != "score")
    Console().print(f"{run.weights}: {numbers}", highlight=False, markup=False, soft_wrap=True)
