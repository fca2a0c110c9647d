"""`idennet weights shape`: from stores and a teacher to a branch, and again where it was interrupted."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from idennet.cli.main import app
from idennet.faces.boxes import Pixels
from idennet.faces.card import read_network
from idennet.learning.data.landmarker import BLENDSHAPES, Landmarked
from idennet.learning.data.store import FaceStore

SHORT = ("steps=2", "batch_size=4", "checkpoint_every=1", "optimiser.warm_up=1")


class Guesser:
    """Stands in for the landmarker: points and values are drawn from the picture."""

    def __init__(self, file: Path) -> None:
        self.digest = file.name.ljust(64, "0")

    def __call__(self, pixels: Pixels) -> Landmarked:
        rng = np.random.default_rng(int(pixels.sum()))
        points = rng.uniform(50, 200, (478, 2)).astype(np.float32)
        return Landmarked(points, rng.uniform(size=len(BLENDSHAPES)).astype(np.float32))


@pytest.fixture
def teach(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.setattr("idennet.learning.data.landmarker.Landmarker", Guesser)

    def run(*changes: str, out: str = "shape", extra: tuple[str, ...] = ()) -> Result:
        command = ["weights", "shape", str(store), "--model", "teacher.task", "--out", str(tmp_path / out)]
        return CliRunner().invoke(
            app, [*command, *extra, *(f"--set={change}" for change in (*SHORT, *changes))]
        )

    return run


def test_a_branch_and_its_card(teach: Callable[..., Result], store: Path, tmp_path: Path) -> None:
    done = teach()
    assert done.exit_code == 0, done.output
    weights = tmp_path / "shape" / "shape.safetensors"
    assert f"Weights: {weights}" in done.stdout
    card = read_network(weights)[1]
    assert (card.network, card.steps) == ("ShapeStudent", 2)
    assert card.learned + card.held_out == len(FaceStore.open(store))
    kept = [file.name for file in (tmp_path / "shape").glob("points-*.npz")]
    assert kept == [f"points-{FaceStore.open(store).digest[:12]}-teacher.task.npz"]
    content = weights.read_bytes()
    assert teach().exit_code == 0
    assert weights.read_bytes() == content


def test_what_cannot_be_done_is_one_sentence(teach: Callable[..., Result], tmp_path: Path) -> None:
    assert teach().exit_code == 0
    other = teach("seed=5")
    assert other.exit_code == 2
    assert "another training" in other.stderr
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "diary.txt").touch()
    others = teach(out="notes")
    assert others.exit_code == 2
    assert "other files" in others.stderr
    assert len(list((tmp_path / "notes").iterdir())) == 1
    wrong = teach("stepz=3", out="wrong")
    assert wrong.exit_code == 2
    assert "stepz" in wrong.stderr


def test_a_wrong_start_or_recipe_is_told_before_the_teacher_reads(
    teach: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Guesser, "__call__", lambda *_: pytest.fail("the teacher reads"))
    start = teach(extra=("--start", str(tmp_path / "none.safetensors")))
    assert start.exit_code == 2
    assert "is missing" in start.stderr
    recipe = teach(extra=("--recipe", "taught"))
    assert recipe.exit_code == 2
    assert "bundled are" in recipe.stderr
    assert "shape" in recipe.stderr
    assert not (tmp_path / "shape").exists()
