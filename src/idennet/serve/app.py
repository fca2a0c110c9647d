"""The application: routes of the page and of the interface, and what they share."""

from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import Depends, FastAPI, Request, Response
from fastapi.routing import APIRoute

from idennet import __version__
from idennet.inference.analyser import Analyser
from idennet.inference.results_folder import ResultsFolder, about_run
from idennet.models.threads import cores, workers
from idennet.people.population import Population
from idennet.serve.clips import Clips
from idennet.serve.guard import Guard, check_token
from idennet.serve.limits import Limits
from idennet.serve.metrics import Metrics
from idennet.serve.reader import Places, Reader
from idennet.serve.refused import answer_errors, refuse_unknown
from idennet.serve.routes.clips import add_clips
from idennet.serve.routes.described import MISTAKEN
from idennet.serve.routes.operation import add_operation
from idennet.serve.routes.page import add_page
from idennet.serve.routes.people import add_people
from idennet.serve.routes.photographs import add_photographs
from idennet.serve.routes.stream import add_stream
from idennet.serve.uploads import Uploads

DEFAULT_LIMITS = Limits()

_ABOUT = """\
Facial Action Units of photographs, clips and streams. Nothing is kept after the answer, unless the server was
given a folder. Send files as the body of the request, as they are: `curl --data-binary @photo.jpg URL`."""


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
        dependencies=[Depends(refuse_unknown)],
        responses={422: MISTAKEN},
    )
    app.state.metrics = Metrics()
    app.state.limits = limits
    app.state.uploads = Uploads(limits.upload_seconds)
    app.add_middleware(Guard, token=token)
    answer_errors(app)
    _count_answers(app, app.state.metrics)
    places = Places(limits.photographs, "Enough photographs are being read; try again in a second.")
    add_photographs(app, limits, places)
    add_clips(app, limits)
    add_stream(app, limits)
    add_operation(app, analyser)
    if population is not None:
        add_people(app, population, limits, places)
    add_page(app)
    return app


def _count_answers(app: FastAPI, metrics: Metrics) -> None:
    @app.middleware("http")
    async def count(request: Request, call_next: Callable[[Request], Any]) -> Response:
        answer: Response = await call_next(request)
        route = request.scope.get("route")
        path = route.path if isinstance(route, APIRoute) else "other"
        metrics.answers.labels(path, str(answer.status_code)).inc()
        return answer
