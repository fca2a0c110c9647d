"""CSV files of labelled pictures: what they say, and every way in which they can be wrong."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from idennet.errors import InputError
from idennet.learning.data.readers.labelled_pictures import read_labelled_pictures


def write(folder: Path, text: str | bytes, pictures: str = "a.png b.png sub/c.png") -> Path:
    (folder / "sub").mkdir()
    for name in pictures.split():
        (folder / name).write_bytes(b"not opened")
    path = folder / "mine.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_everything_that_is_known_is_read(tmp_path: Path) -> None:
    text = (
        "\ufeffsmiling,image,AU12,subject,au 04,frame,open mouth,AU6\n"
        "Yes,a.png,1,Ann,,3,,\n"
        "no,b.png,-1,Ann,0.0,,TRUE,\n"
        ",sub/c.png,0,Bob,1,,0,-1\n"
    )
    path = write(tmp_path, text)
    pictures = read_labelled_pictures(path)
    assert pictures.images == [tmp_path / "a.png", tmp_path / "b.png", tmp_path / "sub" / "c.png"]
    assert pictures.frames["subject"].tolist() == ["mine/Ann", "mine/Ann", "mine/Bob"]
    assert pictures.aus == (4, 12)  # nobody coded AU6
    np.testing.assert_array_equal(pictures.labels((4, 12, 6)), [[-1, 1, -1], [0, -1, -1], [1, 0, -1]])
    assert list(pictures.conditions) == ["smiling", "open mouth"]
    np.testing.assert_array_equal(pictures.conditions["smiling"], [1, 0, -1])
    np.testing.assert_array_equal(pictures.conditions["open mouth"], [-1, 1, 0])
    assert pictures.digest == hashlib.sha256(path.read_bytes()).hexdigest()


def test_without_subjects_each_picture_is_a_person_and_without_action_units_there_are_no_labels(
    tmp_path: Path,
) -> None:
    pictures = read_labelled_pictures(write(tmp_path, "image,smiling\na.png,1\nb.png,0\n"))
    assert pictures.subjects == ("mine/a.png", "mine/b.png")
    assert pictures.aus == ()
    assert pictures.labels(()).shape == (2, 0)


def test_pictures_of_some_people_keep_their_labels_and_answers(tmp_path: Path) -> None:
    lines = ("image,subject,sequence,frame,AU12,calm", "a.png,A,t1,7,1,no", "b.png,B,t1,8,0,")
    text = "\n".join([*lines, "sub/c.png,A,t2,9,-1,yes"])
    pictures = read_labelled_pictures(write(tmp_path, text), "disfa").select(["disfa/A"])
    assert pictures.frames[["sequence", "frame"]].to_numpy().tolist() == [["t1", 7], ["t2", 9]]
    assert pictures.labels([12])[:, 0].tolist() == [1, -1]
    assert pictures.conditions["calm"].tolist() == [0, 1]
    assert str(pictures.provenance) == "photographs, 1 subject"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: needs the column image"),
        ("image;smiling\na.png;1\n", "has ; between its values"),
        ("image,smiling\n", "lists no pictures"),
        ("image\na.png\n", "says nothing about any picture"),
        ("image,subject,smiling,AU12\na.png,Ann,,-1\n", "says nothing about any picture"),
        ("image,AU12\na.png,2\n", "line 2: AU12 is '2'; allowed are 1, 0, -1 or empty"),
        ("image,smiling\na.png,yes\nb.png,-1\n", "line 3: smiling is '-1'; allowed are yes, no, true, false"),
        ("image,age\na.png,34\n", "line 2: age is '34'.*remove columns that ask something else"),
        ("image,AU99\na.png,1\n", "line 1: column 'AU99' is not known"),
        ("image,AU45_r\na.png,1\n", "line 1: column 'AU45_r' is not known"),
        ("image,AU4,AU04\na.png,1,1\n", "line 1: two columns for AU4"),
        ("image,smiling,smiling\na.png,1,1\n", "needs a name of its own, but 'smiling' has not"),
        ("image,smiling,\na.png,1,1\n", "needs a name of its own, but '' has not"),
        ("image,smiling\n,1\n", "line 2: image is empty"),
        ("image,subject,smiling\na.png,,1\n", "line 2: subject is empty"),
        ("image,smiling\nnone.png,1\n", "line 2: there is no picture .*none.png; paths are relative"),
        ("image,smiling\nsub,1\n", "line 2: there is no picture .*sub;"),
        ("image,smiling\na.png,1\nb.png,0\na.png,0\n", "line 4: a.png is also in line 2"),
        ("image,sequence,frame,AU12\na.png,t1,x,1\n", "line 2: frame is 'x'; allowed are whole numbers"),
        ("image,smiling\na.png,1,0\n", "line 2: has another number of values"),
        ("image,smiling\na.png\n", "line 2: has another number of values"),
        ('image,smiling\n"a.png"x,1\n', "line 2: "),
        ("image,smiling\nä.png,1\n".encode("latin-1"), "not UTF-8"),
    ],
)
def test_wrong_files_name_the_line(tmp_path: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_labelled_pictures(write(tmp_path, text))
