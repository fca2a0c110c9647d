"""Pictures of more than 8 bits come out as the same scene in 8 bits does."""

import cv2
import numpy as np
import pytest

from idennet.errors import ImageError
from idennet.media.depth import to_eight_bits
from idennet.media.pictures import as_frame, decode_picture

SCENE = np.random.default_rng(0).integers(0, 256, (13, 17, 3), dtype=np.uint8)
SCENE[0, 0] = 255


def in_bits(bits: int) -> np.ndarray:
    return np.round(SCENE * ((2**bits - 1) / 255)).astype(np.uint16)


@pytest.mark.parametrize("bits", [10, 12, 14])
def test_sensors_of_few_bits_in_sixteen_are_stretched_and_noted(bits: int) -> None:
    frame = as_frame(in_bits(bits))
    assert np.array_equal(frame.pixels, SCENE)
    assert frame.notes == (f"values up to {2**bits - 1} in 16 bits: read as {bits}-bit",)
    for suffix in (".png", ".tif", ".ppm"):
        encoded = cv2.imencode(suffix, in_bits(bits)[:, :, ::-1])[1].tobytes()
        frame = decode_picture(encoded)
        assert np.array_equal(frame.pixels, SCENE)
        assert frame.notes == (f"values up to {2**bits - 1} in 16 bits: read as {bits}-bit",)


def test_sixteen_bits_that_hold_eight_are_taken_as_they_are() -> None:
    frame = as_frame(SCENE.astype(np.uint16))
    assert np.array_equal(frame.pixels, SCENE)
    assert frame.notes == ("values up to 255 in 16 bits: read as 8-bit",)


def test_sixteen_full_bits_keep_their_white() -> None:
    assert np.array_equal(as_frame(in_bits(16)).pixels, SCENE)
    assert as_frame(in_bits(16)).notes == ("16-bit scaled to 8-bit",)


def test_alpha_is_scaled_on_its_own() -> None:
    alpha = np.full((13, 17, 1), 65535, np.uint16)
    assert np.array_equal(as_frame(np.concatenate([in_bits(12), alpha], axis=2)).pixels, SCENE)


def test_a_known_white_is_used() -> None:
    pixels, notes = to_eight_bits(np.array([[0, 1000]], np.uint16), white=65535)
    assert pixels.tolist() == [[0, 4]]
    assert notes == ("16-bit scaled to 8-bit",)
    assert to_eight_bits(np.array([[0, 1000]], np.uint16), white=500)[0].tolist() == [[0, 249]]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.array([[-5, 3]], np.int16), "from -5 to 3; integers must be from 0 to 65535"),
        (np.array([[0, 70000]], np.uint32), "from 0 to 70000; integers"),
        (np.array([[0, np.nan]]), "not finite"),
        (np.array([[0, 200.5]]), "divide them by 255"),
        (np.array([[0, 3000.0]]), "scale them first"),
    ],
)
def test_values_of_no_picture_are_explained(values: np.ndarray, words: str) -> None:
    with pytest.raises(ImageError, match=words):
        to_eight_bits(values)
