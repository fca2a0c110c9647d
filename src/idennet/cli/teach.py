"""`idennet teach`: what a teacher says of photographs, for trainings with them."""

from pathlib import Path
from typing import Annotated

import typer

from idennet.cli.options import file_of_folder, folder_to_write
from idennet.cli.words import count, some


def teach_command(
    folder: Annotated[
        Path, typer.Argument(help="Photographs: a subfolder for each person, such as LFW, or pictures.")
    ],
    model: Annotated[Path, typer.Option(help="MediaPipe's face_landmarker.task, the teacher.")],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Parquet file of the labels.", callback=file_of_folder)
    ],
    moved: Annotated[
        Path | None,
        typer.Option(
            help="Folder for the photographs and moved copies of them; the labels are for both.",
            callback=folder_to_write,
        ),
    ] = None,
) -> None:
    """Write what a teacher says of photographs, for idennet train and idennet weights build --teacher.

    [bold]idennet teach lfw --model face_landmarker.task --out labels.parquet[/bold]

    The file has numbers only: how far brows, lids, lips and jaw have moved, for each picture. Pictures of one
    person belong into one subfolder, so that what is usual for that person can be taken out.

    With --moved a copy of each photograph is written beside it, with brows, lids or corners of the mouth
    moved as people rarely do when they are photographed. Prepare that folder as the face store to learn from.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from idennet.learning.data.landmarker import Landmarker
    from idennet.learning.data.readers.locate import MainFaceLocator
    from idennet.learning.data.teach import teach, write_moved

    console = Console()
    columns = TextColumn("Teaching"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=None)

        def show(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        landmarker = Landmarker(model)
        if moved is not None:
            write_moved(folder, moved, MainFaceLocator(), show)
        report = teach(folder if moved is None else moved, landmarker, show)
    report.labels.save(out)
    for files, what in ((report.faceless, "without a face"), (report.unreadable, "unreadable")):
        if files:
            console.print(
                f"{count(len(files), 'picture')} {what}: {some(files)}",
                style="yellow", highlight=False, markup=False, soft_wrap=True,
            )  # fmt: skip
    people = count(len(set(report.labels.subjects)), "subject")
    console.print(
        f"{count(len(report.labels.pictures), 'picture')} of {people}: {out}",
        highlight=False, markup=False, soft_wrap=True,
    )  # fmt: skip
