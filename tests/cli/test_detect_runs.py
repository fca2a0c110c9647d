"""`idennet detect` over many pictures: stopped and continued, beside changed files, pipes and signals."""

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

from idennet.cli.errors import Stopped
from idennet.errors import InputError
from idennet.inference.result import Result as Reading
from idennet.inference.results_folder import ResultsFolder
from idennet.media.frame import Frame
from idennet.models.weights import load_weights
from planted import PlantedFinder, planted_face, planted_picture

Detect = Callable[..., Result]


def save(path: Path, num_faces: int, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(planted_picture(num_faces, seed)).save(path)
    return path


@pytest.fixture
def stop_after_two(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], None]:
    """Let a run be stopped before it writes its third picture, in the middle of the tables or not."""

    def stop(reason: BaseException) -> None:
        write, written = ResultsFolder.write, []

        def stopped(self: ResultsFolder, result: Reading) -> None:
            written.append(result)
            if len(written) == 3:
                self._csv.write(result)  # rows without the line that says that they are whole
                raise reason
            write(self, result)

        monkeypatch.setattr(ResultsFolder, "write", stopped)

    return stop


@pytest.mark.parametrize(
    ("reason", "code"),
    [(KeyboardInterrupt(), 130), (Stopped(signal.SIGTERM), 143), (InputError("The disk is full."), 2)],
)
def test_a_run_that_was_stopped_is_continued_without_lost_or_doubled_rows(
    detect: Detect,
    tmp_path: Path,
    stop_after_two: Callable[[BaseException], None],
    monkeypatch: pytest.MonkeyPatch,
    reason: BaseException,
    code: int,
) -> None:
    pictures = [save(tmp_path / f"{number}.png", 1 + number % 2, number) for number in range(5)]
    whole, out = tmp_path / "whole", tmp_path / "out"
    assert detect(*pictures, "--out", whole, "--quiet").exit_code == 0
    with monkeypatch.context():
        stop_after_two(reason)
        ran = detect(*pictures, "--out", out)
    monkeypatch.undo()
    monkeypatch.setattr("idennet.faces.finder.open_finder", PlantedFinder)
    assert ran.exit_code == code
    if code != 2:
        assert "Interrupted after 2 of 5 pictures. Their rows are safe" in ran.stderr
    assert pd.read_csv(out / "aus.csv")["file"].nunique() == 3
    with (out / "aus.jsonl").open("a") as lines:
        lines.write('{"file": "cut o')
    ran = detect(*pictures, "--out", out)
    assert ran.exit_code == 0, ran.output
    assert "2 pictures read by an earlier run, 3 pictures left." in ran.stdout
    first, second = pd.read_csv(whole / "aus.csv"), pd.read_csv(out / "aus.csv")
    pd.testing.assert_frame_equal(first, second, atol=2e-4)
    assert len((out / "aus.jsonl").read_text().splitlines()) == 5


def test_a_finished_run_reads_what_is_new_what_has_changed_and_what_could_not_be_read(
    detect: Detect, tmp_path: Path
) -> None:
    photos, out = tmp_path / "photos", tmp_path / "out"
    for name, count in (("a", 1), ("b", 1), ("c", 1)):
        save(photos / f"{name}.png", count)
    (photos / "b.png").write_bytes((photos / "b.png").read_bytes()[:100])
    assert detect(photos, "--out", out).exit_code == 0
    save(photos / "b.png", 2)
    save(photos / "c.png", 3)
    save(photos / "d.png", 1)
    ran = detect(photos, "--out", out)
    assert "1 picture read by an earlier run, 3 pictures left." in ran.stdout
    rows = pd.read_csv(out / "aus.csv")
    assert [Path(name).stem for name in rows["file"]] == ["a", "b", "b", "c", "c", "c", "d"]
    assert rows["problem"].isna().all()
    ran = detect(photos, "--out", out)
    assert ran.exit_code == 0, ran.output
    assert "4 pictures read by an earlier run, nothing left to read; --fresh reads them anew." in ran.stdout
    assert ran.stdout.endswith(f"Everything had been read already.\nThe results are in {out}.\n")
    assert "0 pictures" not in ran.stdout


