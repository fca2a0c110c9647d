"""Tracks are steady, and what a frame gives does not depend on the frames before it."""

from concurrent.futures import Executor, Future
from dataclasses import replace

import cv2
import numpy as np
import pytest
from skimage import data

from idennet.faces.boxes import BoxFinder
from idennet.faces.finder import FaceFinder
from idennet.faces.shots import ShotFinder
from idennet.faces.tracking import LIVE_ROUND, ROUND, FaceTracker

HEAD = data.astronaut()[0:230, 110:330]
TOGETHER = 8


@pytest.fixture(scope="module")
def finder() -> FaceFinder:
    return FaceFinder()


def scene(*places: tuple[float, float], scale: float = 1.0, size: tuple[int, int] = (640, 480)) -> np.ndarray:
    """A frame with a head at each place."""
    canvas = np.full((size[1], size[0], 3), 90, np.uint8)
    for x, y in places:
        matrix = np.array([[scale, 0, x], [0, scale, y]], np.float32)
        cv2.warpAffine(HEAD, matrix, size, dst=canvas, borderMode=cv2.BORDER_TRANSPARENT)
    return canvas


def tracked(finder, frames: list[np.ndarray], together: int = TOGETHER) -> list:
    tracker = FaceTracker(finder)
    groups = [frames[start : start + together] for start in range(0, len(frames), together)]
    return [faces for group in groups for faces in tracker.find_all(group)]


def test_two_heads_keep_their_numbers_while_they_move_and_pass(finder):
    frames = [scene((20 + 6 * k, 10 + 2 * k), (390 - 6 * k, 250 - 2 * k)) for k in range(24)]
    lines: dict[int, list[float]] = {}
    for faces in tracked(finder, frames):
        assert len(faces) == 2
        for face in faces:
            lines.setdefault(face.track, []).append(float(face.eyes[:, 1].mean()))
    assert sorted(lines) == [1, 2]
    assert np.all(np.diff(lines[1]) > 0)
    assert np.all(np.diff(lines[2]) < 0)


@pytest.mark.parametrize("scale", [0.5, 1.3])
def test_a_frame_gives_what_it_gives_as_a_photograph(finder, scale):
    """Whatever the frames before it, and in whatever groups: exactly."""
    frames = [scene((30 + 5 * k, 20 + 3 * k), scale=scale) for k in range(ROUND + 3)]
    for together in (1, TOGETHER):
        for frame, faces in zip(frames, tracked(finder, frames, together), strict=True):
            (alone,) = finder.find(frame)
            (face,) = faces
            np.testing.assert_allclose(face.landmarks, alone.landmarks, atol=1e-4)
            assert face.confidence == pytest.approx(alone.confidence, abs=1e-5)


class Counting(ShotFinder):
    """Counts how many pixels it looks at."""

    looked = 0

    def _seen(self, greys):
        self.looked += greys.size
        return super()._seen(greys)


class Later(Executor):
    """Does what was submitted when it is told to."""

    def __init__(self) -> None:
        self.waiting = []

    def submit(self, step, /, *args):
        self.waiting.append((future := Future(), step, args))
        return future

    def do(self) -> None:
        for future, step, args in self.waiting:
            future.set_result(step(*args))
        self.waiting.clear()


def test_faces_that_are_there_still_need_no_search_of_everything(finder):
    boxes = Counting()
    tracker = FaceTracker(FaceFinder(boxes))
    frames = [scene((100 + k, 50), scale=1.6) for k in range(ROUND)]
    tracker.find_all(frames[:1])
    whole, boxes.looked = boxes.looked, 0
    tracker.find_all(frames[1:])
    assert boxes.looked < 0.1 * whole * (ROUND - 1)


def test_a_face_that_comes_later_and_a_small_one_are_found(finder):
    one = (60, 40)
    frames = [scene(one) for _ in range(3)]
    both = scene(one)
    both[300:369, 500:566] = cv2.resize(HEAD, (66, 69), interpolation=cv2.INTER_AREA)
    counts = [len(faces) for faces in tracked(finder, frames + [both] * (ROUND + 1), together=4)]
    assert counts[:3] == [1, 1, 1]
    assert counts[-1] == 2


class Once(BoxFinder):
    """Finds boxes in the first picture only."""

    def __init__(self) -> None:
        self._inner, self.calls = ShotFinder(), 0

    def find(self, pixels):
        self.calls += 1
        return self._inner.find(pixels) if self.calls == 1 else np.zeros((0, 5), np.float32)


def test_landmarks_follow_a_face_that_the_finder_loses():
    frames = [scene((100 + 4 * k, 50), scale=1.4) for k in range(12)]
    found = tracked(FaceFinder(Once()), frames, together=3)
    assert [[face.track for face in faces] for faces in found] == [[1]] * 12
    x = [faces[0].eyes[:, 0].mean() for faces in found]
    np.testing.assert_allclose(np.diff(x), 4, atol=1.5)


class Doubtful(FaceFinder):
    """Finds faces once, and is less sure of them than of most."""

    def __init__(self, confidence: float) -> None:
        super().__init__(Once())
        self.confidence = confidence

    def judge(self, proposals):
        found = super().judge(proposals)
        return [[replace(face, confidence=self.confidence) for face in faces] for faces in found]


