"""Scenes for the shot network: faces of photographs and renderings among pictures without faces.

Pictures are laid on a background at random sizes, turned, mirrored and partly hidden, and then taken with
another camera. Everything of step k follows from the seed and k alone, so a resumed run sees what an
uninterrupted one sees.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pandas as pd

from idennet.errors import StoreError
from idennet.faces.crop import Floats, squares_around
from idennet.faces.landmarks import LEFT_EYE, RIGHT_EYE
from idennet.learning.training.landmark_crops import (
    Grey,
    is_held_out,
    pictures_without_faces,
    read_frames,
)

SCENE = 192
"""Side of a scene in pixels."""

SMALLEST, LARGEST = 14.0, 104.0
"""Sides of the faces that the network learns to find; somewhat smaller and larger ones are doubtful."""

GIANT = 170.0
"""Side from which on a face is none: it is found in a smaller copy, and its parts are no faces."""

NOTHING: Floats = np.zeros((0, 3), np.float32)
_NO_LANDMARKS: Floats = np.zeros((0, 68, 2), np.float32)


class Sheet(NamedTuple):
    """A picture to lay on a scene, and what is in it, everything in its own pixels."""

    levels: tuple[Grey, ...]
    """The picture and its halvings."""
    faces: Floats = NOTHING
    """(F, 3) middle x, y and side of each face's square."""
    landmarks: Floats = _NO_LANDMARKS
    """(F, 68, 2)."""
    doubtful: Floats = NOTHING
    """(D, 3) squares of what may be a face."""
    subject: str = ""
    """Who is on it; without a face, what."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        height, width = self.levels[0].shape
        return width, height


class Sources(NamedTuple):
    """What scenes are made of."""

    photographs: Sequence[Sheet]
    renderings: Sequence[Sheet]
    empty: Sequence[Sheet]

    @property
    def sheets(self) -> int:
        """How many there are of all kinds."""
        return sum(map(len, self))

    def of(self, held_out: bool) -> "Sources":
        """Return the sheets of held-out subjects, or all others.

        Raises:
            StoreError: One kind of sheets has none.
        """
        chosen = Sources(*([one for one in kind if is_held_out(one.subject) == held_out] for kind in self))
        if not all(chosen):
            raise StoreError(
                "Photographs, renderings and pictures without faces must be of so many people and kinds that "
                "a tenth of each can be held out; give at least 50."
            )
        return chosen


class Scene(NamedTuple):
    """A picture to learn from."""

    picture: Grey
    """(`SCENE`, `SCENE`)."""
    faces: Floats
    """(F, 3) middle x, y and side of each face's square."""
    doubtful: Floats
    """(D, 3) squares in which nothing is right or wrong."""


