"""Clips as jobs."""

import csv
import errno
import json
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest
from fastapi.testclient import TestClient

from clips import write_clip
from idennet.inference.analyser import Analyser
from idennet.media.video import Video
from idennet.people.population import Population
from idennet.serve.limits import Limits
from planted import planted_picture

Serve = Callable[..., TestClient]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("clip") / "clip.mkv"
    return write_clip(path, [planted_picture(1 + k % 2) for k in range(12)]).read_bytes()


def send(client: TestClient, content: bytes, name: str = "clip.mkv") -> dict:
    answer = client.post("/v1/clips", params={"name": name}, content=content)
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"/v1/clips/{answer.json()['id']}"
    return answer.json()


def finished(client: TestClient, clip: dict) -> dict:
    for _ in range(600):
        state = client.get(f"/v1/clips/{clip['id']}").json()
        if state["state"] == "done":
            return state
        time.sleep(0.05)
    raise AssertionError(state)


def test_a_clip_gives_a_row_for_every_frame(client: TestClient, clip: bytes, tmp_path: Path) -> None:
    state = finished(client, send(client, clip, "my clip.mkv"))
    assert (state["frames"], state["progress"], state["problem"]) == (12, 1.0, None)
    text = client.get(f"/v1/clips/{state['id']}/aus.jsonl").text
    lines = [json.loads(line) for line in text.splitlines()]
    (tmp_path / "clip.mkv").write_bytes(clip)
    assert [line["time"] for line in lines] == [frame.time for frame in Video(tmp_path / "clip.mkv")]
    assert {line["file"] for line in lines} == {"my clip.mkv"}
    table = client.get(f"/v1/clips/{state['id']}/aus.csv").text.splitlines()
    assert {row["frame"] for row in csv.DictReader(table)} == {str(k) for k in range(12)}


def test_a_clip_gives_every_output(client: TestClient, clip: bytes) -> None:
    state = finished(client, send(client, clip))
    begins = {
        "aus.csv": b"file,frame,",
        "aus.jsonl": b'{"file": "clip.mkv"',
        "aus.parquet": b"PAR1",
        "episodes.csv": b"file,",
        "overlay.mp4": b"\0\0\0",
        "report.html": b"<!doctype html>",
    }
    assert [output["name"] for output in state["outputs"]] == list(begins)
    for name, begin in begins.items():
        answer = client.get(f"/v1/clips/{state['id']}/{name}")
        assert answer.status_code == 200
        assert answer.content[: len(begin)] == begin


def test_what_is_no_clip_is_said_without_the_path_on_the_server(client: TestClient) -> None:
    state = finished(client, send(client, b"no clip at all", "x.mp4"))
    assert state["problem"].startswith("x.mp4 is no video")
    assert state["frames"] == 0


def test_a_clip_that_is_too_long_keeps_the_rows_and_the_film_so_far(
    serve: Serve, clip: bytes, tmp_path: Path
) -> None:
    client = serve(limits=Limits(clip_seconds=0.2))
    state = finished(client, send(client, clip))
    assert state["problem"] == "clip.mkv is longer than 0.2 seconds."
    assert state["frames"] == 6
    film = tmp_path / "film.mp4"
    film.write_bytes(client.get(f"/v1/clips/{state['id']}/overlay.mp4").content)
    assert sum(1 for _ in Video(film)) == 6


def test_only_so_many_clips_are_taken_until_one_is_deleted(serve: Serve, clip: bytes) -> None:
    client = serve(limits=Limits(clips=1))
    first = send(client, clip)
    assert client.post("/v1/clips", content=clip).status_code == 503
    assert client.delete(f"/v1/clips/{first['id']}").status_code == 204
    assert client.get(f"/v1/clips/{first['id']}").status_code == 404
    finished(client, send(client, clip))


