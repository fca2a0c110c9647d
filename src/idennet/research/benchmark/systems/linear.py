"""What systems without a network share: linear machines, principal components, frames chosen by subject."""

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.svm import SVC, LinearSVC

from idennet import facs

Values = NDArray[np.float64]
Rows = NDArray[np.int64]
Mask = NDArray[np.bool_]

_ON_THE_MARGIN = 1e-3


@dataclass(frozen=True)
class Projection:
    """Principal components: `mean` (D,) and orthonormal rows `basis` (d, D)."""

    mean: Values
    basis: Values

    def __call__(self, features: NDArray[np.floating]) -> Values:
        """Return features (n, D) as their d components."""
        return np.asarray((features - self.mean) @ self.basis.T, dtype=np.float64)


def principal_components(
    features: NDArray[np.floating], energy: float, most: int, seed: int = 0
) -> Projection:
    """Return the fewest components that hold a share `energy` of the variance, `most` of them at most."""
    limit = min(most, *features.shape)
    pca = PCA(limit, svd_solver="randomized", random_state=seed).fit(features)
    enough = int(np.searchsorted(np.cumsum(pca.explained_variance_ratio_), energy - 1e-9)) + 1
    return Projection(np.asarray(pca.mean_, np.float64), np.asarray(pca.components_[:enough], np.float64))


def support_vector_machine(
    features: Values, signs: Values, c: float, weights: Values | None = None, *, balanced: bool = False
) -> tuple[Values, Mask]:
    """Return ([w; b] of (d + 1,), which rows are support vectors) of a linear machine (libsvm).

    It minimises 1/2 |w|^2 + c sum_i weight_i max(0, 1 - y_i (w.x_i + b)).

    Args:
        features: (n, d).
        signs: (n,) of 1 and -1, both of them present.
        c: Price of errors.
        weights: (n,) importance of each row, 1 by default; rows of weight 0 do not count.
        balanced: Whether both classes weigh the same: each row n / (2 n_class), as scikit-learn does.
    """
    price = np.ones(len(signs)) if weights is None else weights
    if balanced:
        price = price * class_weights(signs)
    counted = np.flatnonzero(price > 0)
    machine = SVC(C=c, kernel="linear", cache_size=500)
    machine.fit(features[counted], signs[counted], sample_weight=price[counted])
    is_support = np.zeros(len(signs), dtype=bool)
    is_support[counted[machine.support_]] = True
    return np.append(machine.coef_[0], machine.intercept_), is_support


def penalised_machine(features: Values, signs: Values, c: float) -> tuple[Values, Mask]:
    """Return what `support_vector_machine` does, balanced, with 1/2 (|w|^2 + b^2) to keep small (liblinear).

    The bias stays near 0 where rows are fewer than dimensions; a free one then follows the larger class.
    """
    machine = LinearSVC(C=c, loss="hinge", class_weight="balanced", random_state=0, max_iter=2000)
    with warnings.catch_warnings():  # large c and large numbers: the last step is near enough
        warnings.simplefilter("ignore", ConvergenceWarning)
        machine.fit(features, signs)
    theta = np.append(machine.coef_[0], machine.intercept_)
    return theta, signs * margins(features, theta) < 1 + _ON_THE_MARGIN


def large_machine(features: Values, signs: Values, c: float, *, balanced: bool, seed: int) -> Values:
    """Return [w; b] (d + 1,) of a linear machine with squared hinge for many rows (liblinear)."""
    machine = LinearSVC(C=c, class_weight="balanced" if balanced else None, random_state=seed, max_iter=3000)
    machine.fit(features, signs)
    return np.append(machine.coef_[0], machine.intercept_)


def class_weights(signs: Values) -> Values:
    """Return (n,) weights n / (2 n_class) under which both classes weigh the same."""
    positives = np.count_nonzero(signs > 0)
    return np.where(signs > 0, len(signs) / (2 * positives), len(signs) / (2 * (len(signs) - positives)))


def margins(features: Values, theta: Values) -> Values:
    """Return w.x + b (n,) for features (n, d) and `theta` = [w; b]."""
    return np.asarray(features @ theta[:-1] + theta[-1], dtype=np.float64)


def large_machines(
    features: Values, labels: NDArray[np.int8], c: float, *, balanced: bool, seed: int
) -> Values:
    """Return (A, d + 1): for each Action Unit of labels (n, A) a `large_machine` of the rows coded for it."""
    machines = []
    for column in labels.T:
        coded = column != facs.MISSING
        signs = np.where(column[coded] == 1, 1.0, -1.0)
        machines.append(
            large_machine(features[coded], signs, c, balanced=balanced, seed=seed)
            if has_both(column)
            else constant(features.shape[1], column)
        )
    return np.stack(machines)


def constant(length: int, labels: NDArray[np.int8]) -> Values:
    """Return [0; b], for everything where `has_both` is false: b is 1 if all coded are present, else -1."""
    return np.append(np.zeros(length), 1.0 if (labels == 1).any() else -1.0)


def scores_of(values: Values) -> Values:
    """Return margins as scores from 0 to 1 by the logistic function: 0.5 is margin 0.

    They order the faces and call them; they are no probabilities.
    """
    return np.asarray(0.5 * (1 + np.tanh(values / 2)), dtype=np.float64)


def has_both(labels: NDArray[np.int8]) -> bool:
    """Return whether the labels {1, 0, -1} hold present and absent."""
    return bool((labels == 1).any() and (labels == 0).any())


def choose_rows(subject_index: Rows, most: int, seed: int) -> Rows:
    """Return rows in ascending order, `most` of each subject at most, drawn at random."""
    rng = np.random.default_rng(seed)
    chosen = []
    for subject in np.unique(subject_index):
        rows = np.flatnonzero(subject_index == subject)
        chosen.append(rows if len(rows) <= most else rng.choice(rows, most, replace=False))
    return np.sort(np.concatenate(chosen)) if chosen else np.empty(0, dtype=np.int64)


def choose_evenly(subject_index: Rows, most: int, seed: int) -> Rows:
    """Return rows in ascending order, about `most` in all: as many of each subject, two at least."""
    return choose_rows(subject_index, max(most // len(np.unique(subject_index)), 2), seed)
