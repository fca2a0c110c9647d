"""Aff-Wild2: frames without annotation or picture, two people in a video, findings in incomplete copies."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from drawn_people import all_of, check_against, people

from idennet.errors import InputError, StoreError
from idennet.learning.data.prepare import prepare
from idennet.learning.data.readers import records
from idennet.learning.data.readers.affwild2 import AffWild2
from idennet.learning.data.readers.records import LeftOut, PublishedSource, Record
from idennet.research.synth.fake_trees.affwild2 import write_affwild2
from idennet.research.synth.fake_trees.common import FakeFrame

TRAINING = Path("AU_Set/Train_Set/1-30-1280x720.txt")


@pytest.fixture
def tree(tmp_path: Path) -> tuple[Path, list[FakeFrame]]:
    return tmp_path / "aw2", write_affwild2(tmp_path / "aw2", people(5, 8))


def test_reads_what_was_written(tree: tuple[Path, list[FakeFrame]]) -> None:
    root, said = tree
    source = AffWild2(root)
    assert isinstance(source, PublishedSource)
    check_against(source, said)
    assert source.check() == []
    assert {type(found) for found in all_of(source)} == {Record, LeftOut}
    annotated = [found for found in all_of(source) if isinstance(found, Record)]
    assert {label for record in annotated for label in record.au_labels.values()} == {1, 0, -1}


def test_two_people_of_a_video_are_two_subjects(tree: tuple[Path, list[FakeFrame]]) -> None:
    found = [record for record in all_of(AffWild2(tree[0])) if isinstance(record, Record)]
    by_video: dict[str, set[str]] = {}
    for record in found:
        by_video.setdefault(record.sequence, set()).add(record.subject)
    assert by_video["1-24-1920x1080"] == {
        "affwild2/1-24-1920x1080_left",
        "affwild2/1-24-1920x1080_right",
    }
    assert by_video["1-30-1280x720"] == {"affwild2/1-30-1280x720"}


def test_rows_without_any_annotation_come_only_on_demand(tree: tuple[Path, list[FakeFrame]]) -> None:
    root, said = tree
    assert all(frame.frame not in (2, 6) for frame in said)
    everything = all_of(AffWild2(root, unannotated=True))
    assert len(everything) == 5 * 8 > len(all_of(AffWild2(root))) == len(said)
    second = everything[1]
    assert isinstance(second, Record)
    assert (second.frame, set(second.au_labels.values())) == (2, {-1})


def test_undetected_frames_are_counted(tree: tuple[Path, list[FakeFrame]], tmp_path: Path) -> None:
    root, said = tree
    lost = [frame for frame in said if frame.picture is None]
    report = prepare(AffWild2(root), tmp_path / "s", locate=lambda picture: people(1, 1)[0][0].landmarks)
    assert report.left_out == {"no picture, because no face was detected in the frame": len(lost)}
    assert len(report.store) == len(said) - len(lost)
    assert report.differences == ()


def test_parts_share_no_video(tree: tuple[Path, list[FakeFrame]]) -> None:
    root, said = tree
    train, validation = (AffWild2(root, part=part) for part in ("train", "validation"))
    assert len(all_of(train)) + len(all_of(validation)) == len(said)
    assert [chunk.size for chunk in validation.chunks()] == [6]
    assert validation.settings == {"part": "validation", "unannotated": False}


def test_names_of_other_years(tree: tuple[Path, list[FakeFrame]]) -> None:
    root, said = tree
    (root / "AU_Set").rename(root / "inner")
    (root / "6th ABAW Annotations").mkdir()
    (root / "inner").rename(root / "6th ABAW Annotations" / "AU_Detection_Challenge")
    (root / "cropped_aligned").rename(root / "inner")
    (root / "cropped_aligned").mkdir()
    (root / "inner").rename(root / "cropped_aligned" / "cropped_aligned")
    check_against(AffWild2(root), said)


def test_columns_are_found_by_their_names(tree: tuple[Path, list[FakeFrame]]) -> None:
    root, said = tree
    lines = (root / TRAINING).read_text().split()
    (root / TRAINING).write_text("\n".join(",".join(line.split(",")[::-1]) for line in lines))
    check_against(AffWild2(root), said)


def test_a_blank_line_does_not_shift_frames(tree: tuple[Path, list[FakeFrame]]) -> None:
    root, _ = tree
    (root / TRAINING).write_text("AU1,AU2\n1,0\n\n0,1\n\n\n")
    found = [record for record in all_of(AffWild2(root)) if "1-30" in getattr(record, "subject", "")]
    assert [(record.frame, record.au_labels[1]) for record in found] == [(1, 1)]
    assert "no picture" in all_of(AffWild2(root))[_position(root)].reason


def _position(root: Path) -> int:
    """Row of frame 3, whose face was not detected."""
    names = [getattr(found, "name", "") for found in all_of(AffWild2(root))]
    return names.index("affwild2/1-30-1280x720/3")


def test_chunks_hold_one_video_and_notice_new_pictures(
    tree: tuple[Path, list[FakeFrame]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "CHUNK_PICTURES", 4)
    root, _ = tree
    before = AffWild2(root).chunks()
    assert [chunk.size for chunk in before] == [4, 2] * 5
    assert len({chunk.key for chunk in before}) == 10
    folder = root / "cropped_aligned" / "1-24-1920x1080_right"
    shutil.copy(folder / "00001.jpg", folder / "00003.jpg")
    same = [new.key == old.key for new, old in zip(AffWild2(root).chunks(), before, strict=True)]
    assert same == [False] + [True] * 9


def gone(name: str) -> Callable[[Path], object]:
    return lambda root: shutil.rmtree(root / name)


def text(content: str) -> Callable[[Path], object]:
    return lambda root: (root / TRAINING).write_text(content)


@pytest.mark.parametrize(
    ("damage", "finding"),
    [
        (gone(""), "There is no folder"),
        (gone("AU_Set"), "no annotations like AU_Set/Train_Set/video.txt; get them from"),
        (gone("cropped_aligned"), "no folder cropped_aligned; get its archive from"),
        (text(""), "1-30-1280x720.txt is empty; copy it again"),
        (text("frame,AU1\n1,1\n"), "line 1: is no list of Action Units. Unknown Action Unit 'frame'"),
        (text("AU1,AU2\n1,0\n1\n"), "line 3: is '1', not 2 values 1, 0 or -1"),
        (text("AU1,AU2\n1,2\n"), "line 2: is '1,2', not 2 values 1, 0 or -1"),
    ],
)
def test_damaged_copies_are_explained(
    tree: tuple[Path, list[FakeFrame]], damage: Callable[[Path], object], finding: str
) -> None:
    root, _ = tree
    damage(root)
    assert finding in AffWild2(root).check()[0]
    with pytest.raises(StoreError, match=re.escape(finding)):
        AffWild2(root).chunks()


def test_half_copied_trees_are_explained(tree: tuple[Path, list[FakeFrame]]) -> None:
    root, _ = tree
    shutil.rmtree(root / "cropped_aligned" / "1-24-1920x1080_right")
    shutil.rmtree(root / "AU_Set" / "Validation_Set")
    (root / TRAINING).write_text("AU1,AU2\n1,0\n")
    assert [re.sub(r"\S*/", "", finding) for finding in AffWild2(root).check()] == [
        "aw2 has no annotations in a folder Validation_Set; get them from .",
        "1 annotated videos have no folder of pictures, first 1-24-1920x1080_right; unpack cropped_aligned "
        "again.",
        "1-30-1280x720.txt ends at frame 1, but there are pictures up to frame 7; they are not used, copy "
        "the file again.",
    ]


def test_other_parts_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="part is 'test'; allowed are all, train and validation"):
        AffWild2(tmp_path, part="test")
