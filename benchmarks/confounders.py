"""When does subtracting the identity help? Every use of it, from no confounders to strong ones.

The same 172 rendered people, expressions and lights three times: with everybody's resting face (0), as
people are (1), and exaggerated (2). All networks start from one trunk and identity branch of face
recognition that has never seen an Action Unit, and take the same steps on the same faces. `--frozen` trains
the full layers only, on features that are computed once: much cheaper, so that every variant has seeds.

    python benchmarks/confounders.py render --out dial
    python benchmarks/confounders.py train --data dial --start faces.safetensors --out results/confounders
    python benchmarks/confounders.py table --out results/confounders

`table` needs `runs.jsonl` only, gathered from single runs; it writes `tables.md` and `confounders.png`.
"""

import argparse
import itertools
import json
import math
import platform
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.linear_model import RidgeCV
from sklearn.metrics import r2_score
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor, nn

import idennet
from idennet.files import write_text
from idennet.learning.data.prepare import prepare
from idennet.learning.data.readers.synfacs import SynFacs
from idennet.learning.data.samplers import BalancedFaceSampler, IdentityPairSampler
from idennet.learning.data.store import FaceStore
from idennet.learning.evaluation.identity import nearest_shares, probe_identity
from idennet.learning.evaluation.metrics import auc, verification_auc
from idennet.learning.evaluation.scores import score
from idennet.learning.losses.au import masked_au_loss
from idennet.learning.losses.mining import HardNegativeMiner
from idennet.learning.losses.triplet import triplet_loss
from idennet.learning.training.augment import Augmenter
from idennet.learning.training.engine import Cost, Engine, Lesson, Pace
from idennet.learning.training.initialise import fit_to_faces
from idennet.learning.training.stages import to_tensor
from idennet.models.combination import IdentityUse
from idennet.models.idennet import IdenNet, IdenNetOutput
from idennet.models.weights import load_weights
from idennet.research.benchmark.systems.contract import Budget
from idennet.research.benchmark.systems.fitting import COMMON_AUGMENTATION
from idennet.research.benchmark.systems.steps import common_optimiser
from idennet.research.synth.corpora import corpus_config
from idennet.research.synth.generate import generate_corpus

STRENGTHS = (0.0, 1.0, 2.0)
CORPORA = {"sample": (120, 24), "spot": (27, 24), "clinic": (25, 24)}
"""Subjects and frames of each: `sample` is learnt from and tested within, the others are other domains."""

MARGIN, ALPHA = 0.5, 0.25
PAIRS, SINGLES = 12, 24

RUNS = "runs"
VALUES = (
    *("auc", "f1", "auc_within", "auc_centred", "auc_removed_by_one", "auc_removed_by_mean", "person_share"),
    *("probe", "nearest", "offset_known", "embedding_within"),
)

SHOWN = ("no identity (LightCNN)", "concatenation", "translation (IdenNet)", "translation (IdenNet), no NORM")
"""What the figure shows."""


@dataclass(frozen=True)
class Variant:
    """One use of the identity.

    Attributes:
        name: What tables call it.
        identity: How it enters.
        triplet: Whether it is learnt at all.
        normalize: NORM.
        radius: Length that the embedding has where it enters; 1 is the paper's, None is learnt.
    """

    name: str
    identity: IdentityUse = "none"
    triplet: bool = True
    normalize: bool = True
    radius: float | None = 1.0


@dataclass(frozen=True)
class Condition:
    """Who is learnt from and tested.

    Attributes:
        name: What tables call it.
        stores: Stores by what tables call the test; the first one is also learnt from.
        people: So many subjects of it are learnt from.
        tested_from: From this subject on it is tested.
    """

    name: str
    stores: Mapping[str, str]
    people: int
    tested_from: int


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

