"""TIFF files of every layout come out as the scene they were written from, or say what they are."""

import io
import struct

import cv2
import numpy as np
import pytest
import tifffile

from idennet.errors import ImageError
from idennet.media.pictures import decode_picture

SCENE = np.random.default_rng(0).integers(0, 256, (24, 32, 3), dtype=np.uint8)
SCENE[0, :2] = [[0] * 3, [255] * 3]
DEEP = SCENE.astype(np.uint16) * 257


def tiff(values: np.ndarray, **options: object) -> bytes:
    encoded = io.BytesIO()
    tifffile.imwrite(encoded, values, **options)
    return encoded.getvalue()


def test_many_layers_in_depth_are_refused_before_they_are_decoded() -> None:
    layers = np.zeros((4, 16, 16), np.uint16)
    with pytest.raises(ImageError, match="is a TIFF of 4 layers in depth"):
        decode_picture(tiff(layers, volumetric=True, tile=(4, 16, 16), photometric="minisblack"))


def first(values: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(np.moveaxis(values, 2, 0))


@pytest.mark.parametrize("values", [SCENE, DEEP, (DEEP / 65535).astype(np.float32), DEEP / 65535])
@pytest.mark.parametrize("options", [{}, {"compression": "zlib"}, {"byteorder": ">"}])
@pytest.mark.parametrize("planar", [False, True])
def test_colours_of_every_depth_and_layout(values: np.ndarray, options: dict, planar: bool) -> None:
    layout = {"planarconfig": "separate", "tile": (16, 16)} if planar else {}
    encoded = tiff(first(values) if planar else values, photometric="rgb", **options, **layout)
    assert np.array_equal(decode_picture(encoded).pixels, SCENE)


@pytest.mark.parametrize("values", [SCENE, DEEP])
@pytest.mark.parametrize("planar", [False, True])
def test_differences_between_neighbours(values: np.ndarray, planar: bool) -> None:
    layout = {"planarconfig": "separate"} if planar else {}
    options = {"photometric": "rgb", "compression": "zlib", "predictor": True}
    encoded = tiff(first(values) if planar else values, **options, **layout)
    assert np.array_equal(decode_picture(encoded).pixels, SCENE)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_white_may_be_zero(kind: type, compression: str | None) -> None:
    grey = SCENE[:, :, 0]
    white = {np.uint8: 255, np.uint16: 65535, np.float32: 1.0}[kind]
    values = (white - grey.astype(np.float64) * (white / 255)).astype(kind)
    frame = decode_picture(tiff(values, photometric="miniswhite", compression=compression))
    assert np.array_equal(frame.pixels, np.dstack([grey] * 3))


@pytest.mark.parametrize("values", [DEEP, (DEEP / 65535).astype(np.float32)])
@pytest.mark.parametrize("predictor", [1, 2, 3])
def test_lzw_of_many_bits(values: np.ndarray, predictor: int) -> None:
    if values.dtype == np.uint16 and predictor == 3:  # for floating-point numbers only
        predictor = 2
    options = [cv2.IMWRITE_TIFF_COMPRESSION, 5, cv2.IMWRITE_TIFF_PREDICTOR, predictor]
    encoded = cv2.imencode(".tif", values[:, :, ::-1], options)[1].tobytes()
    assert np.array_equal(decode_picture(encoded).pixels, SCENE)


@pytest.mark.parametrize("extra", ["unassalpha", "assocalpha"])
def test_alpha_of_sixteen_bits_is_shown_on_white(extra: str) -> None:
    alpha = np.full((24, 32, 1), 65535, np.uint16)
    alpha[:12] = 0
    colours = DEEP * (alpha > 0) if extra == "assocalpha" else DEEP
    frame = decode_picture(
        tiff(
            np.concatenate([colours, alpha], axis=2).astype(np.uint16),
            photometric="rgb",
            extrasamples=[extra],
        )
    )
    assert (frame.pixels[:12] == 255).all()
    assert np.array_equal(frame.pixels[12:], SCENE[12:])


def test_further_channels_are_no_alpha() -> None:
    infrared = np.zeros((24, 32, 1), np.uint16)
    encoded = tiff(np.concatenate([DEEP, infrared], axis=2), photometric="rgb", extrasamples=["unspecified"])
    assert np.array_equal(decode_picture(encoded).pixels, SCENE)


def test_orientation_of_a_deep_picture_is_undone() -> None:
    stored = np.ascontiguousarray(np.rot90(DEEP))
    encoded = tiff(stored, photometric="rgb", extratags=[(274, "H", 1, 6, True)])
    assert np.array_equal(decode_picture(encoded).pixels, SCENE)


def test_a_stated_white_counts() -> None:
    dark = np.full((5, 5), 1000, np.uint16)
    encoded = tiff(dark, photometric="minisblack", extratags=[(281, "H", 1, 65535, True)])
    assert (decode_picture(encoded).pixels == 4).all()


def test_twelve_packed_bits() -> None:
    grey = SCENE[:, :, 0]
    bits = np.unpackbits(np.round(grey * (4095 / 255)).astype(">u2").view(np.uint8)).reshape(24, 32, 16)
    strip = np.packbits(bits[:, :, 4:]).tobytes()
    tags = [(256, 4, 32), (257, 4, 24), (258, 3, 12), (259, 3, 1), (262, 3, 1), (273, 4, 8), (277, 3, 1)]
    tags += [(278, 4, 24), (279, 4, len(strip))]
    directory = struct.pack("<H", len(tags))
    directory += b"".join(struct.pack("<HHII", code, kind, 1, value) for code, kind, value in tags)
    encoded = b"II*\0" + struct.pack("<I", 8 + len(strip)) + strip + directory + bytes(4)
    assert np.array_equal(decode_picture(encoded).pixels, np.dstack([grey] * 3))


def test_pages_are_counted_in_deep_files_too() -> None:
    frame = decode_picture(tiff(np.stack([DEEP] * 3), photometric="rgb"))
    assert frame.notes == ("several pages: first of 3 pages used", "16-bit scaled to 8-bit")


@pytest.mark.parametrize(
    ("encoded", "words"),
    [
        (tiff(DEEP, photometric="cielab"), "16-bit TIFF with colours of the kind CIELAB, which is not read"),
        (tiff(DEEP.astype(np.float32), photometric="rgb"), "has values from 0 to 65535; floating-point"),
        (tiff(DEEP.astype(np.uint32) * 9, photometric="rgb"), "has values from 0 to 589815; integers"),
        (
            tiff(
                np.zeros((4, 6, 8), np.uint16), photometric="minisblack", volumetric=True, tile=(16, 16, 16)
            ),
            "4 layers in depth",
        ),
    ],
)
def test_what_is_not_read_is_said_truly(encoded: bytes, words: str) -> None:
    with pytest.raises(ImageError, match=words):
        decode_picture(encoded)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_a_cut_deep_file_is_refused(share: float, compression: str | None) -> None:
    large = np.random.default_rng(1).integers(0, 65536, (64, 64, 3), dtype=np.uint16)
    encoded = tiff(large, photometric="rgb", compression=compression, rowsperstrip=8)
    with pytest.raises(ImageError):
        decode_picture(encoded[: int(len(encoded) * share)])


def test_a_claimed_size_is_refused_before_decoding() -> None:
    encoded = bytearray(tiff(DEEP, photometric="rgb"))
    with tifffile.TiffFile(io.BytesIO(bytes(encoded))) as file:
        places = [file.pages.first.tags[name].valueoffset for name in ("ImageWidth", "ImageLength")]
    for place in places:
        encoded[place : place + 4] = struct.pack("<I", 60000)
    with pytest.raises(ImageError, match="60000 x 60000 pixels; at most 200 megapixels"):
        decode_picture(bytes(encoded))
