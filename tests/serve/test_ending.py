"""The end of a server in the middle of its work, and clients that only hold a place."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi.testclient import TestClient
from starlette.requests import Request
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from clips import write_clip
from idennet.inference.analyser import Analyser
from idennet.inference.result import Result
from idennet.media.frame import Frame
from idennet.media.video import Video
from idennet.serve.app import create_app
from idennet.serve.limits import Limits
from idennet.serve.reader import Reader
from idennet.serve.refused import RefusedError
from idennet.serve.server import Server
from idennet.serve.uploads import Uploads
from planted import planted_picture
from planted import planted_png as png

HALF = b"POST /v1/clips HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100000\r\n\r\nhalf"


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("clip") / "clip.mkv"
    return write_clip(path, [planted_picture(1)] * 300).read_bytes()


def test_a_process_that_is_told_to_end_answers_at_once_and_leaves_nothing(
    random_weights: Path, clip: bytes, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "idennet", "serve", "--port", "0", "--weights", str(random_weights)]
    server = subprocess.Popen(
        command,
        env={**os.environ, "TMPDIR": str(tmp_path), "COLUMNS": "200"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout is not None
        told = next(line for line in server.stdout if line.startswith("Open "))
        address = told.removeprefix("Open ").strip().rstrip("/")
        where = ("127.0.0.1", int(address.rpartition(":")[2]))
        sent = httpx2.post(f"{address}/v1/clips?name=clip.mkv", content=clip, timeout=60)
        assert sent.status_code == 202
        with (
            connect(f"ws://127.0.0.1:{where[1]}/v1/stream") as stream,
            socket.create_connection(where) as upload,
            socket.create_connection(where),
        ):
            upload.sendall(HALF)
            stream.send(png(1))
            assert json.loads(stream.recv())["frame"] == 0
            assert list(tmp_path.glob("idennet-*"))
            server.send_signal(signal.SIGTERM)
            answer = upload.makefile().read()
        assert answer.startswith("HTTP/1.1 503")
        assert '"The server is being stopped."' in answer
        assert server.wait(120) == 0
        assert server.stderr is not None
        assert server.stderr.read() == ""
        assert list(tmp_path.glob("idennet-*")) == []
    finally:
        server.kill()
        server.communicate()


def test_an_upload_that_is_under_way_is_refused_when_the_server_ends() -> None:
    async def never() -> None:
        await asyncio.Event().wait()

    async def upload(*, before: bool) -> None:
        uploads = Uploads(60)
        if before:
            uploads.end()
        request = Request({"type": "http", "headers": []}, never)
        receiving = asyncio.create_task(uploads.receive_bytes(request, 10))
        await asyncio.sleep(0)
        uploads.end()
        with pytest.raises(RefusedError, match="being stopped"):
            await receiving

    asyncio.run(upload(before=False))
    asyncio.run(upload(before=True))


def test_a_film_is_no_longer_made_when_its_clip_is_deleted(
    serve: Callable[..., TestClient], clip: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = threading.Event()

    class Endless(Video):
        def __iter__(self) -> Iterator[Frame]:
            while True:
                begun.set()
                yield next(super().__iter__())  # never the last frame

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    client = serve()
    where = f"/v1/clips/{client.post('/v1/clips?name=clip.mkv', content=clip).json()['id']}"
    while client.get(where).json()["state"] != "done":
        time.sleep(0.05)
    monkeypatch.setattr("idennet.serve.clips.Video", Endless)
    statuses: list[int] = []
    getting = threading.Thread(target=lambda: statuses.append(client.get(f"{where}/overlay.mp4").status_code))
    getting.start()
    begun.wait()
    assert client.delete(where).status_code == 204
    getting.join()
    assert statuses == [404]
    assert list(tmp_path.iterdir()) == []


def test_connections_on_which_nothing_is_asked_are_closed_and_streams_that_are_read_are_not(
    analyser: Analyser, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed, read = threading.Event(), Reader._read

    def slow(*arguments: Any) -> Result:
        closed.wait()
        return read(*arguments)

    monkeypatch.setattr(Reader, "_read", slow)
    server = Server(create_app(analyser, limits=Limits(request_seconds=1)))
    listener = socket.create_server(("127.0.0.1", 0))
    where = listener.getsockname()
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        with connect(f"ws://127.0.0.1:{where[1]}/v1/stream") as stream:
            stream.send(png(1))
            with socket.create_connection(where) as silent, socket.create_connection(where) as half:
                half.sendall(b"GET /health HTTP/1.1\r\nHost:")
                assert silent.recv(1) == half.recv(1) == b""
            closed.set()
            assert json.loads(stream.recv())["frame"] == 0
            with pytest.raises(ConnectionClosed, match="No frame came for 1 seconds"):
                stream.recv()
    finally:
        closed.set()
        server.should_exit = True
        thread.join()
