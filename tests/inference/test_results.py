import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from idennet.errors import InputError
from idennet.facs import SYNFACS_AUS, columns
from idennet.inference.predictor import Predictor
from idennet.inference.result import Results, table_columns
from idennet.inference.sinks import CsvSink, JsonSink
from planted import planted_face, planted_picture

FROZEN_COLUMNS = (
    ["file", "face", "problem"]
    + ["AU1", "AU2", "AU4", "AU5", "AU6", "AU7", "AU9", "AU10", "AU12", "AU14", "AU15"]
    + ["AU17", "AU18", "AU20", "AU22", "AU23", "AU24", "AU25", "AU26", "AU27", "AU28", "AU43"]
    + ["AU1_prob", "AU2_prob", "AU4_prob", "AU5_prob", "AU6_prob", "AU7_prob", "AU9_prob", "AU10_prob"]
    + ["AU12_prob", "AU14_prob", "AU15_prob", "AU17_prob", "AU18_prob", "AU20_prob", "AU22_prob"]
    + ["AU23_prob", "AU24_prob", "AU25_prob", "AU26_prob", "AU27_prob", "AU28_prob", "AU43_prob"]
    + ["unreliable_aus"]
    + ["confidence", "box_x0", "box_y0", "box_x1", "box_y1", "yaw", "pitch", "roll", "model_version"]
    + [f"lm_{axis}{point}" for point in range(68) for axis in "xy"]
)
"""Other people's scripts read these: a change needs a new major version."""


@pytest.fixture
def results(random_weights: Path, planted_finder: None, tmp_path: Path) -> Results:
    """Two faces; no face; an unreadable file whose name needs quoting and UTF-8."""
    broken = tmp_path / 'Zoë, "broken".jpg'
    broken.write_text("no picture")
    predictor = Predictor(random_weights)
    return Results(predictor.detect([planted_picture(2), planted_picture(0), broken]))


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
    assert (table["model_version"] == "random-1").all()
    empty = table.loc[2:, columns(SYNFACS_AUS)]
    assert empty.isna().all(axis=None)
    for row, face in zip(table.to_dict("records"), results[0].faces, strict=False):
        assert row["AU12"] == int(face.au_occurrences[12])
        assert row["AU12_prob"] == pytest.approx(face.au_probs[12], abs=5e-5)
        assert row["unreliable_aus"] == "AU23 AU24"
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


def test_an_empty_list_makes_an_empty_table() -> None:
    assert len(Results().to_pandas()) == 0


def test_csv_reads_back_as_the_table(results: Results, tmp_path: Path) -> None:
    path = tmp_path / "aus.csv"
    with CsvSink(path, SYNFACS_AUS) as sink:
        for result in results:
            sink.write(result)
        assert not path.exists()
    back = pd.read_csv(path).astype({"face": "Int64"} | dict.fromkeys(columns(SYNFACS_AUS), "Int8"))
    pd.testing.assert_frame_equal(back, results.to_pandas(), check_dtype=False)
    with path.open(encoding="utf-8", newline="") as file:
        assert next(csv.reader(file)) == FROZEN_COLUMNS
    assert "Zoë" in path.read_text(encoding="utf-8")


def test_json_has_a_header_and_the_pictures(results: Results, tmp_path: Path) -> None:
    path = tmp_path / "aus.json"
    with JsonSink(path, SYNFACS_AUS, "random-1") as sink:
        for result in results:
            sink.write(result)
    data = json.loads(path.read_text(encoding="utf-8"))
    assert list(data) == ["schema", "idennet", "model_version", "aus", "pictures"]
    assert data["schema"] == "idennet-results/1"
    assert data["aus"] == columns(SYNFACS_AUS)
    assert data["pictures"] == [json.loads(json.dumps(result.to_dict())) for result in results]
    face = data["pictures"][0]["faces"][0]
    assert np.shape(face["landmarks"]) == (68, 2)
    assert [name for name, au in face["aus"].items() if not au["reliable"]] == ["AU23", "AU24"]
    assert {au["threshold"] for au in face["aus"].values()} == {0.5}
    assert face["notes"] == []
    assert data["pictures"][1]["problem"] == "no face found"


def test_json_without_pictures_is_valid(tmp_path: Path) -> None:
    with JsonSink(tmp_path / "aus.json", (1, 2), "v"):
        pass
    assert json.loads((tmp_path / "aus.json").read_text())["pictures"] == []


def test_after_an_error_the_older_file_stays_and_no_scraps(results: Results, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "aus.csv").write_text("older")

    def write_half() -> None:
        with CsvSink(folder / "aus.csv", SYNFACS_AUS) as sink:
            sink.write(results[0])
            raise RuntimeError("torn")

    with pytest.raises(RuntimeError, match="torn"):
        write_half()
    assert [path.name for path in folder.iterdir()] == ["aus.csv"]
    assert (folder / "aus.csv").read_text() == "older"


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="choose another folder"):
        CsvSink(tmp_path / "none" / "aus.csv", (1,))


def test_results_from_files_read_the_picture_again_to_draw_it(
    random_weights: Path, planted_finder: None, tmp_path: Path
) -> None:
    path = tmp_path / "one.png"
    Image.fromarray(planted_picture(1)).save(path)
    predictor = Predictor(random_weights)
    from_file, from_memory = predictor.detect([path, planted_picture(1)])
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


@pytest.mark.parametrize(("scale", "small"), [(0.61, False), (0.59, True)])
def test_a_face_with_less_than_12_pixels_between_the_eyes_has_a_note(
    results: Results, scale: float, small: bool
) -> None:
    face = results[0].faces[0]  # its eyes are 20 pixels apart
    shrunk = replace(face, landmarks=scale * face.landmarks)
    assert shrunk.to_dict()["notes"] == ["small face: read with care"] * small
