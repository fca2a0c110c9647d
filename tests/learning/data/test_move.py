"""Photographs with a movement added: points go as they should, the rest stays, labels know of it."""

from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from idennet.errors import InputError, NoFaceError, ShapeError
from idennet.faces.boxes import Pixels
from idennet.faces.landmarks import MIRROR
from idennet.learning.data.landmarker import BLENDSHAPES, Landmarked
from idennet.learning.data.movement.bend import SHIFTS, displacements
from idennet.learning.data.movement.drawn import (
    CLEAR,
    MOVED,
    TOGETHER,
    Movement,
    added_to,
    copy_of,
    drawn_movement,
    is_moved,
    original,
)
from idennet.learning.data.movement.furrows import furrow
from idennet.learning.data.movement.lids import shut
from idennet.learning.data.movement.move import MOVES, move
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


def both(au: int, strength: float = 1.0) -> Movement:
    return Movement({au: (strength, strength)})


@pytest.mark.parametrize("au", SHIFTS)
@pytest.mark.parametrize("sides", [(1.0, 1.0), (1.0, 0.0), (0.0, 1.0)])
def test_points_go_where_they_should(points: np.ndarray, au: int, sides: tuple[float, float]) -> None:
    shifts = displacements(points, {au: sides})
    for point in np.flatnonzero(np.abs(shifts).max(axis=1) > 1):
        moved = move(dots(points[[point]]), points, Movement({au: sides}))[..., 0].astype(float)
        y, x = np.mgrid[:SIZE, :SIZE]
        found = np.array([(moved * x).sum(), (moved * y).sum()]) / moved.sum()
        np.testing.assert_allclose(found, points[point] + shifts[point], atol=1.5)


def noise(height: int, width: int) -> Pixels:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    "movement",
    [both(1), both(43), Movement(forehead=(1.0, 1.0), frown=1.0)],
    ids=["brows", "lids", "furrows"],
)
def test_what_does_not_move_stays(points: np.ndarray, movement: Movement) -> None:
    picture = noise(400, 500)
    before = picture.copy()
    moved = move(picture, points, movement)
    assert (picture == before).all()
    assert (moved != picture).any()
    assert (moved[:, 330:] == picture[:, 330:]).all()
    assert (moved[330:] == picture[330:]).all()
    assert (move(picture, points, Movement()) == picture).all()


@pytest.mark.parametrize("au", MOVES)
def test_a_mirrored_face_moves_as_in_a_mirror(points: np.ndarray, au: int) -> None:
    shifts = displacements(points, {au: (0.7, 0.2)})
    mirrored = displacements(points, {au: (0.2, 0.7)})[MIRROR] * (-1, 1)
    np.testing.assert_allclose(shifts, mirrored, atol=1e-9)
    picture = cv2.GaussianBlur(noise(SIZE + 1, SIZE + 1), None, 4)
    one = move(picture, points, Movement({au: (0.7, 0.2)}))
    other = move(np.ascontiguousarray(picture[:, ::-1]), points, Movement({au: (0.2, 0.7)}))[:, ::-1]
    assert np.abs(one.astype(int) - other).max() <= 4


def test_brows_rise_along_a_turned_face(points: np.ndarray) -> None:
    turn = np.array([[0.0, 1.0], [-1.0, 0.0]])  # a quarter: what was up is now right or left
    upright = displacements(points, {2: (1.0, 1.0)})
    np.testing.assert_allclose(displacements(points @ turn, {2: (1.0, 1.0)}), upright @ turn, atol=1e-9)
    assert upright[18, 1] < -10


@pytest.mark.parametrize("strength", [0.5, 1.0])
def test_the_lid_comes_down_over_the_eye_and_no_other(points: np.ndarray, strength: float) -> None:
    skin, ball = 200, 40
    eyes = np.full((SIZE, SIZE, 3), skin, np.uint8)
    cv2.fillPoly(
        eyes, [points[part].astype(np.int32) for part in (slice(36, 42), slice(42, 48))], (ball,) * 3
    )
    wink = shut(eyes, points, (strength, 0.0))
    right, left = (slice(80, 100), slice(60, 100)), (slice(80, 100), slice(140, 180))
    assert (wink[right] == eyes[right]).all()
    seen = (wink[left] < 120).sum() / (eyes[left] < 120).sum()
    assert seen < 0.25 if strength == 1 else 0.2 < seen < 0.5
    assert (wink[70:80, 150:170] == skin).all()


