"""Training faces made harder: a small change of geometry, light, sharpness and compression of each crop.

Each face has its own random generator, named by (seed, step, position), so a batch is the same whoever
prepares it, in whatever order. `Augmenter.changes` says what becomes of sides and of parts that are covered.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from idennet.facs import PARTS
from idennet.learning.training.covers import HIDES, cover, kind_of
from idennet.settings import Config

Landmarks = NDArray[np.float32]
Face = NDArray[Any]  # uint8; OpenCV promises less about its results
# Drawing 49,152 normal numbers would take longer than all else; a random window of these does as well.
_NOISE = np.random.default_rng(0).standard_normal(2**19, dtype=np.float32)
_GREY = np.array([0.299, 0.587, 0.114], dtype=np.float32)
_COVERS = 1  # names the random numbers of covers, apart from those of other changes
_FIELD = np.stack(np.meshgrid(*2 * [np.linspace(0, 1, 64, dtype=np.float32)]))
"""x and y, 0 to 1, of the coarse grid on which shadows and bright spots are drawn: (2, 64, 64)."""


class Augmentation(Config):
    """Strengths; a zero switches a change off, and the default changes nothing. Chances are 0 to 1."""

    flip: float = Field(default=0.0, ge=0, le=1, description="chance of a horizontal flip")
    shift: float = Field(default=0.0, ge=0, le=32, description="largest shift, pixels, in x and in y")
    scale: float = Field(default=0.0, ge=0, lt=0.5, description="largest relative change of size")
    rotation: float = Field(default=0.0, ge=0, le=45, description="largest turn, degrees")
    shear: float = Field(default=0.0, ge=0, lt=0.5, description="largest sideways move by row")
    gain: float = Field(default=0.0, ge=0, lt=1, description="largest relative change of brightness")
    contrast: float = Field(default=0.0, ge=0, lt=1, description="largest relative change of contrast")
    gamma: float = Field(default=0.0, ge=0, le=1, description="largest log2 of the exponent")
    white_balance: float = Field(default=0.0, ge=0, lt=1, description="largest relative gain of one channel")
    grey: float = Field(default=0.0, ge=0, le=1, description="chance of losing all colour")
    shade: float = Field(default=0.0, ge=0, le=1, description="chance of a shadow with a straight, soft edge")
    shine: float = Field(default=0.0, ge=0, le=1, description="chance of one to four bright spots")
    blur: float = Field(default=0.0, ge=0, le=1, description="chance of a Gaussian blur")
    blur_sigma: float = Field(default=1.5, gt=0, le=5, description="largest width of that blur, pixels")
    downsample: float = Field(default=0.0, ge=0, le=1, description="chance of a lower resolution")
    smallest: int = Field(default=48, ge=16, le=128, description="lowest such resolution, pixels")
    noise: float = Field(default=0.0, ge=0, le=0.2, description="largest standard deviation, share of white")
    jpeg: float = Field(default=0.0, ge=0, le=1, description="chance of JPEG artefacts, quality 25 to 90")
    cut_out: float = Field(default=0.0, ge=0, le=1, description="chance of a covered patch")
    cut_out_size: float = Field(
        default=0.3, gt=0, le=0.6, description="largest side of it, share of the face"
    )
    cover: float = Field(
        default=0.0, ge=0, le=1, description="chance that something hides a part of the face"
    )

    @model_serializer(mode="wrap")
    def _keep_digests(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave `cover` out where it is off, so that recipes older than the field keep their digests."""
        values: dict[str, Any] = serialize(self)
        if not self.cover:
            del values["cover"]
        return values


@dataclass(frozen=True)
class Changes:
    """What a change of N faces does to what is known of them.

    Attributes:
        flipped: (N,) whether left and right change places.
        hidden: (N, 3) whether each of `facs.PARTS` is covered.
    """

    flipped: NDArray[np.bool_]
    hidden: NDArray[np.bool_]


