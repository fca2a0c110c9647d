"""A face store for `train` and `evaluate`, and `detect` with random weights on planted faces."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch.nn.functional as F
from evaluated import BP4D_AUS, DISFA_AUS, write
from typer.testing import CliRunner, Result

from idennet.cli.main import app
from idennet.learning.data.store import FaceStore
from idennet.learning.data.store_writer import FaceStoreWriter, Part
from idennet.learning.evaluation.folds import BP4D_SUBJECTS, DISFA_SUBJECTS
from idennet.models.trunk import Trunk


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Twenty random faces of four subjects with labels of AU12; one picture was left out."""
    monkeypatch.setattr(
        Trunk, "forward", lambda _, faces: F.adaptive_avg_pool2d(faces.float() / 255, 40).flatten(1)
    )
    rng = np.random.default_rng(0)
    faces = rng.integers(0, 256, (20, 128, 128, 3), dtype=np.uint8)
    frames = pd.DataFrame({
        "subject": [f"toy/{index // 5}" for index in range(20)],
        "sequence": "s",
        "frame": range(20),
        "landmarks": [np.full(136, np.nan, np.float32)] * 20,
        "AU12": rng.integers(0, 2, 20).astype(np.int8),
    })  # fmt: skip
    with FaceStoreWriter(tmp_path / "store", source="toy") as writer:
        writer.write("0", Part(faces, frames, [("toy/lost.png", "no face found", "toy/a")]))
        writer.finish(["0"])
    return tmp_path / "store"


@pytest.fixture
def detect(random_weights: Path, planted_finder: None) -> Callable[..., Result]:
    def run(*arguments: str | Path) -> Result:
        command = ["detect", *map(str, arguments), "--weights", str(random_weights)]
        return CliRunner().invoke(app, command, env={"COLUMNS": "140"})

    return run


@pytest.fixture(scope="session")
def bp4d(tmp_path_factory: pytest.TempPathFactory) -> FaceStore:
    return write(
        tmp_path_factory.mktemp("s") / "bp4d", "bp4d", BP4D_SUBJECTS, lambda name: ("T1", "T8"), BP4D_AUS
    )


@pytest.fixture(scope="session")
def disfa(tmp_path_factory: pytest.TempPathFactory) -> FaceStore:
    return write(
        tmp_path_factory.mktemp("s") / "disfa", "disfa", DISFA_SUBJECTS, lambda name: (name,), DISFA_AUS
    )


@pytest.fixture
def quick_trunk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        Trunk, "forward", lambda _, faces: F.adaptive_avg_pool2d(faces.float() / 255, 40).flatten(1)
    )


@pytest.fixture
def never_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    """No two pictures clearly show one person."""
    for limit in ("CLEAR", "CLEAR_IN_ONE_PLACE"):
        monkeypatch.setattr(f"idennet.people.doubts.{limit}", math.inf)
