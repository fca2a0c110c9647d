"""`idennet prepare`: a data set in, a face store out."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from idennet.data.records import Source


class Kind(StrEnum):
    """Data sets that can be prepared."""

    SYNFACS = "synfacs"
    LFW = "lfw"
    CSV = "csv"


def prepare_command(
    kind: Annotated[Kind, typer.Argument(help="What ROOT is.")],
    root: Annotated[
        Path, typer.Argument(help="SynFACS corpus, folder with a subfolder for each person, or CSV file.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the face store to make.")],
    jitter: Annotated[
        float, typer.Option(min=0, max=10, help="Move SynFACS eye centres by about this many pixels.")
    ] = 0.0,
    detector_model: Annotated[Path | None, typer.Option(help="YuNet ONNX file to find faces with.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Threads [default: one a core].")] = None,
) -> None:
    """Align all faces of a data set and write a face store, which training and evaluation read.

    [bold]idennet prepare synfacs corpora/crowd --out stores/crowd[/bold]

    Interrupted, the same command continues where it was. The CSV has the columns image and subject,
    and optionally AU1, AU2, ... with 1, 0, and -1 or nothing for not coded.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from idennet.data.locate import MainFaceLocator
    from idennet.data.prepare import prepare

    source = _source(kind, root)
    locate = None if kind is Kind.SYNFACS else MainFaceLocator(detector_model)
    console = Console()
    columns = (
        *(TextColumn("Preparing"), BarColumn(), MofNCompleteColumn()),
        *(TextColumn("{task.fields[speed]}"), TimeRemainingColumn()),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=None, speed="")

        def show(done: int, total: int) -> None:
            speed = bar.tasks[0].speed
            bar.update(task, completed=done, total=total, speed=f"{speed:.0f}/s" if speed else "")

        report = prepare(source, out, locate=locate, landmark_jitter=jitter, workers=workers, progress=show)

    store = report.store
    console.print(
        f"{len(store)} faces of {len(store.subjects)} subjects, {len(store.aus)} Action Units: {store.path}",
        highlight=False, markup=False, soft_wrap=True,
    )  # fmt: skip
    for reason, count in sorted(report.left_out.items()):
        console.print(f"{count} left out: {reason}; see left_out.csv", style="yellow", highlight=False)


def _source(kind: Kind, root: Path) -> "Source":
    """Return the reader of a kind of data set."""
    from idennet.data.csv_list import CsvList
    from idennet.data.lfw import Lfw
    from idennet.data.synfacs import SynFacs

    if kind is Kind.SYNFACS:
        return SynFacs(root)
    return Lfw(root) if kind is Kind.LFW else CsvList(root)
