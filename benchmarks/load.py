"""What `idennet serve` takes: many clients at once, slow ones, broken ones, and whether anything leaks.

    python benchmarks/load.py photo.jpg clip.mp4 [--seconds 60]
    python benchmarks/load.py --alone face.mp4 [nobody.mp4 ...]

Starts a server of its own on this machine. With `--alone`, one stream sends 300 frames of each clip, as JPEG
of at most 640 x 640, each after the answer to the one before; nothing else is asked. Otherwise eight clients
send the photograph as quickly as they get answers, two streams send it 25 times a second, and a clip is read,
deleted and sent again; meanwhile one client sends slowly, one goes away in the middle again and again, 200
broken uploads arrive, and clips are deleted while they are read. In the end the server is told to stop in the
middle of a clip. Prints Markdown.
"""

import argparse
import asyncio
import io
import itertools
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import av
import httpx2 as httpx
import websockets

PORT = 8766
ADDRESS = f"http://127.0.0.1:{PORT}"
CLIENTS, STREAMS, RATE, BROKEN = 8, 2, 25, 200
ALONE = 300


@dataclass
class Seen:
    """What the clients saw."""

    photographs: list[float] = field(default_factory=list)
    frames: list[float] = field(default_factory=list)
    sent: int = 0
    dropped: dict[int, int] = field(default_factory=dict)
    clips: int = 0
    clip_frames: int = 0
    killed: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    memory: list[tuple[float, float]] = field(default_factory=list)


async def photographs(client: httpx.AsyncClient, picture: bytes, until: float, seen: Seen) -> None:
    while time.monotonic() < until:
        began = time.monotonic()
        answer = await client.post("/v1/photographs", content=picture)
        seen.statuses[f"photographs {answer.status_code}"] += 1
        if answer.status_code == 200:
            seen.photographs.append(time.monotonic() - began)


async def stream(number: int, picture: bytes, until: float, seen: Seen) -> None:
    async with websockets.connect(f"ws://127.0.0.1:{PORT}/v1/stream", max_size=None) as socket:

        async def receive() -> None:
            async for message in socket:
                answer = json.loads(message)
                seen.frames.append(answer["milliseconds"] / 1000)
                seen.dropped[number] = answer["dropped"]

        receiving = asyncio.create_task(receive())
        while time.monotonic() < until:
            await socket.send(picture)
            seen.sent += 1
            await asyncio.sleep(1 / RATE)
    await receiving


async def clips(client: httpx.AsyncClient, clip: bytes, until: float, seen: Seen) -> None:
    while time.monotonic() < until:
        state = (await client.post("/v1/clips?name=clip.mp4", content=clip)).json()
        where = f"/v1/clips/{state['id']}"
        while state["state"] != "done" and time.monotonic() < until:
            await asyncio.sleep(0.5)
            state = (await client.get(where)).json()
        seen.clips += state["state"] == "done"
        seen.clip_frames += state["frames"]
        await client.delete(where)


async def killed_clips(client: httpx.AsyncClient, clip: bytes, until: float, seen: Seen) -> None:
    while time.monotonic() < until:
        state = (await client.post("/v1/clips?name=killed.mp4", content=clip)).json()
        await asyncio.sleep(random.uniform(0.1, 2))
        seen.killed += (await client.delete(f"/v1/clips/{state['id']}")).status_code == 204
        await asyncio.sleep(3)


