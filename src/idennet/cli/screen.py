"""What `idennet detect` prints: Action Units with plain names for one picture, a line a face for many."""

from collections.abc import Iterator

from rich.table import Table
from rich.text import Text

from idennet.cli.console import Screen
from idennet.cli.counts import CHANGED, FAINT_ROWS, SAME, Summary, VideoCounts
from idennet.cli.words import count, few, some
from idennet.facs import NAMES, column, columns
from idennet.inference.face import Face, Zeroed
from idennet.inference.result import Result
from idennet.models.weights import Evidence

_BAR_CELLS = 20
_NARROW_BAR_CELLS = 9  # beside intensities, so that 80 letters are enough
_BARS = {Evidence.TESTED: "━", Evidence.TAUGHT: "╍", Evidence.RENDERINGS: "┅"}
_ASCII_BARS = {Evidence.TESTED: "=", Evidence.TAUGHT: "+", Evidence.RENDERINGS: ":"}
_UNTESTED = {
    Evidence.TAUGHT: "taught by photographs, but not tested on any",
    Evidence.RENDERINGS: "learnt from renderings only, and not tested on photographs",
}
_MOST_PEOPLE = 5  # of whom a sentence each is printed


def print_result(
    console: Screen, result: Result, *, details: bool, quiet: bool, strengths: bool = True
) -> None:
    """Print what was read from a picture, or why nothing was; only the latter if `quiet`.

    Args:
        console: Where.
        result: Of the picture.
        details: Print a table for each face instead of a line.
        quiet: Print only why nothing was read.
        strengths: Print intensities in the lines, not in the tables only.
    """
    if result.problem:
        _print_problem(console, result)
    elif not quiet and details:
        _print_details(console, result)
    elif not quiet:
        _print_lines(console, result, strengths=strengths)


def print_continued(console: Screen, pictures: int, frames: int, left: int, videos: int) -> None:
    """Print that an earlier run is continued: what it has read, and what is left.

    Whether a video goes on is known only when it is read.
    """
    rest = [count(left, "picture")] * (left > 0)
    rest += [f"perhaps the rest of {count(videos, 'video')}"] * (videos > 0)
    what = f"{' and '.join(rest)} left" if rest else "nothing left to read; --fresh reads them anew"
    sentence = f"{_earlier(pictures, frames)} read by an earlier run, {what}."
    console.print(sentence, style="dim", highlight=False, soft_wrap=True)


def print_read_again(console: Screen, pictures: int, frames: int) -> None:
    """Print that what an earlier run has read is looked at again, since people follow from all pictures."""
    sentence = (
        f"{_earlier(pictures, frames)} read by an earlier run; people and zeros follow from all pictures, so "
        "these are looked at again, and their rows stay."
    )
    console.print(sentence, style="dim", highlight=False, soft_wrap=True)


def _earlier(pictures: int, frames: int) -> str:
    earlier = [count(pictures, "picture")] * (pictures > 0) + [count(frames, "frame")] * (frames > 0)
    return " and ".join(earlier)


def print_video(console: Screen, video: VideoCounts, *, quiet: bool) -> None:
    """Print one line a video: what was read, and in which share of the faces that show it each occurs."""
    if quiet and video.faces:
        return
    span = f"{_clock(video.first)} to {_clock(video.last)}"
    line = Text(video.source, style="bold").append(f"  {count(video.frames, 'frame')}, {span}", style="dim")
    if video.damaged:
        line.append(f", {video.damaged} damaged (see their notes)", style="yellow")
    if not video.faces:
        console.print(line.append("  no face found", style="yellow"), soft_wrap=True)
        return
    seen = "all" if video.frames_with_face == video.frames else str(video.frames_with_face)
    people = f", {len(video.people)} {'person' if len(video.people) == 1 else 'people'}" * bool(video.people)
    if named := [video.called(number) for number in sorted(video.named)]:
        people += f" with {some(named)}"
    line.append(f", a face in {seen}, {count(len(video.tracks), 'track')}{people}  ", style="dim")
    unreliable = video.unreliable_aus
    shares = {au: faces / video.read[au] for au, faces in video.occurring.items()}
    for au, share in sorted(shares.items(), key=lambda item: (item[0] in unreliable, -item[1])):
        name = ("~" if au in unreliable else "") + column(au)
        line.append(f"{name} ", style="cyan").append(f"{share:.0%}  ")
    if hidden := video.hidden_parts:
        line.append(f"({hidden})", style="yellow")
    console.print(line, soft_wrap=True)
    for number, counts in sorted(video.by_person.items()):
        if video.few(number):
            told = f"{video.called(number)}: {count(counts.faces, 'frame')}"
        else:
            who = video.called(number) if number else "all faces"
            told = f"{who}, own zero: {counts.line(video.unreliable_aus)}"
            if len(video.by_person) > 1 and counts.hidden:
                told += f"  ({counts.hidden_parts})"
        console.print(Text(f"  {told}", style="dim"), soft_wrap=True)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours}:{minutes:02}:{rest:04.1f}" if hours else f"{minutes}:{rest:04.1f}"


