"""Does subtracting the identity help when it is known well? Rendered people, and people of LFW.

The trunk is that of weights whose identity branch was also taught by another face recognition network; it
stays as it is. Of 320 rendered people whom it has never seen, 160 teach the full layers, and 140 others teach
removal: what a person's embedding says of their mean logits. Tested are 30 rendered people with three
strengths of confounders, and people of LFW with eight photographs or more, whom nothing here was taught by.

    python benchmarks/known_identity.py --data people --start idennet.safetensors --photographs stores/lfw-out
        --teacher lfw_blendshapes.parquet --known-people lfw_identity.npz --out results/subtraction/known

`--data` has the stores `rest`, `seq-0`, `seq-1`, `seq-2` of docs/people.md. One JSON file a run is
written, and `tables.md` from `runs.jsonl`.
"""

import argparse
import json
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from confounders import (
    RUNS,
    USES,
    Condition,
    Data,
    Length,
    Variant,
    in_batches,
    judge,
    learn,
    markdown,
    person_offsets,
)
from numpy.typing import NDArray
from scipy.stats import spearmanr
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import idennet
from idennet.files import write_text
from idennet.learning.data.known_people import KnownPeople
from idennet.learning.data.store import FaceStore
from idennet.learning.data.teacher import LESSONS, TeacherLabels
from idennet.learning.evaluation.metrics import verification_auc
from idennet.models.weights import load_weights

LEARNT_FROM, TESTED_FROM = 160, 300
SEQUENCES = tuple(f"seq-{strength}" for strength in range(3))
CONDITION = Condition(
    "identity known well", {name: name for name in ("rest", *SEQUENCES)}, LEARNT_FROM, TESTED_FROM
)
VARIANTS = (
    Variant("no identity (LightCNN)", triplet=False),
    *(Variant(name, use) for name, use in USES if use != "affine"),
    Variant("translation, length learnt", "translation", radius=None),
)
LEAST_PICTURES = 8
SHOWN = (
    *("auc", "auc_removed_by_one", "auc_removed_by_mean", "auc_centred", "person_share", "embedding_within"),
    *("offset_known", "verification_auc"),
)


