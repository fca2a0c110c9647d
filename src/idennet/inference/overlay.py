"""Pictures for a talk: each face with its contours and a panel of its Action Units.

Everything is drawn on a transparent layer, finer than the picture, and laid over it at the end, so that
thin lines stay smooth. Sizes follow the faces and the picture: a panel can be read on any of them. It lies
on no face as long as there is another place: a photograph without one gets a strip on the right. Of several
faces each has its number at its corner, which the panel repeats.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from idennet.errors import ImageError
from idennet.inference.face import Face
from idennet.inference.layout import Rect, place, stacked
from idennet.inference.panel import Panel, Style, draw_number, number_size, panel_for

MARK = b"IdenNet overlay"
"""The comment inside an overlay's file, by which folders of photographs are read without it."""

_MAX_JPEG_SIDE = 65_500  # of libjpeg
ACCENTS = ("#5eead4", "#fbbf24", "#93c5fd", "#f9a8d4", "#bef264", "#fdba74")
_CONTOURS: tuple[tuple[range, bool, str], ...] = (
    (range(0, 17), False, "jaw"),
    (range(17, 22), False, "brows"),
    (range(22, 27), False, "brows"),
    (range(27, 31), False, "nose"),
    (range(31, 36), False, "nose"),
    (range(36, 42), True, "eyes"),
    (range(42, 48), True, "eyes"),
    (range(48, 60), True, "mouth"),
)
"""Landmarks that a line joins, whether it ends where it begins, and the part of the face.

No others are drawn: the inner edges of the lips are not where the points say, see docs/faces.md.
"""

_NAMES: tuple[Style, int] = ("names", 9)
_TAG: tuple[Style, int] = ("tag", 7)
_STYLES: tuple[tuple[Style, int], ...] = (_NAMES, ("numbers", 12), ("numbers", 6), ("numbers", 4), _TAG)
"""Styles and how many Action Units they show, the most telling first."""

_STRIP = (13, 17, 23)
_SMALLEST_FONT = 10.0
_SMALLEST_SIDE_WITH_DOTS = 90


@dataclass(frozen=True)
class _Plan:
    style: Style
    most: int
    font_size: float


def draw_faces(pixels: np.ndarray, faces: Sequence[Face], *, may_widen: bool) -> Image.Image:
    """Return the picture with faces and their Action Units drawn on it.

    Args:
        pixels: (H, W, 3) uint8 RGB.
        faces: The faces found in it.
        may_widen: Whether a strip is added on the right where there is no room beside the faces. Frames of a
            video keep their size, so tags may lie on faces that fill them.

    Returns:
        An RGB image of the same size, or wider.
    """
    picture = Image.fromarray(pixels)
    if not faces:
        return picture
    panels, spots, width = _lay_out(faces, picture.size, may_widen=may_widen)
    picture = _widened(picture, width)
    size = picture.size
    for panel, spot in zip(panels, spots, strict=True):
        _blur_behind(picture, spot, panel.line_height)

    scale = 3 if size[0] * size[1] < 1_000_000 else 2 if size[0] * size[1] < 5_000_000 else 1
    layer = Image.new("RGBA", (size[0] * scale, size[1] * scale), (0, 0, 0, 0))
    draw = ImageDraw.Draw(layer)
    for number, face in enumerate(faces):
        _draw_face(draw, face, ACCENTS[number % len(ACCENTS)], scale)
    for panel, spot in zip(panels, spots, strict=True):
        panel.draw(draw, spot, scale)
    font_size = panels[0].font_size
    for number, disc in enumerate(_discs(faces, font_size)):
        draw_number(draw, number + 1, ACCENTS[number % len(ACCENTS)], disc, font_size, scale)
    layer = layer.resize(size, Image.Resampling.BOX) if scale > 1 else layer
    return Image.alpha_composite(picture.convert("RGBA"), layer).convert("RGB")


def contours(hidden: Collection[str]) -> list[tuple[range, bool]]:
    """Return the landmarks that each line joins, and whether it ends where it begins.

    Args:
        hidden: Which of `facs.PARTS` cannot be seen: where their landmarks are is a guess.
    """
    return [(indices, closed) for indices, closed, part in _CONTOURS if part not in hidden]


def jpeg_of(overlay: Image.Image) -> bytes:
    """Return an overlay as a JPEG file that says what it is.

    Raises:
        ImageError: It is too large; the sentence begins in the middle.
    """
    if max(overlay.size) > _MAX_JPEG_SIDE:
        raise ImageError(
            f"no overlay can be written: JPEG files have at most {_MAX_JPEG_SIDE:,} pixels a side"
        )
    file = BytesIO()
    overlay.save(file, "JPEG", quality=92, subsampling=0, comment=MARK)
    return file.getvalue()


def is_overlay(path: Path) -> bool:
    """Say whether a file is an overlay of an earlier run, wherever it lies now."""
    try:
        with path.open("rb") as file:
            return MARK in file.read(1024)
    except OSError:  # whoever reads it explains
        return False


