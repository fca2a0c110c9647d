"""Batches for the landmark network: rendered faces, disturbed, and crops that show no face.

Everything of step k follows from the seed and k alone, so a resumed run sees what an uninterrupted one sees.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image
from skimage import data as skimage_data

from idennet.errors import StoreError
from idennet.faces.crop import (
    CROP_SIZE,
    Floats,
    crop_to_picture,
    squares_around,
    transform,
)
from idennet.faces.landmarks import LEFT_EYE, MIRROR, RIGHT_EYE

Grey = np.ndarray  # uint8

NEGATIVE_SHARE = 0.3
_PICTURES = (
    "brick.png cell.png chelsea.png coffee.png coins.png color.png grass.png gravel.png horse.png "
    "hubble_deep_field.jpg ihc.png logo.png microaneurysms.png moon.png motorcycle_left.png page.png "
    "phantom.png retina.jpg rocket.jpg text.png"
)


@dataclass(frozen=True)
class Frames:
    """Rendered frames in memory: grey pictures, landmarks (F, 68, 2), pose (F, 2) in degrees, subjects."""

    pictures: list[Grey]
    landmarks: Floats
    pose: Floats
    subjects: NDArray[np.str_]

    def held_out(self) -> NDArray[np.bool_]:
        """Return which frames (F,) are kept for testing: a tenth of the subjects, by their names alone."""
        return np.array([is_held_out(name) for name in self.subjects], bool)

    def of(self, chosen: NDArray[np.bool_]) -> "Frames":
        """Return the frames where `chosen` (F,) is true."""
        pictures = [picture for picture, keep in zip(self.pictures, chosen, strict=True) if keep]
        return Frames(pictures, self.landmarks[chosen], self.pose[chosen], self.subjects[chosen])


class Crops(NamedTuple):
    """N crops and their targets."""

    crops: Grey
    """(N, 64, 64)."""
    landmarks: Floats
    """(N, 68, 2) in crop pixels; without meaning where there is no face."""
    faces: Floats
    """(N,) 1 where the crop shows a face, else 0."""
    pose: Floats
    """(N, 2) yaw and pitch in degrees."""


def is_held_out(subject: str) -> bool:
    """Return whether a subject is for testing the networks that find faces: a tenth, by the name alone."""
    return zlib.crc32(subject.encode()) % 10 == 0


def read_frames(corpora: Sequence[Path]) -> Frames:
    """Return all frames of SynFACS corpora.

    Raises:
        StoreError: A folder holds no subjects or a damaged picture.
    """
    pictures: list[Grey] = []
    tables = []
    for corpus in corpora:
        files = sorted((corpus / "subjects").glob("*.parquet"))
        if not files:
            raise StoreError(f"{corpus} has no subjects/*.parquet; render a corpus first (idennet synth).")
        for file in files:
            table = pd.read_parquet(file, columns=["subject", "image", "landmarks", "yaw", "pitch"])
            for image in table.pop("image"):
                picture = cv2.imdecode(np.frombuffer(image, np.uint8), cv2.IMREAD_GRAYSCALE)
                if picture is None:
                    raise StoreError(f"{file} holds an unreadable picture; render this subject again.")
                pictures.append(picture)
            tables.append(table)
    table = pd.concat(tables)
    return Frames(
        pictures,
        np.stack(table["landmarks"].tolist()).reshape(-1, 68, 2).astype(np.float32),
        table[["yaw", "pitch"]].to_numpy(np.float32),
        table["subject"].to_numpy(str),
    )


def pictures_without_faces() -> list[Grey]:
    """Return the photographs and textures of scikit-image's wheel that show no human face, in grey."""
    folder = Path(skimage_data.__file__).parent
    return [np.asarray(Image.open(folder / name).convert("L")) for name in _PICTURES.split()]