def main() -> None:
    """Train what is not there yet, judge, and write the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name in ("data", "start", "photographs", "teacher", "known-people"):
        parser.add_argument(f"--{name}", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=200)
    asked = parser.parse_args()
    if asked.data is not None:
        train_all(asked)
    runs = [json.loads(line) for line in (asked.out / "runs.jsonl").read_text().splitlines()]
    write_text(asked.out / "tables.md", tables(runs))
    print(tables(runs))


def train_all(asked: argparse.Namespace) -> None:
    """Train and judge every variant with every seed; gather what there is in `runs.jsonl`."""
    data = Data(asked.data, CONDITION, asked.start, frozen=True)
    photographs = Photographs(asked)
    for seed in range(asked.seeds):
        for variant in VARIANTS:
            path = asked.out / RUNS / (re.sub(r"\W+", "-", f"{variant.name} {seed}") + ".json")
            if path.exists():
                continue
            network = learn(variant, data, seed, asked.steps, asked.start)
            facts = {
                **{"variant": variant.name, "seed": seed, "steps": asked.steps},
                **{"start": load_weights(asked.start)[1].version, "idennet": idennet.__version__},
                "lengths": [part.length for part in network.modules() if isinstance(part, Length)],
                "tests": {test: judge(network, variant, data, test) for test in data.stores},
                "photographs": photographs.judge(network, data.aus),
                "date": datetime.now(UTC).isoformat(timespec="seconds"),
            }
            path.parent.mkdir(parents=True, exist_ok=True)
            write_text(path, json.dumps(facts) + "\n")
            print(path.stem, facts["tests"]["seq-1"]["auc"], flush=True)
    files = sorted((asked.out / RUNS).glob("*.json"))
    write_text(asked.out / "runs.jsonl", "".join(file.read_text() for file in files))


class Photographs:
    """People of LFW with enough photographs, what a teacher says of them, and how well they can be known."""

    def __init__(self, asked: argparse.Namespace) -> None:
        self._people = People(asked.photographs, asked.teacher)
        store = self._people.store
        self._features = in_batches(load_weights(asked.start)[0].trunk, store, np.arange(len(store)))
        self._known = np.nan_to_num(KnownPeople.open(asked.known_people).of(store))

    def judge(self, network: torch.nn.Module, aus: tuple[int, ...]) -> dict[str, float]:
        """Return agreement with the teacher and the share of the person, as they are and after each removal.

        Removal is learnt from the other people's mean embeddings and mean logits, in ten folds by person.
        `own`: the network's embedding; `known`: the other network's.
        """
        with torch.inference_mode():
            output = network(self._features)
        logits, own = output.au_logits.numpy(), output.identity_embedding.numpy()
        who = self._people.store.subject_index
        means = pd.DataFrame(logits).groupby(who).transform("mean").to_numpy()
        after = {"raw": logits, "own mean logit": logits - means}
        for name, embedding in (("own", own), ("known", self._known)):
            mean = pd.DataFrame(embedding).groupby(who).transform("mean").to_numpy()
            for asked_of, asked in (("one", embedding), ("mean", mean)):
                after[f"{name}, {asked_of}"] = logits - _predicted(mean, means, asked, who)
        found = {"verification_auc": verification_auc(own, who)}
        for way, left in after.items():
            for measure, value in self._people.judge(left[self._people.rows], aus).items():
                found[f"{measure}, {way}"] = value
        return {name: round(float(value), 4) for name, value in found.items()}


class People:
    """People with enough photographs to tell what is constant about them, and a teacher's values of these.

    Attributes:
        store: All photographs, also of people who have fewer.
        rows: Of the store: photographs of people who have enough.
    """

    def __init__(self, store: Path, labels: Path) -> None:
        self.store = FaceStore.open(store)
        self._labels = TeacherLabels.open(labels)
        row, who = self._labels.rows_of(self.store), self.store.subject_index
        self.rows = np.flatnonzero((np.bincount(who)[who] >= LEAST_PICTURES) & (row >= 0))
        self._row, self._who = row[self.rows], who[self.rows]

    def judge(self, logits: NDArray[np.floating], aus: Sequence[int]) -> dict[str, float]:
        """Return agreement with the teacher, and the share of the variance that is the person.

        Agreement is Spearman's correlation of the logit with the teacher's value relative to the person's own
        median, over all pictures of all people, so that every constant that a person has lowers it. Means
        over the Action Units that have a lesson.

        Args:
            logits: (N, A) of the photographs `rows`.
            aus: Their Action Units.
        """
        taught = [lesson.au for lesson in LESSONS if lesson.au in aus]
        values = self._labels.logits(taught, relative=False)[self._row]
        relative = values - pd.DataFrame(values).groupby(self._who).transform("median").to_numpy()
        columns = [logits[:, aus.index(au)] for au in taught]
        nothing = np.zeros(len(logits), np.int8)
        return {
            "agreement": float(
                np.nanmean([spearmanr(one, to)[0] for one, to in zip(columns, relative.T, strict=True)])
            ),
            "share": float(np.mean([person_offsets(one, nothing, self._who)[1] for one in columns])),
        }


def _predicted(
    mean: NDArray[np.float32],
    targets: NDArray[np.float32],
    asked: NDArray[np.float32],
    who: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Return what embeddings say of mean logits, learnt from people of other folds, one row a person."""
    found = np.zeros(targets.shape)
    for others, own in GroupKFold(10).split(mean, groups=who):
        first = others[np.unique(who[others], return_index=True)[1]]
        ridge = make_pipeline(StandardScaler(), RidgeCV(np.logspace(-1, 5, 13)))
        found[own] = ridge.fit(mean[first], targets[first]).predict(asked[own])
    return found


def tables(runs: list[dict[str, object]]) -> str:
    """Return the tables: means over seeds, and their standard deviation."""
    return "\n".join(_tables(runs))


def _tables(runs: list[dict[str, object]]) -> Iterator[str]:
    order = [variant.name for variant in VARIANTS]
    rows = [
        {"variant": run["variant"], "test": test, **numbers}
        for run in runs
        for test, numbers in run["tests"].items()
    ]
    table = pd.DataFrame(rows)
    seeds = len({run["seed"] for run in runs})
    for value in SHOWN:
        cells = _cells(table.dropna(subset=value).groupby(["variant", "test"])[value]).unstack("test")
        shown = [test for test in (*SEQUENCES, "rest") if test in cells.columns]
        cells = cells.reindex([name for name in order if name in cells.index])[shown].fillna("–")
        yield f"**Rendered people, {value}** ({seeds} seeds)\n\n{markdown(cells)}\n"
    people = pd.DataFrame([{"variant": run["variant"], **run["photographs"]} for run in runs])
    for value in ("agreement", "share", "verification"):
        columns = [name for name in map(str, people) if name.startswith(value)]
        grouped = people.groupby("variant")
        cells = pd.DataFrame({name.removeprefix(f"{value}, "): _cells(grouped[name]) for name in columns})
        yield f"**People of LFW, {value}** ({seeds} seeds)\n\n{markdown(cells.reindex(order))}\n"


def _cells(grouped: "pd.api.typing.SeriesGroupBy") -> pd.Series:
    return grouped.mean().map("{:.3f}".format) + " ± " + grouped.std().map("{:.3f}".format)


if __name__ == "__main__":
    main()
