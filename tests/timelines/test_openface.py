import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from idennet.errors import InputError
from idennet.learning.evaluation.prediction_formats import Format, Quantity, au_columns, recognise
from idennet.timelines.openface import openface_pictures, openface_table
from idennet.timelines.recording import read_recordings

GRADED = [
    "01",
    "02",
    "04",
    "05",
    "06",
    "07",
    "09",
    "10",
    "12",
    "14",
    "15",
    "17",
    "20",
    "23",
    "25",
    "26",
    "45",
]
"""As in the header of a file that OpenFace 2.2 wrote."""


@pytest.fixture
def written(results: Path, tmp_path: Path) -> Path:
    path = tmp_path / "talk.csv"
    openface_table(read_recordings(results)[0]).to_csv(path, index=False)
    return path


def test_the_header_is_that_of_openface(written: Path) -> None:
    names = written.read_text().splitlines()[0].split(",")
    assert names[:8] == [
        "frame",
        "face_id",
        "timestamp",
        "confidence",
        "success",
        "pose_Rx",
        "pose_Ry",
        "pose_Rz",
    ]
    assert names[8:144] == [f"{axis}_{point}" for axis in "xy" for point in range(68)]
    assert names[144:161] == [f"AU{au}_r" for au in GRADED]
    assert names[161:] == [f"AU{au}_c" for au in (*GRADED[:-1], "28", "45")]


@pytest.mark.parametrize("text", ["as it is", "with the spaces of OpenFace 2.0"])
def test_public_scripts_read_it(written: Path, text: str) -> None:
    """The ways in which scripts on GitHub read these tables: strip names, filter by suffix, by success."""
    if text != "as it is":
        header, rest = written.read_text().split("\n", 1)
        written.write_text(header.replace(",", ", ") + "\n" + rest.replace(",", ", "))
    table = pd.read_csv(written)
    table.columns = table.columns.str.strip()  # or [name.replace(" ", "") for name in table.columns]
    assert all(pd.api.types.is_numeric_dtype(kind) for kind in table.dtypes)
    one = table[table["face_id"] == 1]
    assert one["frame"].tolist() == list(range(1, 51))
    np.testing.assert_allclose(one["timestamp"].diff().dropna(), 0.04, atol=1e-9)
    valid = one[(one["success"] == 1) & (one["confidence"] >= 0.8)]
    assert len(valid) == 45
    assert (one.loc[one["success"] == 0].drop(columns=["frame", "face_id", "timestamp"]) == 0).all(axis=None)
    intensities, decisions = table.filter(regex="AU.*_r$"), table.filter(regex="AU.*_c$")
    assert intensities.shape[1] == 17
    assert decisions.shape[1] == 18
    assert intensities.to_numpy().min() >= 0
    assert intensities.to_numpy().max() <= 5
    assert set(np.unique(decisions)) == {0.0, 1.0}
    assert valid["AU12_r"].max() == pytest.approx(4.5)
    assert valid["AU12_c"].sum() == 25
    assert pd.read_csv(written, skipinitialspace=True)["AU12_r"].max() == pytest.approx(4.5)


def test_faces_have_the_number_of_their_person_and_others_count_from_zero(results: Path) -> None:
    clip = read_recordings(results)[0]
    first, second = clip.tracks
    ids = {
        (3, 7): [3, 7],
        (None, None): [0, 1],
        (5, None): [-1, 5],
    }
    for people, expected in ids.items():
        tracks = tuple(
            replace(track, person=person) for track, person in zip((first, second), people, strict=True)
        )
        assert sorted(set(openface_table(replace(clip, tracks=tracks))["face_id"])) == expected


def test_reading_it_back_gives_the_same_timelines(written: Path, results: Path) -> None:
    (back,), clip = read_recordings(written), read_recordings(results)[0]
    assert back.name == "talk"
    assert back.weights == "OpenFace"
    np.testing.assert_array_equal(back.frames, clip.frames)
    assert [track.name for track in back.tracks] == ["face 1", "face 2"]
    for ours, theirs in zip(back.tracks, clip.tracks, strict=True):
        np.testing.assert_array_equal(ours.rows, theirs.rows)
        for index, au in enumerate(back.aus):
            at = clip.aus.index(au)
            np.testing.assert_allclose(ours.values[:, index], theirs.values[:, at], atol=0.0011)
            if au != 28:
                np.testing.assert_array_equal(ours.present[:, index], theirs.present[:, at])
        np.testing.assert_allclose(ours.pose, theirs.pose, atol=0.05)
        np.testing.assert_allclose(ours.landmarks, theirs.landmarks, atol=0.051)
    assert 43 in back.aus  # as AU45
    assert set(back.aus) < set(clip.aus)


