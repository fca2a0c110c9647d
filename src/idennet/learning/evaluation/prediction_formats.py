"""How OpenFace, py-feat, LibreFace and a plain CSV name their columns.

Sources: the wiki of OpenFace 2.2, and the public code and test files of py-feat and LibreFace.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from idennet import facs
from idennet.errors import InputError, UnknownActionUnitError

SUBJECT, SEQUENCE = "subject", "sequence"
"""Columns that may be added to any format, to say whose frames the rows are."""


class Format(StrEnum):
    """Who wrote the file."""

    OPENFACE = "openface"
    PY_FEAT = "py-feat"
    LIBREFACE = "libreface"
    CSV = "csv"


class Missing(StrEnum):
    """What to do about faces that the file says nothing about."""

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
        frame: Column of the frame's number.
        first_frame: What the first frame of a recording is called there; data sets say 1.
        quantities: Pattern of the columns of each quantity; group 1 is the number of the Action Unit.
        success: Column that is 0 where no face was followed.
        picture: Column with the path of the video or picture.
        others: Whether columns that are not known here are passed over.
    """

    frame: str
    first_frame: int
    quantities: Mapping[Quantity, str]
    success: str = ""
    picture: str = ""
    others: bool = True


LAYOUTS = {
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
        others=False,
    ),
}


def recognise(file: Path, names: Sequence[str]) -> Format:
    """Return the format whose columns a file has."""

    def any_matches(*kinds: str) -> bool:
        return any(re.fullmatch(kind, name) for kind in kinds for name in names)

    if any_matches(*LAYOUTS[Format.OPENFACE].quantities.values()):
        return Format.OPENFACE
    if any_matches(*LAYOUTS[Format.LIBREFACE].quantities.values()):
        return Format.LIBREFACE
    if "FaceScore" in names or "FaceRectX" in names:
        return Format.PY_FEAT
    if {SUBJECT, "frame"} <= set(names):
        return Format.CSV
    raise InputError(
        f"{file}, line 1: these are no columns of OpenFace, py-feat or LibreFace; a plain CSV needs "
        "subject, sequence, frame, and Action Units such as AU12_prob or AU12."
    )


def au_columns(file: Path, format: Format, names: Sequence[str]) -> dict[Quantity, dict[int, str]]:
    """Return the column of each quantity and Action Unit; those that have no name here are passed over."""
    layout = LAYOUTS[format]
    found: dict[Quantity, dict[int, str]] = {kind: {} for kind in layout.quantities}
    for name in names:
        kind = next((kind for kind, text in layout.quantities.items() if re.fullmatch(text, name)), None)
        if kind is None:
            if not layout.others and name not in (SUBJECT, SEQUENCE, layout.frame):
                raise InputError(
                    f"{file}, line 1: column {name!r} is not known; allowed are subject, sequence, frame, "
                    "and Action Units such as AU12_prob and AU12."
                )
            continue
        try:
            au = facs.parse(re.fullmatch(layout.quantities[kind], name)[1])  # type: ignore[index]
        except UnknownActionUnitError as error:
            if not layout.others:
                raise InputError(f"{file}, line 1: column {name!r} is not known. {error}") from error
            continue  # AU45 of OpenFace, AU11 of py-feat
        if au in found[kind]:
            raise InputError(f"{file}, line 1: two columns for the {kind} of AU{au}; keep one.")
        found[kind][au] = name
    if not any(found.values()):
        raise InputError(f"{file}, line 1: no column of {format} has an Action Unit.")
    return {kind: by_au for kind, by_au in found.items() if by_au}
