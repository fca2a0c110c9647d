"""A stream of frames: the newest one is read, and what comes meanwhile is dropped and counted."""

import asyncio
from math import inf
from time import perf_counter
from typing import Any

from anyio import create_task_group, current_time
from starlette.websockets import WebSocket, WebSocketDisconnect

from idennet.inference.live import following
from idennet.serve.reader import Reader
from idennet.serve.refused import RefusedError


class NewestFrame:
    """Holds the newest frame until it is taken; an older one makes room.

    Attributes:
        received: How many frames came.
        dropped: How many of them were never taken.
    """

    def __init__(self) -> None:
        self.received = 0
        self.dropped = 0
        self._waiting: tuple[int, float, bytes] | None = None
        self._changed = asyncio.Event()

    def put(self, data: bytes) -> None:
        """Take the place of the frame that waits."""
        self.dropped += self._waiting is not None
        self._waiting = (self.received, perf_counter(), data)
        self.received += 1
        self._changed.set()

    async def take(self) -> tuple[int, float, bytes]:
        """Return number, time of arrival and bytes of the newest frame, once there is one."""
        while self._waiting is None:
            self._changed.clear()
            await self._changed.wait()
        frame, self._waiting = self._waiting, None
        return frame


async def answer_stream(socket: WebSocket, reader: Reader, patience: float) -> None:
    """Read frames of an accepted WebSocket until its client goes away.

    Each binary message is one encoded picture; faces are followed from one to the next. Each answer is the
    result of one of them, with `frame` (its number among those sent, from 0), `dropped` (so far) and
    `milliseconds` (from arrival to answer).

    Args:
        socket: Accepted.
        reader: Reads.
        patience: Seconds for which a client may send nothing; while a frame of it is read, it may wait.

    Raises:
        RefusedError: It sends text, or nothing for too long.
    """
    newest, tracked = NewestFrame(), following(reader.analyser)

    async def answer() -> None:
        counted = 0
        while True:
            number, arrived, data = await newest.take()
            stream.deadline = inf
            answer: dict[str, Any] = await reader.frame(data, f"frame {number}", tracked)
            stream.deadline = current_time() + patience
            answer |= {"frame": number, "dropped": newest.dropped}
            answer["milliseconds"] = round(1000 * (perf_counter() - arrived), 1)
            reader.metrics.frames.labels("dropped").inc(newest.dropped - counted)
            counted = newest.dropped
            try:
                await socket.send_json(answer)
            except WebSocketDisconnect:
                return

    try:
        async with create_task_group() as tasks:
            stream = tasks.cancel_scope
            stream.deadline = current_time() + patience
            tasks.start_soon(answer)
            while (message := await socket.receive())["type"] != "websocket.disconnect":
                if (data := message.get("bytes")) is None:
                    raise RefusedError(
                        422, "Text is not read; send each frame as a binary message, a picture file."
                    )
                newest.put(data)
                stream.deadline = max(stream.deadline, current_time() + patience)
                reader.metrics.frames.labels("received").inc()
            stream.cancel()
            return
    except ExceptionGroup as failed:  # the application says what it knows of the error itself
        raise failed.exceptions[0] from None
    raise RefusedError(408, f"No frame came for {patience:g} seconds; open the stream again to send more.")
