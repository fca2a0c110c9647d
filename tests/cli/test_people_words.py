"""What the terminal says of people: what a zero changes, and who may be several people."""

import math
from dataclasses import replace
from io import StringIO

import numpy as np
import pytest

from idennet.cli.console import Screen
from idennet.cli.counts import Summary
from idennet.cli.remarks import doubtful
from idennet.cli.screen import _from_zero, print_footnotes, print_result
from idennet.inference.face import Box, Face, HeadPose, Zeroed
from idennet.inference.result import Result as Reading
from idennet.people.doubts import Doubt, Doubts


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
    assert told.count("may still change") == 1
    assert "The own zero of person 1, person 2 may still change: too little was seen so far" in told
    assert "intensity" not in told


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
