"""Labels by a landmarker: the square about a face, which face counts, the lips, whose picture it is, errors.

The landmarker's file is not here, so a stand-in reads pictures by their colour.
"""

import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from typer.testing import CliRunner

from idennet.cli.main import app
from idennet.errors import InputError, NoFaceError, WeightsError
from idennet.faces.boxes import Pixels
from idennet.faces.mediapipe import Proposals
from idennet.learning.data.landmarker import (
    BLENDSHAPES,
    Landmarked,
    Landmarker,
    lip_gap,
    main_face,
    square_of,
)
from idennet.learning.data.store import FaceStore
from idennet.learning.data.teach import photographs_of, teach
from idennet.learning.data.teacher import LIP_GAP, VALUES, Taught, TeacherLabels

RIGHT_EYE, LEFT_EYE = [33, 160, 158, 133, 153, 144], [362, 385, 387, 263, 373, 380]


def face(gap: float = 0.0, smile: float = 0.0) -> Landmarked:
    """Return a face with eyes 50 pixels apart and lips `gap` pixels apart."""
    points = np.zeros((478, 2), np.float32)
    points[RIGHT_EYE], points[LEFT_EYE] = (100, 100), (130, 140)
    points[13], points[14] = (120, 180), (120, 180 + gap)
    return Landmarked(points, np.array([smile * name.startswith("mouthSmile") for name in BLENDSHAPES]))


def by_colour(pixels: Pixels) -> Landmarked | None:
    """Read the smile from red and the lip gap from green; a black picture has no face."""
    red, green, _ = pixels[0, 0].astype(float)
    return face(gap=green, smile=red / 255) if pixels.any() else None


def paint(file: Path, colour: tuple[int, int, int]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 8), colour).save(file)


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """Ada smiles in one of two pictures, and has a damaged one; Ben is not seen."""
    folder = tmp_path / "people"
    paint(folder / "Ada" / "1.png", (255, 10, 0))
    paint(folder / "Ada" / "2.png", (0, 5, 0))
    paint(folder / "Ben" / "1.png", (0, 0, 0))
    (folder / "Ada" / "3.png").write_bytes(b"no picture")
    return folder


@pytest.mark.parametrize("roll", [-170, -30, 0, 12, 90])
def test_the_square_is_level_and_half_as_wide_again(roll: float) -> None:
    cosine, sine = np.cos(np.radians(roll)), np.sin(np.radians(roll))
    turn = np.array([[cosine, -sine], [sine, cosine]])
    middle, side = np.array([130.0, 90.0]), 60.0
    eyes = middle + np.array([[-15, -10], [15, -10]]) @ turn.T
    matrix = square_of(middle, side, eyes)
    corners = middle + 45 * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) @ turn.T
    landed = corners @ matrix[:, :2].T + matrix[:, 2]
    np.testing.assert_allclose(landed, [[0, 0], [256, 0], [256, 256], [0, 256]], atol=1e-3)
    right, left = eyes @ matrix[:, :2].T + matrix[:, 2]
    assert right[1] == pytest.approx(left[1], abs=1e-3)
    assert right[0] < left[0]


def test_the_face_nearest_the_middle_counts_with_all_its_proposals() -> None:
    middles = np.array([[30, 30], [118, 122], [124, 126]], np.float32)
    eyes = middles[:, None] + np.array([[-10, -5], [10, -5]], np.float32)
    scores = np.array([0.99, 0.6, 0.9], np.float32)
    proposals = Proposals(middles, np.array([50, 60, 66], np.float32), eyes, scores)
    middle, side, found = main_face(proposals, 250, 250)
    shares = np.array([0.4, 0.6])
    np.testing.assert_allclose(middle, shares @ middles[1:], rtol=1e-5)
    assert side == pytest.approx(shares @ [60, 66])
    np.testing.assert_allclose(found, np.tensordot(shares, eyes[1:], 1), rtol=1e-5)


def test_the_lip_gap_is_in_eye_distances() -> None:
    assert lip_gap(face(gap=10).points) == pytest.approx(0.2)
    assert lip_gap(7 * face(gap=10).points + 3) == pytest.approx(0.2)


