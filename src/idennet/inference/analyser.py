"""The one path from pictures to Action Units: read, find faces, align them, read Action Units, on all cores.

Each picture is examined by one thread, and a few pictures share a batch of the network; so numbers are the
same alone and among many, memory stays bounded, and results come in the order of their pictures.
"""

import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from concurrent.futures import Future
from itertools import islice
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from idennet.errors import IdenNetError, InputError, WeightsError
from idennet.faces.alignment import TEMPLATE, align
from idennet.faces.finder import FaceFinder, FoundFace
from idennet.inference.face import Box, Face, HeadPose
from idennet.inference.result import Result
from idennet.media.frame import Frame
from idennet.media.names import text_of
from idennet.media.pictures import as_frame
from idennet.models.action_units import ActionUnitModel, Readings
from idennet.models.threads import cores, workers

PICTURES_TOGETHER = 4
"""Pictures whose faces share a batch on the CPU: of more, a face costs hardly less (docs/performance.md)."""

PICTURES_TOGETHER_ON_GPU = 32

PIXELS_TOGETHER = 40_000_000
"""Pixels of pictures that wait for each other, about 120 MB."""

Finish = Callable[[Result, Frame], Result]
"""What else is done with a picture while its pixels are in memory; returns the result, perhaps with notes."""

_log = logging.getLogger(__name__)


class Finder(Protocol):
    """Anything that finds faces; must be safe to be called from several threads."""

    def find(self, picture: NDArray[np.uint8]) -> Sequence[FoundFace]:
        """Return the faces of a picture (H, W, 3) uint8 RGB, from left to right."""


class _Examined(NamedTuple):
    """A picture whose faces are found, or not, and wait for the network."""

    result: Result
    frame: Frame | None = None
    found: Sequence[FoundFace] = ()
    crops: Sequence[NDArray[np.uint8]] = ()


