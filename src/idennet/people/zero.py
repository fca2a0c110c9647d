"""This person's zero: how far a person's resting face lies from everybody's, taken out of what is read.

The zeroed probability of an Action Unit a is

    sigmoid(logit(p) - carried_a * offset_a),    offset_a = the person's resting logit - everybody's,

with `carried_a` from `Rest`: the share of the offset that still counts where absent and shown are told apart.
Everybody's mean, and how much people and pictures differ, are known (`Population`); so one picture moves the
offset a little, many move it, and a value that no resting face has moves nothing.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from idennet.errors import InputError, ShapeError
from idennet.models.calibration import logits_of, sigmoid
from idennet.people.population import Evidence, Floats, Population, Rest

LOOK = 0.5
"""Seconds after which another frame says something new about a person."""

SHOWN, SHOWN_LOOKS = 0.5, 10
"""How often an Action Unit is taken to be shown before anything is known of a person, and how many looks
that counts for. It is learnt with the offset: otherwise hours of smiling would move a zero after all. Less
than .5 brings .001 to .003 of AUC, and costs people who smile all the time more of their weak smiles."""

NEITHER, WIDER = 0.05, 3.0
"""How often a look is neither at rest nor shows the Action Unit, and how much wider than resting faces of
different people such looks scatter: a closed eye says nothing of where its upper lid rests (AU5)."""

SETTLED = 0.5
"""An offset has settled when at most this part is left of the variance that further pictures could remove."""


class Way(StrEnum):
    """How a person's zero is found; docs/people.md compares them."""

    NEUTRAL = "neutral"
    RUNNING = "running"
    WHOLE = "whole"
    IDENTITY = "identity"


@dataclass(frozen=True, eq=False)
class Zero:
    """A person's resting face against everybody's.

    Attributes:
        way: How it was found.
        looks: How many pictures, or half seconds of a clip, it was found from; those by which a person was
            known before are not among them.
        offsets: (A,) resting logits minus everybody's.
        settled: (A,) whether the offset is known well enough to stay.
        carried: (A,) share of the offsets that is taken out.
    """

    way: Way
    looks: int
    offsets: Floats
    settled: NDArray[np.bool_]
    carried: Floats

    def take_from(self, probs: NDArray[np.floating]) -> Floats:
        """Return zeroed probabilities (N, A).

        Args:
            probs: (N, A) as the network gives them; NaN stays NaN.

        Raises:
            ShapeError: There is another number of Action Units.
        """
        if probs.ndim != 2 or probs.shape[1] != len(self.offsets):
            raise ShapeError(f"Probabilities (N, {len(self.offsets)}) are needed, not {probs.shape}.")
        zeroed = np.full(probs.shape, np.nan)
        seen = np.isfinite(probs)
        zeroed[seen] = sigmoid((logits_of(probs) - self.carried * self.offsets)[seen])
        return zeroed


def neutral_zero(rest: Rest, probs: NDArray[np.floating]) -> Zero:
    """Return the zero of a person from pictures on which the face is at rest.

    Args:
        rest: Of the population.
        probs: (N, A) of the neutral pictures, each a look of its own; NaN where a part of the face is hidden.

    Raises:
        InputError: There is no picture.
    """
    if not len(probs):
        raise InputError("A neutral face is needed, and none was found; choose another picture or range.")
    seen = np.isfinite(probs)
    precision = 1 / rest.between + seen.sum(axis=0) / rest.neutral_within
    surplus = np.where(seen, logits_of(probs) - rest.neutral, 0).sum(axis=0) / rest.neutral_within
    return _zero(rest, Way.NEUTRAL, len(probs), surplus / precision, 1 / precision)


def identity_zero(population: Population, evidence: Evidence, looks: int) -> Zero:
    """Return the zero that a person's identity alone suggests, whatever the face does.

    Args:
        population: Of the weights.
        evidence: What the person's pictures say of the identity.
        looks: How many pictures that were.
    """
    rest = population.rest
    offsets, variance = population.offset_from_identity(evidence)
    nothing = population.offset_from_identity(population.nothing())[1]
    # what identity never tells stays unknown however many pictures there are, so it unsettles nothing
    settled = variance - rest.unknown <= SETTLED * (nothing - rest.unknown)
    return Zero(Way.IDENTITY, looks, offsets, settled, rest.carried)


class RunningZero:
    """The zero of a person whom one watches, look by look, without looking ahead.

    Each look is at rest, or shows the Action Unit, or is neither, as likely as it fits each; only as far as
    it is at rest does it move the offset. So somebody who smiles all the time keeps everybody's zero for a
    smile, and that zero does not settle.

    Args:
        rest: Of the population.
    """

    def __init__(self, rest: Rest) -> None:
        self._rest = rest
        self._spread = WIDER**2 * (rest.between + rest.within)
        self._looks = 0
        self._told = np.full_like(rest.usual, SHOWN_LOOKS)  # looks that are at rest or show it
        self._at_rest = np.full_like(rest.usual, (1 - SHOWN) * SHOWN_LOOKS)
        self._precision = 1 / rest.between
        self._surplus = np.zeros_like(rest.usual)

    def look(self, probs: NDArray[np.floating]) -> None:
        """Add a look, (A,) probabilities; NaN where a part of the face is hidden."""
        rest, seen = self._rest, np.isfinite(probs)
        offsets = np.where(seen, logits_of(probs) - rest.usual, 0)
        here = self._surplus / self._precision
        resting = self._at_rest / self._told
        at_rest = _log_normal(offsets - here, rest.within) + np.log(resting)
        shown = _log_normal(offsets + rest.usual - rest.shown, rest.shown_spread) + np.log(1 - resting)
        neither = _log_normal(offsets, self._spread) + np.log(NEITHER / (1 - NEITHER))
        told = np.where(seen, sigmoid(np.logaddexp(at_rest, shown) - neither), 0)
        share = told * sigmoid(at_rest - shown)
        self._looks += 1
        self._told = self._told + told
        self._at_rest = self._at_rest + share
        self._precision = self._precision + share / rest.within
        self._surplus = self._surplus + share * offsets / rest.within

    @property
    def seen(self) -> tuple[Floats, Floats]:
        """What the looks say by themselves: offsets (A,) and their variance, infinite if none was at rest."""
        precision = self._precision - 1 / self._rest.between
        known = precision > 0
        offsets = np.divide(self._surplus, precision, out=np.zeros_like(precision), where=known)
        return offsets, np.divide(1, precision, out=np.full_like(precision, np.inf), where=known)

    @property
    def zero(self) -> Zero:
        """What has been learnt so far; of a whole clip, when all of it was looked at."""
        offsets = self._surplus / self._precision
        return _zero(self._rest, Way.RUNNING, self._looks, offsets, 1 / self._precision)


def whole_zero(rest: Rest, probs: NDArray[np.floating]) -> Zero:
    """Return the zero of a person over a whole clip, (N, A) probabilities of its looks."""
    running = RunningZero(rest)
    for look in probs:
        running.look(look)
    return replace(running.zero, way=Way.WHOLE)


def _zero(rest: Rest, way: Way, count: int, offsets: Floats, variance: Floats) -> Zero:
    return Zero(way, count, offsets, variance <= SETTLED * rest.between, rest.carried)


def _log_normal(distance: Floats, variance: Floats) -> Floats:
    return -(np.square(distance) / variance + np.log(variance)) / 2
