"""Fake trees of BP4D and BP4D+: two recordings of each subject, occurrences and intensities.

Quirks: zero padding that differs between folders, a recording that is coded late, zips, code 9, a column of
occlusion, Windows line ends, intensities without header, lost landmarks, a missing picture, stray files.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from idennet.errors import MissingExtraError
from idennet.facs import SYNFACS_AUS
from idennet.research.synth.fake_trees.common import (
    FakeFace,
    FakeFrame,
    claim,
    halves,
    jpeg,
    occurrence,
    placed,
    without,
    write_file,
    zipped,
)

WIDTH, HEIGHT = 1040, 1392
INTENSITY_AUS = (6, 10, 12, 14, 17)
NOT_CODED = 9
_BP4D_HEADER = tuple(range(40))  # the number of the column is that of the Action Unit
_PLUS_HEADER = (0, 1, 2, *range(4, 8), *range(9, 21), *range(22, 25), *range(27, 40))  # here it is not
_POINTS_49 = [*range(17, 60), 61, 62, 63, 65, 66, 67]


@dataclass(frozen=True)
class _Recording:
    """One recording as it will be written: pictures are numbered from `start` plus `shift`."""

    subject: str
    task: str
    start: int
    padding: int
    shift: int
    faces: Sequence[FakeFace]


def write_bp4d(out: Path, people: Sequence[Sequence[FakeFace]]) -> list[FakeFrame]:
    """Write a tree of BP4D and return what it says, frame by frame.

    T1 is coded from frame 1 and has three digits; T8 is coded from frame 997 and has four. Every second
    subject is zipped.

    Args:
        out: Folder, new or empty.
        people: Faces of each subject.

    Raises:
        StoreError: The folder is not empty.
        MissingExtraError: The package that writes the landmarks is not installed.
    """
    claim(out, "BP4D")
    said = []
    for index, faces in enumerate(people):
        subject = _name(index)
        recordings = [
            _Recording(subject, "T1", 1, 3, 0, halves(faces)[0]),
            _Recording(subject, "T8", 997, 4, 0, halves(faces)[1]),
        ]
        said += _write_subject(out, recordings, _BP4D_HEADER, as_zip=index % 2 == 1, lose_picture=index == 0)
    write_file(out / "2D+3D" / ".DS_Store", b"\0")
    return said


def write_bp4d_plus(out: Path, people: Sequence[Sequence[FakeFace]]) -> list[FakeFrame]:
    """Write a tree of BP4D+ and return what it says, frame by frame.

    All subjects are zipped. The pictures of every second subject, from the first on, are numbered from 0,
    those of the others from 1: readers of the original do not agree.

    Args:
        out: Folder, new or empty.
        people: Faces of each subject.

    Raises:
        StoreError: The folder is not empty.
        MissingExtraError: The package that writes the landmarks is not installed.
    """
    claim(out, "BP4D+")
    said = []
    for index, faces in enumerate(people):
        shift = -1 if index % 2 == 0 else 0
        recordings = [
            _Recording(_name(index), task, 1, 4, shift, some)
            for task, some in zip(("T1", "T6"), halves(faces), strict=True)
        ]
        said += _write_subject(out, recordings, _PLUS_HEADER, as_zip=True, lose_picture=False)
        write_file(out / "Physiology" / _name(index) / "T1" / "BP_mmHg.txt", "80.1\n80.3\n")
    return said


def _name(index: int) -> str:
    """Return F001, M001, F002, ... for 0, 1, 2, ..."""
    return f"{'FM'[index % 2]}{index // 2 + 1:03d}"


def _write_subject(
    out: Path, recordings: Sequence[_Recording], header: Sequence[int], *, as_zip: bool, lose_picture: bool
) -> list[FakeFrame]:
    """Write the files of a subject; the last picture of the first recording may be lost."""
    said: list[FakeFrame] = []
    members: dict[str, bytes] = {}
    for number, recording in enumerate(recordings):
        frames = _frames(recording, header)
        if lose_picture and number == 0:
            frames[-1] = FakeFrame(**{**vars(frames[-1]), "picture": None})
        for frame in frames:
            name = (
                f"{recording.subject}/{recording.task}/{frame.frame + recording.shift:0{recording.padding}d}"
            )
            if frame.picture is not None:
                members[f"{name}.jpg"] = jpeg(frame.picture)
                members[f"{name}.obj"] = b"# no mesh here\n"
        _write_codes(out / "AUCoding", recording, frames, header)
        write_file(out / "2DFeatures" / f"{recording.subject}_{recording.task}.mat", _tracked(frames))
        said += frames
    place = out / "2D+3D"
    if as_zip:
        write_file(place / f"{recordings[0].subject}.zip", zipped(members))
    else:
        for name, content in members.items():
            write_file(place / name, content)
    return said


def _frames(recording: _Recording, header: Sequence[int]) -> list[FakeFrame]:
    """Return what is said about a recording: tracking loses its second frame, a coder its first AU12."""
    aus = [au for au in SYNFACS_AUS if au in header]
    frames = []
    for number, face in enumerate(recording.faces):
        picture, landmarks = placed(face, WIDTH, HEIGHT)
        lost_code = {12: -1} if number == 0 else {}
        frames.append(
            FakeFrame(
                recording.subject,
                recording.task,
                recording.start + number,
                {**{au: face.occurrences[au] for au in aus}, **lost_code},
                {au: face.level(au) for au in INTENSITY_AUS if not (au == 12 and number == 0)},
                None if number == 1 else without(landmarks, (*range(17), 60, 64)),
                picture,
            )
        )
    return frames


def _write_codes(folder: Path, recording: _Recording, frames: list[FakeFrame], header: Sequence[int]) -> None:
    """Write occurrences with a header and Windows line ends, intensities with neither."""
    lines = [",".join(map(str, header))]
    for row, frame in enumerate(frames):
        cells = [occurrence(frame.labels.get(au, NOT_CODED), NOT_CODED) for au in header[1:-1]]
        occluded = int(row == len(frames) - 1)
        lines.append(",".join(map(str, [frame.frame, *cells, occluded])))
    name = f"{recording.subject}_{recording.task}"
    write_file(folder / "AU_OCC" / f"{name}.csv", "\r\n".join(lines) + "\r\n")
    for au in INTENSITY_AUS:
        rows = [f"{frame.frame},{frame.levels.get(au, NOT_CODED)}" for frame in frames]
        write_file(folder / "AU_INT" / f"AU{au:02d}" / f"{name}_AU{au:02d}.csv", "\n".join(rows) + "\n")


def _tracked(frames: Sequence[FakeFrame]) -> bytes:
    """Return an HDF5 file as MATLAB writes it: a column of references, one for each frame of the video."""
    try:
        import h5py
    except ImportError as error:
        raise MissingExtraError("A fake tree of BP4D", "research") from error
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        entries = file.create_dataset("fit/pred", (frames[-1].frame, 1), dtype=h5py.ref_dtype)
        empty = file.create_dataset("#refs#/empty", data=np.zeros(2, np.uint64))
        entries[:, 0] = empty.ref
        for frame in frames:
            if frame.landmarks is not None:
                points = frame.landmarks[_POINTS_49].T + 1  # MATLAB counts from 1
                stored = file.create_dataset(f"#refs#/{frame.frame}", data=points.astype(np.float64))
                entries[frame.frame - 1, 0] = stored.ref
    return stream.getvalue()
