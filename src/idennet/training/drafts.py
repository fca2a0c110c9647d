"""Files that are there whole or not at all, whenever the program is killed."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def draft_path(path: Path) -> Path:
    """Return where a file is written before it takes its place."""
    return path.with_suffix(".draft")


@contextmanager
def draft_of(path: Path) -> Iterator[Path]:
    """Yield a path to write to; when the block ends without an error, that file replaces `path`."""
    draft = draft_path(path)
    yield draft
    draft.replace(path)
