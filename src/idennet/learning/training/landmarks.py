"""Training of the landmark network on rendered faces."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from idennet.errors import StoreError
from idennet.faces.crop import cut, squares_around
from idennet.faces.landmark_net import POSE_UNIT, LandmarkNet, LandmarkOutput
from idennet.faces.landmarks import eye_centres
from idennet.learning.training.face_networks import (
    FaceNetworkRecipe,
    Study,
    rendered_material,
    train_face_network,
)
from idennet.learning.training.landmark_crops import (
    Crops,
    Frames,
    Grey,
    draw_crops,
    pictures_without_faces,
    read_frames,
    scene_crop,
    to_crop,
)

FACELESS_CROPS = 500
"""Crops without a face, among which false alarms are counted."""
_EYES = slice(36, 48)


def landmark_loss(out: LandmarkOutput, crops: Crops) -> torch.Tensor:
    """Return the mean loss of a batch: points of faces (eyes count double), face or not, pose of faces."""
    faces = torch.from_numpy(crops.faces)
    target = torch.from_numpy(crops.landmarks)
    point = F.smooth_l1_loss(out.landmarks, target, reduction="none", beta=0.5).mean(2)
    point = (point.sum(1) + point[:, _EYES].sum(1)) / 80
    judged = F.binary_cross_entropy_with_logits(out.face_logit, faces)
    pose = F.smooth_l1_loss(out.pose / POSE_UNIT, torch.from_numpy(crops.pose) / POSE_UNIT, reduction="none")
    face_count = faces.sum().clamp(min=1)
    return (faces * point).sum() / face_count + judged + 0.5 * (faces * pose.mean(1)).sum() / face_count


@torch.inference_mode()
def landmark_errors(network: torch.nn.Module, frames: Frames, scenes: Sequence[Grey]) -> dict[str, float]:
    """Return errors on rendered frames, each cropped as the finder crops it in its last round.

    The mean distance of the 68 points and of the two eye centres is divided by the distance between the eye
    centres as it is in the picture, by range of yaw; `face_recall` and `false_alarms` are shares above 0.5.
    """
    squares = squares_around(frames.landmarks)
    squares[:, :2] += (
        0.05 * squares[:, 2:3] * np.sin(np.arange(2 * len(squares)).reshape(-1, 2))
    )  # a steady jitter
    pairs = list(zip(frames.pictures, squares, strict=True))
    out = network(torch.from_numpy(np.stack([cut(picture, square) for picture, square in pairs])))
    target = np.stack(
        [to_crop(points, square) for points, square in zip(frames.landmarks, squares, strict=True)]
    )
    points = out.landmarks.numpy()
    eyes = eye_centres(target)
    between = np.linalg.norm(eyes[:, 0] - eyes[:, 1], axis=1)
    point = np.linalg.norm(points - target, axis=2).mean(1) / between
    eye = np.linalg.norm(eye_centres(points) - eyes, axis=2).mean(1) / between
    errors = {}
    for low, high in ((0, 15), (15, 30), (30, 45), (45, 90)):
        chosen = (np.abs(frames.pose[:, 0]) >= low) & (np.abs(frames.pose[:, 0]) < high)
        if chosen.any():
            errors[f"points_yaw_{low}_{high}"] = float(point[chosen].mean())
            errors[f"eyes_yaw_{low}_{high}"] = float(eye[chosen].mean())
    rng = np.random.default_rng(0)
    faceless = np.stack([scene_crop(scenes, rng) for _ in range(FACELESS_CROPS)])
    nothing = network(torch.from_numpy(faceless)).face_logit
    errors["face_recall"] = float((out.face_logit > 0).float().mean())
    errors["false_alarms"] = float((nothing > 0).float().mean())
    errors["pose_degrees"] = float(np.abs(out.pose.numpy() - frames.pose).mean())
    return {name: round(value, 4) for name, value in errors.items()}


def train_landmarks(
    corpora: Sequence[Path],
    recipe: FaceNetworkRecipe,
    out: Path,
    *,
    start: Path | None = None,
    quiet: bool = False,
) -> Path:
    """Train the landmark network, and return its weights file; see `train_face_network`.

    Args:
        corpora: Folders of rendered faces in the SynFACS format; a tenth of the subjects is held out.
        recipe: How to train.
        out: Folder of the training.
        start: Weights to start from instead of random ones.
        quiet: Show nothing.

    Raises:
        StoreError: A corpus holds no subjects, or none is left for training or testing.
    """
    frames, scenes = read_frames(corpora), pictures_without_faces()
    held_out = frames.held_out()
    if held_out.all() or not held_out.any():
        raise StoreError("These corpora have too few subjects to hold some out; render at least 50.")
    learned, tested = frames.of(~held_out), frames.of(held_out)
    study = Study[LandmarkNet, Crops](
        draw=lambda step: draw_crops(
            learned, scenes, recipe.batch_size, np.random.default_rng([recipe.seed, step])
        ),
        loss=lambda network, crops: landmark_loss(network(torch.from_numpy(crops.crops)), crops),
        errors=lambda network: landmark_errors(network, tested, scenes),
        trained_on=tuple(map(rendered_material, corpora)),
        learned=len(learned.pictures),
        held_out=len(tested.pictures),
    )
    return train_face_network(LandmarkNet, recipe, study, out, start=start, quiet=quiet)
