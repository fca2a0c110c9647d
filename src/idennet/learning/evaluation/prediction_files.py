"""Predictions that other tools wrote: OpenFace, py-feat, LibreFace, and a plain CSV, brought to one scale.

docs/evaluate-your-own.md describes each format. Which face a row is about is found by `prediction_rows`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idennet import facs
from idennet.errors import InputError
from idennet.learning.evaluation.prediction_formats import (
    LAYOUTS,
    SEQUENCE,
    SUBJECT,
    Format,
    Layout,
    Quantity,
    au_columns,
    recognise,
)

LARGEST_INTENSITY = 5.0
"""End of the scale of FACS intensities, A to E."""


@dataclass(frozen=True, eq=False)
class PredictionTable:
    """R rows of one or more files of one format.

    Attributes:
        path: The file, or the folder of the files.
        format: Who wrote them.
        aus: Action Units, in the order of FACS.
        places: (R,) file and line of each row, for messages.
        recordings: (R,) what each row says about its recording: `subject/sequence` of its columns, or a path
            without suffix.
        named: Whether columns say it, so that nothing but the name itself will do.
        frames: (R,) numbers, the first frame of a recording being 1.
        scores: (R, A) from 0 to 1, rising with the evidence; NaN rows where no face was found.
        decisions: (R, A) 1 and 0, what the tool called present; NaN where it gives a score alone.
        graded: Action Units of which the score is an intensity, divided by 5.
    """

    path: Path
    format: Format
    aus: tuple[int, ...]
    places: NDArray[np.str_]
    recordings: NDArray[np.str_]
    named: bool
    frames: NDArray[np.int64]
    scores: NDArray[np.float64]
    decisions: NDArray[np.float64]
    graded: frozenset[int]


def read_predictions(path: Path, format: Format | None = None) -> PredictionTable:
    """Read a CSV file, or all CSV files in a folder and below it.

    Args:
        path: The file or folder.
        format: Who wrote it; by default the columns tell.

    Raises:
        InputError: There is nothing to read, the columns belong to no format, files differ in their
            columns, or a value is not allowed; the sentence names file and line.
    """
    if path.is_dir():
        files = sorted(path.rglob("*.csv"))
    elif path.is_file():
        files = [path]
    else:
        raise InputError(f"There are no predictions {path}; give a CSV file or a folder of CSV files.")
    if not files:
        raise InputError(f"{path} has no files that end in .csv.")
    tables = [_read_file(file, format) for file in files]
    first = tables[0]
    for file, table in zip(files, tables, strict=True):
        if (table.format, table.aus, table.named) != (first.format, first.aus, first.named):
            raise InputError(f"{file} has other columns than {files[0]}; give files of one kind.")
    return PredictionTable(
        path=path,
        format=first.format,
        aus=first.aus,
        named=first.named,
        graded=first.graded,
        **{
            name: np.concatenate([getattr(table, name) for table in tables])
            for name in ("places", "recordings", "frames", "scores", "decisions")
        },
    )


def _read_file(file: Path, format: Format | None) -> PredictionTable:
    names = _header(file)
    format = format or recognise(file, names)
    layout = LAYOUTS[format]
    columns = au_columns(file, format, names)
    needed = [layout.frame, *(name for by_au in columns.values() for name in by_au.values())]
    there = [name for name in (SUBJECT, SEQUENCE, layout.success, layout.picture) if name in names]
    if missing := [name for name in needed if name not in names]:
        raise InputError(f"{file}, line 1: {format} needs the column {missing[0]!r}, which is not there.")
    try:
        table = pd.read_csv(
            file,
            names=list(names),
            skiprows=1,
            usecols=[*dict.fromkeys([*needed, *there])],
            dtype=str,
            keep_default_na=False,
            skipinitialspace=True,
            encoding="utf-8-sig",
            index_col=False,
        )
    except (ValueError, pd.errors.ParserError) as error:
        raise InputError(f"{file} cannot be read as CSV ({str(error).strip()}); save it again.") from error
    lines = np.array([f"{file}, line {number}" for number in range(2, len(table) + 2)])
    values = {
        kind: {au: _numbers(table[name], name, lines) for au, name in by_au.items()}
        for kind, by_au in columns.items()
    }
    lost = np.zeros(len(table), dtype=bool)
    if layout.success in there:
        lost = _numbers(table[layout.success], layout.success, lines) == 0
    scores, decisions = _on_one_scale(values, columns, lost, lines)
    frames = _numbers(table[layout.frame], layout.frame, lines)
    if (wrong := np.flatnonzero(~(frames == np.floor(frames)))).size:
        raise InputError(f"{lines[wrong[0]]}: {layout.frame} must be a whole number.")
    aus = tuple(au for au in facs.NAMES if any(au in by_au for by_au in values.values()))
    recordings, numbers = _recordings(file, table, layout, frames.astype(np.int64))
    return PredictionTable(
        path=file,
        format=format,
        aus=aus,
        places=lines,
        recordings=recordings,
        named=SUBJECT in table or SEQUENCE in table,
        frames=numbers,
        scores=scores,
        decisions=decisions,
        graded=frozenset(values[Quantity.INTENSITY]) if Quantity.INTENSITY in values else frozenset(),
    )


def _header(file: Path) -> tuple[str, ...]:
    try:
        with file.open(encoding="utf-8-sig") as stream:
            names = tuple(name.strip().strip('"') for name in stream.readline().rstrip("\r\n").split(","))
    except UnicodeDecodeError as error:
        raise InputError(f"{file} is not UTF-8 text ({error}); save it as UTF-8 CSV.") from error
    if doubled := [name for number, name in enumerate(names) if name and name in names[:number]]:
        raise InputError(f"{file}, line 1: two columns are called {doubled[0]!r}; keep one.")
    return tuple(name or f"unnamed {number}" for number, name in enumerate(names))


def _numbers(cells: pd.Series, name: str, lines: NDArray[np.str_]) -> NDArray[np.float64]:
    """Return a column as numbers, NaN where a cell is empty or says nan."""
    text = cells.str.strip()
    values = pd.to_numeric(text, errors="coerce").to_numpy(np.float64)
    unread = np.isnan(values) & ~text.str.lower().isin(("", "nan")).to_numpy()
    if (wrong := np.flatnonzero(unread | np.isinf(values))).size:
        raise InputError(f"{lines[wrong[0]]}: {name} is {cells.iloc[wrong[0]]!r}, which is no number.")
    return values


def _on_one_scale(
    values: Mapping[Quantity, Mapping[int, NDArray[np.float64]]],
    columns: Mapping[Quantity, Mapping[int, str]],
    lost: NDArray[np.bool_],
    lines: NDArray[np.str_],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return scores and decisions (R, A) after checking every value."""
    empty = np.all([np.isnan(column) for by_au in values.values() for column in by_au.values()], axis=0)
    unread = lost | empty
    largest = {Quantity.DECISION: 1.0, Quantity.PROBABILITY: 1.0, Quantity.INTENSITY: LARGEST_INTENSITY}
    for kind, by_au in values.items():
        for au, column in by_au.items():
            allowed = (column >= 0) & (column <= largest[kind])
            allowed &= np.isin(column, (0, 1)) if kind is Quantity.DECISION else True
            if (wrong := np.flatnonzero(~(allowed | unread))).size:
                said = "1 or 0" if kind is Quantity.DECISION else f"a number from 0 to {largest[kind]:g}"
                raise InputError(
                    f"{lines[wrong[0]]}: {columns[kind][au]} is {column[wrong[0]]:g}; it must be {said}, or "
                    "all Action Units empty where no face was found."
                )
    aus = [au for au in facs.NAMES if any(au in by_au for by_au in values.values())]
    scores, decisions = np.full((2, len(lines), len(aus)), np.nan)
    for number, au in enumerate(aus):
        given = {kind: by_au[au] for kind, by_au in values.items() if au in by_au}
        decisions[:, number] = given.get(Quantity.DECISION, np.nan)
        if Quantity.PROBABILITY in given:
            scores[:, number] = given[Quantity.PROBABILITY]
        elif Quantity.INTENSITY in given:
            scores[:, number] = given[Quantity.INTENSITY] / LARGEST_INTENSITY
        else:
            scores[:, number] = given[Quantity.DECISION]
    scores[unread] = np.nan
    return scores, decisions


