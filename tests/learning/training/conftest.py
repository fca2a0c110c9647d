"""Tiny stores for all trainings."""

import numpy as np
import pytest
from tiny_training import lighten_trunk, make_store

from idennet.learning.data.store import FaceStore


@pytest.fixture(scope="session")
def au_store(tmp_path_factory: pytest.TempPathFactory) -> FaceStore:
    return make_store(tmp_path_factory.mktemp("stores") / "au", "au", 5, 6, aus=True)


@pytest.fixture(scope="session")
def identity_store(tmp_path_factory: pytest.TempPathFactory) -> FaceStore:
    return make_store(tmp_path_factory.mktemp("stores") / "id", "id", 6, 4, aus=False, seed=1)


@pytest.fixture
def light_trunk(monkeypatch: pytest.MonkeyPatch) -> None:
    lighten_trunk(monkeypatch)


@pytest.fixture(scope="session")
def points() -> np.ndarray:
    """A frontal face in the alignment template."""
    points = np.empty((68, 2))
    points[:17] = np.stack(
        [64 + 46 * np.cos(np.linspace(np.pi, 0, 17)), 50 + 66 * np.sin(np.linspace(0, np.pi, 17))], 1
    )
    points[17:27] = np.stack([np.linspace(28, 100, 10), [34, 31, 30, 31, 33, 33, 31, 30, 31, 34]], 1)
    points[27:36] = [(64, 46), (64, 54), (64, 62), (64, 70), (56, 74), (60, 75), (64, 76), (68, 75), (72, 74)]
    for start, x in ((36, 44), (42, 84)):
        turn = np.pi + np.arange(6) * np.pi / 3
        points[start : start + 6] = np.stack([x + 8 * np.cos(turn), 44 + 3 * np.sin(turn)], 1)
    turn = np.pi + np.arange(20) * 2 * np.pi / 20
    points[48:68] = np.stack([64 + 17 * np.cos(turn), 92 + 6 * np.sin(turn)], 1)
    return points
