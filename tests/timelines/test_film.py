import json
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from planted_clip import FRAMES, RATE, clip_results, write_results
from typer.testing import CliRunner

from clips import write_clip
from idennet.cli.main import app
from idennet.facs import AUS_OF_PART
from idennet.media.video import Video
from idennet.timelines.film import _Painter, write_film
from idennet.timelines.recording import read_recordings


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """Fifty grey frames at a rate that changes in the middle."""
    pictures = [np.full((120, 340, 3), 90, np.uint8)] * FRAMES
    times = [k / RATE if k < 25 else k / RATE + 0.5 for k in range(FRAMES)]
    return write_clip(tmp_path / "talk.mkv", pictures, times)


def decoded(path: Path) -> tuple[list[float], list[np.ndarray]]:
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
        return [float(frame.time) for frame in frames], [frame.to_ndarray(format="rgb24") for frame in frames]


def test_the_film_is_what_browsers_play_and_keeps_the_times(clip: Path, tmp_path: Path) -> None:
    (recording,) = read_recordings(write_results(tmp_path / "r", clip_results(str(clip))))
    film = write_film(recording, Video(clip), tmp_path / "film.mp4")
    with av.open(str(film)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert (stream.width % 2, stream.height) == (0, 480)
        assert stream.frames == FRAMES
    content = film.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")
    times, _ = decoded(film)
    np.testing.assert_allclose(times, [frame.time for frame in Video(clip)], atol=1e-3)


def test_boxes_and_bars_are_drawn_where_the_face_is_and_only_then(clip: Path, tmp_path: Path) -> None:
    results = clip_results(str(clip), people=False)
    (recording,) = read_recordings(write_results(tmp_path / "r", results))
    pictures = decoded(write_film(recording, Video(clip), tmp_path / "film.mp4"))[1]
    wide = 4 * 340  # the clip's 120 lines became 480
    smiling, resting, nobody = (pictures[k].astype(int) for k in (20, 5, 42))
    assert np.abs(nobody[:, :wide] - 90).max() < 12
    box = smiling[4 * 30 - 8 : 4 * 90 + 8, 4 * 20 - 8 : 4 * 80 + 8]
    assert np.abs(box - 90).max() > 100
    assert np.abs(smiling[:, 4 * 200 : wide] - 90).max() < 12
    teal = [
        (panel[..., 1] - panel[..., 0] > 60).sum()
        for panel in (one[40:, wide:] for one in (smiling, resting))
    ]
    assert teal[0] > 20 * max(teal[1], 1)  # AU12 is present in one of them


def test_parts_are_tinted_by_what_is_present_alone(clip: Path, tmp_path: Path) -> None:
    (recording,) = read_recordings(write_results(tmp_path / "r", clip_results(str(clip), people=False)))
    track, frame = recording.tracks[0], next(iter(Video(clip)))
    mouth = recording.aus.index(12)

    def picture(value: float, *, present: bool) -> np.ndarray:
        values, decided = track.values.copy(), np.zeros_like(track.present)
        values[0, mouth], decided[0, mouth] = value, present
        changed = replace(recording, tracks=(replace(track, values=values, present=decided),))
        return _Painter(changed, 340, 120).paint(frame)[:, : 4 * 340]

    absent = picture(0.1, present=False)
    np.testing.assert_array_equal(picture(0.45, present=False), absent)
    assert (picture(0.6, present=True) != absent).any()


def test_of_a_hidden_part_nothing_is_drawn_and_its_bars_say_so(clip: Path, tmp_path: Path) -> None:
    (recording,) = read_recordings(write_results(tmp_path / "r", clip_results(str(clip), people=False)))
    track, frame = recording.tracks[0], next(iter(Video(clip)))
    mouth, eyes = ([recording.aus.index(au) for au in AUS_OF_PART[part]] for part in ("mouth", "eyes"))

    def picture(value: float, landmarks: np.ndarray = track.landmarks) -> np.ndarray:
        values = track.values.copy()
        values[0, mouth] = value
        shown = (replace(track, values=values, landmarks=landmarks),)
        return _Painter(replace(recording, tracks=shown), 340, 120).paint(frame)

    moved = track.landmarks.copy()
    moved[:, 48:60] += 3
    hidden, absent = picture(np.nan), picture(0.0)
    np.testing.assert_array_equal(picture(np.nan, moved), hidden)
    assert (picture(0.0, moved) != absent).any()
    painter = _Painter(recording, 340, 120)
    bars = slice(painter._bar_left(0), painter._bar_left(0) + painter._bar)
    for index in mouth:
        row = slice(round(painter._row_top(index)), round(painter._row_top(index + 1)))
        assert len(np.unique(hidden[row, bars].reshape(-1, 3), axis=0)) > 5  # a word, not a bar
        assert len(np.unique(absent[row, bars].reshape(-1, 3), axis=0)) <= 5
    for index in eyes:
        row = slice(round(painter._row_top(index)), round(painter._row_top(index + 1)))
        np.testing.assert_array_equal(hidden[row, bars], absent[row, bars])


def test_view_writes_films_when_asked(clip: Path, tmp_path: Path) -> None:
    results = write_results(tmp_path / "r", clip_results(str(clip)))
    ran = CliRunner().invoke(app, ["view", str(results), "--film"])
    assert ran.exit_code == 0, ran.stderr
    assert (results / "talk.film.mp4").stat().st_size > 1000


def test_films_of_videos_that_are_gone_are_refused_before_anything_is_written(
    clip: Path, tmp_path: Path
) -> None:
    results = write_results(
        tmp_path / "r", [*clip_results(str(clip)), *clip_results(str(tmp_path / "b.mkv"))]
    )
    before = sorted(results.iterdir())
    ran = CliRunner().invoke(app, ["view", str(results), "--film"])
    told = f"{tmp_path / 'b.mkv'} is there no more; bring back what was read, or leave out --film.\n"
    assert (ran.exit_code, ran.stderr) == (2, told)
    assert sorted(results.iterdir()) == before
    ran = CliRunner().invoke(app, ["view", str(results)])
    assert ran.exit_code == 0
    assert "b.mkv is there no more, so the page has timelines without the video; bring back" in ran.stdout
    assert (results / "report.html").exists()


def test_videos_are_found_from_another_folder(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names are relative to where detect was run, and a file of that name may lie here too."""
    (tmp_path / "run" / "clips" / "clips").mkdir(parents=True)
    for name in ("clips/a.mkv", "clips/clips/a.mkv"):
        (tmp_path / "run" / name).write_bytes(clip.read_bytes())
    here = tmp_path / "here"
    (here / "clips").mkdir(parents=True)
    (here / "clips" / "a.mkv").write_bytes(b"another")
    monkeypatch.chdir(here)
    below, run = str(tmp_path / "run" / "clips"), tmp_path / "run"
    for number, (names, lie) in enumerate({
        ("clips/a.mkv", "clips/clips/a.mkv"): ("clips/a.mkv", "clips/clips/a.mkv"),
        ("a.mkv", "clips/a.mkv"): ("clips/a.mkv", "clips/clips/a.mkv"),
        ("../clips/a.mkv",): ("clips/a.mkv",),
        ("clips/none.mkv",): ("clips/none.mkv",),
        (str(clip),): (str(clip),),
    }.items()):  # fmt: skip
        results = write_results(
            tmp_path / f"r{number}", [one for name in names for one in clip_results(name)]
        )
        about = json.loads((results / "aus.json").read_text()) | {"pictures_below": below}
        (results / "aus.json").write_text(json.dumps(about))
        assert [one.video for one in read_recordings(results)] == [run / name for name in lie]
        gone = names == ("clips/none.mkv",)
        ran = CliRunner().invoke(app, ["view", str(results), "--film", "--out", str(tmp_path / f"v{number}")])
        assert ran.exit_code == 2 * gone, ran.output
        assert len(list(tmp_path.glob(f"v{number}/*.film.mp4"))) == (0 if gone else len(names))
