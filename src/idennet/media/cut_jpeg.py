"""JPEG files whose end is missing: read when nearly nothing is lost, and only then."""

import re
from io import BytesIO

import numpy as np
from PIL import Image

from idennet.errors import ImageError

MOST_LOST = 0.01
"""Share of the picture that may be missing."""

_END = b"\xff\xd9"
_RESTARTS = b"\xff\xdd\x00\x04"
_SCAN = re.compile(rb"\xff\xda..([\x01-\x04])", re.DOTALL)
_LAST_COEFFICIENT = 63


def read_cut_jpeg(data: bytes) -> tuple[Image.Image, str]:
    """Return the loaded picture of a JPEG file that ends too early, with a note on what is missing.

    The decoder fills what is missing without saying where. So the file is decoded twice: once ended properly,
    and once with random data before the end. Where both agree, the pixels come from the file.

    Raises:
        ImageError: More than `MOST_LOST` of the picture is missing; the sentence lacks its subject.
        OSError: Nothing can be decoded.
    """
    data = data.rstrip(b"\xff")
    picture = _decode(data + _END)
    noise = np.random.default_rng(0).integers(0, 255, 4096 + picture.width * picture.height // 8, np.uint8)
    pixels = np.asarray(picture)
    lost = (pixels != np.asarray(_decode(data + noise.tobytes() + _END))).reshape(*pixels.shape[:2], -1)
    lost = lost.any(axis=2)
    if _RESTARTS in data:  # random data ends at the next restart marker; what follows is even grey
        lost |= (pixels == 128).reshape(*lost.shape, -1).all(axis=2)
    share = float(lost.mean()) if _has_all_scans(data, len(picture.getbands())) else 1.0
    if share > MOST_LOST:
        raise ImageError(f"is cut off: {share:.0%} of the picture is missing; copy it again.")
    part = "less than 0.1%" if share < 0.001 else f"{share:.1%}"
    return picture, f"the end of the file is missing, with {part} of the picture"


def _decode(data: bytes) -> Image.Image:
    picture = Image.open(BytesIO(data), formats=("JPEG",))
    picture.load()
    return picture


def _has_all_scans(data: bytes, components: int) -> bool:
    """Say whether the last scan of each colour component has begun, with the finest coefficients."""
    finished: set[int] = set()
    for start in _SCAN.finditer(data):
        count = start[1][0]
        names = data[start.end() : start.end() + 2 * count : 2]
        _, last, approximation = data[start.end() + 2 * count : start.end() + 2 * count + 3] or (0, 0, 0)
        if last == _LAST_COEFFICIENT and approximation & 0x0F == 0:
            finished |= set(names)
    return len(finished) >= components
