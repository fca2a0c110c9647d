"""Does subtracting the identity help when it is known well? Rendered people, and people of LFW.

The trunk is that of weights whose identity branch was also taught by another face recognition network; it
stays as it is. Of 320 rendered people whom it has never seen, 160 teach the full layers, and 140 others teach
removal: what a person's embedding says of their mean logits. Tested are 30 rendered people with three
strengths of confounders, and people of LFW with eight photographs or more, whom nothing here was taught by.

    python -m benchmarks.subtraction.known_identity --data people --start idennet.safetensors
        --photographs stores/lfw-out --teacher lfw_blendshapes.parquet --known-people lfw_identity.npz
        --out results/subtraction/known

`--data` has the stores `rest`, `seq-0`, `seq-1`, `seq-2` of docs/people.md. Writes `tables.md` from
`runs.jsonl`.
"""

import argparse
import itertools
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from sklearn.model_selection import GroupKFold

from benchmarks.agreement import People
from benchmarks.runs import gather, make_run, markdown, write_tables
from benchmarks.subtraction.data import Condition, Data, in_batches
from benchmarks.subtraction.measures import judge, own_means, ridge
from benchmarks.subtraction.variants import USES, Length, Variant, learn
from idennet.learning.data.known_people import KnownPeople
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
    write_tables(asked.out, tables(gather(asked.out)))


def train_all(asked: argparse.Namespace) -> None:
    """Train and judge every variant with every seed."""
    data = Data(asked.data, CONDITION, asked.start, frozen=True)
    photographs = Photographs(asked)
    for seed, variant in itertools.product(range(asked.seeds), VARIANTS):
        train = partial(_train, variant, data, photographs, seed, asked.steps, asked.start)
        make_run(asked.out, f"{variant.name} {seed}", train)


def _train(
    variant: Variant, data: Data, photographs: "Photographs", seed: int, steps: int, start: Path
) -> dict[str, Any]:
    network = learn(variant, data, seed, steps, start)
    return {
        **{"variant": variant.name, "seed": seed, "steps": steps, "start": load_weights(start)[1].version},
        "lengths": [part.length for part in network.modules() if isinstance(part, Length)],
        "tests": {test: judge(network, variant, data, test) for test in data.stores},
        "photographs": photographs.judge(network, data.aus),
    }


class Photographs:
    """People of LFW with enough photographs, what a teacher says of them, and how well they can be known."""

    def __init__(self, asked: argparse.Namespace) -> None:
        self._people = People(asked.photographs, asked.teacher)
        store = self._people.store
        self._features = in_batches(load_weights(asked.start)[0].trunk, store)
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
        means = own_means(logits, who)
        after = {"raw": logits, "own mean logit": logits - means}
        for name, embedding in (("own", own), ("known", self._known)):
            mean = own_means(embedding, who)
            for asked_of, asked in (("one", embedding), ("mean", mean)):
                after[f"{name}, {asked_of}"] = logits - _predicted(mean, means, asked, who)
        found = {"verification_auc": verification_auc(own, who)}
        for way, left in after.items():
            for measure, value in self._people.judge(left[self._people.rows], aus).items():
                found[f"{measure}, {way}"] = value
        return {name: round(float(value), 4) for name, value in found.items()}


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
        found[own] = ridge().fit(mean[first], targets[first]).predict(asked[own])
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
