"""Receiving what clients send: never more than is allowed, never for ever, under a name that is only text."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from starlette.requests import ClientDisconnect, Request

from idennet.serve.refused import RefusedError

LONGEST_NAME = 200

_NO_FORM = "Forms are not read; send the bytes of the file as the body of the request, for example"


def checked_name(name: str) -> str:
    """Return the name of an upload, which is shown and written into tables, and never opened.

    Raises:
        RefusedError: It is a path, is too long, or holds what cannot be printed.
    """
    if len(name) > LONGEST_NAME:
        raise RefusedError(422, f"The name has {len(name)} characters; at most {LONGEST_NAME} are taken.")
    if not name.isprintable() or any(sign in name for sign in "/\\") or name.strip(". ") == "":
        raise RefusedError(422, "The name must be that of a file, without folders and control characters.")
    return name


class Uploads:
    """Receives what clients send, until the server ends.

    Args:
        seconds: In which an upload must arrive whole.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._open: set[asyncio.Timeout] = set()
        self._ended = False

    async def receive_bytes(self, request: Request, most: int) -> bytes:
        """Return the body of a request.

        Raises:
            RefusedError: It is a form or larger than `most` bytes, comes too slowly, its sender went away, or
                the server ends.
        """
        return b"".join([chunk async for chunk in self._chunks(request, most)])

    async def receive_file(self, request: Request, path: Path, most: int) -> None:
        """Write the body of a request to a file.

        Raises:
            RefusedError: As for `receive_bytes`.
        """
        with path.open("wb") as file:
            async for chunk in self._chunks(request, most):
                await asyncio.to_thread(file.write, chunk)

    def end(self) -> None:
        """Refuse what has not arrived yet, at once."""
        self._ended = True
        for time in self._open:
            if not time.expired():
                time.reschedule(0)

    async def _chunks(self, request: Request, most: int) -> AsyncIterator[bytes]:
        too_large = RefusedError(413, f"More than {most:,} bytes were sent; send a smaller file.")
        if request.headers.get("content-type", "").lower().startswith("multipart/"):
            address = f"{request.url.scheme}://{request.url.netloc}{request.url.path}"
            raise RefusedError(415, f"{_NO_FORM}: curl --data-binary @FILE {address}")
        announced = request.headers.get("content-length", "")
        if announced.isdigit() and int(announced) > most:
            raise too_large
        received = 0
        try:
            async with asyncio.timeout(0 if self._ended else self._seconds) as time:
                self._open.add(time)
                try:
                    async for chunk in request.stream():
                        received += len(chunk)
                        if received > most:
                            raise too_large
                        yield chunk
                finally:
                    self._open.discard(time)
        except TimeoutError as error:
            if self._ended:
                raise RefusedError(503, "The server is being stopped.") from error
            raise RefusedError(408, f"The upload took longer than {self._seconds:g} seconds.") from error
        except ClientDisconnect as error:
            raise RefusedError(400, "The upload ended too early.") from error
        if received == 0:
            raise RefusedError(422, "Nothing was sent; send the bytes of a file as the body of the request.")