class Augmenter:
    """Applies an `Augmentation` to uint8 RGB faces; about 0.4 ms a face with everything on."""

    def __init__(self, strengths: Augmentation, seed: int = 0) -> None:
        self.strengths = strengths
        self._seed = seed
        self._idle = not any(
            getattr(strengths, name) for name in Augmentation.model_fields if name not in _CONDITIONAL
        )

    def __call__(self, faces: Face, step: int, first: int = 0, landmarks: Landmarks | None = None) -> Face:
        """Return changed copies of (n, height, width, 3) faces.

        Args:
            faces: uint8 RGB.
            step: Names the change, together with the seed and each face's position in the batch.
            first: Position of `faces[0]` in the whole batch, when this is only a process's share of it.
            landmarks: (n, 68, 2) in their pixels, which covers need; faces with NaN are not covered.
        """
        if self._idle:
            return faces
        changed = np.empty_like(faces)
        for index, face in enumerate(faces):
            if landmarks is not None:
                kind, rng = self._cover(step, first + index, landmarks[index])
                if kind is not None:
                    face = cover(face, landmarks[index], kind, rng)
            rng = np.random.default_rng((self._seed, step, first + index))
            changed[index] = self._one(face, rng)
        return changed

    def changes(self, step: int, landmarks: Landmarks) -> Changes:
        """Return what a step's change does to the labels of a whole batch with (N, 68, 2) landmarks."""
        flipped = np.zeros(len(landmarks), bool)
        hidden = np.zeros((len(landmarks), len(PARTS)), bool)
        for index, points in enumerate(landmarks):
            flipped[index] = np.random.default_rng((self._seed, step, index)).random() < self.strengths.flip
            kind, _ = self._cover(step, index, points)
            if kind is not None:
                hidden[index, PARTS.index(HIDES[kind])] = True
        return Changes(flipped, hidden)

    def matrices(self, step: int, count: int, size: tuple[int, int]) -> NDArray[np.float64]:
        """Return where a step moves the pixels of a batch of faces of (height, width), (count, 2, 3).

        Where the first column turns x around, the face is mirrored.
        """
        generators = [np.random.default_rng((self._seed, step, index)) for index in range(count)]
        return np.stack([_matrix(size, self.strengths, rng) for rng in generators])

    def _cover(self, step: int, index: int, points: Landmarks) -> tuple[str | None, np.random.Generator]:
        """Return which cover a face gets, if any, and the generator to draw it with."""
        rng = np.random.default_rng((self._seed, step, index, _COVERS))
        if rng.random() >= self.strengths.cover or not np.isfinite(points).all():
            return None, rng
        return kind_of(rng), rng

    def _one(self, face: Face, rng: np.random.Generator) -> Face:
        face = _move(face, self.strengths, rng)
        face = _shade(face, self.strengths, rng)
        face = _soften(face, self.strengths, rng)
        face = _relight(face, self.strengths, rng)
        face = _compress(face, self.strengths, rng)
        return _cover(face, self.strengths, rng)


_CONDITIONAL = ("blur_sigma", "smallest", "cut_out_size")  # mean something only with their chance


def _move(face: Face, strengths: Augmentation, rng: np.random.Generator) -> Face:
    matrix = _matrix(face.shape[:2], strengths, rng)
    if not (strengths.shift or strengths.scale or strengths.rotation or strengths.shear):
        return face[:, ::-1] if matrix[0, 0] < 0 else face
    return cv2.warpAffine(
        np.ascontiguousarray(face),
        matrix,
        (face.shape[1], face.shape[0]),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )


