"""A panel of Action Units beside a face: which rows it has, how big it is, how it is painted."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from PIL import ImageColor, ImageDraw, ImageFont

from idennet.facs import PARTS
from idennet.inference.face import Face
from idennet.inference.layout import Rect
from idennet.models.weights import Evidence

Style = Literal["names", "numbers", "tag"]
"""Rows with plain names, rows with numbers only, or one line with the numbers of those that occur."""

_GROUND = (13, 17, 23, 178)
_TRACK = (72, 79, 89, 205)
_WHITE = (255, 255, 255, 255)
_FAINT = (176, 182, 191, 255)
_FAINT_BAR = (140, 147, 157, 255)
_HOLLOW = (13, 17, 23, 255)
_FAINT_ROWS = 2
_FEWEST_ROWS = 4
_NOTHING = "no Action Unit"


@dataclass(frozen=True)
class Row:
    """One Action Unit of a panel."""

    label: str
    name: str
    prob: float
    strength: str
    """Intensity with FACS's letter; nothing where it is unknown, or the Action Unit does not occur."""
    occurs: bool
    evidence: Evidence
    """What the reading rests on: the bar is filled where it was tested on photographs, half clear where they
    taught it, and hollow where there are renderings only."""


@dataclass(frozen=True)
class Panel:
    """Content and measures of a panel; `draw` paints it at a place.

    Attributes:
        title: Number of the face, or the one line of a tag.
        rows: Action Units, those that occur first.
        footer: How many more occur, or that none does, and what is hidden.
        accent: Colour of the face.
        style: What a row shows.
        font_size: In pixels of the picture.
    """

    title: str
    rows: tuple[Row, ...]
    footer: str
    accent: str
    style: Style
    font_size: float

    @property
    def line_height(self) -> float:
        """Height of a line of text in pixels."""
        return 1.3 * self.font_size

    @property
    def _pad(self) -> float:
        return 0.35 * self.font_size if self.style == "tag" else 0.75 * self.font_size

    @property
    def _row_height(self) -> float:
        return self.font_size * (1.85 if self.style == "names" else 1.45)

    @property
    def _label_width(self) -> float:
        return max((_width(row.label, self.font_size) for row in self.rows), default=0.0)

    @property
    def _percent_width(self) -> float:
        return _width("100%", self.font_size) + 0.5 * self.font_size

    @property
    def _strength_width(self) -> float:
        if not any(row.strength for row in self.rows):
            return 0.0
        return _width("5.0 D", self.font_size) + 0.8 * self.font_size

    @property
    def width(self) -> float:
        """Width in pixels of the picture."""
        title = _width(self.title, self.font_size)
        numbers = self._percent_width + self._strength_width
        if self.style == "names":
            names = max((_width(row.name, self.font_size) for row in self.rows), default=0.0)
            content = self._label_width + names + numbers + 0.9 * self.font_size
        elif self.style == "numbers":
            content = self._label_width + numbers + 3.9 * self.font_size
        else:
            content = title
        return max(content, title, _width(self.footer, self.font_size)) + 2 * self._pad

    @property
    def height(self) -> float:
        """Height in pixels of the picture."""
        lines = bool(self.title) + bool(self.footer)
        return lines * self.line_height + len(self.rows) * self._row_height + 2 * self._pad

    def draw(self, draw: ImageDraw.ImageDraw, spot: Rect, scale: int) -> None:
        """Paint the panel at `spot`, in pixels of the picture, on a layer that is `scale` times finer."""
        pen = _Pen(draw, scale, self.font_size)
        pen.round_box(spot, 0.6 * self.font_size, _GROUND)
        top = spot.y0 + self._pad
        if self.title:
            pen.text(spot.x0 + self._pad, top + self.line_height / 2, self.title, _rgba(self.accent), "lm")
            top += self.line_height
        for row in self.rows:
            self._draw_row(pen, row, spot, top)
            top += self._row_height
        if self.footer:
            pen.text(spot.x0 + self._pad, top + self.line_height / 2, self.footer, _FAINT, "lm")

    def _draw_row(self, pen: "_Pen", row: Row, spot: Rect, top: float) -> None:
        size, ink = self.font_size, _WHITE if row.occurs else _FAINT
        bar_ink = _rgba(self.accent) if row.occurs else _FAINT_BAR
        left, right = spot.x0 + self._pad, spot.x1 - self._pad
        after_label = left + self._label_width + 0.6 * size
        if self.style == "names":
            middle = top + 0.6 * size
            pen.text(after_label, middle, row.name, ink, "lm")
            bar = Rect(left, top + 1.3 * size, right, top + 1.52 * size)
        else:
            middle = top + self._row_height / 2
            end = right - self._percent_width - self._strength_width
            bar = Rect(after_label, middle - 0.22 * size, end, middle + 0.22 * size)
        pen.text(left, middle, row.label, bar_ink if row.occurs else ink, "lm")
        pen.text(right, middle, f"{100 * row.prob:.0f}%", ink, "rm")
        strength = right - self._percent_width - self._strength_width + 0.3 * size
        pen.text(strength, middle, row.strength, ink, "lm")
        pen.round_box(bar, bar.height / 2, _TRACK)
        filled = bar.height + row.prob * (bar.width - bar.height)
        part = Rect(bar.x0, bar.y0, bar.x0 + filled, bar.y1)
        pen.round_box(part, bar.height / 2, bar_ink)
        if row.evidence != Evidence.TESTED:
            inside = _HOLLOW if row.evidence == Evidence.RENDERINGS else _mixed(bar_ink, _HOLLOW)
            pen.round_box(part.grown(-0.27 * bar.height), 0.23 * bar.height, inside)


