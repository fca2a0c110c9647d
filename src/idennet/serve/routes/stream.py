"""The stream of frames."""

from fastapi import FastAPI, WebSocket

from idennet.serve.limits import Limits
from idennet.serve.reader import Places
from idennet.serve.stream import answer_stream


def add_stream(app: FastAPI, limits: Limits) -> None:
    """Let frames be sent one after the other, and be read as they come."""
    places = Places(limits.streams, "Enough streams are open; try again later.")

    @app.websocket("/v1/stream")
    async def stream(socket: WebSocket) -> None:
        try:
            with places:
                await socket.accept()
                app.state.metrics.streams.set(places.taken)
                await answer_stream(socket, app.state.reader, limits.request_seconds)
        finally:
            app.state.metrics.streams.set(places.taken)
