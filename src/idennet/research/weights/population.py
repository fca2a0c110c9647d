"""What a network's people are like, fitted to people that it did not learn Action Units from.

Identity space comes from people with several pictures, photographs where there are any; resting logits from
rendered people, whose Action Units are known exactly. One command fits all of it again to new weights.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from idennet.errors import InputError
from idennet.facs import columns as columns_of
from idennet.learning.data.store import FaceStore
from idennet.models.action_units import ActionUnitModel
from idennet.models.calibration import logits_of
from idennet.people.population import Floats, Population, PopulationCard, Rest

DIRECTIONS = 64
"""Width K of identity space, at most; 32 to 128 tell unseen people of LFW apart equally well (AUC .966 to
.968, cosine .954)."""

LOOSENING = 1.0
"""How much of the mean variance within people is added to that of each direction: directions in which few
pictures happen to agree are not trusted. Without it AUC is .954, with .1 of it .963."""

PENALTIES = np.logspace(-3, 2, 21)
"""Of the ridge regression, in mean squared singular values; the error for people left out chooses."""

LEAST_FACES = 3
"""Faces without an Action Unit that a person needs to be learnt from."""

_CHUNK = 512


@dataclass(frozen=True, eq=False)
class Seen:
    """How a network sees the faces of a store.

    Attributes:
        embeddings: (N, D).
        logits: (N, A), of calibrated probabilities.
        labels: (N, A), 1, 0, or -1 where nobody coded.
        people: (N,) number of the person, from 0.
    """

    embeddings: Floats
    logits: Floats
    labels: NDArray[np.int8]
    people: NDArray[np.int64]


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


def make_population(weights: Path, rendered: FaceStore, photographs: FaceStore | None = None) -> Path:
    """Fit the people of some weights, write the files beside them, and return the safetensors file.

    Args:
        weights: Their `.safetensors` file.
        rendered: People with Action Unit labels that the weights were not trained on.
        photographs: People with several pictures each; None: `rendered` stands in.

    Raises:
        InputError: There are too few people.
        WeightsError: The weights cannot be used.
    """
    model = ActionUnitModel.open(weights)
    stores = {"rendered": rendered} | ({} if photographs is None else {"photographs": photographs})
    seen = {name: see(model, store) for name, store in stores.items()}
    provenance = {
        name: {
            "source": store.source,
            "digest": store.digest,
            "people": len(store.subjects),
            "faces": len(store),
        }
        for name, store in stores.items()
    }
    card = PopulationCard(
        weights=model.card.version,
        weights_sha256=model.card.sha256,
        aus=model.aus,
        provenance=provenance,
    )
    return fit_population(card, seen["rendered"], seen.get("photographs", seen["rendered"])).save(weights)


def fit_population(card: PopulationCard, rendered: Seen, pictured: Seen) -> Population:
    """Return the population of a network.

    Args:
        card: Of the population; its `provenance` is extended by what the fit says of itself.
        rendered: People with labels.
        pictured: People whose embeddings make identity space.

    Raises:
        InputError: There are too few people, or too few pictures of them.
    """
    centre, directions, spread = fit_space(pictured.embeddings, pictured.people)
    places = (rendered.embeddings - centre) @ directions
    people, counts = np.unique(rendered.people, return_counts=True)
    totals = np.stack([places[rendered.people == person].sum(axis=0) for person in people])
    known = spread / (1 + counts[:, None] * spread) * totals
    known -= known.mean(axis=0)  # rendered people as a whole differ from photographed ones
    neutral = (rendered.labels == 0).all(axis=1)
    columns = [
        _rest(known, rendered.logits[:, a], rendered.labels[:, a], neutral, rendered.people)
        for a in range(len(card.aus))
    ]
    numbers = {name: np.array([column[name] for column in columns]) for name in columns[0]}
    from_identity = numbers.pop("from_identity").T
    explained = 1 - numbers["unknown"] / numbers["between"]
    told = {"explained": dict(zip(columns_of(card.aus), explained.round(3).tolist(), strict=True))}
    card = card.model_copy(update={"provenance": card.provenance | told})
    return Population(card, centre, directions, spread, Rest(**numbers), from_identity)


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


def _rest(
    places: Floats,
    logits: Floats,
    labels: NDArray[np.int8],
    neutral: NDArray[np.bool_],
    people: NDArray[np.int64],
) -> dict[str, Any]:
    """Return what is known of one Action Unit at rest: the fields of `Rest`, and `from_identity` (K,)."""
    absent, present = labels == 0, labels == 1
    means, within, counts = _within_people(logits, people, absent, len(places))
    enough = counts >= LEAST_FACES
    _, neutral_within, _ = _within_people(logits, people, neutral, len(places))
    if enough.sum() < 10 or present.sum() < 10 or neutral.sum() < 10:
        raise InputError("Too few rendered people rest, or show an Action Unit; render more of them.")
    noise = within * np.mean(1 / counts[enough])
    resting = means[enough]
    between = max(float(resting.var(ddof=1) - noise), 1e-3)
    coefficients, left_out = _ridge(places[enough], resting - resting.mean())
    error = float(np.mean(np.square(resting - resting.mean() - left_out)))
    offsets = places @ coefficients
    offsets[enough] = left_out
    coded = absent | present
    decision = (
        LogisticRegression(C=1e4)
        .fit(np.column_stack([logits, offsets[people]])[coded], present[coded])
        .coef_[0]
    )
    return {
        "usual": resting.mean(),
        "between": between,
        "within": within,
        "neutral": logits[neutral].mean(),
        "neutral_within": neutral_within,
        "shown": logits[present].mean(),
        "shown_spread": logits[present].var(),
        "unknown": float(np.clip(error - noise, 0.05 * between, between)),
        "carried": float(np.clip(-decision[1] / decision[0], 0, 1)),
        "from_identity": coefficients,
    }


def _within_people(
    logits: Floats, people: NDArray[np.int64], chosen: NDArray[np.bool_], number: int
) -> tuple[Floats, float, NDArray[np.int64]]:
    """Return means of each person's chosen faces, the variance around them, and how many there are."""
    counts = np.bincount(people[chosen], minlength=number)
    means = np.bincount(people[chosen], logits[chosen], number) / np.maximum(counts, 1)
    squares = np.square(logits[chosen] - means[people[chosen]]).sum()
    return means, float(squares / max((counts[counts > 0] - 1).sum(), 1)), counts


def _ridge(inputs: Floats, targets: Floats) -> tuple[Floats, Floats]:
    """Return coefficients without constant, and what is said of each person left out by all others."""
    left, values, right = np.linalg.svd(inputs, full_matrices=False)
    projected = left.T @ targets
    fits = []
    for penalty in PENALTIES * np.square(values).mean():
        shrunk = np.square(values) / (np.square(values) + penalty)
        residuals = (targets - left @ (shrunk * projected)) / (1 - np.square(left) @ shrunk)
        fits.append((float(np.square(residuals).mean()), right.T @ (shrunk / values * projected), residuals))
    _, coefficients, residuals = min(fits, key=lambda fit: fit[0])
    return coefficients, targets - residuals