@pytest.mark.parametrize("away", [(-165, 0), (165, 0), (0, -150), (0, 150)])
def test_a_face_may_lie_half_outside_the_picture(points: np.ndarray, away: tuple[int, int]) -> None:
    everything = Movement(dict.fromkeys(MOVES, (1.0, 1.0)), (1.0, 1.0), 1.0)
    picture = noise(SIZE, SIZE)
    moved = move(picture, points + away, everything)
    y, x = np.mgrid[:SIZE, :SIZE]
    far = np.hypot(x - 120 - away[0], y - 120 - away[1]) > 260
    assert (moved[far] == picture[far]).all()
    assert (moved != picture).any()


def test_faces_that_cannot_move_are_refused(points: np.ndarray) -> None:
    profile, tiny, picture = points.copy(), (points / 40).round(), noise(SIZE, SIZE)
    profile[36:42, 0] = 80
    assert (shut(picture, profile, (1.0, 0.0)) != picture).any()
    with pytest.raises(NoFaceError, match="seen from the side"):
        shut(picture, profile, (0.0, 1.0))
    for landmarks in (points + SIZE, tiny):
        with pytest.raises(NoFaceError, match="outside the picture or is too small"):
            move(picture, landmarks, both(1))


def test_furrows_darken_the_skin_above_the_brows_only_where_they_are_deep(points: np.ndarray) -> None:
    grey = np.full((SIZE, SIZE, 3), 150, np.uint8)

    def drawn(forehead: tuple[float, float], frown: float, seed: int = 3) -> np.ndarray:
        return furrow(grey, points, forehead, frown, np.random.default_rng(seed)).astype(int)[..., 0] - 150

    across, inner, upright = drawn((1, 1), 0), drawn((1, 0), 0), drawn((0, 0), 1)
    assert across[:62].min() < -8
    assert (across[75:] == 0).all()  # brows and what is below them
    assert np.abs(inner[:, :80]).max() <= 1 < np.abs(across[:, :80]).max()
    columns = np.flatnonzero(np.abs(upright).max(axis=0) > 1)
    assert columns.min() > 100  # between the brows
    assert columns.max() < 140
    assert np.abs(drawn((0.3, 0.3), 0)).max() < np.abs(across).max()
    assert (furrow(grey, points, (0, 0), 0, np.random.default_rng(0)) == grey).all()
    hair = grey.copy()
    hair[:60] = 20
    assert (furrow(hair, points, (1, 1), 1, np.random.default_rng(3))[:55] == 20).all()


def test_a_picture_gets_the_same_movement_always() -> None:
    names = [copy_of(f"picture {number}") for number in range(300)]
    drawn = [drawn_movement(name) for name in names]
    assert drawn == [drawn_movement(name) for name in names]
    assert drawn[0] != drawn[1]
    assert {tuple(one.strengths) for one in drawn} == set(TOGETHER)
    strengths = np.array([max(sides) for one in drawn for sides in one.strengths.values()])
    assert strengths.min() >= 0.35
    assert strengths.max() <= 1
    assert strengths.std() > 0.1
    brows = [one for one in drawn if {1, 2, 4} & set(one.strengths)]
    assert 0.5 < np.mean([max(*one.forehead, one.frown) > 0 for one in brows]) < 0.7
    still = [one for one in drawn if one not in brows]
    assert 0.2 < np.mean([max(*one.forehead, one.frown) > 0 for one in still]) < 0.4


def test_only_what_people_move_on_one_side_moves_there() -> None:
    drawn = [drawn_movement(f"picture {number}").strengths for number in range(600)]
    one_sided = {au: np.mean([0 in one[au] for one in drawn if au in one]) for au in MOVES}
    assert one_sided[12] == 1
    assert 0.4 < one_sided[43] < 0.8
    assert 0.15 < one_sided[2] < 0.45
    assert {au for au, share in one_sided.items() if share} == {2, 12, 43}
    lefts = [one[12][0] > 0 for one in drawn if 12 in one]
    assert 0.2 < np.mean(lefts) < 0.8


def test_names_tell_whether_something_was_added() -> None:
    for copy in (copy_of("Ada_0001"), f"Ada_0001{MOVED}2"):
        assert original(copy) == "Ada_0001"
        assert is_moved(copy)
        assert added_to(copy)
    for name in ("Ada_0001", f"Ada{MOVED}", f"{MOVED}x"):
        assert original(name) == name
        assert added_to(name) == {}


