"""What one recording adds to all its faces, drawn from the model."""

from unittest import mock

import numpy as np
import pytest
from known_population import wide_population
from scipy.stats import multivariate_normal

from idennet.people import grouping
from idennet.people.grouping import group
from idennet.people.persons import Persons
from idennet.people.population import SHARED
from idennet.people.seams import Seams
from idennet.people.tracks import Sighting, Strand

PEOPLE = wide_population()
BOX = (0.0, 0.0, 80.0, 80.0)


def studio(people: int, pictures: int, seed: int, offset: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Return who (N,) and where (N, K) pictures are; one place adds `offset` deviations to all of them."""
    draw = np.random.default_rng(seed)
    shape = people, len(PEOPLE.spread)
    places = np.sqrt(PEOPLE.spread) * draw.normal(size=shape)
    places += offset * np.sqrt(SHARED * PEOPLE.spread) * draw.normal(size=shape[1])
    who = np.repeat(np.arange(people), pictures)
    return who, places[who] + draw.normal(size=(len(who), shape[1]))


def grouped(places: np.ndarray) -> np.ndarray:
    return group(PEOPLE, [PEOPLE.evidence(place) for place in places], range(len(places)))


def mistaken(who: np.ndarray, given: np.ndarray) -> float:
    """Return the share of pairs of two people's pictures that have one number."""
    others = who[:, None] != who
    return float((given[:, None] == given)[others].mean())


def test_the_bayes_factor_is_that_of_the_whole_covariance():
    draw = np.random.default_rng(1)
    who = np.array([0, 0, 0, 1, 2, 2])
    places = 2 * draw.normal(size=(len(who), len(PEOPLE.spread)))
    expected = 0.0
    for spread, column in zip(PEOPLE.spread, places.T, strict=True):
        plain = spread * (who[:, None] == who) + np.eye(len(who))
        expected += multivariate_normal(cov=plain + SHARED * spread).logpdf(column)
        expected -= multivariate_normal(cov=plain).logpdf(column)
    totals = np.stack([places[who == one].sum(axis=0) for one in range(3)])
    offset, found = PEOPLE.shared_offset(np.array([3.0, 1.0, 2.0]), totals)
    assert found == pytest.approx(expected)
    for spread, column, one in zip(PEOPLE.spread, places.T, offset, strict=True):
        plain = spread * (who[:, None] == who) + np.eye(len(who))
        whole = plain + SHARED * spread
        assert one == pytest.approx(SHARED * spread * np.linalg.solve(whole, column).sum())


@pytest.mark.parametrize("seed", range(3))
def test_strangers_of_one_place_are_told_apart(seed: int):
    who, places = studio(20, 2, seed, offset=2.5)
    with mock.patch.object(grouping, "ROUNDS", 1):
        before = mistaken(who, grouped(places))
    assert before > 0.02
    assert mistaken(who, grouped(places)) < before / 4


@pytest.mark.parametrize("offset", [0.0, 1.0, 2.5])
def test_one_person_alone_stays_one(offset: float):
    for seed in range(10):
        _, places = studio(1, 6, seed, offset)
        assert set(grouped(places)) == {1}


@pytest.mark.parametrize("people", [2, 5, 20])
def test_where_nothing_is_shared_nothing_changes(people: int):
    for seed in range(3):
        _, places = studio(people, 4, seed, offset=0.0)
        with mock.patch.object(grouping, "ROUNDS", 1):
            before = grouped(places)
        assert grouped(places).tolist() == before.tolist()


def test_nothing_that_was_given_is_changed():
    _, places = studio(5, 2, 0)
    given = [PEOPLE.evidence(place) for place in places]
    group(PEOPLE, given, range(len(given)))
    for evidence, place in zip(given, places, strict=True):
        assert np.array_equal(evidence.total, place)


def in_turn(places: np.ndarray) -> np.ndarray:
    """Return the numbers of people who come one after another, for three seconds each."""
    persons = Persons(PEOPLE)
    last = []
    for track, place in enumerate(places):
        for k in range(6):
            numbers = persons.assign([Sighting(place, BOX, Strand("clip", track))], 9 * track + k / 2)
        last += numbers
    return np.array(last)


def test_strangers_of_one_place_are_told_apart_as_they_come():
    without = mock.Mock(side_effect=lambda counts, totals: (np.zeros_like(totals[0]), 0.0))
    before, after = [], []
    for seed in range(3):
        who, places = studio(20, 2, seed, offset=2.5)
        order = np.random.default_rng(seed).permutation(len(who))
        after.append(mistaken(who[order], in_turn(places[order])))
        with mock.patch.object(type(PEOPLE), "shared_offset", without):
            before.append(mistaken(who[order], in_turn(places[order])))
    assert np.mean(before) > 0.02
    assert np.mean(after) < np.mean(before) / 2


def test_a_track_that_goes_over_to_a_stranger_of_the_same_place_is_taken_apart():
    draw = np.random.default_rng(4)
    _, (anna, bert) = studio(2, 1, 0, offset=4.0)
    seams = Seams(PEOPLE)
    shown = [anna] * 10 + [bert] * 10 + [anna] * 10
    parts = [
        seams.strands("clip", {1: place + 0.1 * draw.normal(size=place.shape)})[1].part for place in shown
    ]
    assert parts == [0] * 10 + [1] * 10 + [0] * 10


def test_a_face_that_changes_slowly_stays_one_however_far_it_goes():
    _, (anna, bert) = studio(2, 1, 0)
    seams = Seams(PEOPLE)
    ways = [anna + share * (bert - anna) for share in np.linspace(0, 1, 30)]
    assert {seams.strands("clip", {1: place})[1].part for place in ways} == {0}
