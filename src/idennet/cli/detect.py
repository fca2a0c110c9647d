"""`idennet detect`: pictures and videos in; Action Units on the screen, in tables and drawn out."""

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from idennet.cli.errors import EXIT_MISTAKE, complain, exit_code
from idennet.cli.options import Finder, Weights, folder_to_write
from idennet.errors import InputError

if TYPE_CHECKING:
    from idennet.inference.analyser import Analyser
    from idennet.inference.results_folder import ResultsFolder
    from idennet.media.folders import FoundPictures
    from idennet.people.following import Following

EXIT_NO_FACE = 1
EXIT_DEFECT = 3
EXIT_PIPE_CLOSED = 141

_HOW, _PEOPLE, _VIDEOS = "How it runs", "People", "Videos"


def detect_command(
    pictures: Annotated[
        list[str],
        typer.Argument(
            help="Photographs, videos, folders, or patterns such as 'photos/*.jpg'; the number of a camera; "
            "the address of a stream, rtsp://..."
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="Folder for aus.csv, aus.jsonl and the overlays.", callback=folder_to_write
        ),
    ] = None,
    weights: Weights = None,
    finder: Finder = None,
    mirror: Annotated[
        bool,
        typer.Option("--mirror/--no-mirror", help="Read faces mirrored too, and average: twice the time."),
    ] = False,
    every: Annotated[
        int,
        typer.Option(min=1, metavar="N", help="Read every Nth frame.", rich_help_panel=_VIDEOS),
    ] = 1,
    start: Annotated[
        str | None,
        typer.Option("--from", metavar="TIME", help="Seconds, or 1:23:45.", rich_help_panel=_VIDEOS),
    ] = None,
    end: Annotated[
        str | None,
        typer.Option("--to", metavar="TIME", help="Seconds, or 1:23:45.", rich_help_panel=_VIDEOS),
    ] = None,
    overlay: Annotated[
        bool | None, typer.Option("--overlay/--no-overlay", help="Draw on the pictures; on with --out.")
    ] = None,
    resume: Annotated[
        bool,
        typer.Option("--resume/--fresh", help="Continue a run in --out, or delete its tables first."),
    ] = True,
    people: Annotated[
        bool, typer.Option("--people", help="Tell people apart, and number them.", rich_help_panel=_PEOPLE)
    ] = False,
    zero: Annotated[
        str | None,
        typer.Option(
            help="Also read from each person's own resting face: running, whole, identity, store, a range of "
            "a clip (2-5 or 0:02-0:05), or pictures of the neutral face.",
            rich_help_panel=_PEOPLE,
        ),
    ] = None,
    store: Annotated[
        Path | None,
        typer.Option(help="Recognise the people that idennet people enrolled.", rich_help_panel=_PEOPLE),
    ] = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print only problems and the summary.")
    ] = False,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Pictures read side by side (default: one a core).", rich_help_panel=_HOW),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, ...", rich_help_panel=_HOW)] = "auto",
) -> None:
    """Find faces in photographs and videos and read their Action Units.

    [bold]idennet detect photo.jpg[/bold] prints a table.

    [bold]idennet detect photos --out results[/bold] reads a folder and writes files. Interrupted, the same
    command continues; pictures and frames whose rows are there are not read again.

    [bold]idennet detect photos --people --zero whole --out results[/bold] tells people apart, and also reads
    each from the own resting face; rows are then written when everything was read. Interrupted before, it
    writes rows that follow from what was read so far; --fresh reads everything.

    Exits with 0; with 1 when the only picture shows no face; with 2 when it cannot be read. In a batch
    such pictures get a row without Action Units; the exit code is 3 when that is a defect of IdenNet.
    """
    from idennet.media.folders import FoundPictures, find_pictures
    from idennet.media.kinds import is_video
    from idennet.media.live import Live, is_live
    from idennet.media.names import text_of
    from idennet.media.video import Video, seconds_of, span_of

    if overlay and out is None:
        raise InputError("Overlays need a folder; add --out FOLDER.")
    if out is not None and out.resolve() in (Path(name).resolve() for name in pictures):
        raise InputError(
            f"{text_of(out)} is the folder of the pictures, and tables and overlays would lie among them; "
            f"give --out another one, such as {text_of(out / 'results')}."
        )
    first, last = (None if time is None else seconds_of(time) for time in (start, end))
    live = [Live(name, every, last) for name in pictures if is_live(name)]
    if live and first is not None:
        raise InputError("--from is for video files; what a camera or stream shows begins when it is opened.")
    named = [name for name in pictures if not is_live(name)]
    alone = len(pictures) == 1 and Path(pictures[0]).is_file() and not is_video(Path(pictures[0]))
    found = find_pictures(named) if named else FoundPictures(())
    videos: list[Video | Live] = [Video(path, every, first, last) for path in found.files if is_video(path)]
    videos += live
    if not videos and (every != 1 or start or end):
        raise InputError("--every, --from and --to are for videos, and none is named.")
    if not videos and zero and span_of(zero):
        raise InputError(
            f"--zero {zero} is a range of a video, and none is named; photographs can have their zero from "
            "whole, identity, or a picture of the neutral face."
        )

    # PyTorch is loaded from here on: mistakes above are told at once
    from idennet.cli import screen
    from idennet.cli.console import Screen
    from idennet.cli.counts import Summary
    from idennet.cli.progress import progress_of
    from idennet.cli.remarks import people_remarks
    from idennet.faces.finder import open_finder
    from idennet.inference.analyser import Analyser, Clip
    from idennet.inference.results_folder import about_run
    from idennet.models.action_units import ActionUnitModel

    found = found if alone else _without_overlays(found)
    paths = found.files
    analyser = Analyser(open_finder(finder), ActionUnitModel.open(weights, device, mirror=mirror), workers)

    following = _following(analyser, weights, people, zero, store)
    console = Screen()
    summary = Summary()
    stopped: KeyboardInterrupt | None = None
    folder = None
    if out is not None:
        about = about_run(analyser, finder) | {
            "frames": {"every": every, "from": first, "to": last},
            "people": people or None, "zero": zero, "store": store and store.name,
        }  # fmt: skip
        from_start = following is not None and not alone
        folder = _open_folder(
            out, paths, analyser, about, resume, alone, zeroed=zero is not None, from_start=from_start
        )
    with folder or nullcontext():
        rest = [path for path in paths if not is_video(path) and not (folder and folder.holds(path))]
        clips = [folder.continued(video) if folder else Clip(video) for video in videos]
        sources = [*rest, *clips]
        there = (folder.earlier, folder.earlier_frames) if folder else (0, 0)
        if any(there):
            if following:
                screen.print_read_again(console, *there)
            else:
                screen.print_continued(console, *there, len(rest), len(clips))
        read = analyser.analyse_all(sources, folder.draw if folder and overlay is not False else None)
        if console.is_terminal and not alone and not quiet:
            read = progress_of(read, sources, console)
        try:
            for result in following.told(read, at_once=bool(clips)) if following else read:
                if folder:
                    folder.write(result)
                if video := summary.add(result):
                    screen.print_video(console, video, quiet=quiet)
                if alone and result.error:
                    complain(result.error)
                elif result.time is None:
                    screen.print_result(console, result, details=alone, quiet=quiet, strengths=zero is None)
                if console.closed and not folder:
                    raise typer.Exit(EXIT_PIPE_CLOSED)
        except KeyboardInterrupt as interruption:
            stopped = interruption
    if video := summary.end_video():
        screen.print_video(console, video, quiet=quiet)

    for remark in found.remarks():
        screen.print_remark(console, remark)
    if following:
        apart = people or store is not None
        for remark in people_remarks(following, summary, zero, apart=apart):
            screen.print_remark(console, remark)
    if summary.without_face and not (alone and quiet):
        screen.print_hint(console, summary.without_face, other_finder=finder is not None)
    if not quiet:
        screen.print_footnotes(console, summary, details=alone, strengths=zero is None)
    was_read_before = any(there) and summary.empty and stopped is None
    told = "Everything had been read already." if was_read_before else summary.line()
    console.print(("" if quiet else "\n") + told, highlight=False)
    if out is not None:
        where = f"The results are in {text_of(out)}." if was_read_before else f"Written to {text_of(out)}."
        console.print(where, highlight=False, soft_wrap=True, markup=False)
    if stopped is not None:
        done = summary.done_of(len(rest), len(clips))
        gathered = following is not None and (following.needs_all or not clips)
        complain(f"Interrupted after {done}.{_how_to_go_on(out, gathered=gathered)}")
        raise typer.Exit(exit_code(stopped))
    if summary.defects:
        raise typer.Exit(EXIT_DEFECT)
    if (alone or (len(sources) == 1 and not any(there))) and not summary.faces:
        raise typer.Exit(EXIT_MISTAKE if summary.unreadable or summary.broken_off else EXIT_NO_FACE)


