"""After many photographs, streams and clips a server holds what it held before."""

import gc
import time
from collections import Counter

import pytest
from fastapi.testclient import TestClient
from starlette.requests import Request
from starlette.websockets import WebSocket

from clips import write_clip
from idennet.faces.tracking import FaceTracker
from idennet.inference.analyser import Analyser
from idennet.inference.result import Result
from idennet.media.frame import Frame
from idennet.people.following import Following
from idennet.serve.clips import Clip
from idennet.serve.stream import NewestFrame
from planted import planted_picture, planted_png

HELD = (Analyser, Clip, FaceTracker, Following, Frame, NewestFrame, Request, Result, WebSocket)


@pytest.fixture(scope="module")
def photograph() -> bytes:
    return planted_png(2)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return write_clip(tmp_path_factory.mktemp("leaks") / "clip.mkv", [planted_picture(2)] * 4).read_bytes()


def used(
    client: TestClient, photograph: bytes, clip: bytes, *, photographs: int, streams: int, jobs: int
) -> None:
    for number in range(photographs):
        asked = "/v1/photographs?details=true" if number % 8 else "/v1/overlays"
        assert client.post(asked, content=photograph).status_code == 200
        assert client.post("/v1/photographs", content=photograph[: len(photograph) // 2]).status_code == 422
    for _ in range(streams):
        with client.websocket_connect("ws://127.0.0.1:8765/v1/stream") as socket:
            socket.send_bytes(photograph)
            socket.receive_json()
            socket.send_bytes(photograph)  # and goes away before its answer
    for _ in range(jobs):
        where = client.post("/v1/clips", content=clip).headers["location"]
        while (state := client.get(where).json())["state"] != "done":
            time.sleep(0.02)
        assert state["outputs"]
        for output in state["outputs"]:
            assert client.get(f"{where}/{output['name']}").status_code == 200
        unread = client.post("/v1/clips", content=clip).headers["location"]
        assert client.delete(where).status_code == client.delete(unread).status_code == 204


def held() -> Counter[str]:
    """Live objects by kind."""
    gc.collect()
    return Counter(type(each).__name__ for each in gc.get_objects() if type(each) in HELD)


def test_nothing_stays_of_photographs_streams_and_clips(
    client: TestClient, photograph: bytes, clip: bytes
) -> None:
    used(client, photograph, clip, photographs=3, streams=2, jobs=1)
    before = held()
    used(client, photograph, clip, photographs=9, streams=9, jobs=2)
    for _ in range(100):  # what the clients left is being read to its end
        if held() <= before:
            break
        time.sleep(0.05)
    assert held() <= before
