"""Encoded pictures become pixels: RGB, upright, 8 bits, sRGB, on white, with notes on what was changed."""

import re
import struct
import threading
from collections.abc import Callable
from io import BytesIO
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from idennet.errors import ImageError
from idennet.media.colour import to_srgb
from idennet.media.cut_jpeg import read_cut_jpeg
from idennet.media.deep_tiff import read_deep_tiff, too_large
from idennet.media.depth import to_eight_bits
from idennet.media.kinds import FORMATS, READ, kind_not_read

MAX_PIXELS = 200_000_000
"""Larger pictures are refused before they are decoded: a few bytes can claim any size."""

Decoded = tuple[NDArray[np.uint8], tuple[str, ...]]
"""(H, W, 3) uint8 RGB pixels, and notes."""

_SEVERAL = {
    "GIF": ("animated", "frames"),
    "WEBP": ("animated", "frames"),
    "PNG": ("animated", "frames"),
    "AVIF": ("animated", "frames"),
    "TIFF": ("several pages", "pages"),
    "MPO": ("several views", "pictures"),
}
_TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_PNG_START = b"\x89PNG\r\n\x1a\n"
_PNG_TEXTS = (b"tEXt", b"zTXt", b"iTXt")
_DEEP_PPM = re.compile(rb"P6\s(?:\s|#[^\n]*\n)*\d+\s+\d+\s+65535\s")
_BITS_PER_SAMPLE, _ORIENTATION = 258, 274
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

_pillow_limit = threading.Lock()
Value = TypeVar("Value")


def decode(data: bytes, name: str, max_pixels: int = MAX_PIXELS) -> Decoded:
    """Return the pixels of an encoded picture, unless it has more than `max_pixels`.

    Raises:
        ImageError: It cannot be read; the sentence begins with `name`.
    """
    if not data:
        raise ImageError(f"{name} is empty (0 bytes).")
    if kind := kind_not_read(data[:64]):
        raise ImageError(f"{name} is {kind}, which is not supported; save it as JPEG or PNG.")
    return explained(lambda: _decode(data, max_pixels), name)


def decode_image(image: Image.Image, name: str) -> Decoded:
    """Return the pixels of a PIL image, at the frame that it is at.

    Raises:
        ImageError: It cannot be read; the sentence begins with `name`.
    """

    def pixels_of() -> Decoded:
        notes = _several(image.format, getattr(image, "n_frames", 1), image.tell())
        image.load()
        pixels, more = _finished(image)
        return pixels, (*notes, *more)

    return explained(pixels_of, name)


def explained(step: Callable[[], Value], name: str) -> Value:
    """Run a step of reading and turn whatever a decoder raises into one sentence about `name`.

    Raises:
        ImageError: The step failed.
    """
    try:
        return step()
    except ImageError as error:
        raise ImageError(f"{name} {error}") from error
    except UnidentifiedImageError as error:
        raise ImageError(f"{name} is not a picture, or a damaged one; {READ} are read.") from error
    except MemoryError as error:
        raise ImageError(f"{name} needs more memory than there is; make it smaller first.") from error
    except Exception as error:  # damaged files make decoders raise errors of any kind
        detail = str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
        raise ImageError(f"{name} is damaged or incomplete ({detail}).") from error


def _decode(data: bytes, max_pixels: int) -> Decoded:
    try:
        if data.startswith(_TIFF_STARTS) and (deep := read_deep_tiff(data, max_pixels)):
            image, pages, notes = deep
            pixels, more = _finished(image)
            return pixels, (*_several("TIFF", pages), *notes, *more)
        return _decode_by_pillow(data, max_pixels)
    except UnidentifiedImageError as error:
        if not data.startswith(_TIFF_STARTS):
            raise
        raise ImageError(
            "is a damaged TIFF, or one of a kind that is not read; save it as an RGB TIFF of 8 or 16 bits."
        ) from error
    except ValueError as error:
        if data.startswith(_PNG_START) and "text" in str(error).lower():  # too large for Pillow
            return _decode_by_pillow(_without_texts(data), max_pixels)
        raise


