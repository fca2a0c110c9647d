"""Sampling of expressions: single pictures, and short clips with onset, apex and offset.

Draws follow natural co-occurrence (`prototypes.py`); besides, every Action Unit also occurs alone, because a
network must not learn that one implies another.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from idennet.facs import SIDED_AUS, SYNFACS_AUS
from idennet.research.synth.expression import Expression
from idennet.research.synth.prototypes import (
    CONFUSABLE,
    EMOTIONAL,
    LIMITED_PAIRS,
    ONE_SIDED,
    SPEECH,
    Member,
    Prototype,
)

SHARES = {
    "neutral": 0.16,
    "alone": 0.22,
    "one-sided": 0.06,
    "confusable": 0.05,
    "speech": 0.05,
    "emotional": 0.46,
}
"""How often each kind of expression is drawn for a single picture."""

ADDITION_PROBABILITY = 0.5
"""Chance that a prototype is joined by an Action Unit that does not belong to it."""

BLEND_PROBABILITY = 0.5
"""Chance that a second prototype mixes with the first, as far as their Action Units can stand together."""

UNILATERAL = 0.5
"""Members whose spread is larger than this act on one side, all of a prototype on the same."""

ALONE_ON_ONE_SIDE = 0.16
"""Share of the Action Units drawn alone that act on one side, of those that have sides."""

# Prototypes show some units less than others; those are drawn single more often, as are those that count most
# on photographs.
_RARITY = {
    1: 3, 2: 4, 4: 3, 5: 8, 6: 3, 7: 3, 9: 9, 10: 10, 12: 7, 14: 10, 15: 10, 17: 5, 18: 14,
    20: 9, 22: 16, 23: 11, 24: 10, 25: 5, 26: 3, 27: 18, 28: 17, 43: 7,
}  # fmt: skip
_SINGLE_WEIGHTS = np.array([float(_RARITY[au]) for au in SYNFACS_AUS])
_CHANCE_TO_STAY = {frozenset((a, b)): chance for a, b, chance in LIMITED_PAIRS}


def sample_expression(generator: np.random.Generator) -> Expression:
    """Return a random expression: neutral, one Action Unit alone, one-sided, confusable, speech or emotional.

    Equal generators give equal expressions. The gaze is that of a head that faces the camera;
    `eyeballs.gaze_past` turns it into that of another pose.
    """
    kinds = list(SHARES)
    kind = kinds[generator.choice(len(kinds), p=list(SHARES.values()))]
    if kind == "neutral":
        return Expression(gaze=_gaze(generator), lip_relax=_lip_relax(generator))
    if kind == "alone":
        au = _single(generator)
        spread = 1.0 if au in SIDED_AUS and generator.random() < ALONE_ON_ONE_SIDE else 0.15
        return _act(generator, Prototype("alone", 1.0, (Member(au, spread=spread),)))
    if kind == "one-sided":
        return _act(generator, _choose(generator, ONE_SIDED))
    if kind == "confusable":
        return _act(generator, _choose(generator, CONFUSABLE))
    if kind == "speech":
        return _act(generator, _choose(generator, SPEECH), additions=True)
    return _act(generator, _choose(generator, EMOTIONAL), additions=True)


def sample_one_sided(generator: np.random.Generator) -> Expression:
    """Return one to three Action Units, each on a side of its own, or little more there than on the other.

    Faces hardly ever do that; whoever shall tell the sides apart learns from it what belongs to which.
    """
    count = int(generator.choice([1, 2, 3], p=[0.5, 0.35, 0.15]))
    chosen = generator.choice(SIDED_AUS, count, replace=False)
    expression = _act(generator, Prototype("one-sided", 1.0, tuple(Member(int(au)) for au in chosen)))
    balance = {au: generator.uniform(-1, 1) for au in expression.asymmetry}
    gains = {au: (min(1.0, 1 + value), min(1.0, 1 - value)) for au, value in balance.items()}
    return replace(expression, asymmetry=gains)


def sample_clip(generator: np.random.Generator, frames: int) -> list[Expression]:
    """Return a clip of smooth expressions: one or two events that rise, hold and fade, or speech.

    Args:
        generator: Source of all randomness.
        frames: Length of the clip; neighbours lie about a fifth of a second apart.
    """
    if generator.random() < SHARES["speech"]:
        return _speech_clip(generator, frames)
    count = 2 if frames >= 12 and generator.random() < 0.6 else 1
    span = frames / count
    clip: list[Expression] = []
    for k in range(count):
        event = sample_expression(generator)
        length = round(span * (k + 1)) - round(span * k)
        curves = {au: _event_curve(generator, length) for au in event.intensities}
        clip += [
            _scaled(event, {au: curve[frame] for au, curve in curves.items()}) for frame in range(length)
        ]
    return clip


def keep_apart(generator: np.random.Generator, aus: Sequence[int]) -> list[int]:
    """Return the Action Units without the later one of each pair that muscles or coding rules keep apart.

    A pair of `LIMITED_PAIRS` stays with its own chance.
    """
    kept: list[int] = []
    for au in aus:
        chances = [_CHANCE_TO_STAY.get(frozenset((au, other)), 1.0) for other in kept]
        if all(chance == 1.0 or generator.random() < chance for chance in chances):
            kept.append(au)
    return kept


def _choose(generator: np.random.Generator, prototypes: Sequence[Prototype]) -> Prototype:
    weights = np.array([prototype.weight for prototype in prototypes])
    return prototypes[generator.choice(len(prototypes), p=weights / weights.sum())]


def _single(generator: np.random.Generator) -> int:
    return int(generator.choice(SYNFACS_AUS, p=_SINGLE_WEIGHTS / _SINGLE_WEIGHTS.sum()))


def _act(generator: np.random.Generator, prototype: Prototype, additions: bool = False) -> Expression:
    members = {member.au: member for member in prototype.members if generator.random() < member.probability}
    if not members:
        members = {prototype.members[0].au: prototype.members[0]}
    if additions and generator.random() < ADDITION_PROBABILITY:
        added = Member(_single(generator))
        members.setdefault(added.au, added)
    if additions and generator.random() < BLEND_PROBABILITY:
        for member in _choose(generator, EMOTIONAL).members:
            if generator.random() < member.probability:
                members.setdefault(member.au, member)
    vigour = generator.random()
    side = generator.choice((-1.0, 1.0))
    intensities, asymmetry = {}, {}
    for au in keep_apart(generator, list(members)):
        member = members[au]
        share = 0.7 * vigour + 0.3 * generator.random()
        intensities[au] = float(member.low + (member.high - member.low) * share)
        asymmetry[au] = _asymmetry(generator, member.spread, side)
    return Expression(
        intensities, asymmetry, _gaze(generator), _lip_relax(generator), float(generator.beta(0.8, 1.2))
    )


def _asymmetry(generator: np.random.Generator, spread: float, side: float) -> tuple[float, float]:
    """Return the gains of the left and the right side; the stronger side has 1.

    What acts on one side does so on the left if `side` is 1, on the right if it is -1.
    """
    if spread > UNILATERAL:
        balance = side * (1 - generator.uniform(0, 2 * (1 - spread)))
    else:
        balance = spread * np.clip(generator.normal(0, 0.7), -1, 1)
    return float(min(1, 1 + balance)), float(min(1, 1 - balance))


def _lip_relax(generator: np.random.Generator) -> float:
    return float(generator.random()) if generator.random() < 0.3 else 0.0


def _gaze(generator: np.random.Generator) -> tuple[float, float]:
    """Return a gaze that is mostly near the camera; rarely aside, or down, easily taken for closed eyes."""
    kind = generator.choice(["ahead", "down", "aside"], p=[0.88, 0.09, 0.03])
    x, y = np.clip(generator.normal(0, (0.12, 0.1)), -0.35, 0.35)
    if kind == "down":
        y = -generator.uniform(0.4, 1.0)
    if kind == "aside":
        x = np.copysign(generator.uniform(0.45, 0.9), x)
    return float(x), float(y)


def _event_curve(generator: np.random.Generator, frames: int) -> np.ndarray:
    """Return the strength of one Action Unit in each frame: 0 at both ends, near 1 at its apex.

    Units of one event rise and fade a little apart from each other, as in recordings.
    """
    time = (np.arange(frames) + 0.5) / frames
    onset, offset = generator.normal(0.03, 0.025), generator.normal(0.97, 0.025)
    rise, fall = generator.uniform(0.2, 0.35, 2)
    beats, phase = generator.uniform(0.7, 2.0), generator.random()
    flutter = 1 - 0.15 * generator.random() * np.sin(np.pi * (beats * time + phase)) ** 2
    return _smooth((time - onset) / rise) * _smooth((offset - time) / fall) * flutter


def _smooth(value: np.ndarray) -> np.ndarray:
    clipped = np.clip(value, 0, 1)
    return clipped * clipped * (3 - 2 * clipped)


def _scaled(expression: Expression, strengths: Mapping[int, float]) -> Expression:
    intensities = {au: float(value * strengths[au]) for au, value in expression.intensities.items()}
    return replace(expression, intensities=intensities)


def _speech_clip(generator: np.random.Generator, frames: int) -> list[Expression]:
    """Return mouth shapes that glide into each other, every second frame a new one."""
    shapes = [_act(generator, _choose(generator, SPEECH)) for _ in range(frames // 2 + 2)]
    upper = {au: float(generator.uniform(0.2, 0.6)) for au in (1, 2, 4, 7) if generator.random() < 0.15}
    clip = []
    for frame in range(frames):
        index, part = frame // 2, frame % 2 / 2
        here, there = shapes[index].intensities, shapes[index + 1].intensities
        mouth = {
            au: (1 - part) * here.get(au, 0.0) + part * there.get(au, 0.0)
            for au in sorted(here.keys() | there.keys())
        }
        clip.append(replace(shapes[0], intensities={**upper, **mouth}))
    return clip
