"""A fake CelebA: `Img`, `Anno` and `Eval` with all lists, aligned and original pictures.

Imitates the header-less lists of identities and partitions, two lines of header elsewhere, columns set apart
by runs of spaces, identity numbers without order, and partitions that are contiguous and share nobody.
"""

from pathlib import Path

import numpy as np

from idennet.synth.fake_trees.shots import Faces, Shot, Written, place, write_picture, write_text

ALIGNED_SIZE = (178, 218)
_ALIGNED_EYES = ((69.0, 111.0), (108.0, 111.0))
_FIVE_NAMES = ("lefteye", "righteye", "nose", "leftmouth", "rightmouth")
_ATTRIBUTES = 40


def write_celeba(out: Path, subjects: int, frames: int, faces: Faces, seed: int = 0) -> list[Written]:
    """Write a fake CelebA and return its aligned pictures in the order of their numbers.

    Args:
        out: Folder to make.
        subjects: Identities; the last is in the test partition, the one before in the validation one.
        frames: Pictures of each.
        faces: What to fill it with.
        seed: Of identity numbers and order.
    """
    generator = np.random.default_rng(seed)
    identities = generator.permutation(10_177)[:subjects] + 1
    partition = [max(0, 3 - subjects + subject) for subject in range(subjects)]
    places = [(subject, shot) for subject in range(subjects) for shot in faces(subject, frames)]
    order = sorted(range(len(places)), key=lambda row: (partition[places[row][0]], generator.random()))

    written: list[Written] = []
    identity_lines, partition_lines, attribute_lines, box_lines = [], [], [], []
    aligned_lines, wild_lines = [], []
    for number, row in enumerate(order, 1):
        subject, shot = places[row]
        name = f"{number:06d}.jpg"
        aligned, wild = place(shot, ALIGNED_SIZE, _ALIGNED_EYES), _in_the_wild(shot, generator)
        file = out / "Img" / "img_align_celeba" / name
        write_picture(file, aligned.image)
        write_picture(out / "Img" / "img_celeba" / name, wild.image)
        identity_lines.append(f"{name} {identities[subject]}")
        partition_lines.append(f"{name} {partition[subject]}")
        attribute_lines.append(
            f"{name} " + " ".join(f"{2 * (value % 2) - 1:2d}" for value in range(_ATTRIBUTES))
        )
        low, high = wild.landmarks.min(axis=0).round(), wild.landmarks.max(axis=0).round()
        box_lines.append(
            f"{name}  {low[0]:4.0f} {low[1]:4.0f} {high[0] - low[0]:4.0f} {high[1] - low[1]:4.0f}"
        )
        aligned_lines.append(f"{name} {_numbers(_five(aligned))}")
        wild_lines.append(f"{name}  {_numbers(_five(wild))}")
        eyes = _five(aligned)[:2].astype(np.float64)
        written.append(Written(str(identities[subject]), f"{number:06d}", number, file, eyes=eyes))

    points = " ".join(f"{name}_{axis}" for name in _FIVE_NAMES for axis in "xy")
    attributes = " ".join(f"Attribute_{number}" for number in range(_ATTRIBUTES))
    _write_list(out / "Anno" / "identity_CelebA.txt", identity_lines)
    _write_list(out / "Eval" / "list_eval_partition.txt", partition_lines)
    _write_list(out / "Anno" / "list_attr_celeba.txt", attribute_lines, attributes)
    _write_list(out / "Anno" / "list_bbox_celeba.txt", box_lines, "image_id x_1 y_1 width height")
    _write_list(out / "Anno" / "list_landmarks_align_celeba.txt", aligned_lines, points)
    _write_list(out / "Anno" / "list_landmarks_celeba.txt", wild_lines, points)
    return written


def _in_the_wild(shot: Shot, generator: np.random.Generator) -> Shot:
    """Return a larger picture of any size, in which the face is somewhere and leans."""
    width, height = (int(side) for side in generator.integers(240, 420, size=2))
    middle = np.array([width, height]) * generator.uniform(0.4, 0.6, size=2)
    half = generator.uniform(24, 40) * np.array([1.0, generator.uniform(-0.2, 0.2)])
    right, left = middle - half, middle + half
    return place(shot, (width, height), ((right[0], right[1]), (left[0], left[1])))


def _five(shot: Shot) -> np.ndarray:
    """Return eye centres, tip of the nose and corners of the mouth as whole pixels (5, 2)."""
    return np.vstack([shot.eyes, shot.landmarks[[30, 48, 54]]]).round().astype(int)


def _numbers(points: np.ndarray) -> str:
    return " ".join(f"{value:4d}" for value in points.ravel())


def _write_list(file: Path, lines: list[str], names: str | None = None) -> None:
    """Write a list; one with column names says first how many pictures it has."""
    header = [] if names is None else [str(len(lines)), f"{names} "]
    write_text(file, "\n".join([*header, *lines]) + "\n")