def moved_name(wanted: int, sides: int) -> str:
    """Return the name of a moved picture to which an Action Unit was added to so many sides, and no other."""
    names = (copy_of(f"{number}") for number in range(10_000))
    drawn = ((name, added_to(name)) for name in names)
    return next(
        name for name, added in drawn if list(added) == [wanted] and np.count_nonzero(added[wanted]) == sides
    )


def test_added_movements_count_at_least_what_they_are_worth() -> None:
    name = moved_name(15, 2)
    strength = max(added_to(name)[15])
    quiet, loud = (pd.DataFrame([dict.fromkeys(VALUES, value)]) for value in (0.0, 0.5))
    logits = [
        TeacherLabels((name,), ("A",), values).logits([15, 1], relative=False)[0] for values in (quiet, loud)
    ]
    assert logits[0][0] == pytest.approx(8 * strength - 4, abs=1e-4)  # 0 at one half, 4 at full strength
    assert logits[0][1] == pytest.approx(-3.5)  # no brow was raised
    assert logits[1][0] == 6  # the teacher saw far more than was added
    assert np.isnan(TeacherLabels((name,), ("A",), quiet * np.nan).logits([15], relative=False)).all()


def test_a_movement_of_one_side_is_shown_and_shown_there() -> None:
    name = moved_name(12, 1)
    sides = added_to(name)[12]
    labels = TeacherLabels((name,), ("A",), pd.DataFrame([dict.fromkeys(VALUES, 0.0)]))
    assert labels.logits([12], relative=False)[0, 0] == pytest.approx(8 * max(sides) - 4, abs=1e-4)
    seen = labels.sides([12], relative=False)[0, 0]
    assert (seen > 0).tolist() == [side > 0 for side in sides]


def test_what_a_movement_is_worth_is_the_same_for_everybody() -> None:
    name = moved_name(1, 2)
    brows = np.array([0.6] * 5 + [0.1] * 4)  # whose brows rest high, and whose do not
    values = pd.DataFrame(dict.fromkeys(VALUES, brows))
    labels = TeacherLabels((*"abcd", name, *"abcd"), ("Ada",) * 5 + ("Ben",) * 4, values)
    logits = labels.logits([1])[:, 0]
    assert logits[4] == pytest.approx(max(8 * max(added_to(name)[1]) - 4, logits[0]), abs=1e-4)


def test_what_is_usual_is_not_asked_of_moved_pictures() -> None:
    brows = [0.1, 0.2, 0.3, 0.4, 0.9, 0.9, 0.9]
    names = [f"{number}" for number in range(4)] + [f"{number}{MOVED}1" for number in range(3)]
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
        ("Ada", "1"), ("Ada", "1~moved1"), ("Ada", "2"), ("Ada", "2~moved1"), ("Ada", "3"),
        ("stranger", "stranger"),
    ]  # fmt: skip
    assert steps[-1] == (4, 4)
    assert (out / "Ada" / "1.png").read_bytes() == (folder / "Ada" / "1.png").read_bytes()
    again = (out / "Ada" / "1~moved1.png").stat().st_mtime_ns
    write_moved(folder, out, lambda pixels: points)
    assert (out / "Ada" / "1~moved1.png").stat().st_mtime_ns == again
    still = Landmarked(np.zeros((478, 2)) + np.arange(478)[:, None], np.zeros(len(BLENDSHAPES)))
    labels = teach(out, lambda pixels: still).labels
    taught = [lesson.au for lesson in LESSONS if lesson.au != 25]
    for picture, logits in zip(labels.pictures, labels.logits(taught), strict=True):
        raised = {au for au, logit in zip(taught, logits, strict=True) if logit > 0}
        assert raised == {au for au, sides in added_to(picture).items() if max(sides) > CLEAR}, picture
    assert set(labels.subjects) == {"Ada", "stranger"}


def test_a_folder_is_never_moved_onto_itself(points: np.ndarray, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="lies among the photographs"):
        write_moved(tmp_path, tmp_path / "inside", lambda pixels: points)
    with pytest.raises(ShapeError, match=r"must have shape \(68, 2\)"):
        move(np.zeros((9, 9, 3), np.uint8), points[:60], both(1))
    with pytest.raises(KeyError, match="AU9 cannot be added"):
        move(np.zeros((9, 9, 3), np.uint8), points, both(9))
