"""Is a single picture read better when what is usual for the person is subtracted from the shape of the face?

    python -m benchmarks.subtraction.from_shapes PHOTOGRAPHS --eye stores/by-eye --labels by-eye.csv
        --out results/subtraction/from-shapes

The bundled weights read each face twice, the second time as if nothing were known of who it is, so that only
the subtraction from the shape differs. Judged are photographs labelled by eye, a single one of each person,
and movements added to PHOTOGRAPHS of people whom no network here learned from: one picture is compared with
those of all other people, so a brow that always lies high is a fault of the reading. Intervals are from
people drawn again, the same for both readings. Of most people labelled by eye other photographs are among
those that both maps were fitted to; of people of PHOTOGRAPHS none. `--eye` is a store of the pictures that
`--labels` names.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from benchmarks.movements import AUS, SIDED, Reader, measure
from benchmarks.runs import markdown, write_tables
from idennet.faces.alignment import align
from idennet.faces.boxes import Pixels
from idennet.facs import column
from idennet.files import write_text
from idennet.learning.data.movement.drawn import CLEAR
from idennet.learning.data.movement.move import MOVES
from idennet.learning.data.store import FaceStore
from idennet.learning.data.teacher import LESSONS
from idennet.learning.evaluation.metrics import auc
from idennet.models.action_units import ActionUnitModel
from idennet.models.idennet import IdenNet

SUBTRACTED = tuple(lesson.au for lesson in LESSONS if lesson.usual)
BY_EYE = {1: "brows_raised", 2: "brows_raised", 5: "eyes_wide", 15: "lip_corners_down", 43: "eyes_closed"}
RESAMPLES = 1000

Numbers = NDArray[np.float64]


def main() -> None:
    """Read everything twice, and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photographs", type=Path, help="a subfolder for each person")
    parser.add_argument("--weights", type=Path, help="instead of the bundled ones")
    for name in ("eye", "labels", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    model = ActionUnitModel.open(asked.weights, "cpu")
    rows = by_eye(model, FaceStore.open(asked.eye), pd.read_csv(asked.labels))
    rows += by_movement(model, asked.photographs)
    asked.out.mkdir(parents=True, exist_ok=True)
    write_text(asked.out / "numbers.json", json.dumps(rows, indent=1) + "\n")
    write_tables(asked.out, markdown(pd.DataFrame(rows).set_index("judged by").astype(str)) + "\n")


def read(model: ActionUnitModel, crops: Pixels) -> Numbers:
    """Return logits (2, N, A) of crops (N, 128, 128, 3): with nothing subtracted from the shape, and with."""
    network = model.network
    assert isinstance(network, IdenNet), "only IdenNet reads shapes"
    output = network(torch.from_numpy(np.array(crops)).permute(0, 3, 1, 2))
    without = network.read_aus(output.au_residual, output.shape, None, output.trust)
    return np.stack([without.double().numpy(), output.au_logits.double().numpy()])


@torch.inference_mode()
def by_eye(model: ActionUnitModel, store: FaceStore, labels: pd.DataFrame) -> list[dict[str, object]]:
    """Return rows for photographs labelled by eye."""
    labels.index = pd.Index([Path(image).stem for image in labels["image"]])
    seen = labels.loc[[Path(picture).stem for picture in store.frames["sequence"].astype(str)]]
    logits = np.concatenate([read(model, store.read(np.array([face]))) for face in range(len(store))], axis=1)
    rows = []
    for au, condition in BY_EYE.items():
        known = seen[condition].isin(["yes", "no"]).to_numpy()
        scores, present = logits[:, known, model.aus.index(au)], seen[condition].to_numpy()[known] == "yes"
        name = f"{column(au)}, {condition.replace('_', ' ')} by eye"
        rows.append(row(name, scores, present, np.arange(len(present))))
    return rows


def by_movement(model: ActionUnitModel, folder: Path) -> list[dict[str, object]]:
    """Return rows for movements added to photographs."""
    chosen = [model.aus.index(au) for au in AUS]

    def reader(subtracted: int) -> Reader:
        def look(pixels: Pixels, landmarks: NDArray[np.floating]) -> NDArray[np.floating]:
            with torch.inference_mode():
                logits = read(model, align(pixels, landmarks)[None])[subtracted, 0, chosen]
            return np.concatenate([logits, np.full(len(SIDED), np.nan)])

        return look

    found, added, subjects = measure(folder, {"without": reader(0), "with": reader(1)})
    both, people = np.stack([found["without"], found["with"]]), pd.factorize(np.array(subjects))[0]
    rows = []
    for au in SUBTRACTED:
        clear = added[:, MOVES.index(au)].max(axis=1) >= CLEAR
        as_it_was, moved = both[:, 0, :, AUS.index(au)], both[:, 1, clear, AUS.index(au)]
        present = np.repeat([False, True], [len(people), clear.sum()])
        scores = np.concatenate([as_it_was, moved], axis=1)
        rows.append(row(f"{column(au)} added", scores, present, np.concatenate([people, people[clear]])))
    return rows


def row(
    name: str, scores: Numbers, present: NDArray[np.bool_], people: NDArray[np.int64]
) -> dict[str, object]:
    """Return AUC without and with, and their difference with the 95 % interval of people drawn again.

    Args:
        name: What is judged.
        scores: (2, N), without and with.
        present: (N,) the truth.
        people: (N,) who is shown.
    """
    rng, gained = np.random.default_rng(0), []
    members = [np.flatnonzero(people == person) for person in np.unique(people)]
    for _ in range(RESAMPLES):
        drawn = np.concatenate([members[one] for one in rng.integers(len(members), size=len(members))])
        gained.append(np.diff([auc(one[drawn], present[drawn].astype(np.int8)) for one in scores]).item())
    low, high = np.nanquantile(gained, [0.025, 0.975])
    without, subtracted = (auc(one, present.astype(np.int8)) for one in scores)
    return {
        "judged by": name,
        "present": int(present.sum()),
        "nothing subtracted": round(without, 3),
        "usual subtracted": round(subtracted, 3),
        "difference": f"{subtracted - without:+.3f} ({low:+.3f} to {high:+.3f})",
    }


if __name__ == "__main__":
    main()
