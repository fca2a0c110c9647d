import base64
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from planted_clip import FRAMES, RATE, clip_results, smile, write_results
from typer.testing import CliRunner

from clips import write_clip
from idennet.cli.main import app
from idennet.facs import SYNFACS_AUS
from idennet.timelines.recording import read_recordings
from idennet.timelines.summary import going_together, summary_of, summary_table
from idennet.timelines.view import page_of, view

AU12 = SYNFACS_AUS.index(12)


def data_of(page: str) -> list[dict]:
    return json.loads(re.search(r"^const data = (.*);$", page, re.MULTILINE)[1])


def decoded(text: str, kind: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), kind)


def test_the_command_writes_page_summary_and_charts(results: Path, tmp_path: Path) -> None:
    ran = CliRunner().invoke(app, ["view", str(results), "--out", str(tmp_path / "out")])
    assert ran.exit_code == 0, ran.stderr
    charts = ["photographs.together.png", "talk.timeline.png", "talk.together.png"]
    assert {path.name for path in (tmp_path / "out").iterdir()} == {*charts, "report.html", "summary.csv"}
    for name in charts:
        with Image.open(tmp_path / "out" / name) as chart:
            assert min(chart.size) > 300
            assert len(chart.convert("RGB").getcolors(10**6)) > 20


def test_the_page_holds_every_value_of_every_frame(results: Path, tmp_path: Path) -> None:
    clip, photographs = data_of(page_of(read_recordings(results), tmp_path))
    np.testing.assert_allclose(decoded(clip["times"], "<f4"), np.arange(FRAMES) / RATE, atol=1e-6)
    first, second = clip["tracks"]
    assert (first["number"], second["number"]) == (1, 2)
    values = decoded(first["values"], np.uint8).reshape(FRAMES, len(SYNFACS_AUS))
    assert (values[40:45] == 255).all()
    seen = np.r_[0:40, 45:50]
    np.testing.assert_allclose(values[seen, AU12] / 254, [smile(k) for k in seen], atol=0.5 / 254 + 1e-6)
    assert decoded(first["boxes"], "<i2").reshape(FRAMES, 4)[0].tolist() == [20, 30, 80, 90]
    assert (first["seen"], second["seen"]) == (45, 20)
    assert (first["first"], second["first"]) == (0, 25)
    assert len(decoded(second["values"], np.uint8)) == 25 * len(SYNFACS_AUS)  # only while it is there
    assert len(decoded(second["boxes"], "<i2")) == 25 * 4
    assert first["episodes"] == {"values": [[AU12, 0.4, 0.8, 1.4, 0.9]], "zeroed": []}
    assert second["flags"] == [[25, 39, "small"], [45, 49, "small"]]
    assert first["zeroed"] is None
    assert [one["au"] for one in clip["aus"] if not one["reliable"]] == ["AU23"]
    assert photographs["times"] is None
    assert photographs["tracks"][0]["number"] is None
    assert photographs["tracks"][0]["summary"][AU12]["share_present"] == 0.5
    assert photographs["tracks"][0]["summary"][AU12]["mean_duration"] is None


def test_clips_without_a_face_or_that_were_cut_off_are_named(tmp_path: Path) -> None:
    talk = clip_results("talk.mp4")
    cut = replace(talk[0], faces=(), size=None, frame=None, time=None, error="talk.mp4 is cut off.")
    nobody = [replace(one, faces=()) for one in clip_results("nobody.mp4")]
    page = page_of(read_recordings(write_results(tmp_path / "r", [*talk, cut, *nobody])), tmp_path)
    assert re.findall(r'<p class="hint">([^<{]*)</p>', page)[:2] == [
        "No face was found in nobody.mp4.",
        "talk.mp4 is cut off.",
    ]
    assert [one["name"] for one in data_of(page)] == ["talk.mp4"]
    assert "<dt>clips</dt><dd>2, 4.0 s</dd>" in page


def test_the_page_loads_nothing_from_outside(results: Path, tmp_path: Path) -> None:
    page = page_of(read_recordings(results), tmp_path)
    assert not re.findall(r"https?://|<link|@import|src=", page)
    assert "{{" not in page


@pytest.mark.parametrize(
    ("suffix", "codec", "words"),
    [("avi", "mpeg4", "play .avi videos"), ("mp4", "mpeg4", "stored as mpeg4"), ("webm", "libvpx-vp9", "")],
)
def test_a_video_that_no_browser_plays_is_neither_inside_nor_linked_and_why_is_said(
    tmp_path: Path, suffix: str, codec: str, words: str
) -> None:
    video = write_clip(tmp_path / f"a.{suffix}", [np.zeros((64, 64, 3), np.uint8)] * 3, codec=codec)
    recordings = read_recordings(write_results(tmp_path / "r", clip_results(str(video))))
    page = page_of(recordings, tmp_path / "r")
    one = data_of(page)[0]
    assert (one["video"] is None) == bool(words)
    assert words in one["without"]
    assert bool(words) == ("--film" in one["without"]) == ("its place says why" in page)
    assert "too large" not in page