def _matrix(size: tuple[int, ...], strengths: Augmentation, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw the change of geometry of a face of (height, width) pixels, (2, 3)."""
    flip = rng.random() < strengths.flip
    angle, stretch, shear, right, down = rng.uniform(-1, 1, 5)
    turn = np.deg2rad(angle * strengths.rotation)
    scale = 1 + stretch * strengths.scale
    rotate = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    matrix = rotate @ np.array([[1, shear * strengths.shear], [0, 1]])
    if flip:
        matrix[:, 0] *= -1
    centre = (np.array(size[::-1]) - 1) / 2
    offset = centre - matrix @ centre + strengths.shift * np.array([right, down])
    return np.column_stack([matrix, offset])


def _shade(face: Face, strengths: Augmentation, rng: np.random.Generator) -> Face:
    """Cast a shadow, as of the peak of a cap, and let skin shine: forehead patterns that no muscle made."""
    shaded, shining = rng.random(2) < (strengths.shade, strengths.shine)
    if not shaded and not shining:
        return face
    light: Face = np.ones(_FIELD.shape[1:], dtype=np.float32)
    glare: Face = np.zeros_like(light)
    if shaded:
        angle, softness, depth = rng.uniform((0, 0.02, 0.2), (2 * np.pi, 0.3, 0.75))
        across = np.tensordot([np.cos(angle), np.sin(angle)], _FIELD - rng.random((2, 1, 1)), axes=1)
        light -= depth * (across / softness + 0.5).clip(0, 1)
    if shining:
        for _ in range(rng.integers(1, 5)):
            widths = rng.uniform(0.02, 0.12, (2, 1, 1))
            distance = np.square((_FIELD - rng.random((2, 1, 1))) / widths).sum(axis=0)
            glare += 255 * rng.uniform(0.1, 0.5) * np.exp(-distance / 2)
    size = (face.shape[1], face.shape[0])
    light, glare = cv2.resize(light, size), cv2.resize(glare, size)
    return (face * light[..., None] + glare[..., None]).clip(0, 255).astype(np.uint8)


def _soften(face: Face, strengths: Augmentation, rng: np.random.Generator) -> Face:
    if rng.random() < strengths.downsample:
        side = int(rng.integers(min(strengths.smallest, face.shape[0]), face.shape[0] + 1))
        small = cv2.resize(face, (side, side), interpolation=cv2.INTER_AREA)
        face = cv2.resize(small, (face.shape[1], face.shape[0]), interpolation=cv2.INTER_LINEAR)
    if rng.random() < strengths.blur:
        face = cv2.GaussianBlur(np.ascontiguousarray(face), (0, 0), rng.uniform(0.3, strengths.blur_sigma))
    return face


def _relight(face: Face, strengths: Augmentation, rng: np.random.Generator) -> Face:
    """Change all that depends on one pixel alone; tone curves are one look-up table a channel."""
    gain, contrast, gamma, *channels = rng.uniform(-1, 1, 6)
    if strengths.gain or strengths.contrast or strengths.gamma or strengths.white_balance:
        tone = np.linspace(0, 1, 256) ** (2 ** (gamma * strengths.gamma))
        tone = 0.5 + (tone - 0.5) * (1 + contrast * strengths.contrast)
        tone = tone * (1 + gain * strengths.gain)
        tones = tone[:, None] * (1 + np.array(channels) * strengths.white_balance)
        table = (tones.clip(0, 1) * 255 + 0.5).astype(np.uint8)
        face = cv2.LUT(np.ascontiguousarray(face), table[None])
    if rng.random() < strengths.grey:
        face = np.repeat((face @ _GREY + 0.5).astype(np.uint8)[..., None], 3, axis=2)
    if strengths.noise:
        spread = 255 * strengths.noise * rng.random()
        start = int(rng.integers(len(_NOISE) - face.size))
        noise = _NOISE[start : start + face.size].reshape(face.shape) * np.float32(spread)
        face = (face + noise).clip(0, 255).astype(np.uint8)
    return face


def _compress(face: Face, strengths: Augmentation, rng: np.random.Generator) -> Face:
    if rng.random() >= strengths.jpeg:
        return face
    quality = int(rng.integers(25, 91))
    blue_first = np.ascontiguousarray(face[..., ::-1])
    _, encoded = cv2.imencode(".jpg", blue_first, [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded = cv2.imdecode(encoded, cv2.IMREAD_COLOR)
    assert decoded is not None
    return decoded[..., ::-1]


def _cover(face: Face, strengths: Augmentation, rng: np.random.Generator) -> Face:
    if rng.random() >= strengths.cut_out:
        return face
    height, width = face.shape[:2]
    sides = (rng.uniform(0.1, max(strengths.cut_out_size, 0.1), 2) * (height, width)).astype(int)
    top, left = (rng.random(2) * (height - sides[0], width - sides[1])).astype(int)
    face = face.copy()
    face[top : top + sides[0], left : left + sides[1]] = rng.integers(0, 256, 3)
    return face
