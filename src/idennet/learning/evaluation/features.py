"""What identity subtraction does to features: before, after, and how much of the person is left."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from idennet.learning.data.store import FaceStore
from idennet.learning.evaluation.identity import nearest_shares
from idennet.models.weights import Network

_BATCH = 32


@dataclass(frozen=True)
class Subtraction:
    """Features of N faces on both sides of the subtraction.

    Attributes:
        before: Expression features, (N, 256).
        after: Expression features minus identity embedding, (N, 256).
        subjects: Subject of each face.
    """

    before: NDArray[np.float32]
    after: NDArray[np.float32]
    subjects: NDArray[np.str_]

    def identity_leak(self) -> tuple[float, float]:
        """Return how often the nearest other face is the same subject, before and after."""
        return nearest_shares(self.before, self.subjects), nearest_shares(self.after, self.subjects)

    def places(self, seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return t-SNE places (N, 2) of both, as in the paper's Figure 2."""
        from sklearn.manifold import TSNE

        def place(features: NDArray[np.float32]) -> NDArray[np.float32]:
            perplexity = min(30.0, (len(features) - 1) / 3)
            tsne = TSNE(perplexity=perplexity, init="pca", random_state=seed)
            return np.asarray(tsne.fit_transform(features), dtype=np.float32)

        return place(self.before), place(self.after)


@torch.inference_mode()
def subtraction(network: Network, store: FaceStore, rows: Iterable[int]) -> Subtraction:
    """Return the features of some faces of a store on both sides of the subtraction."""
    chosen = np.asarray(list(rows), dtype=np.int64)
    outputs = []
    for start in range(0, len(chosen), _BATCH):
        faces = torch.from_numpy(store.read(chosen[start : start + _BATCH])).permute(0, 3, 1, 2)
        outputs.append(network.eval()(faces))
    return Subtraction(
        before=torch.cat([output.expression_features for output in outputs]).numpy(),
        after=torch.cat([output.au_residual for output in outputs]).numpy(),
        subjects=store.frames["subject"].to_numpy(str)[chosen],
    )
