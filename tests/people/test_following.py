import errno
import os
import pickle
import weakref
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from known_population import AUS, population

from idennet.errors import InputError
from idennet.inference.face import Box, Face, Zeroed
from idennet.inference.quality import Flag
from idennet.inference.result import Result, Results
from idennet.models.calibration import logits_of, sigmoid
from idennet.people.following import Asked, Following
from idennet.people.looks import look_at
from idennet.people.zero import Way, neutral_zero, whole_zero

PEOPLE = population()
ANNA, BERT = (np.array([x, y, 0.0, 0.0], np.float32) for x, y in ((0.7, 0.5), (-0.6, 0.4)))


def face(embedding: np.ndarray, probs: np.ndarray) -> Face:
    return Face(
        box=Box(0, 0, 80, 80),
        landmarks=np.zeros((68, 2), np.float32),
        confidence=1.0,
        pose=None,
        au_probs=dict(zip(AUS, probs.tolist(), strict=True)),
        au_occurrences={au: bool(prob >= 0.5) for au, prob in zip(AUS, probs, strict=True)},
        au_thresholds=dict.fromkeys(AUS, 0.5),
        identity_embedding=embedding,
        crop=np.zeros((128, 128, 3), np.uint8),
    )


def result(*faces: Face, time: float | None = None, source: str = "a") -> Result:
    return Result(source, (100, 100), faces, AUS, "drawn", frame=0, time=time)


def some(number: int, offset: float = 0.0, seed: int = 0) -> np.ndarray:
    generator = np.random.default_rng(seed)
    return sigmoid(PEOPLE.rest.usual + offset + generator.normal(size=(number, len(AUS))))


def photographs() -> list[Result]:
    anna, bert = some(6, 1.0), some(6, -1.0, seed=1)
    alone = [result(face(ANNA, probs)) for probs in anna] + [result(face(BERT, probs)) for probs in bert[:5]]
    return [*alone, result(face(BERT, bert[5]), face(ANNA, anna[5]))]


def test_whoever_is_small_and_covered_wherever_seen_is_perhaps_nobody():
    sign = replace(face(BERT, some(1)[0]), flags=(Flag.SMALL, Flag.BLURRED, Flag.OCCLUDED))
    far = replace(face(ANNA, some(1)[0]), flags=(Flag.SMALL,))
    for apart, expected in ((True, (2,)), (False, ())):
        following = Following(PEOPLE, apart=apart)
        list(following.gather([result(far), result(sign), result(sign), result(far)]))
        assert following.perhaps_nobody == expected
    following = Following(PEOPLE, apart=True)
    list(following.gather([result(sign), result(face(BERT, some(1)[0]))]))
    assert following.perhaps_nobody == ()


def test_what_is_said_to_be_neutral_and_clearly_is_not_is_told():
    smile = PEOPLE.rest.usual.copy()
    smile[1] = 3.0
    clip = [result(face(ANNA, sigmoid(smile)), time=time) for time in np.arange(0, 4, 0.5)]
    still = [result(face(ANNA, probs), time=4 + time) for time, probs in enumerate(some(6))]
    for span, shown in (((0.0, 3.0), [AUS[1]]), ((4.0, 9.0), []), ((3.0, 9.0), [])):
        following = Following(PEOPLE, apart=False, asked=Asked(Way.NEUTRAL, span=span))
        list(following.gather([*clip, *still]))
        assert following.moving_rest == {0: shown}, span


def test_photographs_are_grouped_and_zeroed_from_all_of_a_persons_pictures():
    given = photographs()
    told = list(Following(PEOPLE, apart=True, asked=Asked(Way.WHOLE)).gather(given))
    assert [[one.person for one in each.faces] for each in told] == [[1]] * 6 + [[2]] * 5 + [[2, 1]]
    probs = np.array([[*one.au_probs.values()] for each in told for one in each.faces if one.person == 1])
    expected = whole_zero(PEOPLE.rest, probs).take_from(probs[:1])[0]
    np.testing.assert_allclose([*told[0].faces[0].zeroed.au_probs.values()], expected)
    assert told[0].faces[0].zeroed.looks == 7
    assert told[0].faces[0].zeroed.way == "whole"


def test_nothing_that_was_read_is_replaced():
    given = photographs()
    for told in (
        list(Following(PEOPLE, apart=True, asked=Asked(Way.WHOLE)).gather(given)),
        list(Following(PEOPLE, apart=True, asked=Asked(Way.RUNNING)).follow(given)),
    ):
        before, after = Results(given).to_pandas(), Results(told).to_pandas()
        same = [name for name in before if name != "person"]
        assert after[same].equals(before[same])
        assert {"AU12_zeroed", "AU12_zeroed_present", "zero", "zero_looks", "zero_unsettled_aus"} <= set(
            after
        )


