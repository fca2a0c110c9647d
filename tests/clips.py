"""Small videos for tests, written by PyAV."""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

TICK = Fraction(1, 1000)
_PIXELS = {"ffv1": "bgr0", "mjpeg": "yuvj420p"}


def write_clip(
    path: Path,
    pictures: Iterable[np.ndarray],
    times: Sequence[float] | None = None,
    codec: str = "ffv1",
    rate: int = 25,
    rotation: int = 0,
    aspect: Fraction = Fraction(1),
    options: dict[str, str] | None = None,
) -> Path:
    """Write pictures (H, W, 3) uint8 RGB, by default without loss; `times` in seconds, else by `rate`."""
    pictures = list(pictures)
    height, width = pictures[0].shape[:2]
    with av.open(str(path), "w", options=options or {}) as container:
        stream = container.add_stream(codec, rate=rate)
        stream.width, stream.height, stream.pix_fmt = width, height, _PIXELS.get(codec, "yuv420p")
        stream.codec_context.time_base, stream.codec_context.sample_aspect_ratio = TICK, aspect
        if rotation:
            stream.set_display_rotation(rotation)
        for k, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            frame.pts, frame.time_base = round((times[k] if times else k / rate) / TICK), TICK
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def write_sound(path: Path) -> Path:
    """Write a second of silence."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=16_000)
        samples = np.zeros((1, 16_000), np.float32)
        frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
        frame.sample_rate = 16_000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path
