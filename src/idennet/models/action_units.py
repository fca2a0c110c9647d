"""From aligned faces to Action Units: a network with all that belongs to its reading, as one module.

The module takes faces as they come and gives probabilities as they are meant: scaling, mirroring and
calibration are inside. It is what an export contains.
"""

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

import idennet.models.threads  # noqa: F401 - makes computing after a fork safe
from idennet.errors import ShapeError
from idennet.facs import AUS_OF_PART, PARTS
from idennet.models.calibration import CLIP, IDENTITY
from idennet.models.device import choose_device
from idennet.models.weights import Network, WeightsSidecar, load_bundled, load_weights, weights_file

CROP_SHAPE = (128, 128, 3)
"""Height, width and channels of an aligned face."""

BATCH = 16
"""Pictures of faces, mirror images included, that the network reads at a time on the CPU; for more, memory is
asked of the system anew each time (docs/performance.md)."""

BATCH_ON_GPU = 32

STRONGEST = 5.0
"""Intensity of an Action Unit at its maximum: E in FACS's letters A to E."""


SEEN_FROM = 0.5
"""Probability from which a part of a face counts as visible."""


class Readings(NamedTuple):
    """What a network says about N aligned faces.

    Attributes:
        probs: (N, A) float32, probability of each Action Unit.
        embeddings: (N, D) float32, who it is, or None for a network without identity branch; of unit length
            for a network without shape branch, else the longer the surer.
        sides: (N, A, 2) float32, intensity of each Action Unit on the subject's left and right, 0 to 5; None
            for a network that is not graded. Outside `facs.SIDED_AUS` the two mean nothing apart.
        visible: (N, 3) float32, probability that each of `facs.PARTS` can be seen; None likewise.
    """

    probs: NDArray[np.float32]
    embeddings: NDArray[np.float32] | None
    sides: NDArray[np.float32] | None = None
    visible: NDArray[np.float32] | None = None

    @property
    def intensities(self) -> NDArray[np.float32] | None:
        """(N, A) float32, 0 to 5: that of the stronger side; None for a network that is not graded."""
        return None if self.sides is None else self.sides.max(axis=2)


class ActionUnitModel(nn.Module):
    """Reads Action Units from aligned faces; safe to be read from several threads.

    Args:
        network: Trained, in any memory layout; copied.
        card: Of its weights.
        device: "auto" (CUDA where it exists, else the CPU), or the name of a torch device.
        mirror: Whether each face is also read as its mirror image, and both probabilities averaged; this
            doubles the time. docs/performance.md says what it brings.

    Raises:
        InputError: The device does not exist here.
    """

    def __init__(
        self, network: Network, card: WeightsSidecar, device: str = "auto", *, mirror: bool = False
    ) -> None:
        super().__init__()
        self.card = card
        self.mirror = mirror
        self.device = choose_device(device)
        # Channels last nearly halves the time on a CPU.
        self.network = copy.deepcopy(network).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        scale_and_shift = [card.calibration.get(au, IDENTITY) for au in card.aus]
        scale, shift = torch.tensor(scale_and_shift, dtype=torch.float64).unbind(dim=1)
        self.scale: Tensor
        self.shift: Tensor
        self.register_buffer("scale", scale)
        self.register_buffer("shift", shift)
        self.to(self.device).eval().requires_grad_(False)

    @classmethod
    def open(cls, weights: str | Path | None = None, device: str = "auto", *, mirror: bool = False) -> Self:
        """Return the model of some weights.

        Args:
            weights: A `.safetensors` file, or the folder of a run; None: the bundled weights.
            device: As for the class.
            mirror: As for the class.

        Raises:
            WeightsError: The weights are missing, altered or of another network.
            InputError: The device does not exist here, or the folder holds no weights.
        """
        network, card = load_bundled() if weights is None else load_weights(weights_file(Path(weights)))
        return cls(network, card, device, mirror=mirror)

    @property
    def aus(self) -> tuple[int, ...]:
        """Action Units in the order of the probabilities."""
        return tuple(self.card.aus)

    def unseen(self, readings: Readings) -> NDArray[np.bool_]:
        """Return which Action Units cannot be read, (N, A), since their part of the face is hidden."""
        unseen = np.zeros(readings.probs.shape, bool)
        if readings.visible is not None:
            for part, seen in zip(PARTS, readings.visible.T, strict=True):
                unseen[:, np.isin(self.aus, AUS_OF_PART[part])] |= (seen < SEEN_FROM)[:, None]
        return unseen

    def forward(self, faces: Tensor) -> tuple[Tensor | None, ...]:
        """Return what `Readings` has, float32: probabilities, embeddings, sides and visible parts, or None.

        Args:
            faces: Aligned RGB faces, (N, 3, 128, 128), `uint8`, or floating point in [0, 1].

        Raises:
            ShapeError: The faces have another shape or dtype.
        """
        views = torch.cat([faces, faces.flip(-1)]) if self.mirror else faces
        shape = (2 if self.mirror else 1, len(faces))
        output = self.network(views)
        probs = output.au_logits.sigmoid().unflatten(0, shape).mean(dim=0)
        if self.card.calibration:
            # As `calibration.calibrate`, in PyTorch, so that an export contains it.
            probs = torch.sigmoid(self.scale * torch.logit(probs.double(), eps=CLIP) + self.shift)
        if output.who is not None:
            embeddings = output.who.unflatten(0, shape).mean(dim=0)
        elif (embeddings := output.identity_embedding) is not None:
            embeddings = nn.functional.normalize(embeddings.unflatten(0, shape).sum(dim=0), dim=1)
        if output.side_logits is None or output.part_logits is None:
            return probs.float(), embeddings
        sides = STRONGEST * output.side_logits.sigmoid().unflatten(0, shape)
        if self.mirror:  # left and right change places in a mirror
            sides = torch.stack([sides[0], sides[1].flip(-1)])
        visible = output.part_logits.sigmoid().unflatten(0, shape).mean(dim=0)
        return probs.float(), embeddings, sides.mean(dim=0).float(), visible.float()

    @torch.inference_mode()
    def read(self, crops: NDArray[np.uint8]) -> Readings:
        """Return what the network says about aligned faces, batch by batch.

        Args:
            crops: (N, 128, 128, 3) uint8 RGB, aligned with `idennet.faces.alignment.align`.

        Raises:
            ShapeError: `crops` has another shape or dtype.
        """
        if crops.ndim != 4 or crops.shape[1:] != CROP_SHAPE or crops.dtype != np.uint8:
            raise ShapeError(
                f"Faces have shape {crops.shape} and dtype {crops.dtype}; give (N, 128, 128, 3) uint8."
            )
        batch = BATCH if self.device.type == "cpu" else BATCH_ON_GPU
        size = batch // 2 if self.mirror else batch
        parts = [self._read(crops[start : start + size]) for start in range(0, max(len(crops), 1), size)]
        columns = zip(*parts, strict=True)
        return Readings(*map(_joined, columns))

    def _read(self, crops: NDArray[np.uint8]) -> list[NDArray[np.float32] | None]:
        batch = np.array(crops, order="C")  # writable, as torch asks
        read = self(torch.from_numpy(batch).to(self.device).permute(0, 3, 1, 2))
        return [None if values is None else values.cpu().numpy() for values in read]


def _joined(parts: Sequence[NDArray[np.float32] | None]) -> Any:
    """Return one array of several, or None where the network says nothing."""
    arrays = [part for part in parts if part is not None]
    return np.concatenate(arrays) if arrays else None