def test_without_a_zero_only_people_are_told():
    told = list(Following(PEOPLE, apart=True).gather(photographs()))
    assert all(one.zeroed is None for each in told for one in each.faces)
    assert "AU12_zeroed" not in Results(told).to_pandas()


def test_following_a_clip_never_looks_ahead():
    clip = [result(face(ANNA, probs), time=k / 4) for k, probs in enumerate(some(40, 1.0))]
    for way in (Way.RUNNING, Way.IDENTITY):
        all_of_it = list(Following(PEOPLE, apart=True, asked=Asked(way)).follow(clip))
        start = list(Following(PEOPLE, apart=True, asked=Asked(way)).follow(clip[:15]))
        for one, other in zip(start, all_of_it, strict=False):
            assert one.faces[0].zeroed.au_probs == other.faces[0].zeroed.au_probs
        looks = [each.faces[0].zeroed.looks for each in all_of_it]
        assert looks[:4] == [1, 1, 2, 2]
        assert all(after - before in (0, 1) for before, after in pairwise(looks))


def test_what_needs_everything_is_not_followed():
    for asked in (Asked(Way.WHOLE), Asked(Way.NEUTRAL, span=(0, 1))):
        with pytest.raises(InputError, match="gather"):
            list(Following(PEOPLE, apart=False, asked=asked).follow([]))


def test_a_camera_is_told_frame_by_frame_unless_everything_is_needed():
    def camera():
        yield result(face(ANNA, some(1)[0]), time=0.0)
        raise AssertionError("a second frame was read before the first was told")

    following = Following(PEOPLE, apart=True, asked=Asked(Way.RUNNING))
    assert next(iter(following.told(camera(), at_once=True))).faces[0].person == 1
    with pytest.raises(AssertionError):
        next(following.told(camera(), at_once=False))
    with pytest.raises(AssertionError):
        next(Following(PEOPLE, apart=True, asked=Asked(Way.WHOLE)).told(camera(), at_once=True))


def test_a_neutral_range_is_everybodys_start_when_nobody_is_told_apart():
    clip = [result(face(ANNA, probs), time=k / 2) for k, probs in enumerate(some(20, 1.0))]
    told = list(Following(PEOPLE, apart=False, asked=Asked(Way.NEUTRAL, span=(1.0, 2.0))).gather(clip))
    probs = np.array([[*each.faces[0].au_probs.values()] for each in clip])
    expected = neutral_zero(PEOPLE.rest, probs[2:5]).take_from(probs)
    found = [[*each.faces[0].zeroed.au_probs.values()] for each in told]
    np.testing.assert_allclose(found, expected)
    assert told[0].faces[0].person is None


def test_a_neutral_photograph_counts_for_the_person_whom_it_shows():
    neutral = result(face(ANNA, some(1, 2.0)[0]))
    asked = Asked(Way.NEUTRAL, (look_at(neutral, neutral.faces[0]),))
    told = list(Following(PEOPLE, apart=True, asked=asked).follow(photographs()))
    assert told[0].faces[0].zeroed is not None
    assert told[8].faces[0].zeroed is None
    anybody = list(Following(PEOPLE, apart=False, asked=asked).follow(photographs()))
    assert anybody[8].faces[0].zeroed is not None


@pytest.mark.parametrize("moving", [False, True])
def test_faces_of_somebody_else_than_the_neutral_picture_are_counted(moving: bool):
    """Eleven photographs alone and two faces together; or two tracks, one after the other, that end."""
    neutral = result(face(ANNA, some(1, 2.0)[0]))
    asked = Asked(Way.NEUTRAL, (look_at(neutral, neutral.faces[0]),))
    given = photographs()
    if moving:
        who = [1] * 6 + [2] * 5
        given = [
            replace(one, time=k / 25, faces=(replace(one.faces[0], track=track),))
            for k, (one, track) in enumerate(zip(given, who, strict=False))
        ]
        given += [replace(given[0], time=1 + k / 25, faces=()) for k in range(100)]
    for read in (Following.follow, Following.gather):
        following = Following(PEOPLE, apart=False, asked=asked)
        list(read(following, given))
        assert following.strangers == (1 if moving else 6)
        told_apart = Following(PEOPLE, apart=True, asked=asked)
        list(read(told_apart, given))
        assert told_apart.strangers == 0