def _recordings(
    file: Path, table: pd.DataFrame, layout: Layout, frames: NDArray[np.int64]
) -> tuple[NDArray[np.str_], NDArray[np.int64]]:
    """Return for each row the recording as far as the file names it, and the number of its frame."""
    numbers = frames + 1 - layout.first_frame
    named = [table[name] for name in (SUBJECT, SEQUENCE) if name in table]
    if named:
        whole = named[0] if len(named) == 1 else named[0] + "/" + named[1]
        return whole.to_numpy(str), numbers
    if layout.picture not in table:
        return np.full(len(table), file.with_suffix("").as_posix()), numbers
    return _by_picture(table[layout.picture], numbers)


def _by_picture(paths: pd.Series, numbers: NDArray[np.int64]) -> tuple[NDArray[np.str_], NDArray[np.int64]]:
    """Return recording and frame by the path of a video, or of a picture: its folder and number."""
    places = paths.str.replace("\\", "/", regex=False)
    stems = places.str.replace(r"\.\w+$", "", regex=True)
    is_picture = places.str.contains(r"\.(?:jpe?g|png|bmp|tiff?|webp)$", case=False, regex=True).to_numpy()
    recordings = np.where(is_picture, stems.str.rpartition("/")[0], stems).astype(str)
    named = pd.to_numeric(stems.str.extract(r"(\d+)$")[0], errors="coerce").fillna(-1).to_numpy(np.int64)
    return recordings, np.where(is_picture, named, numbers)