def draw_crops(frames: Frames, scenes: Sequence[Grey], size: int, rng: np.random.Generator) -> Crops:
    """Return `size` random crops: disturbed faces and, in `NEGATIVE_SHARE` of them, none."""
    crops = np.empty((size, CROP_SIZE, CROP_SIZE), np.uint8)
    landmarks = np.zeros((size, 68, 2), np.float32)
    faces = np.ones(size, np.float32)
    pose = np.zeros((size, 2), np.float32)
    for row in range(size):
        index = int(rng.integers(len(frames.pictures)))
        points = frames.landmarks[index]
        faces[row] = rng.random() >= NEGATIVE_SHARE
        if faces[row] == 0 and rng.random() < 0.6:
            crop = scene_crop(scenes, rng)
        else:
            square = _disturbed(squares_around(points[None])[0], rng, misplaced=faces[row] == 0)
            crop = _cut_onto(frames.pictures[index], square, scenes, rng)
            landmarks[row] = to_crop(points, square)
            pose[row] = frames.pose[index]
            if rng.random() < 0.25:
                crop = _occlude(crop, landmarks[row], scenes, rng)
            if rng.random() < 0.5:
                crop = np.ascontiguousarray(crop[:, ::-1])
                landmarks[row, :, 0] = CROP_SIZE - 1 - landmarks[row, :, 0]
                landmarks[row] = landmarks[row, MIRROR]
                pose[row, 0] *= -1
        crops[row] = _photographed(crop, rng)
    return Crops(crops, landmarks, faces, pose)


def to_crop(points: Floats, square: Floats) -> Floats:
    """Return picture points (68, 2) in the pixels of the crop that a square (4,) cuts."""
    inverse = cv2.invertAffineTransform(crop_to_picture(square[None])[0])
    return transform(points[None], inverse[None].astype(np.float32))[0]


def _disturbed(square: Floats, rng: np.random.Generator, misplaced: bool) -> Floats:
    """Return the square as a finder would misplace it; far off where `misplaced`."""
    x, y, side, angle = square
    turn = np.radians(rng.uniform(-35, 35) if rng.random() < 0.6 else rng.normal(0, 4))
    if not misplaced:
        loose = rng.random() < 0.6
        shift = rng.uniform(-0.18, 0.18, 2) if loose else rng.normal(0, 0.03, 2)
        scale = np.exp(rng.uniform(-0.28, 0.28) if loose else rng.normal(0, 0.05))
    elif rng.random() < 0.5:  # beside the face: half faces, one eye, a cheek
        direction = rng.uniform(0, 2 * np.pi)
        shift = rng.uniform(0.45, 0.8) * np.array([np.cos(direction), np.sin(direction)])
        scale = np.exp(rng.uniform(-0.4, 0.4))
    elif rng.random() < 0.7:  # small: an eye, the mouth, an ear, hair, collar
        shift, scale = rng.uniform(-0.7, 0.7, 2), rng.uniform(0.15, 0.5)
    else:  # far too large
        shift, scale = rng.uniform(-0.5, 0.5, 2), rng.uniform(2.0, 3.0)
    centre = np.array([x, y]) + shift * side
    return np.array([*centre, side * scale, angle + turn], np.float32)


def _cut_onto(picture: Grey, square: Floats, scenes: Sequence[Grey], rng: np.random.Generator) -> Grey:
    """Return the crop; beyond the frame lies its edge, its reflection or another scene."""
    borders = [cv2.BORDER_REPLICATE, cv2.BORDER_REFLECT_101, cv2.BORDER_TRANSPARENT, cv2.BORDER_TRANSPARENT]
    border = borders[rng.integers(len(borders))]
    if square[2] > 2.2 * CROP_SIZE:
        picture = cv2.blur(picture, (3, 3))  # against aliasing, as `cut` reduces large faces
    if rng.random() < 0.15:  # low resolution: down to faces of 14 pixels
        picture = _reduced(picture, square, rng.uniform(16, 40) / CROP_SIZE)
    return cv2.warpAffine(
        picture,
        crop_to_picture(square[None])[0],
        (CROP_SIZE, CROP_SIZE),
        dst=scene_crop(scenes, rng) if border == cv2.BORDER_TRANSPARENT else None,
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=border,
    )


def _reduced(picture: Grey, square: Floats, share: float) -> Grey:
    """Return the picture at a resolution of `share` of the crop's, enlarged again."""
    height, width = picture.shape
    factor = min(1.0, share * CROP_SIZE / float(square[2]))
    small = (max(8, round(width * factor)), max(8, round(height * factor)))
    return cv2.resize(
        cv2.resize(picture, small, interpolation=cv2.INTER_AREA),
        (width, height),
        interpolation=cv2.INTER_LINEAR,
    )


