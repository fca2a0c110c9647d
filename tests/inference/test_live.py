"""Frames as they come."""

import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest

from idennet.errors import ImageError
from idennet.inference.analyser import Analyser
from idennet.inference.live import at_their_times, read_live
from idennet.media.frame import Frame
from idennet.models.action_units import ActionUnitModel
from planted import PlantedFinder, planted_picture


class SlowFinder(PlantedFinder):
    """Finds nothing before it may."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.may = Event(), Event()

    def find_all(self, pictures):
        self.asked.set()
        self.may.wait()
        return super().find_all(pictures)


@pytest.fixture
def model(random_weights: Path) -> ActionUnitModel:
    return ActionUnitModel.open(random_weights)


def frames(count: int) -> list[Frame]:
    return [Frame(planted_picture(1, seed=k), "camera", None, k, k / 25) for k in range(count)]


def test_what_comes_while_a_frame_is_read_is_dropped_and_counted(model: ActionUnitModel) -> None:
    finder = SlowFinder()

    def camera() -> Iterator[Frame]:
        coming = iter(frames(9))
        yield next(coming)
        finder.asked.wait()
        yield from coming
        finder.may.set()

    readings = list(read_live(Analyser(finder, model), camera()))
    assert [reading.result.frame for reading in readings] == [0, 8]
    assert [reading.dropped for reading in readings] == [7, 7]


def test_a_source_that_breaks_off_is_read_to_its_end(model: ActionUnitModel) -> None:
    def camera() -> Iterator[Frame]:
        yield from frames(1)
        raise ImageError("camera gives no more pictures.")

    readings = read_live(Analyser(PlantedFinder(), model), camera())
    assert next(readings).result.frame == 0
    with pytest.raises(ImageError, match="no more"):
        next(readings)


def test_a_file_plays_at_its_own_speed() -> None:
    began = time.monotonic()
    assert [frame.index for frame in at_their_times(frames(6))] == list(range(6))
    assert time.monotonic() - began >= 5 / 25
