"""What people are like to a network: how they differ, how they rest, and how one tells the other.

Identity space comes from people with several pictures, photographs where there are any. Resting logits come
from photographs too, as far as a teacher says what these show, though the network may have learnt from them:
rendered people, from whom it did not learn, and whose Action Units are known exactly, rest lower and differ
more. They alone say how much of an offset is still there at the decision, and what shows where the teacher
says nothing. What identity says of resting logits is learnt from both. One command fits all of it again.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from idennet.errors import InputError
from idennet.facs import MISSING
from idennet.facs import columns as columns_of
from idennet.learning.data.store import FaceStore
from idennet.learning.data.teacher import SURE, TeacherLabels, lesson_weights
from idennet.models.action_units import ActionUnitModel
from idennet.models.calibration import logits_of, sigmoid
from idennet.people.population import Floats, Population, PopulationCard, Rest
from idennet.people.zero import RunningZero

DIRECTIONS = 64
"""Width K of identity space, at most. Of 1,353 people of LFW in five folds, AUC of pairs of those left out of
the fit: .9828 with 32, .9838 with 64, .9840 with 128. But with 128 up to 2 % of a studio's strangers get a
sure name of somebody enrolled, with 64 .2 %."""

LOOSENING = 3.0
"""How much of the mean variance within people is added to that of each direction: directions in which few
pictures happen to agree are not trusted, and pictures of who was learnt from agree more than others do. Of
people left out, 2.6 % of pairs of one person lie below `strangers.CLEARLY` (6.5 % with a loosening of 1), and
AUC is .9851 (.9854)."""

PENALTIES = np.logspace(-3, 3, 25)
"""Of the ridge regression, in mean squared singular values; the error for people left out chooses."""

LEAST = 10
"""Faces that show an Action Unit, faces at rest, and people, from which its logits are learnt."""

LEAST_FACES = 3
"""Faces without an Action Unit, or photographs, that a person needs to be learnt from."""

_CHUNK = 512


@dataclass(frozen=True, eq=False)
class Seen:
    """How a network sees the faces of a store.

    Attributes:
        embeddings: (N, D).
        logits: (N, A), of calibrated probabilities.
        labels: (N, A), 1, 0, or -1 where nobody coded.
        people: (N,) number of the person, from 0.
        neutral: (N,) which faces show nothing at all; None: those in which every Action Unit is absent.
    """

    embeddings: Floats
    logits: Floats
    labels: NDArray[np.int8]
    people: NDArray[np.int64]
    neutral: NDArray[np.bool_] | None = None

    @property
    def at_rest(self) -> NDArray[np.bool_]:
        """(N,) which faces show nothing at all."""
        return (self.labels == 0).all(axis=1) if self.neutral is None else self.neutral


def see(model: ActionUnitModel, store: FaceStore) -> Seen:
    """Return how a network sees the faces of a store.

    Raises:
        InputError: The network has no identity branch.
    """
    parts = [
        model.read(store.read(np.arange(start, min(start + _CHUNK, len(store)))))
        for start in range(0, len(store), _CHUNK)
    ]
    embeddings = [part.embeddings for part in parts if part.embeddings is not None]
    if not embeddings:
        raise InputError(f"The weights {model.card.version} have no identity branch; use others.")
    return Seen(
        np.concatenate(embeddings).astype(float),
        logits_of(np.concatenate([part.probs for part in parts])),
        store.labels(model.aus),
        store.subject_index,
    )


def taught(seen: Seen, store: FaceStore, labels: TeacherLabels, aus: Sequence[int]) -> Seen:
    """Return photographs with what a teacher says that they show, relative to what is usual for the person.

    Of Action Units that it has no lesson for, only faces at rest are known: they show none. Of copies with
    movements added nothing is known.

    Raises:
        InputError: The teacher knows none of the photographs.
    """
    row = labels.rows_of(store)
    known = (row >= 0) & ~np.append(labels.moved, True)[row]
    if not known.any():
        raise InputError(f"The teacher's labels know no picture of {store.path}; give those of its pictures.")
    neutral = labels.at_rest()[row] & known
    logits = np.where(known[:, None], labels.logits(aus, relative=True)[row], np.nan)
    shown = np.where(logits > SURE, 1, np.where(logits < -SURE, 0, MISSING)).astype(np.int8)
    has_lesson = lesson_weights(aus) > 0
    shown[np.ix_(neutral, ~has_lesson)] = 0
    return replace(seen, labels=shown, neutral=neutral)


def make_population(
    weights: Path,
    rendered: FaceStore,
    photographs: FaceStore | None = None,
    teacher: Path | None = None,
) -> Path:
    """Fit the people of some weights, write the files beside them, and return the safetensors file.

    Args:
        weights: Their `.safetensors` file.
        rendered: People with Action Unit labels that the weights were not trained on.
        photographs: People with several pictures each; None: `rendered` stands in.
        teacher: Labels of these photographs, by `idennet teach`; None: rendered people alone say how people
            rest.

    Raises:
        InputError: There are too few people, or the labels are none or know too few of the photographs.
        WeightsError: The weights cannot be used.
    """
    if teacher is not None and photographs is None:
        raise InputError("A teacher's labels are of photographs; give these with --photographs.")
    labels = None if teacher is None else TeacherLabels.open(teacher)
    model = ActionUnitModel.open(weights)
    stores = {"rendered": rendered} | ({} if photographs is None else {"photographs": photographs})
    seen = {name: see(model, store) for name, store in stores.items()}
    provenance: dict[str, dict[str, object]] = {
        name: {
            "source": store.source,
            "digest": store.digest,
            "people": len(store.subjects),
            "faces": len(store),
        }
        for name, store in stores.items()
    }
    if teacher is not None and labels is not None and photographs is not None:
        pictured = seen["photographs"] = taught(seen["photographs"], photographs, labels, model.aus)
        provenance["photographs"] |= {
            "teacher_sha256": hashlib.sha256(teacher.read_bytes()).hexdigest(),
            "known_to_teacher": int((pictured.labels != MISSING).any(axis=1).sum()),
            "at_rest": int(pictured.at_rest.sum()),
        }
    card = PopulationCard(
        weights=model.card.version,
        weights_sha256=model.card.sha256,
        aus=model.aus,
        provenance=provenance,
    )
    return fit_population(card, seen["rendered"], seen.get("photographs")).save(weights)


def fit_population(card: PopulationCard, rendered: Seen, photographs: Seen | None = None) -> Population:
    """Return the population of a network.

    Args:
        card: Of the population; its `provenance` is extended by what the fit says of itself.
        rendered: People with labels.
        photographs: People whose embeddings make identity space; None: the rendered ones do. Where it is
            known which of them are at rest, they say how people rest.

    Raises:
        InputError: There are too few people, or too few pictures of them.
    """
    pictured = rendered if photographs is None else photographs
    centre, directions, spread = fit_space(pictured.embeddings, pictured.people)
    places = _places(rendered, centre, directions, spread)
    rest = of_rendered = _rest_of(rendered, places)
    watched = []
    if photographs is not None:
        pictured_places = _places(photographs, centre, directions, spread)
        if photographs.neutral is not None:
            rest = _rest_of(photographs, pictured_places, of_rendered)
        watched = [(pictured_places, *_by_watching(photographs, rest))]
    offsets, noise = _by_labels(rendered, of_rendered)
    scale = rest.between / of_rendered.between  # rendered people differ more at rest
    kinds = [(places, np.sqrt(scale) * offsets, scale * noise), *watched]
    fits = [
        _ridge([_Kind(x, y[:, a], noise[:, a]) for x, y, noise in kinds], rest.between[a])
        for a in range(len(card.aus))
    ]
    unknown = np.clip([fit.error for fit in fits], 0.05 * rest.between, rest.between)
    told = dict(zip(columns_of(card.aus), (1 - unknown / rest.between).round(3).tolist(), strict=True))
    return Population(
        card.model_copy(update={"provenance": card.provenance | {"explained": told}}),
        centre,
        directions,
        spread,
        replace(rest, unknown=unknown),
        np.array([fit.coefficients for fit in fits]).T,
    )


def fit_space(embeddings: Floats, people: NDArray[np.int64]) -> tuple[Floats, Floats, Floats]:
    """Return centre (D,), directions (D, K) and spread (K,) of identity space.

    Raises:
        InputError: Fewer than ten people have two pictures.
    """
    counts = np.bincount(people)
    repeated = np.flatnonzero(counts >= 2)
    if len(repeated) < 10:
        raise InputError("Fewer than ten people have two pictures or more; identity needs more of them.")
    sums = np.zeros((len(counts), embeddings.shape[1]))
    np.add.at(sums, people, embeddings)
    means = sums / np.maximum(counts, 1)[:, None]
    deviations = (embeddings - means[people])[np.isin(people, repeated)]
    within = deviations.T @ deviations / (counts[repeated] - 1).sum()
    present = counts > 0
    between = np.cov(means[present].T) - within * np.mean(1 / counts[present])
    width = len(within)
    within += LOOSENING * np.trace(within) / width * np.eye(width)
    whiten = np.linalg.inv(np.linalg.cholesky(within))
    spread, turned = np.linalg.eigh(whiten @ between @ whiten.T)
    order = np.argsort(spread)[::-1][:DIRECTIONS]
    order = order[spread[order] > 0]
    return means[present].mean(axis=0), whiten.T @ turned[:, order], spread[order]


def _places(seen: Seen, centre: Floats, directions: Floats, spread: Floats) -> Floats:
    """Return where each person lies in identity space (P, K), shrunk as far as few pictures say little."""
    places = (seen.embeddings - centre) @ directions
    people, counts = np.unique(seen.people, return_counts=True)
    totals = np.stack([places[seen.people == person].sum(axis=0) for person in people])
    return np.asarray(spread / (1 + counts[:, None] * spread) * totals)


def _by_labels(seen: Seen, rest: Rest) -> tuple[Floats, Floats]:
    """Return resting logits of people (P, A) against `usual`, and their variance, from faces at rest."""
    number = len(np.unique(seen.people))
    parts = [
        _within_people(logits, seen.people, labels == 0, number)
        for logits, labels in zip(seen.logits.T, seen.labels.T, strict=True)
    ]
    means, counts = np.array([part[0] for part in parts]).T, np.array([part[2] for part in parts]).T
    return means - rest.usual, np.where(counts < LEAST_FACES, np.inf, rest.within / np.maximum(counts, 1))


def _by_watching(seen: Seen, rest: Rest) -> tuple[Floats, Floats]:
    """Return the same of people without labels, as far as their pictures look as if they were at rest."""
    offsets, noise = [], []
    for person in np.unique(seen.people):
        running = RunningZero(rest)
        for look in sigmoid(seen.logits[seen.people == person]):
            running.look(look)
        offsets.append(running.seen[0])
        noise.append(running.seen[1])
    return np.array(offsets), np.array(noise)


def _rest_of(seen: Seen, places: Floats, others: Rest | None = None) -> Rest:
    """Return what is known of each Action Unit at rest; identity tells nothing yet.

    Args:
        seen: Faces.
        places: Of their people.
        others: People whose labels are exact: they say how much of an offset is carried, and what shows of
            Action Units that too few of the faces show. None: the labels are exact.

    Raises:
        InputError: Too few faces rest, or too few show an Action Unit.
    """
    columns = [
        _rest(
            *(places, seen.logits[:, au], seen.labels[:, au], seen.at_rest, seen.people),
            others=None if others is None else {name: value[au] for name, value in vars(others).items()},
        )
        for au in range(seen.logits.shape[1])
    ]
    return Rest(**{name: np.array([column[name] for column in columns]) for name in columns[0]})


def _rest(
    places: Floats,
    logits: Floats,
    labels: NDArray[np.int8],
    neutral: NDArray[np.bool_],
    people: NDArray[np.int64],
    others: Mapping[str, float] | None,
) -> dict[str, float]:
    """Return the fields of `Rest` for one Action Unit; the arguments are as of `_rest_of`."""
    absent, present = labels == 0, labels == 1
    means, within, counts = _within_people(logits, people, absent, len(places))
    enough = counts >= LEAST_FACES
    _, neutral_within, _ = _within_people(logits, people, neutral, len(places))
    is_shown = present.sum() >= LEAST
    if enough.sum() < LEAST or neutral.sum() < LEAST or not (is_shown or others):
        kind = "photographed" if others else "rendered"
        raise InputError(f"Too few {kind} people rest, or show an Action Unit; give more of them.")
    usual = means[enough].mean()
    between = max(float(means[enough].var(ddof=1) - within * np.mean(1 / counts[enough])), 1e-3)
    noise = np.where(enough, within / np.maximum(counts, 1), np.inf)
    found = {
        "usual": usual,
        "between": between,
        "within": within,
        "neutral": logits[neutral].mean(),
        "neutral_within": neutral_within,
        "unknown": between,
    }
    if is_shown:
        found |= {"shown": logits[present].mean(), "shown_spread": logits[present].var()}
    if others is not None:
        return dict(others) | found
    offsets = _ridge([_Kind(places, means - usual, noise)], between).left_out
    coded = absent | present
    decision = (
        LogisticRegression(C=1e4)
        .fit(np.column_stack([logits, offsets[people]])[coded], present[coded])
        .coef_[0]
    )
    return found | {"carried": float(np.clip(-decision[1] / decision[0], 0, 1))}


def _within_people(
    logits: Floats, people: NDArray[np.int64], chosen: NDArray[np.bool_], number: int
) -> tuple[Floats, float, NDArray[np.int64]]:
    """Return means of each person's chosen faces, the variance around them, and how many there are."""
    counts = np.bincount(people[chosen], minlength=number)
    means = np.bincount(people[chosen], logits[chosen], number) / np.maximum(counts, 1)
    squares = np.square(logits[chosen] - means[people[chosen]]).sum()
    return means, float(squares / max((counts[counts > 0] - 1).sum(), 1)), counts


