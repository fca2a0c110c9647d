"""From photographs to Action Units: find faces, align them, read them in batches, in constant memory."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from idennet.errors import ImageError, InputError, WeightsError
from idennet.faces.alignment import TEMPLATE, align
from idennet.faces.finder import FoundFace, open_finder
from idennet.inference.face import Box, Face, HeadPose
from idennet.inference.result import Result
from idennet.media.frame import Frame
from idennet.media.pictures import as_frame
from idennet.models.action_units import ActionUnitModel, Readings


class _Pending(NamedTuple):
    """A picture whose faces are found and wait for the network."""

    result: Result
    found: list[FoundFace]
    crops: list[np.ndarray]


class Predictor:
    """Reads Action Units from aligned faces and from whole pictures.

    Args:
        weights: A weights file; without it the bundled weights.
        detector_model: A YuNet ONNX file; without it the detector that needs no file.
        device: "auto" (CUDA where it exists, else the CPU), or the name of a torch device.
        batch_size: Faces that the network reads at a time.

    Raises:
        WeightsError: The weights file is missing, altered or of another network or alignment.
        InputError: The device does not exist here, or the batch size is not positive.
    """

    def __init__(
        self,
        weights: str | Path | None = None,
        detector_model: str | Path | None = None,
        device: str = "auto",
        batch_size: int = 32,
    ) -> None:
        if batch_size < 1:
            raise InputError(f"The batch size is {batch_size}; it must be at least 1.")
        self.batch_size = batch_size
        self.model = ActionUnitModel.open(weights, device, mirror=True)
        self.card = self.model.card
        if self.card.template != TEMPLATE.name:
            raise WeightsError(
                f"The weights {self.card.version} were trained on faces aligned as {self.card.template}, "
                f"but this version aligns as {TEMPLATE.name}; use weights that fit."
            )
        self.aus: tuple[int, ...] = tuple(self.card.aus)
        self._finder = open_finder(None if detector_model is None else Path(detector_model))

    def predict_faces(self, crops: np.ndarray) -> np.ndarray:
        """Return the probability of each Action Unit for aligned faces.

        Each face is read as it is and mirrored, and the two probabilities are averaged: expressions
        have no preferred side here, and the average is steadier than either. The average is calibrated
        as the card of the weights says.

        Args:
            crops: (N, 128, 128, 3) uint8 RGB, aligned with `idennet.faces.align`.

        Returns:
            (N, A) float32, 0 to 1, in the order of `aus`.

        Raises:
            ShapeError: `crops` has another shape or dtype.
        """
        return self.model.read(crops).probs

    def detect(self, sources: Iterable[object]) -> Iterator[Result]:
        """Yield one result a picture, in order, while reading the pictures as a stream.

        Faces of several pictures share a batch; results appear when a batch is full, so at most
        `batch_size` pictures are under way at any time. A picture that cannot be read gives a result
        with its `error`.

        Args:
            sources: Paths, PIL images or arrays, as `idennet.media.pictures.as_frame` takes them.
        """
        waiting: list[_Pending] = []
        for number, source in enumerate(sources, start=1):
            waiting.append(self._find_or_explain(source, number))
            if sum(len(item.crops) for item in waiting) >= self.batch_size or len(waiting) >= self.batch_size:
                yield from self._read(waiting)
                waiting = []
        yield from self._read(waiting)

    def detect_one(self, source: object) -> Result:
        """Return the result of one picture.

        Raises:
            ImageError: The picture cannot be read.
        """
        return next(self._read([self._find(source, number=1)]))

    def _find_or_explain(self, source: object, number: int) -> _Pending:
        try:
            return self._find(source, number)
        except ImageError as error:
            name = _name(source, number)
            return _Pending(Result(name, None, (), self.aus, self.card.version, error=str(error)), [], [])

    def _find(self, source: object, number: int) -> _Pending:
        frame = as_frame(source, number)
        found = self._finder.find(frame.pixels)
        crops = [align(frame.pixels, face.landmarks) for face in found]
        height, width = frame.pixels.shape[:2]
        result = Result(
            frame.source,
            (width, height),
            (),
            self.aus,
            self.card.version,
            frame.notes,
            _frame=frame if frame.path is None else None,
        )
        return _Pending(result, found, crops)

    def _read(self, waiting: list[_Pending]) -> Iterator[Result]:
        crops = [crop for item in waiting for crop in item.crops]
        if crops:
            readings = self.model.read(np.stack(crops))
        face_number = 0
        for item in waiting:
            faces = []
            for found, crop in zip(item.found, item.crops, strict=True):
                faces.append(self._face(found, crop, readings, face_number))
                face_number += 1
            yield replace(item.result, faces=tuple(faces))

    def _face(self, found: FoundFace, crop: np.ndarray, readings: Readings, index: int) -> Face:
        probs = dict(zip(self.aus, readings.probs[index].tolist(), strict=True))
        embeddings = readings.embeddings
        return Face(
            box=Box(*map(float, found.box)),
            landmarks=found.landmarks,
            confidence=float(found.confidence),
            pose=HeadPose(found.yaw, found.pitch, found.roll),
            au_probs=probs,
            au_occurrences={au: prob >= self.card.thresholds[au] for au, prob in probs.items()},
            au_thresholds=self.card.thresholds,
            unreliable_aus=frozenset(self.card.unreliable_aus),
            identity_embedding=None if embeddings is None else embeddings[index],
            crop=crop,
        )


def _name(source: object, number: int) -> str:
    if isinstance(source, Frame):
        return source.source
    return str(source) if isinstance(source, str | Path) else f"picture {number}"
