"""Photographs: read, or drawn on."""

from typing import Annotated

from fastapi import FastAPI, Query, Request, Response
from fastapi.responses import JSONResponse

from idennet.serve.answers import example
from idennet.serve.limits import Limits
from idennet.serve.reader import Places
from idennet.serve.routes.described import FILE, REFUSED, Name, answer
from idennet.serve.uploads import checked_name


def add_photographs(app: FastAPI, limits: Limits, places: Places) -> None:
    """Let photographs be read and drawn on, each in a place of its own."""

    @app.post(
        "/v1/photographs",
        tags=["photographs"],
        summary="Read a photograph",
        openapi_extra=FILE,
        responses={200: answer("The faces.", example()), **REFUSED},
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
        openapi_extra=FILE,
        response_class=Response,
        responses={200: {"description": "A JPEG.", "content": {"image/jpeg": {}}}, **REFUSED},
    )
    async def draw_overlay(request: Request, name: Name = "photograph") -> Response:
        """The photograph as JPEG, with its faces and their Action Units drawn on it."""
        name = checked_name(name)
        with places:
            data = await app.state.uploads.receive_bytes(request, limits.photograph_bytes)
            return Response(await app.state.reader.overlay(data, name), media_type="image/jpeg")
