"""Faces of photographs: a box finder proposes squares, the landmark network refines and judges them.

A square is read twice: the first reading's landmarks give the upright square of the second, which is read
together with its mirror image. A face is kept when the second reading is confident that it is one.
"""

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from idennet.errors import ShapeError, WeightsError
from idennet.faces.boxes import BoxFinder, Grey, Pixels, in_grey
from idennet.faces.crop import Floats, squares_around
from idennet.faces.landmarks import SMALLEST_EYE_DISTANCE, eye_centres, eye_distances, roll_degrees
from idennet.faces.mediapipe import MediaPipeFinder
from idennet.faces.reading import LandmarkReader, Reading
from idennet.faces.shots import ShotFinder
from idennet.faces.yunet import YuNetFinder

QUARTERS = (1, 2, 3)
"""Turns by which a picture is searched again in which no head is upright."""

_HOPEFUL = 0.1  # confidence of a first reading that is worth a second
_LIKELY = 0.5  # confidence of a first reading that counts before later ones of the same face
_SURE_AT_FIRST = 0.9  # reached by the first reading of 99.7 % of faces, and of a third of what is none
_CONFIDENT = 0.95
_CONFIDENT_FOLLOWED = 0.7  # of a face where one was a moment ago
_CONFIDENT_TURNED = 0.995  # of a face in a picture that had to be turned: three more pictures are searched
_FAR_SMALLER = 8  # times smaller than the largest face of the picture; then
_CONFIDENT_FAR_SMALLER = 0.998  # is asked for: magnified, a badge is a face with .995
_DISTINCT = 0.25  # mean distance of two faces' landmarks in sides of their squares; below, they are one


class Finder(Protocol):
    """Anything that finds faces; must be safe to be called from several threads."""

    def find_all(self, pictures: Sequence[Pixels]) -> Sequence[Sequence["FoundFace"]]:
        """Return the faces of each picture (H, W, 3) uint8 RGB, from left to right."""


@dataclass(frozen=True)
class FoundFace:
    """A face of a picture; points and box in picture pixels, which may lie a little outside the picture."""

    box: tuple[float, float, float, float]
    """x0, y0, x1, y1: the landmarks' bounding box, higher by a quarter for the forehead."""
    landmarks: Floats
    """(68, 2) in the usual order of 68 points: jaw, brows, nose, eyes, mouth."""
    confidence: float
    """0 to 1, that this is a face, by the landmark network."""
    yaw: float
    """Degrees, positive when the nose points to the right of the upright head; a reading, no measurement."""
    pitch: float
    """Degrees, as `pitch` of the rendered corpora."""
    roll: float
    """Degrees of the line through the eyes, positive clockwise as seen; about 180 when upside down."""
    track: int | None = None
    """In a video: the number of the track that the face continues, from 1."""

    @property
    def eyes(self) -> Floats:
        """The subject's right and left eye centres, (2, 2)."""
        return eye_centres(self.landmarks).astype(np.float32)


class Proposals(NamedTuple):
    """Where faces may be in some pictures.

    Attributes:
        greys: The pictures in grey.
        owners: (N,) number of the picture that each proposal is about.
        first: The first reading of each, which is a face if the second is confident.
    """

    greys: Sequence[Grey]
    owners: NDArray[np.int64]
    first: Reading

    def likely(self, picture: int) -> Floats:
        """Return the landmarks (M, 68, 2) of what are faces in a picture as good as surely."""
        return self.first.landmarks[(self.owners == picture) & (self.first.confidence >= _SURE_AT_FIRST)]


