"""Colours are those that the profile means, in sRGB."""

import io

import numpy as np
import pytest
from PIL import Image, ImageCms

from icc_profiles import P3, SRGB, profile
from idennet.media.pictures import as_frame, decode_picture

MODERATE = np.random.default_rng(0).integers(60, 190, (13, 17, 3), dtype=np.uint8)


def to_srgb(pixels: np.ndarray, primaries: np.ndarray, gamma: float) -> np.ndarray:
    linear = (pixels / 255) ** gamma @ np.linalg.solve(SRGB, primaries).T
    linear = np.clip(linear, 0, 1)
    return 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def png(image: Image.Image, icc: bytes) -> bytes:
    encoded = io.BytesIO()
    image.save(encoded, "PNG", icc_profile=icc)
    return encoded.getvalue()


def test_a_wide_profile_is_converted() -> None:
    frame = decode_picture(png(Image.fromarray(MODERATE), profile("Display P3")))
    wanted = to_srgb(MODERATE, P3, 2.2)
    assert np.abs(wanted - MODERATE).max() > 20
    assert np.abs(frame.pixels - wanted).max() < 2
    assert frame.notes == ("colours converted to sRGB from Display P3",)


def test_deep_pictures_and_pil_images_are_converted_too() -> None:
    wide = profile("Display P3")
    wanted = decode_picture(png(Image.fromarray(MODERATE), wide)).pixels
    image = Image.fromarray(MODERATE)
    image.info["icc_profile"] = wide
    assert np.array_equal(as_frame(image).pixels, wanted)
    tagged = io.BytesIO()
    image.save(tagged, "TIFF", icc_profile=wide)
    assert np.array_equal(decode_picture(tagged.getvalue()).pixels, wanted)


def test_grey_profiles_are_converted() -> None:
    grey = MODERATE[:, :, 0]
    frame = decode_picture(png(Image.fromarray(grey), profile("Grey gamma 1.0", b"GRAY", gamma=1.0)))
    wanted = to_srgb(np.dstack([grey] * 3), SRGB, 1.0)
    assert np.abs(frame.pixels - wanted).max() < 2
    assert frame.notes == ("colours converted to sRGB from Grey gamma 1.0",)


def test_transparent_parts_stay_white_after_conversion() -> None:
    image = Image.fromarray(MODERATE)
    image.putalpha(Image.fromarray(np.where(np.arange(17) < 8, 0, 255).astype(np.uint8)[None].repeat(13, 0)))
    frame = decode_picture(png(image, profile("Display P3")))
    assert (frame.pixels[:, :8] == 255).all()
    assert np.abs(frame.pixels[:, 8:] - to_srgb(MODERATE, P3, 2.2)[:, 8:]).max() < 2


@pytest.mark.parametrize("name", ["sRGB IEC61966-2.1", "sRGB built-in"])
def test_srgb_is_left_alone(name: str) -> None:
    frame = decode_picture(png(Image.fromarray(MODERATE), profile(name, primaries=SRGB)))
    assert np.array_equal(frame.pixels, MODERATE)
    assert frame.notes == ()


@pytest.mark.parametrize(
    ("icc", "note"),
    [
        (b"no profile at all", "damaged colour profile ignored"),
        (profile("Display P3")[:300], "damaged colour profile ignored"),
        (profile("Grey", b"GRAY"), "colour profile Grey ignored, since the picture is RGB"),
    ],
)
def test_profiles_that_do_not_fit_are_ignored_with_a_note(icc: bytes, note: str) -> None:
    frame = decode_picture(png(Image.fromarray(MODERATE), icc))
    assert np.array_equal(frame.pixels, MODERATE)
    assert frame.notes == (note,)


def test_cmyk_says_that_no_profile_was_used() -> None:
    encoded = io.BytesIO()
    Image.new("CMYK", (8, 8), (255, 0, 0, 0)).save(encoded, "TIFF")
    frame = decode_picture(encoded.getvalue())
    assert (frame.pixels == [0, 255, 255]).all()
    assert frame.notes == ("CMYK converted to RGB without a colour profile",)


def test_lab_is_converted() -> None:
    transform = ImageCms.buildTransform(
        ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB"
    )
    encoded = io.BytesIO()
    ImageCms.applyTransform(Image.fromarray(MODERATE), transform).save(encoded, "TIFF")
    frame = decode_picture(encoded.getvalue())
    assert np.abs(frame.pixels.astype(int) - MODERATE).mean() < 1  # what 8 bits of LAB keep
    assert frame.notes == ("LAB converted to RGB",)
