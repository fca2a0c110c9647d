"""When does subtracting the identity help? Every use of it, from no confounders to strong ones.

The same 172 rendered people, expressions and lights three times: with everybody's resting face (0), as
people are (1), and exaggerated (2). All networks start from one trunk and identity branch of face
recognition that has never seen an Action Unit, and take the same steps on the same faces. `--frozen` trains
the full layers only, on features that are computed once: much cheaper, so that every variant has seeds.

    python -m benchmarks.subtraction.confounders render --out dial
    python -m benchmarks.subtraction.confounders train --data dial --start faces.safetensors --out confounders
    python -m benchmarks.subtraction.confounders table --out confounders

`table` needs `runs.jsonl` only, gathered from single runs; it writes `tables.md` and `confounders.png`.
"""

import argparse
import itertools
import time
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from benchmarks.runs import gather, make_run, markdown, write_tables
from benchmarks.subtraction.data import Condition, Data
from benchmarks.subtraction.measures import judge
from benchmarks.subtraction.variants import ALPHA, MARGIN, PAIRS, SINGLES, USES, Variant, learn
from idennet.learning.data.prepare import prepare
from idennet.learning.data.readers.synfacs import SynFacs
from idennet.research.synth.corpora import corpus_config
from idennet.research.synth.generate import generate_corpus

STRENGTHS = (0.0, 1.0, 2.0)
CORPORA = {"sample": (120, 24), "spot": (27, 24), "clinic": (25, 24)}
"""Subjects and frames of each: `sample` is learnt from and tested within, the others are other domains."""

VALUES = (
    *("auc", "f1", "auc_within", "auc_centred", "auc_removed_by_one", "auc_removed_by_mean", "person_share"),
    *("probe", "nearest", "offset_known", "embedding_within"),
)

SHOWN = ("no identity (LightCNN)", "concatenation", "translation (IdenNet)", "translation (IdenNet), no NORM")
"""What the figure shows."""


CONDITIONS = {
    condition.name: condition
    for condition in (
        *(
            Condition(f"confounders {strength:g}", {name: f"{name}-{strength:g}" for name in CORPORA}, 80, 80)
            for strength in STRENGTHS
        ),
        *(Condition(f"{people} people", {"wild": "wild"}, people, 460) for people in (80, 460)),
    )
}
"""How much people differ; and, in corpus `wild` of 560 people, from how many of them is learnt."""

VARIANTS = (
    Variant("no identity (LightCNN)", triplet=False),
    *(Variant(name, use) for name, use in USES),
    *(Variant(f"{name}, no NORM", use, normalize=False) for name, use in USES),
    Variant("translation, length 16", "translation", radius=16.0),
)


