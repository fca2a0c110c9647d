"""Fake trees filled by the renderer; what they say is compared with the readers in tests/data."""

from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from idennet.cli.synth import synth_app
from idennet.errors import InputError, MissingExtraError, StoreError
from idennet.research.synth.fake_trees import disfa, unbc, write
from idennet.research.synth.fake_trees.common import FakeFace, placed
from idennet.research.synth.fake_trees.kinds import FakeKind
from idennet.research.synth.fake_trees.unbc import pspi
from idennet.research.synth.fake_trees.write import write_fake_tree
from small_face import FACE_MODEL


def face(side: int) -> FakeFace:
    gradient = np.linspace(0, 255, side).astype(np.uint8)
    picture = np.repeat(np.repeat(gradient[None, :, None], side, 0), 3, 2)
    points = np.random.default_rng(0).uniform(0, side, (68, 2)).astype(np.float32)
    return FakeFace(picture, points, {12: 1}, {12: 0.7})


@pytest.mark.parametrize("size", [(352, 240), (1040, 1392), (60, 60)])
def test_a_placed_face_keeps_its_landmarks(size: tuple[int, int]) -> None:
    """A horizontal ramp tells by its grey value where a point was."""
    original = face(80)
    picture, points = placed(original, *size)
    assert picture.shape == (size[1], size[0], 3)
    inside = (original.landmarks > 5).all(1) & (original.landmarks < 75).all(1)
    columns, rows = np.round(points[inside]).astype(int).T
    grey = original.landmarks[inside, 0] * 255 / 79
    np.testing.assert_allclose(picture[rows, columns, 0], grey, atol=4)
    assert (picture[:, 0] == picture[0, 0]).all()


def test_levels_are_those_of_coders() -> None:
    assert face(80).level(12) == 4


def test_the_pain_score() -> None:
    assert pspi({4: 2, 6: 1, 7: 3, 9: 0, 10: 5, 43: 1}) == 11


def test_what_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="4 frames"):
        write_fake_tree(FakeKind.UNBC, tmp_path / "t", 1, 3)
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "x").touch()
    with pytest.raises(StoreError, match="is not empty"):
        write_fake_tree(FakeKind.UNBC, tmp_path / "used", 1, 4)
    assert not (tmp_path / "t").exists()


@pytest.mark.parametrize(
    ("kind", "subjects", "sentence"),
    [
        (FakeKind.UNBC, 26, "A fake tree of unbc has at most 25 subjects, not 26."),
        (FakeKind.DISFA, 28, "A fake tree of disfa has at most 27 subjects, not 28."),
        (FakeKind.CELEBA, 10_178, "A fake tree of celeba has at most 10177 subjects, not 10178."),
    ],
)
def test_too_many_subjects_are_refused_before_anything_is_rendered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: FakeKind, subjects: int, sentence: str
) -> None:
    monkeypatch.setattr(write, "rendered_faces", lambda *_: pytest.fail("rendered"))
    app = typer.Typer()
    app.add_typer(synth_app, name="synth")
    done = CliRunner().invoke(
        app, ["synth", "fake-tree", kind, str(tmp_path / "t"), "--subjects", str(subjects)]
    )
    assert isinstance(done.exception, InputError)
    assert str(done.exception) == sentence
    assert done.output == ""
    with pytest.raises(InputError, match="at most"):
        write_fake_tree(kind, tmp_path / "t", subjects, 4)


def test_a_missing_package_is_told_before_anything_is_rendered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write, "rendered_faces", lambda *_: pytest.fail("rendered"))
    monkeypatch.setattr(write, "find_spec", lambda package: None)
    for kind in (FakeKind.DISFA, FakeKind.BP4D, FakeKind.BP4D_PLUS):
        with pytest.raises(MissingExtraError, match=r"idennet\[research\]"):
            write_fake_tree(kind, tmp_path / "t", 1, 4)


def test_names_are_those_of_the_data_sets() -> None:
    assert len(set(unbc.SUBJECTS)) == 25
    assert len(set(disfa.SUBJECTS)) == 27


def test_the_command_writes_rendered_people(tmp_path: Path) -> None:
    app = typer.Typer()
    app.add_typer(synth_app, name="synth")
    out = tmp_path / "tree"
    command = ["synth", "fake-tree", "unbc", str(out), "--subjects", "1", "--frames", "4"]
    done = CliRunner().invoke(app, [*command, "--face-model", str(FACE_MODEL)])
    assert done.exit_code == 0, done.output
    assert "4 labelled frames of 1 subjects" in done.output
    said = write_fake_tree(FakeKind.UNBC, tmp_path / "again", 1, 4, face_model=FACE_MODEL)
    files = sorted(file.relative_to(out) for file in out.rglob("*") if file.is_file())
    assert len(files) == 4 + 4 + 4 + 2 + 1  # pictures, FACS, PSPI; one frame in two has no points; the mark
    assert all((out / file).read_bytes() == (tmp_path / "again" / file).read_bytes() for file in files)
    first = said[0]
    eyes = first.landmarks[36:48].mean(0)
    assert 100 < eyes[0] < 250
    assert first.picture[int(eyes[1]) + 20, int(eyes[0])].std() > 5  # skin, not grey
