"""Tiny stores with Action Units that can be seen: bright bars on coloured textures."""

from pathlib import Path

import numpy as np
import pandas as pd

from idennet.learning.data.store import FaceStore
from idennet.learning.data.store_writer import FaceStoreWriter, Part
from idennet.research.benchmark.systems.contract import Budget, TrainingFaces

AUS = (6, 12)
TINY = Budget(steps=4, batch=6, validations=2, learning_rate=1e-3)


def draw_store(
    path: Path, source: str = "au", subjects: int = 4, faces_each: int = 6, seed: int = 0
) -> FaceStore:
    """Each subject has a texture, landmarks and one sequence; AU6 is a bar above, AU12 one below."""
    rng = np.random.default_rng(seed)
    faces = np.empty((subjects * faces_each, 128, 128, 3), np.uint8)
    rows = []
    for index in range(len(faces)):
        subject, frame = divmod(index, faces_each)
        hue = np.random.default_rng((seed, subject)).integers(30, 200, (4, 4, 3))
        labels = ((frame >> 0) & 1, (frame >> 1) & 1)
        face = np.kron(hue, np.ones((32, 32, 1))) + rng.normal(0, 8, (128, 128, 3))
        face[20:50, 20:108] += 120 * labels[0]
        face[80:110, 20:108] -= 120 * labels[1]
        faces[index] = face.clip(0, 255)
        landmarks = rng.uniform(30, 98, 136).astype(np.float32)
        rows.append((f"{source}/{subject:02d}", "s", frame, landmarks, *labels))
    frames = pd.DataFrame(rows, columns=["subject", "sequence", "frame", "landmarks", "AU6", "AU12"])
    with FaceStoreWriter(path, source=source) as writer:
        writer.write("0", Part(faces, frames))
        return writer.finish(["0"])


def split_faces(store: FaceStore) -> TrainingFaces:
    """The last subject validates, the others train."""
    return TrainingFaces(store.select(store.subjects[:-1]), store.select(store.subjects[-1:]), AUS)
