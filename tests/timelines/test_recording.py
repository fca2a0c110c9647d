from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from planted_clip import FRAMES, RATE, clip_results, smile, write_results

from idennet.errors import InputError
from idennet.facs import SYNFACS_AUS
from idennet.timelines.export import export
from idennet.timelines.recording import PHOTOGRAPHS, read_recordings

AU12 = SYNFACS_AUS.index(12)


def test_a_table_falls_apart_into_clips_people_and_photographs(results: Path) -> None:
    clip, photographs = read_recordings(results)
    assert (clip.name, photographs.name) == ("clips/talk.mp4", PHOTOGRAPHS)
    assert clip.aus == SYNFACS_AUS
    assert clip.frames.tolist() == list(range(FRAMES))
    assert clip.times is not None
    np.testing.assert_allclose(clip.times, np.arange(FRAMES) / RATE)
    assert (clip.step, clip.duration) == pytest.approx((0.04, 2.0))
    assert (clip.weights, clip.unreliable_aus, clip.marked(23)) == ("planted-1", {23}, "~AU23")
    first, second = clip.tracks
    assert (first.name, second.name) == ("person 1", "person 2")
    assert first.rows.tolist() == [*range(40), *range(45, 50)]
    assert second.rows.tolist() == [*range(25, 40), *range(45, 50)]
    np.testing.assert_allclose(first.values[:, AU12], [smile(frame) for frame in first.rows], atol=1e-4)
    assert first.present[:, AU12].sum() == 25
    assert first.zeroed is None
    assert first.intensities is None
    assert set(second.flags) == {"small"}
    assert first.landmarks.shape == (45, 68, 2)
    assert photographs.times is None
    assert photographs.files == ["a.jpg", "b.jpg"]
    (faces,) = photographs.tracks
    assert (faces.name, faces.number, faces.rows.tolist()) == ("all faces", None, [0, 0])


def test_without_people_faces_keep_their_numbers(tmp_path: Path) -> None:
    (clip,) = read_recordings(write_results(tmp_path / "r", clip_results(people=False)))
    assert [(track.name, track.number) for track in clip.tracks] == [("face 1", 1), ("face 2", 2)]


def test_tracks_name_faces_that_are_no_known_person_and_unreadable_files_are_no_photographs(
    tmp_path: Path,
) -> None:
    results = clip_results(people=False)
    tracked = [
        replace(
            one,
            faces=tuple(
                replace(face, track=7, person=1 if one.frame < 9 else None) for face in one.faces[:1]
            ),
        )
        for one in results[:20]
    ]
    damaged = replace(
        results[0], faces=(), frame=None, time=None, error="clips/talk.mp4 is cut off.", size=None
    )
    (clip,) = read_recordings(write_results(tmp_path / "r", [*tracked, damaged]))
    assert [(track.name, len(track.rows)) for track in clip.tracks] == [("person 1", 9), ("face 7", 11)]
    assert [track.name for track in clip.most_seen(1)] == ["face 7"]


def test_values_are_spread_over_all_frames(results: Path) -> None:
    clip = read_recordings(results)[0]
    spread = clip.tracks[0].spread(clip.tracks[0].values, FRAMES)
    assert np.isnan(spread[40:45]).all()
    np.testing.assert_array_equal(spread[45:], clip.tracks[0].values[40:])


def test_what_is_no_result_is_refused_in_one_sentence(tmp_path: Path, results: Path) -> None:
    nobody = write_results(tmp_path / "nobody", clip_results()[40:42])
    other = tmp_path / "other.csv"
    other.write_text("a,b\n1,2\n")
    empty = tmp_path / "empty.csv"
    empty.touch()
    for source, sentence in [
        (tmp_path / "none", "does not exist"),
        (tmp_path, "holds no results"),
        (nobody, "holds no face"),
        (other, "is no table of"),
        (empty, "cannot be read as a table"),
    ]:
        with pytest.raises(InputError, match=sentence):
            read_recordings(source)


def test_a_damaged_cell_is_told(results: Path, tmp_path: Path) -> None:
    table = results / "aus.csv"
    table.write_text(table.read_text().replace("0.9", "0.9?", 1))
    with pytest.raises(InputError, match=r"aus.csv cannot be read as a table: could not convert"):
        read_recordings(results)
    with pytest.raises(InputError, match=r"aus.csv cannot be read as a table"):
        list(export(results, tmp_path))
    assert not (tmp_path / "aus.parquet").exists()


@pytest.mark.parametrize("name", ["NA", "None", "null"])
def test_whoever_is_called_like_nothing_keeps_the_name(tmp_path: Path, name: str) -> None:
    shown = clip_results()[0]
    (face, *_) = shown.faces
    known = replace(shown, faces=(replace(face, name=name, person_certainty=0.95),))
    results = write_results(tmp_path / "results", [known])
    assert read_recordings(results)[0].tracks[0].name == f"person 1 ({name})"
    list(export(results, tmp_path))
    assert pd.read_parquet(tmp_path / "aus.parquet")["name"].tolist() == [name]


@pytest.mark.parametrize(
    ("name", "certainty", "called"),
    [
        ("Anna", 0.95, "person 1 (Anna)"),
        ("Anna", 0.4, "person 1 (maybe Anna)"),
        (None, 0.95, "person 1"),
        (None, 0.4, "maybe person 1"),
    ],
)
def test_whom_a_store_knows_is_called_as_most_rows_say(
    tmp_path: Path, name: str | None, certainty: float, called: str
) -> None:
    known = [
        replace(
            one,
            faces=tuple(replace(face, name=name, person_certainty=certainty) for face in one.faces[:1]),
        )
        for one in clip_results()[:10]
    ]
    (clip,) = read_recordings(write_results(tmp_path / "r", known))
    assert [(track.name, track.number, track.person) for track in clip.tracks] == [(called, 1, 1)]
