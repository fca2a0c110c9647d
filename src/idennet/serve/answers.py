"""What clients get: the results of docs/outputs.md, and on request what lies inside a reading."""

import base64
from io import BytesIO
from math import isnan
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from idennet.facs import MOVEMENTS, NAMES, column
from idennet.inference.face import Box, Face, HeadPose, Sides
from idennet.inference.result import SCHEMA, Result, table_columns
from idennet.models.inside import Inside
from idennet.models.weights import Evidence, WeightsSidecar


def answer_of(result: Result) -> dict[str, Any]:
    """Return the answer to a picture: `Result.to_dict`, the version of its schema and that of the weights."""
    return {"schema": SCHEMA, "weights": result.weights, **result.to_dict()}


def inside_of(result: Result, inside: Inside | None) -> list[dict[str, Any]]:
    """Return for each face what `details` adds to it.

    Args:
        result: Of a picture.
        inside: Of its faces, or None for a network that knows no identity.
    """
    details = []
    for row, face in enumerate(result.faces):
        one: dict[str, Any] = {} if face.crop is None else {"crop": _data_url(face.crop)}
        if face.identity_embedding is not None and inside is not None:
            one |= {
                "raw": _seen(face, inside.raw[row]),
                "unsubtracted": _seen(face, inside.unsubtracted[row]),
                "identity_embedding": _rounded(face.identity_embedding),
                "expression_features": _rounded(inside.expression_features[row]),
                "subtracted": _rounded(inside.subtracted[row]),
                "au_residual": _rounded(inside.au_residual[row]),
            }
        details.append(one)
    return details


def about_weights(card: WeightsSidecar) -> dict[str, Any]:
    """Return what people must know of the Action Units of some weights."""
    return {
        "schema": SCHEMA,
        "weights": card.version,
        "columns": table_columns(card.aus, graded=card.architecture.graded),
        "aus": [
            {
                "au": column(au),
                "name": NAMES[au],
                "movement": MOVEMENTS[au],
                "threshold": card.thresholds[au],
                "reliable": au not in card.unreliable_aus,
                "evidence": str(card.evidence[au]) if au in card.evidence else None,
            }
            for au in card.aus
        ],
    }


def example() -> dict[str, Any]:
    """Return the answer to a picture of one face, for the documentation of the interface."""
    face = Face(
        Box(100, 80, 260, 240), np.full((68, 2), 150, np.float32), 0.998, HeadPose(-3.8, 1.2, 0.4),
        {6: 0.9657, 12: 0.9991}, {6: True, 12: True}, {6: 0.5, 12: 0.5},
        au_evidence=dict.fromkeys((6, 12), Evidence.TESTED),
        au_intensities={6: 2.11, 12: 3.24}, au_sides={6: Sides(1.94, 2.11), 12: Sides(3.24, 2.9)},
    )  # fmt: skip
    return answer_of(Result("photo.jpg", (640, 480), (face,), (6, 12), "synfacs-0.9.0", graded=True))


def _seen(face: Face, values: NDArray[np.floating]) -> dict[str, float | None]:
    """Return values by Action Unit; None where its part of the face is hidden."""
    values_of = zip(face.au_probs.items(), _rounded(values, 6), strict=True)
    return {column(au): None if isnan(prob) else value for (au, prob), value in values_of}


def _rounded(values: NDArray[np.floating], digits: int = 4) -> list[float]:
    return [round(value, digits) for value in values.tolist()]


def _data_url(crop: NDArray[np.uint8]) -> str:
    encoded = BytesIO()
    Image.fromarray(crop).save(encoded, "JPEG", quality=88)
    return f"data:image/jpeg;base64,{base64.b64encode(encoded.getvalue()).decode()}"
