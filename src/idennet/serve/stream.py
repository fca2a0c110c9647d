"""A stream of frames: the newest one is read, and what comes meanwhile is dropped and counted."""

import asyncio
from time import perf_counter
from typing import Any

from anyio import create_task_group
from starlette.websockets import WebSocket, WebSocketDisconnect

from idennet.inference.live import following
from idennet.serve.reader import Reader


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


async def answer_stream(socket: WebSocket, reader: Reader) -> None:
    """Read frames of an accepted WebSocket until its client goes away.

    Each binary message is one encoded picture; faces are followed from one to the next. Each answer is the
    result of one of them, with `frame` (its number among those sent, from 0), `dropped` (so far) and
    `milliseconds` (from arrival to answer).
    """
    newest, tracked = NewestFrame(), following(reader.analyser)

    async def answer() -> None:
        counted = 0
        while True:
            number, arrived, data = await newest.take()
            answer: dict[str, Any] = await reader.frame(data, f"frame {number}", tracked)
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
            tasks.start_soon(answer)
            while (message := await socket.receive())["type"] != "websocket.disconnect":
                if data := message.get("bytes"):
                    newest.put(data)
                    reader.metrics.frames.labels("received").inc()
            tasks.cancel_scope.cancel()
    except ExceptionGroup as failed:  # the application says what it knows of the error itself
        raise failed.exceptions[0] from None
