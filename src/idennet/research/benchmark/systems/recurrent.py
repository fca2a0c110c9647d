"""Systems that look back: an LSTM over features of earlier frames, which a network of single faces gives.

As the authors of ROINet did, the network of single faces is fitted first and its features are kept as they
are; the LSTM then gets the budget's steps too, which cost little. A frame is scored with up to 23 earlier
frames of its recording, drawn at random as in training, never with later ones; which frames the published
networks saw at test is not known.
"""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field, model_validator
from torch import Tensor

from idennet.learning.data.samplers import BalancedFaceSampler
from idennet.learning.data.store import FaceStore
from idennet.learning.evaluation.scores import score
from idennet.learning.losses.au import masked_au_loss
from idennet.models.device import choose_device
from idennet.models.layers import count_weights
from idennet.research.benchmark.losses.offset_entropy import offset_cross_entropy
from idennet.research.benchmark.networks.roinet import EnhancedROINet, ROINet
from idennet.research.benchmark.networks.temporal import WINDOW, TemporalNetwork, draw_windows
from idennet.research.benchmark.systems.contract import Budget, SteppedSystem, TrainingFaces, checked_scores
from idennet.research.benchmark.systems.fitting import FaceBatch, FaceSource, FittedNetwork
from idennet.research.benchmark.systems.folder import claim_folder
from idennet.research.benchmark.systems.idennet import FittedTwoStage, IdenNetSystem
from idennet.research.benchmark.systems.linear import has_both
from idennet.research.benchmark.systems.roinet import ROINetSystem
from idennet.research.benchmark.systems.steps import take_steps

_CHUNK = 1024  # frames of one forward pass


@dataclass(frozen=True)
class FrameFeatures:
    """A fitted network of single faces, asked for features instead of scores.

    Attributes:
        look: Returns features (n, D) of a batch on the device.
        device: Of the network.
        with_landmarks: Whether it reads landmarks.
        parameters: Its weights without biases.
        remarks: Its sentences for the reader of a result.
    """

    look: Callable[[FaceBatch], Tensor]
    device: torch.device
    with_landmarks: bool
    parameters: int
    remarks: tuple[str, ...]

    @torch.inference_mode()
    def recordings_of(self, store: FaceStore) -> "Recordings":
        """Return the features of all frames of a store, and where they lie in their recordings."""
        batches = FaceSource(store, (), self.with_landmarks).chunks()
        features = np.concatenate(
            [self.look(batch.to(self.device)).float().cpu().numpy() for batch in batches]
        )
        names = store.frames["subject"].astype(str) + "\n" + store.frames["sequence"].astype(str)
        _, sequence = np.unique(names.to_numpy(str), return_inverse=True)
        return Recordings(features, sequence, store.frames["frame"].to_numpy(np.int64))


@dataclass(frozen=True)
class Recordings:
    """Features (N, D) of N frames, the number of each one's recording (N,), and its time in it (N,)."""

    features: NDArray[np.float32]
    sequence: NDArray[np.int64]
    time: NDArray[np.int64]

    def windows(self, rows: NDArray[np.int64], seed: tuple[int, ...], window: int) -> Tensor:
        """Return what frames at `rows` are judged with, (n, window, D), on the CPU."""
        return torch.from_numpy(self.features[draw_windows(self.sequence, self.time, rows, seed, window)])


class RecurrentSystem(SteppedSystem):
    """An LSTM over the features of a system of single faces."""

    looks_at: ClassVar[Literal["face", "sequence", "subject"]] = "sequence"

    layers: int = Field(default=1, ge=1, description="LSTM layers")
    hidden: int = Field(
        default=256, ge=1, description="of each; 256 is the authors' script's, the port has 512"
    )
    window: int = Field(default=WINDOW, ge=1, description="frames, the one in question included")
    frames: SteppedSystem = Field(description="of single faces; it learns with the budget of the whole")

    @model_validator(mode="after")
    def _one_budget(self) -> Self:
        if self.frames.budget not in (Budget(), self.budget):
            raise ValueError("both networks learn with the same budget: set budget, not frames.budget")
        return self

    def warnings(self, faces: TrainingFaces) -> tuple[str, ...]:
        """See `System.warnings`."""
        return self._own_frames().warnings(faces)

    def _own_frames(self) -> SteppedSystem:
        return self.frames.model_copy(update={"budget": self.budget})

    @abstractmethod
    def fit_frames(self, faces: TrainingFaces, folder: Path, device: str) -> FrameFeatures:
        """Fit the system of single faces, with this one's budget."""

    def loss(self, logits: Tensor, au_labels: Tensor) -> Tensor:
        """Return the scalar to lower from logits (n, A) and labels (n, A)."""
        return masked_au_loss(logits, au_labels)

    def fit(self, faces: TrainingFaces, folder: Path, device: str = "auto") -> "FittedRecurrent":
        """See `System.fit`."""
        where = choose_device(device)
        claim_folder(folder, self, faces)
        frames = self.fit_frames(faces, folder / "frames", device)
        recordings, labels = frames.recordings_of(faces.train), faces.train.labels(faces.aus)
        seed = self.budget.seed
        sampler = BalancedFaceSampler(labels, seed)
        network = TemporalNetwork(
            recordings.features.shape[1],
            len(faces.aus),
            layers=self.layers,
            hidden=self.hidden,
            window=self.window,
            generator=torch.Generator().manual_seed(seed),
        ).to(where)
        fitted = FittedRecurrent(self, frames, network, faces.aus)

        def prepare(step: int) -> tuple[Tensor, Tensor]:
            rows = sampler.draw(step, self.budget.batch)
            return recordings.windows(rows, (seed, step), self.window), torch.from_numpy(labels[rows])

        take_steps(
            network,
            prepare=prepare,
            loss=lambda batch, _: self.loss(network(batch[0].to(where)), batch[1].to(where)),
            judge=_judge(fitted, faces.validation),
            budget=self.budget,
            optimiser=None,
            folder=folder,
            device=where,
        )
        return fitted