def halvings(picture: Grey) -> tuple[Grey, ...]:
    """Return the picture and its copies of half, quarter, ... size, down to 24 pixels."""
    levels = [picture]
    while min(levels[-1].shape) >= 48 and len(levels) < 5:
        height, width = levels[-1].shape
        levels.append(cv2.resize(levels[-1], (width // 2, height // 2), interpolation=cv2.INTER_AREA))
    return tuple(levels)


def read_photographs(table: Path, folder: Path) -> list[Sheet]:
    """Return the photographs of a table of `face_labels`, which lie below `folder`.

    Raises:
        StoreError: A photograph of the table cannot be read.
    """
    sheets = []
    for file, rows in pd.read_parquet(table).groupby("file", sort=True):
        squares = rows[["x", "y", "side"]].to_numpy(np.float32)
        sure = rows["agreed"].to_numpy(bool)
        points = np.array(rows["landmarks"].tolist(), np.float32).reshape(-1, 68, 2)
        levels = halvings(_read_grey(folder / str(file)))
        person = Path(str(file)).parts[0]
        sheets.append(Sheet(levels, squares[sure], points[sure], squares[~sure], person))
    return sheets


def read_renderings(corpora: Sequence[Path]) -> list[Sheet]:
    """Return the frames of SynFACS corpora.

    Raises:
        StoreError: A folder holds no subjects or a damaged picture.
    """
    frames = read_frames(corpora)
    squares = squares_around(frames.landmarks)[:, None, :3]
    return [
        Sheet(halvings(picture), square, points[None], subject=subject)
        for picture, square, points, subject in zip(
            frames.pictures, squares, frames.landmarks, frames.subjects, strict=True
        )
    ]


def read_empty(folders: Sequence[Path]) -> list[Sheet]:
    """Return the pictures without faces: scikit-image's, and the JPEG files of folders.

    Raises:
        StoreError: A picture cannot be read.
    """
    pictures = {f"scikit-image {number}": picture for number, picture in enumerate(pictures_without_faces())}
    files = [file for folder in folders for file in sorted(folder.glob("*.jpg"))]
    pictures |= {str(Path(*file.parts[-2:])): _read_grey(file) for file in files}
    return [Sheet(halvings(picture), subject=name) for name, picture in pictures.items()]


def _read_grey(file: Path) -> Grey:
    picture = cv2.imread(str(file), cv2.IMREAD_GRAYSCALE)
    if picture is None:
        raise StoreError(f"{file} cannot be read; give the folder that the list belongs to.")
    return np.asarray(picture, np.uint8)


def draw_scene(sources: Sources, rng: np.random.Generator) -> Scene:
    """Return a random scene of up to seven sheets, some without faces."""
    scene = Scene(_background(sources.empty, rng), NOTHING, NOTHING)
    kind = rng.random()
    count = 0 if kind < 0.12 else 1 if kind < 0.45 else int(rng.integers(2, 8))
    for _ in range(count):
        with_faces = rng.random() < 0.85
        sheets = sources.photographs
        if not with_faces:
            sheets = sources.empty
        elif rng.random() < 0.35:
            sheets = sources.renderings
        sheet = sheets[int(rng.integers(len(sheets)))]
        if len(sheet.faces) or not with_faces:
            scene = _laid_on(scene, sheet, sources.empty, rng, alone=count == 1)
    faces = scene.faces[scene.faces[:, 2] < GIANT]
    doubtful = scene.doubtful[scene.doubtful[:, 2] < 2 * GIANT]
    unfit = (faces[:, 2] < SMALLEST) | (faces[:, 2] > LARGEST)
    unfit |= (np.abs(faces[:, :2] - SCENE / 2) > SCENE / 2).any(1)
    return Scene(_photographed(scene.picture, rng), faces[~unfit], np.concatenate([doubtful, faces[unfit]]))


def _laid_on(
    scene: Scene, sheet: Sheet, empty: Sequence[Sheet], rng: np.random.Generator, alone: bool
) -> Scene:
    """Return the scene after a sheet, or a part of it about one of its faces, has been laid on it."""
    low, high = (24.0, 120.0) if alone and rng.random() < 0.5 else (13.0, 100.0)
    side = np.exp(rng.uniform(np.log(low), np.log(high)))
    if alone and rng.random() < 0.12:
        side = rng.uniform(GIANT, 600)
    if len(sheet.faces):
        x, y, own = sheet.faces[int(rng.integers(len(sheet.faces)))]
    else:
        own = rng.uniform(0.1, 0.6) * min(sheet.size)
        x, y = rng.uniform(0.2, 0.8, 2) * sheet.size
    kind = rng.random()
    degrees = rng.normal(0, 6) if kind < 0.7 else rng.uniform(-45, 45)
    upright = kind <= 0.96
    if not upright:  # a face on its side or upside down is none: the picture is turned instead
        degrees = rng.choice([90, 180, 270]) + rng.normal(0, 8)
    at = rng.uniform(-0.02, 1.02, 2) * SCENE
    matrix = _placement(np.array([x, y]), at, side / own, degrees, rng.random() < 0.5)
    opacity = _opacity(sheet, matrix, (float(x), float(y), float(own)), side, rng)
    drawn = _occluded(sheet, _warp(sheet, matrix, scene.picture, cv2.BORDER_REPLICATE), matrix, empty, rng)
    if alone and rng.random() < 0.5:  # the whole scene is the photograph, its edge pixels around it
        opacity[:] = 1
    picture = (scene.picture + (drawn.astype(np.float32) - scene.picture) * opacity).astype(np.uint8)

    hidden = _shares(scene.faces, opacity)
    faces = [scene.faces[hidden < 0.08]]
    doubtful = [scene.doubtful[_shares(scene.doubtful, opacity) < 0.75]]
    doubtful.append(scene.faces[(hidden >= 0.08) & (hidden < 0.75)])
    new, unsure = _moved(sheet.faces, matrix), _moved(sheet.doubtful, matrix)
    shown = _shares(new, opacity)
    if upright:
        faces.append(new[shown > 0.7])
        doubtful.append(new[(shown > 0.25) & (shown <= 0.7)])
    doubtful.append(unsure[_shares(unsure, opacity) > 0.1])
    return Scene(picture, np.concatenate(faces), np.concatenate(doubtful))


def _opacity(
    sheet: Sheet,
    matrix: np.ndarray,
    face: tuple[float, float, float],
    side: float,
    rng: np.random.Generator,
) -> Floats:
    """Return where a sheet is seen, (SCENE, SCENE): all of it or a part about a face, hard or soft edges."""
    (x, y, own), (width, height) = face, sheet.size
    x0, y0, x1, y1 = -0.5, -0.5, width - 0.5, height - 0.5
    if rng.random() < 0.6:
        left, up, right, down = own * rng.uniform(0.5, 1.3, 4)
        x0, y0, x1, y1 = max(x0, x - left), max(y0, y - up), min(x1, x + right), min(y1, y + down)
    corners = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]]) @ matrix[:, :2].T + matrix[:, 2]
    mask = np.zeros((SCENE, SCENE), np.uint8)
    cv2.fillConvexPoly(mask, np.round(corners * 16).astype(np.int32), 255, cv2.LINE_AA, 4)
    if rng.random() < 0.4:
        mask = np.asarray(cv2.GaussianBlur(mask, (0, 0), float(rng.uniform(0.5, 0.08 * side + 1))), np.uint8)
    return np.asarray(mask / np.float32(255), np.float32)


