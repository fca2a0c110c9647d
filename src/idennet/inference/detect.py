"""The one function that most people need: `idennet.detect("photo.jpg")`."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, overload

import numpy as np
from PIL import Image

from idennet.faces.finder import Finder, open_finder
from idennet.inference.analyser import Analyser
from idennet.inference.result import Result, Results
from idennet.media.frame import Frame
from idennet.media.pictures import is_picture
from idennet.models.action_units import ActionUnitModel
from idennet.models.weights import weights_file

Source = str | Path | bytes | np.ndarray | Image.Image | Frame


@overload
def detect(  # type: ignore[overload-overlap]
    source: Source,
    *,
    weights: str | Path | None = ...,
    device: str = ...,
    finder: str | Path | Finder | None = ...,
    mirror: bool = ...,
    workers: int | None = ...,
) -> Result: ...


@overload
def detect(  # type: ignore[overload-overlap]
    source: list[Any] | tuple[Any, ...],
    *,
    weights: str | Path | None = ...,
    device: str = ...,
    finder: str | Path | Finder | None = ...,
    mirror: bool = ...,
    workers: int | None = ...,
) -> Results: ...


@overload
def detect(
    source: Iterable[Any],
    *,
    weights: str | Path | None = ...,
    device: str = ...,
    finder: str | Path | Finder | None = ...,
    mirror: bool = ...,
    workers: int | None = ...,
) -> Iterator[Result]: ...


def detect(
    source: Source | Iterable[Any],
    *,
    weights: str | Path | None = None,
    device: str = "auto",
    finder: str | Path | Finder | None = None,
    mirror: bool = False,
    workers: int | None = None,
) -> Result | Results | Iterator[Result]:
    """Find the faces in photographs and read their Action Units.

    The networks stay in memory between calls with the same arguments, and may be used by several threads and
    by processes that were forked.

    Args:
        source: One picture: a path, an open file, the bytes of a file, a PIL image, or an array (H, W),
            (H, W, 3) RGB or (H, W, 4) RGBA. Or a list of pictures, or any other iterable of them, which is
            read as a stream in constant memory.
        weights: A `.safetensors` file or the folder of a run; None: the bundled weights.
        device: Where the network reads: "auto" (CUDA where it exists), "cpu", "cuda", "cuda:1", ...
        finder: A file of another face finder, or a finder of your own; None: the one that needs no file.
        mirror: Also read each face as its mirror image, and average: twice the time.
        workers: Pictures of a list or stream that are examined at the same time; None: as many as PyTorch
            has threads.

    Returns:
        A `Result` for one picture, `Results` for a list, a generator of results for other iterables.
        A picture without a face has `result.faces == ()`.

    Raises:
        ImageError: A single picture cannot be read; in a list or stream its result has an `error`.
        ShapeError: A single array is no picture.
        InputError: `source` is neither a picture nor an iterable of pictures, or there is no such device.
        WeightsError: The weights or the finder's file are missing, altered or of another network.

    Example:
        >>> result = idennet.detect("photo.jpg")           # doctest: +SKIP
        >>> result.faces[0].au_probs[12], result.to_pandas()   # doctest: +SKIP
    """
    if weights is not None:
        weights = weights_file(Path(weights))
    analyser = _analyser(*_state(weights), device, *_state(finder), mirror, workers)
    if isinstance(source, list | tuple):
        return Results(analyser.analyse_all(source))
    if isinstance(source, Iterable) and not is_picture(source):
        return analyser.analyse_all(source)
    return analyser.analyse(source)


def _state(given: object) -> tuple[Any, Any]:
    """Return a file with a mark of its content, so that a file that has changed is read again."""
    if not isinstance(given, str | Path):
        return given, None
    file = Path(given)
    try:
        state = file.stat()
    except OSError:  # whoever opens it explains
        return file, None
    return file, (state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=2)
def _analyser(
    weights: Path | None,
    _weights_state: object,
    device: str,
    finder: Path | Finder | None,
    _finder_state: object,
    mirror: bool,
    workers: int | None,
) -> Analyser:
    found_by = open_finder(finder) if finder is None or isinstance(finder, Path) else finder
    return Analyser(found_by, ActionUnitModel.open(weights, device, mirror=mirror), workers)
