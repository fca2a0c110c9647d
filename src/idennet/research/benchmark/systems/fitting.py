"""Networks as systems: one way to draw faces, fit and predict, so that only what is compared differs."""

from abc import abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn

from idennet.errors import InputError
from idennet.learning.data.samplers import BalancedFaceSampler
from idennet.learning.data.store import FaceStore
from idennet.learning.evaluation.scores import score
from idennet.learning.losses.au import masked_au_loss
from idennet.learning.training.augment import Augmentation, Augmenter
from idennet.learning.training.initialise import standardise_layers
from idennet.learning.training.optimiser import Optimiser
from idennet.learning.training.stages import to_tensor
from idennet.models.device import choose_device
from idennet.models.layers import count_weights
from idennet.research.benchmark.systems.contract import Fitted, SteppedSystem, TrainingFaces, checked_scores
from idennet.research.benchmark.systems.folder import claim_folder
from idennet.research.benchmark.systems.sgd import Sgd
from idennet.research.benchmark.systems.steps import FITTED, common_optimiser, take_steps

FACES_AT_ONCE = 64
"""Faces of one forward pass outside training, and those to which first weights are fitted."""

COMMON_AUGMENTATION = Augmentation(
    flip=0.5, shift=4, scale=0.06, rotation=6, gain=0.25, contrast=0.25, gamma=0.4
)
"""What all networks are compared with."""

FROM_SCRATCH = "Started from random weights, not from ImageNet's."


@dataclass(frozen=True)
class FaceBatch:
    """N faces on the network's device, and what is known of them.

    Attributes:
        faces: (N, 3, 128, 128) uint8 RGB.
        landmarks: (N, 68, 2) float32 pixels of the crop; None for a system that does not need them.
        au_labels: (N, A) int8, 1, 0 or -1; -1 throughout where a store is scored.
        subjects: (N,) int64 position in `subjects` of the store.
        step: Of the fit; -1 where a store is scored.
    """

    faces: Tensor
    landmarks: Tensor | None
    au_labels: Tensor
    subjects: Tensor
    step: int = -1

    def to(self, device: torch.device) -> "FaceBatch":
        """Return the batch on a device."""
        landmarks = None if self.landmarks is None else self.landmarks.to(device)
        tensors = (self.faces.to(device), landmarks, self.au_labels.to(device), self.subjects.to(device))
        return FaceBatch(*tensors, self.step)


class FaceSource:
    """Batches of a store's faces.

    Args:
        store: The faces.
        aus: Whose labels are read; `()` reads none.
        with_landmarks: Whether batches have landmarks.

    Raises:
        InputError: Landmarks are needed and a face has none.
    """

    def __init__(self, store: FaceStore, aus: tuple[int, ...], with_landmarks: bool) -> None:
        self.store = store
        self.labels = store.labels(aus)
        self._landmarks = store.landmarks if with_landmarks else None
        if self._landmarks is not None and (missing := np.isnan(self._landmarks).all(axis=(1, 2))).any():
            raise InputError(
                f"{missing.sum()} faces of {store.path} have no landmarks; this system needs them."
            )

    def batch(self, rows: NDArray[np.int64], augmenter: Augmenter | None = None, step: int = -1) -> FaceBatch:
        """Return the faces at `rows` on the CPU, changed by an augmenter if there is one."""
        faces = self.store.read(rows)
        if augmenter is not None:
            faces = augmenter(faces, step)
        return FaceBatch(
            to_tensor(faces, torch.device("cpu")),
            None if self._landmarks is None else torch.from_numpy(self._landmarks[rows]),
            torch.from_numpy(self.labels[rows]),
            torch.from_numpy(self.store.subject_index[rows]),
            step,
        )

    def chunks(self) -> Iterator[FaceBatch]:
        """Yield all faces in order."""
        for start in range(0, len(self.store), FACES_AT_ONCE):
            yield self.batch(np.arange(start, min(start + FACES_AT_ONCE, len(self.store))))


