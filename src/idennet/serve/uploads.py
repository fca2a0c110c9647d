"""Receiving what clients send: never more than is allowed, never for ever, under a name that is only text."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from starlette.requests import ClientDisconnect, Request

from idennet.serve.refused import RefusedError

LONGEST_NAME = 200


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


async def receive_bytes(request: Request, most: int, seconds: float) -> bytes:
    """Return the body of a request.

    Raises:
        RefusedError: It is larger than `most` bytes, comes too slowly, or its sender went away.
    """
    return b"".join([chunk async for chunk in _chunks(request, most, seconds)])


async def receive_file(request: Request, path: Path, most: int, seconds: float) -> None:
    """Write the body of a request to a file.

    Raises:
        RefusedError: As for `receive_bytes`.
    """
    with path.open("wb") as file:
        async for chunk in _chunks(request, most, seconds):
            await asyncio.to_thread(file.write, chunk)


async def _chunks(request: Request, most: int, seconds: float) -> AsyncIterator[bytes]:
    too_large = RefusedError(413, f"More than {most:,} bytes were sent; send a smaller file.")
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > most:
        raise too_large
    received = 0
    try:
        async with asyncio.timeout(seconds):
            async for chunk in request.stream():
                received += len(chunk)
                if received > most:
                    raise too_large
                yield chunk
    except TimeoutError as error:
        raise RefusedError(408, f"The upload took longer than {seconds:g} seconds.") from error
    except ClientDisconnect as error:
        raise RefusedError(400, "The upload ended too early.") from error
    if received == 0:
        raise RefusedError(422, "Nothing was sent; send the bytes of a file as the body of the request.")
