"""People: does each person's own zero help, and are people told apart? With intervals by person.

    python benchmarks/people.py --sequences stores/seq-0 stores/seq-1 stores/seq-2 \
        --photographs stores/lfw-out --teacher lfw_blendshapes.parquet --portraits portraits \
        --out results/people

Sequences are stores of rendered people whom nothing was fitted to, `sample --subjects 30 --frames 36
--sequence 12 --seed 914` with `--confounders` 0, 1 and 2; photographs are people of LFW whom neither the
network nor the population has seen. Writes `people.json` and `tables.md`.
"""

import argparse
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.stats import rankdata, spearmanr

from idennet.facs import columns
from idennet.files import write_text
from idennet.inference.detect import detect
from idennet.learning.data.store import FaceStore
from idennet.learning.evaluation.intervals import Bootstrap, Interval
from idennet.models.action_units import ActionUnitModel
from idennet.models.calibration import logits_of, sigmoid
from idennet.people.following import of_track
from idennet.people.persons import Persons, Sighting, group
from idennet.people.population import Population
from idennet.people.zero import RunningZero, identity_zero, neutral_zero, whole_zero
from idennet.research.weights.population import Seen, see

WAYS = ("neutral", "running", "whole", "identity", "mean removed")
EVERY = 2
"""Of the frames of a sequence, a fifth of a second apart, so many are one look."""

FPS, SHOTS = 10, 8
"""Of assembled clips."""

LEAST_PICTURES = 8
SHOWN_BY_SMILES = (6, 7, 10, 12, 14, 25, 26)
"""Action Units that a smiling face may show."""


def main() -> None:
    """Measure, and write both files."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sequences", type=Path, nargs="+", required=True)
    parser.add_argument("--photographs", type=Path, required=True)
    parser.add_argument("--teacher", type=Path, required=True)
    parser.add_argument("--portraits", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    model, population = ActionUnitModel.open(), Population.open()
    found: dict[str, Any] = {"weights": model.card.version, "sequences": {}, "always smiling": {}}
    sequences = {path.name: FaceStore.open(path) for path in asked.sequences}
    for name, store in sequences.items():
        seen = see(model, store)
        found["sequences"][name] = judge_sequences(population, seen)
        found["always smiling"][name] = always_smiling(population, seen)
        found.setdefault("settled", {})[name] = settling(population, seen)
    photographs = FaceStore.open(asked.photographs)
    pictured = see(model, photographs)
    found["photographs"] = judge_photographs(
        population, pictured, photographs.frames["sequence"].tolist(), asked.teacher
    )
    found["portraits"] = judge_portraits(population, asked.portraits)
    scenes = {"photographs": pictures_of(pictured)}
    embeddings = {"photographs": pictured.embeddings}
    middle = list(sequences)[len(sequences) // 2]
    rendered = see(model, sequences[middle])
    scenes["rendered"] = sequences_of(rendered, sequences[middle].frames["sequence"].tolist())
    embeddings["rendered"] = rendered.embeddings
    found["clips"] = {kind: judge_clips(population, embeddings[kind], scenes[kind]) for kind in scenes}
    found["folders"] = judge_folders(population, pictured)
    asked.out.mkdir(parents=True, exist_ok=True)
    write_text(asked.out / "people.json", json.dumps(found, indent=1) + "\n")
    write_text(asked.out / "tables.md", tables(found, population))


def zeroed(population: Population, seen: Seen, *, every: int) -> dict[str, NDArray[np.float64]]:
    """Return (N, A) logits by way; "neutral" is NaN for people without a neutral face, and for that face."""
    probs = sigmoid(seen.logits)
    found = {way: np.full_like(probs, np.nan) for way in WAYS}
    for person in np.unique(seen.people):
        rows = np.flatnonzero(seen.people == person)
        own, looks = probs[rows], rows[::every]
        found["whole"][rows] = whole_zero(population.rest, probs[looks]).take_from(own)
        evidence = population.evidence(seen.embeddings[looks])
        if every > 1:  # frames of three sequences
            evidence = sum(
                (of_track(population.evidence(part)) for part in np.array_split(seen.embeddings[looks], 3)),
                population.nothing(),
            )
        found["identity"][rows] = identity_zero(population, evidence, len(looks)).take_from(own)
        running = RunningZero(population.rest)
        for row in rows:
            if row in looks:
                running.look(probs[row])
            found["running"][row] = running.zero.take_from(probs[[row]])[0]
        found["mean removed"][rows] = sigmoid(
            seen.logits[rows] - seen.logits[rows].mean(axis=0) + population.rest.usual
        )
        neutral = rows[(seen.labels[rows] == 0).sum(axis=1) >= seen.labels.shape[1] - 2]
        neutral = neutral[(seen.labels[neutral] != 1).all(axis=1)][:1]
        if len(neutral):
            others = rows[rows != neutral[0]]
            found["neutral"][others] = neutral_zero(population.rest, probs[neutral]).take_from(probs[others])
    return {way: logits_of(values) for way, values in found.items()}


def judge_sequences(population: Population, seen: Seen) -> dict[str, Any]:
    """Return AUC and F1 of each way, and the difference that it makes, with intervals by person."""
    found = {}
    for way, logits in zeroed(population, seen, every=EVERY).items():
        rows = np.isfinite(logits).all(axis=1)
        people = np.unique(seen.people[rows], return_inverse=True)[1]
        labels = seen.labels[rows]
        before = won(seen.logits[rows], labels, people)
        after = won(logits[rows], labels, people)
        interval = Bootstrap().interval(
            lambda weights, one=before, other=after: difference(weights, one, other),
            [np.arange(people.max() + 1)],
        )
        found[way] = {
            "people": int(people.max() + 1),
            "auc before": mean_auc(before),
            "auc": mean_auc(after),
            "f1 before": mean_f1(seen.logits[rows], labels),
            "f1": mean_f1(logits[rows], labels),
            "false alarms before": false_alarms(seen.logits[rows], labels),
            "false alarms": false_alarms(logits[rows], labels),
            "difference": told(interval, [*columns(population.card.aus), "mean"]),
        }
    return found


def won(
    logits: NDArray[np.float64], labels: NDArray[np.int8], people: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return (2, A, S, S): pairs of a present face of one and an absent of another person, won and in all."""
    size, number = people.max() + 1, logits.shape[1]
    pairs = np.zeros((2, number, size, size))
    for au in range(number):
        present, absent = labels[:, au] == 1, labels[:, au] == 0
        wins = logits[present, au][:, None] > logits[absent, au][None]
        for which, value in enumerate((wins, np.ones_like(wins))):
            np.add.at(pairs[which, au], (people[present][:, None], people[absent][None]), value.astype(float))
    return pairs


