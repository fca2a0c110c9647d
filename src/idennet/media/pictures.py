"""Reading pictures of every usual kind into RGB, and finding them in folders.

Whatever Pillow calls it, a picture becomes (H, W, 3) uint8 RGB, upright, on white where it is transparent.
What was changed on the way stands in the notes; what cannot be read raises `ImageError` with one sentence.
"""

import glob
import io
import os
import struct
import threading
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from idennet.errors import ImageError, InputError, ShapeError
from idennet.media.frame import Frame

MAX_PIXELS = 200_000_000
"""Larger pictures are refused before they are decoded: a few bytes can claim any size."""

SUFFIXES = frozenset(
    [
        *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".gif", ".webp", ".tif", ".tiff"),
        *(".bmp", ".dib", ".ppm", ".pgm", ".pbm", ".pnm", ".heic", ".heif"),
    ]
)
"""Files that count as pictures in folders; HEIC is listed so that its refusal is seen, not missed."""

_VIDEO_SUFFIXES = frozenset(
    [".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".wmv", ".mpg", ".mpeg", ".mts"]
)
_FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP", "DIB", "PPM")
_HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"heim", b"mif1", b"msf1", b"avif", b"avis")
_SEVERAL = {"GIF": "animated", "WEBP": "animated", "PNG": "animated", "TIFF": "several pages"}
# What Pillow's decoders raise for damaged files; UnidentifiedImageError is an OSError.
_DECODING_ERRORS = (
    *(OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, struct.error, zlib.error),
    Image.DecompressionBombError,
)

_pillow_limit = threading.Lock()
Value = TypeVar("Value")


def read_picture(path: str | Path) -> Frame:
    """Read a JPEG, PNG, GIF, WebP, TIFF, BMP or PPM file of any colour mode and depth.

    Raises:
        ImageError: The file is missing, no picture, damaged, truncated, too large or of another format.
    """
    file = Path(path)
    if file.is_dir():
        raise ImageError(f"{file} is a folder, not a picture.")
    if not file.exists():
        raise ImageError(f"{file} does not exist.")
    if not file.is_file():
        raise ImageError(f"{file} is not a regular file.")
    try:
        with file.open("rb") as stream:
            start = stream.read(16)
    except OSError as error:
        raise ImageError(f"{file} cannot be opened: {error.strerror}.") from error
    if not start:
        raise ImageError(f"{file} is empty (0 bytes).")
    if file.suffix.lower() in _VIDEO_SUFFIXES:
        raise ImageError(f"{file} is a video, which is not read; save frames of it as pictures first.")
    if start[4:8] == b"ftyp" and start[8:12] in _HEIF_BRANDS:
        raise ImageError(f"{file} is a HEIC or AVIF picture, which is not supported; save it as JPEG or PNG.")

    pixels, notes = _read(file, file)
    return Frame(pixels, str(file), file, notes=notes)


def decode_picture(encoded: bytes, name: str = "picture 1") -> Frame:
    """Return the picture of an encoded file (JPEG, PNG, ...) that is in memory, under this name.

    Raises:
        ImageError: As for `read_picture`.
    """
    pixels, notes = _read(io.BytesIO(encoded), "The encoded picture")
    return Frame(pixels, name, notes=notes)


def as_frame(source: object, number: int = 1) -> Frame:
    """Return a `Frame` for a path, a PIL image, or an array.

    Args:
        source: A path; a PIL image; an array (H, W), (H, W, 1), (H, W, 3) RGB or (H, W, 4) RGBA of uint8,
            uint16 or float in [0, 1]; or a `Frame`, which is returned as it is.
        number: Names what has no path: "picture 3".

    Raises:
        ImageError: The file or PIL image cannot be read.
        ShapeError: The array has another shape or type.
        InputError: Float values outside [0, 1], or `source` is none of the above.
    """
    if isinstance(source, Frame):
        return source
    if isinstance(source, str | Path):
        return read_picture(source)
    if isinstance(source, Image.Image):
        image = source
        pixels, notes = _explained(lambda: _decode(image), "The PIL image")
        return Frame(pixels, f"picture {number}", notes=notes)
    if isinstance(source, np.ndarray):
        pixels, notes = _from_array(source)
        return Frame(pixels, f"picture {number}", notes=notes)
    raise InputError(
        f"A picture must be a path, a PIL image or a NumPy array (H, W, 3), not {type(source).__name__}."
    )


def find_pictures(paths_or_globs: Sequence[str | Path]) -> list[Path]:
    """Return the picture files that paths, folders (with all below them) and glob patterns name.

    Files named directly are kept whatever their suffix; folders and patterns give files with a suffix in
    `SUFFIXES`, without hidden ones. Sorted within each argument; a file named twice comes once.

    Raises:
        InputError: An argument names nothing.
    """
    found: dict[Path, None] = {}
    for argument in paths_or_globs:
        path = Path(argument)
        if path.is_file():
            matches = [path]
        elif path.is_dir():
            matches = _below(path)
            if not matches:
                hint = " but videos; save frames of them as pictures first" if find_videos([path]) else ""
                raise InputError(f"The folder {path} holds no pictures{hint}.")
        else:
            matches = _pictures_matching(str(argument))
            if not matches:
                raise InputError(f"No picture or folder matches {str(argument)!r}.")
        found.update(dict.fromkeys(matches))
    return list(found)


def find_videos(paths: Sequence[str | Path]) -> list[Path]:
    """Return the videos in folders (with all below them, but for hidden ones), sorted within each folder."""
    folders = [Path(path) for path in paths if Path(path).is_dir()]
    return [file for folder in folders for file in _below(folder, _VIDEO_SUFFIXES)]


