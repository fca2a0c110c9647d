"""Fake tree of DISFA: a video of each subject and camera, intensities in one text file an Action Unit.

Quirks: nested and differently named folders, SN010 with one label less than its video has frames, two ways to
name landmark files, one of them damaged, frames that count from 1, a blank last line.
"""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import scipy.io

from idennet.errors import MissingExtraError
from idennet.research.synth.fake_trees.common import FakeFace, FakeFrame, claim, placed, without, write_file

WIDTH, HEIGHT = 1024, 768
AUS = (1, 2, 4, 5, 6, 9, 12, 15, 17, 20, 25, 26)
_NUMBERS = (1, 10, 31, *range(2, 10), 11, 12, 13, 16, 17, 18, 21, *range(23, 31), 32)
SUBJECTS = tuple(f"SN{number:03d}" for number in _NUMBERS)
FRAMES_PER_SECOND = 20
_POINTS_66 = [*range(60), 61, 62, 63, 65, 66, 67]
_HEADER = b"MATLAB 5.0 MAT-file, fake".ljust(116)  # without the date that would make each file differ


def write_disfa(out: Path, people: Sequence[Sequence[FakeFace]], codec: str = "libx264") -> list[FakeFrame]:
    """Write a tree and return what it says, frame by frame; levels, no labels: the threshold is the reader's.

    Args:
        out: Folder, new or empty.
        people: Faces of each subject, at most 27; SN001, SN010 and SN031 come first.
        codec: Of the videos, for FFmpeg.

    Raises:
        StoreError: The folder is not empty.
        MissingExtraError: The package that writes videos is not installed.
    """
    claim(out, "DISFA")
    said: list[FakeFrame] = []
    for index, (subject, faces) in enumerate(zip(SUBJECTS[: len(people)], people, strict=True)):
        pictures, points = zip(*(placed(face, WIDTH, HEIGHT) for face in faces), strict=True)
        left = out / "Videos_LeftCamera" / "Videos_LeftCamera" / f"LeftVideo{subject}_comp.avi"
        right = out / "Video_RightCamera" / f"RightVideo{subject}_comp.avi"
        write_video(left, pictures, codec)
        write_video(right, [np.roll(picture, 30, axis=1) for picture in pictures], codec)
        labelled = len(faces) - (subject == "SN010")
        for au in AUS:
            file = out / "ActionUnit_Labels" / subject / f"{subject}_au{au}.txt"
            lines = [f"{row + 1},{face.level(au)}\n" for row, face in enumerate(faces[:labelled])]
            write_file(file, "".join([*lines, "\n"]))
        lost = labelled - 1 if subject == "SN031" else None
        folder = out / "Landmark_Points" / subject / ("tmp_frame_lm" if index % 2 == 0 else "frame_lm")
        for row, marked in enumerate(points):
            name = f"l{row + 1:05d}_lm.mat" if index % 2 else f"{subject}_{row:04d}_lm.mat"
            write_file(folder / name, b"damaged" if row == lost else _mat(marked))
        for row, face in enumerate(faces[:labelled]):
            levels = {au: face.level(au) for au in AUS}
            known = None if row == lost else without(points[row], (60, 64))
            said.append(FakeFrame(subject, subject, row + 1, {}, levels, known, pictures[row]))
    return said


def write_video(file: Path, pictures: Sequence[npt.NDArray[np.uint8]], codec: str) -> None:
    """Write a video of pictures (H, W, 3) with B-frames, whose time stamps AVI does not keep.

    Raises:
        MissingExtraError: The package that writes videos is not installed.
    """
    try:
        import av
    except ImportError as error:
        raise MissingExtraError("A fake tree of DISFA", "research") from error
    file.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(file), "w") as container:
        stream = container.add_stream(codec, rate=FRAMES_PER_SECOND)
        assert isinstance(stream, av.VideoStream), f"{codec} is no video codec"
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.bit_rate = 8_000_000
        stream.codec_context.thread_count = 1  # the same bytes on every machine
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))


def _mat(landmarks: npt.NDArray[np.float32]) -> bytes:
    """Return a MATLAB 5 file with the 66 points as `pts`."""
    stream = io.BytesIO()
    scipy.io.savemat(stream, {"pts": landmarks[_POINTS_66].astype(np.float64)})
    return _HEADER + stream.getvalue()[len(_HEADER) :]
