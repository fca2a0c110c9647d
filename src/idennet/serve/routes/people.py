"""Faces, told apart."""

import asyncio
import json
from typing import Annotated, Any

from fastapi import FastAPI, Request
from pydantic import BaseModel, Field, ValidationError
from pydantic_core import ErrorDetails

from idennet.people.grouping import group
from idennet.people.population import Population
from idennet.people.recognition import belonging
from idennet.serve.limits import Limits
from idennet.serve.reader import Places
from idennet.serve.refused import RefusedError, quoted
from idennet.serve.routes.described import REFUSED, answer

Number = Annotated[float, Field(ge=-10, le=10, allow_inf_nan=False)]
_ALLOWED = (
    "give embeddings, at most 500 lists of 256 numbers from -10 to 10, and pictures, as many whole numbers"
)


class Faces(BaseModel):
    """Faces of photographs, to be told apart.

    Attributes:
        embeddings: The `identity_embedding` of each.
        pictures: The number of each one's picture, since those in one picture are different people.
    """

    embeddings: list[Annotated[list[Number], Field(min_length=256, max_length=256)]] = Field(max_length=500)
    pictures: list[int] = Field(max_length=500)


def add_people(app: FastAPI, population: Population, limits: Limits, places: Places) -> None:
    """Let faces be told apart, those of each request in a place of its own."""

    def told_apart(data: bytes) -> dict[str, list[Any]]:
        try:
            faces = Faces.model_validate_json(data)
        except ValidationError as error:
            raise RefusedError(422, f"{_given(error.errors()[0])}; {_ALLOWED}.") from error
        count, pictures = len(faces.embeddings), len(faces.pictures)
        if count != pictures:
            raise RefusedError(422, f"There are {count} embeddings and {pictures} pictures; {_ALLOWED}.")
        evidence = [population.evidence(embedding) for embedding in faces.embeddings]
        people = [int(number) for number in group(population, evidence, faces.pictures)]
        sure = belonging(population, evidence, people)
        return {
            "people": people,
            "person_certainties": [None if share is None else round(share, 4) for share in sure],
        }

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
        responses={
            200: answer("The people.", {"people": [1, 2, 1], "person_certainties": [0.9712, None, 0.9712]}),
            **REFUSED,
        },
    )
    async def people(request: Request) -> dict[str, list[Any]]:
        """The number of each face's person, from 1 in order of first appearance; nothing is remembered.

        `person_certainties` say how surely each shows the same person as the others of that number, 0 to 1;
        null where there is no other.
        """
        with places:
            data = await app.state.uploads.receive_bytes(request, limits.faces_bytes)
            return await asyncio.to_thread(told_apart, data)


def _given(mistake: ErrorDetails) -> str:
    """Return in words what was given instead of faces."""
    place = ".".join(map(str, mistake["loc"]))
    match mistake["type"]:
        case "json_invalid":
            return "The body is not JSON"
        case "missing":
            return f"The body has no {place}"
        case "too_short" | "too_long":
            return f"{place} has {len(mistake['input'])} entries"
        case _:
            given = mistake["input"]
            shown = given if isinstance(given, str) else json.dumps(given)
            return f"{place or 'The body'} is {quoted(shown)}"
