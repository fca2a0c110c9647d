"""Confidence preserving: surely called faces teach a person's own classifier, smooth in time and looks.

Two confident machines say present, or absent, only where they are sure; where both agree, a new face gets a
virtual label. A linear function fits those labels and varies little between neighbours. Nothing here knows
faces or stores.
"""

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics.pairwise import euclidean_distances

from idennet.research.benchmark.systems.linear import Rows, Values, large_machine, margins


def confident_machines(
    features: Values, signs: Values, *, c: float, rounds: int, balanced: bool, seed: int = 0
) -> tuple[Values, Values]:
    """Return the machines [w; b] (d + 1,) that are sure of presence and sure of absence.

    Both start as one machine. A training face is easy if both call it right; every other one is taught as
    absent to the first and as present to the second. It ends when the easy faces stay the same.

    Args:
        features: (n, d).
        signs: (n,) of 1 and -1, both of them present.
        c: Price of errors.
        rounds: At most.
        balanced: Whether both classes weigh the same.
        seed: Of the solver.
    """
    sure_present = sure_absent = large_machine(features, signs, c, balanced=balanced, seed=seed)
    easy = np.ones(len(signs), dtype=bool)
    for _ in range(rounds):
        right = [margins(features, theta) * signs > 0 for theta in (sure_present, sure_absent)]
        before, easy = easy, right[0] & right[1]
        if np.array_equal(before, easy) or not ((signs[easy] > 0).any() and (signs[easy] < 0).any()):
            break
        as_absent, as_present = np.where(easy, signs, -1.0), np.where(easy, signs, 1.0)
        sure_present = large_machine(features, as_absent, c, balanced=balanced, seed=seed)
        sure_absent = large_machine(features, as_present, c, balanced=balanced, seed=seed)
    return sure_present, sure_absent


def virtual_labels(features: Values, sure_present: Values, sure_absent: Values) -> NDArray[np.int8]:
    """Return (n,) 1 and -1 where both machines agree, 0 for faces that are hard."""
    present, absent = margins(features, sure_present) > 0, margins(features, sure_absent) > 0
    return np.where(present & absent, 1, np.where(~present & ~absent, -1, 0)).astype(np.int8)


def neighbour_laplacian(features: Values, sequences: Rows, *, neighbours: int, window: int) -> Values:
    """Return the graph Laplacian (n, n) of frames that are near in time and in looks.

    A frame is joined to the `neighbours` most alike frames among those of its sequence that are at most
    `window` places away, with weight exp(-d^2 / median d^2); each edge counts once.

    Args:
        features: (n, d), in the order of sequences and time.
        sequences: (n,) number of each frame's sequence.
        neighbours: Edges that start at a frame, at most.
        window: Places in the sequence.
    """
    count = len(features)
    squared = euclidean_distances(features, squared=True)
    place = np.arange(count)
    near = (np.abs(place[:, None] - place) <= window) & (sequences[:, None] == sequences)
    np.fill_diagonal(near, val=False)
    candidates = np.where(near, squared, np.inf)
    nearest = np.argsort(candidates, axis=1, kind="stable")[:, :neighbours]
    joined = np.zeros((count, count), dtype=bool)
    joined[place[:, None], nearest] = True
    joined = (joined | joined.T) & near
    width = float(np.median(squared[joined])) if joined.any() else 1.0
    weights = np.where(joined, np.exp(-squared / max(width, 1e-12)), 0.0)
    return np.asarray(np.diag(weights.sum(axis=1)) - weights)


def smooth_machine(
    features: Values, virtual: NDArray[np.int8], laplacian: Values, *, ridge: float, smoothness: float
) -> Values:
    """Return the person's own machine [w; b] (d + 1,), in closed form.

    It minimises mean over easy frames of (y - f)^2, plus `ridge` |w|^2, plus `smoothness` times the mean over
    edges, by their weights, of (f_i - f_j)^2, where f = w.x + b.

    Args:
        features: (n, d).
        virtual: (n,) 1 and -1 for easy frames, of which there are some; 0 for hard ones.
        laplacian: (n, n) of the frames.
        ridge: Above 0.
        smoothness: 0 or more.
    """
    extended = np.column_stack([features, np.ones(len(features))])
    easy = virtual != 0
    edges = np.trace(laplacian)
    matrix = extended[easy].T @ extended[easy] / easy.sum()
    matrix[np.arange(features.shape[1]), np.arange(features.shape[1])] += ridge
    if edges > 0:
        matrix += smoothness * 2 / edges * extended.T @ laplacian @ extended
    target = extended[easy].T @ virtual[easy].astype(np.float64) / easy.sum()
    return np.asarray(np.linalg.solve(matrix, target))
