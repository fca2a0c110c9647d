"""Photographs with a movement added: points go as they should, the rest stays, labels know of it."""

from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from idennet.errors import InputError, ShapeError
from idennet.faces.boxes import Pixels
from idennet.faces.landmarks import MIRROR
from idennet.learning.data.landmarker import BLENDSHAPES, Landmarked
from idennet.learning.data.move import (
    CLEAR,
    MOVED,
    MOVEMENTS,
    TOGETHER,
    added_to,
    displacements,
    drawn_movement,
    move,
)
from idennet.learning.data.teach import photographs_of, teach, write_moved
from idennet.learning.data.teacher import LESSONS, VALUES, TeacherLabels

SIZE = 240


@pytest.fixture(scope="module")
def points() -> np.ndarray:
    """A frontal face that is its own mirror image, eyes 80 pixels apart."""
    points = np.empty((68, 2))
    turn = np.linspace(np.pi, 0, 17)
    points[:17] = np.stack([120 + 80 * np.cos(turn), 90 + 110 * np.sin(turn)], 1)
    points[17:22] = [(52, 74), (62, 66), (74, 63), (88, 65), (100, 70)]
    points[27:31] = [(120, 90), (120, 104), (120, 118), (120, 130)]
    points[31:36] = [(106, 138), (112, 140), (120, 142), (128, 140), (134, 138)]
    points[36:42] = [(66, 90), (74, 85), (86, 85), (94, 90), (86, 95), (74, 95)]
    points[48:60] = [
        (90, 168), (102, 162), (112, 159), (120, 160), (128, 159), (138, 162), (150, 168), (138, 176),
        (128, 180), (120, 181), (112, 180), (102, 176),
    ]  # fmt: skip
    points[60:68] = [
        (96, 168),
        (112, 167),
        (120, 168),
        (128, 167),
        (144, 168),
        (128, 171),
        (120, 172),
        (112, 171),
    ]
    for right in (*range(17, 22), *range(36, 42)):
        points[MIRROR[right]] = SIZE - points[right, 0], points[right, 1]
    return points


def dots(points: np.ndarray) -> Pixels:
    """A smooth bright spot at each point."""
    y, x = np.mgrid[:SIZE, :SIZE]
    near = ((x - points[:, 0, None, None]) ** 2 + (y - points[:, 1, None, None]) ** 2).min(axis=0)
    return np.repeat((255 * np.exp(-near / 8)).astype(np.uint8)[..., None], 3, axis=2)


@pytest.mark.parametrize("au", MOVEMENTS)
def test_points_go_where_they_should(points: np.ndarray, au: int) -> None:
    shifts = displacements(points, {au: 1.0})
    for point in np.flatnonzero(np.abs(shifts).max(axis=1) > 1):
        moved = move(dots(points[[point]]), points, {au: 1.0})[..., 0].astype(float)
        y, x = np.mgrid[:SIZE, :SIZE]
        found = np.array([(moved * x).sum(), (moved * y).sum()]) / moved.sum()
        np.testing.assert_allclose(found, points[point] + shifts[point], atol=1.5)


def test_what_does_not_move_stays(points: np.ndarray) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (400, 500, 3), dtype=np.uint8)
    before = picture.copy()
    moved = move(picture, points, {1: 1.0})
    assert (picture == before).all()
    assert (moved != picture).any()
    assert (moved[:, 330:] == picture[:, 330:]).all()
    assert (moved[330:] == picture[330:]).all()
    assert (move(picture, points, {}) == picture).all()


@pytest.mark.parametrize("au", MOVEMENTS)
def test_both_sides_move_alike(points: np.ndarray, au: int) -> None:
    shifts = displacements(points, {au: 0.7})
    mirrored = shifts[MIRROR] * (-1, 1)
    np.testing.assert_allclose(shifts, mirrored, atol=1e-9)
    picture = cv2.GaussianBlur(
        np.random.default_rng(1).integers(0, 256, (SIZE + 1, SIZE + 1, 3), dtype=np.uint8), None, 4
    )
    one = move(picture, points, {au: 0.7})
    other = move(np.ascontiguousarray(picture[:, ::-1]), points, {au: 0.7})[:, ::-1]
    assert np.abs(one.astype(int) - other).max() <= 3


def test_brows_rise_along_a_turned_face(points: np.ndarray) -> None:
    turn = np.array([[0.0, 1.0], [-1.0, 0.0]])  # a quarter: what was up is now right or left
    upright = displacements(points, {2: 1.0})
    np.testing.assert_allclose(displacements(points @ turn, {2: 1.0}), upright @ turn, atol=1e-9)
    assert upright[18, 1] < -10


