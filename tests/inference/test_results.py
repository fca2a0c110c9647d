import csv
import errno
import io
import json
import os
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from idennet.errors import InputError
from idennet.facs import SYNFACS_AUS, columns
from idennet.inference.analyser import Analyser
from idennet.inference.quality import Flag
from idennet.inference.result import Results, table_columns
from idennet.inference.writers import CsvWriter, Journal, JsonLinesWriter
from idennet.models.action_units import ActionUnitModel
from planted import PlantedFinder, planted_face, planted_picture

FROZEN_COLUMNS = (
    ["file", "frame", "time", "face", "track", "person", "name", "person_certainty"]
    + ["problem", "notes", "flags"]
    + ["AU1", "AU2", "AU4", "AU5", "AU6", "AU7", "AU9", "AU10", "AU12", "AU14", "AU15"]
    + ["AU17", "AU18", "AU20", "AU22", "AU23", "AU24", "AU25", "AU26", "AU27", "AU28", "AU43"]
    + ["AU1_present", "AU2_present", "AU4_present", "AU5_present", "AU6_present", "AU7_present"]
    + ["AU9_present", "AU10_present", "AU12_present", "AU14_present", "AU15_present", "AU17_present"]
    + ["AU18_present", "AU20_present", "AU22_present", "AU23_present", "AU24_present", "AU25_present"]
    + ["AU26_present", "AU27_present", "AU28_present", "AU43_present"]
    + ["unreliable_aus", "renderings_only_aus"]
    + ["confidence", "box_x0", "box_y0", "box_x1", "box_y1", "yaw", "pitch", "roll", "weights"]
    + [f"lm_{axis}{point}" for point in range(68) for axis in "xy"]
)
"""Other people's scripts read these: a change needs a new version of the schema."""


@pytest.fixture
def analyser(random_weights: Path) -> Analyser:
    return Analyser(PlantedFinder(), ActionUnitModel.open(random_weights))


@pytest.fixture
def results(analyser: Analyser, tmp_path: Path) -> Results:
    """Two faces; no face; an unreadable file whose name needs quoting and UTF-8."""
    broken = tmp_path / 'Zoë, "broken".jpg'
    broken.write_text("no picture")
    return Results(analyser.analyse_all([planted_picture(2), planted_picture(0), broken]))


def test_columns_are_frozen(results: Results) -> None:
    assert table_columns(SYNFACS_AUS) == FROZEN_COLUMNS
    assert list(results.to_pandas().columns) == FROZEN_COLUMNS


def test_table_has_a_row_a_face_and_a_row_a_problem(results: Results) -> None:
    table = results.to_pandas()
    assert table["file"].tolist()[:3] == ["picture 1", "picture 1", "picture 2"]
    assert table["face"].tolist()[:2] == [1, 2]
    assert table["face"].isna().tolist() == [False, False, True, True]
    assert table["problem"].isna().tolist() == [True, True, False, False]
    assert table["problem"][2] == "no face found"
    assert 'broken".jpg' in table["problem"][3]
    assert (table["weights"] == "random-1").all()
    empty = table.loc[2:, columns(SYNFACS_AUS)]
    assert empty.isna().all(axis=None)
    for row, face in zip(table.to_dict("records"), results[0].faces, strict=False):
        assert row["AU12"] == pytest.approx(face.au_probs[12], abs=5e-5)
        assert row["AU12_present"] == int(face.au_occurrences[12])
        assert row["unreliable_aus"] == "AU23 AU24"
        assert row["renderings_only_aus"] == "AU24 AU43"
    assert table.loc[2:, "unreliable_aus"].isna().all()
    second = planted_face(1)
    assert tuple(table.loc[1, ["box_x0", "box_y0", "box_x1", "box_y1"]]) == second.box
    assert tuple(table.loc[1, ["yaw", "pitch", "roll"]]) == (1.0, -2.0, 3.0)
    assert table.loc[1, "lm_y67"] == pytest.approx(float(second.landmarks[67, 1]), abs=0.005)


def test_one_result_makes_the_same_rows_as_in_a_table(results: Results) -> None:
    rows = pd.concat([result.to_pandas() for result in results], ignore_index=True)
    pd.testing.assert_frame_equal(rows, results.to_pandas(), check_dtype=False)


def test_identity_embeddings_are_appended_on_request(results: Results) -> None:
    table = results.to_pandas(identity_embedding=True)
    names = [f"id_{i}" for i in range(256)]
    assert list(table.columns) == FROZEN_COLUMNS + names
    np.testing.assert_allclose(np.linalg.norm(table.loc[:1, names].astype(float), axis=1), 1, atol=1e-5)
    assert table.loc[2:, names].isna().all(axis=None)


def test_columns_are_added_to_a_table_without_a_warning(results: Results) -> None:
    for embedding in (False, True):
        table = results.to_pandas(identity_embedding=embedding)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            table["group"] = "pilot"


def test_an_empty_list_makes_an_empty_table() -> None:
    assert len(Results().to_pandas()) == 0


def test_frames_of_a_video_and_people_are_numbered(results: Results) -> None:
    frame = replace(results[0], frame=50, time=2.0)
    named = replace(frame, faces=tuple(replace(face, person=3) for face in frame.faces))
    table = Results([named, results[1]]).to_pandas()
    assert table["frame"].tolist()[:2] == [50, 50]
    assert table["time"].tolist()[:2] == [2.0, 2.0]
    assert table["person"].tolist()[:2] == [3, 3]
    assert table.loc[2, ["frame", "time", "person"]].isna().all()
    assert (named.to_dict()["frame"], named.to_dict()["faces"][0]["person"]) == (50, 3)


