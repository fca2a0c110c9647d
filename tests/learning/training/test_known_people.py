"""A teacher's embeddings of photographs, matched to the faces of a store by the pictures' names."""

from pathlib import Path

import numpy as np
import pytest

from idennet.errors import InputError
from idennet.learning.data.known_people import KnownPeople
from idennet.learning.data.store import FaceStore


def _save(path: Path, pictures: list[str], embeddings: np.ndarray) -> Path:
    np.savez(path, picture=np.array(pictures), embedding=embeddings)
    return path


def test_directions_are_of_unit_length_around_the_mean(tmp_path: Path) -> None:
    embeddings = np.random.default_rng(0).normal(3, 1, (50, 8)).astype(np.float16)
    people = KnownPeople.open(_save(tmp_path / "people.npz", [f"a{i}" for i in range(50)], embeddings))
    np.testing.assert_allclose(np.linalg.norm(people.directions, axis=1), 1, atol=1e-5)
    cosines = people.directions @ people.directions.T
    assert abs(cosines[np.triu_indices(50, 1)].mean()) < 0.1


def test_each_face_gets_the_embedding_of_its_picture_and_strangers_none(
    tmp_path: Path, identity_store: FaceStore
) -> None:
    store = identity_store.select(identity_store.subjects)
    names = [f"picture{row}" for row in range(len(store))]
    store.frames = store.frames.assign(sequence=names)
    order = np.random.default_rng(1).permutation(len(names))[:-1]
    embeddings = np.random.default_rng(2).normal(size=(len(order), 4))
    people = KnownPeople.open(_save(tmp_path / "people.npz", [names[row] for row in order], embeddings))
    found = people.of(store)
    for place, row in enumerate(order):
        np.testing.assert_array_equal(found[row], people.directions[place])
    unknown = sorted(set(range(len(names))) - set(order))
    assert np.isnan(found[unknown]).all()


@pytest.mark.parametrize(
    ("pictures", "embeddings", "says"),
    [
        (["a", "a"], np.zeros((2, 3)), "twice"),
        (["a", "b"], np.zeros((3, 3)), "one row"),
        (["a", "b"], np.zeros(2), "one row"),
        (["a", "b"], np.array([[0, np.nan], [0, 1]]), "finite"),
    ],
)
def test_broken_embeddings_are_refused(
    tmp_path: Path, pictures: list[str], embeddings: np.ndarray, says: str
) -> None:
    with pytest.raises(InputError, match=says):
        KnownPeople.open(_save(tmp_path / "people.npz", pictures, embeddings))


def test_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "text.npz").write_text("no archive")
    np.savez(tmp_path / "other.npz", names=np.array(["a"]))
    np.save(tmp_path / "array.npy", np.zeros((2, 3)))
    (tmp_path / "empty.npz").write_bytes(b"")
    whole = _save(tmp_path / "whole.npz", ["a", "b"], np.zeros((2, 3))).read_bytes()
    (tmp_path / "cut.npz").write_bytes(whole[: len(whole) // 2])
    for name in ("text.npz", "other.npz", "array.npy", "empty.npz", "cut.npz"):
        with pytest.raises(InputError, match="no file of embeddings"):
            KnownPeople.open(tmp_path / name)
    with pytest.raises(InputError, match=r"missing\.npz does not exist"):
        KnownPeople.open(tmp_path / "missing.npz")