def _without_overlays(found: "FoundPictures") -> "FoundPictures":
    """Return what was found without overlays of an earlier run.

    Raises:
        InputError: There is nothing else.
    """
    from idennet.inference.overlay import is_overlay
    from idennet.media.folders import FoundPictures, PassedOver

    overlays = {path for path in found.files if is_overlay(path)}
    if found.files and len(overlays) == len(found.files):
        raise InputError("All pictures there are overlays or charts of an earlier run; name others.")
    passed_over = tuple(
        PassedOver(path, "these are overlays or charts of an earlier run") for path in sorted(overlays)
    )
    photographs = tuple(path for path in found.files if path not in overlays)
    return FoundPictures(photographs, found.passed_over + passed_over)


def _following(
    analyser: "Analyser", weights: Path | None, people: bool, zero: str | None, store: Path | None
) -> "Following | None":
    """Return what tells people apart and finds their zeros, where that is asked for."""
    if not (people or zero or store):
        return None
    from idennet.people.population import Population
    from idennet.people.store import PersonStore
    from idennet.people.wishes import following

    population = Population.open(weights)
    with nullcontext() if store is None else PersonStore(store, population) as opened:
        return following(analyser, population, apart=people, zero=zero, store=opened)


def _open_folder(
    out: Path,
    paths: Sequence[Path],
    analyser: "Analyser",
    about: dict[str, Any],
    resume: bool,
    alone: bool,
    *,
    zeroed: bool,
    from_start: bool,
) -> "ResultsFolder":
    from idennet.inference.results_folder import ResultsFolder

    model = analyser.model
    graded = model.card.architecture.graded
    again = paths if alone else ()
    return ResultsFolder(
        out, paths, model.aus, about,
        graded=graded, zeroed=zeroed, resume=resume, again=again, from_start=from_start,
    )  # fmt: skip


def _how_to_go_on(out: Path | None, *, gathered: bool) -> str:
    if out is None:
        return ""
    if gathered:
        return " Their rows are safe, and follow from what was read so far; --fresh reads everything."
    return " Their rows are safe; the same command continues."
