"""Covers hide what they say, and leave the rest of the face as it is."""

import numpy as np
import pytest

from idennet.facs import PARTS
from idennet.learning.training.augment import Augmentation, Augmenter
from idennet.learning.training.covers import HIDES, cover, kind_of

POINTS_OF = {"eyes": range(36, 48), "brows": range(17, 27), "mouth": range(48, 68)}


@pytest.mark.parametrize("kind", HIDES)
def test_a_cover_changes_what_it_hides_and_not_the_other_parts(points: np.ndarray, kind: str) -> None:
    face = np.random.default_rng(7).integers(0, 256, (128, 128, 3), dtype=np.uint8)
    before = face.copy()
    for seed in range(30):
        covered = cover(face, points, kind, np.random.default_rng(seed))
        changed = np.abs(covered.astype(int) - face).max(axis=2) > 8
        for part in PARTS:
            x, y = np.round(points[list(POINTS_OF[part])]).astype(int).T
            share = changed[y, x].mean()
            if part == HIDES[kind]:
                assert share > 0.6, (seed, part)
            elif {part, HIDES[kind]} != {"eyes", "brows"}:
                assert share < 0.35, (seed, part)
    assert (face == before).all()


def test_all_kinds_are_drawn() -> None:
    assert {kind_of(np.random.default_rng(seed)) for seed in range(60)} == set(HIDES)


def test_changes_say_who_was_covered_and_mirrored(points: np.ndarray) -> None:
    landmarks = np.repeat(points[None], 40, axis=0).astype(np.float32)
    landmarks[5, 0] = np.nan
    rng = np.random.default_rng(0)
    faces = np.repeat(rng.integers(0, 255, (1, 128, 128, 3), dtype=np.uint8), 40, axis=0)
    augmenter = Augmenter(Augmentation(cover=0.5), seed=3)
    changed, changes = augmenter(faces, 7, 0, landmarks), augmenter.changes(7, landmarks)
    covered = (changed != faces).any(axis=(1, 2, 3))
    assert (covered == changes.hidden.any(axis=1)).all()
    assert 5 < covered.sum() < 35
    assert not covered[5]
    mirror = Augmenter(Augmentation(flip=0.5), seed=3)
    flipped = mirror.changes(7, landmarks).flipped
    assert 5 < flipped.sum() < 35
    for face, result, is_flipped in zip(faces, mirror(faces, 7, 0, landmarks), flipped, strict=True):
        np.testing.assert_array_equal(result, face[:, ::-1] if is_flipped else face)
