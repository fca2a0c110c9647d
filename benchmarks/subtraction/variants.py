"""Uses of the identity, and how a network learns with each: equal steps on the same faces."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from benchmarks.subtraction.data import Data
from idennet.learning.data.samplers import BalancedFaceSampler, IdentityPairSampler
from idennet.learning.losses.au import masked_au_loss
from idennet.learning.losses.mining import HardNegativeMiner
from idennet.learning.losses.triplet import triplet_loss
from idennet.learning.training.augment import Augmenter
from idennet.learning.training.engine import Cost, Engine, Lesson, Pace
from idennet.learning.training.initialise import fit_to_faces
from idennet.models.combination import IdentityUse
from idennet.models.idennet import IdenNet, IdenNetOutput
from idennet.models.weights import load_weights
from idennet.research.benchmark.systems.contract import Budget
from idennet.research.benchmark.systems.fitting import COMMON_AUGMENTATION
from idennet.research.benchmark.systems.steps import common_optimiser

MARGIN, ALPHA = 0.5, 0.25
PAIRS, SINGLES = 12, 24


@dataclass(frozen=True)
class Variant:
    """One use of the identity.

    Attributes:
        name: What tables call it.
        identity: How it enters.
        triplet: Whether it is learnt at all.
        normalize: NORM.
        radius: Length that the embedding has where it enters; 1 is the paper's, None is learnt.
    """

    name: str
    identity: IdentityUse = "none"
    triplet: bool = True
    normalize: bool = True
    radius: float | None = 1.0


USES: tuple[tuple[str, IdentityUse], ...] = (
    ("triplet loss only", "none"),
    ("concatenation", "concatenation"),
    ("translation (IdenNet)", "translation"),
    ("affine", "affine"),
)


class Length(nn.Module):
    """Gives unit vectors another length: a fixed one, or one that is learnt, beginning with 16."""

    def __init__(self, length: float | None) -> None:
        super().__init__()
        self._power = nn.Parameter(torch.tensor(math.log(length or 16.0)), requires_grad=length is None)

    @property
    def length(self) -> float:
        """The length as it is now."""
        return float(self._power.exp())

    def forward(self, values: Tensor) -> Tensor:
        """Return the longer vectors."""
        return self._power.exp() * values


def learn(variant: Variant, data: Data, seed: int, steps: int, start: Path) -> IdenNet:
    """Return a trained network; equal seeds draw the same faces and first weights for every variant."""
    torch.manual_seed(seed)
    network = IdenNet(
        len(data.aus), variant.normalize, variant.identity, generator=torch.Generator().manual_seed(seed)
    )
    given = {k: v for k, v in load_weights(start)[0].state_dict().items() if k.startswith(("trunk.", "fc5."))}
    network.load_state_dict({**network.state_dict(), **given})
    if data.frozen:
        network.trunk = nn.Identity()  # type: ignore[assignment]
        given = {name: tensor for name, tensor in given.items() if name.startswith("fc5.")}
    some = np.sort(np.random.default_rng(seed).choice(data.rows, 64, replace=False))
    fit_to_faces(network, data.training(some), list(given))
    if variant.radius != 1.0:
        network.norm = nn.Sequential(network.norm, Length(variant.radius))  # type: ignore[assignment]
    pairs = IdentityPairSampler(data.subjects, PAIRS, seed)
    singles = BalancedFaceSampler(data.labels, seed)
    miner, generator = HardNegativeMiner(), torch.Generator().manual_seed(seed)
    augmenter = Augmenter(COMMON_AUGMENTATION, seed)
    places = torch.arange(2 * PAIRS).view(-1, 2)

    def prepare(step: int) -> tuple[NDArray[np.int64], Tensor]:
        drawn = np.concatenate([pairs.draw(step).ravel(), singles.draw(step, SINGLES)])
        return drawn, data.training(data.rows[drawn], augmenter, step)

    def cost(prepared: tuple[NDArray[np.int64], Tensor], _: int) -> Cost:
        drawn, inputs = prepared
        output: IdenNetOutput = network(inputs)
        loss = masked_au_loss(output.au_logits, torch.from_numpy(data.labels[drawn]))
        if not variant.triplet:
            return Cost(loss)
        embedding = comparable(output.identity_embedding, variant)
        people = torch.from_numpy(data.subjects[drawn])
        triplets = miner(embedding, people, places, generator=generator)
        identity = triplet_loss(embedding, triplets, MARGIN, reduction="mean")
        return Cost((1 - ALPHA) * loss + ALPHA * identity)

    Engine(
        network,
        Lesson(prepare, cost, judge=None, keep=lambda *_: None),
        common_optimiser(Budget(steps=steps)),
        Pace(steps, validate_every=steps, checkpoint_every=steps, record_every=steps),
        seed=seed,
        device=torch.device("cpu"),
    ).run()
    return network.eval()


def comparable(embedding: Tensor | None, variant: Variant) -> Tensor:
    """Return the embedding as the triplet loss sees it: of length about 1, whatever length it is used with.

    Without NORM its 256 features have a deviation of about 1 at first: one factor for all, so that long and
    short embeddings stay long and short. Otherwise the triplet loss would be 256 times that with NORM.
    """
    assert embedding is not None
    if not variant.normalize:
        return embedding / 16
    return (
        embedding / embedding.norm(dim=1, keepdim=True)
        if variant.radius is None
        else embedding / variant.radius
    )
