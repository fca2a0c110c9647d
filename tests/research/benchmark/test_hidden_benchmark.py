"""benchmarks/hidden.py: hidden and visible parts are counted where they are told."""

from pathlib import Path
from typing import cast

import numpy as np
import pytest
from small_benchmark import draw_people

from benchmarks.hidden import measure
from idennet.facs import PARTS
from idennet.models.action_units import ActionUnitModel, Readings


class Says:
    """Stands in for a model that says the same of every face."""

    def __init__(self, visible: list[list[float]] | None) -> None:
        self.visible = visible
        self.card = type("Card", (), {"version": "some-1"})

    def read(self, crops: np.ndarray) -> Readings:
        said = None if self.visible is None else np.array(self.visible[: len(crops)], np.float32)
        return Readings(np.zeros((len(crops), 1), np.float32), None, visible=said)


def test_parts_are_counted(tmp_path: Path) -> None:
    store = draw_people(tmp_path / "store", "lfw", subjects=2, faces_each=2)
    truth = np.array([[0, 1, -1], [0, 1, 0], [1, 0, 1]], np.int8)
    says = Says([[0.1, 0.9, 0.2], [0.8, 0.4, 0.3], [0.9, 0.3, 0.45]])
    found = measure(cast(ActionUnitModel, says), store, np.arange(3), truth)
    assert list(found) == list(PARTS)
    assert found["eyes"] == {
        **{"hidden": 2, "found": 1, "visible": 1, "wrong": 0},
        **{"unclear": 0, "unclear called hidden": 0, "auc": 1.0},
    }
    assert (found["brows"]["found"], found["brows"]["wrong"], found["brows"]["auc"]) == (1, 1, 1.0)
    assert (found["mouth"]["unclear called hidden"], found["mouth"]["wrong"]) == (1, 1)


def test_weights_that_say_nothing_of_parts_are_refused(tmp_path: Path) -> None:
    store = draw_people(tmp_path / "store", "lfw", subjects=2, faces_each=2)
    with pytest.raises(SystemExit, match="some-1 does not say which parts can be seen"):
        measure(cast(ActionUnitModel, Says(None)), store, np.arange(2), np.ones((2, 3), np.int8))