def _below(folder: Path, suffixes: frozenset[str] = SUFFIXES) -> list[Path]:
    """List the files with these suffixes in a folder and its subfolders, sorted, without hidden ones."""
    files = []
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        files += [Path(parent, name) for name in names if _is_visible(name, suffixes)]
    return sorted(files)


def _pictures_matching(pattern: str) -> list[Path]:
    """List the pictures that a glob pattern matches; `**` crosses folders, a matching folder is searched."""
    files: list[Path] = []
    for match in map(Path, glob.glob(pattern, recursive=True)):  # noqa: PTH207 - takes absolute patterns too
        if match.is_dir():
            files += _below(match)
        elif _is_visible(match.name):
            files.append(match)
    return sorted(set(files))


def _is_visible(name: str, suffixes: frozenset[str] = SUFFIXES) -> bool:
    return not name.startswith(".") and Path(name).suffix.lower() in suffixes


def _read(source: Path | io.BytesIO, name: object) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Open, check the size, decode; errors speak of `name`."""
    image = _explained(lambda: _open(source), name)
    width, height = image.size
    with image:
        if width * height > MAX_PIXELS:
            raise ImageError(
                f"{name} has {width} x {height} pixels; at most {MAX_PIXELS // 1_000_000} megapixels "
                "are read, make it smaller first."
            )
        return _explained(lambda: _decode(image), name)


def _open(source: Path | io.BytesIO) -> Image.Image:
    """Open without decoding, under our limit of pixels instead of Pillow's lower one."""
    with _pillow_limit:
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            return Image.open(source, formats=_FORMATS)
        finally:
            Image.MAX_IMAGE_PIXELS = limit


def _explained(step: Callable[[], Value], name: object) -> Value:
    """Run a step of reading and turn what Pillow raises into one sentence about `name`."""
    try:
        return step()
    except ImageError as error:
        raise ImageError(f"{name} {error}") from error
    except UnidentifiedImageError as error:
        raise ImageError(
            f"{name} is not a picture that can be read; JPEG, PNG, GIF, WebP, TIFF, BMP and PPM can."
        ) from error
    except MemoryError as error:
        raise ImageError(f"{name} needs more memory than there is; make it smaller first.") from error
    except _DECODING_ERRORS as error:
        detail = str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
        raise ImageError(f"{name} is damaged or incomplete ({detail}).") from error


def _decode(image: Image.Image) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Return pixels and notes of an opened picture."""
    notes = []
    frames = getattr(image, "n_frames", 1)
    if frames > 1 and image.format in _SEVERAL:
        unit = "pages" if image.format == "TIFF" else "frames"
        notes.append(f"{_SEVERAL[image.format]}: first of {frames} {unit} used")
    image.load()
    image = ImageOps.exif_transpose(image)

    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        grey, note = _deep_grey(np.asarray(image))
        return np.repeat(grey[:, :, None], 3, axis=2), (*notes, note)
    if image.has_transparency_data:
        pixels = np.asarray(image.convert("RGBA"))
        if pixels[:, :, 3].min() < 255:
            notes.append("transparent parts shown on white")
        return _on_white(pixels), tuple(notes)
    return np.array(image.convert("RGB")), tuple(notes)


def _deep_grey(values: NDArray[np.generic]) -> tuple[NDArray[np.uint8], str]:
    """Scale a grey picture of more than 8 bits to 8: integers from 0 to 65535, floats from 0 to 1."""
    numbers = values.astype(np.float64)
    low, high = numbers.min(), numbers.max()
    top, depth = (1.0, "floating-point") if values.dtype.kind == "f" else (65535.0, "16-bit")
    if not (low >= 0 and high <= top):
        raise ImageError(
            f"has grey values from {low:g} to {high:g}, but {depth} pictures go from 0 to {top:g}."
        )
    return np.round(numbers * (255 / top)).astype(np.uint8), f"{depth} scaled to 8-bit"


def _from_array(array: NDArray[np.generic]) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Check and convert an array of the kinds that `as_frame` names."""
    shape_is_known = array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (1, 3, 4))
    if not shape_is_known or array.size == 0:
        hint = "; move the channels last" if array.ndim == 3 and array.shape[0] in (1, 3, 4) else ""
        raise ShapeError(
            f"A picture must have shape (H, W), (H, W, 1), (H, W, 3) or (H, W, 4), not {array.shape}{hint}."
        )
    notes: tuple[str, ...] = ()
    if array.dtype == np.uint8:
        pixels = array.astype(np.uint8, copy=False)
    elif array.dtype == np.uint16:
        pixels = np.round(array.astype(np.float64) / 257).astype(np.uint8)
        notes = ("16-bit scaled to 8-bit",)
    elif array.dtype.kind == "f":
        values = array.astype(np.float64)
        low, high = values.min(), values.max()
        if not (low >= 0.0 and high <= 1.0):
            raise InputError(f"Float pictures must be in [0, 1], but values go from {low:g} to {high:g}.")
        pixels = np.round(values * 255).astype(np.uint8)
    else:
        raise ShapeError(f"A picture must be uint8, uint16 or float in [0, 1], not {array.dtype}.")
    if pixels.ndim == 2:
        pixels = pixels[:, :, None]
    if pixels.shape[2] == 4:
        return _on_white(pixels), notes
    if pixels.shape[2] == 1:
        pixels = np.repeat(pixels, 3, axis=2)
    return np.ascontiguousarray(pixels), notes


def _on_white(rgba: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Composite (H, W, 4) on white with exact rounding."""
    colour, alpha = rgba[:, :, :3].astype(np.uint32), rgba[:, :, 3:].astype(np.uint32)
    return ((colour * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