def difference(
    weights: NDArray[np.float64], before: NDArray[np.float64], after: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return (R, A + 1) gains in AUC of each Action Unit, and their mean, for weights (R, S) of people."""

    def aucs(pairs: NDArray[np.float64]) -> NDArray[np.float64]:
        wins, total = (np.einsum("rs,ast,rt->ra", weights, part, weights, optimize=True) for part in pairs)
        return np.divide(wins, total, out=np.full_like(wins, np.nan), where=total > 0)

    gains = aucs(after) - aucs(before)
    return np.column_stack([gains, np.nanmean(gains, axis=1)])


def mean_auc(pairs: NDArray[np.float64]) -> float:
    """Return the mean AUC over Action Units."""
    wins, total = pairs.sum(axis=(2, 3))
    return round(float(np.nanmean(wins / np.where(total > 0, total, np.nan))), 4)


def mean_f1(logits: NDArray[np.float64], labels: NDArray[np.int8]) -> float:
    """Return the mean F1-frame at a probability of .5."""
    present = (logits >= 0) & (labels >= 0)
    hits = (present & (labels == 1)).sum(axis=0)
    return round(float(np.nanmean(2 * hits / (present.sum(axis=0) + (labels == 1).sum(axis=0)))), 4)


def false_alarms(logits: NDArray[np.float64], labels: NDArray[np.int8]) -> float:
    """Return how often an absent Action Unit is called present."""
    return round(float((logits >= 0)[labels == 0].mean()), 4)


def always_smiling(population: Population, seen: Seen) -> dict[str, float]:
    """Return how often AU12 is read in people of whom only their smiles are shown, before and after."""
    au = population.card.aus.index(12)
    smiles = seen.labels[:, au] == 1
    people, counts = np.unique(seen.people[smiles], return_counts=True)
    kept = smiles & np.isin(seen.people, people[counts >= 6])
    shown = Seen(
        seen.embeddings[kept], seen.logits[kept], seen.labels[kept],
        np.unique(seen.people[kept], return_inverse=True)[1],
    )  # fmt: skip
    after = zeroed(population, shown, every=1)
    return {
        "people": int(shown.people.max() + 1),
        "raw": round(float((shown.logits[:, au] >= 0).mean()), 3),
        **{way: round(float((after[way][:, au] >= 0).mean()), 3) for way in WAYS[1:]},
    }


def settling(population: Population, seen: Seen) -> dict[str, float]:
    """Return which share of the Action Units has settled after so many looks, mean over people."""
    shares: dict[int, list[float]] = {}
    for person in np.unique(seen.people):
        running = RunningZero(population.rest)
        for count, look in enumerate(sigmoid(seen.logits[seen.people == person]), start=1):
            running.look(look)
            shares.setdefault(count, []).append(running.zero.settled.mean())
    return {str(count): round(float(np.mean(shares[count])), 3) for count in (1, 3, 6, 12, 24, 36)}


def judge_photographs(
    population: Population, seen: Seen, names: Sequence[str], teacher: Path
) -> dict[str, Any]:
    """Return the share of people in the variance, and agreement with the teacher, by way and Action Unit."""
    values = teacher_values(teacher, population.card.aus).reindex(names).to_numpy()
    counts = np.bincount(seen.people)
    rows = np.flatnonzero((counts[seen.people] >= LEAST_PICTURES) & np.isfinite(values).any(axis=1))
    people = np.unique(seen.people[rows], return_inverse=True)[1]
    spread = np.nanstd(values[rows], axis=0)
    labels = np.full(seen.labels.shape, -1, np.int8)
    for person in np.unique(people):  # the teacher's calmest picture stands in for a neutral one
        own = rows[people == person]
        labels[own[np.nansum(values[own] / spread, axis=1).argmin()]] = 0
    some = Seen(seen.embeddings[rows], seen.logits[rows], labels[rows], people)
    after = {"raw": some.logits} | zeroed(population, some, every=1)
    relative = values[rows] - pd.DataFrame(values[rows]).groupby(people).transform("median").to_numpy()
    found: dict[str, Any] = {"people": int(people.max() + 1), "pictures": len(rows), "by AU": {}}
    draws = np.random.default_rng(0).integers(0, people.max() + 1, (500, people.max() + 1))
    chosen = [np.concatenate([np.flatnonzero(people == one) for one in draw]) for draw in draws]
    drawn = [np.repeat(np.arange(len(draw)), np.bincount(people)[draw]) for draw in draws]
    for at, au in enumerate(columns(population.card.aus)):
        if not np.isfinite(values[rows, at]).all():
            continue
        row: dict[str, Any] = {}
        for way, logits in after.items():
            finite = np.isfinite(logits[:, at])
            row[way] = {
                "share": round(person_share(logits[finite, at], people[finite]), 3),
                "agreement": round(float(spearmanr(logits[finite, at], relative[finite, at])[0]), 3),
            }
        for way in ("whole", "identity"):
            gains = [
                (
                    person_share(after[way][take, at], who) - person_share(some.logits[take, at], who),
                    rho(after[way][take, at], relative[take, at])
                    - rho(some.logits[take, at], relative[take, at]),
                )
                for take, who in zip(chosen, drawn, strict=True)
            ]
            low, high = np.quantile(gains, (0.025, 0.975), axis=0)
            row[way] |= {
                "share gain": [round(float(low[0]), 3), round(float(high[0]), 3)],
                "agreement gain": [round(float(low[1]), 3), round(float(high[1]), 3)],
            }
        found["by AU"][au] = row
    return found


def rho(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Return Spearman's correlation."""
    return float(np.corrcoef(rankdata(one), rankdata(other))[0, 1])


def person_share(values: NDArray[np.float64], people: NDArray[np.int64]) -> float:
    """Return which share of the variance lies between people, ICC(1)."""
    number = people.max() + 1
    counts = np.bincount(people, minlength=number)
    means = np.bincount(people, values, number) / counts
    within = np.square(values - means[people]).sum() / (len(values) - number)
    between = (counts * np.square(means - values.mean())).sum() / (number - 1)
    usual = (counts.sum() - np.square(counts).sum() / counts.sum()) / (number - 1)
    return float((between - within) / (between + (usual - 1) * within))


def judge_portraits(population: Population, folder: Path) -> dict[str, Any]:
    """Return how often smiles are read, and other Action Units, on smiling portraits after each zero."""
    paths = sorted(folder.glob("*_neutral.jpg"))
    pairs = [(path, path.with_name(path.name.replace("neutral", "smiling"))) for path in paths]
    faces = [[result.faces[0] for result in detect(list(pair))] for pair in pairs]
    probs = np.array([[[*face.au_probs.values()] for face in pair] for pair in faces])
    embeddings = np.array([[face.identity_embedding for face in pair] for pair in faces])
    rest = population.rest
    after = {
        "raw": probs,
        "neutral": np.stack([neutral_zero(rest, own[:1]).take_from(own) for own in probs]),
        "whole": np.stack([whole_zero(rest, own).take_from(own) for own in probs]),
        "identity": np.stack([
            identity_zero(population, population.evidence(who), 2).take_from(own)
            for own, who in zip(probs, embeddings, strict=True)
        ]),
    }  # fmt: skip
    aus = population.card.aus
    others = [at for at, au in enumerate(aus) if au not in SHOWN_BY_SMILES]
    return {
        way: {
            "people": len(pairs),
            **{f"AU{au} on smiling": share(values[:, 1, aus.index(au)]) for au in (12, 6, 25)},
            "others on smiling, a face": round(float((values[:, 1][:, others] >= 0.5).sum(axis=1).mean()), 3),
            "present on neutral, a face": round(float((values[:, 0] >= 0.5).sum(axis=1).mean()), 3),
        }
        for way, values in after.items()
    }  # fmt: skip


TEACHER = {
    1: ("browInnerUp",),
    2: ("browOuterUpLeft", "browOuterUpRight"),
    4: ("browDownLeft", "browDownRight"),
    5: ("eyeWideLeft", "eyeWideRight"),
    7: ("eyeSquintLeft", "eyeSquintRight"),
    12: ("mouthSmileLeft", "mouthSmileRight"),
    15: ("mouthFrownLeft", "mouthFrownRight"),
    17: ("mouthShrugLower",),
    25: ("lip_gap",),
    26: ("jawOpen",),
    43: ("eyeBlinkLeft", "eyeBlinkRight"),
}
"""Values of MediaPipe's face landmarker that rank photographs; the mean of both sides counts."""


def teacher_values(file: Path, aus: Sequence[int]) -> pd.DataFrame:
    """Return a teacher's values by picture, NaN for Action Units that it cannot judge."""
    table = pd.read_parquet(file).set_index("picture")
    return pd.DataFrame(
        {au: table[list(TEACHER[au])].mean(axis=1) if au in TEACHER else np.nan for au in aus}
    )


def share(probs: NDArray[np.float64]) -> float:
    """Return in which share an Action Unit is present."""
    return round(float((probs >= 0.5).mean()), 3)


Scenes = Mapping[int, Sequence[Sequence[int]]]
"""Rows of each person, in scenes: what one track shows."""


def pictures_of(seen: Seen, least: int = 6, together: int = 3) -> Scenes:
    """Return photographs of people who have six, three a scene: harder than a clip, no two are alike."""
    generator = np.random.default_rng(5)
    rows = {one: generator.permutation(np.flatnonzero(seen.people == one)) for one in np.unique(seen.people)}
    return {
        int(one): [own[at : at + together].tolist() for at in range(0, len(own) - 1, together)]
        for one, own in rows.items()
        if len(own) >= least
    }


def sequences_of(seen: Seen, sequences: Sequence[str]) -> Scenes:
    """Return rendered sequences as scenes."""
    table = pd.DataFrame({"person": seen.people, "sequence": sequences})
    scenes: dict[int, list[list[int]]] = {}
    for (person, _), part in table.groupby(["person", "sequence"]):
        scenes.setdefault(int(person), []).append(part.index.tolist())
    return scenes


def assembled(
    scenes: Scenes, people: int, generator: np.random.Generator
) -> Iterator[tuple[float, list[tuple[int, int, tuple[float, float, float, float], int]]]]:
    """Yield frames of a clip: time, and person, row, box and track of each face.

    Eight shots of three to six seconds, each with some of the people in other places; some leave early,
    some come late, all tracks end at cuts.
    """
    cast = generator.choice(list(scenes), people, replace=False).tolist()
    scene = {one: itertools.cycle(generator.permutation(len(scenes[one])).tolist()) for one in cast}
    time, tracks = 0, itertools.count(1)
    for _ in range(SHOTS):
        length = int(generator.integers(30, 60))
        here = generator.permutation(cast)[: int(generator.integers(1, people + 1))].tolist()
        plan = []
        for place, person in zip(generator.permutation(people).tolist(), here, strict=False):
            start, end = 0, length
            chance = generator.random()
            if chance < 0.3:
                end = int(length * generator.uniform(0.4, 0.8))
            elif chance < 0.5:
                start = int(length * generator.uniform(0.2, 0.6))
            plan.append(
                (person, start, end, scenes[person][next(scene[person])], place * 100.0, next(tracks))
            )
        for frame in range(length):
            yield (
                time / FPS,
                [
                    (person, rows[(frame - start) // 5 % len(rows)], (x, 0.0, x + 80, 80.0), track)
                    for person, start, end, rows, x, track in plan
                    if start <= frame < end
                ],
            )
            time += 1


def judge_clips(
    population: Population, embeddings: NDArray[np.float64], scenes: Scenes, clips: int = 40
) -> dict[str, Any]:
    """Return, for two to five people: faces with the right number, switches, fragments, shared numbers."""
    found: dict[str, Any] = {"people": len(scenes)}
    for people, (kind, number) in itertools.product((2, 3, 4, 5), (("online", online), ("whole", whole))):
        judged = []
        for clip in range(clips):
            frames = list(assembled(scenes, people, np.random.default_rng((people, clip))))
            truth = np.array([person for _, faces in frames for person, *_ in faces])
            judged.append(agreement(truth, number(population, embeddings, frames)))
        table = pd.DataFrame(judged)
        found[f"{people} people, {kind}"] = {
            "right": round(float(table["right"].mean()), 3),
            **{name: round(float(table[name].sum() / table["people"].sum()), 3)
               for name in ("switches", "fragments", "shared")},
        }  # fmt: skip
    return found


def online(
    population: Population, embeddings: NDArray[np.float64], frames: Sequence[Any]
) -> NDArray[np.int64]:
    """Return the numbers that are given as the frames come."""
    persons = Persons(population)
    return np.array([
        number
        for time, faces in frames
        for number in persons.assign(
            [Sighting(embeddings[row], box, track) for _, row, box, track in faces], time
        )
    ])  # fmt: skip


def whole(
    population: Population, embeddings: NDArray[np.float64], frames: Sequence[Any]
) -> NDArray[np.int64]:
    """Return the numbers that are given when the whole clip has been seen."""
    looks: dict[int, list[int]] = {}
    shown: dict[int, set[float]] = {}
    for time, faces in frames:
        for _, row, _, track in faces:
            shown.setdefault(track, set()).add(time)
            looks.setdefault(track, [])
            if (len(shown[track]) - 1) % (FPS // 2) == 0:
                looks[track].append(row)
    evidence = [of_track(population.evidence(embeddings[rows])) for rows in looks.values()]
    groups = group(population, evidence, [frozenset(times) for times in shown.values()])
    number = dict(zip(looks, groups.tolist(), strict=True))
    return np.array([number[track] for _, faces in frames for *_, track in faces])


def agreement(truth: NDArray[np.int64], given: NDArray[np.int64]) -> dict[str, float]:
    """Return the share of faces with the number that suits them best, one number a person, and faults."""
    people, who = np.unique(truth, return_inverse=True)
    numbers, which = np.unique(given, return_inverse=True)
    together = np.zeros((len(people), len(numbers)))
    np.add.at(together, (who, which), 1)
    best = linear_sum_assignment(-together)
    return {
        "people": len(people),
        "right": together[best].sum() / together.sum(),
        "switches": sum(int((np.diff(which[who == one]) != 0).sum()) for one in range(len(people))),
        "fragments": int(((together > 0).sum(axis=1) - 1).sum()),
        "shared": int(((together > 0).sum(axis=0) - 1).sum()),
    }


def judge_folders(population: Population, seen: Seen) -> dict[str, Any]:
    """Return precision and recall (B-cubed) of grouping photographs of 8, 25 and all people."""
    often = np.flatnonzero(np.bincount(seen.people) >= 6)
    found = {}
    for size, turns in ((8, 20), (25, 10), (None, 1)):
        judged = []
        for turn in range(turns):
            draw = np.random.default_rng(turn)
            chosen = seen.people if size is None else draw.choice(often, size, replace=False)
            rows = np.flatnonzero(np.isin(seen.people, chosen))
            evidence = [population.evidence(seen.embeddings[row]) for row in rows]
            given = group(population, evidence, rows.tolist())
            truth = seen.people[rows]
            same, alike = truth[:, None] == truth, given[:, None] == given
            both = (same & alike).sum(axis=1)
            judged.append(((both / alike.sum(axis=1)).mean(), (both / same.sum(axis=1)).mean(), len(rows)))
        precision, recall, pictures = np.mean(judged, axis=0)
        name = f"{len(np.unique(seen.people)) if size is None else size} people"
        found[name] = {
            "pictures": round(float(pictures)),
            "precision": round(float(precision), 3),
            "recall": round(float(recall), 3),
        }
    return found


def told(interval: Interval, names: Sequence[str]) -> dict[str, list[float]]:
    """Return values with the ends of their intervals as plain data."""
    return {
        name: [round(float(value), 4) for value in values]
        for name, *values in zip(names, interval.estimate, interval.low, interval.high, strict=True)
    }


def tables(found: Mapping[str, Any], population: Population) -> str:
    """Return everything as Markdown."""
    parts = [f"Weights {found['weights']}; `benchmarks/people.py`.\n"]
    for name, ways in found["sequences"].items():
        rows = [["way", "people", "AUC", "gain (95 %)", "F1", "false alarms"]]
        for way, numbers in ways.items():
            gain, low, high = numbers["difference"]["mean"]
            rows.append([
                way, numbers["people"], f"{numbers['auc before']:.3f} to {numbers['auc']:.3f}",
                f"{gain:+.3f} ({low:+.3f} to {high:+.3f})",
                f"{numbers['f1 before']:.3f} to {numbers['f1']:.3f}",
                f"{numbers['false alarms before']:.2%} to {numbers['false alarms']:.2%}",
            ])  # fmt: skip
        parts.append(f"**Rendered, {name}**\n\n{markdown(rows)}\n")
        rows = [["AU", "carried", "known by identity", *WAYS]]
        rest = population.rest
        for at, au in enumerate(columns(population.card.aus)):
            cells = [[f"{v:+.3f}" for v in ways[way]["difference"][au]] for way in WAYS]
            rows.append([
                au, f"{rest.carried[at]:.2f}", f"{1 - rest.unknown[at] / rest.between[at]:.0%}",
                *(f"{one} ({low} to {high})" for one, low, high in cells),
            ])  # fmt: skip
        parts.append(f"**Gain in AUC by Action Unit, {name}**\n\n{markdown(rows)}\n")
    for title in ("always smiling", "settled", "portraits", "folders"):
        some = found[title]
        names = list(next(iter(some.values())))
        rows = [["", *names], *([key, *row.values()] for key, row in some.items())]
        parts.append(f"**{title}**\n\n{markdown(rows)}\n")
    photographs = found["photographs"]
    for value in ("share", "agreement"):
        rows = [["AU", "raw", *WAYS, "whole - raw", "identity - raw"]]
        for au, row in photographs["by AU"].items():
            gains = [row[way][f"{value} gain"] for way in ("whole", "identity")]
            rows.append(
                [
                    au,
                    *(row[way][value] for way in ("raw", *WAYS)),
                    *(f"{low:+.2f} to {high:+.2f}" for low, high in gains),
                ]
            )
        title = f"{value}, {photographs['people']} people, {photographs['pictures']} photographs"
        parts.append(f"**{title}**\n\n{markdown(rows)}\n")
    for kind, clips in found["clips"].items():
        rows = [["", "right", "switches", "fragments", "shared"]]
        rows += [[name, *row.values()] for name, row in clips.items() if name != "people"]
        parts.append(f"**clips of {kind}, {clips['people']} people**\n\n{markdown(rows)}\n")
    return "\n".join(parts)


def markdown(rows: Sequence[Sequence[object]]) -> str:
    """Return rows, the first a heading, as Markdown."""
    heading, *others = [[str(cell) for cell in row] for row in rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in (heading, ["---"] * len(heading), *others))


if __name__ == "__main__":
    main()
