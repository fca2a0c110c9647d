"""Measure movements added to photographs: `python benchmarks/movements.py PHOTOGRAPHS --out FOLDER`.

Photographs of people whom no network here learned from are bent as `idennet teach --moved` does it. How well
are the bent ones told from photographs as they were (AUC, over people), and how many read higher than the one
that they were made of (within the person)? Strengths below one half do not count. Prints Markdown and writes
`movements.json`; needs the extra learn. Nobody coded these faces: the truth is what was added.
"""

import argparse
import json
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from idennet.faces.alignment import align
from idennet.faces.boxes import Pixels
from idennet.facs import column
from idennet.learning.data.landmarker import BLENDSHAPES, Landmarker
from idennet.learning.data.movement.drawn import CLEAR, copies_of, drawn_movement
from idennet.learning.data.movement.move import MOVES, move
from idennet.learning.data.readers.locate import MainFaceLocator
from idennet.learning.data.teach import photographs_of
from idennet.learning.data.teacher import LESSONS
from idennet.learning.evaluation.metrics import auc
from idennet.media.pictures import read_picture
from idennet.models.action_units import ActionUnitModel

AUS = tuple(sorted(MOVES))

Reader = Callable[[Pixels, NDArray[np.floating]], NDArray[np.floating] | None]
"""Scores (A,) of a picture's main face, whose landmarks are known; None if it sees none."""


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
    scores, added, faces = measure(given.photographs, readers)
    found = {name: table(*values, added) for name, values in scores.items()}
    (given.out / "movements.json").write_text(json.dumps({"faces": faces, "readers": found}, indent=1) + "\n")
    print(f"{faces['pictures']} photographs of {faces['people']} people, each once bent\n")
    print("| |", " | ".join(column(au) for au in AUS), "|\n| --- |" + " --- |" * len(AUS))
    for name, row in found.items():
        cells = [f"{row[column(au)]['auc']:.3f}, {100 * row[column(au)]['higher']:.0f} %" for au in AUS]
        print(f"| {name} |", " | ".join(cells), "|")


def network_reader(model: ActionUnitModel) -> Reader:
    """Return what a network scores: its probabilities."""
    chosen = [model.aus.index(au) for au in AUS]
    return lambda pixels, landmarks: model.read(align(pixels, landmarks)[None]).probs[0, chosen]


def teacher_reader(landmarker: Landmarker) -> Reader:
    """Return what the landmarker scores: the values that its lessons are made of."""
    lessons = {
        lesson.au: [BLENDSHAPES.index(name) for name in lesson.columns]
        for lesson in LESSONS
        if lesson.au in AUS
    }

    def read(pixels: Pixels, landmarks: NDArray[np.floating]) -> NDArray[np.floating] | None:
        seen = landmarker(pixels)
        return None if seen is None else np.array([seen.blendshapes[lessons[au]].mean() for au in AUS])

    return read


def measure(
    folder: Path, readers: Mapping[str, Reader]
) -> tuple[dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]], NDArray[np.float64], dict[str, int]]:
    """Return each reader's scores as they were and moved (N, A), the strengths added (N, A), and counts."""
    locate, unread = MainFaceLocator(), np.full(len(AUS), np.nan)
    rows: dict[str, list[tuple[NDArray[np.floating], NDArray[np.floating]]]] = {name: [] for name in readers}
    added, people = [], set()
    for photograph in photographs_of(folder):
        pixels = read_picture(photograph.file).pixels
        if (landmarks := locate(pixels)) is None:
            continue
        movement = drawn_movement(copies_of(photograph.name)[0])
        moved = move(pixels, landmarks, movement)
        if (found := locate(moved)) is None:
            continue
        for name, reader in readers.items():
            both = reader(pixels, landmarks), reader(moved, found)
            rows[name].append(tuple(unread if score is None else score for score in both))
        added.append([max(movement.strengths.get(au, (0.0,))) for au in AUS])
        people.add(photograph.subject)
    scores = {name: tuple(np.array(pairs, float).swapaxes(0, 1)) for name, pairs in rows.items()}
    return scores, np.array(added), {"pictures": len(added), "people": len(people)}


def table(
    before: NDArray[np.float64], after: NDArray[np.float64], added: NDArray[np.float64]
) -> dict[str, dict[str, float]]:
    """Return for each Action Unit the AUC, the share that reads higher than before, and of how many."""
    found = {}
    for place, au in enumerate(AUS):
        seen = ~np.isnan(before[:, place]) & ~np.isnan(after[:, place])
        clear = seen & (added[:, place] >= CLEAR)
        one, other = before[seen, place], after[clear, place]
        labels = np.concatenate([np.zeros(len(one), int), np.ones(len(other), int)])
        found[column(au)] = {
            "auc": round(auc(np.concatenate([one, other]), labels), 4),
            "higher": round(float((other > before[clear, place]).mean()), 4),
            "moved": int(clear.sum()),
        }
    return found


if __name__ == "__main__":
    main()
