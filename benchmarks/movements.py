"""Measure movements added to photographs: `python benchmarks/movements.py PHOTOGRAPHS --out FOLDER`.

Photographs of people whom no network here learned from get a movement as `idennet teach --moved` adds it.
How well are they told from photographs as they were (AUC, over people), how many read higher than the one
that they were made of (within the person), and is what was added to one side read on that side? Strengths
below one half do not count. Prints Markdown and writes `movements.json`; needs the extra learn. Nobody coded
these faces: the truth is what was added.
"""

import argparse
import json
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from idennet.errors import NoFaceError
from idennet.faces.alignment import align
from idennet.faces.boxes import Pixels
from idennet.facs import column
from idennet.learning.data.landmarker import BLENDSHAPES, Landmarker
from idennet.learning.data.movement.drawn import CLEAR, copy_of, drawn_movement
from idennet.learning.data.movement.move import MOVES, move
from idennet.learning.data.readers.locate import MainFaceLocator
from idennet.learning.data.teach import photographs_of
from idennet.learning.data.teacher import LESSONS
from idennet.learning.evaluation.metrics import auc
from idennet.media.pictures import read_picture
from idennet.models.action_units import ActionUnitModel

AUS = tuple(au for au in sorted(MOVES) if au != 12)  # most photographs show a smile as they were
SIDED = (2, 12, 43)
"""Action Units that are added to one side, too."""

Reader = Callable[[Pixels, NDArray[np.floating]], NDArray[np.floating] | None]
"""What is read of a picture's main face, whose landmarks are known: scores of `AUS`, then how far left
exceeds right for `SIDED`, NaN if sides are not read; None if no face is seen."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photographs", type=Path, help="a subfolder for each person")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--weights", type=Path, action="append", default=[], help="others beside the bundled")
    parser.add_argument("--model", type=Path, help="MediaPipe's face_landmarker.task, to compare with")
    given = parser.parse_args()
    torch.set_num_threads(1)
    readers = {}
    for weights in [None, *given.weights]:
        model = ActionUnitModel.open(weights)
        readers[model.card.version] = network_reader(model)
    if given.model is not None:
        readers["MediaPipe's face landmarker"] = teacher_reader(Landmarker(given.model))
    given.out.mkdir(parents=True, exist_ok=True)
    scores, added, people = measure(given.photographs, readers)
    faces = {"pictures": len(people), "people": len(set(people))}
    found = {name: table(values, added) for name, values in scores.items()}
    (given.out / "movements.json").write_text(json.dumps({"faces": faces, "readers": found}, indent=1) + "\n")
    print(f"{faces['pictures']} photographs of {faces['people']} people, each once with a movement\n")
    print("| |", " | ".join(column(au) for au in AUS), "|\n| --- |" + " --- |" * len(AUS))
    for name, rows in found.items():
        cells = [f"{rows[column(au)]['auc']:.3f}, {100 * rows[column(au)]['higher']:.0f} %" for au in AUS]
        print(f"| {name} |", " | ".join(cells), "|")
    print("\n| side |", " | ".join(column(au) for au in SIDED), "|\n| --- |" + " --- |" * len(SIDED))
    for name, rows in found.items():
        shares = [rows.get(column(au), {}).get("side") for au in SIDED]
        print(f"| {name} |", " | ".join("" if one is None else f"{100 * one:.0f} %" for one in shares), "|")


def network_reader(model: ActionUnitModel) -> Reader:
    """Return what a network reads: probabilities, and intensities by side."""
    chosen, sided = ([model.aus.index(au) for au in aus] for aus in (AUS, SIDED))

    def read(pixels: Pixels, landmarks: NDArray[np.floating]) -> NDArray[np.floating]:
        readings = model.read(align(pixels, landmarks)[None])
        sides = readings.sides
        excess = np.full(len(SIDED), np.nan) if sides is None else sides[0, sided, 0] - sides[0, sided, 1]
        return np.concatenate([readings.probs[0, chosen], excess])

    return read


def teacher_reader(landmarker: Landmarker) -> Reader:
    """Return what the landmarker reads: the values that its lessons are made of."""
    lessons = {lesson.au: lesson for lesson in LESSONS if lesson.au in MOVES}
    values = {au: [BLENDSHAPES.index(name) for name in lesson.columns] for au, lesson in lessons.items()}

    def read(pixels: Pixels, landmarks: NDArray[np.floating]) -> NDArray[np.floating] | None:
        if (seen := landmarker(pixels)) is None:
            return None
        shapes = np.asarray(seen.blendshapes)
        left, right = np.array([shapes[values[au]] for au in SIDED]).T
        return np.concatenate([[lessons[au].value(shapes[values[au]]) for au in AUS], left - right])

    return read


def measure(
    folder: Path, readers: Mapping[str, Reader]
) -> tuple[dict[str, NDArray[np.float64]], NDArray[np.float64], list[str]]:
    """Return what each reads as they were and moved (2, N, R), what was added by side (N, M, 2), and of whom.

    M are the Action Units of `MOVES`.
    """
    locate, unread = MainFaceLocator(), np.full(len(AUS) + len(SIDED), np.nan)
    read: dict[str, list[list[NDArray[np.floating]]]] = {name: [] for name in readers}
    added, people = [], []
    for photograph in photographs_of(folder):
        pixels = read_picture(photograph.file).pixels
        if (landmarks := locate(pixels)) is None:
            continue
        movement = drawn_movement(copy_of(photograph.name))
        try:
            moved = move(pixels, landmarks, movement)
        except NoFaceError:
            continue
        if (found := locate(moved)) is None:
            continue
        for name, reader in readers.items():
            both = reader(pixels, landmarks), reader(moved, found)
            read[name].append([unread if one is None else one for one in both])
        added.append([movement.strengths.get(au, (0.0, 0.0)) for au in MOVES])
        people.append(photograph.subject)
    return (
        {name: np.array(pairs, float).swapaxes(0, 1) for name, pairs in read.items()},
        np.array(added),
        people,
    )


def table(read: NDArray[np.float64], added: NDArray[np.float64]) -> dict[str, dict[str, float]]:
    """Return for each Action Unit the AUC, the share that reads higher than before, of how many, and `side`.

    `side` is the share of pictures with a movement of one side in which that side gained on the other.
    """
    before, after = read
    seen = ~np.isnan(read[..., : len(AUS)]).any(axis=(0, 2))
    found: dict[str, dict[str, float]] = {}
    for place, au in enumerate(AUS):
        clear = seen & (added[:, MOVES.index(au)].max(axis=1) >= CLEAR)
        one, other = before[seen, place], after[clear, place]
        labels = np.concatenate([np.zeros(len(one), int), np.ones(len(other), int)])
        found[column(au)] = {
            "auc": round(auc(np.concatenate([one, other]), labels), 4),
            "higher": round(float((other > before[clear, place]).mean()), 4),
            "moved": int(clear.sum()),
        }
    for place, au in enumerate(SIDED, start=len(AUS)):
        sides = added[:, MOVES.index(au)]
        one_sided = (
            ~np.isnan(read[..., place]).any(axis=0) & (sides.min(axis=1) == 0) & (sides.max(axis=1) >= CLEAR)
        )
        if one_sided.any():
            gained = (after - before)[one_sided, place]
            is_left = sides[one_sided, 0] > 0
            found.setdefault(column(au), {}).update(
                side=round(float(((gained > 0) == is_left).mean()), 4), one_sided=int(one_sided.sum())
            )
    return found


if __name__ == "__main__":
    main()
