"""Pictures with planted faces: the first pixel says how many, so reading is tested without a finder."""

import io

import numpy as np
from PIL import Image

from idennet.faces.finder import FoundFace

FACE = 60
"""Side of a planted face in pixels; faces stand in a row, 80 pixels apart."""


class PlantedFinder:
    """Stands in for `FaceFinder`, its class for `open_finder`; the first pixel's red counts the faces."""

    def __init__(self, file: object = None) -> None:
        self.file = file

    def find_all(self, pictures: list[np.ndarray]) -> list[list[FoundFace]]:
        return [self.find(picture) for picture in pictures]

    def find(self, picture: np.ndarray) -> list[FoundFace]:
        return [planted_face(number) for number in range(int(picture[0, 0, 0]) % 8)]


def planted_face(number: int) -> FoundFace:
    x0, y0 = 20.0 + 80 * number, 30.0
    angles = np.linspace(0, 2 * np.pi, 68, endpoint=False)
    landmarks = np.stack([x0 + 30 + 28 * np.cos(angles), y0 + 30 + 28 * np.sin(angles)], axis=1)
    landmarks[36:42], landmarks[42:48] = (x0 + 20, y0 + 22), (x0 + 40, y0 + 22)
    return FoundFace((x0, y0, x0 + FACE, y0 + FACE), landmarks.astype(np.float32), 0.9, 1.0, -2.0, 3.0)


def planted_picture(num_faces: int, seed: int = 0) -> np.ndarray:
    """Return a smooth random picture, (120, 340, 3) uint8, in which `PlantedFinder` finds `num_faces`."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 17, 3), dtype=np.uint8)
    pixels = np.kron(coarse, np.ones((20, 20, 1), dtype=np.uint8))
    pixels[0, 0, 0] = num_faces
    return pixels


def planted_png(num_faces: int, seed: int = 0) -> bytes:
    """Return a planted picture as a file."""
    file = io.BytesIO()
    Image.fromarray(planted_picture(num_faces, seed)).save(file, "PNG")
    return file.getvalue()
