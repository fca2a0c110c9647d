"""A JPEG that lacks its last bytes is read with a note; one that lacks a part of the picture is refused."""

import io
import re

import numpy as np
import pytest
from PIL import Image, ImageFile

from idennet.errors import ImageError
from idennet.media.cut_jpeg import MOST_LOST
from idennet.media.pictures import decode_picture

ROWS, COLUMNS = np.mgrid[:240, :320]
SCENE = np.dstack(
    [128 + 60 * np.sin(COLUMNS / 9 + shift) + 60 * np.cos(ROWS / 7 + shift) for shift in range(3)]
).astype(np.uint8)
KINDS = {
    "baseline": {},
    "progressive": {"progressive": True},
    "restarts": {"restart_marker_rows": 1},
    "full chroma": {"subsampling": 0},
    "grey": {},
}


def jpeg(kind: str) -> bytes:
    encoded = io.BytesIO()
    image = Image.fromarray(SCENE).convert("L" if kind == "grey" else "RGB")
    image.save(encoded, "JPEG", quality=92, **KINDS[kind])
    return encoded.getvalue()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cut", [1, 2])
def test_a_missing_end_marker_costs_nothing(kind: str, cut: int) -> None:
    whole = jpeg(kind)
    frame = decode_picture(whole[:-cut])
    assert np.array_equal(frame.pixels, decode_picture(whole).pixels)
    if kind != "grey":  # which Pillow finishes by itself
        assert frame.notes == ("the end of the file is missing, with less than 0.1% of the picture",)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cut", [3, 5, 9, 20, 50, 100, 200, 400, 800, 1600, 3200])
def test_what_is_read_lacks_little_and_what_lacks_much_is_refused(kind: str, cut: int) -> None:
    whole = jpeg(kind)
    wanted = decode_picture(whole).pixels.astype(int)
    try:
        frame = decode_picture(whole[:-cut])
    except ImageError as error:
        assert cut > 20
        share = re.search(r"is cut off: (\d+)% of the picture is missing", str(error))
        assert share
        assert int(share[1]) >= 1
    else:
        lost = (np.abs(frame.pixels - wanted) > 8).any(axis=2).mean()
        assert lost <= MOST_LOST
        assert frame.notes[0].startswith("the end of the file is missing, with ")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0.3, 0.5, 0.7, 0.9])
def test_half_a_picture_is_refused(kind: str, share: float) -> None:
    whole = jpeg(kind)
    with pytest.raises(ImageError, match=r"is cut off: \d+% of the picture is missing"):
        decode_picture(whole[: int(len(whole) * share)])


def test_a_file_cut_between_two_scans_is_refused() -> None:
    whole = jpeg("progressive")
    last_scan = whole.rindex(b"\xff\xda")
    tables = whole.rindex(b"\xff\xc4", 0, last_scan)
    for end in (last_scan, tables):
        with pytest.raises(ImageError, match=r"100% of the picture is missing|damaged"):
            decode_picture(whole[:end])


def test_pillow_keeps_refusing_cut_files_elsewhere() -> None:
    assert decode_picture(jpeg("baseline")[:-2]).notes
    assert not ImageFile.LOAD_TRUNCATED_IMAGES
    with pytest.raises(OSError, match="truncated"):
        Image.open(io.BytesIO(jpeg("baseline")[:-2])).load()
