import numpy as np
from known_population import wide_population

from idennet.people.population import Evidence
from idennet.people.recognition import MIDDLE, SLOPE, belonging, certainty

PEOPLE = wide_population()
NOWHERE = np.zeros_like(PEOPLE.spread)


def seen(place: np.ndarray, count: float = 1) -> Evidence:
    return Evidence(count, count * place)


def test_certainty_is_one_half_at_the_odds_that_were_worth_it_and_grows_with_them():
    place = np.sqrt(PEOPLE.spread)
    shares = [certainty(PEOPLE, seen(k * place), seen(place), NOWHERE) for k in (-1, 0, 0.5, 1)]
    assert shares == sorted(shares)
    odds = PEOPLE.same_person(seen(place), seen(place))
    np.testing.assert_allclose(shares[-1], 1 / (1 + np.exp(-SLOPE * (odds - MIDDLE))))


def test_what_the_recording_adds_to_all_faces_makes_nobody_more_alike():
    shared = 2 * np.sqrt(PEOPLE.spread)
    one, other = np.random.default_rng(0).normal(size=(2, len(shared))) * np.sqrt(PEOPLE.spread)
    apart = certainty(PEOPLE, seen(one), seen(other), NOWHERE)
    moved = seen(one + shared), seen(other + shared)
    assert certainty(PEOPLE, *moved, NOWHERE) > apart
    np.testing.assert_allclose(certainty(PEOPLE, *moved, shared), apart)


def test_a_face_belongs_to_the_others_of_its_person_as_surely_as_to_somebody_who_is_stored():
    place = np.sqrt(PEOPLE.spread)
    faces = [seen(place), seen(-place), seen(0.8 * place), seen(0.1 * place)]
    first, alone, near, far = belonging(PEOPLE, faces, [1, 2, 1, 1])
    assert alone is None
    shared = PEOPLE.shared_by([faces[0] + faces[2] + faces[3], faces[1]])
    np.testing.assert_allclose(far, certainty(PEOPLE, faces[3], faces[0] + faces[2], shared))
    assert first is not None
    assert near is not None
    assert far < min(first, near)
