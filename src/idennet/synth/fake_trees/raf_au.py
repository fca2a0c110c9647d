"""A fake RAF-AU: one label string a picture, `0007.jpg 1+2+L12`, and small aligned pictures.

Imitates one-sided Action Units, pictures without any (`null`), trailing blanks, codes outside this package,
and names that lack `_aligned`.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from idennet.synth.fake_trees.shots import Faces, Written, place, write_picture, write_text

_SIZE, _EYES = (100, 100), ((31.0, 40.0), (69.0, 40.0))
_NOT_RENDERED = 39  # nostril compressor: a real code, which nothing here reads


def write_raf_au(out: Path, subjects: int, frames: int, faces: Faces, seed: int = 0) -> list[Written]:
    """Write a fake RAF-AU and return its pictures in the order of the list, one-sided codes as present.

    Args:
        out: Folder to make.
        subjects: People; the data set does not tell who they are, so each picture is a subject.
        frames: Pictures of each.
        faces: What to fill it with.
        seed: Of names and one-sided codes.
    """
    generator = np.random.default_rng(seed)
    shots = [shot for subject in range(subjects) for shot in faces(subject, frames)]
    numbers = np.sort(generator.permutation(4_908)[: len(shots)] + 1)  # real names have gaps
    written, lines = [], []
    for row, (number, shot) in enumerate(zip(numbers.tolist(), shots, strict=True)):
        stem = f"{number:04d}"
        labels = {au: int(label == 1 and row % 7 != 6) for au, label in shot.occurrences.items()}
        lines.append(f"{stem}.jpg {_codes(labels, generator)}{' ' * (row % 3)}")
        file = out / "aligned" / f"{stem}_aligned.jpg"
        write_picture(file, place(shot, _SIZE, _EYES).image)
        written.append(Written(stem, stem, number, file, labels))
    write_text(out / "RAFAU_label.txt", "\n".join(lines) + "\n")
    return written


def _codes(labels: Mapping[int, int], generator: np.random.Generator) -> str:
    """Return the label string: some codes on one side, some on each side by itself."""
    tokens = []
    for au in (au for au, label in labels.items() if label):
        form = generator.random()
        if form < 0.15:
            tokens.append(f"{'LR'[int(generator.integers(2))]}{au}")
        elif form < 0.2:
            tokens += [f"L{au}", f"R{au}"]
        else:
            tokens.append(str(au))
    if tokens and generator.random() < 0.2:
        tokens.append(str(_NOT_RENDERED))
    return "+".join(tokens) or "null"
