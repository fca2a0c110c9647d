"""Alignment: exact where it can be, equal to independent oracles elsewhere, and free of aliasing."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.transform import estimate_transform

from idennet.errors import InputError, ShapeError
from idennet.faces.alignment import TEMPLATE, align, similarity, to_template
from idennet.faces.landmarks import eye_centres

number = st.floats(-500, 500)


def landmarks_with_eyes(right: tuple[float, float], left: tuple[float, float]) -> np.ndarray:
    """Sixty-eight points whose eye centres are exactly the given ones; the others are far away."""
    points = np.full((68, 2), 1e6)
    ring = np.array([[-3, 0], [-1, -1], [1, -1], [3, 0], [1, 1], [-1, 1]])
    points[36:42], points[42:48] = np.array(right) + ring, np.array(left) + ring
    return points


def blob(size: tuple[int, int], centres: list[tuple[float, float]], sigma: float) -> np.ndarray:
    """A grey picture (H, W, 3) with bright Gaussian spots."""
    y, x = np.mgrid[: size[0], : size[1]]
    light = sum(np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * sigma**2)) for cx, cy in centres)
    return np.repeat(np.round(200 * light).astype(np.uint8)[:, :, None], 3, axis=2)


def centroid(picture: np.ndarray) -> tuple[float, float]:
    weight = picture[:, :, 0].astype(float)
    y, x = np.mgrid[: weight.shape[0], : weight.shape[1]]
    return (weight * x).sum() / weight.sum(), (weight * y).sum() / weight.sum()


def test_eye_centres_are_means_of_six_points() -> None:
    assert np.array_equal(eye_centres(landmarks_with_eyes((10, 20), (50, 22))), [[10, 20], [50, 22]])


@pytest.mark.parametrize("shape", [(67, 2), (68, 3), (136,)])
def test_eye_centres_refuse_other_shapes(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match=r"\(68, 2\)"):
        eye_centres(np.zeros(shape))


@pytest.mark.parametrize("count", [2, 3, 68])
def test_similarity_equals_plain_least_squares(count: int) -> None:
    # x' = a x - b y + c and y' = b x + a y + d, solved as 2K linear equations in (a, b, c, d).
    rng = np.random.default_rng(count)
    source, target = rng.normal(0, 50, (count, 2)), rng.normal(30, 50, (count, 2))
    equations, goals = [], []
    for (x, y), (u, v) in zip(source, target, strict=True):
        equations += [[x, -y, 1, 0], [y, x, 0, 1]]
        goals += [u, v]
    a, b, c, d = np.linalg.lstsq(np.array(equations), np.array(goals), rcond=None)[0]
    np.testing.assert_allclose(similarity(source, target), [[a, -b, c], [b, a, d]], rtol=1e-9, atol=1e-9)


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_similarity_of_two_points_equals_scikit_image() -> None:
    rng = np.random.default_rng(5)
    source, target = rng.normal(0, 50, (2, 2)), rng.normal(30, 50, (2, 2))
    oracle = estimate_transform("similarity", source, target)
    np.testing.assert_allclose(similarity(source, target), oracle.params[:2], rtol=1e-6, atol=1e-6)


def test_similarity_is_least_squares_among_neighbours() -> None:
    rng = np.random.default_rng(1)
    source, target = rng.normal(0, 5, (9, 2)), rng.normal(0, 5, (9, 2))
    best = similarity(source, target)
    error = np.sum((to_template(source, best) - target) ** 2)
    for _ in range(200):
        a, b, x, y = rng.normal(0, 0.01, 4)
        other = best + np.array([[a, -b, x], [b, a, y]])
        assert np.sum((to_template(source, other) - target) ** 2) >= error


@given(x=number, y=number, dx=number, dy=number)
@settings(max_examples=60, deadline=None)
def test_eyes_land_exactly(x: float, y: float, dx: float, dy: float) -> None:
    eyes = np.array([[x, y], [x + dx, y + dy]])
    if np.hypot(dx, dy) > 1e-3:
        landed = to_template(eyes, similarity(eyes, TEMPLATE.eyes))
        np.testing.assert_allclose(landed, [[44, 44], [84, 44]], atol=1e-6)


def test_there_and_back_is_the_identity() -> None:
    rng = np.random.default_rng(0)
    source, target = rng.normal(0, 9, (2, 2)), rng.normal(0, 9, (2, 2))
    points = rng.normal(0, 9, (5, 2))
    there = to_template(points, similarity(source, target))
    np.testing.assert_allclose(to_template(there, similarity(target, source)), points, atol=1e-9)


@pytest.mark.parametrize("eyes", [[[5, 5], [5, 5]], [[0, 0], [np.nan, 1]], [[0, 0], [np.inf, 1]]])
def test_impossible_eyes_are_refused(eyes: list[list[float]]) -> None:
    with pytest.raises(InputError):
        similarity(eyes, TEMPLATE.eyes)


def test_a_picture_in_the_template_is_unchanged() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (128, 128, 3), dtype=np.uint8)
    assert np.array_equal(align(picture, landmarks_with_eyes((44, 44), (84, 44))), picture)


def test_a_shift_by_whole_pixels_repeats_the_edge() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (128, 128, 3), dtype=np.uint8)
    crop = align(picture, landmarks_with_eyes((54, 44), (94, 44)))
    assert np.array_equal(crop[:, :118], picture[:, 10:])
    assert np.array_equal(crop[:, 118:], np.repeat(picture[:, -1:], 10, axis=1))


@pytest.mark.parametrize("scale", [0.3, 0.8, 1.2, 1.6, 2.7, 5.3, 11.0])
@pytest.mark.parametrize("degrees", [0, 17, -40, 90, 180])
def test_a_spot_lands_where_the_matrix_says(scale: float, degrees: float) -> None:
    # A spot at template point (64, 80) must be seen there at every size and rotation of the photograph.
    turn = scale * np.exp(1j * np.radians(degrees))
    half = max(60, int(60 * scale))
    centre = complex(half, half)

    def place(x: float, y: float) -> tuple[float, float]:
        z = centre + turn * (complex(x, y) - complex(64, 70))
        return z.real, z.imag

    picture = blob((2 * half + 7, 2 * half + 3), [place(64, 80)], sigma=4 * scale)
    crop = align(picture, landmarks_with_eyes(place(44, 44), place(84, 44)))
    assert centroid(crop) == pytest.approx((64, 80), abs=0.08)


def test_large_pictures_do_not_alias() -> None:
    # One-pixel stripes seen ten times smaller are grey; skipping pixels shows one colour only.
    picture = np.zeros((1300, 1300, 3), dtype=np.uint8)
    picture[:, ::2] = 255
    marks = landmarks_with_eyes((440, 440), (840, 440))
    crop = align(picture, marks)
    assert abs(int(crop.min()) - 127) <= 14
    assert abs(int(crop.max()) - 127) <= 14
    naive = cv2.warpAffine(picture, similarity(eye_centres(marks), TEMPLATE.eyes), (128, 128))
    assert naive.mean() > 250


@pytest.mark.parametrize("offset", [(-5000, 0), (5000, 5000), (0, -3000)])
def test_a_face_outside_the_picture_shows_the_nearest_edge(offset: tuple[int, int]) -> None:
    picture = np.full((300, 400, 3), 7, dtype=np.uint8)
    marks = landmarks_with_eyes((100, 100), (300, 100)) + np.array(offset)
    assert np.array_equal(align(picture, marks), np.full((128, 128, 3), 7, dtype=np.uint8))


def test_extreme_shrinking_of_a_thin_picture() -> None:
    crop = align(np.full((1, 5000, 3), 9, dtype=np.uint8), landmarks_with_eyes((1000, 0), (4000, 0)))
    assert crop.shape == (128, 128, 3)
    assert (crop == 9).all()


@pytest.mark.parametrize(
    "picture", [np.zeros((9, 9), np.uint8), np.zeros((9, 9, 3), np.float32), np.zeros((0, 9, 3), np.uint8)]
)
def test_other_pictures_are_refused(picture: np.ndarray) -> None:
    with pytest.raises(ShapeError, match="uint8 RGB"):
        align(picture, landmarks_with_eyes((44, 44), (84, 44)))
