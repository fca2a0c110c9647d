"""CelebA: lists with and without headers, folders of several releases, findings in incomplete copies."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from drawn_people import all_of, check_against, people
from PIL import Image

from idennet.errors import InputError, StoreError
from idennet.learning.data.prepare import prepare
from idennet.learning.data.readers import celeba, records
from idennet.learning.data.readers.celeba import Celeba
from idennet.learning.data.readers.records import PublishedSource, Totals
from idennet.research.synth.fake_trees.celeba import write_celeba
from idennet.research.synth.fake_trees.common import FakeFrame

LANDMARKS = Path("Anno/list_landmarks_align_celeba.txt")
IDENTITIES = Path("Anno/identity_CelebA.txt")
PARTITIONS = Path("Eval/list_eval_partition.txt")
PARTS = ("train", "valid", "test")


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, list[FakeFrame]]:
    for part, pictures in {"all": 12, "train": 6, "valid": 3, "test": 3}.items():
        monkeypatch.setitem(celeba._PUBLISHED, part, Totals(pictures, 4 if part == "all" else None))
    return tmp_path / "celeba", write_celeba(tmp_path / "celeba", people(4, 3))


def test_reads_what_was_written(tree: tuple[Path, list[FakeFrame]]) -> None:
    root, said = tree
    source = Celeba(root)
    assert isinstance(source, PublishedSource)
    check_against(source, said)
    assert len({frame.subject for frame in said}) == 4
    assert source.check() == []


def test_the_tree_is_reproducible_and_the_seed_counts(tmp_path: Path) -> None:
    def content(folder: str, seed: int) -> dict[str, bytes]:
        write_celeba(tmp_path / folder, people(3, 2), seed)
        files = [file for file in (tmp_path / folder).rglob("*") if file.is_file()]
        return {str(file.relative_to(tmp_path / folder)): file.read_bytes() for file in files}

    assert content("one", 1) == content("same", 1) != content("other", 2)


def test_the_original_pictures_have_landmarks_of_their_own(tree: tuple[Path, list[FakeFrame]]) -> None:
    root, said = tree
    aligned, wild = all_of(Celeba(root)), all_of(Celeba(root, pictures="wild"))
    assert [record.subject for record in wild] == [record.subject for record in aligned]
    for record in wild:
        pixels = record.load().pixels
        assert pixels.shape != said[0].picture.shape
        for x, y in record.eyes.astype(int):
            assert pixels[y, x].mean() > 200  # the drawn eyes are white, the face is not


def test_prepare_puts_the_given_eyes_in_the_template(
    tree: tuple[Path, list[FakeFrame]], tmp_path: Path
) -> None:
    report = prepare(Celeba(tree[0]), tmp_path / "store")
    assert report.left_out == {}
    assert report.store.faces[:, 44, 44].min() > 150
    assert report.store.faces[:, 44, 84].min() > 150
    assert report.differences == ()


def test_torchvisions_flat_folder(tree: tuple[Path, list[FakeFrame]], tmp_path: Path) -> None:
    root, said = tree
    flat = tmp_path / "flat" / "celeba"
    flat.mkdir(parents=True)
    for file in root.rglob("*.txt"):
        shutil.move(file, flat)
    shutil.move(root / "Img" / "img_align_celeba", flat)
    check_against(Celeba(flat), said)
    check_against(Celeba(flat.parent), said)  # one level too high


def test_a_folder_nested_in_one_of_its_name(tree: tuple[Path, list[FakeFrame]]) -> None:
    root, said = tree
    pictures = root / "Img" / "img_align_celeba"
    pictures.rename(root / "Img" / "inner")
    pictures.mkdir()
    (root / "Img" / "inner").rename(pictures / "img_align_celeba")
    check_against(Celeba(root), said)


def test_png_pictures_are_listed_as_jpg(tree: tuple[Path, list[FakeFrame]]) -> None:
    root, said = tree
    folder = root / "Img" / "img_align_celeba"
    for file in list(folder.iterdir()):
        Image.open(file).save(file.with_suffix(".png"))
        file.unlink()
    folder.rename(root / "Img" / "img_align_celeba_png")
    check_against(Celeba(root), said)


def test_kaggles_lists_are_comma_separated(tree: tuple[Path, list[FakeFrame]]) -> None:
    root, said = tree
    for file, header in ((LANDMARKS, 2), (PARTITIONS, 0)):
        lines = [",".join(line.split()) for line in (root / file).read_text().splitlines()]
        names = "image_id," + (lines[1] if header else "partition")
        (root / file).with_suffix(".csv").write_text("\r\n".join([names, *lines[header:]]) + "\r\n")
        (root / file).unlink()
    check_against(Celeba(root), said)
    assert len(all_of(Celeba(root, partition="test"))) == 3


def test_identities_under_another_name(tree: tuple[Path, list[FakeFrame]], tmp_path: Path) -> None:
    root, said = tree
    (root / IDENTITIES).rename(tmp_path / "people.txt")
    check_against(Celeba(root, identities=tmp_path / "people.txt"), said)
    shutil.move(tmp_path / "people.txt", root / "labels.txt")
    check_against(Celeba(root), said)


def test_columns_of_landmarks_are_found_by_name(tree: tuple[Path, list[FakeFrame]]) -> None:
    root, said = tree
    count, names, *rows = (root / LANDMARKS).read_text().splitlines()
    turned = [" ".join(names.split()[::-1]), *(" ".join([r.split()[0], *r.split()[:0:-1]]) for r in rows)]
    (root / LANDMARKS).write_text("\n".join([count, *turned]))
    check_against(Celeba(root), said)


def test_partitions_are_read_and_share_nobody(tree: tuple[Path, list[FakeFrame]]) -> None:
    root, _ = tree
    parts = {part: all_of(Celeba(root, partition=part)) for part in ("train", "valid", "test")}
    assert [len(part) for part in parts.values()] == [6, 3, 3]
    subjects = [{record.subject for record in part} for part in parts.values()]
    assert not subjects[0] & subjects[1] | subjects[0] & subjects[2] | subjects[1] & subjects[2]
    lines = (root / PARTITIONS).read_text().splitlines()
    (root / PARTITIONS).write_text("\n".join([f"{lines[0].split()[0]} 2", *lines[1:]]))
    assert Celeba(root).check() == [
        f"1 identities are in more than one partition, the first is {_identity(root, 0)}; do not train and "
        "test on different partitions of this copy."
    ]


def _identity(root: Path, row: int) -> str:
    return (root / IDENTITIES).read_text().splitlines()[row].split()[1]


def test_pictures_without_landmarks_are_left_to_the_finder(tree: tuple[Path, list[FakeFrame]]) -> None:
    root, _ = tree
    (root / LANDMARKS).unlink()
    assert all(record.eyes is None and record.landmarks is None for record in all_of(Celeba(root)))
    assert re.search("no list_landmarks_align_celeba.txt, so faces have to be found", Celeba(root).check()[0])


def test_chunks_are_small_and_follow_the_lists(
    tree: tuple[Path, list[FakeFrame]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "CHUNK_PICTURES", 5)
    root, _ = tree
    before = Celeba(root).chunks()
    assert [chunk.size for chunk in before] == [5, 5, 2]
    lines = (root / IDENTITIES).read_text().splitlines()
    (root / IDENTITIES).write_text("\n".join([*lines[:-1], f"{lines[-1]}0"]))
    assert [new.key == old.key for new, old in zip(Celeba(root).chunks(), before, strict=True)] == [
        True,
        True,
        False,
    ]


def remove(name: str) -> Callable[[Path], None]:
    def act(root: Path) -> None:
        path = root / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()

    return act


def replace(name: str, text: str) -> Callable[[Path], None]:
    return lambda root: (root / name).write_text(text) and None


def cut_off(root: Path) -> None:
    (root / LANDMARKS).write_text("\n".join((root / LANDMARKS).read_text().splitlines()[:-2]))


def still_packed(root: Path) -> None:
    shutil.rmtree(root / "Img" / "img_align_celeba")
    (root / "Img" / "img_align_celeba.zip").touch()


def header(root: Path) -> None:
    (root / IDENTITIES).write_text("202599\n" + (root / IDENTITIES).read_text())


@pytest.mark.parametrize(
    ("damage", "finding"),
    [
        (remove("Img"), "no folder img_align_celeba with pictures; unpack img_align_celeba.zip"),
        (still_packed, "img_align_celeba.zip is not unpacked; unpack it"),
        (header, "line 1: is '202599', not a picture and a number"),
        (replace(str(IDENTITIES), ""), "identity_CelebA.txt lists no pictures"),
        (replace(str(IDENTITIES), "000001.jpg 4\n000001.jpg 5\n"), "line 2: lists 000001.jpg a second time"),
        (cut_off, "promises 12 pictures but lists 10; it was cut off, copy it again"),
        (replace(str(LANDMARKS), "1\nlefteye_x\n000001.jpg 3"), "lacks the column lefteye_y"),
        (replace(str(LANDMARKS), "what\n"), "line 1: has no number of pictures"),
    ],
)
def test_incomplete_copies_are_explained(
    tree: tuple[Path, list[FakeFrame]], damage: Callable[[Path], None], finding: str
) -> None:
    root, _ = tree
    damage(root)
    assert any(finding in found for found in Celeba(root).check())
    with pytest.raises(StoreError, match=re.escape(finding)):
        Celeba(root).chunks()


def test_missing_and_strange_pictures_are_counted(tree: tuple[Path, list[FakeFrame]], tmp_path: Path) -> None:
    root, _ = tree
    folder = root / "Img" / "img_align_celeba"
    (folder / "000002.jpg").unlink()
    shutil.copy(folder / "000001.jpg", folder / "999999.jpg")
    (folder / ".DS_Store").touch()
    assert [finding.split(str(folder))[1] for finding in Celeba(root).check()] == [
        " lacks 1 of the 12 pictures with an identity, first 000002; unpack the archive again.",
        " has 1 pictures without an identity, the first is 999999; they are not used. If the lists were cut "
        "off, copy them again.",
    ]
    report = prepare(Celeba(root), tmp_path / "store")
    assert len(report.store) == 11
    assert report.left_out == {"unreadable": 1}


def test_fewer_pictures_than_published_are_told(
    tree: tuple[Path, list[FakeFrame]], monkeypatch: pytest.MonkeyPatch
) -> None:
    root, _ = tree
    monkeypatch.undo()
    assert Celeba(root).check() == [
        f"{root} has 12 pictures, not 202,599 and 4 subjects, not 10,177 as published; get the rest from "
        f"{celeba.SOURCE}."
    ]
    assert [Celeba(root, partition=part).check()[0].split(" has ")[1].split(" as ")[0] for part in PARTS] == [
        "6 pictures, not 162,770",
        "3 pictures, not 19,867",
        "3 pictures, not 19,962",
    ]


def cut(file: Path, lines: int) -> None:
    """End a list early, at the end of a line, and let its first line, if that counts, agree."""
    kept = file.read_text().splitlines()[:-lines]
    if kept[0].isdecimal():
        kept[0] = str(len(kept) - 2)
    file.write_text("\n".join(kept) + "\n")


@pytest.mark.parametrize(
    ("file", "name"),
    [
        (IDENTITIES, "identity list"),
        (LANDMARKS, "list list_landmarks_align_celeba"),
        (PARTITIONS, "list list_eval_partition"),
    ],
)
def test_lists_that_were_cut_off_are_told_by_the_others(
    tree: tuple[Path, list[FakeFrame]], tmp_path: Path, file: Path, name: str
) -> None:
    root, _ = tree
    cut(root / file, 2)
    finding = (
        f"The {name} of {root} lacks 2 of the 12 pictures of the other lists, first 000011; it was cut off, "
        "copy it again."
    )
    assert finding in Celeba(root).check()
    report = prepare(Celeba(root), tmp_path / "store", locate=lambda picture: None)
    assert report.cut_labels == (finding,)
    assert not report.is_complete


def test_lists_that_were_all_cut_off_are_told_by_the_pictures(tree: tuple[Path, list[FakeFrame]]) -> None:
    root, _ = tree
    for file in (IDENTITIES, LANDMARKS, PARTITIONS):
        cut(root / file, 2)
    (finding,) = Celeba(root).cut_labels()
    assert "has 2 pictures without an identity, the first is 000011; they are not used" in finding


def test_wrong_settings_and_partitions(tree: tuple[Path, list[FakeFrame]]) -> None:
    root, _ = tree
    with pytest.raises(InputError, match="pictures are 'cropped'; allowed are 'aligned' and 'wild'"):
        Celeba(root, pictures="cropped")
    with pytest.raises(InputError, match="partition is 'dev'; allowed are all, train, valid and test"):
        Celeba(root, partition="dev")
    (root / PARTITIONS).write_text("000001.jpg 3\n")
    with pytest.raises(StoreError, match="has the partition 3; allowed are 0, 1 and 2"):
        Celeba(root, partition="train").chunks()
    (root / PARTITIONS).unlink()
    with pytest.raises(StoreError, match=r"no list_eval_partition.txt; get it"):
        Celeba(root, partition="train").chunks()
    assert np.all([record.eyes is not None for record in all_of(Celeba(root))])
