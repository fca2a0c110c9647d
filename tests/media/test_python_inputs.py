"""Whatever a Python program holds a picture in is read right, or one sentence says why not."""

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from idennet.errors import ImageError, InputError, ShapeError
from idennet.media.frame import Frame
from idennet.media.pictures import as_frame, is_picture

COLOURS = np.random.default_rng(0).integers(0, 256, (13, 17, 3), dtype=np.uint8)


def png(pixels: np.ndarray = COLOURS) -> bytes:
    encoded = io.BytesIO()
    Image.fromarray(pixels).save(encoded, "PNG")
    return encoded.getvalue()


def test_arrays_of_all_kinds() -> None:
    grey = COLOURS[:, :, 0]
    thrice = np.dstack([grey] * 3)
    assert as_frame(COLOURS).pixels is COLOURS
    assert np.array_equal(as_frame(grey).pixels, thrice)
    assert np.array_equal(as_frame(grey[:, :, None]).pixels, thrice)
    assert np.array_equal(as_frame(COLOURS.astype(np.uint16) * 257).pixels, COLOURS)
    for kind in (np.float16, np.float32, np.float64):
        assert np.array_equal(as_frame((COLOURS / 255).astype(kind)).pixels, COLOURS)
    clear = np.dstack([COLOURS, np.zeros_like(grey)])
    assert (as_frame(clear).pixels == 255).all()
    assert np.array_equal(as_frame(Image.fromarray(COLOURS)).pixels, COLOURS)
    frame = as_frame(COLOURS)
    assert frame.source == "picture 1"
    assert as_frame(frame) is frame


def test_wrong_arrays_are_explained() -> None:
    with pytest.raises(ShapeError, match="move the channels last"):
        as_frame(np.zeros((3, 20, 20), np.uint8))
    with pytest.raises(ShapeError, match=r"\(0, 5\)"):
        as_frame(np.zeros((0, 5), np.uint8))
    with pytest.raises(ImageError, match="picture 2 has no pixels"):
        as_frame(Image.new("RGB", (0, 5)), 2)
    with pytest.raises(ShapeError, match="int64"):
        as_frame(np.zeros((5, 5), np.int64))
    for value in (1.5, -0.1, np.nan):
        with pytest.raises(InputError, match=r"\[0, 1\]"):
            as_frame(np.full((5, 5), value))
    with pytest.raises(ShapeError, match=r"array of 5 pictures .* one by one"):
        as_frame(np.zeros((5, 20, 20, 3), np.uint8))
    with pytest.raises(InputError, match="not list"):
        as_frame([[1, 2], [3, 4]])


def test_bytes_and_open_files_are_read_from_their_start(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png())
    upload = io.BytesIO(png())
    upload.seek(0, io.SEEK_END)
    with (tmp_path / "a.png").open("rb") as opened:
        for source in (png(), bytearray(png()), memoryview(png()), upload, opened):
            frame = as_frame(source, 3)
            assert np.array_equal(frame.pixels, COLOURS)
            assert (frame.source, frame.path) == ("picture 3", None)
    with pytest.raises(ImageError, match="picture 3 cannot be opened"):
        as_frame(opened, 3)
    with (
        (tmp_path / "a.png").open(encoding="latin-1") as text,
        pytest.raises(InputError, match=r"gives str when read, not bytes; .*\"rb\""),
    ):
        as_frame(text)
    with pytest.raises(ImageError, match="picture 2 is empty"):
        as_frame(b"", 2)


@pytest.mark.parametrize("kind", [torch.uint8, torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_tensors_are_read_with_channels_first_and_last(kind: torch.dtype) -> None:
    last = torch.from_numpy(COLOURS.copy())
    if kind.is_floating_point:
        last = (last.double() / 255).to(kind).requires_grad_()
    tolerance = 1 if kind == torch.bfloat16 else 0
    for tensor in (last, last.permute(2, 0, 1), last.permute(2, 0, 1)[:1], last[:, :, 0]):
        pixels = as_frame(tensor).pixels
        wanted = COLOURS if tensor.ndim == 3 and 1 not in tensor.shape else COLOURS[:, :, :1]
        assert pixels.shape == COLOURS.shape
        assert np.abs(pixels.astype(int) - wanted).max() <= tolerance


def test_tensors_that_are_no_picture_are_explained() -> None:
    with pytest.raises(ImageError, match=r"picture 4 has values from -1 to 1; .* \[0, 1\]"):
        as_frame(torch.linspace(-1, 1, 75).reshape(3, 5, 5), 4)
    with pytest.raises(ImageError, match="divide them by 255"):
        as_frame(torch.linspace(0, 255, 75).reshape(3, 5, 5))
    with pytest.raises(ShapeError, match="array of 2 pictures"):
        as_frame(torch.zeros(2, 3, 5, 5))


def test_arrays_of_other_libraries_that_cannot_be_converted_are_explained() -> None:
    with pytest.raises(InputError, match=r"picture 3 is no array that can be read \("):
        as_frame(torch.zeros(3, 5, 5, device="meta"), 3)


def test_byte_order_and_layout_do_not_matter() -> None:
    for array in (np.asfortranarray(COLOURS), COLOURS.copy()[:, ::-1][:, ::-1]):
        assert np.array_equal(as_frame(array).pixels, COLOURS)
    assert np.array_equal(as_frame((COLOURS.astype(np.uint16) * 257).astype(">u2")).pixels, COLOURS)
    assert np.array_equal(as_frame((COLOURS / 255).astype(">f4")).pixels, COLOURS)


def test_floats_may_leave_their_range_by_rounding() -> None:
    rounded = COLOURS / 255 * 1.0000002 - 1e-7
    assert np.array_equal(as_frame(rounded).pixels, COLOURS)


def test_none_is_an_unreadable_picture() -> None:
    with pytest.raises(ImageError, match=r"picture 2 is None; cv2\.imread"):
        as_frame(None, 2)


def test_generators_are_named() -> None:
    with pytest.raises(InputError, match=r"must be a path, .* not generator\."):
        as_frame(COLOURS for _ in range(2))


def test_the_frame_that_a_pil_animation_is_at_is_read() -> None:
    encoded = io.BytesIO()
    frames = [Image.new("RGB", (9, 8), colour) for colour in ("red", "lime", "blue")]
    frames[0].save(encoded, "GIF", save_all=True, append_images=frames[1:])
    image = Image.open(encoded)
    image.seek(1)
    frame = as_frame(image)
    assert (frame.pixels == [0, 255, 0]).all()
    assert frame.notes == ("animated: number 2 of 3 frames used",)


def test_reading_leaves_a_pil_image_as_it_is() -> None:
    exif = Image.Exif()
    exif[274] = 6
    encoded = io.BytesIO()
    Image.fromarray(COLOURS).save(encoded, "PNG", exif=exif)
    image = Image.open(encoded)
    assert np.array_equal(as_frame(image).pixels, np.rot90(COLOURS, -1))
    assert image.size == (17, 13)
    assert np.array_equal(np.asarray(image), COLOURS)


def test_one_picture_is_told_from_several(tmp_path: Path) -> None:
    one = (
        *("a.jpg", tmp_path, png(), io.BytesIO(), COLOURS, Image.new("L", (2, 2)), None),
        *(torch.zeros(3, 5, 5), Frame(COLOURS, "a frame")),
    )
    assert all(map(is_picture, one))
    assert not any(map(is_picture, (["a.jpg"], ("a.jpg",), iter(["a.jpg"]), {"a.jpg"}, 5)))