def main() -> None:
    """Render, train and judge, or print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("task", choices=("render", "train", "table"))
    parser.add_argument("--data", type=Path, help="rendered corpora and their stores")
    parser.add_argument("--start", type=Path, help="weights whose trunk and FC5 all start from")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--frozen", action="store_true", help="train the full layers only")
    parser.add_argument("--variants", help="names with |; default: all")
    parser.add_argument("--conditions", default="|".join(CONDITIONS), help="names with |")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    if arguments.task == "render":
        render(arguments.out, arguments.workers)
    elif arguments.task == "train":
        train_all(arguments)
    else:
        rows = rows_of(gather(arguments.out))
        write_tables(arguments.out, tables(rows))
        draw(rows).savefig(arguments.out / "confounders.png", dpi=120)


def render(out: Path, workers: int) -> None:
    """Render every corpus with every strength, and `wild` as it is; prepare the stores."""
    sizes = [
        (name, size, f"-{strength:g}", strength) for strength in STRENGTHS for name, size in CORPORA.items()
    ]
    for name, (subjects, frames), ending, strength in [*sizes, ("wild", (560, 16), "", 1.0)]:
        config = corpus_config(name)
        people = config.people.model_copy(update={"confounders": strength})
        size = {"subjects": subjects, "frames_per_subject": frames, "sequence_length": 1, "people": people}
        folder = generate_corpus(
            config.model_copy(update=size), out / "corpora" / f"{name}{ending}", workers=workers
        )
        prepare(SynFacs(folder), out / "stores" / folder.name)


def train_all(arguments: argparse.Namespace) -> None:
    """Train what is asked for and not there yet."""
    variants = [v for v in VARIANTS if arguments.variants is None or v.name in arguments.variants.split("|")]
    kind = "frozen" if arguments.frozen else "joint"
    for condition in (CONDITIONS[name] for name in arguments.conditions.split("|")):
        data = cache(partial(Data, arguments.data, condition, arguments.start, arguments.frozen))
        for seed, variant in itertools.product(map(int, arguments.seeds.split(",")), variants):
            make_run(
                arguments.out,
                f"{kind} {condition.name} {variant.name} {seed}",
                partial(train, variant, data, seed, arguments.steps, arguments.start),
            )


def train(
    variant: Variant, data_of: Callable[[], Data], seed: int, steps: int, start: Path
) -> dict[str, Any]:
    """Return how a variant was trained, and what it reads."""
    data, clock = data_of(), time.process_time()
    network = learn(variant, data, seed, steps, start)
    return {
        **{"kind": "frozen" if data.frozen else "joint", "condition": data.condition.name},
        **{"variant": variant.name, "seed": seed, "steps": steps, "pairs": PAIRS, "singles": SINGLES},
        **{"margin": MARGIN, "alpha": ALPHA, "people": data.condition.people, "faces": len(data.rows)},
        "train": data.train.digest,
        "tests": {test: judge(network, variant, data, test) for test in data.stores},
        "cpu_seconds": round(time.process_time() - clock, 1),
    }


def rows_of(runs: list[dict[str, Any]]) -> pd.DataFrame:
    """Return one row a run and test corpus."""
    return pd.DataFrame(
        {**{k: run[k] for k in ("kind", "condition", "variant", "seed")}, "test": test, **numbers}
        for run in runs
        for test, numbers in run["tests"].items()
    )


def tables(rows: pd.DataFrame) -> str:
    """Return a table for each number: means over seeds, and their standard deviation."""
    parts = []
    for kind, value in itertools.product(("joint", "frozen"), VALUES):
        some = rows[rows["kind"] == kind]
        if some[value].isna().all():
            continue
        grouped = some.dropna(subset=value).groupby(["variant", "test", "condition"])[value]
        cells = grouped.mean().map("{:.3f}".format) + " ± " + grouped.std().map("{:.3f}".format)
        table = cells.unstack(["test", "condition"]).fillna("–")
        asked = [(test, name) for name, condition in CONDITIONS.items() for test in condition.stores]
        table = table[[column for column in asked if column in table.columns]]
        table = table.reindex([variant.name for variant in VARIANTS if variant.name in table.index])
        table.columns = table.columns.map(", ".join)
        seeds = some.groupby(["variant", "condition"])["seed"].nunique()
        parts.append(f"**{kind}, {value}** ({seeds.min()} to {seeds.max()} seeds)\n\n{markdown(table)}\n")
    return "\n".join(parts)


def draw(rows: pd.DataFrame) -> Figure:
    """Return AUC (top) and how well people are recognised (bottom) against the strength of confounders."""
    figure, axes = plt.subplots(2, 3, figsize=(11, 6), sharex=True, sharey="row", layout="constrained")
    titles = {
        "sample": "unseen people, same conditions",
        "spot": "spot: hard light",
        "clinic": "clinic: old people",
    }
    dialled = rows["condition"].str.startswith("confounders")
    frozen = rows[(rows["kind"] == "frozen") & dialled]
    frozen = frozen.assign(confounders=frozen["condition"].str.split().str[-1].astype(float))
    for column, (test, title) in enumerate(titles.items()):
        means = frozen[frozen["test"] == test].groupby(["variant", "confounders"])[
            ["auc", "auc_centred", "probe"]
        ]
        table = means.mean()
        for name in SHOWN:
            for axis, value in ((axes[0, column], "auc"), (axes[1, column], "probe")):
                style = {"linewidth": 5, "alpha": 0.4} if name == SHOWN[0] else {"marker": "o"}
                table.loc[name][value].plot(ax=axis, label=name, **style)
        best = table.loc[SHOWN[0]]["auc_centred"]
        best.plot(
            ax=axes[0, column],
            color="black",
            linestyle="--",
            label="LightCNN, each person's mean logit removed",
        )
        axes[0, column].set_title(title)
        axes[1, column].set_xlabel("strength of the confounders")
    axes[0, 0].set_ylabel("mean AUC")
    axes[1, 0].set_ylabel("subjects recognised")
    axes[0, 0].set_xticks(STRENGTHS)
    handles, names = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=3)
    return figure


if __name__ == "__main__":
    main()
