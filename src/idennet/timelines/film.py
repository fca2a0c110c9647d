"""A clip with what was read drawn on it and beside it, as H.264 that browsers play.

On the face: its number, its contours, and its moving parts tinted by the strongest Action Unit that is
present. Beside the picture: a bar for each Action Unit, in places that never change; below it, where there is
one, a thinner bar with this person's zero taken out. Of hidden parts nothing is drawn on the face, and their
Action Units have the word in place of the bar. Pictures keep their times, so the film is as long as the clip.
"""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor, ImageDraw, ImageFont

from idennet.errors import InputError
from idennet.facs import AUS_OF_PART, NAMES
from idennet.files import draft_of
from idennet.inference.overlay import ACCENTS, contours
from idennet.media.frame import Frame
from idennet.timelines.recording import Recording, Track

Pixels = NDArray[np.uint8]

_LOWEST, _HIGHEST = 480, 1080  # lines of the film; small clips grow, so that text can be read
_ENCODERS = ("libx264", "libopenh264")
_TICKS = 90_000
_GROUND, _TRACK, _INK, _FAINT = (13, 17, 23), (40, 46, 56), (230, 233, 239), (140, 147, 157)
_ZEROED = (255, 255, 255)
_MOST_TRACKS = 4  # with bars beside the picture
_SHIFT = 4  # fractional bits of OpenCV's coordinates

_PARTS: tuple[tuple[tuple[int, ...], tuple[int, ...], float], ...] = (
    ((17, 18, 19, 20, 21), (1, 2, 4), 0.55),
    ((22, 23, 24, 25, 26), (1, 2, 4), 0.55),
    ((36, 37, 38, 39, 40, 41), (5, 7, 43), 0.5),
    ((42, 43, 44, 45, 46, 47), (5, 7, 43), 0.5),
    ((41, 40, 31, 48, 3, 2), (6,), 0.0),
    ((46, 47, 35, 54, 13, 14), (6,), 0.0),
    ((27, 31, 33, 35), (9,), 0.15),
    ((48, 50, 52, 54, 56, 58), (10, 12, 14, 15, 18, 20, 22, 23, 24, 25, 27, 28), 0.25),
    ((6, 7, 8, 9, 10, 56, 57, 58), (17, 26), 0.0),
)
"""Landmarks of each part, Action Units that tint it, and by how much it is grown about its centre."""


def write_film(recording: Recording, frames: Iterable[Frame], path: Path) -> Path:
    """Write the film of a clip and return its path.

    Args:
        recording: What was read.
        frames: The frames of the clip, with their times.
        path: The MP4 file.

    Raises:
        InputError: No H.264 encoder comes with PyAV here, or there is no frame.
    """
    encoder = next((name for name in _ENCODERS if name in av.codecs_available), None)
    if encoder is None:
        raise InputError(f"This PyAV has none of the encoders {', '.join(_ENCODERS)}; install another one.")
    painter, reached = None, -1
    with (
        draft_of(path) as draft,
        av.open(str(draft), "w", format="mp4", options={"movflags": "faststart"}) as container,
    ):
        stream: Any = container.add_stream(encoder, rate=30)
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = Fraction(1, _TICKS)
        if encoder == _ENCODERS[0]:
            stream.options = {"crf": "21", "preset": "veryfast"}
        for frame in frames:
            if painter is None:
                painter = _Painter(recording, frame.pixels.shape[1], frame.pixels.shape[0])
                stream.width, stream.height = painter.size
            picture = av.VideoFrame.from_ndarray(painter.paint(frame), format="rgb24")
            reached = max(round(_TICKS * (frame.time or 0.0)), reached + 1)
            picture.pts, picture.time_base = reached, Fraction(1, _TICKS)
            container.mux(stream.encode(picture))
        if painter is None:
            raise InputError(f"{recording.name} has no frame to draw on.")
        container.mux(stream.encode())
    return path


