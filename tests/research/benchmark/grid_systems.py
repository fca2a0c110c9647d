"""A tiny corpus and tiny systems for grids; a module, so that the processes of a grid can import it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idennet.errors import InputError
from idennet.learning.data.store import FaceStore
from idennet.learning.data.store_writer import FaceStoreWriter, Part
from idennet.research.benchmark.systems.contract import System, TrainingFaces

AUS = (1, 2, 4, 6, 7, 12)


def write_corpus(
    path: Path,
    corpus: str,
    subjects: int = 6,
    faces_each: int = 8,
    seed: int = 0,
    aus: tuple[int, ...] = AUS,
) -> FaceStore:
    """The first Action Units are bright bars in the row of their position; subjects have two sequences."""
    rng = np.random.default_rng(seed)
    rows, faces = [], np.empty((subjects * faces_each, 128, 128, 3), np.uint8)
    for index in range(len(faces)):
        subject, frame = divmod(index, faces_each)
        labels = rng.integers(0, 2, len(aus))
        face = np.full((128, 128, 3), 60 + 8 * subject) + rng.normal(0, 4, (128, 128, 3))
        for position, label in enumerate(labels[: len(AUS)]):
            face[20 * position : 20 * position + 16] += 90 * label
        faces[index] = face.clip(0, 255)
        landmarks = rng.uniform(30, 98, 136).astype(np.float32)
        rows.append((f"{corpus}/{subject}", str(frame % 2), frame, landmarks, *labels))
    columns = ["subject", "sequence", "frame", "landmarks", *(f"AU{au}" for au in aus)]
    with FaceStoreWriter(path, source=corpus) as writer:
        writer.write("0", Part(faces, pd.DataFrame(rows, columns=columns)))
        return writer.finish(["0"])


@dataclass(frozen=True)
class FittedBars:
    """Brightness of the rows, relative to the whole face."""

    aus: tuple[int, ...]
    limit: float
    parameters: int = 1
    remarks: tuple[str, ...] = ("Learns nothing but a limit.",)

    def predict(self, store: FaceStore) -> NDArray[np.float32]:
        faces = store.faces.astype(np.float32)
        rows = [AUS.index(au) for au in self.aus]
        bars = np.stack([faces[:, 20 * row : 20 * row + 16].mean(axis=(1, 2, 3)) for row in rows], axis=1)
        dark = faces[:, 120:].mean(axis=(1, 2, 3))
        return ((bars - dark[:, None]) / (2 * self.limit)).clip(0, 1)


class Bars(System):
    """Reads the bars; leaves a mark for each fit."""

    name: str = "bars"
    limit: float = 45

    def fit(self, faces: TrainingFaces, folder: Path, device: str = "auto") -> FittedBars:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "fits.txt").open("a") as file:
            file.write("fitted\n")
        return FittedBars(faces.aus, self.limit)


class FailsOnce(Bars):
    """Fails where subject 0 is trained on, unless a file says that it is repaired."""

    name: str = "fails-once"
    repaired: Path

    def fit(self, faces: TrainingFaces, folder: Path, device: str = "auto") -> FittedBars:
        if not self.repaired.exists() and any(name.endswith("/0") for name in faces.train.subjects):
            raise InputError("Subject 0 cannot be learnt from.")
        return super().fit(faces, folder, device)