def print_hint(console: Screen, without_face: int, *, other_finder: bool) -> None:
    """Print what may help where no face was found."""
    subject = "Is it" if without_face == 1 else "Are they"
    other = "" if other_finder else ", or give the file of another face finder with --finder"
    sentence = f"No face found? {subject} upright? Turn {'it' if without_face == 1 else 'them'}{other}."
    console.print(sentence, style="dim", highlight=False, soft_wrap=True)


def print_remark(console: Screen, sentence: str) -> None:
    """Print what else people should know, such as what was passed over."""
    console.print(Text(sentence, style="yellow"), soft_wrap=True)


def print_footnotes(console: Screen, summary: Summary, *, details: bool, strengths: bool) -> None:
    """Print how to read what stands above; `details` and `strengths` as for `print_result`."""
    if not summary.faces:
        return
    notes = [
        "present: the probability reaches the Action Unit's own threshold"
        if details
        else f"Each line{' of a picture' if summary.videos else ''} is a face: its picture, and the Action "
        "Units that are present with their probability."
    ]
    if summary.videos:
        shares = (
            "Each line of a video has the share of faces that show an Action Unit, of those in which it was "
            "read."
        )
        notes = [*(notes if summary.lines else ()), shares]
    if summary.zeroed:
        shares = f" (shares by {100 * CHANGED:.0f} points or more)" if summary.videos else ""
        notes.append(
            f"own zero: how that changes{shares} once the person's resting face is taken out; all values are "
            "in the tables of --out"
        )
    notes += _unsettled(summary)
    shown = summary.named_aus | (summary.tabled_aus if details else set())
    if shown & summary.unreliable_aus:
        notes.append(
            "~ These weights read this Action Unit unreliably; why: idennet info, or their model card"
        )
    if details and summary.evidence:
        grades = [grade for grade in Evidence if grade in summary.evidence.values()]
        notes.append("bars: " + ", ".join(f"{_bars(console)[grade] * 3} {grade}" for grade in grades))
    if summary.graded and (details or strengths):
        notes.append(
            "intensity: of what is present, 0 to 5, with FACS's letters A (trace) to E (maximum); left, "
            "right: the person's own"
        )
    for grade, sentence in () if details else _UNTESTED.items():
        if aus := sorted(au for au in summary.named_aus if summary.evidence.get(au) == grade):
            notes.append(f"{sentence}: {' '.join(columns(aus))}")
    console.print("\n" + "\n".join(notes), style="dim", highlight=False, soft_wrap=True)


def _unsettled(summary: Summary) -> Iterator[str]:
    """Yield whose zeros are not settled, and of which Action Units."""
    why = "more neutral pictures would settle it" if summary.neutral else "too little was seen so far"
    is_so = "is uncertain" if summary.neutral else "may still change"
    for who, aus in [*summary.provisional.items()][:_MOST_PEOPLE]:
        yield f"The own zero{f' of {who}' if who else ''} {is_so} for {few(aus)}: {why}"
    if (more := len(summary.provisional) - _MOST_PEOPLE) > 0:
        yield f"The same holds for {more} more {'person' if more == 1 else 'people'}"


def _print_problem(console: Screen, result: Result) -> None:
    if result.error:
        console.print(Text(result.error, style="red"), soft_wrap=True)
    else:
        notes = f" ({'; '.join(result.notes)})" if result.notes else ""
        console.print(Text(f"{result.source}: {result.problem}{notes}.", style="yellow"), soft_wrap=True)


