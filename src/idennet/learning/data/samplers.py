"""Which faces form a batch: index generators that are pure functions of a seed and a step.

None of them has a position to save: the batch of step 1000 is the same whether the steps before it were
drawn or not, so an interrupted training resumes exactly and batches may be prepared ahead in any order.
"""

import numpy as np
from numpy.typing import NDArray

from idennet.errors import InputError


class IdentityPairSampler:
    """Distinct identities, each drawn with equal chance, and one random pair of different faces of each.

    This is the paper's batch (section IV: 16 identities). Identities with a single face are never drawn.
    """

    def __init__(self, identity_labels: NDArray[np.integer], identities: int = 16, seed: int = 0) -> None:
        """Prepare the draw.

        Args:
            identity_labels: (N,) integer label of each face.
            identities: Distinct identities of a batch; fewer if fewer have two faces.
            seed: Names the whole series of batches.

        Raises:
            InputError: Fewer than two identities have two faces.
        """
        self._order = np.argsort(identity_labels, kind="stable")
        _, starts, counts = np.unique(identity_labels[self._order], return_index=True, return_counts=True)
        self._starts, self._counts = starts[counts >= 2], counts[counts >= 2]
        if len(self._starts) < 2:
            raise InputError(
                f"Pairs need at least two identities with two faces each, but {len(self._starts)} were given."
            )
        self.identities = min(identities, len(self._starts))
        self._seed = seed

    def draw(self, step: int) -> NDArray[np.int64]:
        """Return the (identities, 2) indices of anchors and positives of one step."""
        rng = np.random.default_rng((self._seed, step))
        chosen = rng.choice(len(self._starts), self.identities, replace=False)
        counts = self._counts[chosen]
        anchor = rng.integers(counts)
        positive = rng.integers(counts - 1)
        positive += positive >= anchor
        return self._order[self._starts[chosen, None] + np.stack([anchor, positive], axis=1)]


class BalancedFaceSampler:
    """Single faces, drawn the more often the rarer the Action Units they show (with replacement).

    A face's chance is proportional to one plus the mean, over the Action Units present in it, of
    `1 / sqrt(rate)`, so frequent faces stay in and no chance is more than `bound` times the smallest.
    """

    def __init__(self, au_labels: NDArray[np.int8], seed: int = 0, bound: float = 5.0) -> None:
        """Prepare the draw from (N, A) labels in {1, 0, -1}."""
        present = au_labels == 1
        rates = present.sum(axis=0) / np.maximum((au_labels >= 0).sum(axis=0), 1)
        rarity = np.minimum(1 / np.sqrt(np.maximum(rates, 1e-6)), bound - 1)
        chances = 1 + (present * rarity).sum(axis=1) / np.maximum(present.sum(axis=1), 1)
        self._cumulative = np.cumsum(chances / chances.sum())
        self._seed = seed

    def draw(self, step: int, count: int) -> NDArray[np.int64]:
        """Return `count` face indices of one step."""
        rng = np.random.default_rng((self._seed, step))
        found = np.searchsorted(self._cumulative, rng.random(count), side="right")
        return np.minimum(found, len(self._cumulative) - 1)


class ConsecutivePairSampler:
    """Pairs as the authors' released code cuts them: each epoch uses every face at most once.

    In each epoch every identity's faces are shuffled and cut into consecutive pairs (an odd one is left
    out), the pairs of all identities are shuffled together and read in chunks; the last may be smaller.
    Identities of a batch are therefore not distinct.
    """

    def __init__(self, identity_labels: NDArray[np.integer], pairs: int, seed: int = 0) -> None:
        """Prepare the draw of `pairs` pairs a step from faces with (N,) identity labels.

        Raises:
            InputError: No identity has two faces.
        """
        order = np.argsort(identity_labels, kind="stable")
        _, starts = np.unique(identity_labels[order], return_index=True)
        self._faces_of = np.split(order, starts[1:])
        total = sum(len(faces) // 2 for faces in self._faces_of)
        if total == 0:
            raise InputError("Pairs need an identity with two faces, but every identity here has one.")
        self.epoch_steps = -(-total // pairs)
        self.pairs, self._seed = pairs, seed
        self._epoch: tuple[int, NDArray[np.int64]] | None = None

    def draw(self, step: int) -> NDArray[np.int64]:
        """Return the (pairs, 2) indices of one step, counted from the start of training."""
        epoch, chunk = divmod(step, self.epoch_steps)
        return self._epoch_pairs(epoch)[chunk * self.pairs : (chunk + 1) * self.pairs]

    def _epoch_pairs(self, epoch: int) -> NDArray[np.int64]:
        cached = self._epoch
        if cached is None or cached[0] != epoch:
            rng = np.random.default_rng((self._seed, epoch))
            halves = [
                rng.permutation(faces)[: len(faces) // 2 * 2].reshape(-1, 2) for faces in self._faces_of
            ]
            cached = self._epoch = (epoch, rng.permutation(np.concatenate(halves)))
        return cached[1]
