"""Reading the tensors of a `.caffemodel`: protocol buffers without their library, and nothing is executed.

Only what tensors need is read: the layers of a `NetParameter` with their names and blobs, in the current form
(`layer`) and in the one of 2014 (`layers`), in which the Lightened CNN was released.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from idennet.errors import WeightsError

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_LAYER, _LAYER_2014 = 100, 2
_NAME_AND_BLOBS = {_LAYER: (1, 7), _LAYER_2014: (4, 6)}
_OLD_SHAPE, _DATA, _SHAPE, _DOUBLES = (1, 2, 3, 4), 5, 7, 8

Field = tuple[int, int | memoryview]
"""Number of a field and its value: an integer, or the bytes of everything that is not one."""


def read_caffemodel(path: Path) -> dict[str, list[NDArray[np.float32]]]:
    """Return the tensors of every layer that has any, by the layer's name: weights first, then biases.

    Shapes are those of the file; files of 2014 have four dimensions everywhere, with leading ones.

    Raises:
        WeightsError: The file is missing, truncated or no caffemodel, or a shape and its values disagree.
    """
    if not path.is_file():
        raise WeightsError(f"There is no {path}; give a .caffemodel file.")
    layers = {}
    try:
        for number, value in _fields(memoryview(path.read_bytes())):
            if number in _NAME_AND_BLOBS and isinstance(value, memoryview):
                name, blobs = _layer(value, *_NAME_AND_BLOBS[number])
                if blobs:
                    layers[name] = blobs
    except (IndexError, UnicodeDecodeError, ValueError) as error:
        raise WeightsError(f"{path} is damaged or no caffemodel: {error}; get the file anew.") from error
    if not layers:
        raise WeightsError(f"{path} holds no layer with tensors; give a trained .caffemodel file.")
    return layers


def _layer(message: memoryview, name_field: int, blobs_field: int) -> tuple[str, list[NDArray[np.float32]]]:
    name, blobs = "", []
    for number, value in _fields(message):
        if isinstance(value, memoryview):
            if number == name_field:
                name = bytes(value).decode()
            elif number == blobs_field:
                blobs.append(_blob(value))
    return name, blobs


def _blob(message: memoryview) -> NDArray[np.float32]:
    old_shape, shape, floats, doubles = [1, 1, 1, 1], None, bytearray(), bytearray()
    for number, value in _fields(message):
        if number in _OLD_SHAPE and isinstance(value, int):
            old_shape[number - 1] = value
        elif isinstance(value, memoryview):
            if number == _SHAPE:
                shape = _dimensions(value)
            elif number == _DATA:
                floats += value  # a packed list or a single number: the same bytes one after the other
            elif number == _DOUBLES:
                doubles += value
    values = np.frombuffer(doubles, "<f8") if doubles else np.frombuffer(floats, "<f4")
    return values.astype(np.float32).reshape(old_shape if shape is None else shape)


def _dimensions(message: memoryview) -> list[int]:
    """Return the dimensions of a `BlobShape`, which may be packed or not."""
    dimensions = []
    for number, value in _fields(message):
        if number != 1:
            continue
        if isinstance(value, int):
            dimensions.append(value)
            continue
        position = 0
        while position < len(value):
            dimension, position = _varint(value, position)
            dimensions.append(dimension)
    return dimensions


def _fields(message: memoryview) -> Iterator[Field]:
    """Yield the fields of a message of the wire format.

    Raises:
        IndexError: The message ends within a number.
        ValueError: It ends within a value, or has a kind of value that the format does not know.
    """
    position = 0
    while position < len(message):
        key, position = _varint(message, position)
        number, kind = key >> 3, key & 7
        if kind == _VARINT:
            value, position = _varint(message, position)
            yield number, value
            continue
        if kind == _BYTES:
            length, position = _varint(message, position)
        elif kind in (_FIXED32, _FIXED64):
            length = 4 if kind == _FIXED32 else 8
        else:
            raise ValueError(f"unknown wire type {kind}")
        if number == 0 or position + length > len(message):
            raise ValueError(f"field {number} of {length} bytes does not end within its message")
        yield number, message[position : position + length]
        position += length


def _varint(message: memoryview, position: int) -> tuple[int, int]:
    """Return the integer at `position` and the position after it: 7 bits a byte, the lowest first."""
    value = 0
    for shift in range(0, 64, 7):
        byte = message[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    raise ValueError("a number has more than 64 bits")
