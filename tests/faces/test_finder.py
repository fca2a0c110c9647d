import zipfile
from concurrent.futures import ThreadPoolExecutor
from importlib import resources
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from skimage import data

from idennet.errors import ShapeError, WeightsError
from idennet.faces.boxes import NO_BOXES, BoxFinder, boxes_of
from idennet.faces.finder import FaceFinder, open_finder
from idennet.faces.landmarks import eye_centres

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
    assert 0.95 <= face.confidence <= 1
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


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_picture_on_its_side_or_upside_down_gives_the_face_where_it_is(finder, astronaut, quarters):
    """The oracle is the upright picture's face, turned by hand."""
    (upright,) = finder.find(astronaut)
    (face,) = finder.find(np.ascontiguousarray(np.rot90(astronaut, quarters)))
    turned = upright.landmarks
    for _ in range(quarters):
        turned = np.stack([turned[:, 1], 511 - turned[:, 0]], axis=1)
    assert np.linalg.norm(face.landmarks - turned, axis=1).mean() < 0.05 * BETWEEN
    assert (face.roll - upright.roll + 90 * quarters + 180) % 360 == pytest.approx(180, abs=5)
    x0, y0, x1, y1 = face.box
    assert ((turned > [x0 - 5, y0 - 5]) & (turned < [x1 + 5, y1 + 5])).all()


def test_pictures_together_give_what_each_gives_alone(finder, astronaut):
    pictures = [astronaut, data.coffee(), astronaut[52:178, 165:285].copy(), astronaut[::2, ::2].copy()]
    together = finder.find_all(pictures)
    assert [len(faces) for faces in together] == [1, 0, 1, 1]
    for picture, faces in zip(pictures, together, strict=True):
        for face, alone in zip(faces, finder.find(picture), strict=True):
            np.testing.assert_allclose(face.landmarks, alone.landmarks, atol=1e-3)
            assert face.confidence == pytest.approx(alone.confidence, abs=1e-5)


def test_threads_that_share_a_finder_get_the_numbers_of_one(finder, astronaut):
    pictures = [astronaut, astronaut[40:].copy(), astronaut[:, 40:].copy()] * 4
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(finder.find, pictures))
    for picture, faces in zip(pictures[:3], found[:3], strict=True):
        np.testing.assert_array_equal(finder.find(picture)[0].landmarks, faces[0].landmarks)
    for k in range(3, 12):
        np.testing.assert_array_equal(found[k][0].landmarks, found[k % 3][0].landmarks)


def test_small_faces_of_a_large_picture_are_found(finder, astronaut):
    """Faces of 100 pixels in 24 megapixels, as in photographs of groups."""
    head = cv2.resize(astronaut[20:230, 110:330], None, fx=1.1, fy=1.1, interpolation=cv2.INTER_AREA)
    canvas = np.full((4000, 6000, 3), 120, np.uint8)
    places = [(300 + 700 * k, 400 + 450 * (k % 7)) for k in range(8)]
    for x, y in places:
        canvas[y : y + head.shape[0], x : x + head.shape[1]] = head
    faces = finder.find(canvas)
    assert len(faces) == len(places)
    for face, place in zip(faces, places, strict=True):
        assert eye_error(face, (EYES - [110, 20]) * 1.1 + place) < CLOSE


def test_a_badge_in_a_large_picture_is_no_second_face(finder, astronaut):
    """Enlarged to a frame of 6000 pixels, the wings on the astronaut's chest looked like a face of 110."""
    (face,) = finder.find(cv2.resize(astronaut, (6000, 6000), interpolation=cv2.INTER_NEAREST))
    assert face.box[3] - face.box[1] > 1000


def test_somebody_far_behind_a_large_face_is_found(finder, astronaut):
    canvas = np.full((1600, 2000, 3), 120, np.uint8)
    head = astronaut[20:230, 110:330]
    canvas[:1470, :1540] = cv2.resize(head, (1540, 1470), interpolation=cv2.INTER_CUBIC)
    canvas[300:384, 1700:1788] = cv2.resize(head, (88, 84), interpolation=cv2.INTER_AREA)
    near, far = finder.find(canvas)
    assert near.box[3] - near.box[1] > 10 * (far.box[3] - far.box[1])


class Everywhere(BoxFinder):
    """Proposes the same boxes in every picture."""

    def __init__(self, *boxes: tuple[float, ...]) -> None:
        self.boxes = np.array(boxes, np.float32).reshape(-1, 5)

    def find(self, pixels: np.ndarray) -> np.ndarray:
        return self.boxes


def test_any_box_finder_fits(astronaut):
    """Boxes beside the face and double boxes do no harm: the landmark network judges and refines."""
    boxes = Everywhere((170, 60, 290, 180, 0.9), (175, 70, 285, 180, 0.5), (300, 300, 420, 420, 0.9))
    (face,) = FaceFinder(boxes).find(astronaut)
    assert eye_error(face, EYES) < CLOSE
    assert FaceFinder(Everywhere()).find(astronaut) == []


def test_files_that_are_no_finder_are_refused(tmp_path):
    with pytest.raises(WeightsError, match=r"There is no file .*none\.onnx"):
        open_finder(tmp_path / "none.onnx")
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"no network")
    with pytest.raises(WeightsError, match=r"cannot read .* as YuNet"):
        open_finder(broken)
    bundle = tmp_path / "face_landmarker.task"
    with zipfile.ZipFile(bundle, "w") as archive:
        archive.writestr("other.tflite", b"")
    with pytest.raises(WeightsError, match=r"holds no face_detector\.tflite"):
        open_finder(bundle)
    with zipfile.ZipFile(bundle, "w") as archive:
        archive.writestr("face_detector.tflite", b"no network")
    with pytest.raises(WeightsError, match="OpenCV cannot read"):
        open_finder(bundle)


def test_of_two_overlapping_boxes_the_better_is_kept():
    x, y, side, score = np.array([[5, 5, 10, 0.5], [6, 5, 10, 0.9], [45, 5, 10, 0.1]], np.float32).T
    boxes = boxes_of(x, y, side, score, overlap=0.4)
    np.testing.assert_allclose(boxes, [[1, 0, 11, 10, 0.9], [40, 0, 50, 10, 0.1]])
    assert len(boxes_of(x, y, side, score, overlap=0.95)) == 3  # 90 / 110 shared
    assert boxes_of(x[:0], x[:0], x[:0], x[:0], overlap=0.4).shape == NO_BOXES.shape
