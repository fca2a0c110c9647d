"""Tiny stores of random textures: identity is the picture's hue, an Action Unit a bright bar."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

import idennet.models.idennet
import idennet.models.lightcnn
from idennet.learning.data.store import FaceStore
from idennet.learning.data.store_writer import FaceStoreWriter, Part
from idennet.learning.training import Recipe
from idennet.learning.training.batches import Targets
from idennet.learning.training.engine import Cost
from idennet.learning.training.lesson import Prepared, StageLesson
from idennet.models.trunk import Trunk, scaled

AUS = (6, 12)


@contextmanager
def killed_at(step: int) -> Iterator[None]:
    """Let every training within be killed before it learns from the batch of a step."""
    cost = StageLesson.cost

    def dying(self: StageLesson, prepared: Prepared, at: int) -> Cost:
        if at == step:
            raise KeyboardInterrupt
        return cost(self, prepared, at)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(StageLesson, "cost", dying)
        with pytest.raises(KeyboardInterrupt):
            yield


def frontal_points() -> np.ndarray:
    """Return the 68 landmarks of a frontal face in the alignment template."""
    points = np.empty((68, 2))
    points[:17] = np.stack(
        [64 + 46 * np.cos(np.linspace(np.pi, 0, 17)), 50 + 66 * np.sin(np.linspace(0, np.pi, 17))], 1
    )
    points[17:27] = np.stack([np.linspace(28, 100, 10), [34, 31, 30, 31, 33, 33, 31, 30, 31, 34]], 1)
    points[27:36] = [(64, 46), (64, 54), (64, 62), (64, 70), (56, 74), (60, 75), (64, 76), (68, 75), (72, 74)]
    for start, x in ((36, 44), (42, 84)):
        turn = np.pi + np.arange(6) * np.pi / 3
        points[start : start + 6] = np.stack([x + 8 * np.cos(turn), 44 + 3 * np.sin(turn)], 1)
    turn = np.pi + np.arange(20) * 2 * np.pi / 20
    points[48:68] = np.stack([64 + 17 * np.cos(turn), 92 + 6 * np.sin(turn)], 1)
    return points


def make_store(
    path: Path,
    source: str,
    subjects: int,
    faces_each: int,
    *,
    aus: bool,
    seed: int = 0,
    pictures: bool = False,
) -> FaceStore:
    """Write faces of few colours; as `pictures` with names and landmarks, else all of one sequence."""
    rng = np.random.default_rng(seed)
    points = frontal_points().astype(np.float32).ravel() if pictures else np.full(136, np.nan, np.float32)
    faces = np.empty((subjects * faces_each, 128, 128, 3), np.uint8)
    rows = []
    for index in range(len(faces)):
        subject = index // faces_each
        hue = np.random.default_rng((seed, subject)).integers(30, 200, (4, 4, 3))
        labels = rng.integers(0, 2, 2)
        face = np.kron(hue, np.ones((32, 32, 1))) + rng.normal(0, 8, (128, 128, 3))
        face[20:50, 20:108] += 120 * labels[0]
        face[80:110, 20:108] -= 120 * labels[1]
        faces[index] = face.clip(0, 255)
        name = f"picture-{index}" if pictures else "s"
        rows.append((f"{source}/{subject:02d}", name, index, points, *labels))
    frames = pd.DataFrame(rows, columns=["subject", "sequence", "frame", "landmarks", "AU6", "AU12"])
    if not aus:
        frames = frames.drop(columns=["AU6", "AU12"])
    with FaceStoreWriter(path, source=source) as writer:
        writer.write("0", Part(faces, frames))
        return writer.finish(["0"])


def pooled_pixels(self: Trunk, faces: Tensor) -> Tensor:
    """Stand in for the convolutions: 300 features, thousands of times cheaper."""
    return F.adaptive_avg_pool2d(scaled(faces), 10).flatten(start_dim=1)


def lighten_trunk(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Trunk, "forward", pooled_pixels)
    for network in (idennet.models.idennet, idennet.models.lightcnn):
        patch.setattr(network, "TRUNK_FEATURES", 300)


def small_recipe(**changes: object) -> Recipe:
    batches = {"kind": "separate", "identities": 3, "au_faces": 8, "reduction": "mean", "memory": 16}
    batches["alpha_consistency"] = 100.0  # the first steps take hundredths of it
    optimiser = {"learning_rate": 1e-3, "average": 0.9}
    stage = {"validate_every": 3, "batches": batches, "optimiser": optimiser}
    values: dict[str, object] = {
        "name": "small",
        "checkpoint_every": 2,
        "validation": {"subject_fraction": 0.4},
        "augmentation": {"flip": 0.5, "shift": 2},
        "identity_stage": {"steps": 4, **stage},
        "au_stage": {"steps": 6, **stage},
    }
    return Recipe.model_validate(values | changes)


def nothing_known(identities: Tensor, aus: int) -> Targets:
    """Return targets of faces of which only the identity is known."""
    count = len(identities)
    labels = torch.full((count, aus), -1, dtype=torch.int8)
    taught = torch.full((count, aus), torch.nan)
    return Targets(
        identities,
        labels,
        taught,
        torch.zeros(count, aus),
        taught[..., None].expand(-1, -1, 2),
        torch.full((count, 3), -1),
        torch.full((count, 4), torch.nan),
    )
