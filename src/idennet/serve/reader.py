"""Reading for clients: a few threads, and never more photographs at once than is allowed."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from time import perf_counter
from typing import Any, TypeVar

import numpy as np

from idennet.errors import ImageError
from idennet.inference.analyser import Analyser
from idennet.inference.overlay import jpeg_of
from idennet.inference.result import Result
from idennet.inference.results_folder import ResultsFolder
from idennet.media.pictures import decode_picture
from idennet.models.inside import look_inside
from idennet.serve.answers import answer_of, inside_of
from idennet.serve.limits import Limits
from idennet.serve.metrics import Metrics
from idennet.serve.refused import RefusedError

Value = TypeVar("Value")


class Reader:
    """Reads photographs and frames in threads.

    Args:
        analyser: Reads.
        pool: Its threads.
        limits: Of pictures.
        metrics: Counts.
        kept: Where the rows of photographs are kept; None: nowhere.
    """

    def __init__(
        self,
        analyser: Analyser,
        pool: Executor,
        limits: Limits,
        metrics: Metrics,
        kept: ResultsFolder | None,
    ) -> None:
        self.analyser = analyser
        self.metrics = metrics
        self._pool = pool
        self._limits = limits
        self._kept = kept
        self._writing = asyncio.Lock()

    async def photograph(self, data: bytes, name: str, *, details: bool) -> dict[str, Any]:
        """Return the answer to a photograph.

        Args:
            data: The file.
            name: What to call it.
            details: Whether faces have their `inside`, and the answer the `rows` of its table.

        Raises:
            RefusedError: It cannot be read.
        """
        began = perf_counter()
        result = await self._in_pool(lambda: self._read(data, name, self.analyser))
        answer = answer_of(result)
        if details:
            answer["rows"] = result.rows()
        if details and result.faces:
            inside = await self._in_pool(lambda: self._inside(result))
            for face, more in zip(answer["faces"], inside, strict=True):
                face["inside"] = more
        if self._kept is not None:
            async with self._writing:
                await asyncio.to_thread(self._kept.write, result)
        self.metrics.faces.labels("photograph").inc(len(result.faces))
        self.metrics.reading.observe(perf_counter() - began)
        return answer

    async def overlay(self, data: bytes, name: str) -> bytes:
        """Return a photograph as JPEG with its faces and their Action Units drawn on it.

        Raises:
            RefusedError: It cannot be read.
        """
        return await self._in_pool(lambda: self._draw(data, name))

    async def frame(self, data: bytes, name: str, following: Analyser) -> dict[str, Any]:
        """Return the answer to one frame of a stream; one that cannot be read has a `problem`.

        Args:
            data: The file.
            name: What to call it.
            following: Of this stream, see `idennet.inference.live.following`.
        """
        try:
            result = await self._in_pool(lambda: self._read(data, name, following))
        except RefusedError as refusal:
            model = following.model
            result = Result(name, None, (), model.aus, model.card.version, error=str(refusal))
        self.metrics.faces.labels("stream").inc(len(result.faces))
        return answer_of(result)

    async def _in_pool(self, step: Callable[[], Value]) -> Value:
        return await asyncio.get_running_loop().run_in_executor(self._pool, step)

    def _read(self, data: bytes, name: str, analyser: Analyser) -> Result:
        limits = self._limits
        if len(data) > limits.photograph_bytes:
            raise RefusedError(
                413, f"{name} has {len(data):,} bytes; at most {limits.photograph_bytes:,} are read."
            )
        try:
            return analyser.analyse(decode_picture(data, name, limits.pixels))
        except ImageError as error:
            raise RefusedError(422, str(error)) from error

    def _draw(self, data: bytes, name: str) -> bytes:
        result = self._read(data, name, self.analyser)
        try:
            return jpeg_of(result.draw())
        except ImageError as error:
            raise RefusedError(422, f"{name}: {error}.") from error

    def _inside(self, result: Result) -> list[dict[str, Any]]:
        crops = np.array([face.crop for face in result.faces])
        return inside_of(result, look_inside(self.analyser.model, crops))


class Places:
    """So many may be in at the same time.

    Args:
        count: How many.
        sentence: Said to whoever finds no place.
    """

    def __init__(self, count: int, sentence: str) -> None:
        self.taken = 0
        self._count = count
        self._sentence = sentence

    def __enter__(self) -> None:
        """Take a place.

        Raises:
            RefusedError: There is none.
        """
        if self.taken >= self._count:
            raise RefusedError(503, self._sentence, wait=1)
        self.taken += 1

    def __exit__(self, *_: object) -> None:
        """Give it back."""
        self.taken -= 1