def test_a_photograph_gets_the_same_movement_always() -> None:
    drawn = [drawn_movement(f"picture {number}") for number in range(400)]
    assert drawn == [drawn_movement(f"picture {number}") for number in range(400)]
    assert {tuple(strengths) for strengths in drawn} == set(TOGETHER)
    strengths = np.array([strength for one in drawn for strength in one.values()])
    assert strengths.min() >= 0.35
    assert strengths.max() <= 1
    assert strengths.std() > 0.1


def moved_name(wanted: int) -> str:
    """Return the name of a moved picture to which an Action Unit was added, and nothing else."""
    names = (f"{number}" for number in range(10_000))
    return next(name for name in names if list(drawn_movement(name)) == [wanted]) + MOVED


def test_added_movements_count_at_least_what_they_are_worth() -> None:
    name = moved_name(15)
    strength = added_to(name)[15]
    quiet, loud = (pd.DataFrame([dict.fromkeys(VALUES, value)]) for value in (0.0, 0.5))
    logits = [
        TeacherLabels((name,), ("A",), values).logits([15, 1], relative=False)[0] for values in (quiet, loud)
    ]
    assert logits[0][0] == pytest.approx(8 * strength - 4, abs=1e-4)  # 0 at one half, 4 at full strength
    assert logits[0][1] == pytest.approx(-3.5)  # no brow was raised
    assert logits[1][0] == 6  # the teacher saw far more than was added
    assert np.isnan(TeacherLabels((name,), ("A",), quiet * np.nan).logits([15], relative=False)).all()


def test_what_a_movement_is_worth_is_the_same_for_everybody() -> None:
    name = moved_name(1)
    brows = np.array([0.6] * 5 + [0.1] * 4)  # whose brows rest high, and whose do not
    values = pd.DataFrame(dict.fromkeys(VALUES, brows))
    labels = TeacherLabels((*"abcd", name, *"abcd"), ("Ada",) * 5 + ("Ben",) * 4, values)
    logits = labels.logits([1])[:, 0]
    assert logits[4] == pytest.approx(max(8 * added_to(name)[1] - 4, logits[0]), abs=1e-4)


def test_what_is_usual_is_not_asked_of_moved_pictures() -> None:
    brows = [0.1, 0.2, 0.3, 0.4, 0.9, 0.9, 0.9]
    names = [f"{number}" for number in range(4)] + [f"{number}{MOVED}" for number in range(3)]
    values = pd.DataFrame(dict.fromkeys(VALUES, brows))
    both = TeacherLabels(tuple(names), ("Ada",) * 7, values)
    alone = TeacherLabels(tuple(names[:4]), ("Ada",) * 4, values[:4])
    np.testing.assert_array_equal(both.logits([1])[:4], alone.logits([1]))
    assert both.moved.tolist() == [False] * 4 + [True] * 3


def test_each_photograph_is_written_as_it_is_and_moved(points: np.ndarray, tmp_path: Path) -> None:
    folder, out = tmp_path / "people", tmp_path / "moved"
    for name in ("1", "2"):
        (folder / "Ada").mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)).save(
            folder / "Ada" / f"{name}.png"
        )
    (folder / "Ada" / "3.png").write_bytes(b"no picture")
    Image.new("RGB", (SIZE, SIZE)).save(folder / "stranger.png")
    steps: list[tuple[int, int]] = []
    write_moved(
        folder, out, lambda pixels: points if pixels.any() else None, lambda *step: steps.append(step)
    )
    assert [(one.subject, one.name) for one in photographs_of(out)] == [
        ("Ada", "1"), ("Ada", f"1{MOVED}"), ("Ada", "2"), ("Ada", f"2{MOVED}"), ("Ada", "3"),
        ("stranger", "stranger"),
    ]  # fmt: skip
    assert steps[-1] == (4, 4)
    assert (out / "Ada" / "1.png").read_bytes() == (folder / "Ada" / "1.png").read_bytes()
    again = (out / "Ada" / f"1{MOVED}.png").stat().st_mtime_ns
    write_moved(folder, out, lambda pixels: points)
    assert (out / "Ada" / f"1{MOVED}.png").stat().st_mtime_ns == again
    still = Landmarked(np.zeros((478, 2)) + np.arange(478)[:, None], np.zeros(len(BLENDSHAPES)))
    labels = teach(out, lambda pixels: still).labels
    taught = [lesson.au for lesson in LESSONS if lesson.au != 25]
    for picture, logits in zip(labels.pictures, labels.logits(taught), strict=True):
        raised = {au for au, logit in zip(taught, logits, strict=True) if logit > 0}
        assert raised == {au for au, strength in added_to(picture).items() if strength > CLEAR}, picture
    assert set(labels.subjects) == {"Ada", "stranger"}


def test_a_folder_is_never_moved_onto_itself(points: np.ndarray, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="lies among the photographs"):
        write_moved(tmp_path, tmp_path / "inside", lambda pixels: points)
    with pytest.raises(ShapeError, match=r"must have shape \(68, 2\)"):
        move(np.zeros((9, 9, 3), np.uint8), points[:60], {1: 1.0})
