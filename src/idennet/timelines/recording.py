"""Recordings: the rows of a table of results, taken apart by clip and person.

A clip is one recording; all photographs of a table are another. Each face has a number in its row, and each
person where people were told apart; whoever has one number all along is a `Track`.
"""

import json
import math
import os
import re
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idennet import facs
from idennet.errors import InputError
from idennet.facs import column, columns
from idennet.inference.face import called
from idennet.inference.result import NO_FACE, NUM_LANDMARKS
from idennet.inference.results_folder import ABOUT_NAME, CSV_NAME, ROOT
from idennet.media.live import is_live
from idennet.timelines import openface

Floats = NDArray[np.float32]

_TEXTS = (
    *("file", "name", "problem", "notes", "flags", "weights"),
    *("unreliable_aus", "renderings_only_aus", "zero", "zero_unsettled_aus"),
)
"""Columns of a table that are no numbers."""

PHOTOGRAPHS = "photographs"
"""Name of the recording that holds all photographs of a table."""


@dataclass(frozen=True, eq=False)
class Track:
    """One person, or one face where people were not told apart, in K frames of a recording.

    Attributes:
        name: What to call it: "person 2", "person 1 (Anna)", "face 1".
        number: Of the person or face; None for faces of photographs that have nobody in common.
        person: Number of the person, or None for a face that was not assigned to one.
        rows: (K,) int, the frames of the recording in which it was found.
        values: (K, A) float32, 0 to 1: probability of each Action Unit, or a fifth of its intensity where
            that is all that is known (tables of OpenFace). NaN where what shows it is hidden.
        present: (K, A) bool, whether it counts as present.
        zeroed: (K, A) float32, the same with this person's zero taken out, or None.
        intensities: (K, A) float32, 0 to 5, or None where the weights do not say.
        confidence: (K,) float32, that it is a face.
        pose: (K, 3) float32, yaw, pitch and roll in degrees.
        box: (K, 4) float32, x0, y0, x1, y1 in pixels; NaN where unknown.
        landmarks: (K, 68, 2) float32 in pixels; NaN where unknown.
        flags: K texts, as in the table.
    """

    name: str
    number: int | None
    person: int | None
    rows: NDArray[np.int64]
    values: Floats
    present: NDArray[np.bool_]
    zeroed: Floats | None
    intensities: Floats | None
    confidence: Floats
    pose: Floats
    box: Floats
    landmarks: Floats
    flags: Sequence[str]

    def spread(self, values: NDArray[Any], frames: int) -> NDArray[Any]:
        """Return values (K, ...) as one for each frame (T, ...), NaN where this one was not found."""
        whole = np.full((frames, *values.shape[1:]), np.nan, np.float32)
        whole[self.rows] = values
        return whole


@dataclass(frozen=True, eq=False)
class Recording:
    """A clip, or all photographs of a table.

    Attributes:
        name: The clip's path as the table has it, or `PHOTOGRAPHS`.
        aus: Action Units, in the order of the values.
        thresholds: (A,) float32, from which a value counts as present.
        unreliable_aus: Action Units that the weights read unreliably.
        evidence: What the reading of each Action Unit rests on; empty where that is unknown.
        files: T texts, the picture of each frame; of a clip always the clip.
        frames: (T,) int, number of each frame.
        times: (T,) float64, seconds, or None for photographs.
        tracks: Who is in it.
        weights: Version of the weights, or the program that read it.
        video: Where the clip lies, or lay when it was read; None for photographs, cameras, and where nothing
            is known of it.
        problem: Why the clip was not read to its end, in one sentence; "" where it was.
    """

    name: str
    aus: tuple[int, ...]
    thresholds: Floats
    unreliable_aus: frozenset[int]
    evidence: Mapping[int, str]
    files: Sequence[str]
    frames: NDArray[np.int64]
    times: NDArray[np.float64] | None
    tracks: tuple[Track, ...]
    weights: str
    video: Path | None = None
    problem: str = ""

    def most_seen(self, most: int) -> tuple[Track, ...]:
        """Return the tracks that were found in most frames, at most so many, in their order."""
        kept = sorted(range(len(self.tracks)), key=lambda k: -len(self.tracks[k].rows))[:most]
        return tuple(self.tracks[k] for k in sorted(kept))

    @property
    def nobody(self) -> Track:
        """The track of a face that is in no frame."""
        values = np.zeros((0, len(self.aus)), np.float32)
        none = np.zeros(0, np.float32)
        return Track(
            name="nobody", number=None, person=None, rows=none.astype(np.int64), values=values,
            present=values > 0,
            zeroed=None, intensities=None, confidence=none, pose=np.zeros((0, 3), np.float32),
            box=np.zeros((0, 4), np.float32), landmarks=np.zeros((0, NUM_LANDMARKS, 2), np.float32), flags=(),
        )  # fmt: skip

    @property
    def step(self) -> float:
        """Seconds from frame to frame, by the median; 0 where there is no time or one frame only."""
        return 0.0 if self.times is None or len(self.times) < 2 else float(np.median(np.diff(self.times)))

    @property
    def exact_to(self) -> float:
        """Seconds to which times are usually exact: `step`, or NaN where that is unknown.

        Where frames are missing they are less exact.
        """
        return self.step or math.nan

    @property
    def duration(self) -> float:
        """Seconds from the first frame to the end of the last."""
        return 0.0 if self.times is None else float(self.times[-1] - self.times[0]) + self.step

    def marked(self, au: int) -> str:
        """Return an Action Unit's column name, with "~" before it when it is unreliable."""
        return ("~" if au in self.unreliable_aus else "") + column(au)


