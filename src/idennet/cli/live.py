"""`idennet live`: a camera, a stream or a file, read as it goes."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from idennet.cli.options import Finder, Weights

if TYPE_CHECKING:
    from rich.console import Group

    from idennet.cli.console import Screen
    from idennet.inference.live import Reading


def live_command(
    source: Annotated[
        str, typer.Argument(help="Number of a camera (0), address of a stream (rtsp://...), or a video file.")
    ] = "0",
    lines: Annotated[bool, typer.Option("--json", help="Print one JSON object a frame.")] = False,
    weights: Weights = None,
    finder: Finder = None,
) -> None:
    """Read a camera, a stream or a video as it goes, and never fall behind.

    [bold]idennet live[/bold] shows the faces of the first camera until Ctrl-C. While a frame is read, newer
    ones come; the newest is read next, the others are dropped and counted. A file plays at its own speed.
    """
    from idennet.media.live import Live, is_live
    from idennet.media.pictures import check_file
    from idennet.media.video import Video

    if not is_live(source):
        check_file(Path(source))

    # PyTorch is loaded from here on: a wrong path is told at once
    from idennet.cli.console import Screen
    from idennet.faces.finder import open_finder
    from idennet.inference.analyser import Analyser
    from idennet.inference.live import at_their_times, read_live
    from idennet.models.action_units import ActionUnitModel

    frames = Live(source) if is_live(source) else at_their_times(Video(Path(source)))
    analyser = Analyser(open_finder(finder), ActionUnitModel.open(weights))
    console = Screen()
    readings = read_live(analyser, frames)
    count, seconds, last = 0, 0.0, None
    try:
        for last in _printed(readings, console) if lines else _shown(readings, console):
            count, seconds = count + 1, seconds + last.seconds
            if console.closed:
                break
    except KeyboardInterrupt:  # the wished end
        pass
    if last is not None and not lines:
        console.print(
            f"{count} frames read, {last.dropped} dropped, {1000 * seconds / count:.0f} ms a frame.",
            highlight=False,
        )


def _printed(readings: "Iterator[Reading]", console: "Screen") -> "Iterator[Reading]":
    """Yield readings after each is printed as a line of JSON."""
    for reading in readings:
        more = {"dropped": reading.dropped, "milliseconds": round(1000 * reading.seconds, 1)}
        console.out(json.dumps(reading.result.to_dict() | more, ensure_ascii=False), highlight=False)
        yield reading


def _shown(readings: "Iterator[Reading]", console: "Screen") -> "Iterator[Reading]":
    """Yield readings while the newest stands on the terminal; without a terminal, print a line each."""
    from rich.live import Live as Standing

    from idennet.cli import screen

    if not console.is_terminal:
        for reading in readings:
            screen.print_result(console, reading.result, details=False, quiet=False)
            yield reading
        return
    with Standing(console=console, auto_refresh=False, transient=True) as standing:
        for reading in readings:
            standing.update(_picture(reading, console), refresh=True)
            yield reading


def _picture(reading: "Reading", console: "Screen") -> "Group":
    """Return what stands on the terminal: a table a face, and how reading keeps up."""
    from rich.console import Group
    from rich.text import Text

    from idennet.cli import screen

    result = reading.result
    status = f"{result.time or 0:.1f} s  {1000 * reading.seconds:.0f} ms  {reading.dropped} dropped"
    heading = Text(f"{result.source}  {status}", style="dim")
    if not result.faces:
        return Group(heading, Text("no face", style="yellow"))
    return Group(heading, *(screen.face_table(console, face) for face in result.faces))
