"""Training of the landmark network on rendered faces.

`python -m idennet.learning.training.landmarks CORPUS --out FILE` writes a float16 safetensors file and,
beside it, a JSON record with its sha256 and where it comes from.
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save
from torch.nn import functional as F

from idennet.errors import IdenNetError, StoreError
from idennet.faces.crop import CROP_SIZE, cut, squares_around
from idennet.faces.landmark_net import POSE_UNIT, LandmarkNet, LandmarkOutput, load_landmark_net
from idennet.faces.landmarks import eye_centres
from idennet.files import drafts_of
from idennet.learning.training.checkpoint import load_checkpoint
from idennet.learning.training.engine import Cost, Engine, Lesson, Numbers, Pace, running_mean
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
from idennet.learning.training.optimiser import Optimiser

AVERAGE = 0.995
"""Decay of the running mean of weights, which is what is kept."""

FACELESS_CROPS = 500
"""Crops without a face, among which false alarms are counted."""
_EYES = slice(36, 48)


class DecoupledAdam(Optimiser):
    """AdamW: weights decay by themselves, not through the gradient."""

    def build(self, network: torch.nn.Module) -> torch.optim.Optimizer:
        """Return AdamW over all parameters, fused into one pass."""
        return torch.optim.AdamW(
            network.parameters(), lr=self.learning_rate, weight_decay=self.weight_decay, fused=True
        )


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
    out: Path,
    steps: int = 8000,
    batch_size: int = 64,
    learning_rate: float = 3e-3,
    seed: int = 0,
    start: Path | None = None,
    checkpoint_every: int = 500,
) -> dict[str, float]:
    """Train the landmark network, write its weights and record, and return its errors on held-out subjects.

    A checkpoint lies beside `out` (`.checkpoint`) until the end; the same call continues from it.

    Args:
        corpora: Folders of rendered faces in the SynFACS format; a tenth of the subjects is held out.
        out: The safetensors file to write; `.json` beside it becomes its record.
        steps: Steps of Adam; the rate rises for a tenth of them and then falls to zero as half a cosine.
        batch_size: Crops a step.
        learning_rate: The highest learning rate.
        seed: Decides the first weights and every crop.
        start: Weights to start from (a safetensors file), else random ones.
        checkpoint_every: Steps between checkpoints, at each of which errors are printed.

    Raises:
        StoreError: A corpus holds no subjects, or none is left for training or testing.
    """
    torch.manual_seed(seed)
    frames, scenes = read_frames(corpora), pictures_without_faces()
    held_out = frames.held_out()
    if held_out.all() or not held_out.any():
        raise StoreError("These corpora have too few subjects to hold some out; render at least 50.")
    learned, tested = frames.of(~held_out), frames.of(held_out)
    network = LandmarkNet()
    if start is not None:
        network.load_state_dict(load_landmark_net(start).state_dict())
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    average, checkpoint = running_mean(network, AVERAGE), out.with_suffix(".checkpoint")

    def keep(judged: torch.nn.Module, numbers: Numbers) -> None:
        errors = landmark_errors(judged.eval(), tested, scenes)
        print(f"step {numbers['step']:.0f}: {json.dumps(errors)}", flush=True)

    engine = Engine(
        network,
        Lesson(
            lambda step: draw_crops(learned, scenes, batch_size, np.random.default_rng([seed, step])),
            lambda crops, _: Cost(landmark_loss(network(torch.from_numpy(crops.crops)), crops)),
            judge=None,  # the newest weights are kept: the held-out subjects choose nothing
            keep=keep,
        ),
        DecoupledAdam(
            learning_rate=learning_rate,
            weight_decay=1e-3,
            schedule="cosine",
            warm_up=steps // 10,
            final_fraction=0,
            clip_norm=5.0,
        ),
        Pace(steps, checkpoint_every, checkpoint_every, checkpoint_every),
        seed=seed,
        device=torch.device("cpu"),
        checkpoint=checkpoint,
        average=average,
    )
    if checkpoint.is_file():
        engine.restore(*load_checkpoint(checkpoint))
    engine.run()
    final = LandmarkNet()
    final.load_state_dict({name: value.half() for name, value in average.module.state_dict().items()})
    errors = landmark_errors(final.eval(), tested, scenes)
    _write(final, out, {
        "trained_on": [json.loads((corpus / "corpus.json").read_text()) for corpus in corpora],
        "frames": len(learned.pictures), "held_out_frames": len(tested.pictures), "steps": steps,
        "batch_size": batch_size, "learning_rate": learning_rate, "seed": seed,
        "started_from": None if start is None else hashlib.sha256(start.read_bytes()).hexdigest(),
        "errors": errors,
    })  # fmt: skip
    checkpoint.unlink(missing_ok=True)
    return errors


def _write(network: LandmarkNet, out: Path, record: dict[str, Any]) -> None:
    state = {
        name: (value.half() if value.is_floating_point() else value).contiguous()
        for name, value in network.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    data = save(state)
    digest = hashlib.sha256(data).hexdigest()
    record = {"sha256": digest, "network": "LandmarkNet", "input": CROP_SIZE} | record
    record["date"] = datetime.now(UTC).date().isoformat()
    with drafts_of(out, out.with_suffix(".json")) as (tensors_draft, record_draft):
        tensors_draft.write_bytes(data)
        record_draft.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8", newline="\n")


def main() -> int:
    """Train from the command line; return the exit code."""
    parser = argparse.ArgumentParser(description="Train the landmark network on rendered faces.")
    parser.add_argument("corpus", type=Path, nargs="+", help="folders in the SynFACS format")
    parser.add_argument("--out", type=Path, required=True, help="safetensors file to write")
    parser.add_argument("--steps", type=int, default=8000)
    parser.add_argument("--learning-rate", type=float, default=3e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--start", type=Path, help="weights to start from")
    given = parser.parse_args()
    try:
        errors = train_landmarks(
            given.corpus,
            given.out,
            given.steps,
            learning_rate=given.learning_rate,
            seed=given.seed,
            start=given.start,
        )
    except IdenNetError as error:
        print(error, file=sys.stderr)
        return 2
    print(json.dumps(errors))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
