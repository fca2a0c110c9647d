"""A folder of results: `aus.csv`, `aus.jsonl`, `aus.json` and `overlays/`; an interrupted run continues.

`aus.json` says how the rows were made, so that no table mixes rows of different making. A picture, or a frame
of a video, is done when its line is in `aus.jsonl`, which is written after its rows in `aus.csv`.
"""

import csv
import hashlib
import json
import os
from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from idennet import __version__
from idennet.errors import ImageError, InputError
from idennet.faces.tracking import Track, tracks_after
from idennet.facs import column, columns
from idennet.files import draft_of, write_text
from idennet.inference.analyser import Analyser, Clip
from idennet.inference.overlay import jpeg_of
from idennet.inference.result import SCHEMA, Result
from idennet.inference.writers import CsvWriter, JsonLinesWriter, encoded, json_line
from idennet.media.frame import Frame
from idennet.media.live import Live
from idennet.media.names import text_of
from idennet.media.video import Place, Video

CSV_NAME, LINES_NAME, ABOUT_NAME, OVERLAYS_NAME = "aus.csv", "aus.jsonl", "aus.json", "overlays"

_LONGEST_NAME = 255  # bytes that nearly every file system allows
_JPEG_SUFFIXES = (".jpg", ".jpeg")
ROOT = "pictures_below"
"""Key of the absolute folder of all pictures of a run."""

_OPTIONS = {"mirror", "finder", "people", "zero", "store"}
"""Values of `aus.json` that are false or null without the option of that name."""


def _otherwise(name: str, before: Any, now: Any) -> str:
    """Return how an earlier run differs by a value of `aus.json`, as `that were read without --people`."""
    if name == "frames":
        return "with another choice of frames (--every, --from, --to)"
    if name not in _OPTIONS or (before and now):
        return f"with another {name}"
    return f"that were read {'with' if before else 'without'} --{name}"


def about_run(analyser: Analyser, finder: Path | None) -> dict[str, Any]:
    """Return what decides the rows of a run, for `aus.json`.

    Args:
        analyser: Makes the results.
        finder: File of its face finder, or None for the one that needs no file.
    """
    model = analyser.model
    found_by = (
        {"file": finder.name, "sha256": hashlib.sha256(finder.read_bytes()).hexdigest()} if finder else None
    )
    return {
        "schema": SCHEMA,
        "idennet": __version__,
        "weights": {"version": model.card.version, "sha256": model.card.sha256},
        "mirror": model.mirror,
        "finder": found_by,
        "aus": columns(model.aus),
        "thresholds": {
            name: model.card.thresholds[au] for name, au in zip(columns(model.aus), model.aus, strict=True)
        },
        "unreliable_aus": columns(model.card.unreliable_aus),
        "evidence": {column(au): grade for au, grade in model.card.evidence.items()},
    }


