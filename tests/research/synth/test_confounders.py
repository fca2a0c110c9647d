from dataclasses import asdict
from itertools import pairwise

import numpy as np
import pytest

from idennet.research.synth.confounders import confounded
from idennet.research.synth.corpora import People
from idennet.research.synth.identity import sample_traits
from idennet.research.synth.traits import Traits

CONFOUNDING = {
    "wrinkle_static",
    "resting",
    "brows",
    "beard",
    "eyes",
    "lip_fullness",
    "lip_line",
    "lip_line_width",
}


def person(seed: int) -> Traits:
    return sample_traits(np.random.default_rng(seed))


def spread(strength: float, trait: str) -> float:
    rows = [asdict(confounded(person(seed), strength)) for seed in range(80)]
    values = [value[trait] for row in rows for value in (row, row["brows"], row["resting"]) if trait in value]
    return float(np.std(values, axis=0).mean())


def test_strength_one_changes_nothing() -> None:
    assert confounded(person(3), 1.0) == person(3)
    assert People().confounders == 1.0


@pytest.mark.parametrize("strength", [0.0, 0.5, 2.0])
def test_only_confounding_traits_change(strength: float) -> None:
    own, other = asdict(person(5)), asdict(confounded(person(5), strength))
    assert {name for name in own if own[name] != other[name]} <= CONFOUNDING
    assert own["eyes"] | {"lid_droop": 0} == other["eyes"] | {"lid_droop": 0}
    for kept in ("colour", "thickness", "density"):
        assert own["brows"][kept] == other["brows"][kept]
    assert own["resting"]["asymmetry"] == other["resting"]["asymmetry"]


def test_at_strength_zero_everybody_has_the_same_confounders() -> None:
    faces = [confounded(person(seed), 0.0) for seed in range(30)]
    assert {
        (face.wrinkle_static, face.lip_fullness, face.lip_line, face.eyes.lid_droop) for face in faces
    } == {((0.0,) * len(faces[0].wrinkle_static), 0.92, 0.5, 0.1)}
    assert {face.beard.kind for face in faces} == {"none"}
    assert {
        value for face in faces for name, value in asdict(face.resting).items() if name != "asymmetry"
    } == {0.0}


@pytest.mark.parametrize(
    "trait", ["wrinkle_static", "lip_fullness", "lift", "tilt", "brow_low", "mouth_frown"]
)
def test_people_differ_the_more_the_stronger(trait: str) -> None:
    spreads = [spread(strength, trait) for strength in (0.0, 0.5, 1.0, 2.0)]
    assert spreads[0] == pytest.approx(0, abs=1e-12)
    assert all(weaker < stronger for weaker, stronger in pairwise(spreads))
