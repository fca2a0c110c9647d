"""`prepare`: eyes where the template has them, nothing lost silently, an interruption loses little."""

from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import typer
from drawn_synfacs import EYES, drawing, landmarks, write_corpus
from PIL import Image
from typer.testing import CliRunner

from idennet.cli.prepare import prepare_command
from idennet.errors import InputError, StoreError
from idennet.faces.alignment import align
from idennet.faces.landmarks import eye_centres
from idennet.learning.data.prepare import prepare
from idennet.learning.data.provenance import Origin
from idennet.learning.data.readers.lfw import Lfw
from idennet.learning.data.readers.locate import MainFaceLocator, most_central
from idennet.learning.data.readers.records import Chunk, Record
from idennet.learning.data.readers.synfacs import SynFacs
from idennet.learning.data.store import FaceStore


def test_synfacs_becomes_a_store(tmp_path: Path) -> None:
    report = prepare(SynFacs(write_corpus(tmp_path / "c")), tmp_path / "s")
    store = report.store
    assert report.left_out == {}
    assert len(store) == 12
    assert store.subjects == tuple(f"synfacs-drawn/000{number}" for number in (1, 2, 3))
    assert store.aus == (12,)
    assert store.labels([12])[:4, 0].tolist() == [0, 1, 0, 1]
    assert store.intensities([12])[:4, 0] == pytest.approx([0, 0.1, 0.2, 0.3])
    for row in range(len(store)):
        np.testing.assert_allclose(eye_centres(store.landmarks[row]), [[44, 44], [84, 44]], atol=1e-4)
        shift = np.array([row % 4, -(row % 4)])
        picture = drawing(10 * (row // 4 + 1), EYES + shift)
        assert np.array_equal(store.faces[row], align(picture, landmarks(EYES + shift)))


def test_identity_corpora_have_no_action_units(tmp_path: Path) -> None:
    store = prepare(SynFacs(write_corpus(tmp_path / "c", coded=False)), tmp_path / "s").store
    assert store.aus == ()
    assert not [name for name in store.frames.columns if name.startswith("AU")]


def test_workers_and_repetition_do_not_change_the_store(tmp_path: Path) -> None:
    source = SynFacs(write_corpus(tmp_path / "c"))
    digests = {
        prepare(source, tmp_path / str(run), workers=workers, landmark_jitter=0.8).store.digest
        for run, workers in enumerate((1, 3, 3))
    }
    assert len(digests) == 1


def test_jitter_moves_each_eye_by_its_deviation(tmp_path: Path) -> None:
    source = SynFacs(write_corpus(tmp_path / "c", subjects=2, frames=40))
    store = prepare(source, tmp_path / "s", landmark_jitter=0.8).store
    moved = np.stack([eye_centres(points) for points in store.landmarks]) - [[44, 44], [84, 44]]
    assert moved.std() == pytest.approx(0.8, rel=0.2)
    assert abs(moved.mean()) < 0.2
    assert len(np.unique(moved.round(6), axis=0)) == len(store)
    plain = prepare(source, tmp_path / "plain").store
    assert plain.digest != store.digest


class Listed:
    """A source of given records, one chunk each; counts which chunks are read and may fail at one."""

    name = "listed"
    root = Path("nowhere")
    origin = Origin.PHOTOGRAPHS

    def __init__(self, records: list[Record], fail_at: int | None = None) -> None:
        self.records, self.fail_at, self.read = records, fail_at, []

    def chunks(self) -> list[Chunk]:
        return [Chunk(f"{i:03d}", 1, lambda i=i: self._read(i)) for i in range(len(self.records))]

    def _read(self, number: int) -> Iterable[Record]:
        if number == self.fail_at:
            raise KeyboardInterrupt
        self.read.append(number)
        return [self.records[number]]


def picture_file(folder: Path, shade: int) -> Path:
    file = folder / f"{shade}.png"
    Image.fromarray(drawing(shade)).save(file)
    return file


def test_an_interrupted_prepare_continues_where_it_was(tmp_path: Path) -> None:
    items = [Record("listed", "listed/a", "s", i, picture_file(tmp_path, i), landmarks()) for i in range(6)]
    with pytest.raises(KeyboardInterrupt):
        prepare(Listed(items, fail_at=4), tmp_path / "s", workers=1)
    second, told = Listed(items), []
    store = prepare(second, tmp_path / "s", workers=1, progress=lambda *n: told.append(n)).store
    assert 4 in second.read
    assert not {0, 1, 2, 3} & set(second.read)
    assert told[0][0] >= 4
    assert told[-1] == (6, 6)
    assert store.frames["frame"].tolist() == list(range(6))
    assert store.digest == prepare(Listed(items), tmp_path / "once").store.digest


def test_what_is_left_out_is_counted_and_listed(tmp_path: Path) -> None:
    (tmp_path / "bad.jpg").write_bytes(b"no picture")
    good = Record("listed", "listed/a", "s", 0, picture_file(tmp_path, 90))
    items = [
        good,
        Record("listed", "listed/a", "s", 1, tmp_path / "bad.jpg"),
        Record("listed", "listed/b", "s", 2, tmp_path / "missing.jpg"),
        Record("listed", "listed/b", "s", 3, picture_file(tmp_path, 0)),
        Record("listed", "listed/b", "s", 4, picture_file(tmp_path, 91), np.zeros((68, 2), np.float32)),
    ]
    report = prepare(
        Listed(items), tmp_path / "s", locate=lambda picture: landmarks() if picture[0, 0, 0] else None
    )
    assert report.left_out == {"unreadable": 2, "no face found": 1, "landmarks without two eyes": 1}
    assert len(report.store) == 1
    listed = pd.read_csv(tmp_path / "s" / "left_out.csv")
    assert [Path(name).name for name in listed["picture"]] == ["bad.jpg", "missing.jpg", "0.png", "91.png"]
    assert "does not exist" in listed["reason"][1]


def test_records_without_landmarks_need_a_finder(tmp_path: Path) -> None:
    items = [Record("listed", "listed/a", "s", 0, picture_file(tmp_path, 90))]
    with pytest.raises(InputError, match="needs a face finder"):
        prepare(Listed(items), tmp_path / "s")
    with pytest.raises(InputError, match="from 0 to 10"):
        prepare(Listed(items), tmp_path / "s", landmark_jitter=-1)
    with pytest.raises(StoreError, match="No face found"):
        prepare(Listed(items), tmp_path / "s", locate=lambda picture: None)


def test_the_main_face_is_central_for_its_size() -> None:
    small_central, large_beside, far = (48, 48, 53, 53), (55, 20, 95, 60), (0, 0, 9, 9)
    assert most_central([far, large_beside], 101, 101) == 1
    assert most_central([far, large_beside, small_central], 101, 101) == 2
    assert most_central([(60, 60, 64, 64), (25, 30, 65, 70)], 101, 101) == 1


class OneFace:
    """Stands for `FaceFinder`: one face with the drawing's landmarks, none in black pictures."""

    def __init__(self, detector_model: Path | None = None) -> None:
        self.model = detector_model

    def find(self, picture: np.ndarray) -> list[SimpleNamespace]:
        side = SimpleNamespace(box=(0, 0, 9, 9), landmarks=landmarks() + 30, confidence=0.9)
        main = SimpleNamespace(box=(40, 40, 120, 120), landmarks=landmarks(), confidence=0.8)
        return [side, main] if picture.max() > 0 else []


def test_the_command_prepares_synfacs_and_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = typer.Typer()
    app.command()(prepare_command)
    runner = CliRunner()
    root, out = write_corpus(tmp_path / "c"), tmp_path / "synfacs"
    done = runner.invoke(app, ["synfacs", str(root), "--out", str(out), "--jitter", "0.5"])
    assert done.exit_code == 0, done.output
    assert "12 faces of 3 subjects, 1 Action Unit, rendered:" in done.output
    assert (
        FaceStore.open(out).digest == prepare(SynFacs(root), tmp_path / "x", landmark_jitter=0.5).store.digest
    )

    monkeypatch.setattr("idennet.faces.finder.FaceFinder", OneFace)
    folder = tmp_path / "people"
    for person, shade in (("Ann", 50), ("Bob", 60)):
        (folder / person).mkdir(parents=True)
        Image.fromarray(drawing(shade)).save(folder / person / "p_0001.png")
    Image.new("RGB", (20, 20)).save(folder / "Bob" / "p_0002.png")
    done = runner.invoke(app, ["lfw", str(folder), "--out", str(tmp_path / "lfw")])
    assert done.exit_code == 0, done.output
    assert "1 left out: no face found" in done.output
    store = FaceStore.open(tmp_path / "lfw")
    assert store.subjects == ("lfw/Ann", "lfw/Bob")
    assert np.array_equal(store.faces[0], align(drawing(50), landmarks()))
    assert store.digest == prepare(Lfw(folder), tmp_path / "y", locate=MainFaceLocator()).store.digest
