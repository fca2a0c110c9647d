"""Pictures of every kind are read right, and every broken file gives one sentence."""

import struct
import subprocess
import sys
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from idennet.errors import ImageError
from idennet.media.pictures import read_picture

COLOURS = np.random.default_rng(0).integers(0, 256, (13, 17, 3), dtype=np.uint8)
SMOOTH = np.repeat(np.tile(np.linspace(20, 230, 24).astype(np.uint8), (16, 1))[:, :, None], 3, axis=2)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.png", {}),
        ("a.bmp", {}),
        ("a.ppm", {}),
        ("a.tif", {}),
        ("lzw.tif", {"compression": "tiff_lzw"}),
        ("a.webp", {"lossless": True}),
        ("a.jp2", {"irreversible": False}),
        ("interlaced.png", {"optimize": True}),
    ],
)
def test_lossless_files_come_back_exactly(tmp_path: Path, name: str, options: dict) -> None:
    Image.fromarray(COLOURS).save(tmp_path / name, **options)
    picture = read_picture(tmp_path / name)
    assert np.array_equal(picture.pixels, COLOURS)
    assert picture.pixels.flags.c_contiguous
    assert picture.path == tmp_path / name
    assert picture.notes == ()


@pytest.mark.parametrize(
    ("name", "options"), [("a.jpg", {}), ("p.jpeg", {"progressive": True}), ("a.webp", {}), ("a.avif", {})]
)
def test_lossy_files_come_back_nearly(tmp_path: Path, name: str, options: dict) -> None:
    Image.fromarray(SMOOTH).save(tmp_path / name, quality=95, **options)
    assert np.abs(read_picture(tmp_path / name).pixels.astype(int) - SMOOTH).max() < 8


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_exif_rotation_is_undone(tmp_path: Path, orientation: int, suffix: str) -> None:
    # What a camera stores for an upright picture, by the definition of each EXIF orientation.
    stored = {
        1: COLOURS,
        2: COLOURS[:, ::-1],
        3: COLOURS[::-1, ::-1],
        4: COLOURS[::-1],
        5: COLOURS.swapaxes(0, 1),
        6: np.rot90(COLOURS, 1),
        7: COLOURS[::-1, ::-1].swapaxes(0, 1),
        8: np.rot90(COLOURS, -1),
    }[orientation]
    exif = Image.Exif()
    exif[274] = orientation
    file = tmp_path / f"a.{suffix}"
    Image.fromarray(np.ascontiguousarray(stored)).save(file, exif=exif)
    assert np.array_equal(read_picture(file).pixels, COLOURS)


def test_grey_black_white_and_palette(tmp_path: Path) -> None:
    grey = COLOURS[:, :, 0]
    for image in (Image.fromarray(grey), Image.fromarray(grey).convert("P")):
        image.save(tmp_path / "a.png")
        assert np.array_equal(read_picture(tmp_path / "a.png").pixels, np.dstack([grey] * 3))
    Image.fromarray(grey > 128).save(tmp_path / "b.png")
    assert np.array_equal(read_picture(tmp_path / "b.png").pixels[:, :, 1], np.where(grey > 128, 255, 0))


def test_cmyk(tmp_path: Path) -> None:
    Image.fromarray(SMOOTH).convert("CMYK").save(tmp_path / "a.jpg", quality=95)
    assert np.abs(read_picture(tmp_path / "a.jpg").pixels.astype(int) - SMOOTH).max() < 12


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_alpha_is_shown_on_white(tmp_path: Path, mode: str) -> None:
    alpha = np.zeros((13, 17), np.uint8)
    alpha[:5], alpha[5:9] = 255, 100
    grey = Image.fromarray(COLOURS[:, :, 0])
    image = Image.merge(mode, [*([grey] * (3 if mode == "RGBA" else 1)), Image.fromarray(alpha)])
    image.save(tmp_path / "a.png")
    picture = read_picture(tmp_path / "a.png")
    share = alpha[:, :, None] / 255.0
    wanted = np.dstack([COLOURS[:, :, 0]] * 3) * share + 255 * (1 - share)
    assert np.abs(picture.pixels - wanted).max() <= 0.5 + 1e-9
    assert picture.notes == ("transparent parts shown on white",)


def test_palette_with_a_transparent_colour(tmp_path: Path) -> None:
    image = Image.fromarray(np.array([[0, 1], [1, 0]], np.uint8)).convert("P")
    image.putpalette([10, 20, 30, 40, 50, 60])
    image.save(tmp_path / "a.png", transparency=1)
    pixels = read_picture(tmp_path / "a.png").pixels
    assert pixels.tolist() == [[[10, 20, 30], [255] * 3], [[255] * 3, [10, 20, 30]]]


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_sixteen_bits_are_scaled(tmp_path: Path, suffix: str) -> None:
    deep = np.random.default_rng(1).integers(0, 65536, (9, 11, 3), dtype=np.uint16)
    deep[0, 0], deep[0, 1] = 0, 65535
    cv2.imwrite(str(tmp_path / f"rgb.{suffix}"), deep[:, :, ::-1])
    cv2.imwrite(str(tmp_path / f"grey.{suffix}"), deep[:, :, 0])
    colour, grey = read_picture(tmp_path / f"rgb.{suffix}"), read_picture(tmp_path / f"grey.{suffix}")
    assert np.array_equal(colour.pixels, np.round(deep / 257.0).astype(np.uint8))
    assert colour.notes == ("16-bit scaled to 8-bit",)
    assert np.array_equal(grey.pixels, np.dstack([np.round(deep[:, :, 0] / 257.0).astype(np.uint8)] * 3))
    assert grey.notes == ("16-bit scaled to 8-bit",)


