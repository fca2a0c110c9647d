"""A fake CK+: sequences from neutral to the peak, codes, landmarks and emotions in folders of their own.

Imitates floating notation, intensity 0 for a code without score, codes outside this package, an empty FACS
file, sequences without emotion, grey and colour pictures of two sizes, and `.DS_Store`.
"""

from pathlib import Path

import numpy as np

from idennet.synth.fake_trees.shots import Faces, Shot, Written, place, write_picture, write_text

_SIZES = ((640, 490), (640, 480))
_EYES = ((270.0, 200.0), (370.0, 200.0))
_EMOTIONS = 8
_NOT_RENDERED = 31  # jaw clencher: real codes, which nothing here reads


def write_ckplus(out: Path, subjects: int, frames: int, faces: Faces, seed: int = 0) -> list[Written]:
    """Write a fake CK+ with two sequences a subject and return the peaks, sorted.

    The second sequence of the first subject has an empty FACS file: a coder saw a neutral face.

    Args:
        out: Folder to make.
        subjects: Number of subjects.
        frames: Pictures of each sequence.
        faces: What to fill it with.
        seed: Of emotions and scores.
    """
    generator = np.random.default_rng(seed)
    written = []
    for subject in range(subjects):
        name, grey = f"S{5 * subject + 5:03d}", subject % 2 == 0
        shots = faces(subject, 2 * frames)
        for sequence in range(2):
            own = shots[sequence * frames : (sequence + 1) * frames]
            own = sorted(own, key=lambda shot: sum(shot.intensities.values()))
            place_name = Path(name) / f"{sequence + 1:03d}"
            for number, shot in enumerate(own, 1):
                framed = place(shot, _SIZES[not grey], _EYES)
                stem = f"{name}_{sequence + 1:03d}_{number:08d}"
                image = framed.image.mean(axis=2).round().astype(np.uint8) if grey else framed.image
                file = out / "cohn-kanade-images" / place_name / f"{stem}.png"
                write_picture(file, image)
                points = "".join(f"   {x:.7e}   {y:.7e}\n" for x, y in framed.landmarks)
                write_text(out / "Landmarks" / place_name / f"{stem}_landmarks.txt", points)
            neutral = subject == 0 and sequence == 1
            labels, intensities, text = _codes(framed, generator, neutral)
            write_text(out / "FACS" / place_name / f"{stem}_facs.txt", text)
            _write_emotion(out / "Emotion" / place_name, stem, generator)
            written.append(
                Written(name, f"{sequence + 1:03d}", number, file, labels, intensities, eyes=framed.eyes)
            )
    for folder in ("cohn-kanade-images", "FACS", "FACS/S005", "Landmarks/S005/001", "Emotion"):
        write_text(out / folder / ".DS_Store", "\0\0\0\1Bud1")
    return written


def _codes(
    shot: Shot, generator: np.random.Generator, neutral: bool
) -> tuple[dict[int, int], dict[int, float], str]:
    """Return labels, intensities 1 to 5, and the text of a FACS file; some codes have no score."""
    labels = {au: int(not neutral and label == 1) for au, label in shot.occurrences.items()}
    intensities: dict[int, float] = {}
    lines = []
    for au in (au for au, label in labels.items() if label):
        scored = generator.random() < 0.7
        score = max(1, round(5 * shot.intensities[au])) if scored else 0
        if scored:
            intensities[au] = float(score)
        lines.append(f"   {au:.7e}   {score:.7e}\n")
    if lines:
        lines.append(f"   {_NOT_RENDERED:.7e}   {0:.7e}\n")
    return labels, intensities, "".join(lines)


def _write_emotion(folder: Path, stem: str, generator: np.random.Generator) -> None:
    """Write the emotion of about half of the sequences; the others have an empty folder."""
    folder.mkdir(parents=True)
    if generator.random() < 0.55:
        write_text(folder / f"{stem}_emotion.txt", f"   {generator.integers(1, _EMOTIONS):.7e}\n")
