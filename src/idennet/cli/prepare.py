"""`idennet prepare`: a data set in, a face store out."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from idennet.cli.options import folder_to_write
from idennet.cli.words import count, some
from idennet.errors import InputError
from idennet.learning.data.readers.kinds import Kind

if TYPE_CHECKING:
    from rich.console import Console

    from idennet.learning.data.prepare import PrepareReport
    from idennet.learning.data.readers.records import Source

EXIT_INCOMPLETE = 1


def prepare_command(
    kind: Annotated[Kind, typer.Argument(help="What ROOT is.")],
    root: Annotated[Path, typer.Argument(help="Folder of the data set, or CSV file.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Folder of the face store to make.", callback=folder_to_write),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; say what ROOT lacks and how to get it.")
    ] = False,
    threshold: Annotated[
        int | None,
        typer.Option(min=1, max=5, help="Intensity from which an Action Unit counts (default: the usual)."),
    ] = None,
    choose: Annotated[
        list[str] | None,
        typer.Option("--set", help="Choice of the reader such as camera=right; docs/data-sets.md has all."),
    ] = None,
    jitter: Annotated[
        float, typer.Option(min=0, max=10, help="Move given eye centres by about this many pixels.")
    ] = 0.0,
    finder: Annotated[
        Path | None, typer.Option(help="Find faces with this file: YuNet's ONNX or MediaPipe's .task.")
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Threads (default: one a core).")] = None,
) -> None:
    """Align all faces of a data set and write a face store, which training and evaluation read.

    [bold]idennet prepare synfacs corpora/crowd --out stores/crowd[/bold]

    [bold]idennet prepare bp4d /data/BP4D --check[/bold]

    Exits with 1 when labels were cut off or no face of a subject is left; the store is written all the same.
    Interrupted, the same command continues where it was. Every data set is described in docs/data-sets.md.
    The CSV has the columns image and subject, and optionally AU1, AU2, ... with 1, 0, and -1 or nothing
    for not coded.
    """
    from rich.console import Console

    from idennet.learning.data.readers.kinds import open_source

    console = Console()
    choices = dict(_pair(text) for text in choose or ())
    if threshold is not None:
        choices["threshold"] = str(threshold)
    source = open_source(kind, root, choices)
    if check:
        _print_check(console, source)
        return
    if out is None:
        raise InputError("prepare needs --out and a folder for the face store, or --check.")
    _print_report(console, source, _prepare(console, kind, source, out, jitter, finder, workers))


def _pair(text: str) -> tuple[str, str]:
    """Return name and value of `name=value`."""
    name, equals, value = text.partition("=")
    if not equals:
        raise InputError(f"--set needs name=value, not {text!r}.")
    return name.strip(), value.strip()


def _prepare(
    console: "Console",
    kind: Kind,
    source: "Source",
    out: Path,
    jitter: float,
    finder: Path | None,
    workers: int | None,
) -> "PrepareReport":
    """Prepare with a progress bar."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from idennet.learning.data.prepare import prepare
    from idennet.learning.data.readers.locate import MainFaceLocator

    locate = None if kind is Kind.SYNFACS else MainFaceLocator(finder)
    columns = (
        *(TextColumn("Preparing"), BarColumn(), MofNCompleteColumn()),
        *(TextColumn("{task.fields[speed]}"), TimeRemainingColumn()),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=None, speed="")

        def show(done: int, total: int) -> None:
            speed = bar.tasks[0].speed
            bar.update(task, completed=done, total=total, speed=f"{speed:.0f}/s" if speed else "")

        return prepare(source, out, locate=locate, landmark_jitter=jitter, workers=workers, progress=show)


def _print_report(console: "Console", source: "Source", report: "PrepareReport") -> None:
    """Print what the store has, what was left out, and what differs from the published data set.

    Raises:
        Exit: A subject or labels were lost; code 1.
    """
    store = report.store
    console.print(
        f"{count(len(store), 'face')} of {count(len(store.subjects), 'subject')}, "
        f"{count(len(store.aus), 'Action Unit')}, {store.provenance.origin}: {store.path}",
        highlight=False, markup=False, soft_wrap=True,
    )  # fmt: skip
    for reason, number in sorted(report.left_out.items()):
        console.print(f"{number} left out: {reason}; see left_out.csv", style="yellow", highlight=False)
    if lost := report.lost_subjects:
        sentence = f"No face of {count(len(lost), 'subject')}: {some(lost)}."
        console.print(sentence, style="yellow", highlight=False)
    for difference in report.differences:
        console.print(f"{source.name}: {difference} as published.", style="yellow", highlight=False)
    for sentence in report.cut_labels:
        console.print(sentence, style="yellow", highlight=False, markup=False, soft_wrap=True)
    if not report.is_complete:
        raise typer.Exit(EXIT_INCOMPLETE)


def _print_check(console: "Console", source: "Source") -> None:
    """Print one line for each thing that is missing.

    Raises:
        InputError: The source has no published layout.
        Exit: Something is missing; code 1.
    """
    from idennet.learning.data.readers.records import PublishedSource

    if not isinstance(source, PublishedSource):
        raise InputError(f"{source.name} has no published layout to check; prepare it with --out.")
    findings = source.check()
    for finding in findings:
        console.print(finding, style="yellow", highlight=False, markup=False, soft_wrap=True)
    if findings:
        raise typer.Exit(EXIT_INCOMPLETE)
    console.print(f"{source.name} is complete.", highlight=False)
