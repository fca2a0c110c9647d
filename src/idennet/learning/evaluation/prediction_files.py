"""Predictions that other tools wrote: OpenFace, py-feat, LibreFace, and a plain CSV, brought to one scale.

docs/evaluate-your-own.md describes each format. Which face a row is about is found by `prediction_rows`.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idennet import facs
from idennet.errors import InputError
from idennet.learning.evaluation.prediction_cells import (
    check_decimal_mark,
    numbers_of,
    read_cells,
    whole_numbers,
)
from idennet.learning.evaluation.prediction_formats import (
    DECIDED,
    OF_DETECT,
    SEQUENCE,
    SUBJECT,
    Format,
    Layout,
    Quantity,
    au_columns,
    layout_of,
    recognise,
)

ROUNDING = 1e-5
"""How far outside its scale a value may be: float32 written in decimals gives 1.0000001."""

LARGEST_INTENSITY = 5.0
"""End of the scale of FACS intensities, A to E."""

NO_FRAME = -1
"""Stands for the number of a frame where a row names a picture instead."""

_PICTURE = r"\.(?:jpe?g|png|bmp|tiff?|webp|gif|heic|heif|avif)$"


@dataclass(frozen=True, eq=False)
class PredictionTable:
    """R rows of one or more files of one format.

    Attributes:
        path: The file, or the folder of the files.
        format: Who wrote them.
        aus: Action Units, in the order of FACS.
        places: (R,) file and line of each row, for messages.
        recordings: (R,) what each row says about its recording or picture: `subject/sequence` of its columns,
            or a path without suffix.
        named: Whether columns say it, so that nothing but the name itself will do.
        frames: (R,) numbers, the first frame of a recording being 1; `NO_FRAME` where a picture is named.
        scores: (R, A) from 0 to 1, rising with the evidence; NaN rows where no face was found, and in tables
            like those of `idennet detect` NaN for Action Units that were not read.
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
        files = sorted(file for file in path.rglob("*") if file.suffix.lower() == ".csv")
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


def _read_file(file: Path, given: Format | None) -> PredictionTable:
    header: list[str] = []

    def needed(names: tuple[str, ...]) -> Collection[str]:
        header.extend(names)
        format = given or recognise(file, names)
        layout, columns = layout_of(format, names), au_columns(file, format, names)
        if format is Format.CSV and not {layout.frame, layout.picture} & set(names):
            raise InputError(f"{file}, line 1: {format} needs the column 'frame', which is not there.")
        values = [name for by_au in columns.values() for name in by_au.values()]
        return {SUBJECT, SEQUENCE, layout.frame, layout.success, layout.picture, *values} - {""}

    table = read_cells(file, needed)
    format = given or recognise(file, header)
    layout, columns = layout_of(format, header), au_columns(file, format, header)
    lines = np.array([f"{file}, line {number}" for number in table.index], dtype=str)
    about = [name for name in (SUBJECT, SEQUENCE, layout.picture) if name in table]
    check_decimal_mark(table.drop(columns=about), file)
    values = {
        kind: {au: numbers_of(table[name], file) for au, name in by_au.items()}
        for kind, by_au in columns.items()
    }
    lost = np.zeros(len(table), dtype=bool)
    if layout.success in table:
        lost = numbers_of(table[layout.success], file) == 0
    scores, decisions = _on_one_scale(values, columns, lost, lines, in_part=layout in (DECIDED, OF_DETECT))
    recordings, frames = _recordings(file, table, layout)
    return PredictionTable(
        path=file,
        format=format,
        aus=tuple(au for au in facs.NAMES if any(au in by_au for by_au in values.values())),
        places=lines,
        recordings=recordings,
        named=_is_named(table, layout),
        frames=frames,
        scores=scores,
        decisions=decisions,
        graded=frozenset(values[Quantity.INTENSITY]) if Quantity.INTENSITY in values else frozenset(),
    )


def _on_one_scale(
    values: Mapping[Quantity, Mapping[int, NDArray[np.float64]]],
    columns: Mapping[Quantity, Mapping[int, str]],
    lost: NDArray[np.bool_],
    lines: NDArray[np.str_],
    *,
    in_part: bool,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return scores and decisions (R, A) after checking every value.

    In part, an Action Unit of a face may be empty while others are not, as where the eyes are hidden.
    """
    empty = np.all([np.isnan(column) for by_au in values.values() for column in by_au.values()], axis=0)
    unread = lost | empty
    largest = {Quantity.DECISION: 1.0, Quantity.PROBABILITY: 1.0, Quantity.INTENSITY: LARGEST_INTENSITY}
    for kind, by_au in values.items():
        for au, column in by_au.items():
            allowed = (column >= -ROUNDING) & (column <= largest[kind] + ROUNDING)
            allowed &= np.isin(column, (0, 1)) if kind is Quantity.DECISION else True
            if in_part:
                allowed |= np.all([np.isnan(of[au]) for of in values.values() if au in of], axis=0)
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
    return np.clip(scores, 0, 1), decisions


def _recordings(
    file: Path, table: pd.DataFrame, layout: Layout
) -> tuple[NDArray[np.str_], NDArray[np.int64]]:
    """Return for each row the recording or picture as far as the file names it, and its frame."""
    numbers, is_picture = np.full(len(table), NO_FRAME), np.zeros(len(table), bool)
    if layout.picture in table and not _is_named(table, layout):
        places = table[layout.picture].str.replace("\\", "/", regex=False)
        is_picture = places.str.contains(_PICTURE, case=False, regex=True).to_numpy()
    if layout.frame in table:
        given = table[layout.frame][~is_picture]
        numbers[~is_picture] = whole_numbers(given, file) + 1 - layout.first_frame
    if _is_named(table, layout):
        whole = table[[name for name in (SUBJECT, SEQUENCE) if name in table]].agg("/".join, axis=1)
        return whole.to_numpy(str), numbers
    if layout.picture not in table:
        return np.full(len(table), file.with_suffix("").as_posix()), numbers
    return places.str.replace(r"\.\w+$", "", regex=True).to_numpy(str), numbers


def _is_named(table: pd.DataFrame, layout: Layout) -> bool:
    """Return whether columns name the recording, and not a picture."""
    return (SUBJECT in table or SEQUENCE in table) and (layout.frame in table or layout.picture not in table)
