"""How alike two sets of descriptors are: the kernel between subjects of SVTPT."""

from dataclasses import dataclass

import numpy as np
from sklearn.metrics.pairwise import euclidean_distances, rbf_kernel

from idennet.research.benchmark.systems.linear import Mask, Rows, Values


@dataclass(frozen=True)
class Sets:
    """Rows of descriptors, cut into N consecutive groups, of which each of A cases counts some rows.

    Attributes:
        features: (n, d).
        starts: (N,) first row of each group, ascending from 0.
        counted: (A, n) the rows that belong to the sets of each case.
    """

    features: Values
    starts: Rows
    counted: Mask

    def against(self, others: Values, gamma: float) -> Values:
        """Return the density kernel (A, N) of every set against all rows of `others` (m, d).

        K(V, X) = 1 / (|V| |X|) sum_v sum_x exp(-gamma |v - x|^2); 0 for an empty set.
        """
        similarity = rbf_kernel(others, self.features, gamma).mean(axis=0)
        return self._mean_of_sets(similarity[None] * self.counted)

    def among(self, gamma: float) -> Values:
        """Return the density kernel (A, N, N) between all sets of each case."""
        ends = np.append(self.starts[1:], len(self.features))
        kernel = np.zeros((len(self.counted), len(self.starts), len(self.starts)))
        for group, (first, end) in enumerate(zip(self.starts, ends, strict=True)):
            members = self.counted[:, first:end].astype(np.float64)
            shares = members / np.maximum(members.sum(axis=1, keepdims=True), 1)
            similarity = shares @ rbf_kernel(self.features[first:end], self.features, gamma)
            kernel[:, group] = self._mean_of_sets(similarity * self.counted)
        return kernel

    def _mean_of_sets(self, values: Values) -> Values:
        sums = np.add.reduceat(values, self.starts, axis=1)
        sizes = np.add.reduceat(self.counted.astype(np.int64), self.starts, axis=1)
        return np.asarray(sums / np.maximum(sizes, 1), dtype=np.float64)


def self_similarity(features: Values, gamma: float) -> float:
    """Return the density kernel of a set (n, d) against itself."""
    return float(rbf_kernel(features, features, gamma).mean())


def median_gamma(features: Values, seed: int, most: int = 1000) -> float:
    """Return 1 / median squared distance between rows, of `most` rows drawn at random."""
    if len(features) > most:
        chosen = np.random.default_rng(seed).choice(len(features), most, replace=False)
        features = features[np.sort(chosen)]
    distances = euclidean_distances(features, squared=True)[np.triu_indices(len(features), 1)]
    median = float(np.median(distances)) if len(distances) else 0.0
    return 1 / median if median > 0 else 1.0
