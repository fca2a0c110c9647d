"""`idennet view`: results to look at."""

from pathlib import Path
from typing import Annotated

import typer

from idennet.cli.options import folder_to_write
from idennet.cli.words import few
from idennet.errors import InputError


def view_command(
    results: Annotated[
        Path, typer.Argument(help="Folder of idennet detect --out, or a CSV file of OpenFace.")
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="Folder to write to (default: that of the results).", callback=folder_to_write
        ),
    ] = None,
    film: Annotated[
        bool, typer.Option("--film", help="Also write each clip with what was read drawn on it (MP4).")
    ] = False,
) -> None:
    """Write a page that shows results over time, with charts and summaries.

    [bold]idennet view results[/bold]

    report.html has the video beside its timelines and needs nothing but a browser; the charts are there as
    PNG too, and summary.csv has a row for each person and Action Unit.
    """
    from rich.console import Console

    from idennet.timelines import check_packages

    check_packages("idennet view")
    from idennet.timelines.recording import read_recordings
    from idennet.timelines.view import lost_videos, view, write_films

    folder = out or (results if results.is_dir() else results.parent)
    films: list[Path] = []
    recordings = read_recordings(results)
    if lost := lost_videos(recordings):
        gone = f"{few(lost)} {'is' if len(lost) == 1 else 'are'} there no more"
        if film:
            raise InputError(f"{gone}; bring back what was read, or leave out --film.")
        Console().print(
            f"{gone}, so the page has timelines without the video; bring back what was read to see both.",
            style="yellow", highlight=False, soft_wrap=True, markup=False,
        )  # fmt: skip

    def tell(path: Path) -> None:
        Console().print(f"Written: {path}", highlight=False, soft_wrap=True, markup=False)

    try:
        for path in write_films(recordings, folder) if film else ():
            films.append(path)
            tell(path)
    finally:  # the page is there also without the films, or some of them
        for path in view(recordings, folder, films):
            tell(path)