class FaceFinder:
    """Finds faces in photographs; may be called from several threads at once.

    A picture in which no head is upright is searched again on its side and upside down.
    """

    def __init__(self, boxes: BoxFinder | None = None, landmarks: LandmarkReader | None = None) -> None:
        """Put the finder together; without arguments from the bundled networks.

        Args:
            boxes: Proposes faces.
            landmarks: Reads and judges them.

        Raises:
            WeightsError: The bundled weights are damaged.
        """
        self._boxes = ShotFinder() if boxes is None else boxes
        self._landmarks = LandmarkReader() if landmarks is None else landmarks

    def find(self, pixels: Pixels) -> list[FoundFace]:
        """Return the faces of a picture (H, W, 3) uint8 RGB from left to right; none is an empty list.

        Raises:
            ShapeError: The picture has another shape or type.
        """
        return self.find_all([pixels])[0]

    def find_all(self, pictures: Sequence[Pixels]) -> list[list[FoundFace]]:
        """Return the faces of each picture, as `find` does; landmarks are read for all pictures together.

        Raises:
            ShapeError: A picture has another shape or type.
        """
        for pixels in pictures:
            if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8 or not pixels.size:
                raise ShapeError(f"A picture is (H, W, 3) uint8 RGB, not {pixels.shape} {pixels.dtype}.")
        faces = self._find_upright(pictures, _CONFIDENT)
        faceless = [k for k, found in enumerate(faces) if not found]
        for quarters in QUARTERS:
            turned = self.find_turned([pictures[k] for k in faceless], quarters)
            for k, found in zip(faceless, turned, strict=True):
                faces[k] = found
            faceless = [k for k in faceless if not faces[k]]
        return [sorted(found, key=_from_left) for found in faces]

    def find_turned(self, pictures: Sequence[Pixels], quarters: int) -> list[list[FoundFace]]:
        """Return the faces of each picture, from left to right, that are upright once it is turned.

        Args:
            pictures: In which no head is upright.
            quarters: Turns of 90 degrees, anticlockwise, as for `np.rot90`.
        """
        turned = [np.ascontiguousarray(np.rot90(pixels, quarters)) for pixels in pictures]
        return [
            sorted((_turned_back(face, pixels, quarters) for face in found), key=_from_left)
            for pixels, found in zip(pictures, self._find_upright(turned, _CONFIDENT_TURNED), strict=True)
        ]

    def propose(self, pictures: Sequence[Pixels], expected: Sequence[Floats | None]) -> Proposals:
        """Return where upright faces may be in each picture: the part of `find` that comes first.

        Args:
            pictures: Frames of a video, for example.
            expected: For each picture the landmarks (M, 68, 2) of faces that were there a moment ago. When
                these are found, others may be missed. None: all faces are found.
        """
        squares = [None if landmarks is None else squares_around(landmarks) for landmarks in expected]
        return self._propose(pictures, squares)

    def expect(self, pictures: Sequence[Pixels], landmarks: Floats) -> Proposals:
        """Return that there may be faces in each picture where others (M, 68, 2) were a moment ago.

        That takes no search and no first reading, so numbers are not quite what `find` gives.
        """
        owners = np.repeat(np.arange(len(pictures)), len(landmarks))
        first = Reading(
            np.tile(landmarks, (len(pictures), 1, 1)),
            np.ones(len(owners), np.float32),
            np.zeros((len(owners), 2), np.float32),
        )
        return Proposals([in_grey(pixels) for pixels in pictures], owners, first)

    def judge(self, proposals: Proposals) -> list[list[FoundFace]]:
        """Return the faces of each picture, from left to right, that `find` would find among proposals."""
        return [sorted(found, key=_from_left) for found in self._judge(proposals, _CONFIDENT)]

    def follow(self, pixels: Pixels, landmarks: Floats) -> list[FoundFace | None]:
        """Return the faces of a picture that are where others (M, 68, 2) were a moment ago, or None.

        What `find` misses can be followed: heads that turn far, and upside down.
        """
        greys = [in_grey(pixels)] * len(landmarks)
        first = self._landmarks.read(greys, squares_around(landmarks))
        reading = self._landmarks.read(greys, squares_around(first.landmarks), mirrored=True)
        large = eye_distances(reading.landmarks) >= SMALLEST_EYE_DISTANCE / 2
        sure = (reading.confidence >= _CONFIDENT_FOLLOWED) & large
        return [_face_of(reading, k) if sure[k] else None for k in range(len(landmarks))]

    def _find_upright(self, pictures: Sequence[Pixels], confident: float) -> list[list[FoundFace]]:
        return self._judge(self._propose(pictures, [None] * len(pictures)), confident)

    def _propose(self, pictures: Sequence[Pixels], expected: Sequence[Floats | None]) -> Proposals:
        """Return the boxes that a first reading finds worth a second; `expected` are squares (M, 4)."""
        greys = [in_grey(pixels) for pixels in pictures]
        boxes = self._boxes.find_all(pictures, greys, expected)
        owners = np.repeat(np.arange(len(pictures)), [len(found) for found in boxes])
        x0, y0, x1, y1, _ = np.concatenate([np.zeros((0, 5), np.float32), *boxes]).T
        squares = np.stack([(x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, np.zeros_like(x0)], axis=1)

        first = self._landmarks.read([greys[k] for k in owners], squares)
        order = np.argsort(first.confidence < _LIKELY, kind="stable")
        own = [order[owners[order] == k] for k in range(len(pictures))]
        hopeful = np.array([i for rows in own for i in rows[_distinct(first.of(rows), _HOPEFUL)]], np.int64)
        return Proposals(greys, owners[hopeful], first.of(hopeful))

    def _judge(self, proposals: Proposals, confident: float) -> list[list[FoundFace]]:
        greys, owners, first = proposals
        squares = squares_around(first.landmarks)
        reading = self._landmarks.read([greys[k] for k in owners], squares, mirrored=True)
        return [_confident_faces(reading.of(owners == k), confident) for k in range(len(greys))]


def open_finder(file: Path | None = None) -> FaceFinder:
    """Return a finder whose boxes come from a model file; None for the bundled network.

    Args:
        file: YuNet's ONNX file or MediaPipe's `face_landmarker.task`, told apart by their content.

    Raises:
        WeightsError: There is no such file, or it is neither.
    """
    if file is None:
        return FaceFinder()
    if not file.is_file():
        raise WeightsError(
            f"There is no file {file}; give YuNet's ONNX file, MediaPipe's face_landmarker.task, or none."
        )
    return FaceFinder(MediaPipeFinder(file) if zipfile.is_zipfile(file) else YuNetFinder(file))


def _distinct(reading: Reading, confident: float) -> list[int]:
    """Return the rows of a picture's confident readings without doubles, of which the first counts.

    Not the most confident: then a face would get other landmarks where fewer boxes are looked at.
    """
    kept: list[int] = []
    rows = np.flatnonzero(reading.confidence >= confident)
    if len(rows) < 2:
        return rows.tolist()
    sides = squares_around(reading.landmarks)[:, 2]
    for i in rows:
        distances = [
            np.linalg.norm(reading.landmarks[i] - reading.landmarks[j], axis=1).mean()
            / max(sides[i], sides[j])
            for j in kept
        ]
        if all(distance > _DISTINCT for distance in distances):
            kept.append(int(i))
    return kept


def _confident_faces(reading: Reading, confident: float) -> list[FoundFace]:
    """Return the confident faces of one picture without doubles and without the smallest."""
    large = eye_distances(reading.landmarks) >= SMALLEST_EYE_DISTANCE / 2
    rows = [i for i in _distinct(reading, confident) if large[i]]
    if len(rows) > 1:
        sides = squares_around(reading.landmarks)[:, 2]
        largest = max(sides[i] for i in rows)
        beside = (sides * _FAR_SMALLER < largest) & (reading.confidence < _CONFIDENT_FAR_SMALLER)
        rows = [i for i in rows if not beside[i]]
    return [_face_of(reading, i) for i in rows]


def _face_of(reading: Reading, row: int) -> FoundFace:
    landmarks, (yaw, pitch) = reading.landmarks[row], reading.pose[row]
    (x0, y0), (x1, y1) = landmarks.min(0), landmarks.max(0)
    box = (float(x0), float(y0 - 0.25 * (y1 - y0)), float(x1), float(y1))
    confidence, roll = float(reading.confidence[row]), float(roll_degrees(landmarks))
    return FoundFace(box, landmarks, confidence, float(yaw), float(pitch), roll)


def _from_left(face: FoundFace) -> float:
    return float(face.landmarks[:, 0].mean())


def _turned_back(face: FoundFace, picture: Pixels, quarters: int) -> FoundFace:
    """Return a face of a picture that `np.rot90` has turned by `quarters`, in the picture as it was."""
    x0, y0, x1, y1 = face.box
    points = np.concatenate([face.landmarks, [[x0, y0], [x1, y1]]])
    height, width = picture.shape[:2]
    for k in range(quarters):
        side = width if (quarters - k) % 2 else height  # of the picture before this quarter turn
        points = np.stack([side - 1 - points[:, 1], points[:, 0]], axis=1)
    landmarks, corners = points[:-2].astype(np.float32), points[-2:]
    (x0, y0), (x1, y1) = corners.min(0), corners.max(0)
    box = (float(x0), float(y0), float(x1), float(y1))
    return FoundFace(box, landmarks, face.confidence, face.yaw, face.pitch, float(roll_degrees(landmarks)))