def read_recordings(source: Path) -> list[Recording]:
    """Return the recordings of a folder of `idennet detect --out`, or of a CSV file of OpenFace.

    Raises:
        InputError: It is neither, or holds no face.
    """
    file, about = _opened(source)
    with reading(file):
        head = pd.read_csv(file, nrows=0, skipinitialspace=True)
    names = [name.strip() for name in head.columns]
    table: pd.DataFrame
    if openface.is_openface(names):
        table, aus = openface.read_table(file)
        thresholds, unreliable = dict.fromkeys(aus, openface.PRESENT_FROM), frozenset[int]()
        evidence = {}
    elif "file" in names and f"{column(12)}_present" in "".join(names):
        numbers = {"frame": np.float64, "time": np.float64}
        kinds: dict[Hashable, Any] = defaultdict(
            lambda: np.float32, numbers | dict.fromkeys(_TEXTS, "category")
        )
        with reading(file):
            # only what is empty is unknown: somebody may be called NA, None or null
            table = pd.read_csv(file, dtype=kinds, keep_default_na=False, na_values=[""])
        aus = [int(match[1]) for name in names if (match := re.fullmatch(r"AU(\d+)", name))]
        given = about.get("thresholds", {})
        thresholds = {au: float(given.get(column(au), 0.5)) for au in aus}
        unreliable = frozenset(map(facs.parse, about.get("unreliable_aus", [])))
        evidence = {facs.parse(name): str(grade) for name, grade in about.get("evidence", {}).items()}
    else:
        raise InputError(f"{file} is no table of idennet detect with AU12_present, and none of OpenFace.")
    place = None if openface.is_openface(names) else _Place(table["file"].unique(), about.get(ROOT))
    recordings = list(_recordings(table, tuple(aus), thresholds, unreliable, evidence, place))
    if not any(recording.tracks for recording in recordings):
        raise InputError(f"{file} holds no face, so there is nothing to show.")
    return recordings


@contextmanager
def reading(file: Path) -> Iterator[None]:
    """Turn what pandas says of a table that cannot be read, or of a cell in it, into one sentence."""
    try:
        yield
    except (OSError, ValueError) as error:
        raise InputError(f"{file} cannot be read as a table: {' '.join(str(error).split())}.") from error


