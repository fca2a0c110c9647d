"""DISFA: a reader agrees with a fake tree quirk by quirk, and names what a broken tree lacks."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from agreement import assert_agreement, by_name, shaded_people
from drawn_people import all_of

from idennet.errors import InputError, StoreError
from idennet.learning.data.prepare import prepare
from idennet.learning.data.readers import disfa, disfa_bad_frames
from idennet.learning.data.readers.disfa import BAD_FRAME, VIDEO_ENDS, Disfa
from idennet.learning.data.readers.records import LeftOut, Totals
from idennet.research.synth.fake_trees.common import FakeFrame
from idennet.research.synth.fake_trees.disfa import write_disfa, write_video

Written = tuple[Path, list[FakeFrame]]


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Written:
    root = tmp_path_factory.mktemp("disfa") / "tree"
    return root, write_disfa(root, shaded_people(3, 8))


@pytest.fixture
def copy(tree: Written, tmp_path: Path) -> Path:
    return shutil.copytree(tree[0], tmp_path / "copy")


def at_least(threshold: int) -> Callable[[FakeFrame], dict[int, int]]:
    return lambda frame: {au: int(level >= threshold) for au, level in frame.levels.items()}


@pytest.mark.parametrize("threshold", [1, 2, 5])
def test_the_reader_says_what_the_tree_says(tree: Written, threshold: int) -> None:
    root, said = tree
    found = assert_agreement(Disfa(root, threshold=threshold), said, at_least(threshold))
    assert len(found) == 23
    assert not any(isinstance(item, LeftOut) for item in found.values())


def test_the_usual_threshold_is_2(tree: Written) -> None:
    assert_agreement(Disfa(tree[0]), tree[1], at_least(2))
    for wrong in (0, 6, 1.5):
        with pytest.raises(InputError, match="from 1 to 5"):
            Disfa(tree[0], threshold=wrong)


def test_frames_are_counted_from_1_in_the_order_of_the_video(tree: Written) -> None:
    found = by_name(all_of(Disfa(tree[0])))
    shades = [found[f"disfa/SN001/SN001/{frame}"].load().pixels[5, 5].mean() for frame in range(1, 9)]
    np.testing.assert_allclose(shades, [30 + 10 * row for row in range(8)], atol=3)


def test_sn010_has_one_label_less_than_frames(tree: Written) -> None:
    assert [chunk.size for chunk in Disfa(tree[0]).chunks()] == [8, 7, 8]


def test_both_ways_to_name_landmark_files(tree: Written) -> None:
    root = tree[0] / "Landmark_Points"
    assert (root / "SN001/tmp_frame_lm/SN001_0000_lm.mat").exists()
    assert (root / "SN010/frame_lm/l00001_lm.mat").exists()
    points = by_name(all_of(Disfa(tree[0])))["disfa/SN010/SN010/1"].landmarks
    assert np.flatnonzero(np.isnan(points[:, 0])).tolist() == [60, 64]


def test_a_damaged_landmark_file_means_none(tree: Written) -> None:
    assert by_name(all_of(Disfa(tree[0])))["disfa/SN031/SN031/8"].landmarks is None


def test_the_right_camera_has_no_landmarks(tree: Written) -> None:
    found = all_of(Disfa(tree[0], camera="right"))
    left = all_of(Disfa(tree[0]))
    assert len(found) == 23
    assert all(record.landmarks is None for record in found)
    moved = np.roll(left[0].image, 30, axis=1).astype(int)
    assert np.abs(found[0].image - moved).mean() < 2
    with pytest.raises(InputError, match="left and right"):
        Disfa(tree[0], camera="top")


def test_bad_frames_lose_their_landmarks_or_are_left_out(
    tree: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(disfa_bad_frames.BAD_FRAMES, "SN001", ((2, 3), (6, 6)))
    found = by_name(all_of(Disfa(tree[0])))
    bare = [name for name, record in found.items() if record.landmarks is None]
    assert bare == [f"disfa/SN001/SN001/{frame}" for frame in (2, 3, 6)] + ["disfa/SN031/SN031/8"]
    without = all_of(Disfa(tree[0], leave_out_bad_frames=True))
    assert [item for item in without if isinstance(item, LeftOut)] == [
        LeftOut(f"disfa/SN001/{frame}", BAD_FRAME) for frame in (2, 3, 6)
    ]


def test_the_list_of_bad_frames_is_the_published_one() -> None:
    counts = {
        subject: sum(last - first + 1 for first, last in ranges)
        for subject, ranges in disfa_bad_frames.BAD_FRAMES.items()
    }
    assert 130_814 - sum(counts.values()) == 126_144
    assert 4_845 - counts["SN021"] == 1_793
    assert disfa_bad_frames.is_bad("SN001", 398)
    assert not disfa_bad_frames.is_bad("SN001", 421)
    assert not disfa_bad_frames.is_bad("SN003", 398)


def test_folders_have_several_names(tree: Written, copy: Path) -> None:
    (copy / "Videos_LeftCamera").rename(copy / "Video_LeftCamera")
    folder = copy / "ActionUnit_Labels"
    folder.rename(copy / "moved")
    folder.mkdir()
    (copy / "moved").rename(folder / "ActionUnit_Labels")
    assert_agreement(Disfa(copy), tree[1], at_least(2))


def test_mpeg4_with_b_frames_is_read_in_order(tmp_path: Path) -> None:
    said = write_disfa(tmp_path / "tree", shaded_people(1, 8), codec="mpeg4")
    assert_agreement(Disfa(tmp_path / "tree"), said, at_least(2))


def test_a_video_that_ends_early(copy: Path) -> None:
    video = next(copy.rglob("LeftVideoSN001_comp.avi"))
    write_video(video, [np.zeros((64, 64, 3), np.uint8)] * 6, "libx264")
    found = all_of(Disfa(copy))
    assert [item for item in found if isinstance(item, LeftOut)] == [
        LeftOut(f"disfa/SN001/{frame}", VIDEO_ENDS) for frame in (7, 8)
    ]
    assert f"{video} has 6 frames, but 8 are labelled; copy it again." in Disfa(copy).check()


def test_damaged_and_missing_videos_lose_only_their_frames(copy: Path) -> None:
    next(copy.rglob("LeftVideoSN001_comp.avi")).write_bytes(b"RIFF")
    next(copy.rglob("LeftVideoSN010_comp.avi")).unlink()
    found = all_of(Disfa(copy))
    reasons = [item.reason.split(":")[0] for item in found if isinstance(item, LeftOut)]
    assert reasons == ["unreadable"] * 8 + ["no video"] * 7
    assert len(found) == 23
    findings = Disfa(copy).check()
    assert "is no video that can be read" in findings[1]
    assert findings[2] == "SN010 has no video of the left camera; copy it."


def test_nothing_is_missing_from_a_complete_tree(tree: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Disfa, "published", Totals(23, 3, 3))
    assert Disfa(tree[0]).check() == []
    assert Disfa(tree[0], camera="right").check() == []


@pytest.mark.parametrize(
    ("lost", "sentence"),
    [
        (
            "ActionUnit_Labels",
            "has no labels such as ActionUnit_Labels/SN001/SN001_au1.txt; DISFA is",
        ),
        ("ActionUnit_Labels/SN001", "Labels of 2 subjects are there, DISFA has 3; copy the rest"),
        ("ActionUnit_Labels/SN001/SN001_au12.txt", "SN001 has no labels of AU12: copy SN001_au12.txt"),
        ("Videos_LeftCamera", "has no videos such as Videos_LeftCamera/LeftVideoSN001_comp.avi; copy"),
        ("Landmark_Points/SN001", "1 of 3 subjects lack landmarks, the first is SN001; copy and unpack"),
    ],
)
def test_a_half_copied_tree_is_told_in_one_sentence(
    copy: Path, monkeypatch: pytest.MonkeyPatch, lost: str, sentence: str
) -> None:
    monkeypatch.setattr(Disfa, "published", Totals(23, 3, 3))
    place = copy / lost
    shutil.rmtree(place) if place.is_dir() else place.unlink()
    (finding,) = Disfa(copy).check()
    assert sentence in finding


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("1,0\n2,0\n", "it lacks 6 of the 8 frames that other Action Units have, the first is 3"),
        ("1,0\n1,0\n", "each frame once"),
        ("1,6\n", "whole numbers from 0 to 5"),
        ("1,-1\n", "whole numbers from 0 to 5"),
        ("1\n", "1 values instead of 2"),
        ("1,x\n", "is damaged"),
        ("", "no lines of numbers"),
    ],
)
def test_damaged_labels_are_named(copy: Path, content: str, sentence: str) -> None:
    (copy / "ActionUnit_Labels/SN001/SN001_au5.txt").write_text(content)
    with pytest.raises(StoreError, match=sentence):
        Disfa(copy).chunks()
    assert any(sentence in finding for finding in Disfa(copy).check())


def test_a_missing_action_unit_is_not_taken_for_absent(copy: Path) -> None:
    (copy / "ActionUnit_Labels/SN001/SN001_au12.txt").unlink()
    with pytest.raises(StoreError, match="SN001 has no labels of AU12"):
        Disfa(copy).chunks()


@pytest.mark.parametrize("au", [1, 12, 26])
def test_the_file_that_was_cut_off_is_named_and_no_other(copy: Path, au: int) -> None:
    file = copy / f"ActionUnit_Labels/SN001/SN001_au{au}.txt"
    file.write_text("".join(file.read_text().splitlines(keepends=True)[:5]))
    sentence = f"SN001_au{au}.txt is damaged (it lacks 3 of the 8 frames that other Action Units have"
    with pytest.raises(StoreError, match=re.escape(sentence)):
        Disfa(copy).chunks()
    assert sum(sentence in finding for finding in Disfa(copy).check()) == 1


def test_labels_that_were_all_cut_off_are_told_by_the_video(copy: Path, tmp_path: Path) -> None:
    for file in (copy / "ActionUnit_Labels/SN001").iterdir():
        file.write_text("".join(file.read_text().splitlines(keepends=True)[:5]))
    sentence = (
        f"{copy / 'ActionUnit_Labels/SN001'} labels 5 of the 8 frames of LeftVideoSN001_comp.avi; its files "
        "were cut off, copy them again."
    )
    assert sentence in Disfa(copy).check()
    report = prepare(Disfa(copy), tmp_path / "s", locate=lambda picture: None)
    assert report.cut_labels == (sentence,)
    assert not report.is_complete


def test_archives_still_to_unpack_are_named(copy: Path) -> None:
    shutil.rmtree(copy / "Landmark_Points")
    (copy / "Landmark_Points.zip").touch()
    assert "(unpack Landmark_Points.zip first)" in Disfa(copy).check()[-1]


def test_subjects_without_a_picture_are_named(copy: Path, tmp_path: Path) -> None:
    next(copy.rglob("LeftVideoSN010_comp.avi")).unlink()
    report = prepare(Disfa(copy), tmp_path / "s", locate=lambda picture: None)
    assert report.left_out["no video"] == 7
    assert report.lost_subjects == ("disfa/SN010",)


def test_prepared_with_a_warning_about_the_totals(tree: Written, tmp_path: Path) -> None:
    report = prepare(Disfa(tree[0], threshold=3), tmp_path / "s", locate=lambda picture: None)
    assert report.left_out == {"no face found": 1}
    assert report.lost_subjects == ()
    assert report.differences == ("23 pictures, not 130,814", "3 subjects, not 27", "3 sequences, not 27")
    store = report.store
    assert store.aus == disfa.AUS
    levels = store.intensities(disfa.AUS)
    assert np.array_equal(store.labels(disfa.AUS), levels >= 3)
