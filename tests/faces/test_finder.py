from importlib import resources
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from skimage import data

from idennet.errors import ShapeError, WeightsError
from idennet.faces.alignment import eye_centres
from idennet.faces.detector import CascadeDetector, YuNetDetector, suppress
from idennet.faces.finder import FaceFinder

SHARED = Path(__file__).parents[3] / "shared"
YUNET = SHARED / "detector" / "yunet_n_640_640.onnx"
EYES = np.array([[203.4, 103.6], [247.5, 104.4]])  # of skimage's astronaut, by YuNet
BETWEEN = np.linalg.norm(EYES[1] - EYES[0])
CLOSE = 0.12
SAMPLE = Path(str(resources.files("idennet"))) / "assets" / "sample-corpus"


@pytest.fixture(scope="module")
def finder() -> FaceFinder:
    return FaceFinder()


@pytest.fixture(scope="module")
def astronaut() -> np.ndarray:
    return data.astronaut()


def eye_error(face, eyes: np.ndarray) -> float:
    """Largest distance of an eye centre in units of the distance between the eyes."""
    between = np.linalg.norm(eyes[1] - eyes[0])
    return float(np.linalg.norm(face.eyes - eyes, axis=1).max() / between)


def test_the_astronaut_is_the_only_face_found(finder, astronaut):
    (face,) = finder.find(astronaut)
    assert eye_error(face, EYES) < CLOSE
    assert finder.threshold <= face.confidence <= 1
    x0, y0, x1, y1 = face.box
    assert x0 < EYES[0, 0] < EYES[1, 0] < x1
    assert y0 < EYES[0, 1] < y1
    assert abs(face.roll) < 8
    assert face.yaw == pytest.approx(0, abs=30)


@pytest.mark.parametrize("degrees", [-15, 15])
def test_a_tilted_head(finder, astronaut, degrees):
    matrix = cv2.getRotationMatrix2D((225.0, 110.0), degrees, 1.0)
    turned = cv2.warpAffine(astronaut, matrix, (512, 512), borderMode=cv2.BORDER_REFLECT)
    eyes = EYES @ matrix[:, :2].T + matrix[:, 2]
    face = min(finder.find(turned), key=lambda face: eye_error(face, eyes))
    assert eye_error(face, eyes) < CLOSE
    assert face.roll == pytest.approx(-degrees, abs=6)


def test_several_faces_from_40_pixels_to_large_come_from_left_to_right(finder, astronaut):
    head = astronaut[0:230, 110:330]  # the face is about 95 pixels wide
    canvas = np.full((600, 1000, 3), 90, np.uint8)
    places = [(20, 40, 0.45), (160, 250, 1.0), (420, 60, 2.3)]
    expected = []
    for x, y, scale in places:
        small = cv2.resize(head, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        canvas[y : y + small.shape[0], x : x + small.shape[1]] = small
        expected.append((EYES - [110, 0]) * scale + [x, y])
    faces = finder.find(canvas)
    assert len(faces) == 3
    for face, eyes in zip(faces, expected, strict=True):
        assert eye_error(face, eyes) < CLOSE


def test_a_face_that_fills_the_picture(finder, astronaut):
    (face,) = finder.find(astronaut[52:178, 165:285].copy())
    assert eye_error(face, EYES - [165, 52]) < CLOSE


def test_mirrored_pictures_give_mirrored_faces(finder, astronaut):
    (face,) = finder.find(np.ascontiguousarray(astronaut[:, ::-1]))
    assert eye_error(face, np.array([[511, 0], [511, 0]]) + EYES[::-1] * [-1, 1]) < CLOSE


@pytest.mark.parametrize("name", ["coffee", "chelsea", "rocket", "brick", "text"])
def test_pictures_without_people_give_nothing(finder, name):
    picture = getattr(data, name)()
    if picture.ndim == 2:
        picture = np.repeat(picture[..., None], 3, axis=2)
    assert finder.find(np.ascontiguousarray(picture[:300, :300])) == []


@pytest.mark.parametrize("shape", [(1, 1), (12, 300), (64, 64)])
def test_empty_pictures_of_any_shape_give_nothing(finder, shape):
    assert finder.find(np.full((*shape, 3), 127, np.uint8)) == []


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_rendered_head_turned_aside_by_27_degrees(finder, mirrored):
    frames = pd.read_parquet(SAMPLE / "subjects" / "0016.parquet")
    frame = frames.loc[frames["yaw"].abs().idxmax()]
    assert abs(frame["yaw"]) > 25
    picture = cv2.cvtColor(cv2.imdecode(np.frombuffer(frame["image"], np.uint8), 1), cv2.COLOR_BGR2RGB)
    eyes = eye_centres(frame["landmarks"].reshape(68, 2))
    if mirrored:
        picture = np.ascontiguousarray(picture[:, ::-1])
        eyes = (np.array([picture.shape[1] - 1, 0]) + np.array([-1, 1]) * eyes)[::-1]
    (face,) = finder.find(cv2.copyMakeBorder(picture, 60, 60, 60, 60, cv2.BORDER_REPLICATE))
    assert eye_error(face, eyes + 60) < CLOSE
    assert abs(face.yaw) > 15


@pytest.mark.parametrize(("shape", "kind"), [((9, 9), np.uint8), ((9, 9, 3), float), ((9, 9, 4), np.uint8)])
def test_other_arrays_are_refused(finder, shape, kind):
    with pytest.raises(ShapeError, match="uint8 RGB"):
        finder.find(np.zeros(shape, kind))


def test_missing_and_broken_yunet_files_are_told(tmp_path):
    with pytest.raises(WeightsError, match="no YuNet model"):
        FaceFinder(tmp_path / "none.onnx")
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"no network")
    with pytest.raises(WeightsError, match="cannot read"):
        YuNetDetector(broken)


@pytest.mark.skipif(not YUNET.is_file(), reason="YuNet's model is not here")
def test_yunet_and_the_cascade_lead_to_the_same_face(finder, astronaut):
    (face,) = FaceFinder(YUNET).find(astronaut)
    assert eye_error(face, EYES) < CLOSE
    (other,) = finder.find(astronaut)
    assert np.linalg.norm(face.landmarks - other.landmarks, axis=1).mean() < 0.05 * BETWEEN


def test_suppression_keeps_the_better_of_two_overlapping_boxes():
    boxes = np.array([[0, 0, 10, 10, 0.5], [1, 0, 11, 10, 0.9], [40, 0, 50, 10, 0.1]], np.float32)
    assert suppress(boxes)[:, 4] == pytest.approx([0.9, 0.1])
    assert len(suppress(boxes, overlap=0.95)) == 3  # 90 / 110 shared


def test_the_cascade_boxes_the_astronaut(astronaut):
    boxes = CascadeDetector().detect(astronaut)
    middle = (boxes[:, :2] + boxes[:, 2:4]) / 2
    sides = boxes[:, 2] - boxes[:, 0]
    near = np.linalg.norm(middle - [226, 126], axis=1) < 20
    assert (near & (sides > 90) & (sides < 170)).any()
