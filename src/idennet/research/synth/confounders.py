"""Dialling what is mistaken for Action Units: static wrinkles, resting faces, brows, lips, beards.

One person can be rendered with none of it, as drawn, or exaggerated, while bones, skin, hair, expressions and
light stay the same: so a comparison of methods can tell how much the person mattered.
"""

from dataclasses import fields, replace
from typing import Any

import numpy as np

from idennet.research.synth.traits import Beard, RestingFace, Traits

Range = tuple[float, float]

ORDINARY_BROWS = {"lift": -0.72, "arch": 0.11, "tilt": 0.0, "reach": -0.02}
"""Where the brows of everybody lie at strength 0, in cm; see `Brows`."""

BROWS_WITHIN = {"lift": (-1.3, 0.4), "arch": (-0.3, 0.6), "tilt": (-0.5, 0.5), "reach": (-0.7, 0.5)}

ORDINARY_LIPS = {"lip_fullness": 0.92, "lip_line": 0.5, "lip_line_width": 0.12}
"""The lips of everybody at strength 0; see `Traits`."""

LIPS_WITHIN = {"lip_fullness": (0.3, 1.3), "lip_line": (0.0, 1.0), "lip_line_width": (0.03, 0.25)}

ORDINARY_DROOP, DROOP_WITHIN = 0.1, (-0.25, 0.5)
"""Closure of the upper lids at rest."""

RESTING_WITHIN = (0.0, 0.6)


def confounded(traits: Traits, strength: float) -> Traits:
    """Return the same person with weaker or stronger confounders.

    Every confounding trait moves along the line from everybody's to the person's own value.

    Args:
        traits: The person as drawn.
        strength: 0: everybody's, so that a neutral face has no trace of an Action Unit; 1: `traits` itself;
            2: twice as far from everybody's, as far as faces go.
    """
    if strength == 1.0:
        return traits

    def moved(ordinary: float, own: float, within: Range) -> float:
        return float(np.clip(ordinary + strength * (own - ordinary), *within))

    def all_moved(own: object, ordinary: dict[str, float], within: dict[str, Range]) -> dict[str, Any]:
        return {name: moved(value, getattr(own, name), within[name]) for name, value in ordinary.items()}

    at_rest = [field.name for field in fields(RestingFace) if field.name != "asymmetry"]
    resting = {name: moved(0.0, getattr(traits.resting, name), RESTING_WITHIN) for name in at_rest}
    return replace(
        traits,
        wrinkle_static=tuple(moved(0.0, own, (0.0, 1.0)) for own in traits.wrinkle_static),
        resting=replace(traits.resting, **resting),
        brows=replace(traits.brows, **all_moved(traits.brows, ORDINARY_BROWS, BROWS_WITHIN)),
        beard=_beard(traits.beard, strength),
        eyes=replace(traits.eyes, lid_droop=moved(ORDINARY_DROOP, traits.eyes.lid_droop, DROOP_WITHIN)),
        **all_moved(traits, ORDINARY_LIPS, LIPS_WITHIN),
    )


def _beard(own: Beard, strength: float) -> Beard:
    if strength == 0.0:
        return replace(own, kind="none", density=0.0)
    return replace(own, density=min(1.0, strength * own.density), length=own.length * min(1.0, strength))
