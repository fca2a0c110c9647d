from pathlib import Path

import pytest
from typer.testing import CliRunner

from idennet.cli.main import app


@pytest.mark.parametrize("verb", ["render", "sheet", "group", "import-face-model"])
def test_help_has_an_example(verb: str) -> None:
    result = CliRunner().invoke(app, ["synth", verb, "--help"])
    assert result.exit_code == 0
    assert f"Example: idennet synth {verb}" in " ".join(result.output.split())


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["render", "bp4d", "--out", "new"], "There is no corpus 'bp4d'"),
        (["render", "wild", "--out", "new", "--size", "20"], "frame_size is 20"),
        (["render", "wild", "--out", "new", "--face-model", "nothing.npz"], "no face model at nothing.npz"),
        (["sheet", "nothing", "--out", "sheet.png"], "nothing holds no rendered subject"),
        (["import-face-model", "nothing", "--out", "model.npz"], "nothing is no checkout of ICT-FaceKit"),
    ],
)
def test_mistakes_are_one_sentence(
    arguments: list[str], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["synth", *arguments])
    assert result.exit_code == 2
    assert sentence in " ".join(result.output.split())
    assert not list(tmp_path.iterdir())
