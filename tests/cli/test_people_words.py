"""What the terminal says of people: what a zero changes, and who may be several people."""

import math
from dataclasses import replace
from io import StringIO
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from idennet.cli.console import Screen
from idennet.cli.counts import FEW, Summary
from idennet.cli.remarks import doubtful, people_remarks
from idennet.cli.screen import _from_zero, print_footnotes, print_result, print_video
from idennet.inference.face import Box, Face, HeadPose, Zeroed
from idennet.inference.result import Result as Reading
from idennet.models.weights import Evidence
from idennet.people.doubts import Doubt, Doubts
from idennet.people.following import Following


@pytest.fixture
def smiling() -> Face:
    """AU12, AU6 and AU1 occur, AU25 does not, AU2 and AU4 are hidden."""
    probs = {1: 0.6, 2: math.nan, 12: 0.9, 4: math.nan, 6: 0.7, 25: 0.4}
    occurrences = {au: None if math.isnan(prob) else prob >= 0.5 for au, prob in probs.items()}
    return Face(
        Box(0, 0, 9, 9), np.zeros((68, 2), np.float32), 0.9, HeadPose(0, 0, 0), probs, occurrences,
        dict.fromkeys(probs, 0.5), frozenset({1}),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("zeroed", "told"),
    [
        ({}, "the same"),
        ({6: False}, "without AU6"),
        ({6: False, 1: False, 25: True}, "without AU6 ~AU1, AU25 too"),
        ({25: True}, "AU25 too"),
    ],
)
def test_what_the_own_zero_changes_is_told_in_words(smiling: Face, zeroed: dict[int, bool], told: str):
    occurrences = {**smiling.au_occurrences, **zeroed}
    own = Zeroed("whole", 3, smiling.au_probs, occurrences, frozenset({12}))
    assert _from_zero(smiling, own) == f"own zero: {told}"


def test_lines_of_a_run_with_zeros_have_no_other_numbers_and_provisional_zeros_are_told_once(smiling: Face):
    own = Zeroed("whole", 3, smiling.au_probs, smiling.au_occurrences, frozenset({12}))
    summary, console = Summary(), Screen(file=StringIO(), width=200)
    for number in (1, 1, 2, 3):
        settled = own if number < 3 else replace(own, unsettled_aus=frozenset({25}))
        graded = dict.fromkeys(smiling.au_probs, 2.0)
        face = replace(smiling, person=number, zeroed=settled, au_intensities=graded)
        result = Reading("a.jpg", (9, 9), (face,), tuple(smiling.au_probs), "test")
        summary.add(result)
        print_result(console, result, details=False, quiet=False, strengths=False)
    print_footnotes(console, summary, details=False, strengths=False)
    told = console.file.getvalue()
    assert told.splitlines()[0].rstrip() == "a.jpg person 1  AU12 90%  AU6 70%  ~AU1 60%  own zero: the same"
    assert told.count("may still change") == 2
    for number in (1, 2):
        assert (
            f"The own zero of person {number} may still change for AU12: too little was seen so far" in told
        )
    assert "intensity" not in told


def footnotes(*readings: Reading, details: bool = False) -> str:
    """What is printed of photographs, or of frames of a clip, and below."""
    summary, console = Summary(), Screen(file=StringIO(), width=400)
    for reading in readings:
        summary.add(reading)
    if video := summary.end_video():
        print_video(console, video, quiet=False)
    print_footnotes(console, summary, details=details, strengths=False)
    return console.file.getvalue()


def reading(*faces: Face, time: float | None = None) -> Reading:
    return Reading("a", (9, 9), faces, tuple(faces[0].au_probs), "test", time=time)


@pytest.mark.parametrize("time", [None, 0.0])
def test_legends_cover_what_only_the_own_zero_shows(smiling: Face, time: float | None):
    face = replace(
        smiling, unreliable_aus=frozenset({25}), au_evidence=dict.fromkeys((4, 25), Evidence.TAUGHT), person=1
    )
    same = Zeroed("whole", 3, face.au_probs, face.au_occurrences, frozenset())
    more = replace(same, au_occurrences=face.au_occurrences | {25: True})
    for own, told in ((same, False), (more, True)):
        text = footnotes(*[reading(replace(face, zeroed=own), time=time)] * FEW)
        assert ("~ These weights" in text) == told
        assert ("not tested on any: AU25" in text) == told


