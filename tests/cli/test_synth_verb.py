from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from idennet.cli.main import app
from idennet.errors import InputError
from idennet.research.synth import generate
from idennet.research.synth.corpora import corpus_config
from idennet.research.synth.facemodel import load_face_model


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


def test_a_file_that_is_no_face_model_is_called_so(tmp_path: Path) -> None:
    photo, archive, torn = tmp_path / "photo.jpg", tmp_path / "other.npz", tmp_path / "torn.npz"
    photo.write_bytes(b"\xff\xd8\xff\xe0 a photograph")
    np.savez_compressed(archive, base=np.zeros((500, 3)))
    content = bytearray(archive.read_bytes())
    content[60:70] = bytes(10)
    torn.write_bytes(content)
    for path in (photo, archive, torn):
        with pytest.raises(InputError) as caught:
            load_face_model(path)
        assert str(caught.value) == f"{path} is not a face model; idennet synth import-face-model makes one."


def test_render_says_that_it_starts_before_the_first_subject(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def rendered(*_: object) -> Iterator[int]:
        assert "Starting the renderer" in capsys.readouterr().out
        yield 0

    monkeypatch.setattr(generate, "load_face_model", lambda path: None)
    monkeypatch.setattr(generate, "_rendered", rendered)
    generate.generate_corpus(corpus_config("studio"), tmp_path / "new", progress=True)