def test_angles_have_the_signs_of_openface(results: Path) -> None:
    """Its rotation matrix, with x to the right, y down and z away, puts the nose where ours is."""
    clip = read_recordings(results)[0]
    assert clip.tracks[0].pose[0].tolist() == [10.0, -5.0, 3.0]  # nose to the right, down, leaning clockwise
    row = openface_table(clip).iloc[0]
    (s1, s2, s3), (c1, c2, c3) = (
        [function(row[f"pose_R{axis}"]) for axis in "xyz"] for function in (np.sin, np.cos)
    )
    matrix = np.array([
        [c2 * c3, -c2 * s3, s2],
        [c1 * s3 + c3 * s1 * s2, c1 * c3 - s1 * s2 * s3, -c2 * s1],
        [s1 * s3 - c1 * c3 * s2, c3 * s1 + c1 * s2 * s3, c1 * c2],
    ])  # fmt: skip
    nose = matrix @ (0, 0, -1)
    eyes = matrix @ (1, 0, 0)
    assert nose[0] > 0.1
    assert nose[1] > 0.05
    assert eyes[1] > 0.03


def test_intensities_of_the_weights_are_used_where_they_exist(results: Path) -> None:
    clip = read_recordings(results)[0]
    track = clip.tracks[0]
    graded = replace(track, intensities=np.full_like(track.values, 2.5))
    table = openface_table(replace(clip, tracks=(graded,)))
    assert set(table["AU12_r"]) == {2.5, 0.0}
    assert table["AU12_c"].sum() == 25


def test_evaluation_reads_it_as_openface(written: Path) -> None:
    names = pd.read_csv(written, nrows=0).columns.tolist()
    assert recognise(written, names) is Format.OPENFACE
    found = au_columns(written, Format.OPENFACE, names)
    assert found[Quantity.INTENSITY][12] == "AU12_r"
    assert found[Quantity.DECISION][28] == "AU28_c"


def test_each_photograph_has_a_table_with_a_row_for_each_face(results: Path, tmp_path: Path) -> None:
    (file, table), *others = openface_pictures(read_recordings(results)[1])
    assert not others
    assert table.columns[:3].tolist() == ["face", "confidence", "pose_Rx"]
    assert not {"frame", "face_id", "timestamp", "success"} & set(table.columns)
    assert table["face"].tolist() == list(range(len(table)))
    assert table["x_0"].is_monotonic_increasing
    path = tmp_path / f"{Path(file).stem}.csv"
    table.to_csv(path, index=False)
    (back,) = read_recordings(path)
    assert back.times is None
    assert back.files == [Path(file).stem]
    ours = np.concatenate([track.values for track in read_recordings(results)[1].tracks])
    theirs = np.concatenate([track.values for track in back.tracks])
    assert len(ours) == len(theirs) == len(table)


def test_a_table_of_photographs_is_no_clip_and_broken_tables_are_refused(
    written: Path, results: Path
) -> None:
    with pytest.raises(InputError, match="a table each"):
        openface_table(read_recordings(results)[1])
    text = io.StringIO(written.read_text()).read().replace("0.9,1", "none,1", 1)
    written.write_text(text)
    with pytest.raises(InputError, match="cannot be read as a table of OpenFace"):
        read_recordings(written)


def test_what_is_hidden_is_empty_and_not_zero(results: Path) -> None:
    clip = read_recordings(results)[0]
    track = clip.tracks[0]
    values = track.values.copy()
    values[3, clip.aus.index(12)] = np.nan
    table = openface_table(replace(clip, tracks=(replace(track, values=values),)))
    assert table["success"][3] == 1
    assert np.isnan(table[["AU12_r", "AU12_c"]].loc[3]).all()
    assert table.isna().to_numpy().sum() == 2
