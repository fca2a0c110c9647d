import numpy as np
import pytest
from known_population import population

from idennet.errors import InputError, ShapeError
from idennet.models.calibration import logits_of, sigmoid
from idennet.people.population import Evidence
from idennet.people.zero import RunningZero, Way, Zero, identity_zero, neutral_zero, whole_zero

REST = population().rest


def watched(logits: np.ndarray, spread: np.ndarray, number: int, seed: int = 0) -> np.ndarray:
    generator = np.random.default_rng(seed)
    return sigmoid(logits + np.sqrt(spread) * generator.normal(size=(number, len(logits))))


def test_the_carried_share_of_the_offset_is_taken_from_the_logit():
    offsets = np.array([1.5, -2.0, 3.0])
    zero = Zero(Way.NEUTRAL, 1, offsets, np.ones(3, bool), REST.carried)
    probs = np.array([[0.2, 0.7, 0.9]])
    expected = np.log(probs / (1 - probs)) - REST.carried * offsets
    np.testing.assert_allclose(logits_of(zero.take_from(probs)), expected)


def test_everybodys_zero_changes_nothing():
    zero = Zero(Way.NEUTRAL, 1, np.zeros(3), np.ones(3, bool), REST.carried)
    probs = np.random.default_rng(0).random((20, 3))
    np.testing.assert_allclose(zero.take_from(probs), probs, atol=1e-9)


def test_zeroing_keeps_the_order_of_a_persons_pictures():
    zero = Zero(Way.NEUTRAL, 1, np.array([4.0, -4.0, 4.0]), np.ones(3, bool), REST.carried)
    probs = np.sort(np.random.default_rng(1).random((50, 3)), axis=0)
    assert (np.diff(zero.take_from(probs), axis=0) > 0).all()


def test_another_number_of_action_units_is_refused():
    with pytest.raises(ShapeError, match=r"\(N, 3\)"):
        neutral_zero(REST, np.full((1, 3), 0.1)).take_from(np.full((1, 4), 0.1))


def test_one_neutral_picture_moves_the_offset_by_its_share_of_what_people_differ():
    surplus = np.array([1.0, -1.0, 2.0])
    zero = neutral_zero(REST, sigmoid(REST.neutral + surplus)[None])
    np.testing.assert_allclose(zero.offsets, surplus * REST.between / (REST.between + REST.neutral_within))
    assert zero.way == "neutral"
    assert zero.looks == 1


def test_many_neutral_pictures_find_the_offset_and_settle():
    truth = np.array([1.2, -1.8, 0.9])
    zero = neutral_zero(REST, watched(REST.neutral + truth, REST.neutral_within, 400))
    np.testing.assert_allclose(zero.offsets, truth, atol=0.15)
    assert zero.settled.all()
    assert not neutral_zero(REST, watched(REST.neutral, REST.neutral_within, 1)).settled.all()


def test_no_neutral_picture_is_refused():
    with pytest.raises(InputError, match="neutral face"):
        neutral_zero(REST, np.empty((0, 3)))


def test_a_resting_face_that_is_watched_is_found():
    truth = np.array([1.3, -1.5, 0.8])
    zero = whole_zero(REST, watched(REST.usual + truth, REST.within, 300))
    np.testing.assert_allclose(zero.offsets, truth, atol=0.25)
    assert zero.settled.all()
    assert zero.way == "whole"


def test_somebody_who_smiles_all_the_time_keeps_the_smile():
    logits = np.array([REST.usual[0], REST.shown[1], REST.usual[2]])
    probs = watched(logits, np.array([0.1, 0.1, 0.1]), 5000)
    zero = whole_zero(REST, probs)
    assert abs(zero.offsets[1]) < 0.3
    assert zero.settled.tolist() == [True, False, True]
    assert (zero.take_from(probs)[:, 1] > 0.5).all()


def test_a_smile_now_and_then_hardly_moves_the_zero():
    at_rest = watched(REST.usual, REST.within, 200)
    smiling = at_rest.copy()
    smiling[::3, 1] = sigmoid(np.array(REST.shown[1]))
    difference = whole_zero(REST, smiling).offsets - whole_zero(REST, at_rest).offsets
    np.testing.assert_allclose(difference, 0, atol=0.35)


@pytest.mark.parametrize("first", [True, False])
def test_what_no_resting_face_reads_moves_nothing(first: bool) -> None:
    """Eyes that are closed for a while read far lower than any upper lid that rests."""
    at_rest = watched(REST.usual, REST.within, 30)
    far = REST.usual - 12 * np.sqrt(REST.between + REST.within)
    closed = watched(far, 0.1 * REST.within, 15)
    zero = whole_zero(REST, np.concatenate([closed, at_rest] if first else [at_rest, closed]))
    np.testing.assert_allclose(zero.offsets, whole_zero(REST, at_rest).offsets, atol=0.05)
    assert not whole_zero(REST, closed).settled.any()


def test_the_running_zero_does_not_look_ahead():
    probs = watched(REST.usual + 1, REST.within, 30)
    first, second = RunningZero(REST), RunningZero(REST)
    for look in probs[:10]:
        first.look(look)
    after_ten = first.zero
    for look in probs:
        second.look(look)
    assert after_ten.looks == 10
    np.testing.assert_allclose(second.zero.offsets, whole_zero(REST, probs).offsets)
    np.testing.assert_allclose(after_ten.offsets, whole_zero(REST, probs[:10]).offsets)


def test_what_the_looks_say_by_themselves_is_the_zero_without_everybodys_start():
    running = RunningZero(REST)
    assert np.isinf(running.seen[1]).all()
    for look in watched(REST.usual + 1, REST.within, 10):
        running.look(look)
    offsets, variance = running.seen
    np.testing.assert_allclose(
        running.zero.offsets, offsets * REST.between / (REST.between + variance), rtol=1e-9
    )


def test_before_anything_is_seen_zero_is_everybodys_and_unsettled():
    zero = RunningZero(REST).zero
    assert (zero.offsets == 0).all()
    assert not zero.settled.any()


def test_identity_says_more_the_more_pictures_there_are():
    people = population()
    place = np.array([3.0, -2.0])
    few, many = (identity_zero(people, Evidence(count, count * place), count).offsets for count in (1, 1000))
    np.testing.assert_allclose(many, place @ people.from_identity, atol=0.01)
    assert (np.abs(few) <= np.abs(many)).all()
    assert identity_zero(people, Evidence(1000, 1000 * place), 1000).settled.all()  # though much is unknown
    nothing = identity_zero(people, people.nothing(), 0)
    assert (nothing.offsets == 0).all()
    assert not nothing.settled.any()


def test_what_is_hidden_says_nothing_and_stays_hidden():
    hidden = np.array([[np.nan, 0.3, 0.2], [0.3, 0.3, 0.2]])
    neutral, whole = neutral_zero(REST, hidden), whole_zero(REST, hidden[:1])
    assert neutral.offsets[0] == neutral_zero(REST, hidden[1:]).offsets[0]
    assert whole.offsets[0] == 0
    assert whole.offsets[1] != 0
    zeroed = neutral.take_from(hidden)
    assert np.isnan(zeroed).tolist() == np.isnan(hidden).tolist()
