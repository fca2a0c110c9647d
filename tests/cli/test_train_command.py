"""`train` from the command line, with a trunk that costs nothing; what it made can be evaluated."""

from pathlib import Path

import typer
from typer.testing import CliRunner

from idennet.cli.evaluate import evaluate_command
from idennet.cli.train import train_command
from idennet.errors import InputError, ProtocolError, RecipeError
from idennet.learning.evaluation.result_files import read_result

app = typer.Typer()
app.command("train")(train_command)
app.command("evaluate")(evaluate_command)


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
    judged = CliRunner().invoke(app, ["evaluate", str(store), "--weights", str(run), "--out", str(counts)])
    assert judged.exit_code == 0, judged.output
    assert "AU12" in judged.output
    (fold,) = read_result(counts).folds
    assert fold.counts.coded.sum() == 20


def test_an_unknown_field_reaches_the_user(store: Path, tmp_path: Path) -> None:
    arguments = ["train", "demo", "--au", str(store), "--out", str(tmp_path / "run"), "--set", "sed=1"]
    result = CliRunner().invoke(app, arguments)
    assert isinstance(result.exception, RecipeError)
    assert "there is no field sed; did you mean seed?" in str(result.exception)


def test_a_fold_needs_its_protocol(store: Path, tmp_path: Path) -> None:
    arguments = ["train", "demo", "--au", str(store), "--out", str(tmp_path / "run")]
    result = CliRunner().invoke(app, [*arguments, "--fold", "1"])
    assert isinstance(result.exception, InputError)
    assert "--protocol" in str(result.exception)
    result = CliRunner().invoke(app, [*arguments, "--protocol", "studio-random", "--fold", "1"])
    assert isinstance(result.exception, ProtocolError)
    assert "has no subjects of synfacs-studio" in str(result.exception)
