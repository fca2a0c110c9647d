"""How requests and answers are described at /docs."""

from typing import Annotated, Any

from fastapi import Query

FILE = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


def answer(description: str, example: Any, kind: str = "application/json") -> dict[str, Any]:
    """Return an answer described by an example of its content."""
    return {"description": description, "content": {kind: {"example": example}}}


def refusal(why: str) -> dict[str, Any]:
    """Return a refusal described by its sentence."""
    return answer(why, {"error": why})


MISTAKEN = refusal("There is no parameter 'detail' of this address; it takes none.")
REFUSED: dict[int | str, dict[str, Any]] = {
    status: refusal(why)
    for status, why in {
        408: "The upload took longer than 120 seconds.",
        413: "More than 33,554,432 bytes were sent; send a smaller file.",
        415: "Forms are not read; send the bytes of the file as the body of the request.",
        422: "photo.jpg is damaged or incomplete (image file is truncated).",
        503: "Enough photographs are being read; try again in a second.",
    }.items()
}

Name = Annotated[str, Query(description="What to call the file in the answer; never opened.")]
"""The name of an upload, as a parameter."""
