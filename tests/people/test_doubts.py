"""Persons of photographs who may be several people."""

import numpy as np
from known_population import wide_population

from idennet.people.doubts import CLEAR, CLEAR_IN_ONE_PLACE, Doubt, Doubts, doubts
from idennet.people.grouping import chance
from idennet.people.population import Evidence

PEOPLE = wide_population()
WIDTH = np.sqrt(PEOPLE.spread)


def pictures(*places: np.ndarray) -> list[Evidence]:
    return [Evidence(1, place) for place in places]


def odds_of(one: np.ndarray, other: np.ndarray) -> float:
    return PEOPLE.same_person(*pictures(one, other))


def barely(odds: float) -> tuple[np.ndarray, np.ndarray]:
    """Return two places that show one person with such odds."""
    parts = np.linspace(0, 1, 20_001)
    far = parts[np.argmin([abs(odds_of(WIDTH, part * WIDTH) - odds) for part in parts])]
    return WIDTH, far * WIDTH


def test_a_person_whose_parts_are_barely_alike_enough_is_told_with_a_picture_of_each():
    for more, told in ((CLEAR - 1, (Doubt(1, 2, "a", "b"),)), (CLEAR + 1, ())):
        evidence = pictures(*barely(chance(3) + more), -WIDTH)
        assert doubts(PEOPLE, evidence, [1, 1, 2], ["a", "b", "c"]) == Doubts(told, in_one_place=False)


def test_the_most_doubtful_come_first_and_persons_of_one_picture_are_not_told():
    near, nearer = barely(chance(5) + 0.5), barely(chance(5) + 1)
    evidence = pictures(*nearer, *(-place for place in near), np.zeros_like(WIDTH))
    found = doubts(PEOPLE, evidence, [1, 1, 2, 2, 3], [*"abcde"])
    assert found.persons == (Doubt(2, 2, "c", "d"), Doubt(1, 2, "a", "b"))


def test_faces_with_something_in_common_are_told():
    draw = np.random.default_rng(0)
    places = draw.normal(size=(8, len(WIDTH))) * WIDTH
    evidence = pictures(*(place + noise for place in places for noise in draw.normal(size=(2, len(WIDTH)))))
    moved = [Evidence(1, one.total + 2 * WIDTH) for one in evidence]
    people = np.repeat(np.arange(8), 2).tolist()
    assert not doubts(PEOPLE, evidence, people, [""] * 16).in_one_place
    assert doubts(PEOPLE, moved, people, [""] * 16).in_one_place
    assert not doubts(PEOPLE, moved, [*range(16)], [""] * 16).in_one_place  # nobody is grouped
    assert not doubts(PEOPLE, moved[:2], [1, 1], [""] * 2).in_one_place  # the place of one person is unknown
    mixed = [0 if person == 1 else person for person in people]
    one, *_ = doubts(PEOPLE, moved, mixed, [*"aabbccddeeffgghh"]).persons
    assert (one.person, one.faces, {one.one, one.other}) == (0, 4, {"a", "b"})


def test_in_one_place_more_is_needed_to_be_clear():
    others = np.random.default_rng(0).normal(size=(14, len(WIDTH))) * WIDTH
    told = []
    for part in np.linspace(-1, 1, 101):
        evidence = pictures(*(place + 3 * WIDTH for place in (WIDTH, part * WIDTH, *others)))
        shared = PEOPLE.shared_by([evidence[0] + evidence[1], *evidence[2:]])
        assert shared.any()
        odds = PEOPLE.same_person(evidence[0].without(shared), evidence[1].without(shared))
        found = doubts(PEOPLE, evidence, [1, 1, *range(2, 16)], [""] * 16)
        assert bool(found.persons) == (odds < chance(16) + CLEAR_IN_ONE_PLACE)
        told.append(odds > chance(16) + CLEAR and bool(found.persons))
    assert any(told)