def test_float_tiff(tmp_path: Path) -> None:
    Image.fromarray(np.array([[0.0, 0.5, 1.0]], np.float32)).save(tmp_path / "a.tif")
    assert read_picture(tmp_path / "a.tif").pixels[0, :, 0].tolist() == [0, 128, 255]
    Image.fromarray(np.array([[0.0, 7.5]], np.float32)).save(tmp_path / "b.tif")
    with pytest.raises(ImageError, match=r"b\.tif has values from 0 to 7\.5; .* must be in \[0, 1\]"):
        read_picture(tmp_path / "b.tif")


@pytest.mark.parametrize("name", ["a.gif", "a.png", "a.webp", "a.tif"])
def test_the_first_frame_of_several_is_used(tmp_path: Path, name: str) -> None:
    frames = [Image.new("RGB", (9, 8), colour) for colour in ("red", "lime", "blue")]
    options = {"lossless": True} if name == "a.webp" else {}
    frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:], **options)
    picture = read_picture(tmp_path / name)
    assert (picture.pixels == [255, 0, 0]).all()
    assert [note.split(": ")[1] for note in picture.notes] == [
        "first of 3 pages used" if name == "a.tif" else "first of 3 frames used"
    ]


def test_the_first_of_several_views_is_used(tmp_path: Path) -> None:
    views = [Image.fromarray(SMOOTH), Image.fromarray(SMOOTH[:, ::-1])]
    views[0].save(tmp_path / "a.mpo", "MPO", save_all=True, append_images=views[1:])
    frame = read_picture(tmp_path / "a.mpo")
    assert np.abs(frame.pixels.astype(int) - SMOOTH).max() < 16
    assert frame.notes == ("several views: first of 2 pictures used",)


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("count", [1, 80])
def test_texts_of_any_size_in_a_png_are_passed_over(tmp_path: Path, compressed: bool, count: int) -> None:
    texts = PngImagePlugin.PngInfo()
    for number in range(count):
        texts.add_text(f"workflow {number}", "x" * (8_000_000 // count), zip=compressed)
    Image.fromarray(COLOURS).save(tmp_path / "a.png", pnginfo=texts)
    assert np.array_equal(read_picture(tmp_path / "a.png").pixels, COLOURS)


def test_thin_pictures_are_read(tmp_path: Path) -> None:
    for shape in ((1, 1300), (1300, 1), (1, 1)):
        Image.new("L", shape, 128).save(tmp_path / "a.png")
        assert read_picture(tmp_path / "a.png").pixels.shape == (shape[1], shape[0], 3)


@pytest.mark.filterwarnings("ignore")
def test_damaged_exif_data_do_not_hide_the_picture(tmp_path: Path) -> None:
    Image.fromarray(COLOURS).save(tmp_path / "a.png", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff")
    frame = read_picture(tmp_path / "a.png")
    assert np.array_equal(frame.pixels, COLOURS)


def png_without_pixels(width: int, height: int) -> bytes:
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    header = struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))
    return b"\x89PNG\r\n\x1a\n" + header + struct.pack(">I", 1000) + b"IDATx"


BROKEN = {
    "empty.jpg": (b"", "is empty"),
    "text.jpg": (b"Dear diary, this is no picture.", "is not a picture"),
    "short.png": (b"\x89PNG", "is not a picture"),
    "script.eps": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "is a PostScript document"),
    "phone.heic": (b"\0\0\0\x18ftypheic\0\0\0\0heic", "is a HEIC picture, which is not supported"),
    "bomb.png": (png_without_pixels(60000, 60000), "60000 x 60000 pixels; at most 200 megapixels"),
    "phone.jxl": (b"\xff\x0a\xfa\x1f", "is a JPEG XL picture"),
    "page.jpg": (b"%PDF-1.7\n", "is a PDF document"),
    "hollow.png": (png_without_pixels(50, 50), "damaged or incomplete"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_files_give_one_sentence(tmp_path: Path, name: str) -> None:
    content, message = BROKEN[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ImageError, match=message) as caught:
        read_picture(tmp_path / name)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.gif", "a.webp", "a.tif", "a.bmp"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9])
def test_truncated_files_give_one_sentence(tmp_path: Path, name: str, share: float) -> None:
    large = np.random.default_rng(2).integers(0, 256, (80, 90, 3), dtype=np.uint8)
    Image.fromarray(large).save(tmp_path / name)
    content = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(content[: int(len(content) * share)])
    with pytest.raises(ImageError, match=name):
        read_picture(tmp_path / name)


def test_what_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="is a folder"):
        read_picture(tmp_path)
    with pytest.raises(ImageError, match="does not exist"):
        read_picture(tmp_path / "a.jpg")


def test_reading_needs_no_heavy_package() -> None:
    script = "import sys, idennet.media.folders, idennet.media.pictures; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert {"torch", "pandas", "scipy", "skimage", "sklearn"}.isdisjoint(loaded.split())
