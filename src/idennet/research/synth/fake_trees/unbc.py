"""Fake tree of UNBC-McMaster: two sequences of each patient, one small text file a frame.

Quirks: nested folders, empty FACS files, PSPI files of the same name, Action Units that are only listed when
present, AU50 and a line with AU 0, numbers in floating notation, a black picture, a frame without landmarks.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from idennet.research.synth.fake_trees.common import (
    FakeFace,
    FakeFrame,
    claim,
    halves,
    placed,
    png,
    without,
    write_file,
)

WIDTH, HEIGHT = 352, 240
AUS = (4, 6, 7, 9, 10, 12, 15, 20, 25, 26, 27, 43)
SUBJECTS = (
    *("042-ll042", "043-jh043", "047-jl047", "123-jh123", "124-dn124", "048-aa048", "049-bm049"),
    *("052-dr052", "059-fn059", "064-ak064", "066-mg066", "080-bn080", "092-ch092", "095-tv095"),
    *("096-bg096", "097-gf097", "101-mg101", "103-jk103", "106-nm106", "107-hs107", "108-th108"),
    *("109-ib109", "115-jy115", "120-kz120", "121-vw121"),
)
_POINTS_66 = [*range(60), 61, 62, 63, 65, 66, 67]


def write_unbc(out: Path, people: Sequence[Sequence[FakeFace]]) -> list[FakeFrame]:
    """Write a tree and return what it says, frame by frame; levels, no labels: the threshold is the reader's.

    The first frame of each patient is neutral, so that its FACS file is empty. The last picture of the first
    sequence of the first patient is black.

    Args:
        out: Folder, new or empty.
        people: Faces of each patient, at most 25.

    Raises:
        StoreError: The folder is not empty.
    """
    claim(out, "UNBC-McMaster")
    said = []
    for index, (subject, faces) in enumerate(zip(SUBJECTS[: len(people)], people, strict=True)):
        for side, some in zip(("aff", "unaff"), halves(faces), strict=True):
            frames = _frames(subject, f"{subject[4:]}t1aa{side}", some)
            if index == 0 and side == "aff":
                frames[-1] = FakeFrame(**{**vars(frames[-1]), "picture": None})
            for frame in frames:
                _write(out, frame)
            said += frames
    return said


def _frames(subject: str, sequence: str, faces: Sequence[FakeFace]) -> list[FakeFrame]:
    """Return what is said about a sequence; its second frame has no landmarks."""
    frames = []
    for row, face in enumerate(faces):
        picture, landmarks = placed(face, WIDTH, HEIGHT)
        levels = {au: 0 if row == 0 else face.level(au) for au in AUS}
        levels[43] = min(levels[43], 1)  # eyes are closed or not
        marked = None if row == 1 else without(np.round(landmarks, 4), (60, 64))
        frames.append(FakeFrame(subject, sequence, row + 1, {}, levels, marked, picture))
    return frames


def _write(out: Path, frame: FakeFrame) -> None:
    """Write picture, landmarks, FACS and PSPI of a frame."""
    name = f"{frame.subject}/{frame.sequence}/{frame.sequence}{frame.frame:03d}"
    black = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    write_file(out / f"Images/Images/{name}.png", png(black if frame.picture is None else frame.picture))
    if frame.landmarks is not None:
        lines = [f"{x:15.7e} {y:15.7e}" for x, y in frame.landmarks[_POINTS_66]]
        write_file(out / f"AAM_landmarks/{name}_aam.txt", "\n".join(lines) + "\n")
    rows = [(au, level) for au, level in frame.levels.items() if level]
    if rows and frame.frame % 2 == 0:
        rows += [(50, 1), (0, 0)]
    text = "".join(f"   {au:.7e}   {level:.7e}   {0:.7e}   {0:.7e}\n" for au, level in rows)
    write_file(out / f"Frame_Labels/FACS/{name}_facs.txt", text)
    write_file(out / f"Frame_Labels/PSPI/{name}_facs.txt", f"   {pspi(frame.levels):.7e}\n")


def pspi(levels: Mapping[int, float]) -> float:
    """Return the pain score of Prkachin and Solomon (2008), 0 to 16, from levels of Action Units."""
    return levels[4] + max(levels[6], levels[7]) + max(levels[9], levels[10]) + levels[43]
