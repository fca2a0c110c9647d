"""Faces, told apart."""

import asyncio
from typing import Annotated

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field, ValidationError

from idennet.people.grouping import group
from idennet.people.population import Population
from idennet.serve.limits import Limits
from idennet.serve.reader import Places
from idennet.serve.refused import RefusedError
from idennet.serve.routes.described import REFUSED, answer


class Faces(BaseModel):
    """Faces of photographs, to be told apart.

    Attributes:
        embeddings: The `identity_embedding` of each.
        pictures: The number of each one's picture, since those in one picture are different people.
    """

    embeddings: list[Annotated[list[float], Field(min_length=256, max_length=256)]] = Field(max_length=500)
    pictures: list[int] = Field(max_length=500)


def add_people(app: FastAPI, population: Population, limits: Limits, places: Places) -> None:
    """Let faces be told apart, those of each request in a place of its own."""

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
        responses={200: answer("The number of each face's person.", {"people": [1, 2, 1]}), **REFUSED},
    )
    async def people(request: Request) -> dict[str, list[int]]:
        """The number of each face's person, from 1 in order of first appearance; nothing is remembered."""
        with places:
            data = await app.state.uploads.receive_bytes(request, limits.faces_bytes)
            return {"people": await asyncio.to_thread(told_apart, data)}
