"""Finding folders of varying names, reading small tables, bringing points into the order of 68."""

from pathlib import Path

import numpy as np
import pytest

from idennet.errors import StoreError
from idennet.learning.data.readers.point_sets import POINTS_49, POINTS_66, as_68
from idennet.learning.data.readers.tables import frame_numbers, read_lines, read_numbers
from idennet.learning.data.readers.tree import archive_hint, find_folder, folders_below, plain


def make(root: Path, *folders: str) -> None:
    for folder in folders:
        (root / folder).mkdir(parents=True)


def test_names_are_compared_without_case_blanks_and_dashes(tmp_path: Path) -> None:
    make(tmp_path, "x/AU Intensity-Codes3.0")
    assert plain("AU_Intensity Codes3.0") == "auintensitycodes3.0"
    assert find_folder(tmp_path, "au_intensity_codes3.0") == tmp_path / "x" / "AU Intensity-Codes3.0"


def test_the_shallowest_folder_wins_and_levels_of_one_name_are_entered(tmp_path: Path) -> None:
    make(tmp_path, "a/b/Images", "Images/images/Images/s1", ".Images")
    assert find_folder(tmp_path, "Images") == tmp_path / "Images/images/Images"
    assert find_folder(tmp_path, "nothing") is None
    assert find_folder(tmp_path / "missing", "Images") is None


def test_the_search_has_a_depth(tmp_path: Path) -> None:
    make(tmp_path, "a/b/c/Images")
    assert find_folder(tmp_path, "Images") is None
    assert find_folder(tmp_path, "Images", depth=4) == tmp_path / "a/b/c/Images"
    assert [folder.name for folder in folders_below(tmp_path, depth=2)] == [tmp_path.name, "a", "b"]


def test_folders_that_are_not_entered_are_still_yielded(tmp_path: Path) -> None:
    make(tmp_path, "F001/T1", "other/T2")
    names = [folder.name for folder in folders_below(tmp_path, enter=lambda name: name != "F001")]
    assert names == [tmp_path.name, "F001", "other", "T2"]


def test_archives_are_named(tmp_path: Path) -> None:
    (tmp_path / "Frame_Labels.ZIP").touch()
    assert archive_hint(tmp_path, "FrameLabels") == " (unpack Frame_Labels.ZIP first)"
    assert archive_hint(tmp_path, "Images") == ""


def test_tables_with_windows_lines_and_a_byte_order_mark(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_bytes("\ufeff 1,0\r\n\r\n2,5 \r\n\r\n".encode())
    table = read_numbers(file, read_lines(file), 2)
    assert table.tolist() == [[1, 0], [2, 5]]
    assert frame_numbers(file, table).tolist() == [1, 2]


@pytest.mark.parametrize("first", [[-1.0, 2.0], [1.5, 2.0], [3.0, 3.0]])
def test_frames_are_whole_and_unique(tmp_path: Path, first: list[float]) -> None:
    with pytest.raises(StoreError, match="each frame once"):
        frame_numbers(tmp_path / "t.csv", np.array(first)[:, None])


def test_point_sets_lie_where_68_points_have_them() -> None:
    all_68 = np.arange(136, dtype=np.float32).reshape(68, 2)
    of_66 = as_68(np.delete(all_68, (60, 64), axis=0))
    of_49 = as_68(np.delete(all_68, (*range(17), 60, 64), axis=0))
    for points, known in ((of_66, POINTS_66), (of_49, POINTS_49), (as_68(all_68), np.arange(68))):
        assert np.flatnonzero(np.isfinite(points[:, 0])).tolist() == known.tolist()
        assert np.array_equal(points[known], all_68[known])
    # 49 points, counted from 1: 20 to 25 and 26 to 31 are the eyes, 32 and 38 the corners of the mouth.
    set_49 = all_68[POINTS_49]
    assert np.array_equal(set_49[19:25], all_68[36:42])
    assert np.array_equal(set_49[25:31], all_68[42:48])
    assert np.array_equal(set_49[[31, 37]], all_68[[48, 54]])


def test_lost_faces_have_no_points() -> None:
    points = np.ones((66, 2))
    assert as_68(points) is not None
    points[40] = np.nan
    assert as_68(points) is None
    for lost in (np.zeros(2), np.zeros((0, 0)), np.zeros((5, 2)), np.zeros((66, 3))):
        assert as_68(lost) is None
