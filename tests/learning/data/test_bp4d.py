"""BP4D and BP4D+: a reader agrees with a fake tree quirk by quirk, and names what a broken tree lacks."""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from agreement import assert_agreement, by_name, shaded_people
from drawn_people import all_of

from idennet.errors import InputError, MissingExtraError, StoreError
from idennet.faces.landmarks import eye_centres
from idennet.learning.data.prepare import prepare
from idennet.learning.data.readers.bp4d import NO_PICTURE, OCCLUDED, Bp4d
from idennet.learning.data.readers.bp4d_plus import Bp4dPlus
from idennet.learning.data.readers.records import LeftOut, Totals
from idennet.research.synth.fake_trees.bp4d import write_bp4d, write_bp4d_plus
from idennet.research.synth.fake_trees.common import FakeFrame

Written = tuple[Path, list[FakeFrame]]


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Written:
    root = tmp_path_factory.mktemp("bp4d") / "tree"
    return root, write_bp4d(root, shaded_people(3, 8))


@pytest.fixture
def copy(tree: Written, tmp_path: Path) -> Path:
    return shutil.copytree(tree[0], tmp_path / "copy")


@pytest.fixture(scope="module")
def plus(tmp_path_factory: pytest.TempPathFactory) -> Written:
    root = tmp_path_factory.mktemp("plus") / "tree"
    return root, write_bp4d_plus(root, shaded_people(2, 4))


def labels(frame: FakeFrame) -> dict[int, int]:
    return dict(frame.labels)


def test_the_reader_says_what_the_tree_says(tree: Written) -> None:
    root, said = tree
    found = assert_agreement(Bp4d(root), said, labels)
    assert len(found) == 24
    assert [name for name, item in found.items() if isinstance(item, LeftOut)] == ["bp4d/F001/T1/4"]


def test_padding_differs_between_folders(tree: Written) -> None:
    folder = tree[0] / "2D+3D" / "F001"
    assert (folder / "T1" / "001.jpg").exists()
    assert (folder / "T8" / "0997.jpg").exists()
    found = by_name(all_of(Bp4d(tree[0])))
    assert found["bp4d/F001/T1/1"].image == folder / "T1" / "001.jpg"
    assert found["bp4d/F001/T8/1000"].image == folder / "T8" / "1000.jpg"


def test_code_9_is_unknown(tree: Written) -> None:
    text = (tree[0] / "AUCoding" / "AU_OCC" / "F001_T1.csv").read_text().splitlines()
    assert text[1].split(",")[12] == "9"
    record = by_name(all_of(Bp4d(tree[0])))["bp4d/F001/T1/1"]
    assert record.au_labels[12] == -1
    assert 12 not in record.au_intensities
    assert {6, 10, 14, 17} == record.au_intensities.keys()


def test_columns_are_looked_up(tree: Written, copy: Path) -> None:
    file = copy / "AUCoding" / "AU_OCC" / "F001_T1.csv"
    table = pd.read_csv(file, dtype=str)
    table[[table.columns[0], *reversed(table.columns[1:])]].to_csv(file, index=False)
    assert_agreement(Bp4d(copy), tree[1], labels)


def test_lost_landmarks_are_none_and_the_jaw_is_unknown(tree: Written) -> None:
    found = by_name(all_of(Bp4d(tree[0])))
    assert found["bp4d/F001/T8/998"].landmarks is None
    points = found["bp4d/F001/T8/999"].landmarks
    assert np.flatnonzero(np.isnan(points[:, 0])).tolist() == [*range(17), 60, 64]


def test_a_coded_frame_without_picture_is_counted(tree: Written) -> None:
    assert LeftOut("bp4d/F001/T1/4", NO_PICTURE) in all_of(Bp4d(tree[0]))


def test_occluded_frames_are_left_out_on_request(tree: Written) -> None:
    found = all_of(Bp4d(tree[0], leave_out_occluded=True))
    assert [item.name for item in found if isinstance(item, LeftOut) and item.reason == OCCLUDED] == [
        f"bp4d/{subject}/{frame}" for subject in ("F001", "F002", "M001") for frame in ("T1/4", "T8/1000")
    ]


def fera_2015(root: Path) -> None:
    """The names of the copy for the challenge of 2015."""
    inner = root / "BP4D"
    inner.mkdir()
    (root / "2D+3D").rename(inner / "BP4D-training")
    (root / "AUCoding" / "AU_INT").rename(inner / "AU Intensity Codes3.0")
    (root / "AUCoding" / "AU_OCC").rename(inner / "AUCoding")
    (root / "AUCoding").rmdir()
    (root / "2DFeatures").rename(inner / "BP4D-fpoints")


