"""CK+: peaks with codes, scores that may be missing, empty FACS files, findings in incomplete copies."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from drawn_people import all_of, check_against, people

from idennet.errors import StoreError
from idennet.learning.data.prepare import prepare
from idennet.learning.data.readers import ckplus, records
from idennet.learning.data.readers.ckplus import CkPlus
from idennet.learning.data.readers.records import PublishedSource, Totals
from idennet.research.synth.fake_trees.ckplus import write_ckplus
from idennet.research.synth.fake_trees.common import FakeFrame

CODES = Path("FACS/S005/001/S005_001_00000003_facs.txt")
POINTS = Path("Landmarks/S010/002/S010_002_00000003_landmarks.txt")


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, list[FakeFrame]]:
    monkeypatch.setattr(ckplus, "_SUBJECTS", 3)
    monkeypatch.setattr(ckplus, "_SEQUENCES", 6)
    return tmp_path / "ck+", write_ckplus(tmp_path / "ck+", people(3, 6))


def test_reads_what_was_written(tree: tuple[Path, list[FakeFrame]]) -> None:
    root, said = tree
    source = CkPlus(root)
    assert isinstance(source, PublishedSource)
    check_against(source, said, tolerance=0.001)  # PNG
    assert [(frame.subject, frame.sequence, frame.frame) for frame in said[:3]] == [
        ("S005", "001", 3),
        ("S005", "002", 3),
        ("S010", "001", 3),
    ]
    assert source.check() == []


def test_an_empty_facs_file_is_a_neutral_face(tree: tuple[Path, list[FakeFrame]]) -> None:
    root, _ = tree
    assert (root / "FACS/S005/002/S005_002_00000003_facs.txt").stat().st_size == 0
    neutral = all_of(CkPlus(root))[1]
    assert len(neutral.au_labels) == 22
    assert set(neutral.au_labels.values()) == {0}
    assert neutral.au_intensities == {}


def test_a_code_without_score_is_present_and_foreign_codes_are_skipped(
    tree: tuple[Path, list[FakeFrame]],
) -> None:
    root, _ = tree
    codes = "   4.0000000e+00   0.0000000e+00\n 1.2e+01 3.0e+00\r\n\n   3.1000000e+01   5.0000000e+00\n"
    (root / CODES).write_text(codes)
    first = all_of(CkPlus(root))[0]
    assert {au for au, label in first.au_labels.items() if label == 1} == {4, 12}
    assert first.au_intensities == {12: 3.0}


def test_intensity_one_is_present(tree: tuple[Path, list[FakeFrame]]) -> None:
    root, _ = tree
    (root / CODES).write_text("   7.0000000e+00   1.0000000e+00\n")
    assert all_of(CkPlus(root))[0].au_labels[7] == 1


def test_first_frames_are_neutral_only_on_demand(tree: tuple[Path, list[FakeFrame]]) -> None:
    root, said = tree
    source = CkPlus(root, neutral_frames=True)
    found = all_of(source)
    assert [record.frame for record in found] == [1, 3] * 6
    assert all(set(record.au_labels.values()) == {0} for record in found[::2])
    assert found[0].landmarks is not None
    assert [dict(record.au_labels) for record in found[1::2]] == [frame.labels for frame in said]
    assert source.published.pictures == 2 * CkPlus(root).published.pictures == 12
    assert source.settings == {"neutral_frames": True}


def test_emotions_are_those_of_the_sequences_that_have_a_file(tree: tuple[Path, list[FakeFrame]]) -> None:
    root, _ = tree
    for folder in (root / "Emotion").glob("S*/*"):
        shutil.rmtree(folder)
        folder.mkdir()
    write = root / "Emotion" / "S010" / "001" / "S010_001_00000003_emotion.txt"
    write.write_text("   5.0000000e+00\n")
    assert CkPlus(root).emotions() == {("ckplus/S010", "001"): "happy"}
    for wrong in ("   8.0000000e+00\n", "-1", "2.5", "happy"):
        write.write_text(wrong)
        with pytest.raises(StoreError, match=rf"txt is '{re.escape(wrong.strip())}'; allowed are 0 to 7"):
            CkPlus(root).emotions()
        assert "allowed are 0 to 7" in CkPlus(root).check()[0]
    write.write_text("")
    assert CkPlus(root).emotions() == {}


def test_folders_as_the_archives_call_them(tree: tuple[Path, list[FakeFrame]]) -> None:
    root, said = tree
    for name, archive in (
        ("cohn-kanade-images", "extended-cohn-kanade-images"),
        ("FACS", "FACS_labels"),
        ("Emotion", "Emotion_labels"),
    ):
        (root / name).rename(root / "inner")
        (root / archive).mkdir()
        (root / "inner").rename(root / archive / name)
    (root / "Landmarks").rename(root / "inner")
    (root / "Landmarks").mkdir()
    (root / "inner").rename(root / "Landmarks" / "Landmarks")
    check_against(CkPlus(root), said, tolerance=0.001)
    assert CkPlus(root).check() == []
    (root / "FACS_labels" / "FACS").rename(root / "inner")
    (root / "FACS_labels").rmdir()
    (root / "inner").rename(root / "FACS_labels")
    check_against(CkPlus(root), said, tolerance=0.001)


def test_the_facs_file_names_the_peak(tree: tuple[Path, list[FakeFrame]], tmp_path: Path) -> None:
    root, _ = tree
    folder = root / "cohn-kanade-images" / "S005" / "001"
    shutil.copy(folder / "S005_001_00000003.png", folder / "S005_001_00000004.png")
    assert all_of(CkPlus(root))[0].frame == 3
    (folder / "S005_001_00000003.png").unlink()
    assert all_of(CkPlus(root))[0].frame == 3
    assert CkPlus(root).check() == [
        "1 sequences lack the picture of the peak, first S005/001; unpack extended-cohn-kanade-images.zip "
        "again."
    ]
    report = prepare(CkPlus(root), tmp_path / "store")
    assert report.left_out == {"unreadable": 1}
    assert len(report.store) == 5
    assert report.differences == ("5 sequences, not 6",)


def test_a_sequence_without_codes_has_no_labels(tree: tuple[Path, list[FakeFrame]]) -> None:
    root, _ = tree
    (root / CODES).unlink()
    first = all_of(CkPlus(root))[0]
    assert (first.frame, first.au_labels) == (3, {})
    lack = "1 sequences lack the FACS file, first S005/001; unpack FACS_labels.zip again."
    assert CkPlus(root).check() == [lack]
    assert CkPlus(root).cut_labels() == [lack]


def test_fewer_sequences_than_published_are_told(
    tree: tuple[Path, list[FakeFrame]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    assert CkPlus(tree[0]).published == Totals(593, 123, 593)
    assert CkPlus(tree[0], neutral_frames=True).published.pictures == 2 * 593
    assert CkPlus(tree[0]).check() == [
        f"{tree[0]} has 3 subjects, not 123 and 6 sequences, not 593 as published; get the rest from "
        f"{ckplus.SOURCE}."
    ]


def test_codes_that_were_cut_off_are_told_by_the_emotion(
    tree: tuple[Path, list[FakeFrame]], tmp_path: Path
) -> None:
    root, _ = tree
    emotional = root / "Emotion/S005/001/S005_001_00000003_emotion.txt"
    emotional.write_text("   5.0000000e+00\n")
    assert CkPlus(root).check() == []
    (root / CODES).write_text("")
    (finding,) = CkPlus(root).check()
    assert finding == (
        f"{root / CODES} names no Action Unit, but the sequence shows happy; it was cut off, copy it again."
    )
    report = prepare(CkPlus(root), tmp_path / "store")
    assert report.cut_labels == (finding,)
    assert not report.is_complete


def test_chunks_follow_the_files(tree: tuple[Path, list[FakeFrame]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "CHUNK_PICTURES", 2)
    root, _ = tree
    before = CkPlus(root).chunks()
    assert [chunk.size for chunk in before] == [2, 2, 2]
    (root / CODES).write_text("   4.0000000e+00   0.0000000e+00\n" * 9)
    same = [new.key == old.key for new, old in zip(CkPlus(root).chunks(), before, strict=True)]
    assert same == [False, True, True]


@pytest.mark.parametrize(
    ("folder", "finding"),
    [
        ("", "There is no folder"),
        ("cohn-kanade-images", "has no folder cohn-kanade-images; unpack extended-cohn-kanade-images.zip of"),
        ("FACS", "has no folder FACS; unpack FACS_labels.zip of"),
    ],
)
def test_without_pictures_or_codes_there_is_nothing(
    tree: tuple[Path, list[FakeFrame]], folder: str, finding: str
) -> None:
    root, _ = tree
    shutil.rmtree(root / folder)
    assert finding in CkPlus(root).check()[0]
    with pytest.raises(StoreError, match=finding):
        CkPlus(root).chunks()


def test_without_landmarks_faces_are_searched_for(tree: tuple[Path, list[FakeFrame]]) -> None:
    root, _ = tree
    (root / POINTS).unlink()
    assert [record.landmarks is None for record in all_of(CkPlus(root))].count(True) == 1
    assert CkPlus(root).check() == [
        "1 sequences lack the landmarks, first S010/002; unpack Landmarks.zip again."
    ]
    shutil.rmtree(root / "Landmarks")
    assert all(record.landmarks is None for record in all_of(CkPlus(root)))
    assert "has no folder Landmarks; unpack Landmarks.zip" in CkPlus(root).check()[0]


def rows(count: int) -> str:
    return "   1.0000000e+02   2.0000000e+02\n" * count


@pytest.mark.parametrize(
    ("file", "text", "finding"),
    [
        (CODES, "   4.0000000e+00\n", "line 1: is no Action Unit with an intensity"),
        (CODES, "   4.0   2.0\n   one   2.0\n", "line 2: is no Action Unit with an intensity"),
        (CODES, "   4.5   2.0\n", "line 1: is no Action Unit with an intensity"),
        (CODES, "   4.0   6.0\n", "line 1: AU4 has intensity 6; allowed are 0 to 5"),
        (POINTS, rows(67), "it has no 68 points but 67 lines"),
        (POINTS, rows(67) + "nan nan\n", "is damaged"),
        (POINTS, rows(67) + "1.0 2.0 3.0\n", "is damaged"),
        (POINTS, "", "it has no lines of numbers"),
    ],
)
def test_damaged_files_are_named(
    tree: tuple[Path, list[FakeFrame]], file: Path, text: str, finding: str
) -> None:
    root, _ = tree
    (root / file).write_text(text)
    assert [file.name in found and finding in found for found in CkPlus(root).check()] == [True]
    with pytest.raises(StoreError, match=f"{file.name}.*{finding}"):
        all_of(CkPlus(root))


def test_the_same_arguments_write_the_same_tree(tmp_path: Path) -> None:
    def content(folder: str, write: Callable[[Path], object]) -> dict[str, bytes]:
        write(tmp_path / folder)
        files = [file for file in (tmp_path / folder).rglob("*") if file.is_file()]
        return {str(file.relative_to(tmp_path / folder)): file.read_bytes() for file in files}

    one = content("one", lambda out: write_ckplus(out, people(2, 4), seed=3))
    assert one == content("two", lambda out: write_ckplus(out, people(2, 4), seed=3))
    assert one != content("three", lambda out: write_ckplus(out, people(2, 4), seed=4))