@pytest.mark.parametrize(("confidence", "frames"), [(0.999, 6), (0.97, 1)])
def test_what_may_be_a_false_alarm_is_not_followed(confidence, frames):
    """Photographs of the later frames would not show it either."""
    found = tracked(Doubtful(confidence), [scene((100, 50))] * 6)
    assert sum(map(len, found)) == frames


def test_a_new_scene_is_searched_as_a_whole_once(finder):
    """The faces of its first frame tell where to look in the others."""
    boxes = Counting()
    bright = scene((100, 50), scale=1.6)
    bright[:, 500:] = 255
    one = FaceTracker(FaceFinder(boxes))
    one.find_all([bright])
    whole, boxes.looked = boxes.looked, 0
    FaceTracker(FaceFinder(boxes)).find_all([scene((100, 50), scale=1.6)] * 4 + [bright] * 4)
    assert whole < boxes.looked < 3 * whole


def test_a_face_that_is_hidden_for_a_moment_keeps_its_number(finder):
    here, gone = scene((100, 50)), scene()
    found = tracked(finder, [here] * 4 + [gone] * 5 + [here] * 4)
    assert [len(faces) for faces in found] == [1] * 4 + [0] * 5 + [1] * 4
    assert {face.track for faces in found for face in faces} == {1}


def test_a_cut_ends_all_tracks(finder):
    bright = scene((100, 50))
    bright[:, 400:] = 255
    found = tracked(finder, [scene((100, 50))] * 3 + [bright] * 3)
    assert [[face.track for face in faces] for faces in found] == [[1]] * 3 + [[2]] * 3


def test_a_head_on_its_side_is_found_and_followed(finder):
    frames = [np.ascontiguousarray(np.rot90(scene((100 + 2 * k, 50)))) for k in range(10)]
    found = tracked(finder, frames)
    assert [len(faces) for faces in found] == [1] * 10
    assert {face.track for faces in found for face in faces} == {1}
    assert all(abs(abs(face.roll) - 90) < 15 for faces in found for face in faces)


def test_no_frame_of_a_live_stream_is_turned():
    """So that none takes long; another thread turns one."""
    boxes, nobody = Counting(), scene(size=(320, 240))
    looked: dict[bool, list[int]] = {}
    for live in (False, True):
        tracker = FaceTracker(FaceFinder(boxes), beside=Later() if live else None)
        for _ in range(LIVE_ROUND):
            before = boxes.looked
            assert tracker.find_all([nobody]) == [[]]
            looked.setdefault(live, []).append(boxes.looked - before)
    once = min(looked[False])
    assert max(looked[False]) > 3.5 * once
    assert set(looked[True]) == {once}


def test_a_live_stream_is_searched_beside_and_expects_the_newcomers(finder):
    """No frame waits for the search of everything; those after it show who was found."""
    one, small = scene((60, 40), scale=1.6), cv2.resize(HEAD, (66, 69), interpolation=cv2.INTER_AREA)
    both = one.copy()
    both[380:449, 520:586] = small
    boxes, beside = Counting(), Later()
    tracker = FaceTracker(FaceFinder(boxes), beside=beside)
    assert len(tracker.find_all([one])[0]) == 1  # nobody is known yet: everything is searched
    beside.do()
    boxes.looked = 0
    for _ in range(LIVE_ROUND):
        assert len(tracker.find_all([both])[0]) == 1
    assert boxes.looked == 0
    beside.do()
    (faces,) = tracker.find_all([both])
    for face, alone in zip(faces, finder.find(both), strict=True):
        assert np.abs(face.landmarks - alone.landmarks).max() < 0.03 * np.ptp(alone.landmarks)


def test_a_live_stream_is_searched_at_once_when_a_face_is_lost(finder):
    frames = [scene((100 + 3 * k, 50)) for k in range(4)] + [scene()] * 2 + [scene((300, 200))] * 2
    tracker = FaceTracker(finder, beside=Later())
    found = [tracker.find_all([frame])[0] for frame in frames]
    assert [len(faces) for faces in found] == [1] * 4 + [0] * 2 + [1] * 2


def test_what_was_found_beside_a_scene_is_not_expected_in_the_next(finder):
    beside = Later()
    tracker = FaceTracker(finder, beside=beside)
    for _ in range(LIVE_ROUND):
        tracker.find_all([scene((100, 50), scale=1.6)])
        beside.do()
    tracker.find_all([scene((100, 50), scale=1.6)])
    assert beside.waiting
    bright = scene((300, 150))
    bright[:, :250] = 255
    beside.do()
    assert [len(faces) for faces in tracker.find_all([bright] * 3)] == [1, 1, 1]


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_head_that_lies_is_found_in_a_live_stream_and_followed(finder, quarters):
    lying, beside = np.ascontiguousarray(np.rot90(scene((100, 50)), quarters)), Later()
    tracker = FaceTracker(finder, beside=beside)
    assert tracker.find_all([lying]) == [[]]
    beside.do()
    assert [len(tracker.find_all([lying])[0]) for _ in range(4)] == [1] * 4


def test_an_interrupted_track_goes_on(finder):
    frames = [scene((100 + 2 * k, 50)) for k in range(6)]
    tracker = FaceTracker(finder)
    tracker.find_all(frames[:3])
    later = FaceTracker(finder, tracker.tracks, first=7)
    assert [[face.track for face in faces] for faces in later.find_all(frames[3:])] == [[1]] * 3
    stranger = FaceTracker(finder, (), first=7)
    assert stranger.find_all(frames[3:4])[0][0].track == 7
