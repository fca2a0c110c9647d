"""Telling people apart, their zeros and the person store, from the command line."""

import json
import shutil
import sqlite3
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from clips import write_clip
from idennet.cli.main import app
from idennet.cli.people import _shown
from idennet.inference.analyser import Analyser

GROUP = Path(str(resources.files("idennet") / "assets" / "rendered_group.jpg"))


def idennet(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [*map(str, arguments)], env={"COLUMNS": "160"})


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The group of four, the same darker, and the leftmost person alone."""
    folder = tmp_path_factory.mktemp("pictures")
    shutil.copy(GROUP, folder / "a.jpg")
    with Image.open(GROUP) as group:
        group.point(lambda value: round(0.85 * value)).save(folder / "b.png")
        ran = idennet("detect", GROUP, "--out", folder.parent / "alone")
        assert ran.exit_code == 0, ran.output
        left = pd.read_csv(folder.parent / "alone" / "aus.csv").iloc[0]
        width = left.box_x1 - left.box_x0
        group.crop((0, 0, round(left.box_x1 + 0.1 * width), group.height)).save(folder / "one.png")
    shutil.move(folder / "one.png", folder.parent / "one.png")
    return folder


def test_people_of_a_folder_are_numbered_and_read_from_their_own_zero(pictures: Path, tmp_path: Path):
    ran = idennet("detect", pictures, "--people", "--zero", "whole", "--out", tmp_path, "--no-overlay")
    assert ran.exit_code == 0, ran.output
    table = pd.read_csv(tmp_path / "aus.csv")
    assert table.person.tolist() == [1, 2, 3, 4] * 2
    assert (table.zero == "whole").all()
    assert (table.zero_looks == 2).all()
    assert table.AU12.notna().all()
    assert (table.AU12_zeroed - table.AU12).abs().max() > 0
    lines = [json.loads(line) for line in (tmp_path / "aus.jsonl").read_text().splitlines()]
    assert lines[0]["faces"][2]["zeroed"]["way"] == "whole"
    assert "person 3" in ran.output
    assert ran.output.count("own zero: ") == 9  # eight faces, and what that is
    assert "?" not in ran.output
    more = idennet("detect", pictures, "--people", "--zero", "running", "--out", tmp_path)
    assert more.exit_code == 2
    assert "holds results with another zero; choose" in more.output
    less = idennet("detect", pictures, "--people", "--out", tmp_path)
    assert "holds results that were read with --zero; choose" in less.output


def test_a_neutral_photograph_is_a_zero(pictures: Path, tmp_path: Path):
    one = pictures.parent / "one.png"
    ran = idennet("detect", one, "--zero", one, "--out", tmp_path / "out")
    assert ran.exit_code == 0, ran.output
    table = pd.read_csv(tmp_path / "out" / "aus.csv")
    assert table.zero.tolist() == ["neutral"]
    assert "person" not in table or table.person.isna().all()
    several = idennet("detect", one, "--zero", GROUP)
    assert several.exit_code == 2
    assert "shows 4 faces" in several.output


def test_one_zero_of_several_people_in_one_picture_is_told(pictures: Path, film: Path, tmp_path: Path):
    one, told = pictures.parent / "one.png", "takes all faces for one person's"
    assert told not in idennet("detect", one, film, "--zero", one).output
    with Image.open(GROUP) as group:
        pixels = np.asarray(group.convert("RGB"))[: group.height // 2 * 2, : group.width // 2 * 2]
    clip = write_clip(tmp_path / "group.mkv", [pixels] * 3, rate=4)
    ran = idennet("detect", clip, "--zero", one, "--out", tmp_path / "out", "--quiet")
    assert ran.exit_code == 0, ran.output
    assert f"--zero {one} {told}, but " in ran.output
    assert f"somebody else than it does, and up to 4 are in one frame of {clip}; add --people" in ran.output
    assert pd.read_csv(tmp_path / "out" / "aus.csv").AU12_zeroed.notna().all()
    assert (
        f"--zero whole {told}, but 4 are in {GROUP}; add --people"
        in idennet("detect", GROUP, "--zero", "whole").output
    )
    assert told not in idennet("detect", clip, "--zero", one, "--people").output


@pytest.mark.parametrize(
    ("zero", "sentence"),
    [
        ("happy", "neither running, whole, identity or store"),
        ("5-2", "ends before it starts"),
        ("2-5", "is a range of a video, and none is named"),
        ("store", "--store"),
    ],
)
def test_wrong_zeros_are_told(pictures: Path, zero: str, sentence: str):
    ran = idennet("detect", GROUP, "--zero", zero)
    assert ran.exit_code == 2
    assert sentence in ran.output


def test_people_who_are_enrolled_are_recognised(pictures: Path, tmp_path: Path):
    store, one = tmp_path / "people.db", pictures.parent / "one.png"
    assert idennet("people", "enrol", store, one, "--name", "Anna", "--neutral").exit_code == 0
    rest = idennet("people", "enrol", store, pictures / "a.jpg")
    assert rest.exit_code == 0, rest.output
    assert f"Anna (known): 1 appearance added, from {pictures / 'a.jpg'}." in rest.output
    assert rest.output.count("(new)") == 3
    ran = idennet(
        "detect", pictures / "b.png", "--store", store, "--zero", "store", "--out", tmp_path / "out"
    )
    assert ran.exit_code == 0, ran.output
    table = pd.read_csv(tmp_path / "out" / "aus.csv")
    assert table.person.tolist() == [1, 2, 3, 4]
    assert table.zero.notna().tolist() == [True, False, False, False]
    assert table.name.fillna("").tolist() == ["Anna", "", "", ""]
    assert table.person_certainty.min() >= 0.9
    assert "Face 1, person 1 (Anna)  found with" in ran.output
    assert "Face 2, person 2  found with" in ran.output
    several = idennet("detect", pictures, "--store", store)
    assert several.output.count(" person 1 (Anna)  ") == 2
    assert "No zero for person 2, person 3, person 4: nothing neutral was seen of them" in ran.output
    assert table.AU12_zeroed.notna().tolist() == [True, False, False, False]


def test_a_store_is_listed_renamed_merged_split_exported_and_emptied(pictures: Path, tmp_path: Path):
    store = tmp_path / "people.db"
    idennet("people", "enrol", store, pictures / "a.jpg")
    assert idennet("people", "rename", store, "1", "Anna").exit_code == 0
    assert idennet("people", "merge", store, "Anna", "2").exit_code == 0
    listed = idennet("people", "list", store).output
    assert "Anna" in listed
    assert "person 2" not in idennet("people", "show", store, "Anna").output
    assert idennet("people", "split", store, "Anna", "2", "--name", "Bert").output == "Bert is new.\n"
    exported = json.loads(idennet("people", "export", store, "Bert").stdout)
    assert [person["name"] for person in exported["people"]] == ["Bert"]
    assert np.isfinite(exported["people"][0]["appearances"][0]["embedding"]).all()
    assert idennet("people", "delete", store, "Bert", "--yes").output == "Bert is deleted.\n"
    gone = idennet("people", "show", store, "Bert")
    assert gone.exit_code == 2
    assert "knows no 'Bert'" in gone.output


def test_a_list_cuts_long_paths_in_front() -> None:
    paths = [f"lfw/Tony_Blair/Tony_Blair_000{number}.jpg" for number in range(3)]
    assert _shown(paths, 60) == "…ir/Tony_Blair_0000.jpg, …ir/Tony_Blair_0001.jpg and 1 more"
    assert _shown(paths, 40) == "…ny_Blair/Tony_Blair_0000.jpg and 2 more"
    assert _shown(paths[:1], 40) == paths[0]
    assert _shown(paths[:1], 20) == "…Tony_Blair_0000.jpg"


def test_people_of_other_weights_are_told_and_deleted_but_not_recognised(pictures: Path, tmp_path: Path):
    store = tmp_path / "people.db"
    idennet("people", "enrol", store, pictures.parent / "one.png", "--name", "Anna", "--neutral")
    with sqlite3.connect(store) as sql:
        sql.execute("UPDATE about SET weights = 'older', sha256 = ?", ("1" * 64,))
    refused = idennet("detect", GROUP, "--store", store)
    assert refused.exit_code == 2
    assert "belongs to the weights older" in " ".join(refused.output.split())
    assert idennet("people", "rename", store, "Anna", "Serena").exit_code == 0
    assert "Serena" in idennet("people", "list", store).output
    assert "neutral" in idennet("people", "show", store, "Serena").output
    exported = json.loads(idennet("people", "export", store).stdout)
    assert exported["weights"] == "older"
    assert "AU12" in exported["people"][0]["appearances"][0]["neutral"]
    assert idennet("people", "delete", store, "Serena", "--yes").output == "Serena is deleted.\n"
    assert idennet("people", "list", store).output == "Nobody is enrolled.\n"


def test_a_name_of_two_lines_is_refused_before_pictures_are_read(tmp_path: Path):
    ran = idennet("people", "enrol", tmp_path / "people.db", GROUP, "--name", "An\nna")
    assert ran.exit_code == 2
    told = r"'An\nna' is no name: leave out line breaks, control characters and stray bytes."
    assert told in " ".join(ran.output.split())


def test_there_must_be_a_store(tmp_path: Path):
    ran = idennet("detect", GROUP, "--store", tmp_path / "none.db")
    assert ran.exit_code == 2
    assert "There is no person store" in " ".join(ran.output.split())
    assert not (tmp_path / "none.db").exists()


def test_people_of_other_weights_must_be_fitted_first(random_weights: Path):
    ran = idennet("detect", GROUP, "--people", "--weights", random_weights)
    assert ran.exit_code == 2
    assert "idennet weights people" in " ".join(ran.output.split())


@pytest.fixture(scope="module")
def other(pictures: Path) -> Path:
    """The second person alone, as large a picture as that of the first."""
    with Image.open(GROUP) as group, Image.open(pictures.parent / "one.png") as one:
        group.crop((one.width, 0, 2 * one.width, one.height)).save(path := pictures.parent / "other.png")
    return path


@pytest.fixture(scope="module")
def film(pictures: Path) -> Path:
    """The person alone, moving, for two seconds; nobody in the first frames."""
    with Image.open(pictures.parent / "one.png") as one:
        pixels = np.asarray(one.convert("RGB"))[:, : one.width // 2 * 2][: one.height // 2 * 2]
    frames = [np.zeros_like(pixels)] * 2 + [np.roll(pixels, k, axis=1) for k in range(6)]
    return write_clip(pictures.parent / "one.mkv", frames, rate=4)


def test_a_clip_enrols_whom_it_shows(film: Path, tmp_path: Path):
    store = tmp_path / "people.db"
    ran = idennet("people", "enrol", store, film, "--name", "Anna", "--neutral")
    assert ran.output == "Anna: 1 appearance added.\n"
    (anna,) = json.loads(idennet("people", "export", store).stdout)["people"]
    assert [one["looks"] for one in anna["appearances"]] == [3]
    assert "1 person with person 1 (Anna)" in idennet("detect", film, "--store", store).output
    nobody = write_clip(tmp_path / "nobody.mkv", [np.zeros((64, 64, 3), np.uint8)] * 2)
    refused = idennet("people", "enrol", store, nobody, "--name", "Bert")
    assert refused.exit_code == 2
    assert "shows no face that was found" in refused.output


def test_a_neutral_picture_counts_once_and_each_different_one_again(
    pictures: Path, other: Path, tmp_path: Path
):
    one, (two, three) = pictures.parent / "one.png", (tmp_path / "two", tmp_path / "three")
    for folder in (two, three):
        folder.mkdir()
        shutil.copy(one, folder / "a.png")
        shutil.copy(one, folder / "b.png")
    shutil.copy(other, three / "c.png")
    shown = []
    for file in (one, other):
        with Image.open(file) as picture:
            shown.append(
                np.asarray(picture.convert("RGB"))[: picture.height // 2 * 2, : picture.width // 2 * 2]
            )
    still = write_clip(tmp_path / "still.mkv", shown[:1] * 6, rate=4)
    changing = write_clip(tmp_path / "changing.mkv", [shown[0]] * 4 + [shown[1]] * 4, rate=4)
    for neutral, looks in ((two, 1), (three, 2), (still, 1), (changing, 2)):
        out = tmp_path / f"of {neutral.stem}"
        ran = idennet("detect", one, "--zero", neutral, "--out", out, "--no-overlay")
        assert ran.exit_code == 0, ran.output
        assert pd.read_csv(out / "aus.csv").zero_looks.tolist() == [looks]


def test_somebody_who_comes_by_is_not_enrolled(film: Path, pictures: Path, tmp_path: Path):
    """The second person is there for half a second of two and a half."""
    with Image.open(GROUP) as group, Image.open(pictures.parent / "one.png") as one:
        both = np.asarray(group)[: group.height // 2 * 2, : one.width * 2 // 2 * 2]
        alone = np.concatenate([both[:, : one.width], np.zeros_like(both[:, one.width :])], axis=1)
    clip = write_clip(tmp_path / "clip.mkv", [alone] * 8 + [both] * 2, rate=4)
    ran = idennet("people", "enrol", tmp_path / "people.db", clip, "--name", "Anna")
    assert "added; 1 person beside left out." in ran.output
    (anna,) = json.loads(idennet("people", "export", tmp_path / "people.db").stdout)["people"]
    assert sum(one["looks"] for one in anna["appearances"]) == 5


def test_it_must_be_clear_who_is_enrolled(pictures: Path, tmp_path: Path):
    """Of four people beside each other none is meant, until one is known."""
    store, group = tmp_path / "people.db", pictures / "a.jpg"
    refused = idennet("people", "enrol", store, group, "--name", "Anna")
    assert refused.exit_code == 2
    told = "4 people, and nobody 2 times as much as anybody else; enrol a picture that shows Anna alone"
    assert told in " ".join(refused.output.split())
    assert not store.exists()
    assert idennet("people", "enrol", store, pictures.parent / "one.png", "--name", "Anna").exit_code == 0
    ran = idennet("people", "enrol", store, group, "--name", "Anna")
    assert ran.output == "Anna: 1 appearance added; 3 people beside left out.\n"
    ran = idennet("detect", pictures / "b.png", "--store", store, "--out", tmp_path / "out")
    assert pd.read_csv(tmp_path / "out" / "aus.csv").person.tolist()[0] == 1


def test_a_picture_of_somebody_else_is_not_enrolled(pictures: Path, other: Path, tmp_path: Path):
    one = pictures.parent / "one.png"
    same = shutil.copy(one, tmp_path / "same.png")
    ran = idennet("people", "enrol", tmp_path / "people.db", one, same, other, "--name", "Anna")
    assert ran.exit_code == 2
    told = "other.png does not show Anna as the others do; leave it out, or enrol it alone."
    assert told in " ".join(ran.output.split())


def test_nobody_else_is_added_to_a_known_name(pictures: Path, other: Path, tmp_path: Path):
    store, one = tmp_path / "people.db", pictures.parent / "one.png"
    assert idennet("people", "enrol", store, one, "--name", "Anna").exit_code == 0
    refused = idennet("people", "enrol", store, other, "--name", "Anna")
    assert refused.exit_code == 2
    told = "other.png clearly shows somebody else than the store knows as Anna; enrol them by another name"
    assert told in " ".join(refused.output.split())
    assert len(json.loads(idennet("people", "export", store).stdout)["people"][0]["appearances"]) == 1
    again = idennet("people", "enrol", store, one, "--name", "Anna")
    assert again.output == "Anna: 1 appearance added.\n"


@pytest.mark.parametrize("zero", ["running", "whole"])
def test_a_run_with_people_goes_on_behind_its_rows(film: Path, tmp_path: Path, zero: str):
    out = tmp_path / "out"
    command = "detect", film, "--people", "--zero", zero, "--out", out
    ran = idennet(*command)
    assert ran.exit_code == 0, ran.output
    assert "2 tracks, 1 person" in ran.output or "1 track, 1 person" in ran.output
    tables = [out / "aus.csv", out / "aus.jsonl"]
    expected = [table.read_bytes() for table in tables]
    lines = expected[1].splitlines(keepends=True)
    tables[0].write_bytes(expected[0][:-99])
    tables[1].write_bytes(b"".join(lines[:5]))
    again = idennet(*command)
    assert again.exit_code == 0, again.output
    assert "zero for" not in again.output
    assert "5 frames read by an earlier run; people and zeros follow from all" in again.output
    assert [table.read_bytes() for table in tables] == expected


def test_rows_that_followed_from_other_pictures_are_not_mixed(pictures: Path, tmp_path: Path):
    out = tmp_path / "out"
    assert idennet("detect", pictures / "b.png", "--people", "--out", out, "--no-overlay").exit_code == 0
    before = (out / "aus.csv").read_bytes()
    ran = idennet("detect", pictures, "--people", "--out", out, "--no-overlay")
    assert ran.exit_code == 2
    assert "followed from other pictures than these" in " ".join(ran.output.split())
    assert (out / "aus.csv").read_bytes() == before


def test_a_range_without_a_face_is_told_and_raw_values_stay(film: Path, tmp_path: Path):
    ran = idennet("detect", film, "--zero", "0:01:00-0:01:05", "--out", tmp_path)
    assert ran.exit_code == 0, ran.output
    assert "Nobody has a zero" in ran.output
    table = pd.read_csv(tmp_path / "aus.csv")
    assert table.AU12.notna().sum() == 6
    assert table.AU12_zeroed.isna().all()


def test_what_ctrl_c_cut_short_begins_anew_with_fresh(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    command = "detect", pictures, "--people", "--zero", "whole", "--out", tmp_path, "--no-overlay"
    read = Analyser.analyse_all

    def stopped(*given: object) -> Iterator[object]:
        yield next(read(*given))
        raise KeyboardInterrupt

    with monkeypatch.context() as interrupted:
        interrupted.setattr(Analyser, "analyse_all", stopped)
        ran = idennet(*command)
    assert ran.exit_code == 130
    assert "--fresh reads everything" in " ".join(ran.output.split())
    assert pd.read_csv(tmp_path / "aus.csv").zero_looks.tolist() == [1] * 4
    again = idennet(*command)
    assert again.exit_code == 2
    assert "begin anew with --fresh" in " ".join(again.output.split())
    assert idennet(*command, "--fresh").exit_code == 0
    assert pd.read_csv(tmp_path / "aus.csv").zero_looks.tolist() == [2] * 8


def test_what_cannot_be_enrolled_is_told_and_makes_no_store(pictures: Path, tmp_path: Path):
    store, bad = tmp_path / "people.db", tmp_path / "bad.png"
    bad.write_bytes(b"no picture")
    named = idennet("people", "enrol", store, bad, "--name", "Anna")
    assert named.exit_code == 2
    assert "bad.png" in named.output
    assert not store.exists()
    ran = idennet("people", "enrol", store, bad, pictures.parent / "one.png")
    assert ran.exit_code == 0, ran.output
    assert "bad.png" in ran.output
    assert "(new): 1 appearance added, from " in ran.output


@pytest.mark.usefixtures("never_clear")
def test_a_run_over_photographs_says_who_may_be_several_people(pictures: Path):
    ran = idennet("detect", pictures, "--people", "--quiet")
    assert ran.exit_code == 0, ran.output
    assert f"(2 faces: {pictures / 'a.jpg'} beside {pictures / 'b.png'})" in ran.output
    assert "each of these is one person, and read apart who is not: person " in ran.output


@pytest.mark.usefixtures("never_clear")
def test_enrolling_says_who_may_be_several_people(pictures: Path, tmp_path: Path):
    """The numbers are those of the store, which never gives one twice."""
    store, one = tmp_path / "people.db", pictures.parent / "one.png"
    for before in (("enrol", store, one), ("delete", store, "1", "--yes")):
        assert idennet("people", *before).exit_code == 0
    ran = idennet("people", "enrol", store, pictures)
    assert ran.exit_code == 0, ran.output
    first, second = pictures / "a.jpg", pictures / "b.png"
    assert f"person 2 (new): 2 appearances added, from {first}, {second}.\n" in ran.output
    assert "each of these is one person, and read apart who is not: person " in ran.output
    told = ran.output.partition("read apart")[2]
    assert "person 5 (2 faces" in told
    assert "person 1 " not in told
