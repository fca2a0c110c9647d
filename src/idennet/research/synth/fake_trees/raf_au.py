"""A fake RAF-AU: one label string a picture, `0007.jpg 1+2+L12`, and small aligned pictures.

Imitates one-sided Action Units, pictures without any (`null`), trailing blanks, codes outside this package,
and names that lack `_aligned`.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from idennet.research.synth.fake_trees.common import FakeFace, FakeFrame, claim, jpeg, write_file
from idennet.research.synth.fake_trees.cropped import with_eyes_at

_SIZE, _EYES = (100, 100), ((31.0, 40.0), (69.0, 40.0))
_NOT_RENDERED = 39  # nostril compressor: a real code, which nothing here reads


def write_raf_au(out: Path, people: Sequence[Sequence[FakeFace]], seed: int = 0) -> list[FakeFrame]:
    """Write a tree of RAF-AU and return what it says in the order of its list, one-sided codes as present.

    Every seventh picture has no Action Unit.

    Args:
        out: Folder, new or empty.
        people: Faces of each person; the data set does not tell who they are, so each picture is a subject.
        seed: Of names and one-sided codes.

    Raises:
        StoreError: The folder is not empty.
    """
    claim(out, "RAF-AU")
    generator = np.random.default_rng(seed)
    all_faces = [face for faces in people for face in faces]
    numbers = np.sort(generator.permutation(4_908)[: len(all_faces)] + 1)  # the real names have gaps
    said, lines = [], []
    for row, (number, face) in enumerate(zip(numbers.tolist(), all_faces, strict=True)):
        stem = f"{number:04d}"
        labels = {au: int(label == 1 and row % 7 != 6) for au, label in face.occurrences.items()}
        lines.append(f"{stem}.jpg {_codes(labels, generator)}{' ' * (row % 3)}\n")
        picture = with_eyes_at(face, *_SIZE, _EYES).image
        write_file(out / "aligned" / f"{stem}_aligned.jpg", jpeg(picture))
        said.append(FakeFrame(stem, stem, number, labels, picture=picture))
    write_file(out / "RAFAU_label.txt", "".join(lines))
    return said


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