def _placement(
    centre: np.ndarray, at: np.ndarray, scale: float, degrees: float, mirrored: bool
) -> np.ndarray:
    """Return the matrix (2, 3) that scales, turns and maybe mirrors, and takes `centre` to `at`."""
    angle = np.radians(degrees)
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    if mirrored:
        turn = turn @ np.diag([-1.0, 1.0])
    return np.column_stack([turn, at - turn @ centre])


def _moved(squares: Floats, matrix: np.ndarray) -> Floats:
    """Return squares (K, 3) of a sheet in pixels of the scene."""
    scale = np.hypot(matrix[0, 0], matrix[1, 0])
    middles = squares[:, :2] @ matrix[:, :2].T + matrix[:, 2]
    return np.column_stack([middles, squares[:, 2] * scale]).astype(np.float32)


def _warp(sheet: Sheet, matrix: np.ndarray, onto: Grey, border: int) -> Grey:
    """Return `onto` with the sheet drawn by `matrix` (2, 3), sheet to scene, free of aliasing."""
    scale = np.hypot(matrix[0, 0], matrix[1, 0])
    halved = int(np.floor(np.log2(1 / max(scale, 1e-6)) + 0.3))
    picture = sheet.levels[min(len(sheet.levels) - 1, max(0, halved))]
    step = np.array(sheet.size) / picture.shape[::-1]
    adapted = np.column_stack([matrix[:, :2] * step, matrix[:, :2] @ (0.5 * step - 0.5) + matrix[:, 2]])
    size = (SCENE, SCENE)
    return np.asarray(cv2.warpAffine(picture, adapted, size, onto.copy(), borderMode=border), np.uint8)


def _shares(squares: Floats, opacity: Floats) -> Floats:
    """Return which share of the inner part of each square (K, 3) is covered; 0 outside the scene."""
    shares = np.zeros(len(squares), np.float32)
    for k, (x, y, side) in enumerate(squares):
        x0, y0 = (max(0, int(value - 0.35 * side)) for value in (x, y))
        x1, y1 = (max(0, int(value + 0.35 * side) + 1) for value in (x, y))
        part = opacity[y0:y1, x0:x1]
        if part.size:
            shares[k] = part.mean()
    return shares


def _background(empty: Sequence[Sheet], rng: np.random.Generator) -> Grey:
    """Return a part of a picture without faces, at any size; sometimes smooth ramps, shapes or letters."""
    kind = rng.random()
    if kind < 0.06:
        coarse = rng.integers(0, 256, rng.integers(1, 12, 2), dtype=np.uint8)
        return np.asarray(cv2.resize(coarse, (SCENE, SCENE), interpolation=cv2.INTER_CUBIC), np.uint8)
    if kind < 0.14:
        return _drawn(rng)
    sheet = empty[int(rng.integers(len(empty)))]
    smallest, largest = SCENE / max(sheet.size), max(1.5, 2 * SCENE / min(sheet.size))
    scale = float(np.exp(rng.uniform(np.log(smallest), np.log(largest))))
    centre = rng.uniform(0.1, 0.9, 2) * sheet.size
    degrees = rng.normal(0, 6) if rng.random() < 0.8 else rng.uniform(-180, 180)
    matrix = _placement(centre, np.full(2, SCENE / 2), scale, degrees, rng.random() < 0.5)
    return _warp(sheet, matrix, np.zeros((SCENE, SCENE), np.uint8), cv2.BORDER_REFLECT_101)


