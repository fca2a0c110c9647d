"""A store with Action Units that can be seen, and how it is split."""

import pytest
from drawn_faces import draw_store, split_faces

from idennet.learning.data.store import FaceStore
from idennet.research.benchmark.systems.contract import TrainingFaces


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> FaceStore:
    return draw_store(tmp_path_factory.mktemp("stores") / "au")


@pytest.fixture(scope="module")
def faces(store: FaceStore) -> TrainingFaces:
    return split_faces(store)