async def half_sent(picture: bytes, until: float, seen: Seen) -> None:
    """Begin uploads and go away, or send a few bytes now and then."""
    while time.monotonic() < until:
        _, writer = await asyncio.open_connection("127.0.0.1", PORT)
        lines = (
            "POST /v1/photographs HTTP/1.1",
            f"Host: 127.0.0.1:{PORT}",
            f"Content-Length: {len(picture)}",
        )
        writer.write("".join(f"{line}\r\n" for line in (*lines, "")).encode() + picture[: len(picture) // 2])
        await writer.drain()
        for _ in range(random.randrange(4)):
            await asyncio.sleep(0.3)
            writer.write(b"x")
        writer.close()
        seen.statuses["half sent"] += 1
        await asyncio.sleep(0.2)


async def slow(picture: bytes, until: float, seen: Seen) -> None:
    """Send a photograph in twenty pieces over four seconds, again and again."""
    size = -(-len(picture) // 20)

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(picture), size):
            yield picture[start : start + size]
            await asyncio.sleep(0.2)

    async with httpx.AsyncClient(base_url=ADDRESS, timeout=60) as client:
        while time.monotonic() < until:
            answer = await client.post("/v1/photographs", content=pieces())
            seen.statuses[f"slow {answer.status_code}"] += 1


async def broken(client: httpx.AsyncClient, picture: bytes, clip: bytes, until: float, seen: Seen) -> None:
    draw = random.Random(0)
    pause = (until - time.monotonic()) / BROKEN

    async def send(number: int) -> None:
        content = bytearray(draw.choice((picture, clip[:50_000])))
        for _ in range(draw.randrange(1, 400)):
            content[draw.randrange(len(content))] = draw.randrange(256)
        content = content[: draw.randrange(1, len(content))]
        await asyncio.sleep(number * pause)
        answer = await client.post(
            "/v1/photographs", params={"name": f"broken {number}"}, content=bytes(content)
        )
        seen.statuses[f"broken {answer.status_code}"] += 1

    await asyncio.gather(*map(send, range(BROKEN)))


async def memory(process: int, began: float, until: float, seen: Seen) -> None:
    while time.monotonic() < until:
        seen.memory.append((time.monotonic() - began, resident(process)))
        await asyncio.sleep(1)


def resident(process: int) -> float:
    """Return the memory of a process in megabytes."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def held(process: int) -> str:
    """Say how much a process holds."""
    files, threads = (len(list(Path(f"/proc/{process}/{kind}").iterdir())) for kind in ("fd", "task"))
    return f"{files} files, {threads} threads, {resident(process):.0f} MB"


def jpegs(clip: Path) -> list[bytes]:
    """Return the first frames of a clip, over and over if it has fewer, as a browser would send them."""
    encoded = []
    with av.open(str(clip)) as container:
        for frame in itertools.islice(container.decode(video=0), ALONE):
            picture = frame.to_image()
            picture.thumbnail((640, 640))
            picture.save(file := io.BytesIO(), "JPEG", quality=80)
            encoded.append(file.getvalue())
    return list(itertools.islice(itertools.cycle(encoded), ALONE))


async def alone(clip: Path) -> None:
    """Print how long one stream waits for its answers, and how much of that the server took to read."""
    frames = jpegs(clip)
    waited: dict[str, list[float]] = {"with a face": [], "without a face": []}
    read: dict[str, list[float]] = {what: [] for what in waited}
    async with websockets.connect(f"ws://127.0.0.1:{PORT}/v1/stream", max_size=None) as socket:
        for number, frame in enumerate(frames):
            began = time.monotonic()
            await socket.send(frame)
            answer = json.loads(await socket.recv())
            if number >= 15:  # what is new to the processor's caches does not count
                what = "with a face" if answer["faces"] else "without a face"
                waited[what].append(1000 * (time.monotonic() - began))
                read[what].append(answer["milliseconds"])
    for what, times in waited.items():
        if len(times) > 1:
            cuts, within = (statistics.quantiles(each, n=100) for each in (times, read[what]))
            print(
                f"| {clip.name}, {len(times)} frames {what} | {1000 / statistics.mean(times):.0f} "
                f"| {cuts[49]:.1f} | {cuts[94]:.1f} | {max(times):.1f} | {within[49]:.1f} |"
            )


async def load(picture: bytes, clip: bytes, seconds: float, process: int) -> tuple[Seen, str, str]:
    seen = Seen()
    async with httpx.AsyncClient(base_url=ADDRESS, timeout=60) as client:
        await client.post("/v1/photographs", content=picture)
        before = held(process)
        began = time.monotonic()
        until = began + seconds
        await asyncio.gather(
            *(photographs(client, picture, until, seen) for _ in range(CLIENTS)),
            *(stream(number, picture, until, seen) for number in range(STREAMS)),
            clips(client, clip, until, seen),
            killed_clips(client, clip, until, seen),
            half_sent(picture, until, seen),
            slow(picture, until, seen),
            broken(client, picture, clip, until, seen),
            memory(process, began, until, seen),
        )
        await asyncio.sleep(6)  # uvicorn keeps a silent connection for five seconds
        after = held(process)
        await client.post("/v1/clips?name=last.mp4", content=clip)
    return seen, before, after


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", type=Path, nargs="+", help="a photograph and a clip; with --alone, clips")
    parser.add_argument("--alone", action="store_true", help="one stream of each clip, and nothing else")
    parser.add_argument("--seconds", type=float, default=60)
    given = parser.parse_args()
    if not given.alone and len(given.files) != 2:
        parser.error("give a photograph and a clip, or --alone and clips")
    command = [sys.executable, "-m", "idennet", "serve", "--port", str(PORT)]
    temporary = tempfile.mkdtemp()
    server = subprocess.Popen(
        command,
        env={**os.environ, "TMPDIR": temporary},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        for _ in range(240):
            try:
                httpx.get(f"{ADDRESS}/health")
                break
            except httpx.ConnectError:
                time.sleep(0.5)
        if given.alone:
            print("| one stream | a second | p50, ms | p95 | longest | p50 in the server |")
            print("| --- | ---: | ---: | ---: | ---: | ---: |")
            for clip in given.files:
                asyncio.run(alone(clip))
            return
        picture, clip = (file.read_bytes() for file in given.files)
        seen, before, after = asyncio.run(load(picture, clip, given.seconds, server.pid))
        end = time.monotonic()
    finally:
        server.terminate()
        complaints = server.communicate()[1]
    print(f"Before: {before}. After: {after}.")
    left = len(list(Path(temporary).glob("idennet-*")))
    print(
        f"Stopped in {time.monotonic() - end:.1f} s with {server.returncode}; {left} temporary folders left."
    )
    print("Complaints:", complaints.strip() or "none")
    report(seen, given.seconds)


def report(seen: Seen, seconds: float) -> None:
    print("| what | a second | p50 | p99 |\n| --- | ---: | ---: | ---: |")
    for what, times in (("photographs, 8 clients", seen.photographs), ("frames, 2 streams", seen.frames)):
        cuts = statistics.quantiles(times, n=100)
        print(f"| {what} | {len(times) / seconds:.1f} | {cuts[49]:.3f} s | {cuts[98]:.3f} s |")
    print(f"| frames of clips, one at a time | {seen.clip_frames / seconds:.1f} | | |")
    answered, dropped = len(seen.frames), sum(seen.dropped.values())
    print(f"\nStreams: {seen.sent} frames sent, {answered} answered, {dropped} dropped.")
    print(f"Clips: {seen.clips} read whole, {seen.killed} deleted while they waited or were read.")
    print("Answers:", ", ".join(f"{what}: {count}" for what, count in sorted(seen.statuses.items())))
    shown = seen.memory[:: max(len(seen.memory) // 6, 1)]
    print("Memory:", ", ".join(f"{at:.0f} s {size:.0f} MB" for at, size in shown))


if __name__ == "__main__":
    main()
