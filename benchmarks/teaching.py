"""What does each way to teach with photographs bring? Equal steps from the same weights, several seeds.

    python benchmarks/teaching.py --au stores/wild --identity stores/lfw --teacher labels.parquet
        --initial first.safetensors --test stores/test --people stores/lfw-out --labels all-labels.parquet
        --eye lfw-by-eye.csv --portraits portraits.csv --out results/teaching

`--people` are photographs of people whom nobody was taught by, `--labels` a teacher's labels of them. One
JSON file a run is written, gathered in `runs.jsonl`, and `tables.md`; without `--au` the tables alone.
"""

import argparse
import json
import re
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
from confounders import RUNS, markdown
from known_identity import People

import idennet
from idennet.files import write_text
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
    asked = parser.parse_args()
    if asked.au is not None:
        train_all(asked)
    runs = [json.loads(line) for line in (asked.out / "runs.jsonl").read_text().splitlines()]
    write_text(asked.out / "tables.md", tables(runs))
    print(tables(runs))


def train_all(asked: argparse.Namespace) -> None:
    """Train and judge every arm with every seed; gather what there is in `runs.jsonl`."""
    au_stores = [FaceStore.open(store) for store in asked.au]
    identity_stores = [FaceStore.open(store) for store in asked.identity]
    for seed in range(asked.seeds):
        for arm, fields in ARMS.items():
            name = re.sub(r"\W+", "-", f"{arm} {seed}")
            path = asked.out / RUNS / f"{name}.json"
            if path.exists():
                continue
            recipe = load_recipe(
                "taught",
                [
                    *(f"seed={seed}", "validation.subject_fraction=0", f"au_stage.steps={asked.steps}"),
                    *("au_stage.batches.kept=[]", "au_stage.optimiser.warm_up=20"),
                    *(f"au_stage.validate_every={asked.steps}", "au_stage.optimiser.average=0.95"),
                    *(f"au_stage.batches.{field}" for field in fields),
                ],
            )
            run = train(
                recipe,
                au_stores=au_stores,
                identity_stores=identity_stores,
                out=asked.out / "training" / name,
                initial=asked.initial,
                teacher=asked.teacher,
                quiet=True,
            )
            facts = {
                **{"arm": arm, "seed": seed, "steps": asked.steps, "faces": 80 * asked.steps},
                **{"initial": load_weights(asked.initial)[1].version, "idennet": idennet.__version__},
                "date": datetime.now(UTC).isoformat(timespec="seconds"),
                **judge(run.weights, asked),
            }
            path.parent.mkdir(parents=True, exist_ok=True)
            write_text(path, json.dumps(facts) + "\n")
            print(name, facts["eye"], flush=True)
    files = sorted((asked.out / RUNS).glob("*.json"))
    write_text(asked.out / "runs.jsonl", "".join(file.read_text() for file in files))


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
