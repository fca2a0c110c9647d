"""LFW's own layout and totals, and folders of one's own that have neither."""

import shutil
from pathlib import Path

import pytest
from drawn_people import all_of
from drawn_synfacs import drawing, landmarks
from PIL import Image

from idennet.errors import StoreError
from idennet.learning.data.prepare import prepare
from idennet.learning.data.readers.lfw import Lfw
from idennet.learning.data.readers.person_folders import PersonFolders
from idennet.learning.data.readers.records import PublishedSource


def write(root: Path, *names: str) -> Path:
    for name in names:
        person = name.rpartition("_")[0]
        (root / person).mkdir(parents=True, exist_ok=True)
        Image.fromarray(drawing(40)).save(root / person / f"{name}.jpg")
    return root


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return write(tmp_path / "lfw", "Al_Gore_0001", "Al_Gore_0002", "Zoe_Ball_0001")


def test_finds_its_folder_and_skips_stray_files(tree: Path) -> None:
    (tree / "pairs.txt").write_text("10\t300\n")
    (tree / "Al_Gore" / ".DS_Store").touch()
    (tree / "Al_Gore" / "._Al_Gore_0001.jpg").touch()
    for root in (tree, tree.parent):
        assert [(record.subject, record.frame) for record in all_of(Lfw(root))] == [
            ("lfw/Al_Gore", 1),
            ("lfw/Al_Gore", 2),
            ("lfw/Zoe_Ball", 1),
        ]
    for variant in ("lfw_funneled", "lfw-deepfunneled"):
        tree = tree.rename(tree.parent / variant)
        assert len(all_of(Lfw(tree.parent))) == 3


def test_a_complete_copy_has_no_findings(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = Lfw(tree)
    assert isinstance(source, PublishedSource)
    assert source.check() == [
        f"{tree} has 3 pictures, not 13,233 and 2 subjects, not 5,749 as published; unpack lfw.tgz again."
    ]
    monkeypatch.setattr(Lfw, "published", type(Lfw.published)(3, 2))
    assert Lfw(tree).check() == []


def test_half_copies_are_explained(tree: Path, tmp_path: Path) -> None:
    (tree / "Al_Gore" / "Al_Gore_0001.jpg").unlink()
    (tree / "Zoe_Ball" / "Zoe_Ball_0001.jpg").unlink()
    assert Lfw(tree).check()[:2] == [
        "1 people have no picture, first Zoe_Ball; unpack lfw.tgz again.",
        "1 people lack a picture between others, first Al_Gore; unpack lfw.tgz again.",
    ]
    shutil.rmtree(tree)
    (tmp_path / "lfw.zip").touch()
    assert "has no pictures like Name/Name_0001.jpg (unpack lfw.zip first)" in Lfw(tmp_path).check()[0]
    assert "There is no folder" in Lfw(tree).check()[0]
    with pytest.raises(StoreError, match="There is no folder"):
        Lfw(tree).chunks()


def test_folders_of_ones_own_have_no_published_totals(tree: Path, tmp_path: Path) -> None:
    source = PersonFolders(tree.rename(tmp_path / "friends"))
    assert not isinstance(source, PublishedSource)
    assert {record.subject for record in all_of(source)} == {"friends/Al_Gore", "friends/Zoe_Ball"}
    (tmp_path / "none").mkdir()
    with pytest.raises(StoreError, match="no pictures like"):
        PersonFolders(tmp_path / "none").chunks()


def test_prepare_tells_what_differs_from_the_published_totals(tree: Path, tmp_path: Path) -> None:
    report = prepare(Lfw(tree), tmp_path / "s", locate=lambda picture: landmarks())
    assert report.differences == ("3 pictures, not 13,233", "2 subjects, not 5,749")
    own = prepare(PersonFolders(tree), tmp_path / "own", locate=lambda picture: landmarks())
    assert own.differences == ()
