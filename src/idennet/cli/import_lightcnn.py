"""`idennet weights import-lightcnn`: the released face recognition network as a start for training."""

from pathlib import Path
from typing import Annotated

import typer

from idennet.cli.options import file_of_folder


def import_lightcnn_command(
    caffemodel: Annotated[Path, typer.Argument(help="Released Lightened CNN model A, a .caffemodel file.")],
    out: Annotated[
        Path,
        typer.Option("--out", "-o", help="Weights to write, a .safetensors file.", callback=file_of_folder),
    ],
) -> None:
    """Convert the weights from which the paper starts, for [bold]idennet train --initial[/bold].

    [bold]idennet weights import-lightcnn LightenedCNN_A.caffemodel --out lightcnn.safetensors[/bold]
    """
    from rich.console import Console

    from idennet.models.import_lightcnn import import_lightcnn

    import_lightcnn(caffemodel, out)
    Console().print(f"Weights: {out}", highlight=False, markup=False, soft_wrap=True)
