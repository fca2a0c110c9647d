"""Two hundred broken files of each kind: a frame or one sentence, never another error."""

import io

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from idennet.errors import ImageError
from idennet.media.pictures import decode_picture

PIXELS = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
DEEP = PIXELS.astype(np.uint16) * 257


def pil(kind: str, mode: str = "RGB", **options: object) -> bytes:
    encoded = io.BytesIO()
    Image.fromarray(PIXELS).convert(mode).save(encoded, kind, **options)
    return encoded.getvalue()


def tiff(values: np.ndarray, **options: object) -> bytes:
    encoded = io.BytesIO()
    tifffile.imwrite(encoded, values, **options)
    return encoded.getvalue()


def turned() -> Image.Exif:
    exif = Image.Exif()
    exif[274] = 6
    return exif


def kinds() -> dict[str, bytes]:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    second = {"save_all": True, "append_images": [Image.fromarray(PIXELS[::-1])]}
    return {
        "JPEG": pil("JPEG"),
        "progressive JPEG with EXIF and profile": pil(
            "JPEG", progressive=True, exif=turned(), icc_profile=srgb
        ),
        "CMYK JPEG": pil("JPEG", "CMYK"),
        "MPO": pil("MPO", **second),
        "PNG": pil("PNG", exif=turned()),
        "16-bit PNG": cv2.imencode(".png", DEEP)[1].tobytes(),
        "GIF": pil("GIF", **second),
        "WebP": pil("WEBP"),
        "BMP": pil("BMP"),
        "PPM": pil("PPM"),
        "AVIF": pil("AVIF"),
        "JPEG 2000": pil("JPEG2000"),
        "TIFF": pil("TIFF"),
        "LZW TIFF": pil("TIFF", compression="tiff_lzw"),
        "16-bit TIFF": tiff(DEEP, photometric="rgb"),
        "16-bit LZW TIFF": cv2.imencode(".tif", DEEP, [cv2.IMWRITE_TIFF_COMPRESSION, 5])[1].tobytes(),
        "planar TIFF": tiff(DEEP.transpose(2, 0, 1).copy(), photometric="rgb", planarconfig="separate"),
        "MinIsWhite TIFF": tiff(DEEP[:, :, 0].copy(), photometric="miniswhite", compression="zlib"),
        "float TIFF": tiff((DEEP / 65535).astype(np.float32), photometric="rgb"),
    }


KINDS = kinds()


def damaged(content: bytes, rng: np.random.Generator, way: int) -> bytes:
    """Cut the end, change bytes of the header, change bytes anywhere, or take some bytes out."""
    values = np.frombuffer(content, np.uint8).copy()
    if way == 0:
        return values[: rng.integers(0, len(values))].tobytes()
    if way == 3:
        first = rng.integers(0, len(values))
        return np.delete(values, slice(first, first + rng.integers(1, 40))).tobytes()
    places = rng.integers(0, min(len(values), 300) if way == 1 else len(values), 4)
    values[places] = rng.integers(0, 256, 4)
    return values.tobytes()


def read(content: bytes) -> tuple[np.ndarray | None, str]:
    try:
        return decode_picture(content, "the file").pixels, ""
    except ImageError as error:
        return None, str(error)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.filterwarnings("ignore")
def test_a_broken_file_gives_a_frame_or_a_sentence(kind: str) -> None:
    rng = np.random.default_rng(3)
    for number in range(200):
        pixels, sentence = read(damaged(KINDS[kind], rng, number % 4))
        if sentence:
            assert sentence.startswith("the file ")
            assert sentence.endswith(".")
            assert "\n" not in sentence
        else:
            assert pixels.dtype == np.uint8
            assert pixels.ndim == 3
            assert pixels.shape[2] == 3


@pytest.mark.parametrize("kind", KINDS)
def test_the_whole_file_is_read(kind: str) -> None:
    assert sorted(decode_picture(KINDS[kind]).pixels.shape[:2]) == [40, 50]
