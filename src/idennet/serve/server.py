"""The server: uvicorn, which ends what is under way instead of waiting for it and closes idle connections."""

import asyncio
import logging
import socket

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from idennet.serve.limits import Limits

_GRACE = 5  # seconds that answers under way get when the server ends


class Server(uvicorn.Server):
    """Serves an application of `create_app`, until Ctrl-C or SIGTERM.

    Args:
        app: What is served.
        limits: Of connections and messages.
    """

    def __init__(self, app: FastAPI) -> None:
        limits: Limits = app.state.limits
        config = uvicorn.Config(
            app,
            http=_protocol(limits.request_seconds),
            log_level="warning",
            server_header=False,
            limit_concurrency=limits.connections,
            timeout_graceful_shutdown=_GRACE,
            ws_max_size=limits.photograph_bytes,
            ws_max_queue=4,
            ws_ping_interval=None,  # silence ends a stream; a pong that load delays does not
            ws_per_message_deflate=False,  # frames are compressed already
        )
        super().__init__(config)
        logging.getLogger("uvicorn.error").addFilter(_is_no_interruption)
        self._app = app

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Refuse uploads and stop clips that are under way, then end."""
        self._app.state.uploads.end()
        self._app.state.clips.stop()
        await super().shutdown(sockets)


def _is_no_interruption(record: logging.LogRecord) -> bool:
    """Say whether something went wrong, rather than being cut off by the end of the server."""
    return not (record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError))


def _protocol(patience: float) -> type[H11Protocol]:
    """Return HTTP/1.1 that closes connections on which no whole request comes for so many seconds.

    uvicorn itself closes only those that stay silent after an answer.
    """

    class Protocol(H11Protocol):
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self.loop.call_later(patience, self._look, None)

        def _look(self, before: RequestResponseCycle | None) -> None:
            if self.transport.is_closing() or self.transport.get_protocol() is not self:  # a WebSocket now
                return
            if self.cycle is before and (before is None or before.response_complete):
                self.transport.close()
            else:
                self.loop.call_later(patience, self._look, self.cycle)

    return Protocol
