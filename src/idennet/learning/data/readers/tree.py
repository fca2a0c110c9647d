"""Finding the parts of a data set whose folders are named differently from copy to copy.

Names are compared without case, blanks, `_` and `-`, and an extra level of the same name
(`Images/Images`), which archives leave behind, is entered.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

DEPTH = 3
"""Levels below the root that are searched."""


def plain(name: str) -> str:
    """Return a name as it is compared: `"AU-Intensity-Codes3.0"` becomes `"auintensitycodes3.0"`."""
    return name.casefold().replace(" ", "").replace("_", "").replace("-", "")


def folders_below(root: Path, depth: int = DEPTH, enter: Callable[[str], bool] = bool) -> Iterator[Path]:
    """Yield `root` and the folders below it, level by level, sorted within each folder.

    Args:
        root: Where to begin; a folder that does not exist yields nothing.
        depth: Levels below `root`.
        enter: Whether to go into a folder of this name; it is yielded all the same.
    """
    level = [root] if root.is_dir() else []
    for remaining in range(depth, -1, -1):
        yield from level
        inside = level if remaining == depth else [folder for folder in level if enter(folder.name)]
        level = (
            [child for folder in inside for child in visible(folder) if child.is_dir()] if remaining else []
        )


def find_folder(root: Path, *names: str, depth: int = DEPTH) -> Path | None:
    """Return the first folder below `root` with one of the names, or None."""
    wanted = {plain(name) for name in names}
    for folder in folders_below(root, depth):
        if folder != root and plain(folder.name) in wanted:
            return unnested(folder, *names)
    return None


def unnested(folder: Path, *names: str) -> Path:
    """Return the innermost of folders of the same name, or of the names: `Images/Images` for `Images`."""
    wanted = {plain(name) for name in (folder.name, *names)}
    inner = next((child for child in visible(folder) if plain(child.name) in wanted and child.is_dir()), None)
    return folder if inner is None else unnested(inner, *names)


def visible(folder: Path) -> list[Path]:
    """Return what a folder holds, sorted, without hidden entries such as `.DS_Store`."""
    return sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))


def archive_hint(root: Path, *names: str) -> str:
    """Return `" (unpack X.zip first)"` when `root` has a part still as an archive, else `""`."""
    wanted = {plain(name) for name in names}
    archives = [file for file in visible(root) if file.suffix.lower() in (".zip", ".7z", ".rar")]
    packed = next((file.name for file in archives if plain(file.stem) in wanted), None)
    return f" (unpack {packed} first)" if packed else ""
