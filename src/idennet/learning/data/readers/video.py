"""Frames of a video, read from its beginning in the order in which they are shown.

Frames are counted, not looked up by time: time stamps in AVI files may be guesses of the decoder, and labels
belong to the first, second, ... frame that comes out.
"""

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from idennet.errors import ImageError


def video_frames(file: Path) -> Iterator[NDArray[np.uint8]]:
    """Yield the frames (H, W, 3) uint8 RGB of a video.

    Raises:
        ImageError: The file is no video, or is damaged from some frame on.
    """
    try:
        with av.open(str(file)) as container:
            for frame in container.decode(video=0):
                yield np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
    except (av.FFmpegError, IndexError) as error:
        raise ImageError(f"{file} is no video that can be read, or is damaged ({error}).") from error


def frame_count(file: Path) -> int:
    """Return the number of frames that a video's header announces; 0 where it does not say.

    Raises:
        ImageError: The file is no video.
    """
    try:
        with av.open(str(file)) as container:
            return int(container.streams.video[0].frames)
    except (av.FFmpegError, IndexError) as error:
        raise ImageError(f"{file} is no video that can be read ({error}).") from error
