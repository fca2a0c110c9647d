"""Calibration, thresholds and scores of weights: each from the subjects that it may see."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch.nn.functional as F

from idennet.facs import SYNFACS_AUS, columns
from idennet.learning.data.split import split_subjects
from idennet.learning.data.store import FaceStore
from idennet.learning.data.store_writer import FaceStoreWriter, Part
from idennet.learning.evaluation.calibration import fit_calibration, reliability_curve
from idennet.learning.evaluation.metrics import auc
from idennet.models.action_units import ActionUnitModel
from idennet.models.calibration import calibrate
from idennet.models.trunk import Trunk
from idennet.models.weights import load_weights, save_weights
from idennet.research.figures import reliability_figure
from idennet.research.weights.judgement import judge


@pytest.fixture
def test_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FaceStore:
    """Eight subjects with 12 random faces each, random labels; AU43 never occurs."""
    monkeypatch.setattr(
        Trunk, "forward", lambda _, faces: F.adaptive_avg_pool2d(faces.float() / 255, 40).flatten(1)
    )
    rng = np.random.default_rng(0)
    frames = pd.DataFrame({
        "subject": [f"toy/{index // 12}" for index in range(96)],
        "sequence": "s",
        "frame": range(96),
        "landmarks": [np.full(136, np.nan, np.float32)] * 96,
        **{name: rng.integers(0, 2, 96).astype(np.int8) for name in columns(SYNFACS_AUS)},
    })  # fmt: skip
    frames["AU43"] = np.int8(0)
    with FaceStoreWriter(tmp_path / "store", source="toy") as writer:
        writer.write("0", Part(rng.integers(0, 256, (96, 128, 128, 3), dtype=np.uint8), frames))
        writer.finish(["0"])
    return FaceStore.open(tmp_path / "store")


def test_every_number_comes_from_its_half(test_store: FaceStore, random_weights: Path) -> None:
    reader = ActionUnitModel.open(random_weights)
    raw, labels = reader.read(test_store.faces).probs, test_store.labels(reader.aus)
    subjects = test_store.frames["subject"].to_numpy(str)
    chosen = np.isin(subjects, split_subjects(subjects, 0.5)[0])

    judgement = judge(random_weights, test_store, name="toy", provenance={"seed": 3})
    card = judgement.card
    assert card.version == f"toy-{reader.card.sha256[:8]}"
    calibration = fit_calibration(raw[chosen], labels[chosen])
    np.testing.assert_allclose([card.calibration[au] for au in card.aus], calibration)
    assert card.calibration[43] == (1.0, 0.0)
    assert set(card.thresholds.values()) == {0.5}

    after = calibrate(raw[~chosen], calibration)
    smile, truth = reader.aus.index(12), labels[~chosen][:, reader.aus.index(12)]
    scores = card.provenance["test"]
    assert scores["AU12"]["auc"] == pytest.approx(auc(raw[~chosen][:, smile], truth))
    assert scores["AU12"]["ece_before"] == reliability_curve(raw[~chosen][:, smile], truth).error
    assert scores["AU12"]["ece_after"] == reliability_curve(after[:, smile], truth).error
    errors = [scores[name]["ece_after"] for name in columns(card.aus)]
    assert scores["mean"]["ece_after"] == pytest.approx(np.mean(errors))
    assert card.provenance["seed"] == 3
    assert judgement.before.by_au[12].count.sum() == len(truth)
    figure = reliability_figure(judgement.before, judgement.after)
    assert [len(axis.lines) for axis in figure.axes] == [len(card.aus) + 2] * 2


def test_judging_calibrated_weights_again_changes_nothing(
    test_store: FaceStore, random_weights: Path, tmp_path: Path
) -> None:
    first = judge(random_weights, test_store, name="toy", provenance={}).card
    again = tmp_path / "again.safetensors"
    save_weights(load_weights(random_weights)[0], again, first, half=False)
    second = judge(again, test_store, name="toy", provenance={}).card
    for au in first.aus:
        assert second.calibration[au] == pytest.approx(first.calibration[au], rel=1e-3, abs=1e-3)
    assert second.provenance["test"]["AU12"]["ece_before"] == pytest.approx(
        first.provenance["test"]["AU12"]["ece_before"], abs=1e-3
    )
