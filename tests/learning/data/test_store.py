"""The face store gives back what was written, survives interruptions, and explains what is wrong."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from idennet.errors import InputError, ShapeError, StoreError
from idennet.learning.data.store import FaceStore
from idennet.learning.data.store_writer import FaceStoreWriter, Part


def part(subject: str, count: int, first: int = 0, **columns: object) -> Part:
    """Random faces; the first pixel of each says which one it is."""
    rng = np.random.default_rng(first)
    faces = rng.integers(0, 256, (count, 128, 128, 3), dtype=np.uint8)
    faces[:, 0, 0, 0] = np.arange(first, first + count)
    points = list(rng.random((count, 136), dtype=np.float32))
    base = {"subject": subject, "sequence": "a", "frame": range(count), "landmarks": points}
    return Part(faces, pd.DataFrame({**base, **columns}, index=range(count)))


def write(path: Path, **parts: Part) -> FaceStore:
    with FaceStoreWriter(path, "test") as writer:
        for key, content in parts.items():
            writer.write(key, content)
        return writer.finish(list(parts))


@pytest.fixture
def store(tmp_path: Path) -> FaceStore:
    one = part("t/b", 3, 0, AU12=[1, 0, -1], AU12_intensity=[0.9, 0.1, np.nan])
    return write(
        tmp_path / "store", one=one, two=part("t/a", 2, 3, AU4=[1, 1], AU6=[-1, -1]), none=part("t/c", 0)
    )


def test_everything_comes_back(store: FaceStore) -> None:
    wanted = np.concatenate([part("", 3, 0).faces, part("", 2, 3).faces])
    assert np.array_equal(store.faces, wanted)
    assert len(store) == 5
    assert store.subjects == ("t/a", "t/b")
    assert store.subject_index.tolist() == [1, 1, 1, 0, 0]
    assert store.frames["frame"].tolist() == [0, 1, 2, 0, 1]
    points = np.stack([*part("", 3, 0).frames["landmarks"], *part("", 2, 3).frames["landmarks"]])
    assert np.array_equal(store.landmarks, points.reshape(5, 68, 2))
    assert store.source == "test"


def test_faces_stay_on_disk_and_cannot_be_changed(store: FaceStore) -> None:
    assert isinstance(store.faces, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        store.faces[0] = 0
    with pytest.raises(ValueError, match="read-only"):
        store.select(["t/a"]).faces[0] = 0


def test_labels_of_missing_columns_are_minus_one(store: FaceStore) -> None:
    assert store.aus == (4, 12)  # nobody coded AU6
    assert "AU6" not in store.frames
    labels = store.labels([12, 1, 4])
    assert labels.dtype == np.int8
    assert labels.tolist() == [[1, -1, -1], [0, -1, -1], [-1, -1, -1], [-1, -1, 1], [-1, -1, 1]]
    assert store.labels([]).shape == (5, 0)


def test_intensities(store: FaceStore) -> None:
    values = store.intensities([4, 12])
    assert np.isnan(values[:, 0]).all()
    np.testing.assert_array_equal(values[:, 1], np.array([0.9, 0.1, np.nan, np.nan, np.nan], np.float32))


def test_selections_nest(store: FaceStore) -> None:
    chosen = store.select(["t/a"])
    assert chosen.index.tolist() == [3, 4]
    assert chosen.faces[:, 0, 0, 0].tolist() == [3, 4]
    assert chosen.read([1]).shape == (1, 128, 128, 3)
    assert chosen.read([1])[0, 0, 0, 0] == 4
    assert chosen.labels([4]).tolist() == [[1], [1]]
    assert chosen.frames.index.tolist() == [0, 1]
    assert chosen.subjects == ("t/a",)
    assert chosen.digest == store.digest
    assert store.select(["t/b", "t/a"]).select(["t/b"]).index.tolist() == [0, 1, 2]
    assert len(store.select([])) == 0
    assert store.select([]).landmarks.shape == (0, 68, 2)
    with pytest.raises(InputError, match="no subject 't/x'"):
        chosen.select(["t/x"])


def test_the_digest_follows_the_content_alone(tmp_path: Path) -> None:
    whole = write(tmp_path / "a", x=part("t/a", 2, 0, AU4=[1, 0]), y=part("t/b", 2, 2, AU4=[1, 1]))
    again = write(tmp_path / "b", p=part("t/a", 2, 0, AU4=[1, 0]), q=part("t/b", 2, 2, AU4=[1, 1]))
    label = write(tmp_path / "c", x=part("t/a", 2, 0, AU4=[1, 0]), y=part("t/b", 2, 2, AU4=[1, 0]))
    pixel = write(tmp_path / "d", x=part("t/a", 2, 1, AU4=[1, 0]), y=part("t/b", 2, 2, AU4=[1, 1]))
    name = write(tmp_path / "e", x=part("t/a", 2, 0, AU4=[1, 0]), y=part("t/z", 2, 2, AU4=[1, 1]))
    assert whole.digest == again.digest
    assert len({store.digest for store in (whole, label, pixel, name)}) == 4


def test_finished_parts_survive_an_interruption(tmp_path: Path) -> None:
    path = tmp_path / "store"
    with FaceStoreWriter(path, "test") as writer:
        writer.write("1", part("t/a", 2))
        (path / ".partial" / "2.draft").mkdir()  # killed while writing part 2
    with pytest.raises(StoreError, match="unfinished; run the same prepare command again"):
        FaceStore.open(path)
    with pytest.raises(StoreError, match="another source or other settings"):
        FaceStoreWriter(path, "test", {"jitter": 1}).__enter__()
    with FaceStoreWriter(path, "test") as writer:
        assert writer.has("1")
        assert not writer.has("2")
        writer.write("2", part("t/b", 2, 2))
        store = writer.finish(["1", "2"])
    assert store.digest == write(tmp_path / "once", x=part("t/a", 2), y=part("t/b", 2, 2)).digest
    assert sorted(file.name for file in path.iterdir()) == [
        "faces.npy",
        "frames.parquet",
        "left_out.csv",
        "store.json",
    ]


def test_existing_folders_are_never_overwritten(tmp_path: Path, store: FaceStore) -> None:
    with pytest.raises(StoreError, match="already holds a finished face store"):
        FaceStoreWriter(store.path, "test").__enter__()
    (tmp_path / "photo.jpg").touch()
    with pytest.raises(StoreError, match="holds other files"):
        FaceStoreWriter(tmp_path, "test").__enter__()
    with pytest.raises(StoreError, match="is a file"):
        FaceStoreWriter(tmp_path / "photo.jpg", "test").__enter__()


def test_a_store_without_faces_is_refused(tmp_path: Path) -> None:
    empty = Part(
        np.empty((0, 128, 128, 3), np.uint8), part("", 0).frames, [("a.jpg", "no face found", "test/a")]
    )
    with pytest.raises(StoreError, match="No face found"):
        write(tmp_path / "s", x=empty)
    assert (
        tmp_path / "s" / "left_out.csv"
    ).read_text() == "picture,reason,subject\na.jpg,no face found,test/a\n"


@pytest.mark.parametrize("shape", [(3, 128, 128, 3), (2, 64, 64, 3), (2, 3, 128, 128)])
def test_parts_must_fit(tmp_path: Path, shape: tuple[int, ...]) -> None:
    with (
        FaceStoreWriter(tmp_path / "s", "test") as writer,
        pytest.raises(ShapeError, match=r"\(2, 128, 128, 3\)"),
    ):
        writer.write("1", Part(np.zeros(shape, np.uint8), part("t/a", 2).frames))


def change(store: FaceStore, **values: object) -> None:
    manifest = store.path / "store.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | values))


def test_other_versions_and_damage_are_explained(tmp_path: Path, store: FaceStore) -> None:
    def refuse(match: str, path: Path = store.path) -> None:
        with pytest.raises(StoreError, match=match):
            FaceStore.open(path)

    refuse("no face store at", tmp_path / "nowhere")
    refuse("is no face store: it has no store.json", tmp_path)
    change(store, format=1)
    refuse("store format 1, this program reads 2")
    change(store, format=2, template="other")
    refuse("aligned to template 'other'")
    change(store, template="eyes-44-84-44")
    FaceStore.open(store.path)
    store.frames.iloc[:-1].to_parquet(store.path / "frames.parquet")
    refuse(r"faces.npy has 5 faces, frames.parquet has 4 rows")
    (store.path / "frames.parquet").write_bytes(b"broken")
    refuse("frames.parquet cannot be read")
    (store.path / "faces.npy").write_bytes(b"broken")
    refuse("faces.npy cannot be read")
    np.save(store.path / "faces.npy", np.zeros((5, 64, 64, 3), np.uint8))
    refuse(r"is \(5, 64, 64, 3\) uint8")
    (store.path / "store.json").write_text('{"format": 2, "template": "eyes-44-84-44"}')
    refuse("lacks aus, digest, provenance, source")
    (store.path / "store.json").write_text("[]")
    refuse("store format None")
    (store.path / "store.json").write_text("{")
    refuse("store.json is damaged")
