"""Finding pictures in folders: what is read, and what is passed over and why."""

import glob
import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from idennet.errors import InputError
from idennet.media.kinds import REASONS, SUFFIXES, VIDEO_SUFFIXES, looks_like_picture
from idennet.media.names import text_of

HIDDEN = "hidden pictures are not read; name them to read them"
HIDDEN_FOLDER = "hidden folders are not read; name them to read the pictures in them"
NO_SUFFIX = "these are pictures, but their names do not say so; give them a suffix such as .jpg"
_NAMES_SHOWN = 3


class PassedOver(NamedTuple):
    """A file or folder below a folder that was named, which is not read although it may hold a picture."""

    path: Path
    reason: str


@dataclass(frozen=True)
class FoundPictures:
    """What paths, folders and patterns name.

    Attributes:
        files: Pictures and videos to read.
        passed_over: What looks like pictures, but is not read.
    """

    files: tuple[Path, ...]
    passed_over: tuple[PassedOver, ...] = ()

    def remarks(self) -> list[str]:
        """Return one sentence for each reason to pass something over, with how many and some names."""
        by_reason = defaultdict(list)
        for path, reason in self.passed_over:
            by_reason[reason].append(path)
        return [_remark(reason, paths) for reason, paths in by_reason.items()]


def find_pictures(paths_or_globs: Sequence[str | Path]) -> FoundPictures:
    """Return the pictures and videos that paths, folders (with all below them) and glob patterns name.

    Files named directly are kept whatever their suffix; folders and patterns give files with a suffix in
    `SUFFIXES` or `VIDEO_SUFFIXES`, without hidden ones. Linked folders are entered, each folder once. Sorted
    within each argument; a file named twice comes once.

    Raises:
        InputError: An argument names nothing that is read.
    """
    files: dict[str, Path] = {}
    passed_over: dict[Path, PassedOver] = {}
    for argument in paths_or_globs:
        path = Path(argument)
        if path.is_file():
            found = FoundPictures((path,))
        elif path.is_dir():
            found = _sorted_out(_below(path))
            if not found.files:
                raise _no_pictures(
                    f"The folder {text_of(path)} holds no pictures or videos that are read.", found
                )
        else:
            found = _sorted_out(_matching(str(argument)))
            if not found.files:
                raise _no_pictures(f"No picture, video or folder matches {text_of(argument)!r}.", found)
        for file in found.files:
            files.setdefault(os.path.abspath(file), file)  # noqa: PTH100 - resolve() would follow links
        passed_over |= {item.path: item for item in found.passed_over}
    return FoundPictures(tuple(files.values()), tuple(passed_over.values()))


Entry = Path | PassedOver


def _below(folder: Path) -> Iterator[Entry]:
    """Yield what lies in a folder and its subfolders; linked folders come last, and each folder once."""
    seen: set[tuple[int, int]] = set()
    waiting, linked = [folder], list[Path]()
    while waiting or linked:
        current = (waiting or linked).pop()
        try:
            state = current.stat()
            entries = list(os.scandir(current))
        except OSError as error:
            yield PassedOver(current, f"the folder cannot be opened: {error.strerror}")
            continue
        if (state.st_dev, state.st_ino) in seen:
            continue
        seen.add((state.st_dev, state.st_ino))
        for entry in entries:
            path = current / entry.name
            if not path.is_dir():
                yield from _entries_of(path)
            elif not entry.name.startswith("."):
                (linked if entry.is_symlink() else waiting).append(path)
            elif _holds_pictures(path):
                yield PassedOver(path, HIDDEN_FOLDER)


def _matching(pattern: str) -> Iterator[Entry]:
    """Yield what a glob pattern matches; `**` crosses folders, a matching folder is searched."""
    for match in map(Path, glob.glob(pattern, recursive=True)):  # noqa: PTH207 - takes absolute patterns too
        yield from _below(match) if match.is_dir() else _entries_of(match)


def _entries_of(file: Path) -> Iterator[Entry]:
    """Yield a file, or why it is passed over, or nothing for what is no picture."""
    suffix = file.suffix.lower()
    if file.name.startswith("."):
        if suffix in SUFFIXES and _starts_like_picture(file):
            yield PassedOver(file, HIDDEN)
    elif suffix in SUFFIXES | VIDEO_SUFFIXES:
        yield file
    elif suffix in REASONS:
        yield PassedOver(file, REASONS[suffix])
    elif _starts_like_picture(file):
        yield PassedOver(file, NO_SUFFIX)


def _holds_pictures(folder: Path) -> bool:
    try:
        return any(path.suffix.lower() in SUFFIXES for path in folder.iterdir())
    except OSError:
        return False


def _starts_like_picture(file: Path) -> bool:
    try:
        with file.open("rb") as stream:
            return file.is_file() and looks_like_picture(stream.read(64))
    except OSError:
        return False


def _sorted_out(entries: Iterator[Entry]) -> FoundPictures:
    files, passed_over = set(), set()
    for entry in entries:
        if isinstance(entry, PassedOver):
            passed_over.add(entry)
        else:
            files.add(entry)
    return FoundPictures(tuple(sorted(files)), tuple(sorted(passed_over)))


def _no_pictures(sentence: str, found: FoundPictures) -> InputError:
    return InputError(" ".join([sentence, *found.remarks()]))


def _remark(reason: str, paths: Sequence[Path]) -> str:
    names = ", ".join(text_of(path.name) for path in paths[:_NAMES_SHOWN])
    more = f" and {len(paths) - _NAMES_SHOWN} more" if len(paths) > _NAMES_SHOWN else ""
    return f"{len(paths)} passed over ({names}{more}): {reason}."
