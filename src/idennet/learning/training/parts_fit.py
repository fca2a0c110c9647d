"""Which parts of a face can be seen, fitted anew beside a shape branch: a logistic regression.

Of photographs, as they are and twice with things drawn over them, and of renderings, some of them covered
likewise. Trained with few photographs that are covered, FC6 alone knew dark glasses as we had drawn them, and
hardly any as people wear them; the trunk's features know more. Photographs that somebody looked at count
more than others: hidden parts of them most, and those that had been taken for hidden.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from idennet.errors import InputError
from idennet.facs import MISSING, PARTS
from idennet.learning.data.hidden_parts import HiddenParts
from idennet.learning.data.store import FaceStore
from idennet.learning.training.augment import Augmenter
from idennet.learning.training.recipe import load_recipe
from idennet.learning.training.stages import to_tensor
from idennet.models.idennet import IdenNet

PENALTY = 3e-6
"""Of squared weights, for trunk features of unit length on average."""

FC6_LENGTH = 0.3
"""Length of FC6 on average, against the trunk's: the longer, the less its weights cost."""

SEEN_HIDDEN, SEEN_PLAIN = 20.0, 5.0
"""What a part counts of a photograph on which somebody saw it hidden, or not hidden; elsewhere it counts 1.
Covered copies count like their photograph."""

COVERED = 0.8
"""Share of the renderings that are covered; of photographs all are, beside as they are."""

_BATCH = 64
_ROUNDS = 100  # of L-BFGS

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class _Seen:
    """What a network sees of N faces, and what is known of their parts.

    Attributes:
        features: Trunk and FC6, (N, 5056).
        visible: (N, 3), 1, 0, or -1 where nobody knows.
        weight: (N, 3), how much it counts.
    """

    features: Floats
    visible: NDArray[np.int8]
    weight: Floats


def fit_parts(
    network: IdenNet,
    photographs: FaceStore,
    rows: NDArray[np.int64],
    rendered: FaceStore,
    hidden: HiddenParts | None = None,
) -> None:
    """Set what a graded network with a shape branch says of which parts can be seen.

    Each photograph is seen three times, each rendering once: 20 kB a view, and a fit needs thrice that.

    Args:
        network: Changed in place.
        photographs: Parts are taken as visible but where `hidden` says otherwise.
        rows: Of the photographs that are learnt from.
        rendered: With exact labels of what is hidden, if with any.
        hidden: What somebody saw of some of the photographs.

    Raises:
        InputError: There is no hidden, or no visible, example of a part.
    """
    visible, weight = np.ones((len(rows), len(PARTS)), np.int8), np.ones((len(rows), len(PARTS)), np.float32)
    if hidden is not None:
        known, looked_at = hidden.of(photographs)
        visible, looked = known[rows], looked_at[rows]
        weight[looked] = np.where(visible[looked] == 0, SEEN_HIDDEN, SEEN_PLAIN)
    every = np.arange(len(rendered))
    alike = np.ones((len(rendered), len(PARTS)), np.float32)
    seen = [
        _look(network, photographs, rows, visible, weight),
        *(_look(network, photographs, rows, visible, weight, _drawn(1.0, seed)) for seed in (1, 2)),
        _look(network, rendered, every, rendered.visible(), alike, _drawn(COVERED, 3)),
    ]
    features = np.concatenate([one.features for one in seen])
    visible = np.concatenate([one.visible for one in seen])
    weight = np.concatenate([one.weight for one in seen])
    del seen
    for name, truth in zip(PARTS, visible.T, strict=True):
        if not {0, 1} <= set(np.unique(truth)):
            raise InputError(
                f"The {name} are hidden on no face, or on all, so nothing can be learnt of them; give "
                "photographs with landmarks, or renderings that say which parts can be seen."
            )
    middle = features.mean(axis=0)
    features -= middle
    trunk = network.trunk_parts.in_features
    size = np.empty(features.shape[1], np.float32)
    size[:trunk], size[trunk:] = _length(features[:, :trunk]), _length(features[:, trunk:]) / FC6_LENGTH
    features /= size
    for part in range(len(PARTS)):
        slope, bias = _logistic(features, visible[:, part], weight[:, part])
        slope = slope / size
        with torch.no_grad():
            network.trunk_parts.weight[part] = torch.from_numpy(slope[:trunk])
            network.parts.weight[part] = torch.from_numpy(slope[trunk:])
            network.parts.bias[part] = bias - float(slope @ middle)


def _drawn(cover: float, seed: int) -> Augmenter:
    return Augmenter(load_recipe("taught").augmentation.model_copy(update={"cover": cover}), seed)


def _length(features: Floats) -> float:
    return max(float(np.sqrt(features.var(axis=0).sum())), 1e-6)


@torch.inference_mode()
def _look(
    network: IdenNet,
    store: FaceStore,
    rows: NDArray[np.int64],
    visible: NDArray[np.int8],
    weight: Floats,
    augmenter: Augmenter | None = None,
) -> _Seen:
    visible, landmarks, features = visible.copy(), store.landmarks[rows], []
    for step, part in enumerate(np.array_split(np.arange(len(rows)), len(rows) // _BATCH + 1)):
        faces = store.read(rows[part])
        if augmenter is not None:
            faces = augmenter(faces, step, 0, landmarks[part])
            visible[part] = np.where(augmenter.changes(step, landmarks[part]).hidden, 0, visible[part])
        below = network.trunk(to_tensor(faces, torch.device("cpu")))
        features.append(torch.cat([below, network.mfm6(network.fc6(below))], dim=1).numpy())
    return _Seen(np.concatenate(features), visible, weight)


def _logistic(features: Floats, visible: NDArray[np.int8], weight: Floats) -> tuple[Floats, float]:
    """Return slope and bias of the logit of being visible; nobody's guess is learnt from."""
    known = visible != MISSING
    x, truth = torch.from_numpy(features), torch.from_numpy((visible == 1).astype(np.float32))
    count = torch.from_numpy(np.where(known, weight, 0).astype(np.float32))
    count /= count.sum()
    slope, bias = (torch.zeros(size, requires_grad=True) for size in (features.shape[1], 1))
    optimiser = torch.optim.LBFGS([slope, bias], max_iter=_ROUNDS, line_search_fn="strong_wolfe")

    def cost() -> torch.Tensor:
        optimiser.zero_grad()
        logit = x @ slope + bias
        loss = (F.binary_cross_entropy_with_logits(logit, truth, reduction="none") * count).sum()
        loss = loss + PENALTY / 2 * slope.square().sum()
        loss.backward()
        return loss

    optimiser.step(cost)
    return slope.detach().numpy(), float(bias.detach())
