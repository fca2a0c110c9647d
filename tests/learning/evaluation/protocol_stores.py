"""Small face stores whose faces carry their labels as pixels, for tests of protocols."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idennet.learning.data.store import FaceStore
from idennet.learning.data.store_writer import FaceStoreWriter, Part

FRAMES = 6


def write_store(
    path: Path,
    corpus: str,
    subjects: Sequence[str],
    aus: Sequence[int],
    *,
    intensities: bool = False,
    seed: int = 0,
) -> FaceStore:
    """Write `FRAMES` faces a subject; red pixel k of the first row holds 100 times the label of AU k."""
    rng = np.random.default_rng(seed)
    count = FRAMES * len(subjects)
    intensity = rng.integers(0, 6, (count, len(aus)))
    labels = (intensity >= 3).astype(np.int8)
    faces = np.zeros((count, 128, 128, 3), np.uint8)
    faces[:, 0, : len(aus), 0] = 100 * labels
    table = pd.DataFrame(
        {
            "subject": np.repeat([f"{corpus}/{name}" for name in subjects], FRAMES),
            "sequence": "a",
            "frame": np.tile(np.arange(FRAMES), len(subjects)),
            "landmarks": list(np.zeros((count, 136), np.float32)),
        }
    )
    for column, au in enumerate(aus):
        table[f"AU{au}"] = labels[:, column]
        if intensities:
            table[f"AU{au}_intensity"] = intensity[:, column].astype(np.float32)
    with FaceStoreWriter(path, corpus) as writer:
        writer.write("all", Part(faces, table))
        return writer.finish(["all"])


def read_labels(faces: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Predict three Action Units perfectly, from the pixels that `write_store` planted."""
    return faces[:, 0, :3, 0] / 100