def without_levels(root: Path) -> None:
    """Subjects in the root, codes without AU_OCC."""
    for entry in (root / "2D+3D").iterdir():
        entry.rename(root / entry.name)
    for file in (root / "AUCoding" / "AU_OCC").iterdir():
        file.rename(root / "AUCoding" / file.name)
    (root / "AUCoding" / "AU_OCC").rmdir()


def nested(root: Path) -> None:
    """A folder of the same name within some."""
    for name in ("AUCoding/AU_OCC", "2D+3D/F001", "2DFeatures"):
        folder = root / name
        folder.rename(root / "moved")
        folder.mkdir()
        (root / "moved").rename(folder / folder.name)


@pytest.mark.parametrize("change", [fera_2015, without_levels, nested])
def test_other_trees_say_the_same(tree: Written, copy: Path, change: Callable[[Path], None]) -> None:
    change(copy)
    assert_agreement(Bp4d(copy), tree[1], labels)


def test_keys_change_with_the_files_of_their_recording(copy: Path) -> None:
    before = [chunk.key for chunk in Bp4d(copy).chunks()]
    assert [chunk.key for chunk in Bp4d(copy).chunks()] == before
    file = copy / "AUCoding" / "AU_INT" / "AU06" / "F001_T8_AU06.csv"
    file.write_text(file.read_text().replace(",0", ",1"))
    after = [chunk.key for chunk in Bp4d(copy).chunks()]
    assert [new == old for new, old in zip(after, before, strict=True)] == [True, False, *[True] * 4]


