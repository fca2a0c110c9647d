import pickle
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from known_population import population

from idennet.people.grouping import group
from idennet.people.persons import Persons
from idennet.people.population import Evidence
from idennet.people.seams import Seams
from idennet.people.tracks import SCENE, Sighting, Strand, worth_of

PEOPLE = population()
ANNA, BERT, CLEO = (np.array([x, y, 0.0, 0.0]) for x, y in ((0.7, 0.5), (-0.6, 0.4), (0.1, -0.7)))
"""Embeddings: ten times these, less the centre, are places in identity space."""

LEFT, RIGHT = (0.0, 0.0, 80.0, 80.0), (200.0, 0.0, 280.0, 80.0)


def seen(person: np.ndarray, track: int | None = None, box=LEFT, clip="clip") -> Sighting:
    return Sighting(person, box, None if track is None else Strand(clip, track))


def test_people_are_numbered_as_they_appear_and_keep_their_number_when_they_return():
    persons = Persons(PEOPLE)
    assert persons.assign([seen(ANNA, 1)], 0.0) == [1]
    assert persons.assign([seen(ANNA, 1), seen(BERT, 2, RIGHT)], 0.1) == [1, 2]
    assert persons.assign([seen(BERT, 2, RIGHT)], 5.0) == [2]
    assert persons.assign([seen(CLEO, 3)], 9.0) == [3]
    assert persons.assign([seen(BERT, 4), seen(ANNA, 5, RIGHT)], 20.0) == [2, 1]


def test_two_faces_of_one_frame_are_two_people_however_alike():
    persons = Persons(PEOPLE)
    assert persons.assign([seen(ANNA, 1), seen(ANNA, 2, RIGHT)], 0.0) == [1, 2]
    assert len(set(persons.assign([seen(ANNA, 3), seen(ANNA, 4, RIGHT)], 9.0))) == 2


def test_a_photograph_follows_nothing():
    persons = Persons(PEOPLE)
    assert persons.assign([seen(ANNA)]) == [1]
    assert persons.assign([seen(BERT), seen(ANNA, box=RIGHT)]) == [2, 1]


def test_what_the_first_frame_got_wrong_is_put_right_later():
    persons = Persons(PEOPLE)
    persons.assign([seen(ANNA, 1)], 0.0)
    persons.assign([seen(BERT, 2)], 5.0)
    blurred = 0.5 * (ANNA + BERT)
    numbers = [persons.assign([seen(blurred, 3)], 10.0)[0]]
    numbers += [persons.assign([seen(BERT, 3)], 10.0 + second)[0] for second in range(1, 12)]
    assert numbers[-1] == 2
    assert len(set(numbers[numbers.index(2) :])) == 1


def test_frames_that_follow_at_once_are_no_further_evidence():
    persons = Persons(PEOPLE)
    for frame in range(14):
        persons.assign([seen(ANNA, 1)], frame / 30)
    assert persons.evidence(1).count == 1
    persons.assign([seen(ANNA, 1)], 0.6)
    assert persons.evidence(1).count == pytest.approx(worth_of(2))


def test_a_track_says_less_than_pictures_of_different_days():
    assert worth_of(0) == 0
    assert worth_of(1) == 1
    assert worth_of(10_000) == pytest.approx(1 / SCENE, rel=1e-3)


def test_a_face_that_goes_on_where_it_was_lost_is_the_same_person():
    turned = np.array([0.3, 0.3, 0.0, 0.0])
    persons = Persons(PEOPLE)
    persons.assign([seen(np.array([0.3, -0.08, 0.0, 0.0]), 1)], 0.0)
    assert persons.assign([seen(turned, 2)], 0.4) == [1]
    elsewhere = Persons(PEOPLE)
    elsewhere.assign([seen(np.array([0.3, -0.08, 0.0, 0.0]), 1)], 0.0)
    assert elsewhere.assign([seen(turned, 2, RIGHT)], 0.4) == [2]
    another = Persons(PEOPLE)
    another.assign([seen(np.array([0.3, -0.08, 0.0, 0.0]), 1)], 0.0)
    assert another.assign([seen(turned, 1, clip="another")], 0.4) == [2]


def test_parts_of_a_track_do_not_continue_each_other():
    before, turned = np.array([0.3, -0.08, 0.0, 0.0]), np.array([0.3, 0.3, 0.0, 0.0])
    for one, other in ((0, 1), (1, 0)):
        persons = Persons(PEOPLE)
        persons.assign([Sighting(before, LEFT, Strand("clip", 1, one))], 0.0)
        assert persons.assign([Sighting(turned, LEFT, Strand("clip", 1, other))], 0.4) == [2]


def test_known_people_are_recognised_and_others_get_new_numbers():
    persons = Persons(PEOPLE, {7: PEOPLE.evidence([BERT, BERT])})
    assert persons.assign([seen(BERT, 1)], 0.0) == [7]
    assert persons.assign([seen(ANNA, 2)], 9.0) == [8]