def test_a_film_stands_for_a_video_that_no_browser_plays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames = [np.full((64, 64, 3), 90, np.uint8)] * FRAMES
    results = tmp_path / "r"
    videos = [
        write_clip(tmp_path / name, frames, codec=codec)
        for name, codec in (("old.mp4", "mpeg4"), ("new.mp4", "libx264"))
    ]
    write_results(results, [one for video in videos for one in clip_results(str(video))])
    command = ["view", str(results), "--film"]
    ran = CliRunner().invoke(app, command)
    assert ran.exit_code == 0, ran.output
    page = (results / "report.html").read_text()
    old, new = data_of(page)
    film = base64.b64encode((results / "old.film.mp4").read_bytes()).decode()
    assert (old["video"], old["film"]) == (None, f"data:video/mp4;base64,{film}")
    assert old["without"] == "Browsers do not play videos that are stored as mpeg4."
    assert (new["video"][:5], new["film"], new["without"]) == ("data:", "new.film.mp4", "")
    assert "except videos" not in page
    assert "its place says why" not in page
    monkeypatch.setattr("idennet.timelines.view.EMBEDDED_BYTES", 0)
    assert CliRunner().invoke(app, command).exit_code == 0
    page = (results / "report.html").read_text()
    assert data_of(page)[0]["film"] == "old.film.mp4"
    assert "except videos" in page
    videos[0].write_bytes(b"no video any more")
    ran = CliRunner().invoke(app, command)
    assert ran.exit_code == 2
    assert data_of((results / "report.html").read_text())[0]["film"] is None  # of this call, none was written


def test_people_are_counted_once_and_faces_where_nobody_is_known(tmp_path: Path) -> None:
    def facts(results: list) -> dict[str, str]:
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        page = page_of(read_recordings(write_results(folder, results)), tmp_path)
        told = dict(re.findall(r"<dt>([^<]*)</dt><dd>([^<]*)</dd>", page))
        return {name: told[name] for name in told if name in ("people", "faces", "other faces")}

    assert facts([*clip_results("a.mp4"), *clip_results("b.mp4")]) == {"people": "2"}
    unknown = [*clip_results("a.mp4", people=False), *clip_results("b.mp4", people=False)]
    assert facts(unknown) == {"faces": "4"}
    photographs = [replace(one, source="a.jpg", path=None, frame=None, time=None) for one in unknown[30:31]]
    assert facts([*unknown, *photographs]) == {"faces": "6"}
    assert facts([*clip_results("c.mp4"), *photographs]) == {"people": "2", "other faces": "2"}


def test_a_small_video_is_inside_and_a_large_one_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    video = tmp_path / "clips" / "talk.mp4"
    video.parent.mkdir()
    video.write_bytes(b"film")
    recordings = read_recordings(write_results(tmp_path / "r", clip_results(str(video))))
    page = page_of(recordings, tmp_path / "r")
    assert data_of(page)[0]["video"] == "data:video/mp4;base64,ZmlsbQ=="
    assert "except videos" not in page
    monkeypatch.setattr("idennet.timelines.view.EMBEDDED_BYTES", 3)
    page = page_of(recordings, tmp_path / "r")
    assert data_of(page)[0]["video"] == "../clips/talk.mp4"
    assert "except videos that are too large" in page
    monkeypatch.setattr("idennet.timelines.view.EMBEDDED_BYTES", 7)
    one, other = (data_of(page_of(recordings * 2, tmp_path))[k]["video"] for k in (0, 1))
    assert one.startswith("data:")
    assert other == "clips/talk.mp4"  # both together would be too much
    video.unlink()
    assert data_of(page_of(recordings, tmp_path / "r"))[0]["video"] is None


def test_names_cannot_break_the_page(tmp_path: Path) -> None:
    name = "</script><b>&'\".mp4"
    page = page_of(read_recordings(write_results(tmp_path / "r", clip_results(name))), tmp_path)
    assert page.count("</script>") == 1
    assert data_of(page)[0]["name"] == "script><b>&'\".mp4"


def test_a_video_whose_name_no_file_can_have_is_not_where_it_was_read(tmp_path: Path) -> None:
    results = write_results(tmp_path / "r", clip_results(f"{'顔' * 190}.mp4"))
    assert "not where it was read" in data_of(page_of(read_recordings(results), tmp_path))[0]["without"]