class ResultsFolder(AbstractContextManager["ResultsFolder"]):
    """Writes results to a folder, row by row, and continues what an earlier run began there.

    Args:
        folder: Made when it does not exist.
        pictures: All pictures to come; overlays keep their folders below the common one.
        aus: Action Units in the order of the columns.
        about: What decides the rows, as `about_run` says it.
        graded: As for `CsvWriter`.
        zeroed: As for `CsvWriter`.
        resume: False deletes the tables of an earlier run first.
        again: Pictures that are read once more although they are done.
        from_start: Whether rows follow from all pictures together: then all are read again, rows that are
            there stay, and must be those that come first.

    Attributes:
        earlier: How many pictures were done when the folder was opened.
        earlier_frames: How many frames of videos were.

    Raises:
        InputError: The folder cannot be written, or holds results that were made in another way.
    """

    def __init__(
        self,
        folder: Path,
        pictures: Sequence[Path],
        aus: Sequence[int],
        about: Mapping[str, Any],
        *,
        graded: bool = False,
        zeroed: bool = False,
        resume: bool = True,
        again: Collection[Path] = (),
        from_start: bool = False,
    ) -> None:
        self.folder = folder
        self._from_start = from_start
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"Cannot make the folder {folder}: {error.strerror}.") from error
        self._kept = _Kept(set(map(_key, again)), everything=from_start)
        self._root = _common_folder(pictures)
        tables = [folder / CSV_NAME, folder / LINES_NAME]
        if resume and any(table.exists() for table in tables):
            self._root = self._check(about)
            self._keep_whole_rows()
        else:
            for table in tables:
                table.unlink(missing_ok=True)
            write_text(folder / ABOUT_NAME, json.dumps({**about, ROOT: str(self._root)}, indent=1) + "\n")
        self.earlier, self.earlier_frames = len(self._kept.done), self._kept.frames
        self._there = deque(self._kept.lines)
        with ExitStack() as opening:
            self._csv = opening.enter_context(CsvWriter(tables[0], aus, graded=graded, zeroed=zeroed))
            self._lines = opening.enter_context(JsonLinesWriter(tables[1]))
            self._files = opening.pop_all()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the tables."""
        self._files.close()

    def holds(self, picture: Path) -> bool:
        """Say whether the rows of a picture are there already."""
        return not self._from_start and _key(picture) in self._kept.done

    def continued(self, video: Video | Live) -> Clip:
        """Return a video from its first frame on that has no row.

        Raises:
            InputError: It is a camera or stream, of which the folder holds frames.
        """
        last = self._kept.last.get(video.source if isinstance(video, Live) else _key(video.path))
        if last is None or (self._from_start and isinstance(video, Video)):
            return Clip(video)
        if isinstance(video, Live):
            raise InputError(f"{self.folder} holds frames of {video.source} already; choose another folder.")
        return Clip(replace(video, after=last.place), last.tracks, last.first_track)

    def write(self, result: Result) -> None:
        """Add the rows of one picture, unless they are there.

        Raises:
            InputError: The file system takes no more; rows that were written stay. Or all pictures are read
                from the start, and the rows that are there are others.
        """
        path = result.path
        line = json_line(result, path=path and str(path), state=path and _state(path))
        if self._there:
            if self._there.popleft() != _digest_of(line):
                raise InputError(
                    f"{self.folder} holds results that followed from other pictures than these; choose "
                    "another folder, or delete them and begin anew with --fresh."
                )
            return
        self._csv.write(result)
        self._lines.append(line)

    def draw(self, result: Result, frame: Frame) -> Result:
        """Write the overlay of a photograph with faces; return its result, with a note where that failed.

        Safe to be called from several threads.
        """
        if not result.faces or result.path is None or result.time is not None:
            return result
        target = self.overlay_path(result.path)
        try:
            drawn = jpeg_of(result.draw(frame))
        except ImageError as error:
            return result.with_note(str(error))
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(drawn)
        except OSError as error:
            with suppress(OSError):
                target.unlink()
            return result.with_note(f"the overlay could not be written: {error.strerror}")
        return result

    def overlay_path(self, picture: Path) -> Path:
        """Return where the overlay of a picture goes: always the same place, shared with no other."""
        plain = _plain(picture)
        if plain.is_relative_to(self._root):
            parts = plain.relative_to(self._root).parts
        else:
            parts = (f"elsewhere-{_digest(str(plain.parent))}", plain.name)
        return self.folder.joinpath(OVERLAYS_NAME, *map(_portable, parts[:-1]), _overlay_name(parts[-1]))

    def _check(self, about: Mapping[str, Any]) -> Path:
        """Return the common folder of an earlier run's pictures, if its rows were made in the same way."""
        path = self.folder / ABOUT_NAME
        try:
            before = json.loads(path.read_text(encoding="utf-8"))
            root = Path(before[ROOT])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{self.folder} holds tables of an older version, or without the {ABOUT_NAME} that says how "
                "they were made; choose another folder, or delete them with --fresh."
            ) from error
        if changed := [name for name, value in about.items() if before.get(name) != value]:
            made = _otherwise(changed[0], before.get(changed[0]), about[changed[0]])
            raise InputError(
                f"{self.folder} holds results {made}; choose another folder, or delete them and begin anew "
                "with --fresh."
            )
        return root

    def _keep_whole_rows(self) -> None:
        """Cut from the tables what is not done: pictures that could not be read, or have changed since."""
        path = self.folder / LINES_NAME
        with draft_of(path) as draft, draft.open("w", encoding="utf-8", newline="\n") as new:
            new.writelines(line for line in _read_lines(path) if self._kept.takes_line(line))
        path = self.folder / CSV_NAME
        if path.exists():
            with (
                draft_of(path) as draft,
                draft.open("w", encoding="utf-8", newline="") as new,
                path.open(encoding="utf-8", errors="replace", newline="") as old,
            ):
                rows, writer = csv.reader(old), csv.writer(new, lineterminator="\n")
                if header := next(rows, None):
                    writer.writerow(header)
                    writer.writerows(row for row in rows if self._kept.takes_row(row, header))


@dataclass(frozen=True)
class _Last:
    """The last frame of a video that is done."""

    place: Place
    tracks: tuple[Track, ...]
    first_track: int


