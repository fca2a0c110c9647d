"""CCNET + CDA as a system: kernels from patches, expression apart from the rest, one linear machine an AU."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn

from idennet.learning.data.samplers import BalancedFaceSampler
from idennet.learning.data.store import FaceStore
from idennet.learning.losses.au import masked_au_loss
from idennet.models.device import choose_device
from idennet.models.layers import count_weights
from idennet.research.benchmark.losses.contractive import contraction, shared_directions
from idennet.research.benchmark.networks.ccnet import CCNet, DiscriminantCode, SigmoidCode
from idennet.research.benchmark.systems.contract import SteppedSystem, TrainingFaces, checked_scores
from idennet.research.benchmark.systems.fitting import FaceSource
from idennet.research.benchmark.systems.folder import claim_folder
from idennet.research.benchmark.systems.learnt_arrays import Arrays, learn_once
from idennet.research.benchmark.systems.linear import (
    Values,
    large_machines,
    margins,
    scores_of,
)
from idennet.research.benchmark.systems.steps import take_steps

Prepared = TypeVar("Prepared")

_CHUNK = 1024  # rows of features at once


class CCNetSystem(SteppedSystem):
    """CCNET + CDA (Rifai et al., ECCV 2012). Sizes and weights of the penalties are ours or recalled.

    Each auto-encoder and CDA get the budget's steps; they cost far less than those of a deep network.
    """

    name: str = "ccnet-cda"
    sizes: tuple[int, ...] = Field(default=(6, 10, 14), min_length=1, description="of kernels, of 48 pixels")
    kernels: int = Field(default=60, ge=1, description="of each size")
    grid: int = Field(default=4, ge=1, description="fields of max pooling along each side")
    patches: int = Field(default=8, ge=1, description="of each face of a batch, for the auto-encoders")
    kernel_contraction: float = Field(default=0.1, ge=0, description="weight of the kernels' penalty")
    expression_units: int = Field(default=100, ge=1)
    rest_units: int = Field(default=100, ge=1)
    contraction: float = Field(default=0.01, ge=0, description="weight of the penalty of both blocks")
    separation: float = Field(default=1.0, ge=0, description="weight of the directions that both look in")
    reconstruction: float = Field(default=1.0, ge=0, description="weight of the mean squared error")
    machine_c: float = Field(default=0.1, gt=0, description="price of errors of the support vector machines")

    def fit(self, faces: TrainingFaces, folder: Path, device: str = "auto") -> "FittedCCNet":
        """See `System.fit`; validation faces are not used."""
        where = choose_device(device)
        claim_folder(folder, self, faces)
        source = FaceSource(faces.train, faces.aus, with_landmarks=False)
        generator = torch.Generator().manual_seed(self.budget.seed)
        network = CCNet(self.sizes, self.kernels, self.grid, generator=generator).to(where)
        for position, size in enumerate(self.sizes):
            self._learn_kernels(network, position, source, folder / f"kernels-{size}", where)
        features = features_of(network, source, where)
        cda = DiscriminantCode(
            network.num_features,
            len(faces.aus),
            self.expression_units,
            self.rest_units,
            generator=generator,
        ).to(where)
        self._learn_discriminant(cda, features, source.labels, folder / "discriminant", where)

        def learn() -> Arrays:
            expression, seed = expression_of(cda, features, where), self.budget.seed
            return {
                "thetas": large_machines(expression, source.labels, self.machine_c, balanced=True, seed=seed)
            }

        arrays = learn_once(self, faces, folder, learn)
        return FittedCCNet(network, cda, arrays["thetas"], faces.aus, where)

    def code_loss(self, code: SigmoidCode, patches: Tensor) -> Tensor:
        """Return what a contractive auto-encoder of patches costs."""
        hidden = code(patches)
        error = (code.reconstruct(hidden) - patches).square().sum(dim=1).mean()
        return error + self.kernel_contraction * contraction(hidden, code.encoder.weight)

    def discriminant_loss(self, cda: DiscriminantCode, features: Tensor, au_labels: Tensor) -> Tensor:
        """Return what CDA costs: labels, reconstruction, contraction of both blocks, shared directions."""
        output = cda(features)
        first, second = cda.expression.encoder.weight, cda.rest.encoder.weight
        error = (output.reconstruction - features).square().mean()
        contracted = contraction(output.expression, first) + contraction(output.rest, second)
        shared = shared_directions(output.expression, first, output.rest, second)
        return (
            masked_au_loss(output.au_logits, au_labels)
            + self.reconstruction * error
            + self.contraction * contracted
            + self.separation * shared
        )

    def _learn_kernels(
        self, network: CCNet, position: int, source: FaceSource, folder: Path, device: torch.device
    ) -> None:
        sampler = BalancedFaceSampler(np.zeros_like(source.labels), self.budget.seed)

        def prepare(step: int) -> Tensor:
            batch = source.batch(sampler.draw(step, self.budget.batch))
            seeds = np.random.SeedSequence((self.budget.seed, position, step)).generate_state(1)
            generator = torch.Generator().manual_seed(int(seeds[0]))
            return network.patches(batch.faces, position, self.patches * len(batch.faces), generator)

        code = network.codes[position]
        assert isinstance(code, SigmoidCode)
        self._take_steps(
            code, prepare, lambda patches: self.code_loss(code, patches.to(device)), folder, device
        )

    def _learn_discriminant(
        self,
        cda: DiscriminantCode,
        features: NDArray[np.float32],
        labels: NDArray[np.int8],
        folder: Path,
        device: torch.device,
    ) -> None:
        sampler = BalancedFaceSampler(labels, self.budget.seed)

        def prepare(step: int) -> tuple[Tensor, Tensor]:
            rows = sampler.draw(step, self.budget.batch)
            return torch.from_numpy(features[rows]), torch.from_numpy(labels[rows])

        def loss(batch: tuple[Tensor, Tensor]) -> Tensor:
            return self.discriminant_loss(cda, batch[0].to(device), batch[1].to(device))

        self._take_steps(cda, prepare, loss, folder, device)

    def _take_steps(
        self,
        network: nn.Module,
        prepare: Callable[[int], Prepared],
        loss: Callable[[Prepared], Tensor],
        folder: Path,
        device: torch.device,
    ) -> None:
        folder.mkdir(exist_ok=True)
        take_steps(
            network,
            prepare=prepare,
            loss=lambda batch, _: loss(batch),
            judge=None,
            budget=self.budget,
            optimiser=None,
            folder=folder,
            device=device,
        )


@dataclass(frozen=True)
class FittedCCNet:
    """Kernels, blocks and machines that have learnt."""

    network: CCNet
    cda: DiscriminantCode
    thetas: Values
    aus: tuple[int, ...]
    device: torch.device

    @property
    def parameters(self) -> int:
        """Weights without biases of kernels, both blocks, and machines; CDA's own head is not asked."""
        blocks = count_weights(self.cda.expression) + count_weights(self.cda.rest)
        return count_weights(self.network) + blocks + self.thetas[:, :-1].size

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a reader of the result must know."""
        return ("Sizes and weights of the penalties are not those of the source, which were not at hand.",)

    def predict(self, store: FaceStore) -> NDArray[np.float32]:
        """Return scores (N, A): the logistic function of margins. See `Fitted.predict`."""
        source = FaceSource(store, (), with_landmarks=False)
        expression = expression_of(self.cda, features_of(self.network, source, self.device), self.device)
        scores = np.stack([scores_of(margins(expression, theta)) for theta in self.thetas], axis=1)
        return checked_scores(scores, store, self.aus)


@torch.inference_mode()
def features_of(network: CCNet, source: FaceSource, device: torch.device) -> NDArray[np.float32]:
    """Return CCNET's features (N, D) of all faces of a source."""
    return np.concatenate([network(batch.faces.to(device)).cpu().numpy() for batch in source.chunks()])


@torch.inference_mode()
def expression_of(cda: DiscriminantCode, features: NDArray[np.float32], device: torch.device) -> Values:
    """Return the units (N, E) of the expression block."""
    chunks = np.split(features, range(_CHUNK, len(features), _CHUNK))
    units = [cda.expression(torch.from_numpy(chunk).to(device)).cpu().numpy() for chunk in chunks]
    return np.concatenate(units).astype(np.float64)