def test_notes_are_about_the_picture_and_flags_about_the_face(results: Results) -> None:
    plain, face = (replace(face, flags=()) for face in results[0].faces)
    flagged = replace(face, flags=(Flag.SMALL, Flag.DARK))
    table = replace(results[0], faces=(plain, flagged), notes=("turned", "grey")).to_pandas()
    assert table["notes"].tolist() == ["turned; grey"] * 2
    assert table["flags"].isna().tolist() == [True, False]
    assert table["flags"][1] == "small dark"
    assert flagged.to_dict()["flags"] == ["small", "dark"]
    assert results.to_pandas()["notes"].isna().all()


def test_csv_reads_back_as_the_table(results: Results, tmp_path: Path) -> None:
    path = tmp_path / "aus.csv"
    for result in results:  # opened again and again, as by a run that is continued
        with CsvWriter(path, SYNFACS_AUS) as writer:
            writer.write(result)
    present = dict.fromkeys([f"{name}_present" for name in columns(SYNFACS_AUS)], "Int8")
    back = pd.read_csv(path).astype(
        {"face": "Int64", "name": object, "notes": object, "flags": object} | present
    )
    pd.testing.assert_frame_equal(back, results.to_pandas(), check_dtype=False)
    with path.open(encoding="utf-8", newline="") as file:
        assert next(csv.reader(file)) == FROZEN_COLUMNS
    assert "Zoë" in path.read_text(encoding="utf-8")


def test_json_lines_hold_the_pictures(results: Results, tmp_path: Path) -> None:
    path = tmp_path / "aus.jsonl"
    with JsonLinesWriter(path) as writer:
        for number, result in enumerate(results):
            writer.write(result, number=number)
    pictures = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    expected = [json.loads(json.dumps(result.to_dict())) for result in results]
    assert pictures == [picture | {"number": number} for number, picture in enumerate(expected)]
    face = pictures[0]["faces"][0]
    assert np.shape(face["landmarks"]) == (68, 2)
    assert all(round(x, 2) == x for point in face["landmarks"] for x in point)
    assert [name for name, au in face["aus"].items() if not au["reliable"]] == ["AU23", "AU24"]
    assert {au["threshold"] for au in face["aus"].values()} == {0.5}
    grades = {name: au["evidence"] for name, au in face["aus"].items() if name in ("AU1", "AU12", "AU24")}
    assert grades == {
        "AU1": "taught by photographs",
        "AU12": "tested on photographs",
        "AU24": "renderings only",
    }
    assert face["aus"]["AU12"]["present"] == results[0].faces[0].au_occurrences[12]
    assert face["flags"] == [str(flag) for flag in results[0].faces[0].flags]
    assert pictures[1]["problem"] == "no face found"


def test_rows_are_on_the_disk_as_soon_as_they_are_written(results: Results, tmp_path: Path) -> None:
    path = tmp_path / "aus.csv"
    writer = CsvWriter(path, SYNFACS_AUS)
    for count, result in enumerate(results, start=1):
        writer.write(result)
        assert pd.read_csv(path)["file"].nunique() == count
    writer.close()


def test_an_entry_that_does_not_fit_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    class FullFile(io.FileIO):
        left = 5

        def write(self, data) -> int:
            if not self.left:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            written = super().write(data[: self.left])
            self.left -= written
            return written

    journal = Journal(tmp_path / "aus.csv")
    journal.append("first\n")
    journal._file = FullFile(tmp_path / "aus.csv", "ab")
    with pytest.raises(InputError, match=r"No space left on device\. The rows so far are kept"):
        journal.append("too long\n")
    assert (tmp_path / "aus.csv").read_text() == "first\n"


def test_letters_that_utf_8_lacks_are_escaped(tmp_path: Path) -> None:
    with Journal(tmp_path / "aus.jsonl") as journal:
        journal.append("Andr\udce9\n")
    assert (tmp_path / "aus.jsonl").read_text(encoding="utf-8") == "Andr\\udce9\n"


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="choose another folder"):
        CsvWriter(tmp_path / "none" / "aus.csv", (1,))


def test_results_from_files_read_the_picture_again_to_draw_it(analyser: Analyser, tmp_path: Path) -> None:
    path = tmp_path / "one.png"
    Image.fromarray(planted_picture(1)).save(path)
    from_file, from_memory = analyser.analyse_all([path, planted_picture(1)])
    assert from_file._frame is None
    np.testing.assert_array_equal(np.asarray(from_file.draw()), np.asarray(from_memory.draw()))


def test_representations_are_one_line_without_landmarks(results: Results) -> None:
    two, none, broken = map(repr, results)
    first, second = (" ".join(map(face.marked, face.aus)) for face in results[0].faces)
    assert two == f"<Result 'picture 1', 340 x 120, 2 faces: {first}; {second}>"
    assert none == "<Result 'picture 2', 340 x 120, no face found>"
    assert "broken" in broken
    face = results[0].faces[0]
    au = face.aus[0]
    assert repr(face).startswith(f"<Face at (20, 30, 80, 90): AU{au} {face.au_probs[au]:.0%}, ")
    assert all("\n" not in text for text in (two, broken, repr(face)))
