"""One picture in memory: what every part that looks for faces takes."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Frame:
    """A photograph, or one frame of a video.

    Attributes:
        pixels: (H, W, 3) uint8 RGB, upright. Copy it before you write into it.
        source: What people call it: the path, or "picture 3" where there is none. Always printable.
        path: The file it came from, or None.
        index: Number of the frame in its source, from 0; a photograph is frame 0.
        time: Seconds from the start of the video, or None for a photograph.
        notes: What was changed or chosen on reading, for people: `"animated: first of 12 frames used"`.
    """

    pixels: NDArray[np.uint8]
    source: str
    path: Path | None = None
    index: int = 0
    time: float | None = None
    notes: tuple[str, ...] = ()
