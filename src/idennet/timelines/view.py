"""What `idennet view` writes: one HTML page that needs nothing else, charts as PNG, a table of summaries."""

import base64
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

import jinja2
import numpy as np
from numpy.typing import NDArray

from idennet import __version__
from idennet.errors import ImageError, InputError
from idennet.facs import NAMES, column
from idennet.files import write_text
from idennet.media.video import Video
from idennet.timelines.charts import save_timeline, save_together
from idennet.timelines.episodes import episodes_of
from idennet.timelines.export import file_names
from idennet.timelines.film import write_film
from idennet.timelines.recording import Recording, Track
from idennet.timelines.summary import going_together, summary_of, summary_table

PAGE_NAME, SUMMARY_NAME = "report.html", "summary.csv"

EMBEDDED_BYTES = 12_000_000
"""Videos are inside the page as long as they take no more than this together; others stay where they lie."""

_PLAYED = {
    **dict.fromkeys((".mp4", ".m4v", ".mov"), "video/mp4"),  # of .mov what is inside, but not by its own name
    **dict.fromkeys((".webm", ".mkv"), "video/webm"),  # some browsers play .mkv, others say that they do not
}
"""What browsers may play, and by which media type."""

_PLAYED_CODECS = frozenset({"h264", "hevc", "vp8", "vp9", "av1"})
_FILM_INSTEAD = "idennet view --film writes one in H.264. Click on the timeline to move."
_MISSING = 255  # a byte for a frame without this face


def view(read: Sequence[Recording], out: Path, films: Collection[Path] = ()) -> list[Path]:
    """Write page, charts and summaries of results and return the files, the page first.

    Args:
        read: All recordings of the results, as `read_recordings` returns them.
        out: Folder to write to; made when it does not exist.
        films: What `write_films` has written there: the page plays them where no browser plays the video.
    """
    recordings = [recording for recording in read if recording.tracks]
    out.mkdir(parents=True, exist_ok=True)
    page, summary = out / PAGE_NAME, out / SUMMARY_NAME
    films_of = {clip.name: film for clip, film in _films(recordings, out) if film in films}
    write_text(page, page_of(read, out, films_of))
    write_text(summary, summary_table(recordings).to_csv(index=False, lineterminator="\n"))
    charts = []
    for recording, name in zip(recordings, file_names([one.name for one in recordings]), strict=True):
        if recording.times is not None:
            charts.append(save_timeline(recording, out / f"{name}.timeline.png"))
        charts.append(save_together(recording, out / f"{name}.together.png"))
    return [page, summary, *charts]


def lost_videos(recordings: Sequence[Recording]) -> list[str]:
    """Return where the videos of clips with a face were read that are there no more."""
    clips = [clip for clip, _ in _films(recordings, Path()) if clip.video and not _is_there(clip.video)]
    return [str(clip.video) for clip in clips]


def write_films(recordings: Sequence[Recording], out: Path) -> Iterator[Path]:
    """Write the film of each clip and yield it.

    Args:
        recordings: Of the results.
        out: Folder to write to; made when it does not exist.

    Raises:
        InputError: There is no clip with a face, or nothing is known of its video.
        ImageError: A clip is not where it was read, or is damaged; films before it stay.
    """
    clips = _films(recordings, out)
    if not clips:
        raise InputError("No clip with a face is in these results, so there is no film to write.")
    out.mkdir(parents=True, exist_ok=True)
    for clip, film in clips:
        if clip.video is None:
            raise InputError(f"Nothing says where the video of {clip.name} is, so there is no film to write.")
        yield write_film(clip, Video(clip.video), film)


def _films(recordings: Sequence[Recording], out: Path) -> list[tuple[Recording, Path]]:
    """Return the clips with a face, and the file of each one's film."""
    clips = [clip for clip in recordings if clip.times is not None and clip.tracks]
    names = file_names([clip.name for clip in clips])
    return [(clip, out / f"{name}.film.mp4") for clip, name in zip(clips, names, strict=True)]


def page_of(
    recordings: Sequence[Recording], folder: Path, films: Mapping[str, Path] = MappingProxyType({})
) -> str:
    """Return the page of recordings.

    Args:
        recordings: Those without a face are named only.
        folder: Where the page will lie; videos that are not inside it are named from there.
        films: Of clips, by name, to be played where their videos are not.
    """
    template = resources.files("idennet.timelines").joinpath("page.html.j2").read_text(encoding="utf-8")
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    shown = [recording for recording in recordings if recording.tracks]
    data = [_recording(recording) for recording in shown]
    left = EMBEDDED_BYTES
    for one, recording in zip(data, shown, strict=True):
        one["video"], one["film"], one["without"] = None, None, ""
        if recording.times is None:
            continue
        video, film = recording.video, films.get(recording.name)
        one["without"] = _why_not_played(video, has_film=film is not None)
        if video is not None and not one["without"]:
            one["video"], used = _video(video, folder, left)
            left -= used
        if film is not None:  # inside the page only where it is certain to be played
            one["film"], used = _video(film, folder, left if one["without"] else 0)
            left -= used
    seconds = sum(recording.duration for recording in recordings)
    clips = sum(recording.times is not None for recording in recordings)
    pictures = sum(len(recording.frames) for recording in recordings if recording.times is None)
    people, faces = _people_and_faces(recordings)
    facts = {
        "clips": f"{clips}, {_minutes(seconds)}" if clips else "",
        "photographs": str(pictures or ""),
        "people": str(people or ""),
        "other faces" if people else "faces": str(faces or ""),
        "weights": ", ".join(sorted({recording.weights for recording in recordings})),
        "IdenNet": __version__,
    }
    return environment.from_string(template).render(
        title="Faces over time" if clips else "Faces in photographs",
        facts={name: fact for name, fact in facts.items() if fact},
        remarks=_remarks(recordings),
        data=data,
        film_instead=_FILM_INSTEAD,
        graded=any(recording.evidence for recording in shown),
        unplayed=any(one["without"] and not one["film"] for one in data),
        linked=any(not (one["video"] or one["film"] or "data:").startswith("data:") for one in data),
    )