@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2), st.booleans()), max_size=40), st.integers(0, 99)
)
@settings(max_examples=30, deadline=None)
def test_evidence_of_people_is_that_of_their_tracks(frames, seed):
    generator = np.random.default_rng(seed)
    persons = Persons(PEOPLE)
    for time, (person, other, both) in enumerate(frames):
        faces = [seen((ANNA, BERT, CLEO)[person] + 0.2 * generator.normal(size=4), 3 * (time // 4) + person)]
        if both and other != person:
            faces.append(seen((ANNA, BERT, CLEO)[other], 3 * (time // 4) + other, RIGHT))
        numbers = persons.assign(faces, 0.4 * time)
        assert len(set(numbers)) == len(faces)
    for number, members in persons._members.items():
        total = sum((track.evidence for track in members), PEOPLE.nothing())
        np.testing.assert_allclose(persons.evidence(number).total, total.total, atol=1e-9)


def comings_and_goings(seed: int, frames: int) -> list[list[Sighting]]:
    """Return frames in which three people come and go, on new tracks or on those before."""
    generator = np.random.default_rng(seed)
    faces: list[list[Sighting]] = [[] for _ in range(frames)]
    for who, person in enumerate((ANNA, BERT, CLEO)):
        at, track = int(generator.integers(20)), who
        while at < frames:
            until = at + int(generator.integers(20, 60))
            left = 40.0 * generator.integers(6)
            for frame in faces[at:until]:
                embedding = person + 0.25 * generator.normal(size=4)
                frame.append(seen(embedding, track, (left, 0.0, left + 80.0, 80.0)))
            gap = int(generator.choice([5, 25, 50]))
            at, track = until + gap, track if gap == 25 else track + 3
    return faces


@pytest.mark.parametrize("rate", [2, 25, 60])
@pytest.mark.parametrize("seed", range(4))
def test_forgetting_tracks_that_have_ended_changes_nobodys_number(seed: int, rate: int):
    frames = comings_and_goings(seed, 600)
    given = Persons(PEOPLE)
    numbers = [given.assign(faces, k / rate) for k, faces in enumerate(frames)]
    with mock.patch("idennet.people.tracks.MEMORY", 10**9):
        everything = Persons(PEOPLE)
        assert numbers == [everything.assign(faces, k / rate) for k, faces in enumerate(frames)]
    assert any(numbers)
    assert len(given._tracks) + len(given._ended) <= 6
    for number, evidence in everything._evidence.items():
        np.testing.assert_allclose(given.evidence(number).total, evidence.total, atol=1e-9)


def test_somebody_who_has_left_stays_somebody_else():
    persons = Persons(PEOPLE)
    for k in range(20):
        assert persons.assign([seen(ANNA, 1), seen(ANNA, 2, RIGHT)], k / 10) == [1, 2]
    for k in range(20, 200):
        assert persons.assign([seen(ANNA, 1)], k / 10) == [1]


def test_a_long_recording_takes_no_more_memory_than_a_short_one():
    persons, seams = Persons(PEOPLE), Seams(PEOPLE)
    sizes = []
    for k in range(3000):
        track = k // 40  # a new one after each gap
        shown = k % 40 < 5
        strands = seams.strands("camera", {track: ANNA} if shown else {})
        persons.assign([Sighting(ANNA, LEFT, strand) for strand in strands.values()], k / 2)
        if k in (299, 2999):
            sizes.append(len(pickle.dumps((persons, seams))))
    assert sizes[1] < 1.1 * sizes[0]


def test_photographs_leave_nothing_but_their_people():
    persons = Persons(PEOPLE)
    sizes = []
    for k in range(200):
        assert persons.assign([seen(ANNA), seen(BERT, box=RIGHT)]) == [1, 2]
        if k in (19, 199):
            sizes.append(len(pickle.dumps(persons)))
    assert sizes[1] < 1.1 * sizes[0]


def test_all_faces_of_a_folder_are_grouped_at_once():
    generator = np.random.default_rng(3)
    who = np.tile([0, 1, 2], 6)
    faces = [PEOPLE.evidence((ANNA, BERT, CLEO)[k] + 0.03 * generator.normal(size=4)) for k in who]
    assert group(PEOPLE, faces, range(len(faces))).tolist() == (who + 1).tolist()


def test_grouping_keeps_faces_of_one_picture_apart_also_through_others():
    faces = [PEOPLE.evidence(ANNA) for _ in range(4)]
    numbers = group(PEOPLE, faces, ["a", "a", "b", "b"])
    assert numbers[0] != numbers[1]
    assert numbers[2] != numbers[3]
    tracks = group(PEOPLE, faces, [frozenset({1, 2}), frozenset({2, 3}), frozenset({3}), frozenset({9})])
    assert tracks[0] != tracks[1]
    assert tracks[1] != tracks[2]


def test_nothing_and_one_face_are_grouped_too():
    assert group(PEOPLE, [], []).tolist() == []
    assert group(PEOPLE, [Evidence(1, np.zeros(2))], ["a"]).tolist() == [1]