def test_values_with_own_zero_stand_beside_the_raw_ones(results: Path, tmp_path: Path) -> None:
    clip = read_recordings(results)[0]
    track = replace(clip.tracks[0], zeroed=0.5 * clip.tracks[0].values)
    (shown,) = data_of(page_of([replace(clip, tracks=(track,))], tmp_path))
    values, zeroed = (
        decoded(shown["tracks"][0][name], np.uint8).astype(int) for name in ("values", "zeroed")
    )
    there = values < 255
    assert (abs(values[there] - 2 * zeroed[there]) <= 1).all()
    assert (zeroed[~there] == 255).all()


def test_summaries_count_what_was_planted(results: Path) -> None:
    table = summary_table(read_recordings(results))
    row = table[(table["who"] == "person 1") & (table["au"] == "AU12")].iloc[0]
    assert row["share_present"] == pytest.approx(25 / 45, abs=1e-4)
    assert (row["frames"], row["episodes"], row["mean_duration"]) == (45, 1, 1.0)
    assert row["largest"] == pytest.approx(0.9)
    assert row["exact_to"] == pytest.approx(0.04)
    assert table[table["file"] == "photographs"]["exact_to"].isna().all()
    assert table.groupby(["file", "who"]).size().tolist() == [22, 22, 22]


def test_of_one_frame_nobody_knows_how_exact_its_time_is(results: Path) -> None:
    clip = read_recordings(results)[0]
    track = clip.tracks[0]
    one = replace(track, rows=track.rows[:1], values=track.values[:1], present=track.present[:1])
    table = summary_of(replace(clip, frames=clip.frames[:1], times=clip.times[:1]), one)
    assert table["exact_to"].isna().all()


def test_a_share_is_of_the_frames_in_which_the_action_unit_was_read(results: Path) -> None:
    """`frames` is the denominator: those with the face, less those in which its part is hidden."""
    clip = read_recordings(results)[0]
    track = clip.tracks[0]
    values, present = track.values.copy(), track.present.copy()
    values[:5, AU12], present[:, AU12] = np.nan, False
    present[5:15, AU12] = True
    table = summary_of(clip, replace(track, values=values, present=present))
    assert table["frames"].tolist() == [40 if row == AU12 else 45 for row in range(len(SYNFACS_AUS))]
    assert table["share_present"][AU12] == 10 / 40


def test_summary_and_page_say_what_each_reading_rests_on(results: Path, tmp_path: Path) -> None:
    table = summary_table(read_recordings(results)).set_index("au")
    assert "reliable" not in table
    told = table[["unreliable", "evidence"]]
    assert told.loc["AU12"].to_numpy().tolist() == [[0, "tested on photographs"]] * 3
    assert told.loc["AU23"].to_numpy().tolist() == [[1, "tested on photographs"]] * 3
    assert told.loc["AU9"].to_numpy().tolist() == [[0, "renderings only"]] * 3
    page = page_of(read_recordings(results), tmp_path)
    grades = {one["au"]: one["evidence"] for one in data_of(page)[0]["tracks"][0]["summary"]}
    assert (grades["AU12"], grades["AU9"]) == ("tested on photographs", "renderings only")
    assert '<i class="key renderings"></i>renderings only' in page


def test_going_together_is_a_share_of_the_rows_frames(results: Path) -> None:
    track = read_recordings(results)[0].tracks[0]
    present = np.zeros((10, 3), bool)
    present[:4, 0] = present[2:5, 1] = True
    shares = going_together(replace(track, present=present, values=present.astype(np.float32)))
    np.testing.assert_allclose(shares[:2, :2], [[1, 0.5], [2 / 3, 1]])
    assert np.isnan(shares[2]).all()


def test_a_frame_in_which_the_other_is_hidden_does_not_count(results: Path) -> None:
    track = read_recordings(results)[0].tracks[0]
    present = np.ones((4, 2), bool)
    present[:3, 1] = False
    values = present.astype(np.float32)
    values[:2, 1] = np.nan
    shares = going_together(replace(track, present=present, values=values))
    np.testing.assert_allclose(shares, [[1, 0.5], [1, 1]])


def test_tables_of_openface_can_be_viewed(results: Path, tmp_path: Path) -> None:
    CliRunner().invoke(app, ["export", str(results), "--out", str(tmp_path)])
    written = view(read_recordings(tmp_path / "talk.openface.csv"), tmp_path / "out")
    assert written[0].name == "report.html"
    assert set(pd.read_csv(written[1])["who"]) == {"face 1", "face 2"}