class NetworkSystem(SteppedSystem):
    """A network that scores single faces, fitted by gradients. Override `build`; often nothing else."""

    needs_landmarks: ClassVar[bool] = False
    """Whether batches have landmarks. Augmentation then leaves the geometry alone, or they would not fit."""

    rare_aus: bool = Field(default=True, description="draw faces the more often the rarer their AUs")
    augmentation: Augmentation = COMMON_AUGMENTATION
    optimiser: Optimiser | Sgd | None = Field(
        default=None, description="None: Adam at the budget's rate, equal for all; else the published one"
    )
    rate_factor: float = Field(
        default=1.0, gt=0, description="of the budget's rate; full layers thousands wide need less with Adam"
    )
    fit_to_faces: bool = Field(
        default=True, description="scale the first weights to the data, as for IdenNet; no source does this"
    )

    @abstractmethod
    def build(self, faces: TrainingFaces, generator: torch.Generator) -> nn.Module:
        """Return the network with its first weights, drawn from `generator`, on the CPU."""

    def logits(self, network: nn.Module, batch: FaceBatch) -> Tensor:
        """Return AU logits (N, A)."""
        logits: Tensor = network(batch.faces)
        return logits

    def loss(self, network: nn.Module, batch: FaceBatch) -> Tensor:
        """Return the scalar to lower; here the cross entropy of all coded labels (Eq. 3)."""
        return masked_au_loss(self.logits(network, batch), batch.au_labels)

    def draw_from(self, training: FaceSource) -> Callable[[int], NDArray[np.int64]]:
        """Return what gives the rows of a step's batch, a pure function of the step."""
        labels = training.labels if self.rare_aus else np.zeros_like(training.labels)
        sampler = BalancedFaceSampler(labels, self.budget.seed)
        return lambda step: sampler.draw(step, self.budget.batch)

    def heads(self, network: nn.Module) -> tuple[nn.Module, ...]:
        """Return the layers whose first weights are never scaled; here the last one that was registered."""
        return ([layer for layer in network.modules() if isinstance(layer, nn.Conv2d | nn.Linear)][-1],)

    def scale_to(self, network: nn.Module, batch: FaceBatch) -> None:
        """Scale the first weights to some dozens of training faces."""
        standardise_layers(network, self.heads(network), lambda: self.logits(network, batch))

    def remarks(self) -> tuple[str, ...]:
        """Return the sentences that a reader of the result must know."""
        return () if self.is_pretrained() else (FROM_SCRATCH,)

    def is_pretrained(self) -> bool:
        """Return whether `build` reads weights from a file; their scale is then left alone."""
        return False

    def fit(self, faces: TrainingFaces, folder: Path, device: str = "auto") -> Fitted:
        """See `System.fit`."""
        where = choose_device(device)
        claim_folder(folder, self, faces)
        training = FaceSource(faces.train, faces.aus, self.needs_landmarks)
        if not (training.labels == 1).any():
            raise InputError("No face of the training subjects shows any Action Unit to learn.")
        network = self.build(faces, torch.Generator().manual_seed(self.budget.seed))
        if self.fit_to_faces and not self.is_pretrained() and not (folder / FITTED).is_file():
            self._scale_first_weights(network, training)
        network.to(where)
        fitted = FittedNetwork(self, network, faces.aus, where)
        draw = self.draw_from(training)
        augmenter = Augmenter(self._strengths(), self.budget.seed)

        def prepare(step: int) -> FaceBatch:
            return training.batch(draw(step), augmenter, step)

        take_steps(
            network,
            prepare=prepare,
            loss=lambda batch, _: self.loss(network, batch.to(where)),
            judge=validation_score(fitted, faces),
            budget=self.budget,
            optimiser=self.optimiser or common_optimiser(self.budget, self.rate_factor),
            folder=folder,
            device=where,
        )
        return fitted

    def _strengths(self) -> Augmentation:
        if not self.needs_landmarks:
            return self.augmentation
        still = dict.fromkeys(("flip", "shift", "scale", "rotation", "shear"), 0.0)
        return self.augmentation.model_copy(update=still)

    def _scale_first_weights(self, network: nn.Module, training: FaceSource) -> None:
        rows = np.random.default_rng(self.budget.seed).permutation(len(training.store))[:FACES_AT_ONCE]
        batch = training.batch(np.sort(rows))
        network.eval()
        self.scale_to(network, batch)


@dataclass(frozen=True)
class FittedNetwork:
    """A network that has learnt, with the system that knows how to ask it."""

    system: NetworkSystem
    network: nn.Module
    aus: tuple[int, ...]
    device: torch.device

    @property
    def parameters(self) -> int:
        """Weights without biases."""
        return count_weights(self.network)

    @property
    def remarks(self) -> tuple[str, ...]:
        """See `NetworkSystem.remarks`."""
        return self.system.remarks()

    def predict(self, store: FaceStore) -> NDArray[np.float32]:
        """Return scores (N, A) of a store's faces."""
        look = partial(self.system.logits, self.network)
        scores = sigmoid_scores(look, store, self.device, self.system.needs_landmarks)
        return checked_scores(scores, store, self.aus)

    def mean_auc(self, store: FaceStore) -> float:
        """Return the mean AUC over the Action Units of a store's faces; this reads their labels."""
        subjects = store.frames["subject"].to_numpy(str)
        return score(self.predict(store), store.labels(self.aus), subjects, self.aus).mean_auc


@torch.inference_mode()
def sigmoid_scores(
    look: Callable[[FaceBatch], Tensor], store: FaceStore, device: torch.device, with_landmarks: bool = False
) -> NDArray[np.float32]:
    """Return probabilities (N, A) of a store's faces from a network in evaluation mode.

    Args:
        look: Returns logits (n, A) of a batch on the device.
        store: The faces; its labels are not read.
        device: Of the network.
        with_landmarks: Whether batches have landmarks.

    Raises:
        InputError: Landmarks are needed and a face has none.
    """
    batches = FaceSource(store, (), with_landmarks).chunks()
    return np.concatenate([look(batch.to(device)).float().sigmoid().cpu().numpy() for batch in batches])


def validation_score(fitted: FittedNetwork, faces: TrainingFaces) -> Callable[[], float] | None:
    """Return what measures a network on validation faces; None without such faces or without both labels."""
    store = faces.validation
    if store is None:
        return None
    labels = store.labels(faces.aus)
    both = (labels == 1).any(axis=0) & (labels == 0).any(axis=0)
    return partial(fitted.mean_auc, store) if both.any() else None
