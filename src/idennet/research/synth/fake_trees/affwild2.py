"""A fake Aff-Wild2 with Action Unit annotations: one text file a video, cropped faces in numbered pictures.

Imitates rows that are not annotated, in part or at all, frames without a detected face and so without a
picture, two people in one video, blanks after the header, and Windows line ends.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from idennet.facs import MISSING
from idennet.research.synth.fake_trees.common import FakeFace, FakeFrame, claim, jpeg, write_file
from idennet.research.synth.fake_trees.cropped import with_eyes_at

AUS = (1, 2, 4, 6, 7, 10, 12, 15, 23, 24, 25, 26)
_SIZE, _EYES = (112, 112), ((38.3, 51.7), (73.5, 51.5))
_HEADER = ",".join(f"AU{au}" for au in AUS)


def write_affwild2(out: Path, people: Sequence[Sequence[FakeFace]], seed: int = 0) -> list[FakeFrame]:
    """Write a tree of Aff-Wild2 and return what it says of annotated frames: training videos first, by name.

    The second of each four frames is not annotated and the third of each five has no picture. Every third
    video is for validation.

    Args:
        out: Folder, new or empty.
        people: Faces of each video, where two people of one video count twice.
        seed: Of Action Units that nobody annotated.

    Raises:
        StoreError: The folder is not empty.
    """
    claim(out, "Aff-Wild2")
    generator = np.random.default_rng(seed)
    by_part: dict[str, list[FakeFrame]] = {"Train_Set": [], "Validation_Set": []}
    for index, (video, faces) in enumerate(zip(_videos(len(people)), people, strict=True)):
        part = "Validation_Set" if index % 3 == 2 else "Train_Set"
        rows = []
        for frame, face in enumerate(faces, 1):
            labels = {au: _label(face.occurrences[au], generator) for au in AUS}
            if frame % 4 == 2:
                labels = dict.fromkeys(AUS, MISSING)
            rows.append(",".join(map(str, labels.values())))
            picture = with_eyes_at(face, *_SIZE, _EYES).image if frame % 5 != 3 else None
            if picture is not None:
                write_file(out / "cropped_aligned" / video / f"{frame:05d}.jpg", jpeg(picture))
            if set(labels.values()) != {MISSING}:
                sequence = video.removesuffix("_left").removesuffix("_right")
                by_part[part].append(FakeFrame(video, sequence, frame, labels, picture=picture))
        end, blank = ("\r\n", "") if index % 2 else ("\n", " ")
        write_file(out / "AU_Set" / part / f"{video}.txt", end.join([_HEADER + blank, *rows]) + end)
    write_file(out / "cropped_aligned" / ".DS_Store", b"\0\0\0\1Bud1")
    return [frame for frames in by_part.values() for frame in sorted(frames, key=lambda item: item.subject)]


def _videos(count: int) -> list[str]:
    """Return names of videos; of every second pair both people are annotated."""
    names = (f"{number}-30-1280x720" for number in range(1, count + 1))
    return [
        name if number % 4 < 2 else f"{number // 2}-24-1920x1080_{('left', 'right')[number % 2]}"
        for number, name in enumerate(names)
    ]


def _label(occurrence: int, generator: np.random.Generator) -> int:
    """Return the label, or seldom that nobody annotated it."""
    return MISSING if generator.random() < 0.05 else occurrence
