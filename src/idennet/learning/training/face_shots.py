"""Training of the shot network, which finds faces.

`python -m idennet.learning.training.face_shots --photographs TABLE FOLDER --rendered CORPUS --empty FOLDER
--out FOLDER` writes `shots.safetensors` and its card. Interrupt it whenever you like: the same command
continues. `docs/faces.md` says which pictures the bundled weights were trained on.
"""

import argparse
import hashlib
import json
import math
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from idennet.faces.card import Material, NetworkCard, to_bytes, write_network
from idennet.faces.shot_net import STRIDE, ShotNet, ShotOutput
from idennet.files import draft_of
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
_WARM = 300  # steps
_SAVE_EVERY = 250  # steps
_TELL_EVERY = 100  # steps


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


class Training:
    """The state of a training, which continues from its checkpoint.

    Args:
        sources: What scenes are made of.
        folder: Where the checkpoint is.
        steps: Length.
        batch_size: Scenes a step.
        learning_rate: The largest; it rises over the first steps and falls to almost 0 along a cosine.
        seed: Names the first weights and all scenes.
    """

    def __init__(
        self,
        sources: Sources,
        folder: Path,
        steps: int,
        batch_size: int = 16,
        learning_rate: float = 3e-3,
        seed: int = 0,
    ) -> None:
        self.sources, self.steps, self.seed = sources, steps, seed
        self._batch_size, self._learning_rate = batch_size, learning_rate
        self._checkpoint = folder / "checkpoint.pt"
        torch.manual_seed(seed)
        self.network = ShotNet().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._average = AveragedModel(
            self.network, multi_avg_fn=get_ema_multi_avg_fn(0.998), use_buffers=True
        )
        self._optimiser = torch.optim.AdamW(self.network.parameters(), weight_decay=1e-3)
        self.step = 0
        if self._checkpoint.exists():
            state = torch.load(self._checkpoint, weights_only=True)
            self.network.load_state_dict(state["network"])
            self._average.load_state_dict(state["average"])
            self._optimiser.load_state_dict(state["optimiser"])
            self.step = state["step"]

    def advance(self) -> float:
        """Take one step and return its loss."""
        warm = min(1.0, (self.step + 1) / _WARM)
        fallen = 0.5 * (1 + math.cos(math.pi * self.step / self.steps))
        for group in self._optimiser.param_groups:
            group["lr"] = self._learning_rate * warm * fallen + 1e-5
        rng = np.random.default_rng((self.seed, self.step))
        scenes = [draw_scene(self.sources, rng) for _ in range(self._batch_size)]
        out = self.network.train()(torch.from_numpy(np.stack([scene.picture for scene in scenes])))
        loss = shot_loss(out, *targets(scenes))
        self._optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        self._optimiser.step()
        self._average.update_parameters(self.network)
        self.step += 1
        if self.step % _SAVE_EVERY == 0 or self.step == self.steps:
            self._save()
        return loss.item()

    def trained(self) -> ShotNet:
        """Return the network with the running mean of its weights."""
        network = self._average.module
        assert isinstance(network, ShotNet)
        return network.eval()

    def _save(self) -> None:
        state = {"network": self.network.state_dict(), "average": self._average.state_dict()}
        with draft_of(self._checkpoint) as draft:
            torch.save(state | {"optimiser": self._optimiser.state_dict(), "step": self.step}, draft)


def material(path: Path, pictures: int) -> Material:
    """Return what a card says of a corpus, a table of labels or a folder of pictures."""
    described = path / "corpus.json"
    if described.is_file():
        corpus = json.loads(described.read_text(encoding="utf-8"))
        return Material(name=corpus["name"], fingerprint=corpus["digest"], pictures=pictures)
    files = [path] if path.is_file() else sorted(path.glob("*.jpg"))
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.read_bytes())
    return Material(name=path.stem, fingerprint=digest.hexdigest()[:12], pictures=pictures)


def main() -> None:
    """Train, and write the weights and their card."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--photographs",
        type=Path,
        nargs=2,
        metavar=("TABLE", "FOLDER"),
        required=True,
        help="labels by face_labels, and the folder of their photographs",
    )
    parser.add_argument("--rendered", type=Path, nargs="+", required=True, help="SynFACS corpora")
    parser.add_argument("--empty", type=Path, nargs="*", default=[], help="folders of JPEG without faces")
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    parser.add_argument("--steps", type=int, default=12_500)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    given.out.mkdir(parents=True, exist_ok=True)
    rendered = [read_renderings([corpus]) for corpus in given.rendered]
    empty = [read_empty([folder]) for folder in given.empty] or [read_empty([])]
    sources = Sources(
        read_photographs(*given.photographs),
        [sheet for sheets in rendered for sheet in sheets],
        [sheet for sheets in empty for sheet in sheets],
    )
    training = Training(sources, given.out, given.steps, seed=given.seed)
    losses: list[float] = []
    while training.step < training.steps:
        losses.append(training.advance())
        if training.step % _TELL_EVERY == 0:
            print(f"step {training.step} of {training.steps}: loss {np.mean(losses):.3f}", flush=True)
            losses.clear()

    content = to_bytes(training.trained())
    sha256 = hashlib.sha256(content).hexdigest()
    pictures = [len(sources.photographs), *map(len, rendered), *map(len, empty)]
    paths = [given.photographs[0], *given.rendered, *given.empty]
    card = NetworkCard(
        version=f"shots-{sha256[:8]}",
        network="ShotNet",
        sha256=sha256,
        recipe="shots",
        recipe_digest=None,
        steps=given.steps,
        seed=given.seed,
        trained_on=tuple(material(path, count) for path, count in zip(paths, pictures, strict=False)),
        learned=sum(pictures),
        held_out=0,
        errors={},
        date=datetime.now(UTC).date().isoformat(),
    )
    write_network(content, card, given.out / "shots.safetensors")


if __name__ == "__main__":
    main()
