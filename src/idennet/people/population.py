"""What people are like to a network: how they differ, how they look at rest, and how one tells the other.

These few numbers belong to one file of weights: `name-people.safetensors` beside `name.safetensors`, with a
card that names the weights. `idennet.research.weights.population` fits them.
"""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import safetensors.numpy
from numpy.typing import ArrayLike, NDArray
from pydantic import Field, ValidationError

from idennet.errors import WeightsError
from idennet.files import drafts_of
from idennet.models.weights import (
    ActionUnit,
    WeightsSidecar,
    bundled_weights_path,
    load_bundled,
    load_weights,
    weights_file,
)
from idennet.settings import Config

Floats = NDArray[np.float64]

SHARED = 0.3
"""Variance of what a recording adds to all its faces, as a share of that between people."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """What pictures say about who somebody is; evidence of several pictures adds up.

    Attributes:
        count: How many pictures, as far as they say something new.
        total: (K,) sum of their places in identity space.
    """

    count: float
    total: Floats

    def __add__(self, other: "Evidence") -> "Evidence":
        """Return what both say together, if they show one person."""
        return Evidence(self.count + other.count, self.total + other.total)

    def without(self, offset: Floats) -> "Evidence":
        """Return the evidence of pictures that do not have what a recording adds to all of its own (K,)."""
        return Evidence(self.count, self.total - self.count * offset)

    def __sub__(self, other: "Evidence") -> "Evidence":
        """Return what is left without a part that was added."""
        return Evidence(self.count - other.count, self.total - other.total)


@dataclass(frozen=True, eq=False)
class Rest:
    """Logits where an Action Unit is absent, over many people; every field is (A,).

    Attributes:
        usual: Mean.
        between: Variance between people.
        within: Variance between pictures of one person.
        neutral: Mean on faces that show no Action Unit at all.
        neutral_within: Variance between neutral pictures of one person.
        shown: Mean where the Action Unit is shown.
        shown_spread: Variance there, people included.
        unknown: What remains of `between` when the identity is known.
        carried: Which share of a person's offset is still there at the decision between absent and shown,
            0 to 1: an open mouth reads as open whatever it looks like at rest.
    """

    usual: Floats
    between: Floats
    within: Floats
    neutral: Floats
    neutral_within: Floats
    shown: Floats
    shown_spread: Floats
    unknown: Floats
    carried: Floats


class PopulationCard(Config):
    """The JSON file: which weights this belongs to, and where it comes from.

    Attributes:
        format: Version of the files.
        weights: Version of the weights.
        weights_sha256: Of their tensors.
        aus: Action Units in the order of the numbers.
        sha256: Of the safetensors file.
        provenance: People and pictures that it was fitted to; free form.
    """

    format: Literal[1] = 1
    weights: str
    weights_sha256: str
    aus: tuple[ActionUnit, ...]
    sha256: str = ""
    provenance: dict[str, Any] = Field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Population:
    """People as one network sees them.

    In identity space, pictures of one person have variance 1 in each of K directions, and people `spread`:
    the two-covariance model of speaker recognition (PLDA; Ioffe, ECCV 2006).

    Attributes:
        card: What it belongs to.
        centre: (D,) mean of people, of what the network says of who it is.
        directions: (D, K) from embeddings to identity space.
        spread: (K,) variance between people.
        rest: Resting logits.
        from_identity: (K, A) what a place in identity space says of the resting logits, against `usual`.
    """

    card: PopulationCard
    centre: Floats
    directions: Floats
    spread: Floats
    rest: Rest
    from_identity: Floats

    def evidence(self, embeddings: ArrayLike) -> Evidence:
        """Return what one embedding (D,) or several (N, D) of one person say."""
        places = (np.atleast_2d(np.asarray(embeddings, float)) - self.centre) @ self.directions
        return Evidence(len(places), places.sum(axis=0))

    def nothing(self) -> Evidence:
        """Return the evidence of no picture."""
        return Evidence(0.0, np.zeros_like(self.spread))

    def log_likelihood(self, count: ArrayLike, total: ArrayLike) -> Floats:
        """Return how much better one person explains pictures than as many unrelated origins do.

        Up to a term that each picture adds by itself: so the difference between two groups together and
        apart is the log likelihood ratio of "the same person" against "two people".

        Args:
            count: (...) pictures of each group.
            total: (..., K) sums of their places.
        """
        widened = 1 + np.asarray(count, float)[..., None] * self.spread
        fit = self.spread * np.square(total) / widened
        return np.asarray((fit - np.log(widened)).sum(axis=-1) / 2)

    def same_person(self, one: Evidence, other: Evidence) -> float:
        """Return the log likelihood ratio of "the same person" against "two people"."""
        both = one + other
        counts = np.array([both.count, one.count, other.count])
        together, first, second = self.log_likelihood(counts, np.stack([both.total, one.total, other.total]))
        return float(together - first - second)

    def shared_by(self, people: Collection[Evidence]) -> Floats:
        """Return what a recording adds to all its faces (K,); nothing where people are explained without."""
        if not people:
            return np.zeros_like(self.spread)
        counts = np.array([evidence.count for evidence in people])
        offset, gain = self.shared_offset(counts, np.stack([evidence.total for evidence in people]))
        return offset if gain > 0 else np.zeros_like(offset)

    def shared_offset(self, counts: Floats, totals: Floats) -> tuple[Floats, float]:
        """Return by what one recording moves all its faces (K,), and how much better that explains them.

        Camera, light and background are one for all who are filmed in one place: a picture lies at the
        person, plus what the recording adds, N(0, `SHARED` * spread), plus what the picture adds (a channel
        factor, as of telephone lines in speaker recognition; Kenny et al., IEEE TASLP 15(4), 2007). The first
        value is the most likely offset, the second the log Bayes factor of "there is one" against "there is
        none", both given who is who.

        Args:
            counts: (G,) pictures of each person.
            totals: (G, K) sums of their places.
        """
        widened = 1 + counts[:, None] * self.spread
        pull, certainty = (totals / widened).sum(axis=0), (counts[:, None] / widened).sum(axis=0)
        prior = SHARED * self.spread
        offset = prior * pull / (1 + prior * certainty)
        return offset, float((pull * offset - np.log1p(prior * certainty)).sum() / 2)

    def offset_from_identity(self, evidence: Evidence) -> tuple[Floats, Floats]:
        """Return what identity says of a person's resting logits: offset from usual (A,), and variance (A,).

        Few pictures say little: the offset shrinks to 0, and the variance grows to `rest.between`.
        """
        share = self.spread / (1 + evidence.count * self.spread)
        place = share * evidence.total
        return place @ self.from_identity, self.rest.unknown + share @ np.square(self.from_identity)

    @cached_property
    def tensors(self) -> dict[str, Floats]:
        """All numbers by name, as in the file."""
        arrays = {name: getattr(self, name) for name in ("centre", "directions", "spread", "from_identity")}
        return arrays | {f"rest.{field.name}": getattr(self.rest, field.name) for field in fields(Rest)}

    def save(self, weights: Path) -> Path:
        """Write both files beside some weights and return the safetensors file."""
        file = population_file(weights)
        content = safetensors.numpy.save(
            {k: v.astype(np.float32, order="C") for k, v in self.tensors.items()}
        )
        card = self.card.model_copy(update={"sha256": hashlib.sha256(content).hexdigest()})
        with drafts_of(file, file.with_suffix(".json")) as (tensors, sidecar):
            tensors.write_bytes(content)
            sidecar.write_text(card.model_dump_json(indent=2) + "\n", encoding="utf-8", newline="\n")
        return file

    @classmethod
    def open(cls, weights: str | Path | None = None) -> Self:
        """Return the population of some weights.

        Args:
            weights: A `.safetensors` file, or the folder of a run; None: the bundled weights.

        Raises:
            WeightsError: As `of`, or the weights cannot be used.
        """
        file = bundled_weights_path() if weights is None else weights_file(Path(weights))
        _, card = load_bundled() if weights is None else load_weights(file)
        return cls.of(card, file)

    @classmethod
    def of(cls, card: WeightsSidecar, weights: Path) -> Self:
        """Return the population that lies beside some weights.

        Args:
            card: Of the weights.
            weights: Their file.

        Raises:
            WeightsError: There is none, it is damaged, or it was fitted to other weights.
        """
        file = population_file(weights)
        record = file.with_suffix(".json")
        if not file.is_file() or not record.is_file():
            raise WeightsError(
                f"Nothing is known of people as the weights {card.version} see them: there is no {file.name} "
                "beside them; `idennet weights people` makes it."
            )
        content = file.read_bytes()
        try:
            known = PopulationCard.model_validate_json(record.read_bytes())
            tensors = {k: v.astype(float) for k, v in safetensors.numpy.load(content).items()}
            rest = Rest(**{field.name: tensors.pop(f"rest.{field.name}") for field in fields(Rest)})
            population = cls(card=known, rest=rest, **tensors)
        except (ValidationError, safetensors.SafetensorError, KeyError, TypeError) as error:
            raise WeightsError(f"{file} or {record.name} is damaged; get both files anew.") from error
        if hashlib.sha256(content).hexdigest() != known.sha256:
            raise WeightsError(f"{file} differs from the sha256 in {record.name}; get both files anew.")
        if known.weights_sha256 != card.sha256 or known.aus != card.aus:
            raise WeightsError(
                f"{file.name} was fitted to the weights {known.weights}, not to {card.version}; "
                "`idennet weights people` makes it anew."
            )
        return population


def population_file(weights: Path) -> Path:
    """Return where the population of some weights lies: `name-people.safetensors`."""
    return weights.with_name(f"{weights.stem}-people.safetensors")
