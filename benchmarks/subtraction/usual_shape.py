"""Is a face's shape better read after what is usual for the person was subtracted from it?

    python -m benchmarks.subtraction.usual_shape --learn stores/lfw --test stores/lfw-out --eye stores/by-eye
        --labels by-eye.csv --model face_landmarker.task --out results/subtraction/usual-shape

Points are the teacher's, so no error of our own network blurs the answer; what is usual for a person is what
a linear map of the bundled weights' identity embedding says, learnt in two ways: from the very picture, and
from the mean of the person's *other* pictures, which knows nothing of this one's expression. `--labels` has
the pictures of `--eye` with a yes or no about each condition.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from sklearn.linear_model import RidgeCV

from benchmarks.runs import markdown, write_tables
from idennet.files import write_text
from idennet.learning.data.landmarker import READ_BY_BLENDSHAPES, Landmarker
from idennet.learning.data.shapes import shapes_of
from idennet.learning.data.store import FaceStore
from idennet.learning.evaluation.metrics import auc
from idennet.learning.training.closed_form import others_mean
from idennet.learning.training.stages import to_tensor
from idennet.models.idennet import IdenNet
from idennet.models.shape import upright
from idennet.models.weights import load_bundled

LEAST_PICTURES = 4
MEASURES: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
    "inner brow": ((55, 285, 107, 336), ()),
    "outer brow": ((70, 300, 105, 334), ()),
    "lids apart": ((159, 386, 158, 385), (145, 374, 153, 380)),
    "mouth corner": ((61, 291), (13,)),
    "lips apart": ((13,), (14,)),
}
"""How much higher the first points are than the second, or than the eyes' corners (numbers of the 478)."""

CONDITIONS = (
    ("brows_raised", "inner brow"), ("brows_raised", "outer brow"), ("eyes_wide", "lids apart"),
    ("smiling", "mouth corner"), ("lips_parted", "lips apart"),
)  # fmt: skip

Numbers = NDArray[np.float64]


def main() -> None:
    """Read points and embeddings, subtract, and write the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name in ("learn", "test", "eye", "labels", "model", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    asked = parser.parse_args()
    teacher, network = Landmarker(asked.model), load_bundled()[0]
    assert isinstance(network, IdenNet), "the bundled network is one"

    def read(path: Path) -> tuple[FaceStore, NDArray[np.int64], Numbers, Numbers]:
        store = FaceStore.open(path)
        labels = shapes_of(store, asked.out / "points", teacher)
        points = upright(torch.from_numpy(labels.points)).numpy().reshape(len(labels.rows), -1)
        with torch.inference_mode():
            parts = [
                network.embed(to_tensor(store.read(part), torch.device("cpu"))).double().numpy()
                for part in np.array_split(labels.rows, len(labels.rows) // 64 + 1)
            ]
        return store, labels.rows, points.astype(float), np.concatenate(parts)

    store, rows, points, embeddings = read(asked.learn)
    who = store.subject_index[rows]
    enough = np.bincount(who)[who] >= LEAST_PICTURES
    others, _ = others_mean(points, who)
    maps = {
        "the very picture": RidgeCV(np.logspace(-2, 3, 12)).fit(embeddings, points),
        "the person's other pictures": RidgeCV(np.logspace(-2, 3, 12)).fit(
            embeddings[enough], others[enough]
        ),
    }
    test, test_rows, test_points, test_embeddings = read(asked.test)
    eye, eye_rows, eye_points, eye_embeddings = read(asked.eye)
    seen = pd.read_csv(asked.labels)
    seen.index = pd.Index([Path(image).stem for image in seen["image"]])
    seen = seen.loc[eye.frames["sequence"].astype(str).to_numpy()[eye_rows]]
    found = []
    for name, usual in [("nothing", None), *maps.items()]:
        taken, eye_taken = (
            0 if usual is None else usual.predict(given) for given in (test_embeddings, eye_embeddings)
        )
        left, eye_left = measured(test_points - taken), measured(eye_points - eye_taken)
        shares = {f"share {one}": person_share(left[one], test.subject_index[test_rows]) for one in MEASURES}
        aucs = {
            f"AUC {condition}, {one}": auc(eye_left[one], (seen[condition] == "yes").to_numpy(np.int8))
            for condition, one in CONDITIONS
        }
        found.append({"usual, learnt from": name, **shares, **aucs})
    write_text(asked.out / "numbers.json", json.dumps(found, indent=1) + "\n")
    table = pd.DataFrame(found).set_index("usual, learnt from").T.map("{:.3f}".format)
    write_tables(asked.out, markdown(table) + "\n")


def measured(points: Numbers) -> dict[str, Numbers]:
    """Return the measures (N,) of upright points (N, 292)."""
    heights = -points.reshape(len(points), -1, 2)[..., 1]
    numbers = {point: place for place, point in enumerate(READ_BY_BLENDSHAPES)}

    def height(of: tuple[int, ...]) -> Numbers:
        return heights[:, [numbers[point] for point in of]].mean(axis=1)

    return {name: height(one) - (height(other) if other else 0) for name, (one, other) in MEASURES.items()}


def own_mean(values: Numbers, who: NDArray[np.int64]) -> Numbers:
    """Return each person's mean of values (N, V), once for each picture."""
    return pd.DataFrame(values).groupby(who).transform("mean").to_numpy()


def person_share(values: Numbers, who: NDArray[np.int64]) -> float:
    """Return the share of the variance of values (N,) that lies between people with enough pictures."""
    enough = np.bincount(who)[who] >= LEAST_PICTURES
    within = values - own_mean(values[:, None], who)[:, 0]
    return float(1 - within[enough].var() / values[enough].var())


if __name__ == "__main__":
    main()
