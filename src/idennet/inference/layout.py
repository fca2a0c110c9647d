"""Where panels go on an overlay: beside their face on nobody else's, or beside the picture."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

_WIDEST_STRIP = 0.6
"""Of the picture's width, for a strip of several columns."""


class Rect(NamedTuple):
    """A rectangle in pixels."""

    x0: float
    y0: float
    x1: float
    y1: float

    @property
    def width(self) -> float:
        """Width in pixels."""
        return self.x1 - self.x0

    @property
    def height(self) -> float:
        """Height in pixels."""
        return self.y1 - self.y0

    def grown(self, margin: float) -> "Rect":
        """Return the rectangle with a margin on all sides."""
        return Rect(self.x0 - margin, self.y0 - margin, self.x1 + margin, self.y1 + margin)

    def overlap(self, other: "Rect") -> float:
        """Return the common area in square pixels."""
        width = min(self.x1, other.x1) - max(self.x0, other.x0)
        height = min(self.y1, other.y1) - max(self.y0, other.y0)
        return max(width, 0.0) * max(height, 0.0)


def place(
    width: float,
    height: float,
    face: Rect,
    taken: Sequence[Rect],
    picture: tuple[int, int],
    gap: float,
) -> Rect | None:
    """Return a free place for a panel beside `face`, or None when there is none.

    The sides are tried in a reader's order: right, left, below, above; on each side the panel slides
    along the face until it is free. The right and left side may also be anywhere between the face and
    the border of the picture.

    Args:
        width: Of the panel, in pixels.
        height: Of the panel, in pixels.
        face: What the panel belongs to and must not cover.
        taken: Rectangles that must stay free: faces and earlier panels.
        picture: (width, height) of the picture.
        gap: Smallest distance to the border of the picture.
    """
    limit_x, limit_y = picture[0] - gap - width, picture[1] - gap - height
    if limit_x < gap or limit_y < gap:
        return None
    for x, y in _candidates(width, height, face, gap):
        x, y = min(max(x, gap), limit_x), min(max(y, gap), limit_y)
        rect = Rect(x, y, x + width, y + height)
        if not any(rect.overlap(other) for other in taken):
            return rect
    return None


def stacked(panels: Sequence[tuple[float, float]], picture: tuple[int, int], gap: float) -> list[Rect] | None:
    """Return places for panels under each other, right of the picture, in columns as high as it is.

    None where it is not high enough for one of them, or where further columns would make the strip wider than
    `_WIDEST_STRIP` of the picture.

    Args:
        panels: Width and height of each, in pixels.
        picture: (width, height) of the picture.
        gap: Between them, and to the picture and the borders.
    """
    spots: list[Rect] = []
    left, top, right = picture[0] + gap, gap, 0.0
    for width, height in panels:
        if spots and top + height + gap > picture[1]:
            left, top = right + gap, gap
        spots.append(Rect(left, top, left + width, top + height))
        top, right = top + height + gap, max(right, left + width)
    in_columns = right - picture[0] > _WIDEST_STRIP * picture[0] and len({spot.x0 for spot in spots}) > 1
    too_high = any(spot.y1 + gap > picture[1] for spot in spots)
    return None if too_high or in_columns else spots


def _candidates(width: float, height: float, face: Rect, gap: float) -> Iterator[tuple[float, float]]:
    slides = (0.0, 0.5, 1.0)
    for x in (face.x1 + gap, face.x0 - gap - width):
        for slide in slides:
            yield x, face.y0 + slide * (face.height - height)
    for y in (face.y1 + gap, face.y0 - gap - height):
        for slide in (0.5, 0.0, 1.0):
            yield face.x0 + slide * (face.width - width), y