class Analyser:
    """Reads Action Units from pictures; safe to be used from several threads.

    Args:
        finder: Finds faces; by default the one that needs no file.
        model: Reads aligned faces; by default the bundled weights.
        workers: Threads that examine pictures at the same time, where there are several; by default as many
            as PyTorch has, so `OMP_NUM_THREADS` and `torch.set_num_threads` count.

    Raises:
        WeightsError: The weights belong to another alignment of faces.
        InputError: `workers` is not positive.
    """

    def __init__(
        self,
        finder: Finder | None = None,
        model: ActionUnitModel | None = None,
        workers: int | None = None,
    ) -> None:
        if workers is not None and workers < 1:
            raise InputError(f"There are {workers} workers; at least 1 is needed.")
        self.finder = FaceFinder() if finder is None else finder
        self.model = ActionUnitModel.open() if model is None else model
        self._workers = workers
        card = self.model.card
        if card.template != TEMPLATE.name:
            raise WeightsError(
                f"The weights {card.version} were trained on faces aligned as {card.template}, "
                f"but this version aligns as {TEMPLATE.name}; use weights that fit."
            )

    def analyse(self, source: object, finish: Finish | None = None) -> Result:
        """Return the result of one picture.

        Args:
            source: Whatever `idennet.media.pictures.as_frame` takes.
            finish: Called before the result is returned.

        Raises:
            ImageError: The picture cannot be read.
            InputError: `source` is no picture; `ShapeError`, if it is an array of another shape.
        """
        return self._read([self._find(source, 1)], finish)[0]

    def analyse_all(self, sources: Iterable[object], finish: Finish | None = None) -> Iterator[Result]:
        """Yield one result a picture, in order, while reading the pictures as a stream.

        A picture that cannot be read gives a result with its `error`, whatever went wrong. A few pictures
        are read ahead: at most `PICTURES_TOGETHER` for each worker, and as many again.

        Args:
            sources: Pictures as for `analyse`; read by the caller's thread.
            finish: Called by a worker for each picture that was read, before its result is yielded.
        """
        count = cores() if self._workers is None else self._workers
        together = PICTURES_TOGETHER if self.model.device.type == "cpu" else PICTURES_TOGETHER_ON_GPU
        if isinstance(sources, Sized):
            count = max(min(count, len(sources)), 1)
            together = max(min(together, -(-len(sources) // count)), 1)
        numbered = enumerate(sources, start=1)
        groups = iter(lambda: list(islice(numbered, together)), [])
        if count == 1:
            for group in groups:
                yield from self._analyse_group(group, finish)
            return
        with workers(count) as pool:
            ahead: deque[Future[list[Result]]] = deque()
            for group in groups:
                ahead.append(pool.submit(self._analyse_group, group, finish))
                if len(ahead) > count:
                    yield from ahead.popleft().result()
            while ahead:
                yield from ahead.popleft().result()

    def _analyse_group(self, group: Iterable[tuple[int, object]], finish: Finish | None) -> list[Result]:
        results: list[Result] = []
        waiting: list[_Examined] = []
        for number, source in group:
            waiting.append(self._find_or_explain(source, number))
            if sum(item.frame.pixels[..., 0].size for item in waiting if item.frame) > PIXELS_TOGETHER:
                results += self._read(waiting, finish)
                waiting = []
        return results + self._read(waiting, finish)

    def _find_or_explain(self, source: object, number: int) -> _Examined:
        name = _name(source, number)
        try:
            return self._find(source, number)
        except IdenNetError as error:
            return self._failed(source, name, str(error))
        except MemoryError:
            return self._failed(
                source, name, f"{name} needs more memory than there is; make it smaller first."
            )
        except Exception as error:  # one picture must not cost the results of all others
            _log.debug("%s", name, exc_info=True)
            about = " ".join(f"{type(error).__name__}: {error}".split())[:200]
            sentence = f"{name} could not be read because of a defect of IdenNet ({about}); please report it."
            return self._failed(source, name, sentence, defect=True)

    def _failed(self, source: object, name: str, error: str, *, defect: bool = False) -> _Examined:
        path = Path(source) if isinstance(source, str | Path) else None
        card = self.model.card
        return _Examined(
            Result(name, None, (), self.model.aus, card.version, error=error, defect=defect, path=path)
        )

    def _find(self, source: object, number: int) -> _Examined:
        frame = as_frame(source, number)
        found = self.finder.find(frame.pixels)
        crops = [align(frame.pixels, face.landmarks) for face in found]
        height, width = frame.pixels.shape[:2]
        result = Result(
            source=_name(frame, number),
            size=(width, height),
            faces=(),
            aus=self.model.aus,
            weights=self.model.card.version,
            notes=frame.notes,
            path=frame.path,
            frame=None if frame.time is None else frame.index,
            time=frame.time,
            _frame=frame if frame.path is None else None,
        )
        return _Examined(result, frame, found, crops)

    def _read(self, waiting: Sequence[_Examined], finish: Finish | None = None) -> list[Result]:
        """Return the results of examined pictures, whose faces are read together."""
        crops = [crop for item in waiting for crop in item.crops]
        readings = self.model.read(np.stack(crops)) if crops else None
        results, first = [], 0
        for item in waiting:
            result = item.result
            if item.found and readings:
                rows = range(first, first + len(item.found))
                faces = tuple(
                    self._face(found, crop, readings, row)
                    for found, crop, row in zip(item.found, item.crops, rows, strict=True)
                )
                result, first = result.with_faces(faces), rows.stop
            results.append(finish(result, item.frame) if finish and item.frame else result)
        return results

    def _face(self, found: FoundFace, crop: NDArray[np.uint8], readings: Readings, row: int) -> Face:
        card = self.model.card
        probs = dict(zip(self.model.aus, readings.probs[row].tolist(), strict=True))
        return Face(
            box=Box(*map(float, found.box)),
            landmarks=found.landmarks,
            confidence=float(found.confidence),
            pose=HeadPose(found.yaw, found.pitch, found.roll),
            au_probs=probs,
            au_occurrences={au: prob >= card.thresholds[au] for au, prob in probs.items()},
            au_thresholds=card.thresholds,
            unreliable_aus=frozenset(card.unreliable_aus),
            identity_embedding=None if readings.embeddings is None else readings.embeddings[row],
            crop=crop,
        )


def _name(source: object, number: int) -> str:
    name = source.source if isinstance(source, Frame) else source
    return text_of(name) if isinstance(name, str | Path) else f"picture {number}"