def _remarks(recordings: Sequence[Recording]) -> list[str]:
    """Return one sentence for each recording without a face, and for each that was not read to its end."""
    without = [f"No face was found in {one.name}." for one in recordings if not one.tracks]
    return without + [one.problem for one in recordings if one.problem]


def _people_and_faces(recordings: Sequence[Recording]) -> tuple[int, int]:
    """Return how many people there are, each counted once, and how many tracks and faces of nobody known."""
    tracks = [(recording, track) for recording in recordings for track in recording.tracks]
    people = {track.person for _, track in tracks if track.person is not None}
    nobody = [(recording, track) for recording, track in tracks if track.person is None]
    return len(people), sum(1 if clip.times is not None else len(track.rows) for clip, track in nobody)


def _minutes(seconds: float) -> str:
    return f"{int(seconds // 60)} min {seconds % 60:.0f} s" if seconds >= 60 else f"{seconds:.1f} s"


def _recording(recording: Recording) -> dict[str, Any]:
    return {
        "name": os.path.basename(recording.name),  # noqa: PTH119 - any text
        "times": None if recording.times is None else _bytes(recording.times.astype("<f4")),
        "count": len(recording.frames),
        "step": recording.step,
        "aus": [
            {
                "au": column(au),
                "name": NAMES[au],
                "threshold": round(float(threshold), 4),
                "reliable": au not in recording.unreliable_aus,
                "evidence": recording.evidence.get(au),
            }
            for au, threshold in zip(recording.aus, recording.thresholds, strict=True)
        ],
        "tracks": [_track(recording, track) for track in recording.tracks],
    }


def _track(recording: Recording, track: Track) -> dict[str, Any]:
    clip, frames = recording.times is not None, len(recording.frames)
    own = slice(int(track.rows.min()), int(track.rows.max()) + 1)
    together = going_together(track)
    summary = summary_of(recording, track).round(4)
    return {
        "name": track.name,
        "number": track.number,
        "seen": len(track.rows),
        "first": own.start,
        "values": _bytes(_quantised(track.spread(track.values, frames)[own])) if clip else None,
        "zeroed": _bytes(_quantised(track.spread(track.zeroed, frames)[own]))
        if clip and track.zeroed is not None
        else None,
        "boxes": _bytes(np.nan_to_num(track.spread(track.box, frames)[own]).clip(-9999, 30000).astype("<i2"))
        if clip and not np.isnan(track.box).any()
        else None,
        "flags": _flag_runs(track) if clip else [],
        "episodes": {
            kind: [
                [recording.aus.index(one.au)]
                + [round(value, 4) for value in (one.onset, one.apex, one.offset, one.strength)]
                for one in episodes_of(recording, track, zeroed=kind == "zeroed")
            ]
            for kind in ("values", "zeroed")
        },
        "summary": summary.astype(object).where(summary.notna(), None).to_dict("records"),
        "together": [[None if np.isnan(share) else round(share, 3) for share in row] for row in together],
    }


def _flag_runs(track: Track) -> list[list[Any]]:
    """Return first and last frame and the flags of each stretch of frames with the same flags."""
    runs: list[list[Any]] = []
    for row, flags in zip(track.rows.tolist(), track.flags, strict=True):
        if flags and runs and runs[-1][1] == row - 1 and runs[-1][2] == flags:
            runs[-1][1] = row
        elif flags:
            runs.append([row, row, flags])
    return runs


def _quantised(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return values from 0 to 1 as bytes from 0 to 254; `_MISSING` where there are none."""
    steps = (254 * np.nan_to_num(values).clip(0, 1)).round().astype(np.uint8)
    return np.where(np.isnan(values), np.uint8(_MISSING), steps)


def _bytes(values: NDArray[Any]) -> str:
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode()


def _is_there(path: Path) -> bool:
    return os.path.isfile(path)  # noqa: PTH113 - that of Path raises where names are too long


def _why_not_played(path: Path | None, *, has_film: bool) -> str:
    """Return in words why no browser plays a video; "" where one may."""
    if path is None or not _is_there(path):
        return "The video is not where it was read" + (
            "." if has_film else "; click on the timeline to move."
        )
    kind, codec = f"{path.suffix} videos", None
    if path.suffix.lower() in _PLAYED:
        with suppress(ImageError):  # then the page says that it is not played
            codec = Video(path).codec()
        if codec is None or codec in _PLAYED_CODECS:
            return ""
        kind = f"videos that are stored as {codec}"
    return f"Browsers do not play {kind}" + ("." if has_film else f"; {_FILM_INSTEAD}")


def _video(path: Path, folder: Path, most: int) -> tuple[str, int]:
    """Return what a browser plays, and its bytes that are inside the page.

    Args:
        path: The video.
        folder: Where the page will lie.
        most: Bytes up to which the video itself is returned, not its place.
    """
    kind = _PLAYED[path.suffix.lower()]
    if (size := path.stat().st_size) <= most:
        return f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode()}", size
    try:
        return quote(Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix()), 0
    except ValueError:  # on another drive
        return path.resolve().as_uri(), 0
