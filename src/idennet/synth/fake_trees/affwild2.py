"""A fake Aff-Wild2 with Action Unit annotations: one text file a video, cropped faces in numbered pictures.

Imitates rows that are not annotated, in part or at all, frames without a detected face and so without a
picture, two people in one video, blanks after the header, and Windows line ends.
"""

from pathlib import Path

import numpy as np

from idennet.facs import MISSING
from idennet.synth.fake_trees.shots import Faces, Written, place, write_picture, write_text

AUS = (1, 2, 4, 6, 7, 10, 12, 15, 23, 24, 25, 26)
_SIZE, _EYES = (112, 112), ((38.3, 51.7), (73.5, 51.5))
_HEADER = ",".join(f"AU{au}" for au in AUS)


def write_affwild2(out: Path, subjects: int, frames: int, faces: Faces, seed: int = 0) -> list[Written]:
    """Write a fake Aff-Wild2 and return its annotated frames: training videos first, sorted by name.

    Args:
        out: Folder to make.
        subjects: Videos, where two people of one video count twice; every third is for validation.
        frames: Frames of each.
        faces: What to fill it with.
        seed: Of what is not annotated and not detected.
    """
    generator = np.random.default_rng(seed)
    by_part: dict[str, list[Written]] = {"Train_Set": [], "Validation_Set": []}
    for subject, video in enumerate(_videos(subjects)):
        part = "Validation_Set" if subject % 3 == 2 else "Train_Set"
        rows = []
        folder = out / "cropped_aligned" / video
        folder.mkdir(parents=True)
        for number, shot in enumerate(faces(subject, frames), 1):
            labels = {au: _label(shot.occurrences.get(au, 0), generator) for au in AUS}
            if number % 4 == 2:
                labels = dict.fromkeys(AUS, MISSING)
            rows.append(",".join(str(label) for label in labels.values()))
            file, detected = folder / f"{number:05d}.jpg", number % 5 != 3
            if detected:
                write_picture(file, place(shot, _SIZE, _EYES).image)
            if set(labels.values()) != {MISSING}:
                source = video.removesuffix("_left").removesuffix("_right")
                by_part[part].append(Written(video, source, number, file, labels, exists=detected))
        end, blank = ("\r\n", "") if subject % 2 else ("\n", " ")
        write_text(out / "AU_Set" / part / f"{video}.txt", end.join([_HEADER + blank, *rows]) + end)
    write_text(out / "cropped_aligned" / ".DS_Store", "\0\0\0\1Bud1")
    return [item for items in by_part.values() for item in sorted(items, key=lambda item: item.subject)]


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
