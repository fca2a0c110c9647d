"""Numbered pictures and numbered lines: what readers of long folders and long lists share."""

import re
from collections.abc import Callable
from pathlib import Path

from idennet.learning.data.readers.tables import damaged
from idennet.learning.data.readers.tree import folders_below
from idennet.media.kinds import SUFFIXES

_NUMBERED = re.compile(r"(\d+)(\.\w+)$")


def find_file(root: Path, *names: str, enter: Callable[[str], bool] = bool) -> Path | None:
    """Return the first of `names` that is a file in `root` or below, or None.

    Args:
        root: Where to begin.
        names: The most wanted first.
        enter: Whether to go into a folder of this name.
    """
    folders = list(folders_below(root, enter=enter))
    places = (folder / name for name in names for folder in folders)
    return next((place for place in places if place.is_file()), None)


def numbered_pictures(folder: Path) -> dict[int, Path]:
    """Return the pictures of a folder by the number at the end of their names, however it is padded."""
    names = sorted(file.name for file in folder.iterdir())  # comparing paths is slow
    found = {}
    for name in names:
        match = _NUMBERED.search(name)
        if match and not name.startswith(".") and match[2].lower() in SUFFIXES:
            found[int(match[1])] = folder / name
    return dict(sorted(found.items()))


def numbered_lines(file: Path) -> list[tuple[int, str]]:
    """Return number, from 1, and text of each line that is not blank, without white space at its ends.

    Raises:
        StoreError: The file cannot be read as text.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise damaged(file, "it is no text") from error
    except OSError as error:
        raise damaged(file, error) from error
    return [(number, line.strip()) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
