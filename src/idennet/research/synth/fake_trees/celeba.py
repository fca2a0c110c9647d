"""A fake CelebA: `Img`, `Anno` and `Eval` with all lists, aligned and original pictures.

Imitates the header-less lists of identities and partitions, two lines of header elsewhere, columns set apart
by runs of spaces, identity numbers without order, and partitions that are contiguous and share nobody.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from idennet.research.synth.fake_trees.common import FakeFace, FakeFrame, claim, jpeg, write_file
from idennet.research.synth.fake_trees.cropped import eyes_of, with_eyes_at

FloatArray = npt.NDArray[np.floating]

IDENTITIES = 10_177
ALIGNED_SIZE = (178, 218)
_ALIGNED_EYES = ((69.0, 111.0), (108.0, 111.0))
_FIVE_NAMES = ("lefteye", "righteye", "nose", "leftmouth", "rightmouth")
_ATTRIBUTES = 40


def write_celeba(out: Path, people: Sequence[Sequence[FakeFace]], seed: int = 0) -> list[FakeFrame]:
    """Write a tree of CelebA and return what it says of the aligned pictures, in the order of their numbers.

    The last person is in the test partition, the one before in the validation partition.

    Args:
        out: Folder, new or empty.
        people: Faces of each identity.
        seed: Of the identities' numbers, of the pictures' order and of the originals' framing.

    Raises:
        StoreError: The folder is not empty.
    """
    claim(out, "CelebA")
    generator = np.random.default_rng(seed)
    identities = generator.permutation(IDENTITIES)[: len(people)] + 1
    partition = [max(0, 3 - len(people) + person) for person in range(len(people))]
    owned = [(person, face) for person, faces in enumerate(people) for face in faces]
    owned = [owned[row] for row in generator.permutation(len(owned))]

    said: list[FakeFrame] = []
    identity_lines, partition_lines, attribute_lines, box_lines = [], [], [], []
    aligned_lines, wild_lines = [], []
    for number, (person, face) in enumerate(sorted(owned, key=lambda item: partition[item[0]]), 1):
        stem = f"{number:06d}"
        aligned = with_eyes_at(face, *ALIGNED_SIZE, _ALIGNED_EYES)
        wild = _in_the_wild(face, generator)
        write_file(out / "Img" / "img_align_celeba" / f"{stem}.jpg", jpeg(aligned.image))
        write_file(out / "Img" / "img_celeba" / f"{stem}.jpg", jpeg(wild.image))
        identity_lines.append(f"{stem}.jpg {identities[person]}")
        partition_lines.append(f"{stem}.jpg {partition[person]}")
        attribute_lines.append(f"{stem}.jpg {' '.join([' 1', '-1'] * (_ATTRIBUTES // 2))}")
        low, high = wild.landmarks.min(axis=0), wild.landmarks.max(axis=0)
        box_lines.append(f"{stem}.jpg  {_numbers(np.stack([low, high - low]))}")
        aligned_lines.append(f"{stem}.jpg {_numbers(_five(aligned))}")
        wild_lines.append(f"{stem}.jpg  {_numbers(_five(wild))}")
        marked = np.full((68, 2), np.nan, np.float32)
        marked[36:42], marked[42:48] = eyes_of(aligned).round()
        said.append(FakeFrame(str(identities[person]), stem, number, {}, {}, marked, aligned.image))

    points = " ".join(f"{name}_{axis}" for name in _FIVE_NAMES for axis in "xy")
    attributes = " ".join(f"Attribute_{number}" for number in range(_ATTRIBUTES))
    _write_list(out / "Anno" / "identity_CelebA.txt", identity_lines)
    _write_list(out / "Eval" / "list_eval_partition.txt", partition_lines)
    _write_list(out / "Anno" / "list_attr_celeba.txt", attribute_lines, attributes)
    _write_list(out / "Anno" / "list_bbox_celeba.txt", box_lines, "image_id x_1 y_1 width height")
    _write_list(out / "Anno" / "list_landmarks_align_celeba.txt", aligned_lines, points)
    _write_list(out / "Anno" / "list_landmarks_celeba.txt", wild_lines, points)
    return said


def _in_the_wild(face: FakeFace, generator: np.random.Generator) -> FakeFace:
    """Return a larger picture of any size, in which the face is somewhere and leans."""
    width, height = (int(side) for side in generator.integers(240, 420, size=2))
    x, y = generator.uniform(0.4, 0.6, size=2) * (width, height)
    half = generator.uniform(24, 40)
    lean = half * generator.uniform(-0.2, 0.2)
    return with_eyes_at(face, width, height, ((x - half, y - lean), (x + half, y + lean)))


def _five(face: FakeFace) -> FloatArray:
    """Return eye centres, tip of the nose and corners of the mouth, (5, 2)."""
    return np.vstack([eyes_of(face), face.landmarks[[30, 48, 54]]])


def _numbers(points: FloatArray) -> str:
    """Return points as whole numbers in columns."""
    return " ".join(f"{value:4.0f}" for value in points.ravel())


def _write_list(file: Path, lines: list[str], names: str | None = None) -> None:
    """Write a list; one with column names says first how many pictures it has."""
    header = [] if names is None else [str(len(lines)), f"{names} "]
    write_file(file, "\n".join([*header, *lines]) + "\n")
