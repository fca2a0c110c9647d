"""`idennet train`: recipe and face stores in, weights out; `idennet evaluate`: weights judged on a store."""

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

    from idennet.data.store import FaceStore
    from idennet.training import load_recipe, train

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


def evaluate_command(
    weights: Annotated[Path, typer.Argument(help="Weights (.safetensors), or the folder of a run.")],
    store: Annotated[Path, typer.Argument(help="Face store with Action Units.")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="JSON file for the counts.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, ...")] = "auto",
) -> None:
    """Judge weights on all subjects of a face store: F1-frame and AUC of every Action Unit both know.

    Faces are read as `idennet detect` reads them: the mean of a face and its mirror image.

    [bold]idennet evaluate runs/demo stores/spot[/bold]

    Give subjects that were not trained on: the result is meaningless otherwise.
    """
    from rich.console import Console

    from idennet.data.store import FaceStore
    from idennet.errors import InputError
    from idennet.inference.predictor import Predictor
    from idennet.training import open_run
    from idennet.workflows.reading import evaluate_reader

    if out is not None and not out.absolute().parent.is_dir():
        raise InputError(f"There is no folder {out.parent}; make it, or choose another --out.")
    faces = FaceStore.open(store)
    reader = Predictor(open_run(weights).weights if weights.is_dir() else weights, device=device)
    result = evaluate_reader(reader, faces)
    if out is not None:
        result.to_json(out)
    Console().print(result.table().round(3).to_string(), highlight=False, markup=False, soft_wrap=True)
