"""Network streams as live sources, from servers of the tests on this machine."""

import itertools
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from clips import write_clip
from idennet.cli.main import app
from idennet.errors import ImageError
from idennet.media.live import Live

SIZE = (96, 128)
FRAMES = 12


def pictures() -> list[np.ndarray]:
    """Grey pictures, each brighter than the one before."""
    return [np.full((*SIZE, 3), 20 + 10 * k, np.uint8) for k in range(FRAMES)]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return write_clip(tmp_path_factory.mktemp("live") / "clip.ts", pictures(), codec="mpeg4").read_bytes()


def in_parts() -> Iterator[bytes]:
    """An endless MJPEG stream, as cameras send it."""
    for picture in itertools.cycle(pictures()):
        Image.fromarray(picture).save(file := BytesIO(), "JPEG")
        yield b"--part\r\nContent-Type: image/jpeg\r\n\r\n" + file.getvalue() + b"\r\n"


@pytest.fixture(scope="module")
def server(clip: bytes) -> Iterator[str]:
    """The address of a server of a clip, of endless streams, and of what is no stream."""
    ending = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            whole = {"/clip.ts": clip, "/page": b"<html><video src='clip.ts'></html>"}
            endless = {
                "/endless.ts": ("video/mp2t", itertools.repeat(clip)),
                "/mjpeg": ("multipart/x-mixed-replace; boundary=part", in_parts()),
            }
            if content := whole.get(self.path):
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
            elif self.path in endless:
                kind, parts = endless[self.path]
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                self.close_connection = True
                with suppress(OSError):  # the client goes away
                    for part in parts:
                        self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
                        time.sleep(0.002)
            elif self.path == "/silent":
                ending.wait()
                self.close_connection = True
            else:
                self.send_error(404)

    listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=listener.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{listener.server_port}"
    ending.set()
    listener.shutdown()
    thread.join()
    listener.server_close()


def greys(source: str, count: int | None = None) -> list[float]:
    frames = list(itertools.islice(Live(source), count))
    assert [frame.index for frame in frames] == list(range(len(frames)))
    assert all(frame.pixels.shape == (*SIZE, 3) for frame in frames)
    return [float(frame.pixels.mean()) for frame in frames]


def test_a_clip_over_http_is_read_to_its_end(server: str) -> None:
    np.testing.assert_allclose(greys(f"{server}/clip.ts"), [20 + 10 * k for k in range(FRAMES)], atol=4)


@pytest.mark.parametrize("name", ["endless.ts", "mjpeg"])
def test_a_stream_without_length_or_end_is_read_while_somebody_takes_frames(server: str, name: str) -> None:
    seen = greys(f"{server}/{name}", 3 * FRAMES)
    np.testing.assert_allclose(seen, [20 + 10 * (k % FRAMES) for k in range(3 * FRAMES)], atol=4)


def test_a_stream_over_tcp_is_read(clip: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def send() -> None:
            with listener.accept()[0] as client:
                client.sendall(clip)

        sending = threading.Thread(target=send)
        sending.start()
        assert len(greys(f"tcp://127.0.0.1:{listener.getsockname()[1]}")) == FRAMES
        sending.join()


def answer_rtsp(client: socket.socket, clip: bytes) -> None:
    """Be a camera that talks RTSP and sends its pictures on the same connection only, packet by packet."""
    offer = b"v=0\r\nm=video 0 RTP/AVP 33\r\na=control:video\r\n"  # 33: a transport stream
    heads = {
        b"DESCRIBE": b"Content-Type: application/sdp\r\nContent-Length: %d\r\n" % len(offer),
        b"SETUP": b"Transport: RTP/AVP/TCP;interleaved=0-1\r\n",
    }
    with suppress(OSError), client, client.makefile("rb") as asked:  # the client goes away
        while line := asked.readline():
            method = line.split()[0]
            headers = dict(one.rstrip().split(b": ", 1) for one in iter(asked.readline, b"\r\n"))
            over_udp = b"/TCP" not in headers.get(b"Transport", b"/TCP")
            said = b"461 Unsupported Transport" if over_udp else b"200 OK"
            head = b"RTSP/1.0 %s\r\nCSeq: %s\r\nSession: 1\r\n" % (said, headers[b"CSeq"])
            client.sendall(head + heads.get(method, b"") + b"\r\n" + offer * (method == b"DESCRIBE"))
            if method == b"PLAY":
                break
        parts = (clip[start : start + 7 * 188] for start in range(0, len(clip), 7 * 188))
        for number, part in enumerate(parts):
            packet = struct.pack("!BBHII", 0x80, 33, number, 0, 1) + part
            client.sendall(struct.pack("!cBH", b"$", 0, len(packet)) + packet)


def test_a_stream_over_rtsp_is_read(clip: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        sending = threading.Thread(target=lambda: answer_rtsp(listener.accept()[0], 2 * clip))
        sending.start()
        seen = greys(f"rtsp://127.0.0.1:{listener.getsockname()[1]}/camera", FRAMES)
        sending.join()
    np.testing.assert_allclose(seen, [20 + 10 * k for k in range(FRAMES)], atol=4)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/page", "sends no video that can be read; give the address of the pictures, not of"),
        ("/nothing", "cannot be read, or breaks off: server returned 404 not found."),
        ("/silent", "for 0.3 seconds; is it on"),
    ],
)
def test_what_is_no_stream_gets_one_sentence(
    server: str, path: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("idennet.media.live._PATIENCE", 0.3)
    with pytest.raises(ImageError) as caught:
        greys(server.replace("//", "//user:secret@") + path)
    assert words in str(caught.value)
    assert "secret" not in str(caught.value)


def test_nobody_at_an_address_gets_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(ImageError, match="connection refused"):
        greys(f"rtsp://127.0.0.1:{port}/camera")


@pytest.mark.usefixtures("planted_finder")
def test_live_prints_a_line_of_json_for_each_frame_it_reads(server: str, random_weights: Path) -> None:
    command = ["live", f"{server}/clip.ts", "--json", "--weights", str(random_weights)]
    answer = CliRunner().invoke(app, command, env={"COLUMNS": "140"})
    assert answer.exit_code == 0, answer.output
    lines = [line for line in answer.stdout.splitlines() if line]
    assert lines
    assert all(line.startswith(f'{{"file": "{server}/clip.ts"') for line in lines)
    assert '"dropped": ' in lines[-1]
