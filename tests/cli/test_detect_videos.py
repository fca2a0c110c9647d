"""`idennet detect` on videos: a row for every frame, whatever happens in between."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from typer.testing import Result

from clips import write_clip, write_sound
from planted import planted_picture

Detect = Callable[..., Result]

SCRIPT = """
import sys, time
sys.path[:0] = {tests!r}
import idennet.faces.finder
from planted import PlantedFinder

class Slow(PlantedFinder):
    def find_all(self, pictures):
        time.sleep(0.05 * len(pictures))
        return super().find_all(pictures)

idennet.faces.finder.open_finder = Slow
from idennet.cli.main import app
app()
"""


def clip(path: Path, counts: list[int]) -> Path:
    """A video without loss whose frames have so many faces."""
    return write_clip(path, [planted_picture(count) for count in counts])


def table(out: Path) -> pd.DataFrame:
    return pd.read_csv(out / "aus.csv")


def whole(out: Path, frames: int) -> pd.DataFrame:
    """The rows of the only video, after checking that each frame has its rows once, here and in aus.jsonl."""
    rows = table(out)
    assert sorted(set(rows["frame"])) == list(range(frames))
    assert not rows.duplicated(["file", "frame", "face"]).any()
    lines = [json.loads(line) for line in (out / "aus.jsonl").read_text().splitlines()]
    assert [line["frame"] for line in lines] == list(range(frames))
    return rows


def test_every_frame_has_a_row_and_photographs_stand_between(detect: Detect, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    clip(tmp_path / "in" / "b.mkv", [1, 2, 0, 1])
    Image.fromarray(planted_picture(1)).save(tmp_path / "in" / "a.png")
    ran = detect(tmp_path / "in", "--out", tmp_path / "out")
    assert ran.exit_code == 0, ran.output
    rows = table(tmp_path / "out")
    video = rows[rows["frame"].notna()]
    assert video["frame"].tolist() == [0, 1, 1, 2, 3]
    np.testing.assert_allclose(video["time"], [0, 0.04, 0.04, 0.08, 0.12], atol=2e-3)
    empty = video[video["face"].isna()]
    assert empty["frame"].tolist() == [2]
    assert empty["problem"].tolist() == ["no face found"]
    assert empty["AU12"].isna().all()
    assert video["track"].tolist()[:3] == [1, 1, 2]
    assert rows[rows["frame"].isna()]["file"].tolist() == [str(tmp_path / "in" / "a.png")]
    assert "b.mkv  4 frames, 0:00.0 to 0:00.1, a face in 3, 2 tracks" in ran.stdout
    assert "1 picture and 4 frames of 1 video: 5 faces, 0 unreadable." in ran.stdout
    assert "Each line of a picture is a face" in ran.stdout


def test_a_frame_reads_like_its_photograph(detect: Detect, tmp_path: Path) -> None:
    film = write_clip(
        tmp_path / "a.mkv", [planted_picture(1, 0), planted_picture(1, 1), planted_picture(2, 2)]
    )
    for seed, count in enumerate([1, 1, 2]):
        Image.fromarray(planted_picture(count, seed)).save(tmp_path / f"{seed}.png")
    detect(film, "--out", tmp_path / "film")
    detect(*(tmp_path / f"{seed}.png" for seed in range(3)), "--out", tmp_path / "pictures", "--no-overlay")
    film_rows, picture_rows = table(tmp_path / "film"), table(tmp_path / "pictures")
    aus = [name for name in film_rows if name.startswith("AU") and name[2:].isdecimal()]
    np.testing.assert_allclose(film_rows[aus], picture_rows[aus], atol=1e-4)


@pytest.mark.parametrize("cut", [0, 173, 900, 1400])
def test_rows_cut_off_anywhere_are_made_whole(detect: Detect, tmp_path: Path, cut: int) -> None:
    film, out = clip(tmp_path / "a.mkv", [1, 2, 0, 1, 1]), tmp_path / "out"
    detect(film, "--out", out)
    expected = (out / "aus.csv").read_bytes()
    lines = (out / "aus.jsonl").read_text().splitlines(keepends=True)
    (out / "aus.csv").write_bytes(expected[:-cut] if cut else expected)
    (out / "aus.jsonl").write_text("".join(lines[: 4 - cut // 500]))
    assert detect(film, "--out", out).exit_code == 0
    assert (out / "aus.csv").read_bytes() == expected
    whole(out, 5)


@pytest.mark.parametrize("kill", [signal.SIGKILL, signal.SIGINT])
def test_a_run_that_is_stopped_goes_on(tmp_path: Path, random_weights: Path, kill: int) -> None:
    """What was read stays; what was not is read; nothing comes twice."""
    film, out = clip(tmp_path / "a.mkv", [1, 2] * 60), tmp_path / "out"
    tests = [str(Path(__file__).parents[1])]
    command = [sys.executable, "-c", SCRIPT.format(tests=tests), "detect", str(film), "--out", str(out)]
    command += ["--weights", str(random_weights), "--workers", "2"]
    running = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # background jobs ignore it
    )  # fmt: skip
    while running.poll() is None and len(table_lines(out)) < 8:
        time.sleep(0.01)
    os.kill(running.pid, kill)
    _, said = running.communicate(timeout=60)
    assert running.returncode == (-kill if kill == signal.SIGKILL else 128 + kill), said
    before = len(table_lines(out))
    assert 8 <= before < 120
    if kill != signal.SIGKILL:
        assert "frames of 1 video. Their rows are safe; the same command continues." in said
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "by an earlier run" in done.stdout
    assert len(whole(out, 120)) == 180


def table_lines(out: Path) -> list[str]:
    lines = out / "aus.jsonl"
    return lines.read_text().splitlines() if lines.exists() else []


def test_parts_of_videos(detect: Detect, tmp_path: Path) -> None:
    film = clip(tmp_path / "a.mkv", [1] * 20)
    detect(film, "--out", tmp_path / "out", "--every", "3", "--from", "0.2", "--to", "0:00.6")
    assert table(tmp_path / "out")["frame"].tolist() == [6, 9, 12]
    other = detect(film, "--out", tmp_path / "out", "--every", "2")
    assert other.exit_code == 2
    assert "holds results with another choice of frames (--every, --from, --to)" in other.stderr
    for wrong in (["--from", "soon"], ["--from", "2", "--to", "1"]):
        assert detect(film, *wrong).exit_code == 2
    Image.fromarray(planted_picture(1)).save(tmp_path / "a.png")
    refused = detect(tmp_path / "a.png", "--every", "2")
    assert refused.exit_code == 2
    assert "are for videos, and none is named" in refused.stderr


def test_clips_that_end_before_the_part_are_named_and_the_others_read(detect: Detect, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    short, long = clip(folder / "a.mkv", [1] * 20), clip(folder / "b.mkv", [1] * 30)
    sentence = f"{short} is 0.8 s long; nothing lies after 1 s."
    alone = detect(short, "--from", "1")
    assert alone.exit_code == 2
    assert sentence in alone.output
    assert "0 frames of 1 video: 0 faces, 1 unreadable." in alone.output
    for _ in range(2):  # the same command again says the same
        ran = detect(folder, "--from", "1", "--out", tmp_path / "out")
        assert ran.exit_code == 0
        assert sentence in ran.stdout
    rows = table(tmp_path / "out")
    assert rows.loc[rows["frame"].isna(), "problem"].tolist() == [sentence]
    assert rows.loc[rows["frame"].notna(), "file"].tolist() == [str(long)] * 5
    between = detect(long, "--from", "0.61", "--to", "0.63")
    assert f"{long} has no frame from 0.61 s on and before 0.63 s; it is 1.2 s long." in between.output


def test_what_cannot_be_read_is_said_and_the_rest_is_kept(detect: Detect, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "empty.mp4").touch()
    write_sound(folder / "sound.mp4")
    (folder / "text.mov").write_text("no video")
    film = write_clip(
        folder / "whole.mp4", [planted_picture(1)] * 100, codec="libx264", options={"movflags": "faststart"}
    )
    (folder / "cut.mp4").write_bytes(film.read_bytes()[: film.stat().st_size * 3 // 4])
    film.unlink()
    ran = detect(folder, "--out", tmp_path / "out")
    assert ran.exit_code == 0
    rows = table(tmp_path / "out")
    missing = rows[rows["frame"].isna()]
    problems = dict(zip(missing["file"].map(lambda name: Path(name).name), missing["problem"], strict=True))
    assert sorted(problems) == ["cut.mp4", "empty.mp4", "sound.mp4", "text.mov"]
    assert "is empty" in problems["empty.mp4"]
    assert "holds only sound" in problems["sound.mp4"]
    assert "is no video" in problems["text.mov"]
    assert "that it announces" in problems["cut.mp4"]
    assert (rows["frame"].notna()).sum() > 20
    assert "that it announces" in ran.stdout
    assert ", 3 unreadable, 1 not read to the end.\n" in ran.stdout
    assert "Each line is a face" not in ran.stdout
    again = detect(folder, "--out", tmp_path / "out")
    assert again.exit_code == 0
    pd.testing.assert_frame_equal(
        table(tmp_path / "out").sort_values(["file", "frame"], ignore_index=True),
        rows.sort_values(["file", "frame"], ignore_index=True),
    )


def test_a_video_without_a_face_exits_with_1(detect: Detect, tmp_path: Path) -> None:
    ran = detect(clip(tmp_path / "a.mkv", [0, 0]))
    assert ran.exit_code == 1
    assert "no face found" in ran.stdout


def test_a_finished_video_is_done(detect: Detect, tmp_path: Path) -> None:
    film = clip(tmp_path / "film.mkv", [1, 1])
    for _ in range(2):
        ran = detect(film, "--out", tmp_path / "out")
        assert ran.exit_code == 0, ran.output
    assert len(whole(tmp_path / "out", 2)) == 2
    assert "2 frames read by an earlier run, perhaps the rest of 1 video left." in ran.stdout
    assert "Everything had been read already." in ran.stdout
    assert "0 pictures" not in ran.stdout


def test_a_camera_has_no_time_to_begin_from(detect: Detect) -> None:
    ran = detect("0", "--from", "1:30")
    assert ran.exit_code == 2
    assert "--from is for video files" in ran.output


def test_cameras_and_streams_that_are_not_there(detect: Detect) -> None:
    camera = detect("97")
    assert camera.exit_code == 2
    assert "There is no camera 97" in camera.output
    stream = detect("rtsp://user:secret@127.0.0.1:9/door")
    assert stream.exit_code == 2
    assert "rtsp://127.0.0.1:9/door cannot be read" in stream.output
    assert "secret" not in stream.output


def test_a_changed_video_is_read_anew(detect: Detect, tmp_path: Path) -> None:
    film, out = clip(tmp_path / "a.mkv", [1, 1, 1]), tmp_path / "out"
    detect(film, "--out", out)
    clip(film, [2, 2])
    detect(film, "--out", out)
    assert table(out)["frame"].tolist() == [0, 0, 1, 1]


def test_tracks_go_on_where_a_run_goes_on(detect: Detect, tmp_path: Path) -> None:
    film, out = clip(tmp_path / "a.mkv", [2] * 10), tmp_path / "out"
    detect(film, "--out", out)
    lines = (out / "aus.jsonl").read_text().splitlines(keepends=True)
    (out / "aus.jsonl").write_text("".join(lines[:4]))
    detect(film, "--out", out)
    assert whole(out, 10)["track"].tolist() == [1, 2] * 10


def test_results_of_a_video_can_be_drawn_later(tmp_path: Path) -> None:
    import idennet
    from planted import PlantedFinder

    film = clip(tmp_path / "a.mkv", [1, 1, 1])
    results = list(idennet.detect(idennet.Video(str(film)), finder=PlantedFinder()))
    assert [result.frame for result in results] == [0, 1, 2]
    frames = list(idennet.Video(film))
    np.testing.assert_array_equal(results[2].draw(), results[2].draw(frames[2]))