def _lay_out(
    faces: Sequence[Face], size: tuple[int, int], *, may_widen: bool
) -> tuple[list[Panel], list[Rect], int]:
    """Return panels of one style for all faces, their places, and how wide the picture must be for them.

    Of the styles for which all find a place the most telling one is taken; but before a face gets a mere tag,
    or a tag lies on a face, the picture is widened.
    """
    rows, tags = _plans(faces, size, _STYLES[:-1]), _plans(faces, size, (_TAG,))
    names = _plans(faces, size, (_NAMES,))
    for plans, beside in ((rows, False), (names, True), (tags, False), (tags, True)):
        for plan in plans if may_widen or not beside else ():
            panels = _panels(faces, plan)
            if beside:
                spots = stacked([(panel.width, panel.height) for panel in panels], size, 0.6 * plan.font_size)
            else:
                spots = _spots(panels, faces, plan, size)
            if spots is not None:
                right = max(spot.x1 for spot in spots) + 0.6 * plan.font_size
                return panels, spots, int(np.ceil(right)) if beside else size[0]
    panels = _panels(faces, _Plan(*_TAG, _SMALLEST_FONT))
    return panels, [_forced(panel, face, size) for panel, face in zip(panels, faces, strict=True)], size[0]


def _widened(picture: Image.Image, width: int) -> Image.Image:
    """Return a picture with a dark strip on the right, up to a width."""
    if width == picture.width:
        return picture
    wide = Image.new("RGB", (width, picture.height), _STRIP)
    wide.paste(picture)
    return wide


def _plans(faces: Sequence[Face], size: tuple[int, int], styles: Sequence[tuple[Style, int]]) -> list[_Plan]:
    face_height = float(np.median([face.box.y1 - face.box.y0 for face in faces]))
    longest = max(size)
    ideal = max(min(max(0.055 * face_height, 0.014 * longest), 0.03 * longest), _SMALLEST_FONT)
    smallest = max(0.012 * longest, _SMALLEST_FONT)
    sizes = sorted({max(ideal * factor, smallest) for factor in (1.0, 0.85, 0.7)}, reverse=True)
    return [
        _Plan(style, most, font_size)
        for style, most in styles
        for font_size in (sizes if style != "tag" else [*sizes, _SMALLEST_FONT])
    ]


def _panels(faces: Sequence[Face], plan: _Plan) -> list[Panel]:
    return [
        panel_for(
            face,
            number=number + 1 if len(faces) > 1 else None,
            accent=ACCENTS[number % len(ACCENTS)],
            style=plan.style,
            most=plan.most,
            font_size=plan.font_size,
        )
        for number, face in enumerate(faces)
    ]


def _spots(
    panels: Sequence[Panel], faces: Sequence[Face], plan: _Plan, size: tuple[int, int]
) -> list[Rect] | None:
    boxes = [Rect(*face.box) for face in faces]
    taken = [*boxes, *_discs(faces, plan.font_size)]
    spots = []
    gap = 0.6 * plan.font_size
    for panel, box in zip(panels, boxes, strict=True):
        spot = place(panel.width, panel.height, box, taken, size, gap)
        if spot is None:
            return None
        spots.append(spot)
        taken.append(spot.grown(gap / 2))
    return spots


def _discs(faces: Sequence[Face], font_size: float) -> list[Rect]:
    """Return where each face's number stands, at its corner; nowhere for a face that is alone."""
    discs = []
    for number, face in enumerate(faces if len(faces) > 1 else ()):
        width, height = number_size(number + 1, font_size)
        x, y = max(face.box.x0 - width / 2, 0), max(face.box.y0 - height / 2, 0)
        discs.append(Rect(x, y, x + width, y + height))
    return discs


def _forced(panel: Panel, face: Face, size: tuple[int, int]) -> Rect:
    x = min(max((face.box.x0 + face.box.x1 - panel.width) / 2, 0), max(size[0] - panel.width, 0))
    y = min(max(face.box.y1 - panel.height, 0), max(size[1] - panel.height, 0))
    return Rect(x, y, x + panel.width, y + panel.height)


def _blur_behind(picture: Image.Image, spot: Rect, radius: float) -> None:
    """Frost the picture under a panel, so that its text stands out on any background."""
    box = (int(spot.x0), int(spot.y0), int(np.ceil(spot.x1)), int(np.ceil(spot.y1)))
    mask = Image.new("L", (4 * (box[2] - box[0]), 4 * (box[3] - box[1])), 0)
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, mask.width - 1, mask.height - 1), 4 * 0.45 * radius, 255)
    mask = mask.resize((box[2] - box[0], box[3] - box[1]), Image.Resampling.BOX)
    region = picture.crop(box).filter(ImageFilter.GaussianBlur(0.5 * radius))
    picture.paste(region, box[:2], mask)


def _draw_face(draw: ImageDraw.ImageDraw, face: Face, accent: str, scale: int) -> None:
    side = max(face.box.x1 - face.box.x0, face.box.y1 - face.box.y0)
    thin, thick = max(0.0035 * side, 0.7) * scale, max(0.011 * side, 1.5) * scale
    dot = 1.1 * thin if side > _SMALLEST_SIDE_WITH_DOTS else 0.0
    lines = [
        ([(float(x) * scale, float(y) * scale) for x, y in face.landmarks[list(indices)] + 0.5], closed)
        for indices, closed in contours(face.hidden)
    ]
    for line, closed in lines:
        draw.line(line + line[:1] * closed, fill=(255, 255, 255, 120), width=round(thin), joint="curve")
    for x, y in (point for line, _ in lines for point in line if dot):
        draw.ellipse((x - dot, y - dot, x + dot, y + dot), fill=(255, 255, 255, 210))
    x0, y0, x1, y1 = (value * scale for value in face.box)
    arm = 0.14 * side * scale
    for outline, width in (((0, 0, 0, 90), 1.9 * thick), (accent, thick)):
        for x, to_right in ((x0, 1), (x1, -1)):
            for y, down in ((y0, 1), (y1, -1)):
                corner = [(x + to_right * arm, y), (x, y), (x, y + down * arm)]
                draw.line(corner, fill=outline, width=round(width), joint="curve")
