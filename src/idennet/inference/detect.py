"""The one function that most people need: `idennet.detect("photo.jpg")`."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, overload

import numpy as np
from PIL import Image

from idennet.inference.predictor import Predictor
from idennet.inference.result import Result, Results

Source = str | Path | np.ndarray | Image.Image


@overload
def detect(  # type: ignore[overload-overlap]
    source: Source,
    *,
    weights: str | Path | None = ...,
    detector_model: str | Path | None = ...,
    batch_size: int = ...,
) -> Result: ...


@overload
def detect(  # type: ignore[overload-overlap]
    source: list[Any] | tuple[Any, ...],
    *,
    weights: str | Path | None = ...,
    detector_model: str | Path | None = ...,
    batch_size: int = ...,
) -> Results: ...


@overload
def detect(
    source: Iterable[Any],
    *,
    weights: str | Path | None = ...,
    detector_model: str | Path | None = ...,
    batch_size: int = ...,
) -> Iterator[Result]: ...


def detect(
    source: Source | Iterable[Any],
    *,
    weights: str | Path | None = None,
    detector_model: str | Path | None = None,
    batch_size: int = 32,
) -> Result | Results | Iterator[Result]:
    """Find the faces in photographs and read their Action Units.

    The network stays in memory between calls with the same weights.

    Args:
        source: One picture: a path, a PIL image, or an array (H, W), (H, W, 3) RGB or (H, W, 4) RGBA.
            Or a list of pictures, or any other iterable of them, which is read as a stream in constant
            memory.
        weights: A weights file; without it the bundled weights.
        detector_model: A YuNet ONNX file; without it the detector that needs no file.
        batch_size: Faces that the network reads at a time, over all pictures of a list or stream.

    Returns:
        A `Result` for one picture, `Results` for a list, a generator of results for other iterables.
        A picture without a face has `result.faces == ()`.

    Raises:
        ImageError: A single picture cannot be read; in a list or stream its result has an `error`.
        ShapeError: An array is no picture.
        InputError: `source` is neither a picture nor an iterable of pictures.
        WeightsError: The weights file is missing, altered or of another network.

    Example:
        >>> result = idennet.detect("photo.jpg")           # doctest: +SKIP
        >>> result.faces[0].au_probs[12], result.to_pandas()   # doctest: +SKIP
    """
    predictor = _cached_predictor(
        None if weights is None else str(weights),
        None if detector_model is None else str(detector_model),
        batch_size,
    )
    if isinstance(source, str | np.ndarray) or not isinstance(source, Iterable):
        return predictor.detect_one(source)
    if isinstance(source, list | tuple):
        return Results(predictor.detect(source))
    return predictor.detect(source)


@lru_cache(maxsize=2)
def _cached_predictor(weights: str | None, detector_model: str | None, batch_size: int) -> Predictor:
    return Predictor(weights, detector_model, batch_size=batch_size)
