"""Threads that share the frames of a video: what is found does not depend on them, and all come to an end."""

import time
from pathlib import Path
from threading import Event

import cv2
import numpy as np
import pytest
from skimage import data

from clips import write_clip
from idennet.faces.finder import FaceFinder
from idennet.inference.analyser import FRAMES_TOGETHER, Analyser
from idennet.inference.result import Result
from idennet.media.video import Video
from idennet.models.action_units import ActionUnitModel

WAIT = 60.0  # seconds in which what must happen has happened
FRAMES = 2 * FRAMES_TOGETHER + 5


@pytest.fixture(scope="module")
def model(random_weights: Path) -> ActionUnitModel:
    return ActionUnitModel.open(random_weights)


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Video:
    """A head moves; a second one comes and goes."""
    head = cv2.resize(data.astronaut()[0:230, 110:330], (110, 115), interpolation=cv2.INTER_AREA)
    frames = np.full((FRAMES, 160, 320, 3), 90, np.uint8)
    for k, frame in enumerate(frames):
        frame[20 : 20 + 115, 10 + k : 120 + k] = head
        if 10 <= k < 25:
            frame[30:145, 200:310] = head
    return Video(write_clip(tmp_path_factory.mktemp("video") / "heads.mkv", frames))


class Uneven(FaceFinder):
    """Judges every other group of frames late."""

    judged = 0

    def judge(self, proposals):
        self.judged += 1
        time.sleep(0.1 * (self.judged % 3))
        return super().judge(proposals)


def tracks_of(results: list[Result]) -> list[list[int | None]]:
    return [[face.track for face in result.faces] for result in results]


def test_threads_change_nothing(model: ActionUnitModel, video: Video):
    alone = list(Analyser(FaceFinder(), model, workers=1).analyse_all(video))
    assert {len(result.faces) for result in alone} == {1, 2}
    together = list(Analyser(Uneven(), model, workers=3).analyse_all(video))
    assert tracks_of(together) == tracks_of(alone)
    for one, other in zip(alone, together, strict=True):
        for face, same in zip(one.faces, other.faces, strict=True):
            np.testing.assert_array_equal(face.landmarks, same.landmarks)
            np.testing.assert_allclose([*face.au_probs.values()], [*same.au_probs.values()], atol=1e-5)


def test_later_frames_are_searched_while_faces_are_judged(model: ActionUnitModel, video: Video):
    later = Event()

    class Waiting(FaceFinder):
        """Judges the first frames once frames of the next group were searched."""

        proposed = 0

        def propose(self, pictures, expected):
            self.proposed += len(pictures)
            if self.proposed > FRAMES_TOGETHER:
                later.set()
            return super().propose(pictures, expected)

        def judge(self, proposals):
            assert later.wait(WAIT)
            return super().judge(proposals)

    results = list(Analyser(Waiting(), model, workers=2).analyse_all(video))
    assert len(results) == FRAMES
    assert all(result.faces and result.faces[0].track for result in results)


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("step", ["propose", "judge"])
def test_a_group_that_fails_is_read_frame_by_frame_and_the_others_go_on(
    model: ActionUnitModel, video: Video, workers: int, step: str
):
    class Failing(FaceFinder):
        asked = 0

        def fail_once(self) -> None:
            self.asked += 1
            if self.asked == 2:
                raise MemoryError

        def propose(self, *given):
            if step == "propose":
                self.fail_once()
            return super().propose(*given)

        def judge(self, *given):
            if step == "judge":
                self.fail_once()
            return super().judge(*given)

    results = list(Analyser(Failing(), model, workers).analyse_all(video))
    assert len(results) == FRAMES
    assert all(result.faces and not result.error for result in results)
    tracked = [result.faces[0].track is not None for result in results]
    assert tracked.count(False) == FRAMES_TOGETHER
    assert tracked[-1]
