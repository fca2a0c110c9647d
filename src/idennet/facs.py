"""The ground truth of names: which Action Units exist here, and what they are called.

An Action Unit is an `int` in code (12) and `"AU12"` in columns, files and tables, without zero padding.
Occurrence labels are 1 (present), 0 (absent) and `MISSING` (-1, not coded).
"""

import re
from collections.abc import Iterable

from idennet.errors import UnknownActionUnitError

MISSING = -1
"""Occurrence label of an Action Unit that nobody coded; it has no gradient and enters no metric."""

NAMES: dict[int, str] = {
    1: "inner brow raiser",
    2: "outer brow raiser",
    4: "brow lowerer",
    5: "upper lid raiser",
    6: "cheek raiser",
    7: "lid tightener",
    9: "nose wrinkler",
    10: "upper lip raiser",
    12: "lip corner puller",
    14: "dimpler",
    15: "lip corner depressor",
    17: "chin raiser",
    18: "lip pucker",
    20: "lip stretcher",
    22: "lip funneler",
    23: "lip tightener",
    24: "lip pressor",
    25: "lips part",
    26: "jaw drop",
    27: "mouth stretch",
    28: "lip suck",
    43: "eyes closed",
}
"""Plain names after FACS (Ekman, Friesen and Hager, 2002)."""

MOVEMENTS: dict[int, str] = {
    1: "The inner ends of the brows rise, and the middle of the forehead may wrinkle.",
    2: "The outer ends of the brows rise.",
    4: "The brows come down and towards each other.",
    5: "The upper lids rise, and the eyes look wider open.",
    6: "The cheeks rise, narrow the eyes and gather wrinkles at their outer corners.",
    7: "The lids tighten, the lower ones rise, and the eyes narrow.",
    9: "The sides of the nose draw up, and its bridge wrinkles.",
    10: "The upper lip is drawn straight up, and the furrows beside the nose deepen.",
    12: "The corners of the lips are drawn up and out, as in a smile.",
    14: "The corners of the lips tighten inwards, and dimples may appear beside them.",
    15: "The corners of the lips are drawn down.",
    17: "The chin rises, wrinkles, and pushes the lower lip up.",
    18: "The lips are drawn together and forward, as for a kiss.",
    20: "The corners of the lips are drawn straight back towards the ears.",
    22: "The lips turn outwards and forward, as in an O.",
    23: "The red of the lips narrows, and they tighten.",
    24: "The lips press together without the chin pushing up.",
    25: "The lips come apart.",
    26: "The jaw drops, relaxed, and the teeth come apart.",
    27: "The jaw is pulled down, and the mouth is stretched open.",
    28: "The lips are sucked in over the teeth.",
    43: "The lids close, with no effort.",
}
"""What is seen of each Action Unit, in one sentence."""

SYNFACS_AUS: tuple[int, ...] = tuple(NAMES)
"""The 22 Action Units that SynFACS renders and the bundled weights predict, in their order."""

BP4D_AUS: tuple[int, ...] = (1, 2, 4, 6, 7, 10, 12, 14, 15, 17, 23, 24)
"""The 12 Action Units of the paper's Table III."""

EYES_CLOSED = 43
"""One eye closed alone is a wink, which FACS calls AU46."""

SIDED_AUS: tuple[int, ...] = (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 20, 43)
"""Action Units whose strength can differ between the subject's left and right."""

PARTS: tuple[str, ...] = ("eyes", "brows", "mouth")
"""Parts of a face that something may hide."""

AUS_OF_PART: dict[str, tuple[int, ...]] = {
    "eyes": (5, 6, 7, 43),
    "brows": (1, 2, 4),
    "mouth": (10, 12, 14, 15, 17, 18, 20, 22, 23, 24, 25, 26, 27, 28),
}
"""Action Units that nobody can see where a part is hidden; AU9 shows on the nose, which no part has."""


def column(au: int) -> str:
    """Return the column name of an Action Unit: `12` becomes `"AU12"`."""
    return f"AU{au}"


def letter(intensity: float) -> str:
    """Return FACS's letter of an intensity of 0 to 5: A (trace), B, C, D or E (maximum); "" for none.

    A letter stands for the nearest whole number, so A begins at .5.
    """
    return "ABCDE"[min(int(intensity + 0.5), 5) - 1] if intensity >= 0.5 else ""


def columns(aus: Iterable[int]) -> list[str]:
    """Return the column names of several Action Units, in order."""
    return [column(au) for au in aus]


def side_columns(au: int) -> tuple[str, str]:
    """Return the columns of an Action Unit's intensity on the subject's left and right."""
    return f"{column(au)}_left_intensity", f"{column(au)}_right_intensity"


def visible_column(part: str) -> str:
    """Return the column that says whether one of `PARTS` is seen: 1, 0 (hidden) or -1 (partly or unknown)."""
    return f"{part}_visible"


def parse(text: str) -> int:
    """Return the Action Unit that a text names: `"AU12"`, `"au 12"`, `"AU04"`, `"AU12_r"` or `"12"`.

    Raises:
        UnknownActionUnitError: The text names no Action Unit that FACS knows here.
    """
    match = re.fullmatch(r"\s*(?:au)?\s*0*(\d{1,2})(?:_[rc])?\s*", text, flags=re.IGNORECASE)
    au = int(match.group(1)) if match else -1
    if au not in NAMES:
        raise UnknownActionUnitError(text, known=columns(NAMES))
    return au
