"""UNBC-McMaster: a reader agrees with a fake tree quirk by quirk, and names what a broken tree lacks."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from agreement import assert_agreement, by_name, shaded_people
from drawn_people import all_of

from idennet.errors import InputError, StoreError
from idennet.faces.landmarks import eye_centres
from idennet.learning.data.prepare import prepare
from idennet.learning.data.readers.records import LeftOut, Totals
from idennet.learning.data.readers.unbc import AUS, BLACK_PICTURE, NO_PICTURE, Unbc, read_facs
from idennet.research.synth.fake_trees.common import FakeFrame
from idennet.research.synth.fake_trees.unbc import write_unbc

Written = tuple[Path, list[FakeFrame]]
FIRST = "042-ll042/ll042t1aaaff/ll042t1aaaff"


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Written:
    root = tmp_path_factory.mktemp("unbc") / "tree"
    return root, write_unbc(root, shaded_people(3, 8))


@pytest.fixture
def copy(tree: Written, tmp_path: Path) -> Path:
    return shutil.copytree(tree[0], tmp_path / "copy")


def at_least(threshold: int) -> Callable[[FakeFrame], dict[int, int]]:
    """Eyes are closed or not, whatever the threshold."""
    return lambda frame: {
        au: int(level >= (1 if au == 43 else threshold)) for au, level in frame.levels.items()
    }


@pytest.mark.parametrize("threshold", [1, 2, 5])
def test_the_reader_says_what_the_tree_says(tree: Written, threshold: int) -> None:
    found = assert_agreement(Unbc(tree[0], threshold=threshold), tree[1], at_least(threshold))
    assert len(found) == 24


def test_the_usual_threshold_is_1(tree: Written) -> None:
    assert_agreement(Unbc(tree[0]), tree[1], at_least(1))
    with pytest.raises(InputError, match="from 1 to 5"):
        Unbc(tree[0], threshold=0)


def test_an_empty_file_is_neutral_not_missing(tree: Written) -> None:
    file = tree[0] / f"Frame_Labels/FACS/{FIRST}001_facs.txt"
    assert file.stat().st_size == 0
    record = by_name(all_of(Unbc(tree[0])))["unbc/042-ll042/ll042t1aaaff/1"]
    assert record.au_labels == dict.fromkeys(AUS, 0)
    assert record.au_intensities == dict.fromkeys(AUS, 0.0)


def test_only_listed_numbers_that_exist_count(tmp_path: Path) -> None:
    file = tmp_path / "x_facs.txt"
    file.write_text(
        "   4.0000000e+00   3.0000000e+00   0.0000000e+00   0.0000000e+00\r\n"
        "   5.0000000e+01   1.0000000e+00   0.0000000e+00   0.0000000e+00\r\n"
        "   0.0000000e+00   0.0000000e+00   0.0000000e+00   0.0000000e+00\r\n\r\n"
    )
    assert read_facs(file) == {4: 3.0}


def test_uncoded_action_units_are_not_called_absent(tree: Written) -> None:
    records = [item for item in all_of(Unbc(tree[0])) if not isinstance(item, LeftOut)]
    assert all(1 not in record.au_labels and 2 not in record.au_labels for record in records)


def test_pain_scores_of_the_same_name_are_not_read_for_codes(tree: Written) -> None:
    """PSPI = AU4 + max(AU6, AU7) + max(AU9, AU10) + AU43, so the intensities must give the score files."""
    for record in all_of(Unbc(tree[0])):
        if isinstance(record, LeftOut):
            continue
        folder = tree[0] / "Frame_Labels" / "PSPI" / record.subject.removeprefix("unbc/") / record.sequence
        score = float((folder / f"{record.sequence}{record.frame:03d}_facs.txt").read_text())
        level = record.au_intensities
        assert score == level[4] + max(level[6], level[7]) + max(level[9], level[10]) + level[43]


def test_black_pictures_are_left_out(tree: Written) -> None:
    left_out = [item for item in all_of(Unbc(tree[0])) if isinstance(item, LeftOut)]
    assert left_out == [LeftOut("unbc/042-ll042/ll042t1aaaff/4", BLACK_PICTURE)]
    assert not any(isinstance(item, LeftOut) for item in all_of(Unbc(tree[0], black=0)))


def test_landmarks_may_be_missing_and_lack_two_points(tree: Written) -> None:
    found = by_name(all_of(Unbc(tree[0])))
    assert found["unbc/042-ll042/ll042t1aaaff/2"].landmarks is None
    points = found["unbc/042-ll042/ll042t1aaaff/1"].landmarks
    assert np.flatnonzero(np.isnan(points[:, 0])).tolist() == [60, 64]


def test_subjects_are_whole_folder_names(tree: Written) -> None:
    assert {item.subject for item in all_of(Unbc(tree[0])) if not isinstance(item, LeftOut)} == {
        "unbc/042-ll042",
        "unbc/043-jh043",
        "unbc/047-jl047",
    }


def flat(root: Path) -> None:
    """No level Frame_Labels, no nested Images."""
    for folder in (root / "Frame_Labels").iterdir():
        folder.rename(root / folder.name)
    (root / "Images" / "Images").rename(root / "moved")
    (root / "Images").rmdir()
    (root / "moved").rename(root / "Images")


def nested(root: Path) -> None:
    """Frame_Labels twice, and what a Mac leaves behind."""
    (root / "Frame_Labels").rename(root / "moved")
    (root / "Frame_Labels").mkdir()
    (root / "moved").rename(root / "Frame_Labels" / "Frame_Labels")
    (root / "Images" / "Images" / ".DS_Store").touch()


@pytest.mark.parametrize("change", [flat, nested])
def test_other_trees_say_the_same(tree: Written, copy: Path, change: Callable[[Path], None]) -> None:
    change(copy)
    assert_agreement(Unbc(copy), tree[1], at_least(1))


def test_nothing_is_missing_from_a_complete_tree(
    copy: Path, tree: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Unbc, "published", Totals(24, 3, 6))
    (finding,) = Unbc(copy).check()
    assert finding == (
        "6 of 24 coded frames lack landmarks, the first is ll042t1aaaff002; copy AAM_landmarks; "
        "without them faces are searched for."
    )
    complete(copy)
    assert Unbc(copy).check() == []


def complete(root: Path) -> None:
    """Give each second frame the landmarks of the first."""
    for file in (root / "AAM_landmarks").rglob("*001_aam.txt"):
        shutil.copy(file, file.with_name(file.name.replace("001_aam", "002_aam")))


@pytest.mark.parametrize(
    ("lost", "sentence"),
    [
        ("Frame_Labels", f"has no codes such as Frame_Labels/FACS/{FIRST}001_facs.txt; UNBC-McMaster is"),
        ("Images", f"has no pictures such as Images/{FIRST}001.png; copy Images too."),
        (f"Images/Images/{FIRST}003.png", "042-ll042/ll042t1aaaff lacks 1 of 4 pictures, the first is 003"),
        (f"Frame_Labels/FACS/{FIRST}001_facs.txt", "also empty ones: they mean that no Action Unit is"),
        ("AAM_landmarks/042-ll042", "8 of 24 coded frames lack landmarks, the first is ll042t1aaaff001;"),
        ("Frame_Labels/FACS/042-ll042/ll042t1aaunaff", "FACS files of 5 sequences are there, 6 are"),
    ],
)  # fmt: skip
def test_a_half_copied_tree_is_told_in_one_sentence(
    copy: Path, monkeypatch: pytest.MonkeyPatch, lost: str, sentence: str
) -> None:
    monkeypatch.setattr(Unbc, "published", Totals(24, 3, 6))
    complete(copy)
    place = copy / lost
    shutil.rmtree(place) if place.is_dir() else place.unlink()
    (finding,) = Unbc(copy).check()
    assert sentence in finding


@pytest.mark.parametrize("content", ["4 3 0\n", "4 6 0 0\n", "4 x 0 0\n", "4 3 0 0\n6 1"])
def test_damaged_codes_are_named(copy: Path, content: str) -> None:
    (copy / f"Frame_Labels/FACS/{FIRST}003_facs.txt").write_text(content)
    with pytest.raises(StoreError, match=r"ll042t1aaaff003_facs\.txt is damaged"):
        all_of(Unbc(copy))
    assert any("ll042t1aaaff003_facs.txt is damaged" in finding for finding in Unbc(copy).check())


def test_codes_that_were_cut_off_are_told_by_the_pain_score(copy: Path, tmp_path: Path) -> None:
    pain = {4: 2, 6: 1, 10: 3, 43: 1}
    file = copy / f"Frame_Labels/FACS/{FIRST}003_facs.txt"
    score = copy / f"Frame_Labels/PSPI/{FIRST}003_facs.txt"
    file.write_text("".join(f"   {au:.1f}   {level:.1f}   0   0\n" for au, level in pain.items()))
    score.write_text("   7.0000000e+00\n")
    assert Unbc(copy).cut_labels() == []
    for kept in (3, 2, 1, 0):
        file.write_text("".join(file.read_text().splitlines(keepends=True)[:kept]))
        (finding,) = Unbc(copy).cut_labels()
        assert finding == (
            "042-ll042/ll042t1aaaff has 1 of 4 FACS files that do not give the pain score of their PSPI "
            "file, the first is ll042t1aaaff003_facs.txt; they were cut off, copy them again."
        )
    assert finding in Unbc(copy).check()
    report = prepare(Unbc(copy), tmp_path / "s", locate=lambda picture: None)
    assert report.cut_labels == (finding,)
    assert not report.is_complete


def test_missing_and_unreadable_pictures_are_counted(copy: Path) -> None:
    (copy / f"Images/Images/{FIRST}001.png").write_bytes(b"PNG")
    (copy / f"Images/Images/{FIRST}003.png").unlink()
    found = [item for item in all_of(Unbc(copy)) if isinstance(item, LeftOut)]
    assert [item.reason.split(":")[0] for item in found] == ["unreadable", NO_PICTURE, BLACK_PICTURE]


def test_a_missing_root_says_where_to_ask(tmp_path: Path) -> None:
    (finding,) = Unbc(tmp_path / "nowhere").check()
    assert "There is no folder" in finding
    assert "licensed, ask for it at http" in finding
    with pytest.raises(StoreError, match="has no codes"):
        Unbc(tmp_path).chunks()


def test_prepared_with_a_warning_about_the_totals(tree: Written, tmp_path: Path) -> None:
    report = prepare(Unbc(tree[0]), tmp_path / "s", locate=lambda picture: None)
    assert report.left_out == {BLACK_PICTURE: 1, "no face found": 6}
    assert report.differences == ("24 pictures, not 48,398", "3 subjects, not 25", "6 sequences, not 200")
    for points in report.store.landmarks:
        np.testing.assert_allclose(eye_centres(points), [[44, 44], [84, 44]], atol=1e-3)
