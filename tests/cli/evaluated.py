"""Stores of random faces with the people of BP4D and DISFA, predictions for them, and `idennet` itself."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from typer.testing import CliRunner, Result

from idennet.cli.main import app
from idennet.learning.data.store import FaceStore
from idennet.learning.data.store_writer import FaceStoreWriter, Part

BP4D_AUS = (1, 2, 4, 6, 7, 10, 12, 14, 15, 17, 23, 24)
DISFA_AUS = (1, 2, 4, 5, 6, 9, 12, 15, 17, 20, 25, 26)
FRAMES = 4


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, list(map(str, arguments)), env={"COLUMNS": "140"})


def write(
    path: Path,
    corpus: str,
    names: Sequence[str],
    sequences: Callable[[str], Sequence[str]],
    aus: Sequence[int],
) -> FaceStore:
    """Four faces a recording, frames from 1, random intensities of which 2 and more count."""
    rng = np.random.default_rng(len(names))
    rows = [
        {"subject": f"{corpus}/{name}", "sequence": sequence, "frame": frame}
        for name in names
        for sequence in sequences(name)
        for frame in range(1, FRAMES + 1)
    ]
    frames = pd.DataFrame(rows)
    frames["landmarks"] = [np.full(136, np.nan, np.float32)] * len(frames)
    for au in aus:
        intensity = rng.integers(0, 6, len(frames)).astype(np.float32)
        frames[f"AU{au}"] = (intensity >= 2).astype(np.int8)
        frames[f"AU{au}_intensity"] = intensity
    faces = rng.integers(0, 256, (len(frames), 128, 128, 3), dtype=np.uint8)
    with FaceStoreWriter(path, source=corpus) as writer:
        writer.write("0", Part(faces, frames))
        return writer.finish(["0"])


def keys(store: FaceStore) -> pd.DataFrame:
    table = store.frames[["subject", "sequence", "frame"]].copy()
    table["subject"] = table["subject"].str.partition("/")[2]
    return table


def plain(store: FaceStore, path: Path, aus: Sequence[int], seed: int = 0) -> pd.DataFrame:
    """A plain CSV of noisy probabilities, in another order than the store."""
    rng = np.random.default_rng(seed)
    table = keys(store)
    for au in aus:
        table[f"AU{au}_prob"] = np.clip(0.4 * store.labels([au])[:, 0] + 0.6 * rng.random(len(store)), 0, 1)
    table.sample(frac=1, random_state=seed).to_csv(path, index=False)
    return table
