"""The stream of the API: frames in, answers out, and why it ends."""

import ast
import errno
import time
from collections.abc import Callable
from typing import Any
from unittest.mock import Mock
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from idennet.errors import InputError
from idennet.inference.result import Result
from idennet.serve.limits import Limits
from idennet.serve.reader import Reader
from planted import planted_png as png

Serve = Callable[..., TestClient]
STREAM = "ws://127.0.0.1:8765/v1/stream"


def test_a_stream_answers_each_frame_that_it_does_not_drop(client: TestClient) -> None:
    with client.websocket_connect(STREAM) as socket:
        for number, faces in enumerate([1, 3, 0]):
            socket.send_bytes(png(faces))
            answer = socket.receive_json()
            assert (answer["frame"], answer["dropped"], len(answer["faces"])) == (number, 0, faces)
            assert answer["milliseconds"] > 0
        socket.send_bytes(b"no picture")
        assert "not a picture" in socket.receive_json()["problem"]
        socket.send_bytes(b"")
        assert "is empty" in socket.receive_json()["problem"]
        socket.send_bytes(png(1))
        assert socket.receive_json()["frame"] == 5


def test_a_stream_that_sends_text_is_told_what_to_send_and_closed(client: TestClient) -> None:
    with client.websocket_connect(STREAM) as socket:
        socket.send_bytes(png(1))
        assert socket.receive_json()["frame"] == 0
        socket.send_text('{"frame": 1}')
        with pytest.raises(WebSocketDisconnect) as closed:
            socket.receive_json()
    words = "Text is not read; send each frame as a binary message, a picture file."
    assert (closed.value.code, closed.value.reason) == (1008, words)


@pytest.mark.parametrize("frames", [0, 2])
def test_a_stream_on_which_no_frame_comes_is_closed_and_makes_room(serve: Serve, frames: int) -> None:
    client = serve(limits=Limits(streams=1, request_seconds=1))
    for _ in range(2):
        with client.websocket_connect(STREAM) as socket:
            for number in range(frames):
                socket.send_bytes(png(1))
                assert socket.receive_json()["frame"] == number
            with pytest.raises(WebSocketDisconnect) as closed:
                socket.receive_json()
        words = "No frame came for 1 seconds; open the stream again to send more."
        assert (closed.value.code, closed.value.reason) == (1008, words)


def test_a_stream_may_be_silent_while_its_frame_is_read(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = Reader._read

    def slow(*arguments: Any) -> Result:
        time.sleep(0.5)
        return read(*arguments)

    monkeypatch.setattr(Reader, "_read", slow)
    with serve(limits=Limits(request_seconds=0.1)).websocket_connect(STREAM) as socket:
        socket.send_bytes(png(1))
        assert socket.receive_json()["frame"] == 0


def test_a_stream_follows_faces_and_another_stream_counts_its_own(client: TestClient) -> None:
    for _ in range(2):
        with client.websocket_connect(STREAM) as socket:
            tracks = []
            for faces in (1, 2, 2):
                socket.send_bytes(png(faces))
                tracks.append([face["track"] for face in socket.receive_json()["faces"]])
        assert tracks == [[1], [1, 2], [1, 2]]


def test_a_stream_drops_old_frames_and_counts_them(client: TestClient) -> None:
    frames = 30
    with client.websocket_connect(STREAM) as socket:
        for _ in range(frames):
            socket.send_bytes(png(1))
        answers = []
        while not answers or answers[-1]["frame"] < frames - 1:
            answers.append(socket.receive_json())
    assert answers[-1]["dropped"] == frames - len(answers)
    assert [answer["frame"] for answer in answers] == sorted(answer["frame"] for answer in answers)


def test_only_so_many_streams_are_open(serve: Serve) -> None:
    client = serve(limits=Limits(streams=1))
    with client.websocket_connect(STREAM), client.websocket_connect(STREAM) as second:
        with pytest.raises(WebSocketDisconnect) as closed:
            second.receive_json()
        assert (closed.value.code, closed.value.reason) == (1013, "Enough streams are open; try again later.")
    with client.websocket_connect(STREAM) as socket:
        socket.send_bytes(png(1))
        assert socket.receive_json()["frame"] == 0


def test_a_stream_refuses_parameters_that_do_not_exist(client: TestClient) -> None:
    with client.websocket_connect(f"{STREAM}?fps=5") as socket, pytest.raises(WebSocketDisconnect) as closed:
        socket.receive_json()
    words = "There is no parameter 'fps' of /v1/stream; it takes none."
    assert (closed.value.code, closed.value.reason) == (1008, words)


@pytest.mark.parametrize("name", ["é" * 40, "\U000e0001" * 40, "'" * 90, "fps" * 1000])
def test_why_a_stream_ends_is_a_whole_sentence_of_at_most_123_bytes(client: TestClient, name: str) -> None:
    address = f"{STREAM}?{quote(name)}=1"
    with client.websocket_connect(address) as socket, pytest.raises(WebSocketDisconnect) as closed:
        socket.receive_json()
    begin, end = "There is no parameter ", " of /v1/stream; it takes none."
    shown = ast.literal_eval(closed.value.reason.removeprefix(begin).removesuffix(end))
    assert name.startswith(shown.removesuffix("…"))
    assert len(shown) > 4
    assert len(closed.value.reason.encode()) <= 123


def test_a_reason_that_is_too_long_is_cut_and_says_so(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("idennet.serve.reader.Reader.frame", Mock(side_effect=InputError("é" * 90)))
    with client.websocket_connect(STREAM) as socket:
        socket.send_bytes(png(1))
        with pytest.raises(WebSocketDisconnect) as closed:
            socket.receive_json()
    assert closed.value.reason == "é" * 60 + "…"


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), InputError("Full.")])
def test_a_stream_that_the_server_cannot_read_says_why(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr("idennet.serve.reader.Reader.frame", Mock(side_effect=error))
    with client.websocket_connect(STREAM) as socket:
        socket.send_bytes(png(1))
        with pytest.raises(WebSocketDisconnect) as closed:
            socket.receive_json()
    disk = "The server's disk cannot be used: No space left on device."
    words = disk if isinstance(error, OSError) else "Full."
    assert (closed.value.code, closed.value.reason) == (1011, words)