def make_complete(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the tree its missing picture, and let three subjects and two tasks be all there is."""
    shutil.copy(root / "2D+3D/F001/T1/003.jpg", root / "2D+3D/F001/T1/004.jpg")
    monkeypatch.setattr(Bp4d, "published", Totals(24, 3, 6))
    monkeypatch.setattr(Bp4d, "tasks", (1, 8))


def test_nothing_is_missing_from_a_complete_tree(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_complete(copy, monkeypatch)
    assert Bp4d(copy).check() == []
    assert prepare(Bp4d(copy), copy.parent / "store", locate=lambda picture: None).differences == ()


@pytest.mark.parametrize(
    ("lost", "sentence"),
    [
        ("AUCoding", "has no codes such as AUCoding/AU_OCC/F001_T1.csv; they come with BP4D, ask"),
        ("2D+3D", "has codes but no pictures such as 2D+3D/F001/T1/2440.jpg"),
        ("AUCoding/AU_OCC/F001_T8.csv", "F001/T8 lacks codes: copy the rest of AUCoding/AU_OCC."),
        ("2D+3D/F001/T8", "F001/T8 lacks pictures: copy the rest of 2D+3D."),
        ("2D+3D/M001.zip", "M001/T1 and 1 other lack pictures: copy the rest of 2D+3D."),
        ("2D+3D/F001/T8/0999.jpg", "F001/T8/999 lacks the pictures of coded frames: copy the rest of 2D+3D."),
        ("AUCoding/AU_INT/AU06/F001_T1_AU06.csv", "F001/T1 lacks intensities: copy the rest of"),
        ("AUCoding/AU_INT", "F001/T1 and 5 others lack intensities: copy"),
        ("2DFeatures", "F001/T1 and 5 others lack landmarks: copy the rest of 2DFeatures; without"),
    ],
)  # fmt: skip
def test_a_half_copied_tree_is_told_in_one_sentence(
    copy: Path, monkeypatch: pytest.MonkeyPatch, lost: str, sentence: str
) -> None:
    make_complete(copy, monkeypatch)
    place = copy / lost
    shutil.rmtree(place) if place.is_dir() else place.unlink()
    (finding,) = Bp4d(copy).check()
    assert sentence in finding


def cut(file: Path, lines: int) -> None:
    """End a file early, at the end of a line."""
    kept = file.read_bytes().splitlines(keepends=True)[:-lines]
    file.write_bytes(b"".join(kept))


@pytest.mark.parametrize("name", ["AU_OCC/F001_T8.csv", "AU_INT/AU06/F001_T8_AU06.csv"])
def test_codes_that_were_cut_off_are_told_by_the_others(
    copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    make_complete(copy, monkeypatch)
    file = copy / "AUCoding" / name
    cut(file, 3)
    (finding,) = Bp4d(copy).check()
    assert finding == (
        f"{file} lacks 3 of the 4 frames that are coded in F001/T8, the first is 998; it was cut off, "
        "copy it again."
    )
    report = prepare(Bp4d(copy), tmp_path / "s", locate=lambda picture: None)
    assert report.cut_labels == (finding,)
    assert not report.is_complete


def test_codes_that_were_all_cut_off_are_told_by_the_pictures(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_complete(copy, monkeypatch)
    for file in (copy / "AUCoding").rglob("F001_T8*.csv"):
        cut(file, 1)
    (finding,) = Bp4d(copy).check()
    assert finding.startswith("The pictures of F001/T8 go on after its last coded frame, 999 (1 more), as in")


def test_pictures_may_go_on_after_the_coded_block(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_complete(copy, monkeypatch)
    for subject in ("F001", "F002"):
        for last in ("T1/004.jpg", "T8/1000.jpg"):
            picture = copy / "2D+3D" / subject / last
            shutil.copy(picture, picture.with_stem(f"{int(picture.stem) + 1:0{len(picture.stem)}d}"))
    assert Bp4d(copy).check() == []


def test_fewer_coded_frames_than_published_are_told(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_complete(copy, monkeypatch)
    monkeypatch.setattr(Bp4d, "published", Totals(30, 3, 6))
    assert Bp4d(copy).check() == [f"{copy} has 24 pictures, not 30 as published; copy AUCoding/AU_OCC again."]


def test_archives_still_to_unpack_are_named(tmp_path: Path) -> None:
    (tmp_path / "AUCoding.zip").touch()
    (finding,) = Bp4d(tmp_path).check()
    assert "(unpack AUCoding.zip first)" in finding
    (missing,) = Bp4d(tmp_path / "nowhere").check()
    assert "There is no folder" in missing
    with pytest.raises(StoreError, match="There is no folder"):
        Bp4d(tmp_path / "nowhere").chunks()


@pytest.mark.parametrize(
    ("file", "content", "sentence"),
    [
        ("AUCoding/AU_OCC/F001_T1.csv", b"", "must name each Action Unit once"),
        ("AUCoding/AU_OCC/F001_T1.csv", b"1,0,1,1\n2,0,0,1\n", "must name each Action Unit once"),
        ("AUCoding/AU_OCC/F001_T1.csv", b"0,1,2,4\n", "no lines of numbers"),
        ("AUCoding/AU_OCC/F001_T1.csv", b"0,1,2,4\n1,0,2,0\n", "AU2 has the code 2, but 0, 1 and 9"),
        ("AUCoding/AU_OCC/F001_T1.csv", b"0,1,2,4\n1,0,0,0\n1,0,0,0\n", "each frame once"),
        ("AUCoding/AU_OCC/F001_T1.csv", b"0,1,2,4\n1,0,0,0\n2,0,", "is damaged"),
        ("AUCoding/AU_OCC/F001_T1.csv", b"0,1,2,4\n1,0,0,x\n", "is damaged"),
        ("AUCoding/AU_OCC/F001_T1.csv", b"\xff\xfe0,1", "is damaged"),
        ("AUCoding/AU_INT/AU06/F001_T1_AU06.csv", b"1,7\n", "intensities must be from 0 to 5, or 9"),
        ("2D+3D/M001.zip", b"PK", "M001.zip is damaged"),
        ("2DFeatures/F001_T1.mat", b"MATLAB", "F001_T1.mat is damaged"),
    ],
)
def test_damaged_files_are_named(
    copy: Path, monkeypatch: pytest.MonkeyPatch, file: str, content: bytes, sentence: str
) -> None:
    make_complete(copy, monkeypatch)
    (copy / file).write_bytes(content)
    with pytest.raises(StoreError, match=sentence):
        all_of(Bp4d(copy))
    if file.endswith(".mat"):
        return  # the check does not open landmarks
    (finding,) = Bp4d(copy).check()
    assert sentence in finding


def test_a_damaged_member_of_a_zip_loses_one_picture(copy: Path) -> None:
    file = copy / "2D+3D" / "M001.zip"
    content = bytearray(file.read_bytes())
    start = content.index(b"M001/T1/002.jpg")
    content[start + 1000 : start + 1010] = bytes(10)
    file.write_bytes(content)
    left_out = [item for item in all_of(Bp4d(copy)) if isinstance(item, LeftOut)]
    assert [item.name for item in left_out] == ["bp4d/F001/T1/4", "bp4d/M001/T1/2"]
    assert left_out[1].reason.startswith("unreadable: ")


def test_another_hdf5_file_is_no_landmark_file(copy: Path) -> None:
    file = copy / "2DFeatures" / "F001_T1.mat"
    with h5py.File(file, "w") as other:
        other["fit/pred"] = np.zeros((4, 2, 49))
    with pytest.raises(StoreError, match=r"F001_T1\.mat is damaged \(it has no references"):
        all_of(Bp4d(copy))


def test_landmarks_need_their_package(tree: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(MissingExtraError, match=r"idennet\[learn\]"):
        all_of(Bp4d(tree[0]))


def test_prepared_eyes_lie_on_the_template(tree: Written, tmp_path: Path) -> None:
    asked = []
    report = prepare(Bp4d(tree[0]), tmp_path / "s", locate=lambda picture: asked.append(picture.shape))
    assert asked == [(1392, 1040, 3)] * 6  # the second frame of each recording has no landmarks
    assert report.left_out == {NO_PICTURE: 1, "no face found": 6}
    assert len(report.store) == 17
    assert report.differences == (
        "24 pictures, not 146,847",
        "3 subjects, not 41",
        "6 sequences, not 328",
    )
    for points in report.store.landmarks:
        np.testing.assert_allclose(eye_centres(points), [[44, 44], [84, 44]], atol=1e-3)
    eyes = report.store.faces[:, 44, [44, 84]]
    assert (eyes > 200).all()  # the white squares of the drawings
    assert json.loads((tmp_path / "s/store.json").read_text())["settings"]["leave_out_occluded"] is False


def test_plus_has_other_columns(plus: Written) -> None:
    root, said = plus
    header = (root / "AUCoding/AU_OCC/F001_T1.csv").read_text().splitlines()[0].split(",")
    assert (header[3], header[9], header[20], len(header)) == ("4", "11", "23", 35)
    found = assert_agreement(Bp4dPlus(root), said, labels)
    assert all(item.subject.startswith("bp4d+/") for item in found.values())
    assert all(isinstance(item.image, bytes) for item in found.values())


def test_plus_pictures_may_count_from_0(plus: Written) -> None:
    found = by_name(all_of(Bp4dPlus(plus[0])))
    from_1 = by_name(all_of(Bp4dPlus(plus[0], first_picture=1)))
    from_0 = by_name(all_of(Bp4dPlus(plus[0], first_picture=0)))
    assert found["bp4d+/F001/T1/1"].image == from_0["bp4d+/F001/T1/1"].image
    assert found["bp4d+/F001/T1/1"].image != from_1["bp4d+/F001/T1/1"].image
    assert found["bp4d+/M001/T1/1"].image == from_1["bp4d+/M001/T1/1"].image
    assert from_1["bp4d+/F001/T1/2"] == LeftOut("bp4d+/F001/T1/2", NO_PICTURE)
    assert isinstance(from_0["bp4d+/M001/T1/1"], LeftOut)
    with pytest.raises(InputError, match="0 or 1"):
        Bp4dPlus(plus[0], first_picture=2)


def test_plus_check_expects_four_tasks(plus: Written) -> None:
    few, tasks = Bp4dPlus(plus[0]).check()
    assert few == "Codes of 2 subjects are there, BP4D+ has 140; copy the rest of AUCoding/AU_OCC."
    assert tasks == "F001/T7 and 3 others lack codes: copy the rest of AUCoding/AU_OCC."
    report = prepare(Bp4dPlus(plus[0]), plus[0].parent / "store", locate=lambda picture: None)
    assert report.differences == ("2 subjects, not 140", "4 sequences, not 560")


def test_trees_are_the_same_each_time(tree: Written, tmp_path: Path) -> None:
    write_bp4d(tmp_path / "again", shaded_people(3, 8))
    files = sorted(file.relative_to(tree[0]) for file in tree[0].rglob("*") if file.is_file())
    assert files == sorted(
        file.relative_to(tmp_path / "again") for file in (tmp_path / "again").rglob("*") if file.is_file()
    )
    assert all((tree[0] / file).read_bytes() == (tmp_path / "again" / file).read_bytes() for file in files)
    with pytest.raises(StoreError, match="is not empty"):
        write_bp4d(tmp_path / "again", shaded_people(1, 4))
