import cv2
import numpy as np
import pytest

from idennet.faces.crop import (
    CROP_MARGIN,
    CROP_SIZE,
    crop_to_picture,
    cut,
    squares_around,
    transform,
)
from idennet.faces.landmarks import MIRROR, roll_degrees


@pytest.fixture
def landmarks() -> np.ndarray:
    """Points of no real face with level eyes, 100 pixels apart."""
    points = np.random.default_rng(0).uniform(0, 150, (68, 2)).astype(np.float32)
    points[36:42] = [20, 50]
    points[42:48] = [120, 50]
    return points


def test_mirroring_is_an_involution_that_swaps_the_eyes_and_keeps_the_midline():
    assert (MIRROR[MIRROR] == np.arange(68)).all()
    assert set(MIRROR[36:42]) == set(range(42, 48))
    midline = [8, 27, 28, 29, 30, 33, 51, 57, 62, 66]
    assert MIRROR[midline].tolist() == midline
    assert MIRROR[36] == 45, "outer corners of the eyes"
    assert MIRROR[37] == 44, "upper lids stay upper lids"


@pytest.mark.parametrize("degrees", [-40.0, 0.0, 25.0])
def test_a_square_turns_with_the_face(landmarks, degrees):
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]], np.float32)
    turned = landmarks @ turn + [300, 200]
    assert roll_degrees(turned) == pytest.approx(degrees, abs=1e-3)
    upright, square = squares_around(np.stack([landmarks, turned]))
    assert square[2] == pytest.approx(upright[2], rel=1e-5)
    assert np.degrees(square[3]) == pytest.approx(degrees, abs=1e-3)
    np.testing.assert_allclose(square[:2], upright[:2] @ turn + [300, 200], atol=1e-2)


def test_the_square_has_the_margin_round_the_bounding_box(landmarks):
    x, y, side, angle = squares_around(landmarks[None])[0]
    extent = np.ptp(landmarks, axis=0)
    assert side == pytest.approx(CROP_MARGIN * extent.max(), rel=1e-5)
    np.testing.assert_allclose([x, y], (landmarks.min(0) + landmarks.max(0)) / 2, atol=1e-3)
    assert angle == 0


@pytest.mark.parametrize("side", [40.0, 100.0, 700.0])
def test_a_dot_lies_in_the_crop_where_the_matrix_says(side):
    y, x = np.mgrid[:900, :1000]
    dot = np.array([520.0, 410.0])
    reach = side / 20
    picture = (255 * np.exp(-((x - dot[0]) ** 2 + (y - dot[1]) ** 2) / (2 * reach**2))).astype(np.uint8)
    square = np.array([500, 420, side, 0.4], np.float32)
    weight = cut(picture, square).astype(float)
    rows, columns = np.mgrid[:CROP_SIZE, :CROP_SIZE]
    seen = np.array([(weight * columns).sum(), (weight * rows).sum()]) / weight.sum()
    back = transform(seen[None, None].astype(np.float32), crop_to_picture(square[None]))[0, 0]
    np.testing.assert_allclose(back, dot, atol=0.02 * side)


def test_outside_the_picture_lies_its_edge():
    picture = np.zeros((50, 50), np.uint8)
    picture[:, 25:] = 200
    crop = cut(picture, np.array([24.5, 24.5, 200, 0], np.float32))
    assert (crop[:, :20] == 0).all()
    assert (crop[:, -20:] == 200).all()


def test_a_fine_pattern_is_averaged_in_a_large_square():
    picture = (np.indices((1280, 1280)).sum(0) % 2 * 255).astype(np.uint8)
    crop = cut(picture, np.array([640, 640, 1000, 0], np.float32))
    assert cv2.meanStdDev(crop)[1].item() < 2
    assert crop.mean() == pytest.approx(127.5, abs=2)
