"""The little that the scripts of `benchmarks/` are run on."""

from pathlib import Path

import numpy as np
import pandas as pd
import torch

from idennet.learning.data.store import FaceStore
from idennet.learning.data.store_writer import FaceStoreWriter, Part
from idennet.models.idennet import IdenNet
from idennet.models.weights import WeightsCard, save_weights

ROOT = Path(__file__).parents[3]


def draw_people(path: Path, source: str, subjects: int, faces_each: int) -> FaceStore:
    """Write textures of people; AU6 is a bar above, AU12 one below."""
    rng = np.random.default_rng(0)
    faces = np.empty((subjects * faces_each, 128, 128, 3), np.uint8)
    labels = rng.integers(0, 2, (len(faces), 2)).astype(np.int8)
    for index, face in enumerate(faces):
        hue = np.random.default_rng(index // faces_each).integers(60, 160, (4, 4, 3))
        face[:] = np.kron(hue, np.ones((32, 32, 1), np.int64))
        face[20:50, 20:108] += np.uint8(80) * labels[index, 0].astype(np.uint8)
        face[80:110, 20:108] -= np.uint8(50) * labels[index, 1].astype(np.uint8)
    frames = pd.DataFrame({
        "subject": [f"{source}/{index // faces_each:02d}" for index in range(len(faces))],
        "sequence": [f"{index % faces_each // 3}" for index in range(len(faces))],
        "frame": range(len(faces)),
        "landmarks": [np.zeros(136, np.float32)] * len(faces),
        "AU6": labels[:, 0],
        "AU12": labels[:, 1],
    })  # fmt: skip
    with FaceStoreWriter(path, source=source) as writer:
        writer.write("0", Part(faces, frames))
        return writer.finish(["0"])


def write_start(path: Path, aus: tuple[int, ...]) -> None:
    """Write random weights to start from."""
    network = IdenNet(len(aus), generator=torch.Generator().manual_seed(0))
    thresholds = dict.fromkeys(aus, 0.5)
    save_weights(
        network,
        path,
        WeightsCard(version="1", aus=aus, template="eyes-44", thresholds=thresholds),
        half=False,
    )