def scene_crop(scenes: Sequence[Grey], rng: np.random.Generator) -> Grey:
    """Return a random turned crop of a picture without faces; sometimes a smooth ramp or noise."""
    if rng.random() < 0.12:
        coarse = rng.integers(0, 256, (int(rng.integers(1, 9)), int(rng.integers(1, 9))), dtype=np.uint8)
        return cv2.resize(coarse, (CROP_SIZE, CROP_SIZE), interpolation=cv2.INTER_CUBIC)
    scene = scenes[int(rng.integers(len(scenes)))]
    height, width = scene.shape
    side = np.exp(rng.uniform(np.log(32), np.log(min(height, width))))
    centre = rng.uniform(side / 2, np.maximum([width, height] - side / 2, side / 2 + 1))
    square = np.array([*centre, side, rng.uniform(-0.6, 0.6)], np.float32)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    crop = cv2.warpAffine(
        scene if side < 2 * CROP_SIZE else cv2.blur(scene, (int(side // CROP_SIZE),) * 2),
        crop_to_picture(square[None])[0],
        (CROP_SIZE, CROP_SIZE),
        flags=flags,
        borderMode=cv2.BORDER_REFLECT_101,
    )
    return 255 - crop if rng.random() < 0.15 else crop


def _occlude(crop: Grey, landmarks: Floats, scenes: Sequence[Grey], rng: np.random.Generator) -> Grey:
    """Return the crop with dark glasses, a bar or a patch of another scene."""
    crop = crop.copy()
    if rng.random() < 0.3:
        shade = int(rng.integers(0, 70))
        size = rng.uniform(1.4, 2.2)
        for eye in (landmarks[RIGHT_EYE], landmarks[LEFT_EYE]):
            middle = eye.mean(0)
            radius = size * np.linalg.norm(eye[3] - eye[0]) / 2
            axes = (max(1, round(float(radius))), max(1, round(float(radius * rng.uniform(0.7, 0.9)))))
            cv2.ellipse(crop, tuple(int(v) for v in middle.round()), axes, 0, 0, 360, shade, -1)
        return crop
    if rng.random() < 0.4:  # such as a fringe or a scarf
        y, height = rng.integers(0, CROP_SIZE), rng.integers(3, 14)
        crop[y : y + height] = rng.integers(0, 256)
        return crop
    width, height = rng.integers(8, 30, 2)
    x, y = rng.integers(0, CROP_SIZE - 8, 2)
    patch = scene_crop(scenes, rng)[:height, :width]
    target = crop[y : y + height, x : x + width]
    target[:] = patch[: target.shape[0], : target.shape[1]]
    return crop


def _photographed(crop: Grey, rng: np.random.Generator) -> Grey:
    """Return the crop with other light, sharpness, noise and compression."""
    x = crop.astype(np.float32) / 255
    x = x ** np.exp(rng.normal(0, 0.35))
    x = (x - 0.5) * np.exp(rng.normal(0, 0.25)) + 0.5 + rng.normal(0, 0.08)
    if rng.random() < 0.3:  # uneven light
        ramp = np.linspace(-1, 1, CROP_SIZE, dtype=np.float32)
        x = x * (1 + rng.uniform(-0.5, 0.5) * ramp + rng.uniform(-0.4, 0.4) * ramp[:, None])
    if rng.random() < 0.3:
        x = cv2.GaussianBlur(x, (0, 0), rng.uniform(0.4, 1.6))
    if rng.random() < 0.1:  # motion
        length = int(rng.integers(3, 8))
        x = cv2.blur(x, (length, 1) if rng.random() < 0.7 else (1, length))
    if rng.random() < 0.15:  # sharpened
        x = x + rng.uniform(0.3, 1.2) * (x - cv2.GaussianBlur(x, (0, 0), 1.2))
    if rng.random() < 0.5:
        x = x + rng.normal(0, rng.uniform(0, 0.07), x.shape).astype(np.float32)
    out = np.clip(x * 255, 0, 255).astype(np.uint8)
    if rng.random() < 0.3:
        _, code = cv2.imencode(".jpg", out, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 90))])
        out = cv2.imdecode(code, cv2.IMREAD_GRAYSCALE)
    return out