def _decode_by_pillow(data: bytes, max_pixels: int) -> Decoded:
    with _open(data) as image:
        width, height = image.size
        if width * height > max_pixels:
            raise too_large(width, height, max_pixels)
        several = _several(image.format, getattr(image, "n_frames", 1))
        whole, repaired = _loaded(image, data)
        pixels, changed = _finished(whole, _white(image))
        return pixels, (*several, *repaired, *changed)


def _open(data: bytes) -> Image.Image:
    """Open without decoding, under our limit of pixels instead of Pillow's lower one."""
    with _pillow_limit:
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            return Image.open(BytesIO(data), formats=FORMATS)
        finally:
            Image.MAX_IMAGE_PIXELS = limit


def _loaded(image: Image.Image, data: bytes) -> tuple[Image.Image, tuple[str, ...]]:
    """Decode; a JPEG that lacks nearly nothing is repaired, 16-bit colours of PNG and PPM keep all bits."""
    try:
        image.load()
    except OSError as error:
        if image.format not in ("JPEG", "MPO") or "truncated" not in str(error):
            raise
        repaired, note = read_cut_jpeg(data)
        repaired.info |= image.info
        return repaired, (note,)
    deep_png = image.format == "PNG" and data[24] == 16
    if image.mode in ("RGB", "RGBA", "LA") and (deep_png or _DEEP_PPM.match(data)):
        return _deep_colours(image, data)
    return image, ()


def _deep_colours(image: Image.Image, data: bytes) -> tuple[Image.Image, tuple[str, ...]]:
    """Scale colours of 16 bits, of which Pillow drops half; one transparent colour is left to Pillow."""
    values = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if values is None or values.dtype != np.uint16 or values.ndim != 3 or "transparency" in image.info:
        return image, ("16-bit scaled to 8-bit",)
    order = [2, 1, 0, 3][: values.shape[2]]
    pixels, notes = to_eight_bits(values[:, :, order], alpha=len(order) == 4)
    deep = Image.fromarray(pixels)
    deep.info |= image.info
    return deep, notes


def _finished(image: Image.Image, white: int | None = None) -> Decoded:
    """Turn a loaded picture upright and make it 8-bit sRGB.

    Args:
        image: Of any mode.
        white: The value of white in a grey picture of more than 8 bits, where it is known.
    """
    if 0 in image.size:
        raise ImageError("has no pixels.")
    image, notes = _upright(image)
    if image.mode.startswith("I") or image.mode == "F":
        grey, depth = to_eight_bits(np.asarray(image), white)
        info, image = image.info, Image.fromarray(grey)
        image.info |= {"icc_profile": info.get("icc_profile")}
        notes = (*notes, *depth)
    pixels, changed = to_srgb(image)
    return pixels, (*notes, *changed)


def _upright(image: Image.Image) -> tuple[Image.Image, tuple[str, ...]]:
    """Undo the rotation that the EXIF data tell."""
    try:
        orientation = image.getexif().get(_ORIENTATION)
    except Exception:  # EXIF data are damaged in as many ways as pictures
        return image, ("damaged EXIF data ignored",)
    turn = _TURNS.get(orientation) if isinstance(orientation, int) else None
    return (image, ()) if turn is None else (image.transpose(turn), ())


def _white(image: Image.Image) -> int | None:
    """Return the white of a TIFF that packs its values into 9 to 15 bits."""
    bits = getattr(image, "tag_v2", {}).get(_BITS_PER_SAMPLE, (8,))[0]
    return 2**bits - 1 if 8 < bits < 16 else None


def _several(kind: str | None, count: int, index: int = 0) -> tuple[str, ...]:
    """Return the note on a file with several pictures, of which one is read."""
    if count <= 1 or kind not in _SEVERAL:
        return ()
    what, unit = _SEVERAL[kind]
    chosen = "first" if index == 0 else f"number {index + 1}"
    return (f"{what}: {chosen} of {count} {unit} used",)


def _without_texts(png: bytes) -> bytes:
    """Return a PNG file without its text chunks."""
    kept, start = [_PNG_START], len(_PNG_START)
    while start + 8 <= len(png):
        size, kind = struct.unpack_from(">I4s", png, start)
        if kind not in _PNG_TEXTS:
            kept.append(png[start : start + 12 + size])
        start += 12 + size
    return b"".join(kept)