def test_known_people_keep_their_numbers():
    known = {4: PEOPLE.evidence([BERT, BERT]), 9: PEOPLE.evidence([ANNA])}
    gathered = list(Following(PEOPLE, apart=True, known=known).gather(photographs()))
    followed = list(Following(PEOPLE, apart=True, known=known).follow(photographs()))
    for told in (gathered, followed):
        assert [[one.person for one in each.faces] for each in told] == [[9]] * 6 + [[4]] * 5 + [[4, 9]]


def test_hidden_parts_stay_hidden():
    hidden = some(1)[0]
    hidden[0] = np.nan
    asked = Asked(Way.RUNNING)
    told = list(Following(PEOPLE, apart=False, asked=asked).gather([result(face(ANNA, hidden))]))
    assert np.isnan(told[0].faces[0].zeroed.au_probs[AUS[0]])
    assert told[0].faces[0].zeroed.au_occurrences[AUS[0]] is None
    assert told[0].to_dict()["faces"][0]["zeroed"]["aus"]["AU4"]["probability"] is None


def test_a_network_without_identity_is_told():
    nobody = replace(face(ANNA, some(1)[0]), identity_embedding=None)
    with pytest.raises(InputError, match="no identity branch"):
        list(Following(PEOPLE, apart=True).gather([result(nobody)]))


def test_what_was_read_before_an_interruption_is_told():
    def stopped():
        yield from photographs()[:4]
        raise KeyboardInterrupt

    told = Following(PEOPLE, apart=True, asked=Asked(Way.WHOLE)).gather(stopped())
    assert [next(told).faces[0].zeroed.looks for _ in range(4)] == [4] * 4
    with pytest.raises(KeyboardInterrupt):
        next(told)


def test_results_wait_on_the_disk_until_all_are_there():
    """Of an hour's frames none is in memory while it is read; what comes out is what went in."""
    waiting = weakref.WeakSet()

    def hour():
        for k, probs in enumerate(some(200)):
            one = result(face(ANNA, probs), time=k / 30)
            waiting.add(one)
            yield one
            assert len(waiting) <= 2

    told = list(Following(PEOPLE, apart=True, asked=Asked(Way.WHOLE)).gather(hour()))
    for one, probs in zip(told, some(200), strict=True):
        assert [*one.faces[0].au_probs.values()] == probs.tolist()
        assert one.faces[0].crop is None
        np.testing.assert_array_equal(one.faces[0].identity_embedding, ANNA)


def test_a_full_disk_for_temporary_files_is_told(monkeypatch: pytest.MonkeyPatch):
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("idennet.people.spool.pickle.dump", full)
    with pytest.raises(InputError, match=r"takes no more: No space left on device; .* TMPDIR"):
        list(Following(PEOPLE, apart=True).gather(photographs()))


