"""A fake CK+: sequences from neutral to the peak, codes, landmarks and emotions in folders of their own.

Imitates floating notation, intensity 0 for a code without score, codes outside this package, an empty FACS
file, sequences without emotion, grey and colour pictures of two sizes, and `.DS_Store`.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from idennet.research.synth.fake_trees.common import FakeFace, FakeFrame, claim, halves, png, write_file
from idennet.research.synth.fake_trees.cropped import with_eyes_at

_SIZES = {True: (640, 490), False: (640, 480)}
_EYES = ((270.0, 200.0), (370.0, 200.0))
_EMOTIONS = 8
_NOT_RENDERED = 31  # jaw clencher: real codes, which nothing here reads


def write_ckplus(out: Path, people: Sequence[Sequence[FakeFace]], seed: int = 0) -> list[FakeFrame]:
    """Write a tree of CK+ with two sequences a subject and return what it says of the peaks.

    The second sequence of the first subject has an empty FACS file: coders saw a neutral face.

    Args:
        out: Folder, new or empty.
        people: Faces of each subject, at least two.
        seed: Of emotions and scores.

    Raises:
        StoreError: The folder is not empty.
    """
    claim(out, "CK+")
    generator = np.random.default_rng(seed)
    said = []
    for person, faces in enumerate(people):
        for number, some in enumerate(halves(faces), 1):
            place = f"S{5 * person + 5:03d}/{number:03d}"
            peak, frame = _write_pictures(out, place, some, grey=person % 2 == 0)
            labels, levels, codes = _codes(peak, generator, neutral=(person, number) == (0, 2))
            stem = _stem(place, frame)
            write_file(out / "FACS" / place / f"{stem}_facs.txt", codes)
            _write_emotion(out / "Emotion" / place, stem, generator, shown=bool(codes))
            subject, sequence = place.split("/")
            said.append(FakeFrame(subject, sequence, frame, labels, levels, peak.landmarks, peak.image))
    for folder in ("cohn-kanade-images", "FACS", "FACS/S005", "Landmarks/S005/001", "Emotion"):
        write_file(out / folder / ".DS_Store", b"\0\0\0\1Bud1")
    return said


def _write_pictures(out: Path, place: str, faces: Sequence[FakeFace], grey: bool) -> tuple[FakeFace, int]:
    """Write pictures and landmarks of a sequence, least expression first; return the peak and its number."""
    ordered = sorted(faces, key=lambda face: sum(face.intensities.values()))
    for number, face in enumerate(ordered, 1):
        framed = with_eyes_at(face, *_SIZES[grey], _EYES)
        if grey:
            mean = framed.image.mean(axis=2, keepdims=True).round().astype(np.uint8)
            framed = replace(framed, image=np.repeat(mean, 3, axis=2))
        stem = _stem(place, number)
        picture = framed.image[..., :1] if grey else framed.image
        write_file(out / "cohn-kanade-images" / place / f"{stem}.png", png(picture))
        points = "".join(f"   {x:.7e}   {y:.7e}\n" for x, y in framed.landmarks)
        write_file(out / "Landmarks" / place / f"{stem}_landmarks.txt", points)
    return framed, len(ordered)


def _stem(place: str, number: int) -> str:
    """Return the name of all files of a frame: `S005_001_00000011`."""
    return f"{place.replace('/', '_')}_{number:08d}"


def _codes(
    face: FakeFace, generator: np.random.Generator, neutral: bool
) -> tuple[dict[int, int], dict[int, float], str]:
    """Return labels, intensities 1 to 5, and the text of a FACS file; some codes have no score."""
    labels = {au: int(not neutral and label == 1) for au, label in face.occurrences.items()}
    intensities: dict[int, float] = {}
    lines = []
    for au in (au for au, label in labels.items() if label):
        scored = generator.random() < 0.7
        score = max(1, face.level(au)) if scored else 0
        if scored:
            intensities[au] = float(score)
        lines.append(f"   {au:.7e}   {score:.7e}\n")
    if lines:
        lines.append(f"   {_NOT_RENDERED:.7e}   {0:.7e}\n")
    return labels, intensities, "".join(lines)


def _write_emotion(folder: Path, stem: str, generator: np.random.Generator, *, shown: bool) -> None:
    """Write the emotion of about half of the sequences that show any; the others have an empty folder."""
    folder.mkdir(parents=True)
    if generator.random() < 0.55 and shown:
        write_file(folder / f"{stem}_emotion.txt", f"   {generator.integers(1, _EMOTIONS):.7e}\n")