@dataclass
class _Kept:
    """What is kept of the tables of an earlier run, line by line.

    Attributes:
        again: Keys of pictures that are read once more.
        everything: Whether all lines that are whole are kept.
        lines: A digest of each, where all are kept.
        done: Keys of pictures that are done.
        files: Their names in the tables.
        last: The last frame of each video, by key, or by name where there is no file.
        last_frames: Its number, by name.
        frames: How many frames are done.
    """

    again: set[str]
    everything: bool = False
    lines: list[bytes] = field(default_factory=list)
    done: set[str] = field(default_factory=set)
    files: set[str] = field(default_factory=set)
    last: dict[str, _Last] = field(default_factory=dict)
    last_frames: dict[str, int] = field(default_factory=dict)
    frames: int = 0
    _states: dict[Path, list[int] | None] = field(default_factory=dict)

    def takes_line(self, line: str) -> bool:
        """Return whether a line of `aus.jsonl` is kept; these come before the rows of `aus.csv`."""
        if (takes := self._takes_line(line)) and self.everything:
            self.lines.append(_digest_of(line))
        return takes

    def _takes_line(self, line: str) -> bool:
        try:
            picture = json.loads(line)
            name, frame = picture["file"], picture.get("frame")
            path = None if picture["path"] is None else Path(picture["path"])
            readable, state = picture["size"] is not None, picture["state"]
            last = None if frame is None else self._last(picture)
        except (ValueError, KeyError, TypeError):  # a line that was cut off
            return False
        changed = path is not None and (state != self._state(path) or _key(path) in self.again)
        if not self.everything and (not readable or changed):
            return False
        key = name if path is None else _key(path)
        if last is None:
            self.done.add(key)
            self.files.add(name)
            return True
        if key in self.last and last.place.index <= self.last[key].place.index:
            return False
        self.last[key] = last
        self.last_frames[name] = last.place.index
        self.frames += 1
        return True

    def takes_row(self, row: Sequence[str], header: Sequence[str]) -> bool:
        """Return whether a row of `aus.csv` is kept."""
        if len(row) != len(header):  # cut off
            return False
        name, frame = row[header.index("file")], row[header.index("frame")]
        if not frame:
            return name in self.files
        return frame.isdecimal() and int(frame) <= self.last_frames.get(name, -1)

    def _last(self, picture: Mapping[str, Any]) -> _Last:
        key = picture["file"] if picture["path"] is None else _key(Path(picture["path"]))
        before = self.last.get(key, _Last(Place(-1, 0.0), (), 1))
        here = [
            Track(face["track"], np.array(face["landmarks"], np.float32), face["confidence"])
            for face in picture["faces"]
            if "track" in face
        ]
        first = max([before.first_track, *(track.number + 1 for track in here)])
        tracks = tuple(tracks_after(before.tracks, here))
        return _Last(Place(picture["frame"], picture["time"]), tracks, first)

    def _state(self, path: Path) -> list[int] | None:
        if path not in self._states:
            self._states[path] = _state(path)
        return self._states[path]


def _read_lines(path: Path) -> Iterator[str]:
    """Yield the lines of a file that end as they should."""
    if path.exists():
        with path.open(encoding="utf-8", errors="replace", newline="\n") as file:
            yield from (line for line in file if line.endswith("\n"))


def _digest_of(line: str) -> bytes:
    return hashlib.blake2b(encoded(line), digest_size=16).digest()


def _state(path: Path) -> list[int] | None:
    """Return what changes when a file does."""
    try:
        state = path.stat()
    except OSError:
        return None
    return [state.st_mtime_ns, state.st_size]


def _key(path: Path) -> str:
    return str(_plain(path))


def _plain(path: Path) -> Path:
    """Return the absolute path without `..`, through which an overlay would leave its folder."""
    return Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow links


def _common_folder(pictures: Sequence[Path]) -> Path:
    parents = [_plain(path).parent for path in pictures]
    try:
        return Path(os.path.commonpath(parents))
    except ValueError:  # none, or on several drives
        return _plain(Path())


def _overlay_name(name: str) -> str:
    """Return the name of a picture's overlay, a JPEG file; other names give other ones."""
    path = Path(name)
    if path.suffix.lower() in _JPEG_SUFFIXES and not Path(path.stem).suffix:
        return _portable(path.stem, path.suffix)
    return _portable(name, ".jpg") if path.suffix else _portable(name, ".jpg", changed=True)


def _portable(name: str, suffix: str = "", *, changed: bool = False) -> str:
    """Return a name that every file system takes; one that has to change ends on a digest of the name."""
    plain = text_of(name).replace("\\", "%")
    if not changed and plain == name and len(os.fsencode(name + suffix)) <= _LONGEST_NAME:
        return name + suffix
    end = f"~{_digest(name)}{suffix}"
    start = plain.encode()[: _LONGEST_NAME - len(end)].decode(errors="ignore")
    return start + end


def _digest(name: str) -> str:
    return hashlib.sha256(os.fsencode(name)).hexdigest()[:12]