class _Kind(NamedTuple):
    """People of one kind: places (P, K), offsets (P,), and the variance of these, infinite where unknown."""

    places: Floats
    offsets: Floats
    noise: Floats


class _Fit(NamedTuple):
    """A regression of offsets on places.

    Attributes:
        coefficients: (K,), without constant.
        left_out: (P,) what all others tell of each person of the first kind.
        error: Mean squared error of that, without what the noise adds.
    """

    coefficients: Floats
    left_out: Floats
    error: float


def _ridge(kinds: Sequence[_Kind], between: float) -> _Fit:
    """Return a ridge regression around the mean of each kind of people, since kinds differ by how they look.

    People count as far as their offset is known. The penalty is the one with the least error for people left
    out, each kind's against how much its offsets vary.

    Args:
        kinds: People; `left_out` and `error` are of the first.
        between: Variance of offsets.
    """
    weights = np.concatenate([between / (between + kind.noise) for kind in kinds])
    places, offsets = (np.concatenate([kind[k] for kind in kinds]) for k in (0, 1))
    kind_of = np.repeat(np.arange(len(kinds)), [len(kind.offsets) for kind in kinds])
    groups = [kind_of == kind for kind in range(len(kinds))]
    for own in groups:
        places[own] -= np.average(places[own], axis=0, weights=weights[own])
        offsets[own] -= np.average(offsets[own], weights=weights[own])
    root = np.sqrt(weights)
    targets = root * offsets
    left, values, right = np.linalg.svd(root[:, None] * places, full_matrices=False)
    projected = left.T @ targets
    fits = []
    for penalty in PENALTIES * np.square(values).mean():
        shrunk = np.square(values) / (np.square(values) + penalty)
        residuals = (targets - left @ (shrunk * projected)) / (1 - np.square(left) @ shrunk)
        error = sum(np.square(residuals[own]).sum() / np.square(targets[own]).sum() for own in groups)
        fits.append((float(error), right.T @ (shrunk / values * projected), residuals))
    _, coefficients, residuals = min(fits, key=itemgetter(0))
    known = groups[0] & (weights > 0)
    left_out = places @ coefficients
    left_out[known] = (offsets - residuals / np.maximum(root, 1e-12))[known]
    noise = between * (1 - weights[known])
    error = (np.square(residuals[known]) - noise).sum() / weights[known].sum()
    return _Fit(coefficients, left_out[groups[0]], float(error))