def test_a_clip_that_waits_is_deleted_at_once(
    serve: Serve, clip: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, analyse_all = Event(), Analyser.analyse_all

    def slow(*arguments):
        go_on.wait()
        yield from analyse_all(*arguments)

    monkeypatch.setattr(Analyser, "analyse_all", slow)
    client = serve()
    reading, waiting = send(client, clip), send(client, clip)
    assert client.get(f"/v1/clips/{waiting['id']}").json()["state"] == "waiting"
    assert client.delete(f"/v1/clips/{waiting['id']}").status_code == 204
    go_on.set()
    assert finished(client, reading)["frames"] == 12


def test_other_files_of_the_server_are_not_given(client: TestClient, clip: bytes) -> None:
    state = finished(client, send(client, clip))
    for name in ("clip", "..%2f..%2fetc%2fpasswd", "%2fetc%2fpasswd", "aus.json"):
        assert client.get(f"/v1/clips/{state['id']}/{name}").status_code == 404


def test_nothing_of_a_clip_is_left(
    serve: Serve, clip: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    client = serve(limits=Limits(clip_bytes=len(clip)))
    assert client.post("/v1/clips", content=clip + b"x").status_code == 413
    state = finished(client, send(client, clip))
    assert sorted(path.name for path in tmp_path.glob("*/*")) == ["aus.csv", "aus.json", "aus.jsonl", "clip"]
    client.delete(f"/v1/clips/{state['id']}")
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_is_ended_in_the_middle_of_clips_leaves_nothing(
    serve: Serve, clip: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    client = serve()
    for _ in range(3):
        send(client, clip)
    client.__exit__(None, None, None)
    client.__exit__ = lambda *_: None
    assert list(tmp_path.iterdir()) == []


def test_results_of_clips_are_kept_where_a_folder_is_given(serve: Serve, clip: bytes, tmp_path: Path) -> None:
    client = serve(folder=tmp_path)
    state = finished(client, send(client, clip, "talk.mkv"))
    names = {path.name for path in tmp_path.glob("*/*")}
    assert names == {"aus.csv", "aus.json", "aus.jsonl"}  # the clip itself lies elsewhere
    for output in state["outputs"]:
        assert client.get(f"/v1/clips/{state['id']}/{output['name']}").status_code == 200
    client.delete(f"/v1/clips/{state['id']}")
    (folder,) = tmp_path.glob("*/")
    assert folder.name.startswith("talk-")
    kept = {"aus.csv", "aus.json", "aus.jsonl", "aus.parquet", "episodes.csv", "report.html"}
    assert {path.name for path in folder.iterdir()} == kept


def test_no_folder_is_kept_of_what_is_no_clip(serve: Serve, clip: bytes, tmp_path: Path) -> None:
    client = serve(folder=tmp_path, limits=Limits(clip_bytes=len(clip)))
    assert client.post("/v1/clips", content=clip + b"x").status_code == 413
    assert finished(client, send(client, b"no clip at all", "x.mp4"))["frames"] == 0
    assert list(tmp_path.glob("*/")) == []


def test_a_clip_whose_reading_fails_is_done_and_gives_its_place_back(
    serve: Serve, clip: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a defect")

    monkeypatch.setattr(Analyser, "analyse_all", fail)
    client = serve(limits=Limits(clips=1, keep_seconds=0.5))
    state = finished(client, send(client, clip))
    assert state["problem"] == "Reading clip.mkv failed; the server's log says why."
    while client.get(f"/v1/clips/{state['id']}").status_code == 200:
        time.sleep(0.05)
    send(client, clip)


def test_why_an_output_is_not_made_is_said(client: TestClient, tmp_path: Path) -> None:
    empty = write_clip(tmp_path / "empty.mkv", [planted_picture(0)] * 3).read_bytes()
    state = finished(client, send(client, empty, "empty.mkv"))
    answer = client.get(f"/v1/clips/{state['id']}/overlay.mp4")
    assert answer.status_code == 422
    assert answer.json()["error"].startswith("empty.mkv gives no overlay.mp4: aus.csv holds no face")


def test_a_full_disk_is_said(serve: Serve, clip: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    client = serve(limits=Limits(clips=1))
    said = {"error": "The server's disk cannot be used: No space left on device."}
    with monkeypatch.context() as sending:
        sending.setattr("idennet.serve.uploads.Uploads.receive_file", full)
        answer = client.post("/v1/clips", content=clip)
    assert (answer.status_code, answer.json()) == (500, said)
    state = finished(client, send(client, clip))
    monkeypatch.setattr("idennet.serve.clips.write_text", full)
    answer = client.get(f"/v1/clips/{state['id']}/episodes.csv")
    assert (answer.status_code, answer.json()) == (500, said)


def test_people_of_clips_are_told_apart_and_have_zeros(serve: Serve, clip: bytes) -> None:
    client = serve(population=Population.open(None))
    state = finished(client, send(client, clip))
    lines = client.get(f"/v1/clips/{state['id']}/aus.jsonl").text.splitlines()
    two = json.loads(lines[1])["faces"]
    assert len({face["person"] for face in two}) == 2
    assert all(face["zeroed"]["aus"] for face in two)
