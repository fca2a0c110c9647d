"""Training of the shot network, which finds faces, on scenes of photographs and renderings."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from idennet.faces.card import Material
from idennet.faces.shot_net import STRIDE, ShotNet, ShotOutput
from idennet.learning.training.face_networks import (
    FaceNetworkRecipe,
    Study,
    rendered_material,
    train_face_network,
)
from idennet.learning.training.face_scenes import (
    SCENE,
    Scene,
    Sources,
    draw_scene,
    read_empty,
    read_photographs,
    read_renderings,
)

CELLS = SCENE // STRIDE
TEST_SCENES = 400
"""Scenes of held-out subjects that errors are from."""


def targets(scenes: Sequence[Scene]) -> tuple[Tensor, Tensor, Tensor]:
    """Return what each of the C x C cells ought to say of N scenes.

    Returns:
        judged (N, C, C), where something is right or wrong; near (N, C, C), where the middle of a face is
        near enough for the cell to answer for it; boxes (N, C, C, 3) of that face, x, y and side in pixels.
    """
    axis = STRIDE * (np.arange(CELLS) + 0.5) - 0.5
    cell_x, cell_y = np.meshgrid(axis, axis)
    judged = np.ones((len(scenes), CELLS, CELLS), bool)
    near = np.zeros_like(judged)
    boxes = np.ones((*judged.shape, 3), np.float32)
    for n, scene in enumerate(scenes):
        for x, y, side in scene.doubtful:
            judged[n] &= np.maximum(np.abs(cell_x - x), np.abs(cell_y - y)) >= 0.5 * side + 2
        for x, y, side in scene.faces[np.argsort(-scene.faces[:, 2])]:  # smaller faces have the last word
            distance = np.hypot(cell_x - x, cell_y - y)
            judged[n] &= (distance >= max(0.42 * side, 9)) | near[n]
            chosen = distance < max(0.2 * side, 5.7)  # at least one cell: half its diagonal is 5.66
            judged[n] |= chosen
            near[n] |= chosen
            boxes[n][chosen] = x, y, side
    return torch.from_numpy(judged), torch.from_numpy(near), torch.from_numpy(boxes)


def overlaps(a: Tensor, b: Tensor) -> Tensor:
    """Return intersection over union of squares (..., 3), element by element."""
    low = torch.maximum(a[..., :2] - a[..., 2:] / 2, b[..., :2] - b[..., 2:] / 2)
    high = torch.minimum(a[..., :2] + a[..., 2:] / 2, b[..., :2] + b[..., 2:] / 2)
    shared = (high - low).clamp(min=0).prod(-1)
    return shared / (a[..., 2] ** 2 + b[..., 2] ** 2 - shared)


def shot_loss(out: ShotOutput, judged: Tensor, near: Tensor, boxes: Tensor) -> Tensor:
    """Return the quality focal loss of the scores (Li et al., NeurIPS 2020) plus the loss of the boxes."""
    shared = overlaps(out.boxes, boxes)
    quality = torch.where(near, shared.detach(), 0.0)
    error = (quality - out.score.sigmoid()) ** 2
    score = error * F.binary_cross_entropy_with_logits(out.score, quality, reduction="none")
    side = boxes[near][:, 2:]
    off = (out.boxes[near] - boxes[near])[:, :2] / side
    size = torch.log(out.boxes[near][:, 2:] / side)
    place = F.smooth_l1_loss(
        torch.cat([off, size], 1), torch.zeros_like(boxes[near]), reduction="sum", beta=0.02
    )
    return (score[judged].sum() + (1 - shared[near]).sum() + place) / near.sum().clamp(min=1)


@torch.inference_mode()
def shot_errors(network: ShotNet, scenes: Sequence[Scene]) -> dict[str, float]:
    """Return errors on scenes, at a score of one half.

    `recall`: share of the faces of which a cell says so; `overlap`: mean intersection over union of the
    surest box of each face and the face; `false_alarms`: share of the scenes in which a cell without a face
    says there is one.
    """
    found, overlap, alarms = [], [], []
    for scene in scenes:
        out = network(torch.from_numpy(scene.picture[None]))
        judged, near, boxes = targets([scene])
        alarms.append(bool((out.score[judged & ~near] > 0).any()))
        for face in torch.from_numpy(scene.faces):
            own = near & (boxes == face).all(-1)
            if own.any():  # else a larger face covers it
                score, surest = out.score[own].max(0)
                found.append(bool(score > 0))
                overlap.append(overlaps(out.boxes[own][surest], face).item())
    errors = {"recall": np.mean(found), "overlap": np.mean(overlap), "false_alarms": np.mean(alarms)}
    return {name: round(float(value), 4) for name, value in errors.items()}


def train_shots(
    sources: Sources,
    trained_on: tuple[Material, ...],
    recipe: FaceNetworkRecipe,
    out: Path,
    *,
    start: Path | None = None,
    quiet: bool = False,
) -> Path:
    """Train the shot network, and return its weights file; see `train_face_network`.

    Args:
        sources: What scenes are made of; a tenth of the subjects is held out.
        trained_on: What the card says of them.
        recipe: How to train.
        out: Folder of the training.
        start: Weights to start from instead of random ones.
        quiet: Show nothing.

    Raises:
        StoreError: There are too few subjects to hold some out.
    """
    learned, tested = sources.of(held_out=False), sources.of(held_out=True)
    scenes = [draw_scene(tested, np.random.default_rng(number)) for number in range(TEST_SCENES)]

    def draw(step: int) -> list[Scene]:
        rng = np.random.default_rng((recipe.seed, step))
        return [draw_scene(learned, rng) for _ in range(recipe.batch_size)]

    def loss(network: ShotNet, batch: list[Scene]) -> Tensor:
        out = network(torch.from_numpy(np.stack([scene.picture for scene in batch])))
        return shot_loss(out, *targets(batch))

    study = Study[ShotNet, list[Scene]](
        draw=draw,
        loss=loss,
        errors=lambda network: shot_errors(network, scenes),
        trained_on=trained_on,
        learned=learned.sheets,
        held_out=tested.sheets,
    )
    return train_face_network(ShotNet, recipe, study, out, start=start, quiet=quiet)


def read_sources(
    photographs: tuple[Path, Path], rendered: Sequence[Path], empty: Sequence[Path]
) -> tuple[Sources, tuple[Material, ...]]:
    """Return what scenes are made of, and what a card says of it.

    Args:
        photographs: Table of `face_labels`, and the folder of its photographs.
        rendered: SynFACS corpora.
        empty: Folders of JPEG files without faces; those of scikit-image are added.

    Raises:
        StoreError: A picture cannot be read, or a corpus has none.
    """
    table, folder = photographs
    sources = Sources(read_photographs(table, folder), read_renderings(rendered), read_empty(empty))
    people = {sheet.subject for sheet in sources.photographs}
    label = Material(
        name=table.stem,
        fingerprint=_fingerprint([table]),
        pictures=len(sources.photographs),
        people=len(people),
    )
    folders = [(one, sorted(one.glob("*.jpg"))) for one in empty]
    without = [
        Material(name=one.name, fingerprint=_fingerprint(files), pictures=len(files), people=0)
        for one, files in folders
    ]
    return sources, (label, *map(rendered_material, rendered), *without)


def _fingerprint(files: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]
