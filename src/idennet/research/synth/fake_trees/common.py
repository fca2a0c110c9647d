"""What all fake trees share: faces with known labels, pictures of the original's size, reproducible files.

The trees are written after descriptions of the originals and share no code with the readers, so that a reader
which agrees with a tree has understood the description twice.
"""

import io
import zipfile
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from idennet.errors import StoreError
from idennet.facs import MISSING, SYNFACS_AUS, column
from idennet.research.synth.corpora import CorpusConfig
from idennet.research.synth.generate import SubjectRenderer, encode

MARKER = "FAKE-TREE.txt"
"""File at the top of every tree that says what it is."""

_LONG_AGO = (2000, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class FakeFace:
    """A picture that the trees are filled with (S = side).

    Attributes:
        image: (S, S, 3) uint8 RGB.
        landmarks: (68, 2) pixels, the centre of the first pixel at (0, 0).
        occurrences: 1, 0, or -1 for a trace, of all 22 Action Units.
        intensities: 0 to 1, of all 22 Action Units.
    """

    image: npt.NDArray[np.uint8]
    landmarks: npt.NDArray[np.float32]
    occurrences: Mapping[int, int]
    intensities: Mapping[int, float]

    def level(self, au: int) -> int:
        """Return the intensity on the scale of FACS coders: 0, and 1 (A) to 5 (E)."""
        return round(5 * self.intensities[au])


@dataclass(frozen=True)
class FakeFrame:
    """What a tree says about one labelled frame, for comparison with what a reader says.

    Attributes:
        subject: As the data set names it: `"F001"`.
        sequence: As the data set names it, or `""`.
        frame: Number as the data set counts.
        labels: 1, 0 or -1 of each Action Unit with a column of occurrences.
        levels: Intensity of each Action Unit that has one.
        landmarks: (68, 2) of the picture, NaN for points the tree does not have, or None without any.
        picture: (H, W, 3) before compression, or None when the tree lacks it.
    """

    subject: str
    sequence: str
    frame: int
    labels: Mapping[int, int] = field(default_factory=dict)
    levels: Mapping[int, float] = field(default_factory=dict)
    landmarks: npt.NDArray[np.float32] | None = None
    picture: npt.NDArray[np.uint8] | None = None


def rendered_faces(
    config: CorpusConfig, subjects: int, frames: int, seed: int = 0, face_model: Path | None = None
) -> list[list[FakeFace]]:
    """Render people with all Action Units known.

    Args:
        config: The corpus that plays the data set: light, pose and background; its size of frames counts.
        subjects: Number of people.
        frames: Pictures of each.
        seed: Source of all randomness.
        face_model: NPZ of the face model; by default the one that `IDENNET_FACE_MODEL` names.

    Raises:
        InputError: There is no face model.
    """
    changes = {"subjects": subjects, "frames_per_subject": frames, "seed": seed, "aus": SYNFACS_AUS}
    renderer = SubjectRenderer(config.model_copy(update=changes), face_model)
    return [[_face(row) for row in renderer.table(index).to_dict("records")] for index in range(subjects)]


def _face(row: Mapping[Hashable, Any]) -> FakeFace:
    """Return a row of a rendered corpus as a face."""
    pixels = cv2.imdecode(np.frombuffer(row["image"], np.uint8), cv2.IMREAD_COLOR_RGB)
    return FakeFace(
        np.asarray(pixels, np.uint8),
        np.asarray(row["landmarks"], np.float32).reshape(68, 2),
        {au: int(row[column(au)]) for au in SYNFACS_AUS},
        {au: float(row[f"{column(au)}_intensity"]) for au in SYNFACS_AUS},
    )


def without(landmarks: npt.NDArray[np.float32], points: Iterable[int]) -> npt.NDArray[np.float32]:
    """Return landmarks (68, 2) with NaN for points that a data set does not mark."""
    known = landmarks.astype(np.float32)
    known[list(points)] = np.nan
    return known


def placed(face: FakeFace, width: int, height: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]:
    """Return a picture (height, width, 3) with the face as large as fits at the bottom, and its landmarks.

    The edges of the face's picture go on to the edges of the whole.
    """
    side = min(width, height)
    scale = side / len(face.image)
    smooth = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    square = cv2.resize(face.image, (side, side), interpolation=smooth)
    left, top = (width - side) // 2, height - side
    picture = cv2.copyMakeBorder(square, top, 0, left, width - side - left, cv2.BORDER_REPLICATE)
    landmarks = (face.landmarks + 0.5) * scale - 0.5 + np.array([left, top])
    return np.asarray(picture, np.uint8), landmarks.astype(np.float32)


def occurrence(code: int, unknown: int) -> int:
    """Return an occurrence as the data set writes it, with its code for what is unknown."""
    return unknown if code == MISSING else code


def jpeg(picture: npt.NDArray[np.uint8]) -> bytes:
    """Return a picture as JPEG bytes."""
    return encode(picture, 95)


def png(picture: npt.NDArray[np.uint8]) -> bytes:
    """Return a picture as PNG bytes."""
    return cv2.imencode(".png", picture[..., ::-1])[1].tobytes()


def write_file(file: Path, content: bytes | str) -> None:
    """Write a file and the folders it needs; text ends its lines as it says."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content.encode() if isinstance(content, str) else content)


def zipped(members: Mapping[str, bytes]) -> bytes:
    """Return a zip of members, the same bytes for the same members."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name, _LONG_AGO), content)
    return stream.getvalue()


def check_free(out: Path) -> None:
    """Check that a tree can be written into a folder.

    Raises:
        StoreError: It exists and holds something.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise StoreError(f"{out} is not empty; give a new folder for the fake tree.")


def claim(out: Path, original: str) -> None:
    """Make the folder of a tree and mark it, so that nobody takes it for the original.

    Args:
        out: Folder, new or empty.
        original: Name of the data set that it imitates.

    Raises:
        StoreError: The folder exists and holds something.
    """
    check_free(out)
    write_file(
        out / MARKER,
        f"An imitation of {original} with rendered people, written by: idennet synth fake-tree\n"
        f"Nothing here comes from {original}. Leave this file here: it tells readers what they read.\n",
    )


def halves(faces: Sequence[FakeFace]) -> tuple[Sequence[FakeFace], Sequence[FakeFace]]:
    """Return the faces of a subject as two sequences, the first the longer one."""
    middle = (len(faces) + 1) // 2
    return faces[:middle], faces[middle:]
