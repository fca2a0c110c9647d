"""`idennet report`: a benchmark's results become tables and figures."""

from pathlib import Path
from typing import Annotated

import typer

from idennet.cli.options import folder_to_write


def report_command(
    results: Annotated[Path, typer.Argument(help="Folder of idennet benchmark.")],
    out: Annotated[
        Path,
        typer.Option(
            "--out", "-o", help="Folder for the page, tables and figures.", callback=folder_to_write
        ),
    ],
) -> None:
    """Write the paper's tables from a benchmark's results: Markdown, LaTeX, CSV, and figures.

    [bold]idennet report results/synfacs --out report[/bold]

    The paper's numbers stand beside ours where both are about the same photographs; results on rendered data
    are kept apart and say so.
    """
    from rich.console import Console

    from idennet.research.benchmark.report.benchmark_report import write_report

    page = write_report(results, out)
    Console().print(f"The report: {page}", highlight=False, soft_wrap=True, markup=False)
