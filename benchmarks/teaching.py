"""What does each way to teach with photographs bring? Equal steps from the same weights, several seeds.

    python -m benchmarks.teaching --au stores/wild --identity stores/lfw --teacher labels.parquet
        --initial first.safetensors --test stores/test --people stores/lfw-out --labels all-labels.parquet
        --eye lfw-by-eye.csv --portraits portraits.csv --out results/teaching

`--people` are photographs of people whom nobody was taught by, `--labels` a teacher's labels of them. Writes
`tables.md` from `runs.jsonl`; without `--au` nothing is trained before.
"""

import argparse
import itertools
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.agreement import People
from benchmarks.runs import gather, make_run, markdown, write_tables
from idennet.learning.data.store import FaceStore
from idennet.learning.evaluation.evaluate import evaluate
from idennet.learning.evaluation.scores import score
from idennet.learning.training import load_recipe, train
from idennet.models.action_units import ActionUnitModel
from idennet.models.calibration import logits_of
from idennet.models.weights import load_weights

ARMS: dict[str, tuple[str, ...]] = {
    "renderings only": ("rendered=80", "rendered_pairs=20", "photographs=0"),
    "raw teacher": ("relative=false", "alpha_within=0"),
    "person-relative teacher": ("alpha_within=0",),
    "and within-person loss": (),
    "and consistency": ("alpha_consistency=1.0",),
}
"""Overrides of the batches of recipe `taught`, one arm after the other; 80 faces a step in all of them."""

EYE = {
    **{1: "brows_raised", 2: "brows_raised", 4: "brow_lowered", 5: "eyes_wide", 9: "nose_wrinkled"},
    **{12: "smiling", 15: "lip_corners_down", 18: "lips_puckered", 25: "lips_parted", 26: "mouth_open_wide"},
    43: "eyes_closed",
}
"""Which condition of the photographs labelled by eye stands for which Action Unit."""

SMILE = (6, 12, 25)


def main() -> None:
    """Train what is not there yet, judge, and write the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name in ("au", "identity"):
        parser.add_argument(f"--{name}", type=Path, nargs="+")
    for name in ("teacher", "initial", "test", "people", "labels", "eye", "portraits", "out"):
        parser.add_argument(f"--{name}", type=Path, required=name == "out")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--still", nargs="+", default=[], help="layers that do not learn")
    asked = parser.parse_args()
    if asked.au is not None:
        for seed, arm in itertools.product(range(asked.seeds), ARMS):
            make_run(asked.out, named(arm, seed, asked), partial(train_arm, arm, seed, asked))
    write_tables(asked.out, tables(gather(asked.out)))


def named(arm: str, seed: int, asked: argparse.Namespace) -> str:
    """Return what tells a run from others."""
    return " ".join([arm, f"{seed}, {asked.steps}", *(["still"] if asked.still else []), *asked.still])


def train_arm(arm: str, seed: int, asked: argparse.Namespace) -> dict[str, Any]:
    """Return how an arm was trained, and what it reads."""
    recipe = load_recipe(
        "taught",
        [
            *(f"seed={seed}", "validation.subject_fraction=0", f"au_stage.steps={asked.steps}"),
            *("au_stage.batches.kept=[]", "au_stage.optimiser.warm_up=20"),
            *(f"au_stage.validate_every={asked.steps}", "au_stage.optimiser.average=0.95"),
            *(f"au_stage.batches.{field}" for field in ARMS[arm]),
            f"au_stage.still=[{','.join(asked.still)}]",
        ],
    )
    run = train(
        recipe,
        au_stores=[FaceStore.open(store) for store in asked.au],
        identity_stores=[FaceStore.open(store) for store in asked.identity],
        out=asked.out / "training" / named(arm, seed, asked),
        initial=asked.initial,
        teacher=asked.teacher,
        quiet=True,
    )
    return {
        **{"arm": arm, "seed": seed, "steps": asked.steps, "faces": 80 * asked.steps, "still": asked.still},
        "initial": load_weights(asked.initial)[1].version,
        **judge(run.weights, asked),
    }


def judge(weights: Path, asked: argparse.Namespace) -> dict[str, dict[str, float]]:
    """Return what weights read of photographs, of people with several, and of rendered people."""
    eye, portraits = (
        {
            condition.name: condition.table()["auc"]
            for condition in evaluate(file, weights=[weights]).conditions
        }
        for file in (asked.eye, asked.portraits)
    )
    reader = ActionUnitModel.open(weights)
    aus, test, people = list(reader.aus), FaceStore.open(asked.test), People(asked.people, asked.labels)
    rendered = score(
        reader.read(test.read(np.arange(len(test)))).probs,
        test.labels(aus),
        test.frames["subject"].to_numpy(str),
        aus,
    )
    logits = logits_of(reader.read(people.store.read(people.rows)).probs)
    return {
        "eye": {f"AU{au}": round(float(eye[name][f"AU{au}"]), 4) for au, name in EYE.items()},
        "portraits": {f"AU{au}": round(float(portraits["smiling"][f"AU{au}"]), 4) for au in SMILE},
        "people": {name: round(value, 4) for name, value in people.judge(logits, aus).items()},
        "rendered": {"mean AUC": round(float(rendered.mean_auc), 4)},
    }


def tables(runs: list[dict[str, dict[str, float]]]) -> str:
    """Return a table for each kind of test: means over seeds, and half of what they differ (±) if any do."""
    parts = []
    for kind in ("eye", "portraits", "people", "rendered"):
        numbers = pd.DataFrame([{"arm": run["arm"], **run[kind]} for run in runs]).groupby("arm")
        half = (numbers.max() - numbers.min()) / 2
        cells = numbers.mean().map("{:.3f}".format)
        if (numbers.size() > 1).any():
            cells += " ± " + half.map("{:.3f}".format)
        if kind == "eye":
            cells["mean"] = numbers.mean().mean(axis=1).map("{:.3f}".format)
        arms = [arm for arm in ARMS if arm in cells.index]
        parts.append(f"**{kind}**\n\n{markdown(cells.reindex(arms))}\n")
    return "\n".join(parts)


if __name__ == "__main__":
    main()
