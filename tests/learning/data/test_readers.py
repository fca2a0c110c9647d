"""Each reader yields what its files say, and names the file or line that is wrong."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from drawn_people import all_of
from drawn_synfacs import drawing, landmarks, write_corpus
from PIL import Image

from idennet.errors import ImageError, InputError, StoreError
from idennet.learning.data.readers import records
from idennet.learning.data.readers.csv_list import CsvList
from idennet.learning.data.readers.lfw import Lfw
from idennet.learning.data.readers.synfacs import SynFacs


def test_synfacs_yields_every_frame(tmp_path: Path) -> None:
    source = SynFacs(write_corpus(tmp_path / "c", subjects=2, frames=3))
    found = all_of(source)
    assert source.name == "synfacs-drawn"
    assert [(record.subject, record.sequence, record.frame) for record in found] == [
        (f"synfacs-drawn/000{subject}", "smile", frame) for subject in (1, 2) for frame in (0, 1, 2)
    ]
    third = found[2]
    assert third.au_labels == {1: -1, 12: 0}
    assert third.au_intensities == {12: pytest.approx(0.2)}
    eyes = np.array([[62.0, 58.0], [102.0, 58.0]])
    assert np.array_equal(third.landmarks, landmarks(eyes))
    assert np.array_equal(third.load().pixels, drawing(10, eyes))


def test_plain_subject_names_get_the_corpus(tmp_path: Path) -> None:
    root = write_corpus(tmp_path / "c", subjects=1)
    file = root / "subjects" / "0001.parquet"
    pd.read_parquet(file).assign(subject="0001").to_parquet(file)
    assert {record.subject for record in all_of(SynFacs(root))} == {"synfacs-drawn/0001"}


def test_chunks_hold_whole_subjects_and_change_with_the_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("idennet.learning.data.readers.synfacs.CHUNK_PICTURES", 5)
    root = write_corpus(tmp_path / "c", subjects=5, frames=3)
    before = SynFacs(root).chunks()
    assert [chunk.size for chunk in before] == [6, 6, 3]
    assert [chunk.key for chunk in SynFacs(root).chunks()] == [chunk.key for chunk in before]
    file = root / "subjects" / "0003.parquet"
    pd.read_parquet(file).assign(frame=7).to_parquet(file)
    same = [new.key == old.key for new, old in zip(SynFacs(root).chunks(), before, strict=True)]
    assert same == [True, False, True]


def test_wrong_synfacs_folders_are_explained(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no SynFACS corpus"):
        SynFacs(tmp_path)
    root = write_corpus(tmp_path / "c", subjects=1)
    file = root / "subjects" / "0001.parquet"
    table = pd.read_parquet(file)
    table.drop(columns="landmarks").to_parquet(file)
    with pytest.raises(StoreError, match=r"0001\.parquet lacks the columns landmarks"):
        SynFacs(root).chunks()
    table.assign(landmarks=[[1.0]] * len(table)).to_parquet(file)
    with pytest.raises(StoreError, match="136 landmark numbers"):
        all_of(SynFacs(root))
    file.write_bytes(b"PAR1")
    with pytest.raises(StoreError, match="is damaged"):
        SynFacs(root).chunks()
    file.unlink()
    with pytest.raises(StoreError, match="has no subjects yet"):
        SynFacs(root).chunks()
    for content, message in (
        ('{"format": 9, "name": "x"}', "corpus format 9"),
        ("{}", "damaged"),
        ("", "damaged"),
    ):
        (root / "corpus.json").write_text(content)
        with pytest.raises(StoreError, match=message):
            SynFacs(root)


def test_lfw_reads_a_folder_a_person(tmp_path: Path) -> None:
    for name in (
        "Al_Gore/Al_Gore_0002.jpg",
        "Al_Gore/Al_Gore_0010.JPG",
        "Zoe/first.png",
        "Zoe/notes.txt",
        "x.jpg",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = all_of(Lfw(tmp_path))
    assert [(record.subject, record.sequence, record.frame) for record in found] == [
        ("lfw/Al_Gore", "Al_Gore_0002", 2),
        ("lfw/Al_Gore", "Al_Gore_0010", 10),
        ("lfw/Zoe", "first", 0),
    ]
    assert all(record.landmarks is None and not record.au_labels for record in found)
    with pytest.raises(ImageError, match="empty"):
        found[0].load()


def test_lfw_without_people(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no pictures like"):
        Lfw(tmp_path).chunks()
    with pytest.raises(StoreError, match="no folder"):
        Lfw(tmp_path / "missing").chunks()


def write_csv(folder: Path, text: str) -> CsvList:
    (folder / "mine.csv").write_bytes(text.encode())
    return CsvList(folder / "mine.csv")


def test_csv_lists_pictures_beside_it(tmp_path: Path) -> None:
    text = "\ufeffsubject,image,AU04,au 12,frame\nAnn,a.png,1,,3\nBob,sub/b.png,-1,0.0,\n"
    ann, bob = all_of(write_csv(tmp_path, text))
    assert (ann.subject, ann.sequence, ann.frame, ann.au_labels) == ("mine/Ann", "a.png", 3, {4: 1, 12: -1})
    assert (bob.subject, bob.frame, bob.au_labels) == ("mine/Bob", 0, {4: -1, 12: 0})
    assert bob.image == tmp_path / "sub" / "b.png"
    Image.fromarray(drawing(40)).save(tmp_path / "a.png")
    assert np.array_equal(ann.load().pixels, drawing(40))


def test_csv_lists_of_the_released_code(tmp_path: Path) -> None:
    text = "image_path,Id,AU1,AU12\nbp4d/F001/1.jpg,F001,1,0\n/celeba/2.jpg,2880,-1,-1\n"
    labelled, identity = all_of(write_csv(tmp_path, text))
    assert labelled.image == tmp_path / "bp4d" / "F001" / "1.jpg"
    assert (labelled.subject, labelled.au_labels) == ("mine/F001", {1: 1, 12: 0})
    assert identity.image == Path("/celeba/2.jpg")
    assert (identity.subject, identity.au_labels) == ("mine/2880", {1: -1, 12: -1})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("image,image_path,subject\na,b,c\n", "line 1: two columns for image; keep one"),
        ("image_path,Id\n,b\n", "line 2: image is empty"),
        ("image_path,AU1\na,1\n", "lacks subject"),
        ("", "line 1: needs the columns image and subject"),
        ("image;subject\na;b\n", "has ; between its values"),
        ("image,person\na,b\n", "lacks subject"),
        ("image,subject,AU99\na,b,1\n", "line 1: column 'AU99' is not known"),
        ("image,subject,AU4,AU04\na,b,1,1\n", "line 1: two columns for AU4"),
        ("image,subject,AU4\na,b,1\na,b,2.5\n", "line 3: AU4 is '2.5'; allowed are 1, 0, -1 or empty"),
        ("image,subject\na,b,c\n", "line 2: has another number of values"),
        ("image,subject\na\n", "line 2: has another number of values"),
        ("image,subject\n,b\n", "line 2: image is empty"),
        ("image,subject,frame\na,b,-1\n", "line 2: frame is '-1'"),
        ('image,subject\n"a"x,b\n', "line 2: "),
        ("image,subject\n", "lists no pictures"),
    ],
)
def test_wrong_lists_name_the_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        write_csv(tmp_path, text).chunks()


def test_csv_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no CSV file"):
        CsvList(tmp_path / "none.csv")
    (tmp_path / "latin.csv").write_bytes("image,subject\nä.png,b\n".encode("latin-1"))
    with pytest.raises(InputError, match="not UTF-8"):
        CsvList(tmp_path / "latin.csv").chunks()


def test_picture_chunks_keep_order_and_notice_new_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "CHUNK_PICTURES", 2)
    for name in "abcde":
        (tmp_path / "p").mkdir(exist_ok=True)
        (tmp_path / "p" / f"{name}.png").touch()
    before = Lfw(tmp_path).chunks()
    assert [chunk.size for chunk in before] == [2, 2, 1]
    assert [record.sequence for chunk in before for record in chunk.read()] == list("abcde")
    (tmp_path / "p" / "c.png").write_bytes(b"now with content")
    same = [new.key == old.key for new, old in zip(Lfw(tmp_path).chunks(), before, strict=True)]
    assert same == [True, False, True]