USES: tuple[tuple[str, IdentityUse], ...] = (
    ("triplet loss only", "none"),
    ("concatenation", "concatenation"),
    ("translation (IdenNet)", "translation"),
    ("affine", "affine"),
)
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
        runs = gather(arguments.out)
        (arguments.out / "tables.md").write_text(tables(runs), encoding="utf-8")
        draw(runs).savefig(arguments.out / "confounders.png", dpi=120)
        print(tables(runs))


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
    """Train what is asked for and not there yet; one JSON file a run."""
    variants = [v for v in VARIANTS if arguments.variants is None or v.name in arguments.variants.split("|")]
    conditions = [CONDITIONS[name] for name in arguments.conditions.split("|")]
    kind = "frozen" if arguments.frozen else "joint"
    for seed, condition in itertools.product(map(int, arguments.seeds.split(",")), conditions):
        data: Data | None = None
        for variant in variants:
            name = re.sub(r"\W+", "-", f"{kind} {condition.name} {variant.name} {seed}")
            path = arguments.out / RUNS / f"{name}.json"
            if path.exists():
                continue
            data = data or Data(arguments.data, condition, arguments.start, arguments.frozen)
            clock = time.process_time()
            network = learn(variant, data, seed, arguments.steps, arguments.start)
            facts = {
                **{"kind": kind, "condition": condition.name, "variant": variant.name, "seed": seed},
                **{"steps": arguments.steps, "pairs": PAIRS, "singles": SINGLES},
                **{"margin": MARGIN, "alpha": ALPHA},
                **{"people": condition.people, "faces": len(data.rows), "train": data.train.digest},
                "tests": {test: judge(network, variant, data, test) for test in data.stores},
                "cpu_seconds": round(time.process_time() - clock, 1),
                "idennet": idennet.__version__,
                "date": datetime.now(UTC).isoformat(timespec="seconds"),
                "machine": f"{platform.machine()}, {torch.get_num_threads()} threads",
            }
            path.parent.mkdir(parents=True, exist_ok=True)
            write_text(path, json.dumps(facts, indent=1) + "\n")
            print(f"{name}: {facts['tests']}", flush=True)


class Data:
    """Faces of a condition, and what a network is given for them: faces, or features of the frozen trunk."""

    def __init__(self, folder: Path, condition: Condition, start: Path, frozen: bool) -> None:
        self.stores = {
            name: FaceStore.open(folder / "stores" / kept) for name, kept in condition.stores.items()
        }
        self._first = next(iter(condition.stores))
        self._people, self._tested_from = condition.people, condition.tested_from
        self.train = self.stores[self._first]
        self.aus = self.train.aus
        self.rows = np.flatnonzero(self.train.subject_index < self._people)
        self.subjects = self.train.subject_index[self.rows]
        self.labels = self.train.labels(self.aus)[self.rows]
        self.frozen = frozen
        self._features: dict[str, Tensor] = {}
        if frozen:
            for name, store in self.stores.items():
                kept = folder / "features" / f"{store.path.name}.npy"
                if not kept.exists():
                    kept.parent.mkdir(parents=True, exist_ok=True)
                    trunk = load_weights(start)[0].trunk
                    np.save(kept, in_batches(trunk, store, np.arange(len(store))).numpy())
                self._features[name] = torch.from_numpy(np.load(kept))

    def training(self, rows: NDArray[np.int64], augmenter: Augmenter | None = None, step: int = 0) -> Tensor:
        """Return what the network is given for rows of the training store."""
        return self.inputs(self._first, rows, augmenter, step)

    def inputs(
        self, name: str, rows: NDArray[np.int64], augmenter: Augmenter | None = None, step: int = 0
    ) -> Tensor:
        """Return what the network is given for rows of a store."""
        if self.frozen:
            return self._features[name][torch.from_numpy(rows)]
        faces = self.stores[name].read(rows)
        return to_tensor(faces if augmenter is None else augmenter(faces, step), torch.device("cpu"))

    def tested(self, name: str) -> NDArray[np.int64]:
        """Return the rows that are tested: unseen people."""
        index = self.stores[name].subject_index
        return np.flatnonzero(index >= (self._tested_from if name == self._first else 0))

    def between(self) -> NDArray[np.int64]:
        """Return rows of the training store's people who are neither learnt from nor tested."""
        index = self.train.subject_index
        return np.flatnonzero((index >= self._people) & (index < self._tested_from))


