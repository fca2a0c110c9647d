"""Predictions as programs really save them: each value is that of its own column, or the file is refused."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from idennet.errors import InputError, ProtocolError
from idennet.learning.evaluation.prediction_files import NO_FRAME, read_predictions
from idennet.learning.evaluation.prediction_rows import NO_ROW, PredictionRows

HEADER = ("frame", "face_id", "timestamp", "confidence", "success", "AU06_r", "AU12_r")
ROWS = ((1, 0, 0.0, 0.98, 1, 0.1, 0.2), (2, 0, 0.04, 0.98, 1, 1.4, 2.2), (3, 0, 0.08, 0.5, 0, 2.1, 3.3))
SCORES = [[0.02, 0.04], [0.28, 0.44], [np.nan, np.nan]]


def saved(path: Path, separator: str, mark: str = ".", quotes: bool = False) -> Path:
    """The table as a program with these habits writes it."""
    lines = [separator.join(f'"{name}"' if quotes else name for name in HEADER)]
    for row in ROWS:
        cells = [
            (f"{value:.3f}" if isinstance(value, float) else str(value)).replace(".", mark) for value in row
        ]
        lines.append(separator.join(cells))
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize(
    ("separator", "mark", "quotes"),
    [
        (", ", ".", False),
        (",", ".", True),
        (";", ",", False),
        ("\t", ",", True),
        ("\t", ".", False),
        (" ", ".", True),
    ],
)
def test_habits_of_programs_change_no_value(tmp_path: Path, separator: str, mark: str, quotes: bool) -> None:
    table = read_predictions(saved(tmp_path / "t.csv", separator, mark, quotes))
    assert table.aus == (6, 12)
    assert table.frames.tolist() == [1, 2, 3]
    np.testing.assert_allclose(table.scores, SCORES)


@pytest.mark.parametrize("start", ["\ufeff", "sep=,\n", "\n", ""])
def test_marks_before_the_header_are_no_names(tmp_path: Path, start: str) -> None:
    text = start.lstrip("\n") + saved(tmp_path / "t.csv", ",").read_text() + ("\n" if start == "\n" else "")
    (tmp_path / "t.csv").write_text(text, encoding="utf-8")
    np.testing.assert_allclose(read_predictions(tmp_path / "t.csv").scores, SCORES)
    (tmp_path / "t.csv").write_text(text, encoding="utf-16")
    np.testing.assert_allclose(read_predictions(tmp_path / "t.csv").scores, SCORES)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("frame,AU06_r,AU12_r\n1,0,10,0,20\n", "line 2: has 5 cells, but line 1 has 3 names"),
        ("frame,AU06_r\n1,0,5\n2,0,7\n", "line 2: has 3 cells"),  # a decimal comma, or row names
        ('"frame","AU06_r"\n"1",1,0.5\n"2",2,0.7\n', "line 2: has 3 cells"),  # row names of R
        ('"frame","AU06_r"\n"1",0.5,\n"2",0.7,\n', "line 2: has 3 cells"),  # a separator too many
        ("frame,AU06_r\n1,0.5,good\n2,0.7,bad\n", "line 2: has 3 cells"),  # a column without a name
        ("frame,AU06_r\n1,0.5\n2,0.7,\n", "line 3: has 3 cells"),
        ("frame,AU06_r,AU12_r\n1,0.5,0.1\n2,0.7\n", "line 3: has 2 cells"),
        ("frame,AU06_r,,AU12_r\n1,0.5,0.4,0.1\n", "line 1: column 3 has no name"),
        ("frame,AU06_r,AU06_r\n1,0.5,0.4\n", "line 1: two columns are called 'AU06_r'"),
        ("frame;AU06_r;AU12_r\n1;0,5;0.4\n", "line 2: has a decimal comma, but other numbers"),
        ("frame;AU06_r\n1,000;0,5\n", "line 2: frame is '1,000', but must be a whole number"),
        ("frame,AU06_r\n1,inf\n", "line 2: AU06_r is 'inf', which is no number"),
        ("frame,AU06_r\n1,5.1\n", "line 2: AU06_r is 5.1; it must be a number from 0 to 5"),
        ('frame,AU06_r\n1,"0.5\n', "unexpected end of data"),
        ("", "is empty"),
    ],
)
def test_cells_that_do_not_fit_are_refused(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(InputError, match=sentence):
        read_predictions(tmp_path / "t.csv")


def test_rounding_is_no_mistake_and_nothing_leaves_the_scale(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(
        "frame,AU12,FaceScore,input\n0,1.0000001,0.9,a.mp4\n1,-1e-7,0.9,a.mp4\n2,NaN,,a.mp4\n3,NA,,a.mp4\n"
    )
    scores = read_predictions(tmp_path / "t.csv").scores[:, 0]
    np.testing.assert_array_equal(scores, [1, 0, np.nan, np.nan])


@pytest.mark.parametrize(
    ("columns", "row"),
    [
        ("AU12,AU12_present", "0.4,1"),  # aus.csv since 0.4
        ("AU12,AU12_prob", "1,0.4"),  # aus.csv of 0.3, and plain tables
    ],
)
def test_tables_of_detect_are_predictions(tmp_path: Path, columns: str, row: str) -> None:
    lines = (f"file,face,problem,{columns},version", f"a/t1/7.png,1,,{row},x", "b.png,,no face found,,,x")
    (tmp_path / "aus.csv").write_text("\n".join(lines))
    table = read_predictions(tmp_path / "aus.csv")
    np.testing.assert_array_equal(table.scores[:, 0], [0.4, np.nan])
    np.testing.assert_array_equal(table.decisions[:, 0], [1, np.nan])
    assert table.recordings.tolist() == ["a/t1/7", "b"]


def test_detect_counts_frames_of_videos_from_0_and_leaves_those_of_pictures_empty(tmp_path: Path) -> None:
    lines = ("file,frame,time,face,AU12,AU12_present", "a.mp4,0,0.0,1,0.4,0", "b/c.png,,,1,0.9,1")
    (tmp_path / "aus.csv").write_text("\n".join(lines))
    table = read_predictions(tmp_path / "aus.csv")
    assert table.recordings.tolist() == ["a", "b/c"]
    assert table.frames.tolist() == [1, NO_FRAME]


def test_what_a_table_of_decisions_leaves_empty_was_not_read(tmp_path: Path) -> None:
    """With its decision; half of the two is a mistake."""
    head = "file,AU5,AU5_present,AU12,AU12_present\n"
    (tmp_path / "aus.csv").write_text(head + "a.png,,,0.9,1\n")
    table = read_predictions(tmp_path / "aus.csv")
    np.testing.assert_array_equal(table.scores, [[np.nan, 0.9]])
    np.testing.assert_array_equal(table.decisions, [[np.nan, 1]])
    (tmp_path / "aus.csv").write_text(head + "a.png,,1,0.9,1\n")
    with pytest.raises(InputError, match="line 2: AU5 is nan"):
        read_predictions(tmp_path / "aus.csv")


@dataclass
class Faces:
    """Faces of some recordings, or the pictures of a list."""

    frames: pd.DataFrame
    path: str = "store"

    @classmethod
    def of(cls, *keys: tuple[str, str, int], pictures: Sequence[str] = ()) -> "Faces":
        frames = pd.DataFrame(keys, columns=["subject", "sequence", "frame"])
        return cls(frames.assign(picture=pictures) if pictures else frames)


BP4D = Faces.of(*product(("bp4d/F001", "bp4d/F002"), ("T1", "T8"), (7, 8)))
DISFA = Faces.of(*((f"disfa/{name}", name, frame) for name, frame in product(("SN001", "SN002"), (1, 2))))
UNBC = Faces.of(*product(["unbc/042-ll042"], ("ll042t1aaaff", "ll042t1aiaff"), (1, 2)))


def rows(tmp_path: Path, faces: Faces, files: dict[str, str]) -> list[float]:
    """The score of AU12 that each face gets from files; NaN without one."""
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    table = read_predictions(tmp_path)
    found = PredictionRows(table, [faces]).of(faces)
    return np.where(found == NO_ROW, np.nan, table.scores[found, 0]).tolist()


OPENFACE = "frame,success,AU12_r\n1,1,0.5\n2,1,1.0\n"
LIBREFACE = "frame_idx,au_12_intensity\n0,0.5\n1,1.0\n"


def py_feat(*names: str) -> str:
    lines = [f"{frame},0.9,0.{frame + 1},{name}" for frame, name in enumerate(names)]
    return "\n".join(["frame,FaceScore,AU12,input", *lines]) + "\n"


@pytest.mark.parametrize("name", ["SN001", "LeftVideoSN001_comp", "RightVideoSN001_comp_openface"])
@pytest.mark.parametrize("text", [OPENFACE, LIBREFACE])
def test_files_are_named_after_the_videos_of_disfa(tmp_path: Path, name: str, text: str) -> None:
    np.testing.assert_allclose(rows(tmp_path, DISFA, {f"{name}.csv": text}), [0.1, 0.2, np.nan, np.nan])


def test_py_feat_names_the_videos_and_pictures_of_disfa(tmp_path: Path) -> None:
    videos = py_feat(*["/data/DISFA/Videos_LeftCamera/LeftVideoSN002_comp.avi"] * 2)
    np.testing.assert_allclose(rows(tmp_path, DISFA, {"fex.csv": videos}), [np.nan, np.nan, 0.1, 0.2])
    pictures = py_feat("LeftVideoSN001_comp/0002.jpg", "x/LeftVideoSN002_comp_0001.jpg")
    np.testing.assert_allclose(rows(tmp_path, DISFA, {"fex.csv": pictures}), [np.nan, 0.1, 0.2, np.nan])


@pytest.mark.parametrize(
    "name", ["F001_T1", "F001-T1", "F001/T1", "F001_T1_cam2", "bp4d/F001_T1_rgb_aligned"]
)
def test_files_are_named_after_the_sequences_of_bp4d(tmp_path: Path, name: str) -> None:
    text = OPENFACE.replace("\n1,", "\n7,").replace("\n2,", "\n8,")
    np.testing.assert_allclose(rows(tmp_path, BP4D, {f"{name}.csv": text})[:2], [0.1, 0.2])


def test_pictures_of_bp4d_and_unbc_end_with_their_frame(tmp_path: Path) -> None:
    bp4d = py_feat("2D/F001/T1/0007.jpg", "F001_T8_0008.jpg", "F002_T1/8.png")
    np.testing.assert_allclose(
        rows(tmp_path, BP4D, {"fex.csv": bp4d}), [0.1, *[np.nan] * 2, 0.2, np.nan, 0.3, *[np.nan] * 2]
    )
    unbc = py_feat("Images/042-ll042/ll042t1aaaff/ll042t1aaaff002.png", "ll042t1aiaff001.png")
    np.testing.assert_allclose(rows(tmp_path, UNBC, {"fex.csv": unbc}), [np.nan, 0.1, 0.2, np.nan])
    np.testing.assert_allclose(
        rows(tmp_path / "o", UNBC, {"ll042t1aiaff.csv": OPENFACE}), [np.nan, np.nan, 0.1, 0.2]
    )


def test_another_recording_of_a_known_person_is_never_taken_for_this_one(tmp_path: Path) -> None:
    alone = Faces.of(("bp4d/F001", "T1", 1), ("bp4d/F001", "T1", 2))
    for name in ("F001_T9", "F001_T11", "F0011", "F001_again"):
        with pytest.raises(ProtocolError, match=f"no store has the recording '.*{name}'"):
            rows(tmp_path / name, alone, {f"{name}.csv": OPENFACE})


FACE_LANDMARK_IMG = "face, confidence, AU06_r, AU12_r\n0, 0.98, 1.4, 2.5\n"


def test_a_file_about_one_picture_is_named_after_it(tmp_path: Path) -> None:
    files = {"F001/T1/8.csv": FACE_LANDMARK_IMG, "F002_T8_7.csv": FACE_LANDMARK_IMG}
    found = rows(tmp_path, BP4D, files)
    assert np.flatnonzero(np.isfinite(found)).tolist() == [1, 6]
    single = Faces.of(("x/A", "t1", 5), ("x/B", "t1", 5))
    found = rows(tmp_path / "s", single, {"A_t1.csv": FACE_LANDMARK_IMG})
    assert np.isfinite(found).tolist() == [True, False]
    with pytest.raises(ProtocolError, match="which of the 2 frames of bp4d/F001/T1 it is about"):
        rows(tmp_path / "m", BP4D, {"F001_T1.csv": FACE_LANDMARK_IMG})


def test_pictures_of_a_list_are_found_by_their_path(tmp_path: Path) -> None:
    pictures = ("p01/smile.jpg", "p01/neutral.jpg", "p02/smile.jpg")
    faces = Faces.of(*((f"mine/{name[:3]}", name, -1) for name in pictures), pictures=pictures)
    text = py_feat("/elsewhere/p02/smile.jpg", "p01/neutral.jpg", "p03/smile.jpg")
    np.testing.assert_allclose(rows(tmp_path, faces, {"fex.csv": text}), [np.nan, 0.2, 0.1])
    files = {"p02/smile.csv": FACE_LANDMARK_IMG, "neutral.csv": FACE_LANDMARK_IMG}
    np.testing.assert_allclose(rows(tmp_path / "of", faces, files), [np.nan, 0.28, 0.28])
    with pytest.raises(ProtocolError, match=r"'smile' may be mine/p01/p01/smile.jpg or mine/p02"):
        rows(tmp_path / "which", faces, {"fex.csv": py_feat("smile.jpg")})
    with pytest.raises(ProtocolError, match="has a row already"):
        rows(tmp_path / "twice", faces, {"fex.csv": py_feat("p02/smile.jpg", "p02/smile.jpg")})
