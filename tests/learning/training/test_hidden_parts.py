"""Which parts of photographed faces somebody saw hidden."""

from pathlib import Path

import pytest
from tiny_training import make_store

from idennet.errors import InputError
from idennet.learning.data.hidden_parts import HiddenParts
from idennet.learning.data.store import FaceStore

TAUGHT, JUDGED = (
    Path(__file__).parents[3] / "results" / "hidden-parts" / name for name in ("taught.csv", "judged.csv")
)


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> FaceStore:
    return make_store(
        tmp_path_factory.mktemp("store") / "folk", "folk", 3, 2, aus=False, seed=1, pictures=True
    )


def test_what_somebody_saw_is_told_of_the_pictures_that_are_named(
    photographs: FaceStore, tmp_path: Path
) -> None:
    first, second, third = photographs.frames["sequence"].astype(str)[:3]
    file = tmp_path / "hidden.csv"
    file.write_text(
        f"image,part,hidden,who looked\n00/{first}.jpg,eyes,yes,A\n{first}.png,mouth,unclear,A\n"
        f"somebody else/{second}.jpg,eyes,yes,B\n"
        f"{third}.jpg,brows,no,B\nnobody.jpg,eyes,yes,B\n"
    )
    visible, looked = HiddenParts.open(file).of(photographs)
    assert visible[:3].tolist() == [[0, 1, -1], [1, 1, 1], [1, 1, 1]]
    assert looked[:3].tolist() == [[True, False, True], [False] * 3, [False, True, False]]
    assert (visible[3:] == 1).all()
    assert not looked[3:].any()


def test_a_table_without_rows_says_nothing(photographs: FaceStore, tmp_path: Path) -> None:
    file = tmp_path / "hidden.csv"
    file.write_text("image,part,hidden\n")
    visible, looked = HiddenParts.open(file).of(photographs)
    assert (visible == 1).all()
    assert not looked.any()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is no table of hidden parts"),
        ("image,part\na.jpg,eyes\n", "has no column hidden"),
        ("image,part,hidden\na.jpg,nose,yes\n", "says part 'nose'; allowed are eyes, brows, mouth"),
        ("image,part,hidden\na.jpg,eyes,perhaps\n", "says hidden 'perhaps'; allowed are yes, no, unclear"),
        ("image,part,hidden\na.jpg,eyes,\n", "says hidden ''"),
        ("image,part,hidden\nb/a.jpg,eyes,yes\nc/b/a.png,eyes,no\n", "names a part of c/b/a.png twice"),
    ],
)
def test_another_table_is_refused_in_a_sentence(text: str, told: str, tmp_path: Path) -> None:
    file = tmp_path / "hidden.csv"
    file.write_text(text)
    with pytest.raises(InputError, match=told):
        HiddenParts.open(file)


def test_a_file_that_is_not_there_or_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "picture.csv").write_bytes(b"\xff\xd8\xff\xe0\x00")
    for name, told in (("none.csv", "does not exist"), ("picture.csv", "is no table of hidden parts")):
        with pytest.raises(InputError, match=told):
            HiddenParts.open(tmp_path / name)


def test_those_who_teach_and_those_who_judge_are_other_people() -> None:
    taught, judged = (set(HiddenParts.open(file).table["picture"]) for file in (TAUGHT, JUDGED))
    people = [{picture.rpartition("_")[0] for picture in pictures} for pictures in (taught, judged)]
    assert min(map(len, people)) > 100
    assert not people[0] & people[1]
