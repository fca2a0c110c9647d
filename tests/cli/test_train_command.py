"""`train` and `evaluate` from the command line, with a trunk that costs nothing."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch.nn.functional as F
import typer
from typer.testing import CliRunner

from idennet.cli.train import evaluate_command, train_command
from idennet.data.store import FaceStore
from idennet.data.store_writer import FaceStoreWriter, Part
from idennet.errors import RecipeError
from idennet.inference.predictor import Predictor
from idennet.models.trunk import Trunk

app = typer.Typer()
app.command("train")(train_command)
app.command("evaluate")(evaluate_command)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
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
        writer.write("0", Part(faces, frames))
        writer.finish(["0"])
    return tmp_path / "store"


def test_train_then_evaluate(store: Path, tmp_path: Path) -> None:
    run, counts = tmp_path / "run", tmp_path / "counts.json"
    short = [
        "--set",
        "identity_stage.steps=1",
        "--set",
        "au_stage.steps=2",
        "--set",
        "au_stage.validate_every=2",
    ]
    trained = CliRunner().invoke(app, ["train", "demo", "--au", str(store), "--out", str(run), *short])
    assert trained.exit_code == 0, trained.output
    assert "best-au.safetensors: mean_auc" in trained.output
    judged = CliRunner().invoke(app, ["evaluate", str(run), str(store), "--out", str(counts)])
    assert judged.exit_code == 0, judged.output
    assert "AU12" in judged.output
    result = json.loads(counts.read_text())
    total = sum(np.sum(result[name]) for name in result if name.startswith(("true", "false")))
    assert total == 20


def test_evaluate_reads_as_detect_does(store: Path, tmp_path: Path, random_weights: Path) -> None:
    counts = tmp_path / "counts.json"
    judged = CliRunner().invoke(app, ["evaluate", str(random_weights), str(store), "--out", str(counts)])
    assert judged.exit_code == 0, judged.output
    reader, faces = Predictor(random_weights), FaceStore.open(store)
    present = reader.predict_faces(faces.faces)[:, reader.aus.index(12)] >= reader.card.thresholds[12]
    expected = np.sum(present & (faces.labels([12])[:, 0] == 1))
    assert np.sum(json.loads(counts.read_text())["true_positive"]) == expected


@pytest.mark.parametrize(
    ("weights", "out", "sentence"),
    [
        ("{weights}", "{tmp}/none/counts.json", "There is no folder"),
        ("{tmp}/store", "{tmp}/counts.json", "holds no weights"),
        ("{weights}", "{tmp}/counts.json", "no labels of any Action Unit"),
    ],
)
def test_mistakes_of_evaluation_are_named(
    store: Path, tmp_path: Path, random_weights: Path, weights: str, out: str, sentence: str
) -> None:
    manifest = json.loads((store / "store.json").read_text()) | {"aus": []}  # a store of identities alone
    (store / "store.json").write_text(json.dumps(manifest))
    places = {"tmp": tmp_path, "weights": random_weights}
    arguments = ["evaluate", weights.format(**places), str(store), "--out", out.format(**places)]
    assert sentence in str(CliRunner().invoke(app, arguments).exception)


def test_an_unknown_field_reaches_the_user(store: Path, tmp_path: Path) -> None:
    arguments = ["train", "demo", "--au", str(store), "--out", str(tmp_path / "run"), "--set", "sed=1"]
    result = CliRunner().invoke(app, arguments)
    assert isinstance(result.exception, RecipeError)
    assert "there is no field sed; did you mean seed?" in str(result.exception)