class RecurrentROINetSystem(RecurrentSystem):
    """R-T1 and R-T2: one or two LSTM layers over ROINet's features (Li, Abtahi and Zhu, CVPR 2017)."""

    name: str = "r-t1"
    frames: ROINetSystem = ROINetSystem()

    def fit_frames(self, faces: TrainingFaces, folder: Path, device: str) -> FrameFeatures:
        """See `RecurrentSystem.fit_frames`."""
        fitted = self._own_frames().fit(faces, folder, device)
        assert isinstance(fitted, FittedNetwork)
        network = fitted.network
        assert isinstance(network, ROINet | EnhancedROINet)

        def look(batch: FaceBatch) -> Tensor:
            assert batch.landmarks is not None
            return network.features(batch.faces, batch.landmarks)

        return FrameFeatures(look, fitted.device, True, fitted.parameters, fitted.remarks)

    def loss(self, logits: Tensor, au_labels: Tensor) -> Tensor:
        """Return ROINet's cross entropy with an offset."""
        return offset_cross_entropy(logits, au_labels, self.frames.offset)


class IdenNetLSTMSystem(RecurrentSystem):
    """An LSTM over IdenNet's residual, the closing question of its paper."""

    name: str = "idennet-lstm"
    frames: IdenNetSystem = IdenNetSystem()

    def fit_frames(self, faces: TrainingFaces, folder: Path, device: str) -> FrameFeatures:
        """See `RecurrentSystem.fit_frames`."""
        fitted = self._own_frames().fit(faces, folder, device)
        assert isinstance(fitted, FittedTwoStage)

        def look(batch: FaceBatch) -> Tensor:
            residual: Tensor = fitted.network(batch.faces).au_residual
            return residual

        return FrameFeatures(look, fitted.device, False, fitted.parameters, fitted.remarks)


@dataclass(frozen=True)
class FittedRecurrent:
    """An LSTM that has learnt, and the network whose features it reads."""

    settings: RecurrentSystem
    frames: FrameFeatures
    network: TemporalNetwork
    aus: tuple[int, ...]

    @property
    def parameters(self) -> int:
        """Weights without biases of both networks."""
        return self.frames.parameters + count_weights(self.network)

    @property
    def remarks(self) -> tuple[str, ...]:
        """Those of the network of single faces, and what else is looked at."""
        earlier = self.settings.window - 1
        return *self.frames.remarks, f"Looks at up to {earlier} earlier frames of the recording."

    def predict(self, store: FaceStore) -> NDArray[np.float32]:
        """Return scores (N, A) of a store's frames; they do not depend on what else the store holds."""
        return checked_scores(self.scores(self.frames.recordings_of(store)), store, self.aus)

    @torch.inference_mode()
    def scores(self, recordings: Recordings) -> NDArray[np.float32]:
        """Return scores (N, A) of frames whose features are known."""
        scores = []
        for rows in np.split(np.arange(len(recordings.time)), range(_CHUNK, len(recordings.time), _CHUNK)):
            windows = recordings.windows(rows, (self.settings.budget.seed,), self.settings.window)
            scores.append(self.network(windows.to(self.frames.device)).sigmoid().cpu().numpy())
        return np.concatenate(scores)


def _judge(fitted: FittedRecurrent, store: FaceStore | None) -> Callable[[], float] | None:
    """Return what gives the mean AUC on validation frames; their features are taken once."""
    if store is None:
        return None
    labels = store.labels(fitted.aus)
    if not any(has_both(column) for column in labels.T):
        return None
    recordings, subjects = fitted.frames.recordings_of(store), store.frames["subject"].to_numpy(str)
    return lambda: score(fitted.scores(recordings), labels, subjects, fitted.aus).mean_auc