def test_the_blendshapes_that_lessons_need_are_known() -> None:
    assert len(BLENDSHAPES) == len(set(BLENDSHAPES)) == 52
    assert set(VALUES) <= {*BLENDSHAPES, LIP_GAP}


def test_labels_have_a_row_for_every_picture(people: Path, tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    report = teach(people, by_colour, lambda *step: steps.append(step))
    report.labels.save(tmp_path / "labels.parquet")
    table = pd.read_parquet(tmp_path / "labels.parquet")
    assert list(table) == ["picture", "subject", *VALUES]
    assert set(table.dtypes[2:]) == {np.dtype(np.float16)}
    assert list(zip(table["subject"], table["picture"], strict=True)) == [
        ("Ada", "1"), ("Ada", "2"), ("Ada", "3"), ("Ben", "1"),
    ]  # fmt: skip
    assert table["mouthSmileLeft"].tolist()[:2] == [1, 0]
    assert table[LIP_GAP].tolist()[:2] == pytest.approx([0.2, 0.1], abs=1e-3)
    assert table.loc[2:, list(VALUES)].isna().all(axis=None)
    assert report.faceless == (str(people / "Ben" / "1.png"),)
    assert report.unreadable == (str(people / "Ada" / "3.png"),)
    assert steps == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_pictures_of_two_people_may_have_one_name(people: Path, tmp_path: Path) -> None:
    paint(people / "Ben" / "1.png", (0, 20, 0))
    teach(people, by_colour).labels.save(tmp_path / "labels.parquet")
    labels = TeacherLabels.open(tmp_path / "labels.parquet")

    class Prepared(FaceStore):
        frames = pd.DataFrame({"subject": ["people/Ben", "people/Ada", "people/Eve"], "sequence": ["1"] * 3})

        def __init__(self) -> None: ...

    logits, believed, sides = Taught(labels, "labels").of(Prepared(), [12])
    assert logits[:, 0].tolist() == pytest.approx([-3, 6, np.nan], nan_ok=True)
    assert believed[:, 0].tolist() == [1, 1, 0]
    assert np.isnan(sides[2]).all()


def test_a_picture_by_itself_shows_somebody_else(people: Path) -> None:
    paint(people / "stranger.png", (9, 9, 9))
    (people / ".hidden.png").write_bytes(b"")
    (people / "notes.txt").write_text("none")
    names = [(photograph.subject, photograph.name) for photograph in photographs_of(people)]
    assert names == [("Ada", "1"), ("Ada", "2"), ("Ada", "3"), ("Ben", "1"), ("stranger", "stranger")]


def test_folders_that_cannot_be_used_are_refused_in_a_sentence(people: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"has no pictures, neither in subfolders, .*\.$"):
        photographs_of(tmp_path / "empty")
    with pytest.raises(InputError, match="There is no folder"):
        photographs_of(tmp_path / "none")
    with pytest.raises(NoFaceError, match=r"In none of the 4 pictures of .* a face was found\."):
        teach(people, lambda pixels: None)
    paint(people / "Ada" / "1.jpg", (0, 0, 0))
    with pytest.raises(InputError, match=r"1\.jpg and .*1\.png would get the same label; rename one"):
        photographs_of(people)


def test_files_that_are_no_teacher_are_refused_in_a_sentence(people: Path, tmp_path: Path) -> None:
    model, out = tmp_path / "face_landmarker.task", tmp_path / "labels.parquet"
    with pytest.raises(WeightsError, match="There is no"):
        Landmarker(model)
    model.write_bytes(b"no archive")
    with pytest.raises(WeightsError, match=r"holds no face_detector\.tflite; give MediaPipe's"):
        Landmarker(model)
    with zipfile.ZipFile(model, "w") as bundle:
        bundle.writestr("face_detector.tflite", b"no network")
    with pytest.raises(WeightsError, match="OpenCV cannot read the networks of"):
        Landmarker(model)
    command = ["teach", str(people), "--model", str(model), "--out"]
    ran = CliRunner().invoke(app, [*command, str(out)])
    assert ran.exit_code == 2
    assert ran.stderr == f"OpenCV cannot read the networks of {model}.\n"
    assert not out.exists()
    ran = CliRunner().invoke(app, [*command, str(tmp_path / "none" / "labels.parquet")])
    assert (ran.exit_code, "make it first" in ran.stderr) == (2, True)