class _Painter:
    """Draws on frames of one size; what never changes is drawn once.

    Attributes:
        size: (width, height) of the film.
    """

    def __init__(self, recording: Recording, width: int, height: int) -> None:
        self._recording = recording
        shown = recording.most_seen(_MOST_TRACKS)
        self._columns = {track.name: place for place, track in enumerate(shown)}
        lines = min(max(height, _LOWEST), _HIGHEST)
        self._scale = lines / height
        self._picture = (2 * round(width * self._scale / 2), 2 * round(lines / 2))
        self._at = [{int(row): k for k, row in enumerate(track.rows)} for track in recording.tracks]
        self._colours = [
            ImageColor.getrgb(ACCENTS[number % len(ACCENTS)])[:3] for number in range(len(recording.tracks))
        ]
        self._row = (self._picture[1] - 16) / (len(recording.aus) + 1.6)
        self._font = ImageFont.load_default(size=max(0.62 * self._row, 8.0))
        labels = [f"{NAMES[au]}  {recording.marked(au)}" for au in recording.aus]
        self._texts = dict(zip(recording.aus, labels, strict=True))
        self._labels = round(max(map(self._font.getlength, labels))) + 12
        self._bar = round(5.5 * self._row)
        panel = 2 * round((self._labels + len(shown) * (self._bar + 10) + 16) / 2)
        self.size = (self._picture[0] + panel, self._picture[1])
        self._panel = self._empty_panel(panel)
        self._unread = self._unread_bar()

    def paint(self, frame: Frame) -> Pixels:
        """Return the frame of the film."""
        canvas = np.empty((self.size[1], self.size[0], 3), np.uint8)
        picture = canvas[:, : self._picture[0]]
        picture[:] = cv2.resize(frame.pixels, self._picture, interpolation=cv2.INTER_AREA)
        canvas[:, self._picture[0] :] = self._panel
        row = self._row_of(frame)
        if row is not None:
            for number, track in enumerate(self._recording.tracks):
                if (k := self._at[number].get(row)) is not None:
                    self._draw_face(picture, track, k, number)
                    if track.name in self._columns:
                        self._draw_bars(canvas, track, k, number)
        return canvas

    def _row_of(self, frame: Frame) -> int | None:
        """Return the row of the frame, or of the last one that was read, unless that is long ago."""
        row = int(np.searchsorted(self._recording.frames, frame.index, side="right")) - 1
        times = self._recording.times
        if row < 0 or times is None or frame.time is None:
            return None
        return row if frame.time - times[row] <= 1.5 * self._recording.step + 1e-6 else None

    def _draw_face(self, picture: Pixels, track: Track, k: int, number: int) -> None:
        colour = self._colours[number]
        points = (track.landmarks[k] + 0.5) * self._scale
        x0, y0, x1, y1 = (float(value) * self._scale for value in track.box[k])
        if np.isnan(points).any() or not x1 > x0:
            return
        tints = picture.copy()
        for indices, aus, grown in _PARTS:
            own = [self._recording.aus.index(au) for au in aus if au in self._recording.aus]
            strength = float(np.max(track.values[k, own], where=track.present[k, own], initial=0.0))
            if not strength:
                continue
            outline = points[list(indices)]
            outline = outline.mean(0) + (1 + grown) * (outline - outline.mean(0))
            if indices[0] in (17, 22):  # a brow is a line: the part reaches up to the forehead
                outline = np.concatenate([outline, outline[::-1] - (0, 0.1 * (y1 - y0))])
            hull = cv2.convexHull(outline.astype(np.float32))[:, 0]
            own_tint = tints.copy()
            cv2.fillConvexPoly(own_tint, _fixed(hull), colour, cv2.LINE_AA, _SHIFT)
            cv2.addWeighted(own_tint, 0.45 * strength, tints, 1 - 0.45 * strength, 0, dst=tints)
        picture[:] = tints
        thin, thick = max(1, round(0.004 * (x1 - x0))), max(2, round(0.012 * (x1 - x0)))
        for contour, closed in contours(self._hidden(track, k)):
            line = _fixed(points[list(contour)])
            cv2.polylines(picture, [line], closed, (255, 255, 255), thin, cv2.LINE_AA, _SHIFT)
        arm = 0.14 * max(x1 - x0, y1 - y0)
        for x, right in ((x0, 1), (x1, -1)):
            for y, down in ((y0, 1), (y1, -1)):
                corner = np.array([(x + right * arm, y), (x, y), (x, y + down * arm)])
                cv2.polylines(picture, [_fixed(corner)], False, (0, 0, 0), thick + 2, cv2.LINE_AA, _SHIFT)
                cv2.polylines(picture, [_fixed(corner)], False, colour, thick, cv2.LINE_AA, _SHIFT)
        if len(self._recording.tracks) > 1:
            self._write_number(picture, str(track.number), colour, x0, y0)

    def _hidden(self, track: Track, k: int) -> list[str]:
        """Return the parts of a face of whose Action Units none was read."""
        own = {
            part: [self._recording.aus.index(au) for au in aus if au in self._recording.aus]
            for part, aus in AUS_OF_PART.items()
        }
        return [part for part, places in own.items() if places and np.isnan(track.values[k, places]).all()]

    def _write_number(self, picture: Pixels, text: str, colour: tuple[int, ...], x: float, y: float) -> None:
        size = 0.045 * self._picture[1]
        place = (round(max(x, 2)), round(max(y - 0.3 * size, size)))
        for ink, width in (((0, 0, 0), 5), (colour, 2)):
            cv2.putText(picture, text, place, cv2.FONT_HERSHEY_DUPLEX, size / 30, ink, width, cv2.LINE_AA)

    def _draw_bars(self, canvas: Pixels, track: Track, k: int, number: int) -> None:
        left = self._bar_left(self._columns[track.name])
        thickness = 0.5 if track.zeroed is None else 0.34
        for index in range(len(self._recording.aus)):
            top = self._row_top(index) + 0.2 * self._row
            value = float(track.values[k, index])
            if np.isnan(value):
                row = round(self._row_top(index))
                canvas[row : row + len(self._unread), left : left + self._bar + 1] = self._unread
                continue
            present = value >= self._recording.thresholds[index]
            ink = self._colours[number] if present else _FAINT
            self._bar_at(canvas, left, top, thickness * self._row, value, ink)
            if track.zeroed is not None:
                low = top + 0.42 * self._row
                self._bar_at(canvas, left, low, 0.18 * self._row, float(track.zeroed[k, index]), _ZEROED)

    def _shortened(self, name: str) -> str:
        """Return as much of a name as stands above a column of bars."""
        if self._font.getlength(name) <= self._bar:
            return name
        fits = [k for k in range(len(name)) if self._font.getlength(f"{name[:k]}...") <= self._bar]
        return f"{name[: max(fits, default=0)]}..."

    def _bar_at(
        self, canvas: Pixels, left: int, top: float, height: float, value: float, ink: tuple[int, ...]
    ) -> None:
        if value > 0:
            end = left + max(1, round(min(value, 1.0) * self._bar))
            canvas[round(top) : max(round(top) + 1, round(top + height)), left:end] = ink

    def _bar_left(self, place: int) -> int:
        return self._picture[0] + self._labels + 8 + place * (self._bar + 10)

    def _row_top(self, index: int) -> float:
        return 8 + (index + 1.4) * self._row

    def _unread_bar(self) -> Pixels:
        """Return what stands in place of the bar of an Action Unit whose part of the face is hidden."""
        image = Image.new("RGB", (self._bar + 1, round(self._row)), _GROUND)
        ImageDraw.Draw(image).text((0, 0.48 * self._row), "hidden", _FAINT, self._font, "lm")
        return np.asarray(image)

    def _empty_panel(self, width: int) -> Pixels:
        """Return the panel with names, empty bars and thresholds."""
        image = Image.new("RGB", (width, self._picture[1]), _GROUND)
        draw = ImageDraw.Draw(image)
        if any(track.zeroed is not None for track in self._recording.tracks):
            middle = (self._labels, 8 + 0.6 * self._row)
            draw.text(middle, "white: zero taken out", _ZEROED, self._font, "rm")
        for number, track in enumerate(self._recording.tracks):
            if track.name in self._columns:
                left = self._bar_left(self._columns[track.name]) - self._picture[0]
                draw.text(
                    (left, 8 + 0.6 * self._row),
                    self._shortened(track.name),
                    self._colours[number],
                    self._font,
                    "lm",
                )
        for index, au in enumerate(self._recording.aus):
            top = self._row_top(index)
            ink = _FAINT if au in self._recording.unreliable_aus else _INK
            draw.text((self._labels, top + 0.48 * self._row), self._texts[au], ink, self._font, "rm")
            for place in self._columns.values():
                left = self._bar_left(place) - self._picture[0]
                draw.rectangle(
                    (left, top + 0.2 * self._row, left + self._bar, top + 0.8 * self._row), fill=_TRACK
                )
                limit = left + float(self._recording.thresholds[index]) * self._bar
                draw.line((limit, top + 0.1 * self._row, limit, top + 0.9 * self._row), fill=_FAINT)
        return np.asarray(image)


def _fixed(points: NDArray[Any]) -> NDArray[np.int32]:
    """Return points (K, 2) in the fixed point of OpenCV's drawing."""
    return np.round(np.asarray(points) * 2**_SHIFT).astype(np.int32)