def _drawn(rng: np.random.Generator) -> Grey:
    """Return ellipses, bars and letters of random greys, which at times look a little like faces."""
    scene = np.full((SCENE, SCENE), int(rng.integers(0, 256)), np.uint8)
    for _ in range(int(rng.integers(3, 30))):
        x, y = (int(value) for value in rng.integers(0, SCENE, 2))
        shade = int(rng.integers(0, 256))
        kind = rng.random()
        if kind < 0.5:
            wide, high = (int(value) for value in rng.integers(2, 40, 2))
            angle = float(rng.uniform(0, 180))
            cv2.ellipse(scene, (x, y), (wide, high), angle, 0, 360, shade, -1, cv2.LINE_AA)
        elif kind < 0.8:
            to_x, to_y = (int(value) for value in rng.integers(0, SCENE, 2))
            cv2.line(scene, (x, y), (to_x, to_y), shade, int(rng.integers(1, 8)), cv2.LINE_AA)
        else:
            text = "".join(chr(int(code)) for code in rng.integers(33, 127, int(rng.integers(1, 9))))
            size, font = float(rng.uniform(0.3, 2.5)), int(rng.integers(0, 8))
            cv2.putText(scene, text, (x, y), font, size, shade, int(rng.integers(1, 5)), cv2.LINE_AA)
    return scene


def _occluded(
    sheet: Sheet, drawn: Grey, matrix: np.ndarray, empty: Sequence[Sheet], rng: np.random.Generator
) -> Grey:
    """Return the drawn sheet with dark glasses, a mask or a patch over some of its faces."""
    for points in sheet.landmarks:
        if rng.random() > 0.22:
            continue
        placed = points @ matrix[:, :2].T + matrix[:, 2]
        size, kind = float(np.ptp(placed[:, 1])), rng.random()
        if kind < 0.4:  # dark glasses
            shade, reach = int(rng.integers(0, 80)), rng.uniform(1.3, 2.2)
            for eye in (placed[RIGHT_EYE], placed[LEFT_EYE]):
                radius = float(reach * np.linalg.norm(eye[3] - eye[0]) / 2)
                axes = (max(1, round(radius)), max(1, round(float(radius * rng.uniform(0.7, 0.95)))))
                x, y = (int(value) for value in eye.mean(0).round())
                cv2.ellipse(drawn, (x, y), axes, 0, 0, 360, shade, -1, cv2.LINE_AA)
        elif kind < 0.6:  # a mask over nose and mouth
            outline = np.round(np.concatenate([placed[2:15], placed[29:30]])).astype(np.int32)
            cv2.fillConvexPoly(drawn, cv2.convexHull(outline), int(rng.integers(0, 256)))
        else:  # a patch of something else
            at = placed[int(rng.integers(68))] + rng.normal(0, 0.1 * size, 2)
            reach_x, reach_y = np.maximum(1, size * rng.uniform(0.1, 0.3, 2)).astype(int)
            x, y = (int(value) for value in at)
            rows = slice(max(0, y - reach_y), max(0, y + reach_y))
            target = drawn[rows, max(0, x - reach_x) : max(0, x + reach_x)]
            if target.size:
                other = rng.random() < 0.5
                patch = _background(empty, rng) if other else np.full_like(drawn, rng.integers(0, 256))
                target[:] = patch[: target.shape[0], : target.shape[1]]
    return drawn


def _photographed(scene: Grey, rng: np.random.Generator) -> Grey:
    """Return the scene with other light, sharpness, noise and compression."""
    x: np.ndarray = scene.astype(np.float32) / 255
    x = x ** np.float32(np.exp(rng.normal(0, 0.35)))
    x = (x - 0.5) * np.float32(np.exp(rng.normal(0, 0.25))) + np.float32(0.5 + rng.normal(0, 0.08))
    if rng.random() < 0.2:  # uneven light
        ramp = np.linspace(-1, 1, SCENE, dtype=np.float32)
        across, down = rng.uniform(-0.5, 0.5), rng.uniform(-0.4, 0.4)
        x = x * (1 + np.float32(across) * ramp + np.float32(down) * ramp[:, None])
    if rng.random() < 0.2:
        x = cv2.GaussianBlur(x, (0, 0), rng.uniform(0.4, 1.4))
    if rng.random() < 0.06:  # motion
        length = int(rng.integers(2, 6))
        x = cv2.blur(x, (length, 1) if rng.random() < 0.7 else (1, length))
    if rng.random() < 0.15:  # sharpened
        x = x + np.float32(rng.uniform(0.3, 1.2)) * (x - cv2.GaussianBlur(x, (0, 0), 1.2))
    if rng.random() < 0.4:
        x = x + np.float32(rng.uniform(0, 0.06)) * rng.standard_normal(x.shape, dtype=np.float32)
    out = np.clip(x * 255, 0, 255).astype(np.uint8)
    if rng.random() < 0.25:
        _, code = cv2.imencode(".jpg", out, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 90))])
        return np.asarray(cv2.imdecode(code, cv2.IMREAD_GRAYSCALE), np.uint8)
    return out