def in_batches(look: Callable[[Tensor], Tensor], store: FaceStore, rows: NDArray[np.int64]) -> Tensor:
    """Return what `look` gives for faces of a store."""
    pieces = np.array_split(rows, max(1, len(rows) // 64))
    with torch.inference_mode():
        return torch.cat([look(to_tensor(store.read(piece), torch.device("cpu"))) for piece in pieces])


def learn(variant: Variant, data: Data, seed: int, steps: int, start: Path) -> IdenNet:
    """Return a trained network; equal seeds draw the same faces and first weights for every variant."""
    torch.manual_seed(seed)
    network = IdenNet(
        len(data.aus), variant.normalize, variant.identity, generator=torch.Generator().manual_seed(seed)
    )
    given = {k: v for k, v in load_weights(start)[0].state_dict().items() if k.startswith(("trunk.", "fc5."))}
    network.load_state_dict({**network.state_dict(), **given})
    if data.frozen:
        network.trunk = nn.Identity()  # type: ignore[assignment]
        given = {name: tensor for name, tensor in given.items() if name.startswith("fc5.")}
    some = np.sort(np.random.default_rng(seed).choice(data.rows, 64, replace=False))
    fit_to_faces(network, data.training(some), list(given))
    if variant.radius != 1.0:
        network.norm = nn.Sequential(network.norm, Length(variant.radius))  # type: ignore[assignment]
    pairs = IdentityPairSampler(data.subjects, PAIRS, seed)
    singles = BalancedFaceSampler(data.labels, seed)
    miner, generator = HardNegativeMiner(), torch.Generator().manual_seed(seed)
    augmenter = Augmenter(COMMON_AUGMENTATION, seed)
    places = torch.arange(2 * PAIRS).view(-1, 2)

    def prepare(step: int) -> tuple[NDArray[np.int64], Tensor]:
        drawn = np.concatenate([pairs.draw(step).ravel(), singles.draw(step, SINGLES)])
        return drawn, data.training(data.rows[drawn], augmenter, step)

    def cost(prepared: tuple[NDArray[np.int64], Tensor], _: int) -> Cost:
        drawn, inputs = prepared
        output: IdenNetOutput = network(inputs)
        loss = masked_au_loss(output.au_logits, torch.from_numpy(data.labels[drawn]))
        if not variant.triplet:
            return Cost(loss)
        embedding = comparable(output.identity_embedding, variant)
        people = torch.from_numpy(data.subjects[drawn])
        triplets = miner(embedding, people, places, generator=generator)
        identity = triplet_loss(embedding, triplets, MARGIN, reduction="mean")
        return Cost((1 - ALPHA) * loss + ALPHA * identity)

    Engine(
        network,
        Lesson(prepare, cost, judge=None, keep=lambda *_: None),
        common_optimiser(Budget(steps=steps)),
        Pace(steps, validate_every=steps, checkpoint_every=steps, record_every=steps),
        seed=seed,
        device=torch.device("cpu"),
    ).run()
    return network.eval()


def comparable(embedding: Tensor | None, variant: Variant) -> Tensor:
    """Return the embedding as the triplet loss sees it: of length about 1, whatever length it is used with.

    Without NORM its 256 features have a deviation of about 1 at first: one factor for all, so that long and
    short embeddings stay long and short. Otherwise the triplet loss would be 256 times that with NORM.
    """
    assert embedding is not None
    if not variant.normalize:
        return embedding / 16
    return (
        embedding / embedding.norm(dim=1, keepdim=True)
        if variant.radius is None
        else embedding / variant.radius
    )


class Length(nn.Module):
    """Gives unit vectors another length: a fixed one, or one that is learnt, beginning with 16."""

    def __init__(self, length: float | None) -> None:
        super().__init__()
        self._power = nn.Parameter(torch.tensor(math.log(length or 16.0)), requires_grad=length is None)

    @property
    def length(self) -> float:
        """The length as it is now."""
        return float(self._power.exp())

    def forward(self, values: Tensor) -> Tensor:
        """Return the longer vectors."""
        return self._power.exp() * values


def judge(network: IdenNet, variant: Variant, data: Data, name: str) -> dict[str, float]:
    """Return what a network reads from unseen people, and what its features tell of them.

    `auc`, `f1`: means over Action Units of all faces together, F1-frame at .5. `auc_within`: the same of each
    subject alone, then the mean; nothing constant of a person changes it. `auc_centred`: all together after
    each subject's mean logit was taken away, which needs many faces of the subject: what perfect removal of a
    constant could reach. `person_share`: how much of the spread of logits where an Action Unit is absent is a
    constant of the person. `offset_known`: how much of those constants a linear map of the identity embedding
    predicts of people that it was not fitted to. `embedding_within`: share of the embedding's variance that
    lies within people. `probe`, `nearest`: subjects, from the features that Action
    Units are read from; `_before`: from the expression features before the identity enters.
    """
    store, rows = data.stores[name], data.tested(name)
    with torch.inference_mode():
        pieces = np.array_split(rows, max(1, len(rows) // 64))
        outputs = [network(data.inputs(name, piece)) for piece in pieces]
    logits = torch.cat([output.au_logits for output in outputs]).numpy()
    before = torch.cat([output.expression_features for output in outputs]).numpy()
    after = torch.cat([output.au_residual for output in outputs]).numpy()
    embedding = torch.cat([output.identity_embedding for output in outputs]).numpy()
    aus = [au for au in data.aus if au in store.aus]
    logits = logits[:, [data.aus.index(au) for au in aus]]
    labels = store.labels(aus)[rows]
    subjects = store.frames["subject"].to_numpy(str)[rows]
    sequences = store.frames["sequence"].to_numpy(str)[rows]
    means = pd.DataFrame(logits).groupby(subjects).transform("mean").to_numpy()
    judged = score(1 / (1 + np.exp(-logits.astype(np.float64))), labels, subjects, aus)
    found = {
        "auc": judged.mean_auc,
        "f1": judged.mean_f1,
        "auc_within": auc_within(logits, labels, subjects),
        "auc_centred": float(
            np.nanmean([auc(logits[:, i] - means[:, i], labels[:, i]) for i in range(len(aus))])
        ),
        "probe": probe_identity(after, subjects, sequences).accuracy,
        "nearest": nearest_shares(after, subjects),
        "nearest_before": nearest_shares(before, subjects),
        "length_of_features": float(np.linalg.norm(before, axis=1).mean()),
        "length_of_embedding": float(np.linalg.norm(embedding, axis=1).mean()),
    }
    offsets = [person_offsets(logits[:, i], labels[:, i], subjects) for i in range(len(aus))]
    found["person_share"] = float(np.mean([share for _, share in offsets]))
    found["offset_known"] = offset_known(
        embedding, np.column_stack([offset for offset, _ in offsets]), subjects
    )
    spread = pd.DataFrame(embedding).groupby(subjects).var(ddof=0).mean().sum()
    found["embedding_within"] = float(spread / embedding.var(axis=0).sum())
    if len(between := data.between()):
        found |= learnt_removal(network, data, between, logits, embedding, labels, subjects)
    if variant.triplet:
        found["verification_auc"] = verification_auc(embedding, np.unique(subjects, return_inverse=True)[1])
    return {key: round(value, 5) for key, value in found.items()}


def auc_within(logits: NDArray[np.floating], labels: NDArray[np.int8], subjects: NDArray[np.str_]) -> float:
    """Return the AUC of each Action Unit in each subject, mean over subjects, then over Action Units."""
    by_au = []
    for i in range(logits.shape[1]):
        own = [auc(logits[subjects == name, i], labels[subjects == name, i]) for name in np.unique(subjects)]
        by_au.append(np.nanmean(own))
    return float(np.mean(by_au))


def learnt_removal(
    network: IdenNet,
    data: Data,
    between: NDArray[np.int64],
    logits: NDArray[np.float32],
    embedding: NDArray[np.float32],
    labels: NDArray[np.int8],
    subjects: NDArray[np.str_],
) -> dict[str, float]:
    """Return the mean AUC after subtracting what the identity embedding says of a person's mean logits.

    A ridge regression learns that from other people, whom the network was not trained on either; their labels
    are not needed. `auc_removed_by_one` asks the embedding of the face itself, `auc_removed_by_mean` the
    person's mean embedding.
    """
    with torch.inference_mode():
        output = network(data.training(between))
    others = data.train.subject_index[between]
    learnt = make_pipeline(StandardScaler(), RidgeCV(np.logspace(-1, 5, 13))).fit(
        pd.DataFrame(output.identity_embedding.numpy()).groupby(others).mean().to_numpy(),
        pd.DataFrame(output.au_logits.numpy()).groupby(others).mean().to_numpy(),
    )
    means = pd.DataFrame(embedding).groupby(subjects).transform("mean").to_numpy()
    found = {}
    for key, asked in (("auc_removed_by_one", embedding), ("auc_removed_by_mean", means)):
        left = logits - learnt.predict(asked)
        found[key] = float(np.nanmean([auc(left[:, i], labels[:, i]) for i in range(left.shape[1])]))
    return found


def person_offsets(
    logits: NDArray[np.floating], labels: NDArray[np.int8], subjects: NDArray[np.str_]
) -> tuple[NDArray[np.float64], float]:
    """Return each subject's mean logit where an Action Unit is absent, and the share of people, ICC(1)."""
    absent = pd.Series(logits[labels == 0].astype(np.float64)).groupby(subjects[labels == 0])
    means, counts = absent.mean(), absent.count()
    within = (absent.var() * (counts - 1)).sum() / (counts.sum() - len(counts))
    between = (counts * (means - np.average(means, weights=counts)) ** 2).sum() / (len(counts) - 1)
    usual = (counts.sum() - (counts**2).sum() / counts.sum()) / (len(counts) - 1)
    return means.to_numpy(), float((between - within) / (between + (usual - 1) * within))


def offset_known(
    embedding: NDArray[np.float32], offsets: NDArray[np.float64], subjects: NDArray[np.str_]
) -> float:
    """Return R2, mean over Action Units, of offsets (S, A) guessed from mean embeddings, in ten folds."""
    people = pd.DataFrame(embedding).groupby(subjects).mean().to_numpy()
    ridge = make_pipeline(StandardScaler(), RidgeCV(np.logspace(-1, 5, 13)))
    guessed = cross_val_predict(ridge, people, offsets, cv=KFold(10, shuffle=True, random_state=0))
    return float(r2_score(offsets, guessed))


def gather(folder: Path) -> pd.DataFrame:
    """Return one row a run and test corpus, and keep all runs in one file."""
    single = [json.loads(path.read_text(encoding="utf-8")) for path in sorted((folder / RUNS).glob("*.json"))]
    gathered = folder / "runs.jsonl"
    if single:
        gathered.write_text("".join(json.dumps(run) + "\n" for run in single), encoding="utf-8")
    runs = [json.loads(line) for line in gathered.read_text(encoding="utf-8").splitlines()]
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


def markdown(table: pd.DataFrame) -> str:
    """Return a table as Markdown, its index as first column."""
    rows = [["variant", *table.columns], ["---"] + ["---:"] * len(table.columns)]
    rows += [[str(name), *cells] for name, cells in zip(table.index, table.to_numpy().tolist(), strict=True)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


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
