"""RAF-AU: label strings, one-sided Action Units, pictures without any, findings in incomplete copies."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from drawn_people import all_of, check_against, people

from idennet.errors import InputError, StoreError
from idennet.learning.data.prepare import prepare
from idennet.learning.data.readers.raf_au import SOURCE, RafAu
from idennet.learning.data.readers.records import PublishedSource, Totals
from idennet.research.synth.fake_trees.common import FakeFrame
from idennet.research.synth.fake_trees.raf_au import write_raf_au

LABELS = "RAFAU_label.txt"


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, list[FakeFrame]]:
    monkeypatch.setattr(RafAu, "published", Totals(24))
    return tmp_path / "raf", write_raf_au(tmp_path / "raf", people(3, 8))


def test_reads_what_was_written(tree: tuple[Path, list[FakeFrame]]) -> None:
    root, said = tree
    source = RafAu(root)
    assert isinstance(source, PublishedSource)
    check_against(source, said)
    assert source.check() == []
    text = (root / LABELS).read_text()
    for quirk in (r" null ", r"\bL\d+\+R\d+", r"\+[LR]\d+", r"  \n", r"\b39\b"):
        assert re.search(quirk, text), quirk  # the fake tree has them all


def test_each_picture_is_a_subject(tree: tuple[Path, list[FakeFrame]]) -> None:
    found = all_of(RafAu(tree[0]))
    assert len({record.subject for record in found}) == len(found)


def labels_of(root: Path, codes: str, **settings: str) -> dict[int, int]:
    (root / LABELS).write_text(f"0007.jpg {codes}\n")
    (record,) = all_of(RafAu(root, **settings))
    assert record.image == root / "aligned" / "0007_aligned.jpg"
    assert len(record.au_labels) == 22
    return {au: label for au, label in record.au_labels.items() if label != 0}


@pytest.mark.parametrize(
    ("one_sided", "label"), [("present", {12: 1}), ("absent", {}), ("unknown", {12: -1})]
)
def test_one_sided_action_units_are_what_was_chosen(
    tree: tuple[Path, list[FakeFrame]], one_sided: str, label: dict[int, int]
) -> None:
    root, _ = tree
    assert labels_of(root, "1+2+L12", one_sided=one_sided) == {1: 1, 2: 1, **label}
    assert labels_of(root, "R12+L12", one_sided=one_sided) == {12: 1}
    assert labels_of(root, "L12+12", one_sided=one_sided) == {12: 1}
    assert labels_of(root, "L12+L12+25", one_sided=one_sided) == {25: 1, **label}
    assert RafAu(root, one_sided=one_sided).settings == {"one_sided": one_sided}


def test_forms_of_the_label_string(tree: tuple[Path, list[FakeFrame]]) -> None:
    root, _ = tree
    assert labels_of(root, "null") == {}
    assert labels_of(root, "null   \r") == {}
    assert labels_of(root, "25 \t\r") == {25: 1}
    assert labels_of(root, "39+L32") == {}  # real codes that this package does not know
    assert labels_of(root, "04+l6") == {4: 1, 6: 1}


def test_the_list_may_lie_beside_an_inner_folder(tree: tuple[Path, list[FakeFrame]]) -> None:
    root, said = tree
    (root / "aligned").rename(root / "inner")
    (root / "aligned").mkdir()
    (root / "inner").rename(root / "aligned" / "aligned")
    check_against(RafAu(root), said)
    check_against(RafAu(root.parent), said)


def gone(root: Path) -> None:
    shutil.rmtree(root)


def without_list(root: Path) -> None:
    (root / LABELS).unlink()


def without_pictures(root: Path) -> None:
    shutil.rmtree(root / "aligned")


def text(content: str) -> Callable[[Path], object]:
    return lambda root: (root / LABELS).write_text(content)


@pytest.mark.parametrize(
    ("damage", "finding"),
    [
        (gone, "There is no folder"),
        (without_list, "has no RAFAU_label.txt; ask for it"),
        (without_pictures, "has no folder aligned; unpack aligned.zip of RAF-AU"),
        (text(""), "RAFAU_label.txt lists no pictures; copy it again"),
        (text("0001.jpg 1\n0002.jpg\n"), "line 2: is '0002.jpg', not like '0007.jpg 1+2+L12'"),
        (text("0001.jpg 1+2 3\n"), "line 1: is '0001.jpg 1+2 3', not like"),
        (text("0001.jpg 1+x2\n"), "line 1: 'x2' is no Action Unit like 12 or L12; correct the line"),
        (text("0001.jpg 1+\n"), "line 1: '' is no Action Unit"),
    ],
)
def test_incomplete_copies_are_explained(
    tree: tuple[Path, list[FakeFrame]], damage: Callable[[Path], object], finding: str
) -> None:
    root, _ = tree
    damage(root)
    assert finding in RafAu(root).check()[0]
    with pytest.raises(StoreError, match=re.escape(finding)):
        RafAu(root).chunks()


def test_fewer_pictures_than_published_are_told(
    tree: tuple[Path, list[FakeFrame]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    assert RafAu(tree[0]).check() == [
        f"{tree[0]} has 24 pictures, not 4,601 as published; get the rest from {SOURCE}."
    ]


def test_a_list_that_was_cut_off_is_told_by_the_pictures(
    tree: tuple[Path, list[FakeFrame]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, _ = tree
    monkeypatch.setattr(RafAu, "published", Totals(21))
    lines = (root / LABELS).read_text().splitlines(keepends=True)
    (root / LABELS).write_text("".join(lines[:-3]))
    last = sorted(re.match(r"\w+", line)[0] for line in lines[-3:])
    (finding,) = RafAu(root).check()
    assert finding == (
        f"3 of 24 pictures are not in RAFAU_label.txt, first {last[0]}_aligned.jpg; they are not used. If "
        "the list was cut off, copy it again."
    )
    report = prepare(RafAu(root), tmp_path / "s", locate=lambda picture: people(1, 1)[0][0].landmarks)
    assert report.cut_labels == (finding,)
    assert not report.is_complete


def test_missing_pictures_are_counted(tree: tuple[Path, list[FakeFrame]], tmp_path: Path) -> None:
    root, said = tree
    for frame in said[3:5]:
        (root / "aligned" / f"{frame.subject}_aligned.jpg").unlink()
    (finding,) = RafAu(root).check()
    assert finding.startswith("2 of the 24 pictures of RAFAU_label.txt are missing, first ")
    assert f"{said[3].subject}_aligned.jpg; unpack aligned.zip again." in finding
    report = prepare(RafAu(root), tmp_path / "s", locate=lambda picture: people(1, 1)[0][0].landmarks)
    assert (len(report.store), report.left_out) == (22, {"unreadable": 2})
    assert report.differences == ()


def test_another_meaning_of_one_side_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="one_sided is 'half'; allowed are 'present', 'absent', 'unknown'"):
        RafAu(tmp_path, one_sided="half")
