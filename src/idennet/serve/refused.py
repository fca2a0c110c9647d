"""What a client is told when something is refused or fails: a status and one sentence."""

import logging
from typing import Any

from fastapi import FastAPI, Request, WebSocket
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.routing import Route
from starlette.websockets import WebSocketState

from idennet.errors import REFUSALS, IdenNetError, InputError

_log = logging.getLogger(__name__)


class RefusedError(IdenNetError):
    """A request is refused.

    Attributes:
        status: Of the HTTP answer.
        wait: Seconds after which trying again may help, or None.
    """

    def __init__(self, status: int, sentence: str, wait: int | None = None) -> None:
        super().__init__(sentence)
        self.status = status
        self.wait = wait


def quoted(name: str, most: int = 60) -> str:
    """Return a name in quotes, shortened where that has more than so many bytes."""
    shown, name = repr(name), name[:most]
    while len(shown.encode()) > most:
        shown, name = repr(f"{name}…"), name[:-1]
    return shown


def answer_errors(app: FastAPI) -> None:
    """Let an application answer every error with `{"error": sentence}`, or close its socket with it."""
    app.add_exception_handler(IdenNetError, _fail)
    app.add_exception_handler(OSError, _fail_on_disk)
    app.add_exception_handler(RefusedError, _refuse)
    app.add_exception_handler(HTTPException, _refuse_by_framework)
    app.add_exception_handler(RequestValidationError, _refuse_mistaken)


async def refuse_unknown(asked: HTTPConnection) -> None:
    """See that a request has no parameter that means nothing; the guard knows `token`."""
    known = sorted(parameter.alias for parameter in asked.scope["route"].dependant.query_params)
    for name in asked.query_params:
        if name not in (*known, "token"):
            choice = f"give {' or '.join(known)}" if known else "it takes none"
            raise RefusedError(422, f"There is no parameter {quoted(name)} of {asked.url.path}; {choice}.")


async def _refuse(asked: HTTPConnection, refusal: Exception) -> Any:
    assert isinstance(refusal, RefusedError)
    if isinstance(asked, WebSocket):
        return await _close(asked, 1008 if refusal.wait is None else 1013, str(refusal))
    headers = {} if refusal.wait is None else {"Retry-After": str(refusal.wait)}
    return JSONResponse({"error": str(refusal)}, refusal.status, headers)


async def _refuse_mistaken(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    mistake = error.errors()[0]
    name, given = mistake["loc"][-1], quoted(str(mistake["input"]))
    return JSONResponse({"error": f"{name} is {given}; give true or false."}, 422)  # others are any text


async def _refuse_by_framework(asked: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    path, headers = asked.url.path[:100], dict(error.headers or {})
    sentence = error.detail
    if error.status_code == 404:
        sentence = f"There is no {path}; the interface is described at /docs."
    elif error.status_code == 405:
        routes = [route for route in asked.app.routes if isinstance(route, Route)]
        methods = {way for one in routes if one.path_regex.match(asked.url.path) for way in one.methods or ()}
        allowed = sorted(methods - {"HEAD"}) or ["GET"]
        headers["Allow"] = ", ".join(allowed)
        sentence = f"{path} is for {' and '.join(allowed)}, not for {asked.method}; see /docs."
    return JSONResponse({"error": sentence}, error.status_code, headers)


async def _fail(asked: HTTPConnection, error: Exception) -> Any:
    """Answer for what is no fault of the client: for example the disk is full."""
    if isinstance(asked, WebSocket):
        return await _close(asked, 1011, str(error))
    return JSONResponse({"error": str(error)}, 500)


async def _fail_on_disk(asked: HTTPConnection, error: Exception) -> Any:
    assert isinstance(error, OSError)
    if error.errno not in REFUSALS:  # of a connection, for example
        raise error
    _log.error("A file of the server cannot be used.", exc_info=error)
    return await _fail(asked, InputError(f"The server's disk cannot be used: {error.strerror}."))


async def _close(socket: WebSocket, code: int, sentence: str) -> None:
    """Close a socket and say why in the 123 bytes of a reason."""
    if socket.application_state is WebSocketState.CONNECTING:
        await socket.accept()  # closed before that, it tells no reason
    said = sentence.encode()
    await socket.close(code, sentence if len(said) <= 123 else f"{said[:120].decode(errors='ignore')}…")
