"""Tiny stores for all trainings."""

import numpy as np
import pytest
from tiny_training import frontal_points, lighten_trunk, make_store

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
    return frontal_points()
