"""Reading one picture, from wherever it is, into a `Frame`.

Whatever Pillow calls it, a picture becomes (H, W, 3) uint8 sRGB, upright, on white where it is transparent.
What was changed on the way stands in the notes; what cannot be read raises `ImageError` with one sentence.
"""

import os
import stat
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from idennet.errors import ImageError, InputError, ShapeError
from idennet.media.colour import to_srgb
from idennet.media.decode import MAX_PIXELS, Decoded, decode, decode_image, explained
from idennet.media.depth import to_eight_bits
from idennet.media.frame import Frame
from idennet.media.kinds import OTHER, REASONS
from idennet.media.names import text_of

MAX_BYTES = 2**31
"""Larger files are refused before they are read."""

_CHANNELS = (1, 3, 4)


def read_picture(path: str | os.PathLike[str]) -> Frame:
    """Read a picture file of any colour mode and depth; docs/pictures.md lists the formats.

    Raises:
        ImageError: The file is missing, no picture, damaged, truncated, too large or of another format.
    """
    file = Path(path)
    name = text_of(file)
    state = check_file(file)
    reason = REASONS.get(file.suffix.lower(), OTHER)
    if reason != OTHER:  # what raw files and videos begin with may look like a picture, but is not
        raise ImageError(f"{name} is not read: {reason}.")
    if state.st_size > MAX_BYTES:
        raise ImageError(f"{name} has {state.st_size:,} bytes; at most 2 GB are read, make it smaller first.")
    try:
        data = file.read_bytes()
    except OSError as error:
        raise _not_opened(name, error) from error
    pixels, notes = decode(data, name)
    return Frame(pixels, name, file, notes=notes)


def check_file(file: Path) -> os.stat_result:
    """Return the state of a file that can be read.

    Raises:
        ImageError: It does not exist, is a folder, or is otherwise no file.
    """
    name = text_of(file)
    try:
        state = file.stat()
    except FileNotFoundError as error:
        raise ImageError(f"{name} does not exist.") from error
    except (OSError, ValueError) as error:
        raise _not_opened(name, error) from error
    if stat.S_ISDIR(state.st_mode):
        raise ImageError(f"{name} is a folder, not a picture.")
    if not stat.S_ISREG(state.st_mode):
        raise ImageError(f"{name} is not a regular file.")
    return state


def decode_picture(encoded: bytes, name: str = "picture 1", max_pixels: int = MAX_PIXELS) -> Frame:
    """Return the picture of an encoded file (JPEG, PNG, ...) that is in memory, under this name.

    Args:
        encoded: The file.
        name: What to call it.
        max_pixels: A picture that claims more is refused before it is decoded.

    Raises:
        ImageError: As for `read_picture`.
    """
    pixels, notes = decode(encoded, name, max_pixels)
    return Frame(pixels, name, notes=notes)


def is_picture(source: object) -> bool:
    """Say whether `as_frame` takes an object as one picture, rather than as a collection of several."""
    single = str | os.PathLike | bytes | bytearray | memoryview | Frame | Image.Image | np.ndarray
    return source is None or isinstance(source, single) or _is_open_file(source) or _is_tensor(source)


def as_frame(source: object, number: int = 1) -> Frame:
    """Return a `Frame` for whatever a Python program holds a picture in.

    Args:
        source: A path; the bytes of a picture file, or the file open for binary reading; a PIL image; an
            array (H, W), (H, W, 1), (H, W, 3) RGB or (H, W, 4) RGBA of uint8, uint16 or float in [0, 1]; a
            tensor of the same kinds, with the channels first or last; or a `Frame`, which is returned as it
            is.
        number: Names what has no path: "picture 3".

    Raises:
        ImageError: The picture cannot be read, or its values are not those of a picture.
        ShapeError: The array has another shape or type.
        InputError: `source` is none of the above.
    """
    name = f"picture {number}"
    if isinstance(source, Frame):
        return source
    if isinstance(source, str | os.PathLike):
        return read_picture(source)
    if isinstance(source, bytes | bytearray | memoryview):
        return decode_picture(bytes(source), name)
    if isinstance(source, Image.Image):
        pixels, notes = decode_image(source, name)
        return Frame(pixels, name, notes=notes)
    if source is None:
        raise ImageError(f"{name} is None; cv2.imread returns None for a file that it cannot read.")
    if _is_open_file(source):
        return decode_picture(_bytes_of(source, name), name)
    if isinstance(source, np.ndarray) or _is_tensor(source):
        pixels, notes = _from_array(_array_of(source, name), name)
        return Frame(pixels, name, notes=notes)
    raise InputError(
        "A picture must be a path, the bytes of a file, an open file, a PIL image, an array (H, W, 3) or a "
        f"tensor (3, H, W), not {type(source).__name__}."
    )


