"""A folder of results: `aus.csv`, `aus.jsonl`, `aus.json` and `overlays/`; an interrupted run continues.

`aus.json` says how the rows were made, so that no table mixes rows of different making. A picture is done
when its line is in `aus.jsonl`, which is written after its rows in `aus.csv`.
"""

import csv
import hashlib
import io
import json
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from idennet import __version__
from idennet.errors import InputError
from idennet.facs import column, columns
from idennet.files import draft_of, write_text
from idennet.inference.analyser import Analyser
from idennet.inference.overlay import MARK
from idennet.inference.result import SCHEMA, Result
from idennet.inference.writers import CsvWriter, JsonLinesWriter
from idennet.media.frame import Frame
from idennet.media.names import text_of

CSV_NAME, LINES_NAME, ABOUT_NAME, OVERLAYS_NAME = "aus.csv", "aus.jsonl", "aus.json", "overlays"

_LONGEST_NAME = 255  # bytes that nearly every file system allows
_JPEG_SUFFIXES = (".jpg", ".jpeg")
_ROOT = "pictures_below"


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

    Attributes:
        earlier: How many pictures were done when the folder was opened.

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
    ) -> None:
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"Cannot make the folder {folder}: {error.strerror}.") from error
        self._done: set[str] = set()
        self._root = _common_folder(pictures)
        tables = [folder / CSV_NAME, folder / LINES_NAME]
        if resume and any(table.exists() for table in tables):
            self._root = self._check(about)
            self._done = self._keep_whole_rows(set(map(_key, again)))
        else:
            for table in tables:
                table.unlink(missing_ok=True)
            write_text(folder / ABOUT_NAME, json.dumps({**about, _ROOT: str(self._root)}, indent=1) + "\n")
        self.earlier = len(self._done)
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
        return _key(picture) in self._done

    def write(self, result: Result) -> None:
        """Add the rows of one picture.

        Raises:
            InputError: The file system takes no more; rows that were written stay.
        """
        self._csv.write(result)
        path = result.path
        self._lines.write(result, path=path and str(path), state=path and _state(path))

    def draw(self, result: Result, frame: Frame) -> Result:
        """Write the overlay of a picture with faces; return its result, with a note where that failed.

        Safe to be called from several threads.
        """
        if not result.faces or result.path is None:
            return result
        drawn = io.BytesIO()
        result.draw(frame).save(drawn, "JPEG", quality=92, subsampling=0, comment=MARK)
        target = self.overlay_path(result.path)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(drawn.getbuffer())
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
            root = Path(before[_ROOT])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{self.folder} holds tables of an older version, or without the {ABOUT_NAME} that says how "
                "they were made; choose another folder, or delete them with --fresh."
            ) from error
        if changed := [name for name, value in about.items() if before.get(name) != value]:
            raise InputError(
                f"{self.folder} holds results with another {changed[0]}; choose another folder, or delete "
                "them and begin anew with --fresh."
            )
        return root

    def _keep_whole_rows(self, again: set[str]) -> set[str]:
        """Return the pictures that are done, and cut everything else from the tables.

        A picture that could not be read, or that has changed since, is not done.
        """
        done, files, lines = set(), set(), []
        for line in _read_lines(self.folder / LINES_NAME):
            with suppress(ValueError, KeyError, TypeError):  # a line that was cut off
                picture = json.loads(line)
                path, readable = Path(picture["path"]), picture["size"] is not None
                if readable and picture["state"] == _state(path) and _key(path) not in again:
                    done.add(_key(path))
                    files.add(picture["file"])
                    lines.append(line)
        with draft_of(self.folder / LINES_NAME) as draft:
            draft.write_text("".join(lines), encoding="utf-8", newline="\n")
        path = self.folder / CSV_NAME
        if path.exists():
            with (
                draft_of(path) as draft,
                draft.open("w", encoding="utf-8", newline="") as new,
                path.open(encoding="utf-8", errors="replace", newline="") as old,
            ):
                rows, writer = csv.reader(old), csv.writer(new, lineterminator="\n")
                writer.writerows(row for at, row in enumerate(rows) if at == 0 or (row and row[0] in files))
        return done


def _read_lines(path: Path) -> Iterator[str]:
    """Yield the lines of a file that end as they should."""
    if path.exists():
        with path.open(encoding="utf-8", errors="replace", newline="\n") as file:
            yield from (line for line in file if line.endswith("\n"))


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
