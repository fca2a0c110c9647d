"""`idennet export`: results for other programs."""

from pathlib import Path
from typing import Annotated

import typer

from idennet.cli.options import folder_to_write


def export_command(
    results: Annotated[
        Path, typer.Argument(help="Folder of idennet detect --out, or a CSV file of OpenFace.")
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="Folder to write to (default: that of the results).", callback=folder_to_write
        ),
    ] = None,
) -> None:
    """Write results for other programs: Parquet, episodes, OpenFace's tables, ELAN and Praat.

    [bold]idennet export results[/bold]

    aus.parquet has all rows with units, thresholds and model; episodes.csv has onset, apex and offset of each
    movement; each clip gets a table like those of OpenFace 2.2, and its episodes for ELAN and Praat.
    """
    from rich.console import Console

    from idennet.timelines import check_packages

    check_packages("idennet export")
    from idennet.timelines.export import export

    folder = out or (results if results.is_dir() else results.parent)
    for path in export(results, folder):
        Console().print(f"Written: {path}", highlight=False, soft_wrap=True, markup=False)