def test_a_mark_is_explained_where_a_row_has_one(smiling: Face):
    """The table has three Action Units that do not occur, so of many more some are left out."""
    probs = {12: 0.9} | {au: 0.4 - au / 100 for au in (1, 2, 4, 5)}
    occurrences = {au: prob >= 0.5 for au, prob in probs.items()}
    for au, told in ((5, False), (4, True)):
        face = replace(smiling, au_probs=probs, au_occurrences=occurrences, unreliable_aus=frozenset({au}))
        assert ("~ These weights" in footnotes(reading(face), details=True)) == told
        assert "~ These weights" not in footnotes(reading(face))


def test_of_which_action_units_a_zero_may_change_is_told(smiling: Face):
    probs = dict.fromkeys((1, 2, 4, 6, 12), 0.9)
    face = replace(smiling, au_probs=probs, au_occurrences=dict.fromkeys(probs, True))
    own = Zeroed("whole", 3, probs, face.au_occurrences, frozenset({2, 4, 6, 12}))
    few, many = ([reading(replace(face, zeroed=own, person=k)) for k in range(1, n + 1)] for n in (2, 7))
    told = footnotes(*few)
    sentence = "may still change for AU2, AU4, AU6 and 1 more: too little was seen so far\n"
    assert f"The own zero of person 1 {sentence}The own zero of person 2 {sentence}" in told
    assert "more people" not in told
    assert footnotes(*many).count(sentence) == 5
    assert "The same holds for 2 more people\n" in footnotes(*many)
    neutral = reading(replace(face, zeroed=replace(own, way="neutral", unsettled_aus=frozenset({2}))))
    assert "The own zero is uncertain for AU2: more neutral pictures would settle it\n" in footnotes(neutral)


def test_parts_that_are_hidden_in_a_clip_are_told_with_the_share_of_its_faces(smiling: Face):
    own = Zeroed("whole", 3, smiling.au_probs, smiling.au_occurrences, frozenset())
    first, second = (replace(smiling, person=number, zeroed=own) for number in (1, 2))
    behind = replace(second, hidden=frozenset({"brows"}))
    frames = [reading(first, behind if k < 2 else second, time=k / 25) for k in range(5)]
    told = footnotes(*frames)
    assert "(brows hidden in 20% of faces: AU1, AU2, AU4 not read there)\n" in told
    assert "person 1, own zero: the same\n" in told
    assert "person 2, own zero: the same  (brows hidden in 40% of faces)\n" in told
    assert "share of faces that show an Action Unit, of those in which it was read." in told
    assert "hidden" not in footnotes(*[reading(first, second, time=k / 25) for k in range(5)])
    rare = [reading(behind if k == 0 else second, time=k / 25) for k in range(300)]
    assert "(brows hidden in under 1% of faces: AU1" in footnotes(*rare)


@pytest.mark.parametrize(
    ("persons", "in_one_place", "told"),
    [
        ((), False, ""),
        (
            (Doubt(2, 9, "c.jpg", "a.jpg"),),
            False,
            "Check whether each of these is one person, and read apart who is not: person 2 (9 faces: "
            "c.jpg beside a.jpg).",
        ),
        (
            (),
            True,
            "These faces look as if taken in one place, where different people easily get one number; "
            "compare the pictures of each person.",
        ),
        (
            (Doubt(2, 9, "c.jpg", "a.jpg"), Doubt(5, 2, "d.jpg", "e.jpg")),
            True,
            "These faces look as if taken in one place, where different people easily get one number; check "
            "whether each of these is one person, and read apart who is not: "
            "person 2 (9 faces: c.jpg beside a.jpg), person 5 (2 faces: "
            "d.jpg beside e.jpg).",
        ),
    ],
)
def test_persons_who_may_be_several_people_are_told(
    persons: tuple[Doubt, ...], in_one_place: bool, told: str
):
    assert doubtful(Doubts(persons, in_one_place)) == told


def test_what_was_given_as_neutral_and_is_not_is_told() -> None:
    following = SimpleNamespace(
        doubts=Doubts((), in_one_place=False),
        without_zero=(),
        names={2: "Anna"},
        people={1: None, 2: None},
        moving_rest={1: [12, 25], 2: [6], 3: []},
        perhaps_nobody=(),
        strangers=0,
    )
    (told,) = people_remarks(cast(Following, following), Summary(), "neutral.jpg", apart=True)
    assert told.startswith(
        "What was given as neutral shows AU12, AU25 (person 1), AU6 (person 2 (Anna)) in most"
    )
    following.moving_rest = {1: [], 2: []}
    assert not [*people_remarks(cast(Following, following), Summary(), "neutral.jpg", apart=True)]
    following.perhaps_nobody = (1,)
    (told,) = people_remarks(cast(Following, following), Summary(), None, apart=True)
    assert told.startswith("Perhaps no face at all: person 1, small")