def _opened(source: Path) -> tuple[Path, dict[str, Any]]:
    if not source.is_dir():
        if not source.is_file():
            raise InputError(f"{source} does not exist; give a folder of idennet detect --out.")
        return source, {}
    file, about = source / CSV_NAME, source / ABOUT_NAME
    try:
        return file, json.loads(about.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{source} holds no results: there is no readable {ABOUT_NAME} in it.") from error


def _recordings(
    table: pd.DataFrame,
    aus: tuple[int, ...],
    thresholds: dict[int, float],
    unreliable: frozenset[int],
    evidence: dict[int, str],
    place: "_Place | None",
) -> Iterator[Recording]:
    timed = table["time"].notna()
    untimed = table[~timed & table["problem"].notna()]
    problems = dict(zip(untimed["file"], untimed["problem"], strict=True))
    photographs = table[~timed & (table["problem"].isna() | (table["problem"] == NO_FACE))]
    for name, rows in [*table[timed].groupby("file", sort=False, observed=True), (PHOTOGRAPHS, photographs)]:
        if not len(rows):
            continue
        clip = bool(timed[rows.index[0]])
        if clip:
            shown = rows.drop_duplicates("frame").sort_values("frame")
            index = pd.Index(shown["frame"])
            at = index.get_indexer(pd.Index(rows["frame"]))
            times = shown["time"].to_numpy(np.float64)
        else:
            shown = rows.drop_duplicates("file")
            at = pd.Index(shown["file"]).get_indexer(pd.Index(rows["file"]))
            times = None
        yield Recording(
            name=str(name),
            aus=aus,
            thresholds=np.array([thresholds[au] for au in aus], np.float32),
            unreliable_aus=unreliable,
            evidence=evidence,
            files=shown["file"].tolist(),
            frames=shown["frame"].to_numpy(np.int64) if clip else np.arange(len(shown)),
            times=times,
            tracks=tuple(_tracks(rows, at, aus, clip)),
            weights=str(rows["weights"].iloc[0]),
            video=place.of(str(name)) if clip and place else None,
            problem=str(problems.get(name, "")) if clip else "",
        )


class _Place:
    """Where the files of a run lie, although the run may have been started in another folder.

    Args:
        names: Of all files, as the table has them.
        below: The folder that all of them were below, as `aus.json` has it, or None.
    """

    def __init__(self, names: Iterable[str], below: str | None) -> None:
        self._below = None if below is None else Path(below)
        folders = [_plain_parts(name)[:-1] for name in names if not Path(name).is_absolute()]
        alike = takewhile(lambda parts: len(set(parts)) == 1, zip(*folders, strict=False))
        self._shared = tuple(parts[0] for parts in alike)

    def of(self, name: str) -> Path | None:
        """Return where a file lies, or lay; None for a camera or stream."""
        if is_live(name):
            return None
        places = [*self._places_below(name), Path(name)]
        there = (place for place in places if os.path.isfile(place))  # noqa: PTH113 - names may be too long
        return next(there, places[0])

    def _places_below(self, name: str) -> Iterator[Path]:
        """Yield where a file may be below the folder, which ends on those with which all names begin.

        Names of pictures that the run had not read yet are unknown, so it may end on fewer of them.
        """
        if self._below is None or Path(name).is_absolute():
            return
        for k in range(len(self._shared), -1, -1):
            if k == 0 or self._below.parts[-k:] == self._shared[:k]:
                yield self._below.joinpath(*_plain_parts(name)[k:])


def _plain_parts(name: str) -> tuple[str, ...]:
    """Return the parts of a relative path from the first folder on that has a name."""
    return tuple(part for part in Path(os.path.normpath(name)).parts if part != os.pardir)


def _tracks(rows: pd.DataFrame, at: NDArray[np.intp], aus: tuple[int, ...], clip: bool) -> Iterator[Track]:
    found = rows["face"].notna().to_numpy()
    rows, at = rows[found], at[found]
    names = _names(rows, clip)
    for (place, number), name in sorted(set(names)):
        own = np.array([other == name for _, other in names])
        yield _track(
            _recognised(name, rows[own]), None if place == _NOBODY else number, rows[own], at[own], aus
        )


_PERSON, _FACE, _NOBODY = range(3)


def _names(rows: pd.DataFrame, clip: bool) -> list[tuple[tuple[int, int], str]]:
    """Return who each row is about, after a key to sort by: people, then faces, each by its number."""
    people = rows["person"].notna().any()
    faces = rows["track"].fillna(rows["face"]) if "track" in rows else rows["face"]

    def name(person: float, face: float) -> tuple[tuple[int, int], str]:
        if not pd.isna(person):
            return (_PERSON, int(person)), f"person {int(person)}"
        if clip:
            return (_FACE, int(face)), f"face {int(face)}"
        # one photograph's first face is nobody in the next
        return (_NOBODY, 0), "others" if people else "all faces"

    return [name(person, face) for person, face in zip(rows["person"], faces, strict=True)]


def _recognised(name: str, own: pd.DataFrame) -> str:
    """Return the name with that of whom most rows are recognised as: "person 1 (Anna)"."""
    person = own["person"].iloc[0]
    if "person_certainty" not in own or own["person_certainty"].isna().all():
        return name
    known = own["name"].dropna()
    return called(
        int(person), str(known.iloc[0]) if len(known) else None, float(own["person_certainty"].median())
    )


def _track(
    name: str, number: int | None, own: pd.DataFrame, at: NDArray[np.intp], aus: tuple[int, ...]
) -> Track:
    names, person = columns(aus), own["person"].iloc[0]
    return Track(
        name=name,
        number=number,
        person=None if pd.isna(person) else int(person),
        rows=at.astype(np.int64),
        values=own[names].to_numpy(np.float32),
        present=own[[f"{name}_present" for name in names]].to_numpy(np.float32) > 0,
        zeroed=_where_given(own, [f"{name}_zeroed" for name in names]),
        intensities=_where_given(own, [f"{name}_intensity" for name in names]),
        confidence=own["confidence"].to_numpy(np.float32),
        pose=own[["yaw", "pitch", "roll"]].to_numpy(np.float32),
        box=own[["box_x0", "box_y0", "box_x1", "box_y1"]].to_numpy(np.float32),
        landmarks=own[[f"lm_{axis}{point}" for point in range(NUM_LANDMARKS) for axis in "xy"]]
        .to_numpy(np.float32)
        .reshape(-1, NUM_LANDMARKS, 2),
        flags=own["flags"].astype(object).fillna("").tolist(),
    )


def _where_given(rows: pd.DataFrame, names: Sequence[str]) -> Floats | None:
    if not set(names) <= set(rows.columns) or rows[list(names)].isna().all(axis=None):
        return None
    return rows[list(names)].to_numpy(np.float32)
