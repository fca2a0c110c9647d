"""`idennet train`: recipe and face stores in, weights out."""

from pathlib import Path
from typing import Annotated

import typer

from idennet.cli.options import folder_to_write
from idennet.errors import InputError

_FOLD = "One fold of a protocol"


def train_command(
    recipe: Annotated[
        str,
        typer.Argument(
            help="Recipe: demo, paper, released_code, taught, transfer, or the path of a YAML file."
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the run.", callback=folder_to_write)],
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
    protocol: Annotated[
        str | None,
        typer.Option(help="Learn from a fold's training subjects only.", rich_help_panel=_FOLD),
    ] = None,
    fold: Annotated[str | None, typer.Option(help="Its name, such as 1.", rich_help_panel=_FOLD)] = None,
    partial: Annotated[
        bool, typer.Option("--partial", help="Accept a store that lacks subjects.", rich_help_panel=_FOLD)
    ] = False,
    initial: Annotated[Path | None, typer.Option(help="Weights (.safetensors) to start from.")] = None,
    teacher: Annotated[
        Path | None, typer.Option(help="Labels of --identity pictures, written by idennet teach.")
    ] = None,
    known_people: Annotated[
        Path | None,
        typer.Option(
            help="Embeddings of --identity pictures (.npz: picture, embedding) that teach identity."
        ),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, ...")] = "auto",
) -> None:
    """Train a network on face stores; interrupted, the same command continues where it was.

    [bold]idennet train demo --au stores/studio --identity stores/crowd --out runs/demo[/bold]

    [bold]idennet train paper --au stores/bp4d --identity stores/celeba --protocol bp4d-drml --fold 1
    --out runs/fold-1[/bold] learns from the training subjects of that fold, validates by the protocol's rule,
    and keeps those who are tested unseen; [bold]idennet evaluate[/bold] then takes one run a fold.
    """
    from rich.console import Console

    from idennet.learning.data.store import FaceStore
    from idennet.learning.training import faces_of_fold, load_recipe, train

    if protocol is None and (fold is not None or partial):
        raise InputError("--fold and --partial are about a protocol; name it with --protocol.")
    settings = load_recipe(recipe, override or ())
    au_stores = [FaceStore.open(path) for path in au or ()]
    identity_stores = [FaceStore.open(path) for path in identity or ()]
    run = train(
        settings,
        au_stores=au_stores,
        identity_stores=identity_stores,
        out=out,
        fold=None
        if protocol is None
        else faces_of_fold(protocol, fold, au_stores, identity_stores, partial=partial),
        device=device,
        resume=resume,
        initial=initial,
        teacher=teacher,
        known_people=known_people,
    )
    numbers = ", ".join(f"{name} {value:.3f}" for name, value in run.best.items() if name != "score")
    Console().print(f"{run.weights}: {numbers}", highlight=False, markup=False, soft_wrap=True)
