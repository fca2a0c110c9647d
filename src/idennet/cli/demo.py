"""`idennet demo`: the whole program in two minutes, on one page."""

from pathlib import Path
from typing import Annotated

import typer

from idennet.cli.options import folder_to_write


def demo_command(
    out: Annotated[
        Path,
        typer.Option(
            "--out", "-o", help="Folder for the report and what it is made of.", callback=folder_to_write
        ),
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
