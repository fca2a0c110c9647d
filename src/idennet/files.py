"""Files that are there whole or not at all, whenever the program is killed or the disk is full."""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from idennet.errors import InputError

_LONGEST_NAME = 200  # bytes; file systems allow 255, and some encryption on top of them takes a part


def draft_path(path: Path) -> Path:
    """Return where a file is written before it takes its place: a hidden neighbour, the same each time."""
    name = os.fsencode(path.name)
    if len(name) > _LONGEST_NAME:
        return path.with_name(f".{hashlib.sha256(name).hexdigest()}.draft")
    return path.with_name(f".{path.name}.draft")


def check_folder(folder: Path) -> None:
    """Find out whether files can be written in a folder, or in one that would have to be made; leave nothing.

    Raises:
        InputError: They cannot.
    """
    try:
        there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
        with tempfile.TemporaryDirectory(prefix=".", dir=there):
            pass
    except OSError as error:
        raise InputError(
            f"Nothing can be written in {folder}: {error.strerror}; choose another place."
        ) from error


@contextmanager
def draft_of(path: Path) -> Iterator[Path]:
    """Yield a path to write to; when the block ends without an error, that file replaces `path`.

    The bytes are on the disk before the move. After an error the draft is gone and `path` is as it was.

    Raises:
        OSError: The file system refuses; its `filename` is `path`.
    """
    with drafts_of(path) as (draft,):
        yield draft


@contextmanager
def drafts_of(*paths: Path) -> Iterator[tuple[Path, ...]]:
    """Yield paths to write to, for files of one folder that belong together.

    None of them takes its place before all are on the disk; then they are moved in the given order.

    Raises:
        OSError: As `draft_of`; `filename` is that of the paths which failed, or the first.
    """
    drafts = tuple(map(draft_path, paths))
    try:
        yield drafts
        for draft in drafts:
            _to_disk(draft)
        for draft, path in zip(drafts, paths, strict=True):
            draft.replace(path)
        _folder_to_disk(paths[0].parent)
    except OSError as error:
        if error.filename is None:
            error.filename = str(paths[0])
        for draft, path in zip(drafts, paths, strict=True):
            if str(error.filename) == str(draft):
                error.filename, error.filename2 = str(path), None
        raise
    finally:
        for draft in drafts:
            with suppress(OSError):  # there is none, or what refuses has been raised
                draft.unlink()


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text as `draft_of` does."""
    with draft_of(path) as draft:
        draft.write_text(text, encoding="utf-8", newline="\n")


def write_bytes(path: Path, content: bytes) -> None:
    """Write bytes as `draft_of` does."""
    with draft_of(path) as draft:
        draft.write_bytes(content)


def _to_disk(file: Path) -> None:
    with file.open("r+b") as stream:
        os.fsync(stream.fileno())


def _folder_to_disk(folder: Path) -> None:
    """Make moves last; Windows can open no folder, and keeps its own journal of them."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