def test_a_camera_may_run_for_long():
    """Somebody leaves and returns, each time on another track; nothing but who it is and the zero is kept."""
    following = Following(PEOPLE, apart=True, asked=Asked(Way.IDENTITY))
    frames = (
        result(*([replace(face(ANNA, some(1)[0]), track=k // 40)] if k % 40 < 5 else []), time=k / 2)
        for k in range(3000)
    )
    sizes = []
    for k, told in enumerate(following.follow(frames)):
        assert [one.person for one in told.faces] == [1] * len(told.faces)
        if k in (299, 2999):
            sizes.append(len(pickle.dumps(following)))
    assert sizes[1] < 1.1 * sizes[0]
    assert following.people[1].zero.looks == 375


@pytest.mark.parametrize("needs_all", [False, True])
def test_a_track_that_goes_over_to_somebody_else_at_a_cut_is_taken_apart(needs_all: bool):
    """Faces are where those before the cut were, so tracks go on; the people have changed places."""

    def frame(k: int, *shown: np.ndarray) -> Result:
        faces = [replace(face(who, some(1)[0]), track=n) for n, who in enumerate(shown, start=1)]
        return result(*faces, time=k / 10)

    clip = [frame(k, ANNA, BERT) for k in range(20)] + [frame(k, BERT, ANNA) for k in range(20, 40)]
    asked = Asked(Way.WHOLE if needs_all else Way.RUNNING)
    told = Following(PEOPLE, apart=True, asked=asked).told(clip, at_once=True)
    assert [[one.person for one in each.faces] for each in told] == [[1, 2]] * 20 + [[2, 1]] * 20


def test_whom_a_store_knows_has_a_name_and_a_certainty_and_strangers_have_neither():
    known = {7: PEOPLE.evidence(np.tile(ANNA, (6, 1)))}
    for tell in (Following.gather, Following.follow):
        told = list(tell(Following(PEOPLE, apart=True, known=known, names={7: "Anna"}), photographs()))
        anna, bert = told[0].faces[0], told[6].faces[0]
        assert (anna.person, anna.name) == (7, "Anna")
        assert 0 < anna.person_certainty < 1
        assert (bert.person, bert.name, bert.person_certainty) == (8, None, None)
        table = Results(told).to_pandas()
        assert table["name"].fillna("").tolist()[:7] == ["Anna"] * 6 + [""]
        assert table["person_certainty"][0] == round(anna.person_certainty, 4)


def test_somebody_who_comes_less_close_is_recognised_less_surely():
    known = {7: PEOPLE.evidence(np.tile(ANNA, (6, 1)))}
    nearly = ANNA - np.array([0.15, 0.0, 0.0, 0.0], np.float32)
    given = [result(face(where, some(1)[0])) for where in (ANNA, nearly)]
    told = Following(PEOPLE, apart=True, known=known, names={7: "Anna"}).gather(given)
    close, less = (each.faces[0] for each in told)
    assert close.person == less.person == 7
    assert less.person_certainty < close.person_certainty
    assert less.called == "person 7 (maybe Anna)"
    assert replace(less, name=None).called == "maybe person 7"
    sure = replace(close, person_certainty=0.95)
    assert (sure.called, replace(sure, name=None).called) == ("person 7 (Anna)", "person 7")


def test_a_track_is_recognised_by_all_that_was_seen_of_it():
    known = {7: PEOPLE.evidence(np.tile(ANNA, (6, 1)))}
    clip = [result(replace(face(ANNA, probs), track=1), time=k / 2) for k, probs in enumerate(some(20))]
    following = Following(PEOPLE, apart=True, known=known, names={7: "Anna"})
    sure = [each.faces[0].person_certainty for each in following.follow(clip)]
    assert sure == sorted(sure)
    assert sure[0] < sure[-1]
    gathered = Following(PEOPLE, apart=True, known=known).gather(clip)
    assert {each.faces[0].person_certainty for each in gathered} == {sure[-1]}


def test_a_neutral_picture_that_is_given_twice_counts_once():
    clip = [result(face(ANNA, some(1)[0]), time=k / 2) for k in range(8)]
    once, other = some(2, 1.0, seed=3)
    shown = {"picture": once, "saved again": sigmoid(logits_of(once) + 0.02), "another": other}
    looks = {name: look_at(one := result(face(ANNA, probs)), one.faces[0]) for name, probs in shown.items()}

    def zero_from(*names: str) -> Zeroed:
        asked = Asked(Way.NEUTRAL, tuple(looks[name] for name in names))
        return next(iter(Following(PEOPLE, apart=False, asked=asked).follow(clip))).faces[0].zeroed

    single = zero_from("picture")
    assert zero_from("picture", "saved again", "picture").to_dict() == single.to_dict()
    assert (single.looks, zero_from("picture", "another").looks) == (1, 2)


def test_a_clip_that_stands_still_is_one_look_at_the_neutral_face():
    still = [result(face(ANNA, some(1)[0]), time=k / 2) for k in range(8)]
    moving = [result(face(ANNA, probs), time=k / 2) for k, probs in enumerate(some(8))]
    asked = Asked(Way.NEUTRAL, span=(0.0, 5.0))
    looks = [
        next(iter(Following(PEOPLE, apart=False, asked=asked).gather(clip))).faces[0].zeroed.looks
        for clip in (still, moving)
    ]
    assert looks == [1, 8]


def test_doubtful_persons_of_photographs_are_told_unless_they_were_known_before():
    """With two directions nothing is clear: all who have several pictures are doubtful."""
    given = [replace(each, source=f"{number}.jpg") for number, each in enumerate(photographs())]
    following = Following(PEOPLE, apart=True)
    assert not following.doubts.persons
    list(following.gather(given))
    told = {(one.person, one.faces): (one.one, one.other) for one in following.doubts.persons}
    assert set(told) == {(1, 7), (2, 6)}
    assert set(told[2, 6]) < {f"{number}.jpg" for number in range(6, 12)}
    anna = {7: PEOPLE.evidence(np.array([ANNA] * 3))}
    following = Following(PEOPLE, apart=True, known=anna)
    list(following.gather(given))
    assert [one.person for one in following.doubts.persons] == [8]
    following = Following(PEOPLE, apart=True)
    frame = replace(face(ANNA, some(1)[0]), track=1)
    list(following.gather([*given, result(frame, time=0.0, source="clip.mp4")]))
    assert not following.doubts.persons
