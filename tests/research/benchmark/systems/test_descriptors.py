"""Descriptors: lengths, what they see, and where SIFT looks."""

import numpy as np
import pytest
from drawn_faces import draw_store

from idennet.errors import InputError
from idennet.learning.data.store import FaceStore
from idennet.research.benchmark.systems.descriptors import (
    INNER_POINTS,
    LOWER_POINTS,
    UPPER_POINTS,
    DescriptorKind,
    describe,
    descriptor_length,
)
from idennet.research.benchmark.systems.learnt_arrays import rows_by_subject


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> FaceStore:
    return draw_store(tmp_path_factory.mktemp("described") / "au", subjects=2, faces_each=3)


def test_there_are_49_inner_points_9_upper_and_7_lower_ones() -> None:
    assert (len(set(INNER_POINTS)), len(set(UPPER_POINTS)), len(set(LOWER_POINTS))) == (49, 9, 7)
    assert set(UPPER_POINTS) | set(LOWER_POINTS) <= set(INNER_POINTS)
    assert not {60, 64} & set(INNER_POINTS)


@pytest.mark.parametrize(("kind", "length"), [("hog", 1764), ("lbp", 3776), ("sift", 6272)])
def test_lengths_and_order_of_rows(store: FaceStore, kind: DescriptorKind, length: int) -> None:
    rows = np.array([4, 0, 3])
    described = describe(store, rows, kind)
    assert described.shape == (3, length)
    assert descriptor_length(kind) == length
    assert described.dtype == np.float32
    np.testing.assert_array_equal(described[1], describe(store, np.array([0]), kind)[0])
    assert describe(store, rows[:0], kind).shape == (0, length)


def test_lbp_cells_are_shares_of_their_own_pixels(store: FaceStore) -> None:
    changed = _changed(store, slice(16, 32), slice(112, 128))
    before, after = (describe(s, np.array([0]), "lbp").reshape(8, 8, 59) for s in (store, changed))
    np.testing.assert_allclose(before.sum(axis=2), 1, atol=1e-6)
    differs = (before != after).any(axis=2)
    assert differs[1, 7]
    assert not np.delete(differs[[0, 1, 2]], [6, 7], axis=1).any()  # neighbours at the seam may differ
    assert not differs[3:].any()


def test_sift_sees_24_pixels_around_each_point_and_has_unit_length(store: FaceStore) -> None:
    at_corner, at_middle = _moved(store, 40.0), _moved(store, 100.0)
    changed = _changed(store, slice(20, 60), slice(20, 60))
    for where, should_change in ((at_corner, True), (at_middle, False)):
        with_change = _moved(changed, where.landmarks[0, 0, 0])
        before = describe(where, np.array([0]), "sift", UPPER_POINTS)
        after = describe(with_change, np.array([0]), "sift", UPPER_POINTS)
        np.testing.assert_allclose(np.linalg.norm(before.reshape(-1, 128), axis=1), 1, atol=1e-5)
        assert (not np.allclose(before, after)) == should_change


def test_sift_needs_the_points_it_stands_on(store: FaceStore) -> None:
    unknown = _moved(store, 50.0)
    points = np.array(unknown.frames["landmarks"].to_list()).reshape(-1, 68, 2)
    points[2, 48] = np.nan
    unknown.frames["landmarks"] = list(points.reshape(-1, 136))
    describe(unknown, np.arange(6), "sift", UPPER_POINTS)
    with pytest.raises(InputError, match=r"no landmarks of 1 faces, .* descriptor hog"):
        describe(unknown, np.arange(6), "sift", LOWER_POINTS)


def test_rows_come_by_subject_in_order_of_frames(store: FaceStore) -> None:
    shuffled = store.select(store.subjects)
    shuffled.frames["frame"] = [2, 0, 1, 5, 4, 3]
    shuffled.frames["sequence"] = ["a", "b", "a", "s", "s", "s"]
    assert [rows.tolist() for rows in rows_by_subject(shuffled)] == [[2, 0, 1], [5, 4, 3]]


def _moved(store: FaceStore, place: float) -> FaceStore:
    """Return the store with all landmarks at (place, place)."""
    other = store.select(store.subjects)
    other.frames["landmarks"] = list(np.full((len(store), 136), place, np.float32))
    return other


def _changed(store: FaceStore, rows: slice, columns: slice) -> FaceStore:
    """Return the store with noise in a part of its faces."""
    faces = np.array(store.faces)
    noise = np.random.default_rng(0).integers(0, 256, faces[:, rows, columns].shape)
    faces[:, rows, columns] = noise
    other = store.select(store.subjects)
    other._file_faces = faces
    return other