def panel_for(
    face: Face, number: int | None, accent: str, style: Style, most: int, font_size: float
) -> Panel:
    """Return the panel of a face; when it is alone, with some Action Units that do not occur.

    Args:
        face: Its Action Units; those that the weights read unreliably are marked with "~".
        number: Of the face in the picture, or None when it is alone.
        accent: Colour.
        style: How much a panel tells of an Action Unit.
        most: Largest number of Action Units shown; the number of further ones stands below them.
        font_size: In pixels of the picture.
    """
    left = len(face.aus) - most
    more = f"+{left}" if left > 0 else ""
    if style == "tag":
        occurring = ", ".join(_label(face, au).replace("AU", "") for au in face.aus[:most])
        told = f"AU {occurring} {more}".strip() if occurring else _NOTHING
        return Panel(f"{number}: {told}" if number else told, (), "", accent, style, font_size)
    faint = 0 if number else max(_FAINT_ROWS, _FEWEST_ROWS - len(face.aus))
    shown = face.ranked_aus[: min(len(face.aus) + faint, most)]
    rows = tuple(
        Row(
            _label(face, au) if style == "numbers" else face.marked(au),
            face.named(au),
            face.au_probs[au],
            face.strength(au),
            bool(face.au_occurrences[au]),
            face.au_evidence.get(au, Evidence.TESTED),
        )
        for au in shown
    )
    title = f"Face {number}" if number else ""
    hidden = [f"{part} hidden" for part in PARTS if part in face.hidden]
    nothing = [] if rows else [_NOTHING]
    footer = ", ".join([*([f"{more} more"] if more else []), *nothing, *hidden])
    return Panel(title, rows, footer, accent, style, font_size)


def _label(face: Face, au: int) -> str:
    """Return the Action Unit, with FACS's L or R where it shows on one side only: "L12"."""
    side = face.only_side(au)
    return face.marked(au).replace("AU", side[0].upper()) if side else face.marked(au)


def number_size(number: int, font_size: float) -> tuple[float, float]:
    """Return width and height of the disc under a number, in pixels; from 100 on it is wider than high."""
    return max(1.5, _width(str(number), 1) + 0.3) * font_size, 1.5 * font_size


def draw_number(
    draw: ImageDraw.ImageDraw, number: int, accent: str, spot: Rect, font_size: float, scale: int
) -> None:
    """Paint the number of a face on a disc of its colour, on a layer that is `scale` times finer."""
    pen = _Pen(draw, scale, font_size)
    pen.round_box(spot, spot.height / 2, _rgba(accent))
    pen.text((spot.x0 + spot.x1) / 2, (spot.y0 + spot.y1) / 2, str(number), _HOLLOW, "mm")


class _Pen:
    """Draws in pixels of the picture on a layer that is `scale` times finer."""

    def __init__(self, draw: ImageDraw.ImageDraw, scale: int, font_size: float) -> None:
        self._draw, self._scale, self._font = draw, scale, _font(font_size * scale)

    def text(self, x: float, y: float, text: str, ink: tuple[int, ...], anchor: str) -> None:
        self._draw.text((x * self._scale, y * self._scale), text, fill=ink, font=self._font, anchor=anchor)

    def round_box(self, rect: Rect, radius: float, ink: tuple[int, ...]) -> None:
        corners = [value * self._scale for value in rect]
        self._draw.rounded_rectangle(corners, radius * self._scale, fill=ink)


@lru_cache(maxsize=32)
def _font(size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size=size)


def _width(text: str, font_size: float) -> float:
    # Measured large, since small letters are hinted to whole pixels and would not scale.
    return float(_font(64).getlength(text)) * font_size / 64


def _mixed(one: tuple[int, ...], other: tuple[int, ...]) -> tuple[int, ...]:
    return tuple((a + b) // 2 for a, b in zip(one, other, strict=True))


def _rgba(colour: str) -> tuple[int, ...]:
    return (*ImageColor.getrgb(colour)[:3], 255)
