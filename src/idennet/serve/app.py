"""The application: routes of the page and of the interface, and what they share."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from importlib import resources
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Query, Request, Response, WebSocket
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse
from fastapi.routing import APIRoute
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel, Field, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.routing import Route
from starlette.websockets import WebSocketState

from idennet import __version__
from idennet.errors import REFUSALS, IdenNetError, InputError
from idennet.inference.analyser import Analyser
from idennet.inference.results_folder import ResultsFolder, about_run
from idennet.models.threads import cores, workers
from idennet.people.persons import group
from idennet.people.population import Population
from idennet.serve.answers import about_weights, example
from idennet.serve.clips import Clips
from idennet.serve.guard import Guard, check_token
from idennet.serve.limits import Limits
from idennet.serve.metrics import Metrics
from idennet.serve.reader import Places, Reader
from idennet.serve.refused import RefusedError, quoted
from idennet.serve.stream import answer_stream
from idennet.serve.uploads import Uploads, checked_name

DEFAULT_LIMITS = Limits()

_log = logging.getLogger(__name__)

_ABOUT = """\
Facial Action Units of photographs, clips and streams. Nothing is kept after the answer, unless the server was
given a folder. Send files as the body of the request, as they are: `curl --data-binary @photo.jpg URL`."""

_FILE = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


def _example(description: str, example: Any, kind: str = "application/json") -> dict[str, Any]:
    return {"description": description, "content": {kind: {"example": example}}}


def _refusal(why: str) -> dict[str, Any]:
    return _example(why, {"error": why})


_MISTAKEN = _refusal("There is no parameter 'detail' of this address; it takes none.")
_REFUSED: dict[int | str, dict[str, Any]] = {
    status: _refusal(why)
    for status, why in {
        408: "The upload took longer than 120 seconds.",
        413: "More than 33,554,432 bytes were sent; send a smaller file.",
        415: "Forms are not read; send the bytes of the file as the body of the request.",
        422: "photo.jpg is damaged or incomplete (image file is truncated).",
        503: "Enough photographs are being read; try again in a second.",
    }.items()
}

_NO_CLIP: dict[int | str, dict[str, Any]] = {
    404: _refusal("There is no such clip; it was deleted, or its time is up.")
}
_METRICS = """\
idennet_answers_total{route="/v1/photographs",status="200"} 12.0
idennet_faces_total{kind="photograph"} 17.0
"""

_CLIP = {
    "id": "ZJ0l8nXkq2c7Vd1f",
    "name": "interview.mp4",
    "state": "reading",
    "frames": 250,
    "progress": 0.4167,
    "problem": None,
    "outputs": [],
}

Name = Annotated[str, Query(description="What to call the file in the answer; never opened.")]


def create_app(
    analyser: Analyser | None = None,
    *,
    population: Population | None = None,
    finder: Path | None = None,
    folder: Path | None = None,
    token: str | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> FastAPI:
    """Return the application, to be served by uvicorn.

    Args:
        analyser: Reads faces; by default with the bundled weights.
        population: Of the analyser's weights, to tell people apart; None: nobody does.
        finder: File of the analyser's face finder, or None for the one that needs no file.
        folder: Where the rows of all results are kept; None: nothing is kept after the answer.
        token: Whoever does not give it is refused; None: only requests from this very machine and to it are
            answered.
        limits: What is refused.

    Raises:
        InputError: The folder cannot be written, or holds results that were made in another way; or the
            token is none that a link can hold.
    """
    check_token(token)
    analyser = Analyser() if analyser is None else analyser
    model, about = analyser.model, about_run(analyser, finder)
    graded = model.card.architecture.graded
    kept = None if folder is None else ResultsFolder(folder, (), model.aus, about, graded=graded)

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        with ExitStack() as shared:
            pool = shared.enter_context(workers(cores()))
            if kept is not None:
                shared.enter_context(kept)
            app.state.reader = Reader(analyser, pool, limits, app.state.metrics, kept)
            app.state.clips = Clips(analyser, about, limits, app.state.metrics, population, folder)
            yield
            await app.state.clips.end()

    app = FastAPI(
        title="IdenNet",
        version=__version__,
        description=_ABOUT,
        lifespan=life,
        docs_url=None,
        redoc_url=None,
        dependencies=[Depends(_refuse_unknown)],
        responses={422: _MISTAKEN},
    )
    app.state.metrics = Metrics()
    app.state.limits = limits
    app.state.uploads = Uploads(limits.upload_seconds)
    app.add_middleware(Guard, token=token)
    app.add_exception_handler(IdenNetError, _fail)
    app.add_exception_handler(OSError, _fail_on_disk)
    app.add_exception_handler(RefusedError, _refuse)
    app.add_exception_handler(HTTPException, _refuse_by_framework)
    app.add_exception_handler(RequestValidationError, _refuse_mistaken)
    _count_answers(app, app.state.metrics)
    places = Places(limits.photographs, "Enough photographs are being read; try again in a second.")
    _add_photographs(app, limits, places)
    _add_clips(app, limits)
    _add_stream(app, limits)
    _add_operation(app, analyser)
    if population is not None:
        _add_people(app, population, limits, places)
    _add_page(app)
    return app


def _add_photographs(app: FastAPI, limits: Limits, places: Places) -> None:
    @app.post(
        "/v1/photographs",
        tags=["photographs"],
        summary="Read a photograph",
        openapi_extra=_FILE,
        responses={200: _example("The faces.", example()), **_REFUSED},
    )
    async def read_photograph(
        request: Request,
        name: Name = "photograph",
        details: Annotated[
            bool,
            Query(
                description="Add the `rows` of the table, and `inside` to each face: the aligned face, "
                "probabilities before calibration and without subtraction of the identity, the identity "
                "embedding, and the expression features before and after the subtraction."
            ),
        ] = False,
    ) -> JSONResponse:
        """The faces of a photograph with their Action Units, as in `aus.jsonl` of `idennet detect`.

        Where a part of a face is `hidden`, the values of its Action Units are null.
        """
        name = checked_name(name)
        with places:
            data = await app.state.uploads.receive_bytes(request, limits.photograph_bytes)
            return JSONResponse(await app.state.reader.photograph(data, name, details=details))

    @app.post(
        "/v1/overlays",
        tags=["photographs"],
        summary="Draw on a photograph",
        openapi_extra=_FILE,
        response_class=Response,
        responses={200: {"description": "A JPEG.", "content": {"image/jpeg": {}}}, **_REFUSED},
    )
    async def draw_overlay(request: Request, name: Name = "photograph") -> Response:
        """The photograph as JPEG, with its faces and their Action Units drawn on it."""
        name = checked_name(name)
        with places:
            data = await app.state.uploads.receive_bytes(request, limits.photograph_bytes)
            return Response(await app.state.reader.overlay(data, name), media_type="image/jpeg")


def _add_clips(app: FastAPI, limits: Limits) -> None:
    @app.post(
        "/v1/clips",
        tags=["clips"],
        summary="Send a clip",
        status_code=202,
        openapi_extra=_FILE,
        responses={202: _example("It waits, or is being read.", _CLIP), **_REFUSED},
    )
    async def send_clip(request: Request, name: Name = "clip") -> JSONResponse:
        """A clip is read when it is its turn; ask for its state at the address in `Location`."""
        clips: Clips = app.state.clips
        clip = clips.admit(checked_name(name))
        try:
            await app.state.uploads.receive_file(request, clip.file, limits.clip_bytes)
        except BaseException:
            await clips.forget(clip)
            raise
        clips.begin(clip)
        return JSONResponse(clip.to_dict(), 202, {"Location": f"/v1/clips/{clip.id}"})

    @app.get(
        "/v1/clips/{identity}",
        tags=["clips"],
        summary="How far a clip is",
        responses={200: _example("How far it is.", _CLIP), **_NO_CLIP},
    )
    async def clip_state(identity: str) -> JSONResponse:
        """`state` is waiting, reading or done; `problem` says why reading ended early."""
        return JSONResponse(app.state.clips.find(identity).to_dict())

    @app.delete(
        "/v1/clips/{identity}",
        tags=["clips"],
        summary="Cancel or delete a clip",
        status_code=204,
        response_description="It is gone; the answer is empty.",
        responses=_NO_CLIP,
    )
    async def delete_clip(identity: str) -> Response:
        """Reading stops, and nothing of the clip is left, unless the server keeps results in a folder."""
        await app.state.clips.forget(app.state.clips.find(identity))
        return Response(status_code=204)

    @app.get(
        "/v1/clips/{identity}/{output}",
        tags=["clips"],
        summary="A result of a clip",
        response_class=FileResponse,
        responses={
            200: _example("The file; of aus.csv for example", "file,frame,time,face,track,...", "text/csv"),
            **_NO_CLIP,
            409: _refusal("interview.mp4 is not read yet; ask again when its state is done."),
        },
    )
    async def clip_output(identity: str, output: str) -> FileResponse:
        """One of the files that its state lists as `outputs`; docs/outputs.md explains them."""
        clips: Clips = app.state.clips
        return FileResponse(
            await clips.output(identity, output), filename=f"{clips.find(identity).name}.{output}"
        )


def _add_stream(app: FastAPI, limits: Limits) -> None:
    places = Places(limits.streams, "Enough streams are open; try again later.")

    @app.websocket("/v1/stream")
    async def stream(socket: WebSocket) -> None:
        try:
            with places:
                await socket.accept()
                app.state.metrics.streams.set(places.taken)
                await answer_stream(socket, app.state.reader)
        finally:
            app.state.metrics.streams.set(places.taken)


def _add_operation(app: FastAPI, analyser: Analyser) -> None:
    about = about_weights(analyser.model.card)
    short = about | {"columns": about["columns"][:12], "aus": about["aus"][:1]}

    @app.get(
        "/v1/weights",
        tags=["weights"],
        summary="What is read, and how well",
        responses={200: _example("The weights, shortened", short)},
    )
    def weights() -> dict[str, Any]:
        """Each Action Unit with its name, movement, threshold, and what its reading was tested on."""
        return about

    @app.get(
        "/health",
        tags=["operation"],
        summary="Whether the server answers",
        responses={200: _example("It does.", {"status": "ok", "idennet": __version__})},
    )
    def health() -> dict[str, str]:
        """Needs no token."""
        return {"status": "ok", "idennet": __version__}

    @app.get(
        "/metrics",
        tags=["operation"],
        summary="Counts for Prometheus",
        response_class=Response,
        responses={200: _example("Text, shortened", _METRICS, "text/plain")},
    )
    def metrics() -> Response:
        """Answers, faces, frames, times and memory."""
        return Response(app.state.metrics.text(), media_type="text/plain; version=0.0.4")


class Faces(BaseModel):
    """Faces of photographs, to be told apart.

    Attributes:
        embeddings: The `identity_embedding` of each.
        pictures: The number of each one's picture, since those in one picture are different people.
    """

    embeddings: list[Annotated[list[float], Field(min_length=256, max_length=256)]] = Field(max_length=500)
    pictures: list[int] = Field(max_length=500)


def _add_people(app: FastAPI, population: Population, limits: Limits, places: Places) -> None:
    def told_apart(data: bytes) -> list[int]:
        try:
            faces = Faces.model_validate_json(data)
        except ValidationError as error:
            first = error.errors(include_input=False)[0]
            raise RequestValidationError([{**first, "loc": ("body", *first["loc"])}]) from error
        if len(faces.embeddings) != len(faces.pictures):
            raise RefusedError(422, "Give as many pictures as embeddings.")
        evidence = [population.evidence(embedding) for embedding in faces.embeddings]
        return [int(number) for number in group(population, evidence, faces.pictures)]

    @app.post(
        "/v1/people",
        tags=["people"],
        summary="Tell people apart",
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": Faces.model_json_schema()}},
            }
        },
        responses={200: _example("The number of each face's person.", {"people": [1, 2, 1]}), **_REFUSED},
    )
    async def people(request: Request) -> dict[str, list[int]]:
        """The number of each face's person, from 1 in order of first appearance; nothing is remembered."""
        with places:
            data = await app.state.uploads.receive_bytes(request, limits.faces_bytes)
            return {"people": await asyncio.to_thread(told_apart, data)}


def _add_page(app: FastAPI) -> None:
    home = Path(str(resources.files("idennet")))

    @app.get("/", include_in_schema=False)
    def page() -> FileResponse:
        return FileResponse(home / "serve" / "page" / "index.html")

    @app.get("/docs", include_in_schema=False)
    def docs() -> FileResponse:
        return FileResponse(home / "serve" / "page" / "docs.html")

    app.mount("/page", StaticFiles(directory=home / "serve" / "page"))
    app.mount("/movements", StaticFiles(directory=home / "assets" / "movements"))


def _count_answers(app: FastAPI, metrics: Metrics) -> None:
    @app.middleware("http")
    async def count(request: Request, call_next: Callable[[Request], Any]) -> Response:
        answer: Response = await call_next(request)
        route = request.scope.get("route")
        path = route.path if isinstance(route, APIRoute) else "other"
        metrics.answers.labels(path, str(answer.status_code)).inc()
        return answer


async def _refuse_unknown(asked: HTTPConnection) -> None:
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
    place = ".".join(str(part) for part in mistake["loc"][1:]) or "the body"
    return JSONResponse({"error": f"{place}: {mistake['msg'].lower()}."}, 422)


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
