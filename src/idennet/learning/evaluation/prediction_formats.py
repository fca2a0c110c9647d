"""How OpenFace, py-feat, LibreFace and plain tables (`aus.csv` of `idennet detect`) name their columns.

Sources: the wiki of OpenFace 2.2, and the public code and test files of py-feat and LibreFace.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from idennet import facs
from idennet.errors import InputError, UnknownActionUnitError

SUBJECT, SEQUENCE = "subject", "sequence"
"""Columns that may be added to any format, to say whose frames the rows are."""

_PRESENT = r"(?i:au) ?(\d+)_present"


class Format(StrEnum):
    """Who wrote the file."""

    OPENFACE = "openface"
    PY_FEAT = "py-feat"
    LIBREFACE = "libreface"
    CSV = "csv"


class Missing(StrEnum):
    """What to do about faces of which a system says nothing."""

    REFUSE = "refuse"
    ABSENT = "absent"
    LEAVE_OUT = "leave-out"


class Quantity(StrEnum):
    """What a column says about an Action Unit."""

    DECISION = "decision"
    PROBABILITY = "probability"
    INTENSITY = "intensity"


@dataclass(frozen=True)
class Layout:
    """How a format names its columns.

    Attributes:
        frame: Column of the frame's number; a file without it is about one picture, or has `picture`.
        first_frame: What the first frame of a recording is called there; data sets say 1.
        quantities: Pattern of the columns of each quantity; group 1 is the number of the Action Unit.
        success: Column that is 0 where no face was followed.
        picture: Column with the path of the video or picture.
    """

    frame: str
    first_frame: int
    quantities: Mapping[Quantity, str]
    success: str = ""
    picture: str = ""


_LAYOUTS = {
    Format.OPENFACE: Layout(
        frame="frame",
        first_frame=1,
        quantities={Quantity.DECISION: r"AU(\d\d)_c", Quantity.INTENSITY: r"AU(\d\d)_r"},
        success="success",
    ),
    Format.LIBREFACE: Layout(
        frame="frame_idx",
        first_frame=0,
        quantities={Quantity.DECISION: r"au_(\d+)", Quantity.INTENSITY: r"au_(\d+)_intensity"},
    ),
    Format.PY_FEAT: Layout(
        frame="frame", first_frame=0, quantities={Quantity.PROBABILITY: r"AU(\d\d)"}, picture="input"
    ),
    Format.CSV: Layout(
        frame="frame",
        first_frame=1,
        quantities={Quantity.DECISION: r"(?i:au) ?(\d+)", Quantity.PROBABILITY: r"(?i:au) ?(\d+)_prob"},
        picture="file",
    ),
}

DECIDED = Layout(
    frame="frame",
    first_frame=1,
    quantities={Quantity.DECISION: _PRESENT, Quantity.PROBABILITY: r"(?i:au) ?(\d+)"},
    picture="file",
)
"""A plain table with `AU12_present`, where `AU12` is the probability."""

OF_DETECT = replace(DECIDED, first_frame=0)
"""`aus.csv` of `idennet detect`, which has a `time` too and counts frames from 0."""


def layout_of(format: Format, names: Sequence[str]) -> Layout:
    """Return how the columns of a file of this format are named."""
    if format is Format.CSV and _any_matches(names, _PRESENT):
        return OF_DETECT if "time" in names else DECIDED
    return _LAYOUTS[format]


def recognise(file: Path, names: Sequence[str]) -> Format:
    """Return the format whose columns a file has.

    Raises:
        InputError: It is none of them.
    """
    if _any_matches(names, *_LAYOUTS[Format.OPENFACE].quantities.values()):
        return Format.OPENFACE
    if _any_matches(names, *_LAYOUTS[Format.LIBREFACE].quantities.values()):
        return Format.LIBREFACE
    if "FaceScore" in names or "FaceRectX" in names:
        return Format.PY_FEAT
    if {SUBJECT, "frame"} <= set(names) or "file" in names:
        return Format.CSV
    raise InputError(
        f"{file}, line 1: these are no columns of OpenFace, py-feat or LibreFace; a plain CSV needs "
        "subject, sequence, frame (or file, the path of a picture), and Action Units such as AU12_prob, AU12."
    )


def au_columns(file: Path, format: Format, names: Sequence[str]) -> dict[Quantity, dict[int, str]]:
    """Return the column of each quantity and Action Unit.

    Other columns are passed over, but not in a plain CSV written by hand, where they are slips: one that has
    no `file`.

    Raises:
        InputError: A column is not known, two are about the same, or none has an Action Unit.
    """
    layout = layout_of(format, names)
    others = format is not Format.CSV or layout.picture in names
    found: dict[Quantity, dict[int, str]] = {kind: {} for kind in layout.quantities}
    for name in names:
        kind = next((kind for kind, text in layout.quantities.items() if re.fullmatch(text, name)), None)
        if kind is None:
            if not others and name not in (SUBJECT, SEQUENCE, layout.frame):
                raise InputError(
                    f"{file}, line 1: column {name!r} is not known; allowed are subject, sequence, frame, "
                    "file, and Action Units such as AU12_prob and AU12."
                )
            continue
        try:
            au = facs.parse(re.fullmatch(layout.quantities[kind], name)[1])  # type: ignore[index]
        except UnknownActionUnitError as error:
            if not others:
                raise InputError(f"{file}, line 1: column {name!r} is not known. {error}") from error
            continue  # AU45 of OpenFace, AU11 of py-feat
        if au in found[kind]:
            raise InputError(f"{file}, line 1: two columns for the {kind} of AU{au}; keep one.")
        found[kind][au] = name
    if not any(found.values()):
        raise InputError(f"{file}, line 1: no column of {format} has an Action Unit.")
    return {kind: by_au for kind, by_au in found.items() if by_au}


def _any_matches(names: Sequence[str], *kinds: str) -> bool:
    return any(re.fullmatch(kind, name) for kind in kinds for name in names)