def test_results_of_another_making_are_not_mixed(
    detect: Detect, tmp_path: Path, random_weights: Path
) -> None:
    photos = save(tmp_path / "photos" / "a.png", 1).parent
    save(photos / "b.png", 1)
    out = tmp_path / "out"
    assert detect(photos, "--out", out, "--no-mirror").exit_code == 0
    before = (out / "aus.csv").read_bytes()
    ran = detect(photos, "--out", out, "--mirror")
    assert ran.exit_code == 2
    assert "holds results that were read without --mirror; choose another folder" in ran.stderr
    assert (out / "aus.csv").read_bytes() == before
    assert detect(photos, "--out", out, "--mirror", "--fresh").exit_code == 0
    about = json.loads((out / "aus.json").read_text())
    assert (about["schema"], about["mirror"]) == ("idennet-results/4", True)
    assert about["weights"] == {"version": "random-1", "sha256": load_weights(random_weights)[1].sha256}
    (out / "aus.json").unlink()
    assert "older version" in detect(photos, "--out", out).stderr


def test_a_picture_that_vanishes_while_it_is_read_keeps_its_row(
    detect: Detect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = [save(tmp_path / f"{number}.png", 1) for number in range(3)]
    draw = ResultsFolder.draw

    def late(self: ResultsFolder, result: Reading, frame: Frame) -> Reading:
        pictures[1].unlink(missing_ok=True)
        return draw(self, result, frame)

    monkeypatch.setattr(ResultsFolder, "draw", late)
    ran = detect(*pictures, "--out", tmp_path / "out")
    assert ran.exit_code == 0, ran.output
    assert len(pd.read_csv(tmp_path / "out" / "aus.csv")) == 3


def test_a_defect_costs_one_picture_and_shows_in_the_exit_code(
    detect: Detect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = [save(tmp_path / f"{number}.png", number) for number in range(3)]

    def fail(self: PlantedFinder, picture: np.ndarray) -> list:
        return [planted_face(0)] if 1 / (picture[0, 0, 0] - 1.0) else []

    monkeypatch.setattr(PlantedFinder, "find", fail)
    with np.errstate(divide="raise"):
        ran = detect(*pictures, "--out", tmp_path / "out", "--workers", "1")
    assert ran.exit_code == 3
    assert "because of a defect of IdenNet (FloatingPointError: " in ran.stdout
    assert pd.read_csv(tmp_path / "out" / "aus.csv")["problem"].isna().tolist() == [True, False, True]


PROGRAM = """
import sys
sys.path.insert(0, {tests!r})
import idennet.faces.finder
from planted import PlantedFinder
idennet.faces.finder.open_finder = PlantedFinder
from idennet.cli.main import app
app(sys.argv[1:])
"""


def program(*arguments: object) -> list[str]:
    """Return the command of a real process that finds planted faces."""
    code = PROGRAM.format(tests=str(Path(__file__).parents[1]))
    return [sys.executable, "-c", code, "detect", *map(str, arguments)]


def test_a_closed_pipe_costs_no_row_and_no_word(tmp_path: Path, random_weights: Path) -> None:
    photos = tmp_path / "photos"
    for number in range(9):
        save(photos / f"{number}.png", 1)
    command = program(photos, "--out", tmp_path / "out", "--weights", random_weights, "--no-overlay")
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.close()
        assert running.stderr.read() == b""
        assert running.wait() == 0
    assert len(pd.read_csv(tmp_path / "out" / "aus.csv")) == 9


def test_a_console_without_letters_costs_no_row(tmp_path: Path, random_weights: Path) -> None:
    photos = save(tmp_path / "photos" / "中文.png", 1).parent
    save(photos / "a.png", 1)
    command = program(photos, "--out", tmp_path / "out", "--weights", random_weights)
    for pictures in (command, [*command[:4], str(photos / "中文.png"), *command[5:]]):
        ran = subprocess.run(
            pictures, capture_output=True, env=os.environ | {"PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0"}
        )
        assert ran.returncode == 0, ran.stderr
        assert b"\\u4e2d\\u6587.png" in ran.stdout
    assert len(pd.read_csv(tmp_path / "out" / "aus.csv")) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="Windows ends a process without asking it")
def test_a_signal_leaves_whole_tables_and_its_exit_code(tmp_path: Path, random_weights: Path) -> None:
    photos = tmp_path / "photos"
    for number in range(300):
        save(photos / f"{number:03}.png", 1)
    command = program(photos, "--out", tmp_path / "out", "--weights", random_weights, "--no-overlay")
    lines = tmp_path / "out" / "aus.jsonl"
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as running:
        while running.poll() is None and not (lines.exists() and lines.stat().st_size):
            time.sleep(0.05)
        running.send_signal(signal.SIGTERM)
        _, said = running.communicate()
    assert running.returncode == 143
    done = len(lines.read_text().splitlines())
    assert 0 < done < 300
    assert (
        said
        == f"Interrupted after {done} of 300 pictures. Their rows are safe; the same command continues.\n"
    )
    assert len(pd.read_csv(tmp_path / "out" / "aus.csv")) == done