def _not_opened(name: str, error: Exception) -> ImageError:
    reason = error.strerror if isinstance(error, OSError) else error
    return ImageError(f"{name} cannot be opened: {reason}.")


def _is_open_file(source: object) -> bool:
    return callable(getattr(source, "read", None))


def _is_tensor(source: object) -> bool:
    """Say whether something is an array of another library, such as PyTorch, without importing it."""
    return hasattr(source, "__array__") and getattr(source, "ndim", 0) >= 2


def _bytes_of(file: Any, name: str) -> bytes:
    """Return all that an open file holds, from its start where it can go back."""
    try:
        if hasattr(file, "seek") and getattr(file, "seekable", lambda: True)():
            file.seek(0)
        data = file.read()
    except (OSError, ValueError) as error:  # a closed file raises ValueError
        raise _not_opened(name, error) from error
    if not isinstance(data, bytes | bytearray):
        raise InputError(
            f'{name} gives {type(data).__name__} when read, not bytes; open a file with open(path, "rb").'
        )
    return bytes(data)


def _array_of(source: Any, name: str) -> NDArray[np.generic]:
    """Return an array with the channels last; those of a tensor may come first."""
    if isinstance(source, np.ndarray):
        return source
    try:
        if hasattr(source, "detach"):  # PyTorch: from any device, and NumPy has no bfloat16
            source = source.detach().cpu()
            source = source.float() if source.is_floating_point() else source
        array = np.asarray(source)
    except Exception as error:  # of another library, for example one that keeps its arrays on a GPU
        raise InputError(f"{name} is no array that can be read ({error}); convert it with NumPy.") from error
    first = array.ndim == 3 and array.shape[0] in _CHANNELS and array.shape[2] not in _CHANNELS
    return np.moveaxis(array, 0, 2) if first else array


def _from_array(array: NDArray[np.generic], name: str) -> Decoded:
    """Check and convert an array of the kinds that `as_frame` names."""
    if array.ndim == 4:
        raise ShapeError(
            f"{name} is an array of {len(array)} pictures {array.shape[1:]}; give them one by one, as a list."
        )
    shape_is_known = array.ndim == 2 or (array.ndim == 3 and array.shape[2] in _CHANNELS)
    if not shape_is_known or array.size == 0:
        first = array.ndim == 3 and array.shape[0] in _CHANNELS
        raise ShapeError(
            f"{name} must have shape (H, W), (H, W, 1), (H, W, 3) or (H, W, 4), not {array.shape}"
            f"{'; move the channels last' if first else ''}."
        )
    if array.dtype.newbyteorder("=") not in (np.uint8, np.uint16) and array.dtype.kind != "f":
        raise ShapeError(f"{name} must be uint8, uint16 or float in [0, 1], not {array.dtype}; convert it.")
    alpha = array.ndim == 3 and array.shape[2] == 4
    pixels, notes = explained(lambda: to_eight_bits(array, alpha=alpha), name)
    if alpha:
        pixels, more = to_srgb(Image.fromarray(pixels))
        return pixels, (*notes, *more)
    if pixels.ndim == 2:
        pixels = pixels[:, :, None]
    if pixels.shape[2] == 1:
        pixels = np.repeat(pixels, 3, axis=2)
    return np.ascontiguousarray(pixels), notes
