import numpy as np
import pytest

from idennet.facs import SIDED_AUS, SYNFACS_AUS
from idennet.research.synth.expression import VISIBLE_INTENSITY, Expression
from idennet.research.synth.eyeballs import REACH
from idennet.research.synth.prototypes import CONFUSABLE, EMOTIONAL, LIMITED_PAIRS, SPEECH
from idennet.research.synth.scenarios import keep_apart, sample_clip, sample_expression, sample_one_sided


@pytest.fixture(scope="module")
def expressions() -> list[Expression]:
    generator = np.random.default_rng(7)
    return [sample_expression(generator) for _ in range(8000)]


@pytest.fixture(scope="module")
def present(expressions: list[Expression]) -> dict[int, np.ndarray]:
    return {au: np.array([e.of(au) >= VISIBLE_INTENSITY for e in expressions]) for au in SYNFACS_AUS}


def test_every_action_unit_is_common_enough_to_learn(present: dict[int, np.ndarray]) -> None:
    shares = {au: share.mean() for au, share in present.items()}
    assert min(shares.values()) > 0.05, shares
    assert np.mean(list(shares.values())) > 0.095
    assert shares[12] > 0.21
    assert shares[43] > 0.08
    assert 0.25 < shares[25] < 0.36  # asked for; jaws and raised lips part lips besides


def test_neutral_share(expressions: list[Expression]) -> None:
    assert 0.1 < np.mean([not e.intensities for e in expressions]) < 0.2


def test_most_eyes_look_near_the_camera_and_few_far_past_it(expressions: list[Expression]) -> None:
    degrees = np.array([e.gaze for e in expressions]) * REACH
    assert 0.85 < (np.linalg.norm(degrees, axis=1) < 12).mean() < 0.93
    assert 0.06 < (degrees[:, 1] < -9).mean() < 0.12  # downcast: a hard negative of AU43


def test_action_units_that_belong_together_occur_together(present: dict[int, np.ndarray]) -> None:
    def given(au: int, condition: int) -> float:
        return float(present[au][present[condition]].mean())

    for au, condition in ((6, 12), (2, 1), (25, 26), (25, 27), (4, 9), (12, 6), (7, 4)):
        assert given(au, condition) > 1.3 * present[au].mean(), (au, condition)
    assert (present[6] & present[12] & present[25] & present[43]).mean() > 0.015  # laughing, eyes closed


def test_smiles_come_with_teeth_and_without_and_lips_part_without_smiles(
    present: dict[int, np.ndarray],
) -> None:
    assert (present[12] & present[25]).mean() > 0.1
    assert (present[12] & ~present[25]).mean() > 0.08
    assert (present[25] & ~present[12]).mean() > 0.15
    assert 0.2 < present[12][present[25]].mean() < 0.5  # parted lips alone say little about a smile


def test_smiles_run_from_curved_to_straight(expressions: list[Expression]) -> None:
    straightness = np.array([e.straightness for e in expressions if e.of(12) and e.of(25)])
    assert (np.histogram(straightness, bins=4, range=(0, 1))[0] > 0.1 * len(straightness)).all()


def test_each_action_unit_also_occurs_alone(present: dict[int, np.ndarray]) -> None:
    table = np.stack(list(present.values()))
    alone = table & (table.sum(axis=0) == 1)
    assert alone.mean(axis=1).min() > 0.002
    for au in (12, 25, 43):
        assert alone[SYNFACS_AUS.index(au)].mean() > 0.01, au
    assert alone.mean() * len(table) > 0.2


def test_pairs_that_exclude_each_other_never_meet(present: dict[int, np.ndarray]) -> None:
    for first, second, chance in LIMITED_PAIRS:
        if chance == 0.0:
            assert not (present[first] & present[second]).any(), (first, second)
    assert (present[12] & present[15]).mean() < 0.25 * present[12].mean() * present[15].mean()
    assert (present[12] & present[20]).mean() < present[12].mean() * present[20].mean()


def test_intensities_are_broad_and_in_range(expressions: list[Expression]) -> None:
    values = np.array([value for e in expressions for value in e.intensities.values()])
    assert values.min() > 0
    assert values.max() <= 1
    assert (np.histogram(values, bins=8, range=(0.2, 1.0))[0] > 0.02 * len(values)).all()


def test_contempt_is_one_sided(expressions: list[Expression]) -> None:
    gains = np.array([e.asymmetry[14] for e in expressions if e.of(14) > 0])
    assert (gains.max(axis=1) == 1).all()
    assert (gains.min(axis=1) < 0.45).mean() > 0.15
    assert abs((gains[:, 0] < gains[:, 1]).mean() - 0.5) < 0.1


def test_keep_apart_keeps_the_first() -> None:
    generator = np.random.default_rng(0)
    assert keep_apart(generator, [43, 5, 1]) == [43, 1]
    assert keep_apart(generator, [24, 25, 12]) == [24, 12]


def test_prototypes_name_known_action_units_and_possible_ranges() -> None:
    for prototype in (*EMOTIONAL, *SPEECH, *CONFUSABLE):
        assert prototype.weight > 0
        for member in prototype.members:
            assert member.au in SYNFACS_AUS
            assert 0 < member.probability <= 1
            assert 0 < member.low < member.high <= 1


def test_clips_are_smooth() -> None:
    generator = np.random.default_rng(3)
    for _ in range(100):
        clip = sample_clip(generator, 24)
        assert len(clip) == 24
        table = np.array([[e.of(au) for au in SYNFACS_AUS] for e in clip])
        assert np.abs(np.diff(table, axis=0)).max() < 0.6
        assert table.min() >= 0
        assert table.max() <= 1


def test_equal_generators_give_equal_expressions() -> None:
    first, second = (sample_clip(np.random.default_rng(5), 20) for _ in range(2))
    assert first == second
    assert sample_expression(np.random.default_rng(5)) == sample_expression(np.random.default_rng(5))


def test_one_sided_expressions_lean_either_way_and_each_action_unit_for_itself() -> None:
    generator = np.random.default_rng(3)
    drawn = [sample_one_sided(generator) for _ in range(2000)]
    leanings: dict[int, list[float]] = {}
    for expression in drawn:
        for au in expression.intensities:
            left, right = expression.intensities_of_sides(au)
            assert max(left, right) == pytest.approx(expression.of(au))
            leanings.setdefault(au, []).append((left - right) / max(left, right))
    assert set(leanings) == set(SIDED_AUS)
    for au, values in leanings.items():
        assert abs(np.mean(values)) < 0.15, au
        assert np.mean(np.abs(values) > 0.5) > 0.35, au
    pairs = [
        [leanings_of(expression)[au] for au in list(expression.intensities)[:2]]
        for expression in drawn
        if len(expression.intensities) > 1
    ]
    assert 0.4 < np.mean(np.prod(pairs, axis=1) > 0) < 0.6


def leanings_of(expression: Expression) -> dict[int, float]:
    return {au: float(np.subtract(*expression.intensities_of_sides(au))) for au in expression.intensities}
