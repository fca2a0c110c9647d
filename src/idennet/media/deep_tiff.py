"""TIFF files of more than 8 bits or of floating-point numbers, of which Pillow reads only some right."""

from io import BytesIO
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from idennet.errors import ImageError
from idennet.media.depth import to_eight_bits

_MAX_SAMPLE_VALUE, _ORIENTATION, _ICC_PROFILE = 281, 274, 34675
_ASSOCIATED, _UNASSOCIATED = 1, 2
_MIN_IS_WHITE, _MIN_IS_BLACK, _RGB, _CMYK = 0, 1, 2, 5
_CHANNELS = {_MIN_IS_WHITE: 1, _MIN_IS_BLACK: 1, _RGB: 3, _CMYK: 4}
_SEPARATE = 2
_MOST_SAMPLES = 8
_MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}


def read_deep_tiff(data: bytes, max_pixels: int) -> tuple[Image.Image, int, tuple[str, ...]] | None:
    """Return the 8-bit picture, number of pages and notes of a deep TIFF file; None for all other TIFF files.

    Raises:
        ImageError: The picture is too large, or of a kind that is not read; the sentence lacks its subject.
    """
    import tifffile

    with tifffile.TiffFile(BytesIO(data)) as file:
        page = file.pages.first
        if page.bitspersample <= 8 or page.dtype is None or page.bitspersample in (10, 12, 14):
            return None
        if page.imagewidth * page.imagelength > max_pixels or page.samplesperpixel > _MOST_SAMPLES:
            raise too_large(page.imagewidth, page.imagelength, max_pixels)
        if page.imagedepth != 1:
            raise ImageError(f"is a TIFF of {page.imagedepth} layers in depth; save it as a flat picture.")
        white = page.tags.valueof(_MAX_SAMPLE_VALUE)
        pixels, notes = to_eight_bits(
            _values(page, data),
            max(white) if isinstance(white, tuple) else white or None,
            alpha=_alpha(page) is not None,
        )
        image = _image(page, pixels)
        image.info["icc_profile"] = page.tags.valueof(_ICC_PROFILE)
        image.getexif()[_ORIENTATION] = page.tags.valueof(_ORIENTATION, 1)
        return image, len(file.pages), notes


def too_large(width: int, height: int, max_pixels: int) -> ImageError:
    """Return the error of a picture with more pixels than are read."""
    return ImageError(
        f"has {width} x {height} pixels; at most {max_pixels // 1_000_000} megapixels are read, "
        "make it smaller first."
    )


def _values(page: Any, data: bytes) -> NDArray[np.generic]:
    """Return (H, W, C) values as stored, alpha last where there is one."""
    colours = _CHANNELS.get(page.photometric)
    if colours is None or page.samplesperpixel < colours:
        raise ImageError(
            f"is a {page.bitspersample}-bit TIFF with colours of the kind {_name(page.photometric)}, "
            "which is not read; save it as RGB."
        )
    planar = page.planarconfig == _SEPARATE and page.samplesperpixel > 1
    values = _decoded(page, data, planar)
    if planar:
        values = np.moveaxis(values, 0, -1)
    values = values.reshape(*values.shape[:2], -1)
    if values.shape != (page.imagelength, page.imagewidth, page.samplesperpixel):
        raise ImageError(f"is a TIFF of shape {values.shape}, which is not read; save it as a flat picture.")
    return values[:, :, : colours + (_alpha(page) is not None)]


def _decoded(page: Any, data: bytes, planar: bool) -> NDArray[np.generic]:
    """Decode with tifffile, or with OpenCV where that lacks the compression."""
    try:
        return np.asarray(page.asarray(maxworkers=1))
    except (ValueError, KeyError) as error:
        if "imagecodecs" not in str(error):
            raise
        values = None if planar else cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
        if values is None or values.dtype != page.dtype:
            layout = "planar " if planar else ""
            raise ImageError(
                f"is a {layout}{page.bitspersample}-bit TIFF with {_name(page.compression)} compression, "
                "which is not read; save it without compression."
            ) from error
        return values if values.ndim == 2 else values[:, :, [2, 1, 0, *range(3, values.shape[2])]]


def _name(code: Any) -> str:
    """Return the name of a TIFF code, or its number where tifffile knows none."""
    return str(getattr(code, "name", code))


def _image(page: Any, pixels: NDArray[np.uint8]) -> Image.Image:
    """Return (H, W, C) pixels as a picture without associated alpha, black at 0."""
    height, width, channels = pixels.shape
    alpha = _alpha(page)
    if page.photometric == _MIN_IS_WHITE:
        pixels[:, :, 0] = 255 - pixels[:, :, 0]
    mode = "CMYK" if page.photometric == _CMYK else _MODES[channels]
    if alpha == _ASSOCIATED:
        return Image.frombytes(mode.replace("A", "a"), (width, height), pixels.tobytes()).convert(mode)
    return Image.frombytes(mode, (width, height), pixels.tobytes())


def _alpha(page: Any) -> int | None:
    """Return the kind of alpha that follows the colours, or None."""
    first = int(page.extrasamples[0]) if page.extrasamples else None
    kinds = (_ASSOCIATED, _UNASSOCIATED)
    return first if first in kinds and page.photometric != _CMYK else None
