"""The weights, and how the server is."""

from typing import Any

from fastapi import FastAPI, Response

from idennet import __version__
from idennet.inference.analyser import Analyser
from idennet.serve.answers import about_weights
from idennet.serve.routes.described import answer

_METRICS = """\
idennet_answers_total{route="/v1/photographs",status="200"} 12.0
idennet_faces_total{kind="photograph"} 17.0
"""


def add_operation(app: FastAPI, analyser: Analyser) -> None:
    """Let everybody see what the weights are, whether the server answers, and what it counted."""
    about = about_weights(analyser.model.card)
    short = about | {"columns": about["columns"][:12], "aus": about["aus"][:1]}

    @app.get(
        "/v1/weights",
        tags=["weights"],
        summary="What is read, and how well",
        responses={200: answer("The weights, shortened", short)},
    )
    def weights() -> dict[str, Any]:
        """Each Action Unit with its name, movement, threshold, and what its reading was tested on."""
        return about

    @app.get(
        "/health",
        tags=["operation"],
        summary="Whether the server answers",
        responses={200: answer("It does.", {"status": "ok", "idennet": __version__})},
    )
    def health() -> dict[str, str]:
        """Needs no token."""
        return {"status": "ok", "idennet": __version__}

    @app.get(
        "/metrics",
        tags=["operation"],
        summary="Counts for Prometheus",
        response_class=Response,
        responses={200: answer("Text, shortened", _METRICS, "text/plain")},
    )
    def metrics() -> Response:
        """Answers, faces, frames, times and memory."""
        return Response(app.state.metrics.text(), media_type="text/plain; version=0.0.4")