def _print_details(console: Screen, result: Result) -> None:
    """Print a table for each face: what occurs, then faintly some that do not."""
    width, height = result.size or (0, 0)
    heading = Text(result.source, style="bold").append(f"  {width} x {height}", style="not bold dim")
    console.print(heading, soft_wrap=True)
    for note in result.notes:
        console.print(Text(f"note: {note}", style="dim"), soft_wrap=True)
    for number, face in enumerate(result.faces, start=1):
        console.print()
        heading = Text(f"Face {number}", style="bold cyan")
        if face.called:
            heading.append(f", {face.called}")
        console.print(heading.append(_circumstances(face), style="dim"))
        for note in face.notes:
            console.print(Text(f"read with care: {note}", style="yellow"), soft_wrap=True)
        console.print(face_table(console, face))
        if face.zeroed is not None:
            console.print(Text(_from_zero(face, face.zeroed), style="magenta"), soft_wrap=True)
        for au in face.aus:
            if face.only_side(au):
                console.print(Text(f"{face.marked(au)} {face.named(au)}", style="cyan"))


def _print_lines(console: Screen, result: Result, *, strengths: bool) -> None:
    """Print one line a face: the file and the Action Units that occur, reliable ones first."""
    for number, face in enumerate(result.faces, start=1):
        line = Text(result.source, style="bold")
        if len(result.faces) > 1:
            line.append(f" face {number}", style="cyan")
        if face.called:
            line.append(f" {face.called}", style="cyan")
        line.append("  ")
        for au in face.aus:
            told = [f"{face.au_probs[au]:.0%}", face.strength(au) * strengths, face.one_sided(au)]
            line.append(f"{face.marked(au)} ", style="cyan").append(" ".join(filter(None, told)) + "  ")
        if not face.aus:
            line.append("no Action Unit  ", style="dim")
        if face.zeroed is not None:
            line.append(f"{_from_zero(face, face.zeroed)}  ", style="magenta")
        if notes := (*result.notes, *face.notes):
            line.append(f"({'; '.join(notes)})", style="yellow")
        console.print(line, soft_wrap=True)


def _from_zero(face: Face, zeroed: Zeroed) -> str:
    """Return in words what the person's own resting face changes: "own zero: without AU6, AU14 too"."""
    occurring = {au for au, occurs in zeroed.au_occurrences.items() if occurs}
    gone = " ".join(face.marked(au) for au in face.aus if au not in occurring)
    more = " ".join(face.marked(au) for au in face.ranked_aus if au in occurring.difference(face.aus))
    changes = ", ".join(filter(None, [f"without {gone}" * bool(gone), f"{more} too" * bool(more)]))
    return f"own zero: {changes or SAME}"


def _circumstances(face: Face) -> str:
    found = f"  found with {face.confidence:.0%} confidence"
    if face.pose is None:
        return found
    pose = face.pose
    return f"{found}, yaw {pose.yaw:+.0f}°, pitch {pose.pitch:+.0f}°, roll {pose.roll:+.0f}°"


def _bars(console: Screen) -> dict[Evidence, str]:
    return _ASCII_BARS if console.plain else _BARS


def face_table(console: Screen, face: Face) -> Table:
    """Return a table of a face: what occurs, then faintly some that do not."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    table.add_column("present", no_wrap=True)
    table.add_column("Action Unit", no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column("probability", no_wrap=True, justify="right")
    if face.au_intensities:
        table.add_column("intensity", no_wrap=True)
    plain, bars = console.plain, _bars(console)
    cells = _NARROW_BAR_CELLS if face.au_intensities else _BAR_CELLS
    shown = face.ranked_aus[: len(face.aus) + FAINT_ROWS]
    for au in shown:
        prob, occurs = face.au_probs[au], face.au_occurrences[au]
        filled = round(prob * cells)
        bar = Text(bars[face.au_evidence.get(au, Evidence.TESTED)] * filled, style="cyan" if occurs else "")
        bar.append(("-" if plain else "─") * (cells - filled), style="bright_black")
        table.add_row(
            Text("yes" if occurs else "-", style="bold cyan" if occurs else ""),
            Text(face.marked(au), style="bold cyan" if occurs else ""),
            NAMES[au],
            bar,
            f"{prob:.0%}",
            *([face.strength(au)] if face.au_intensities else []),
            style="" if occurs else "dim",
        )
    return table
