"""How much of a person is left in the features that Action Units are read from."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from idennet.errors import InputError, ShapeError


def nearest_shares(features: NDArray[np.floating], groups: NDArray[np.generic]) -> float:
    """Return how often the nearest other face belongs to the same group, 0 to 1.

    With subjects as groups this is an identity leak: the lower, the less the features tell who it is.
    With the presence of an Action Unit as groups it says how well they keep the expression.

    Args:
        features: (N, D), compared by Euclidean distance.
        groups: (N,) group of each face.

    Raises:
        ShapeError: The lengths differ, or there are fewer than two faces.
    """
    if features.ndim != 2 or groups.shape != (len(features),) or len(features) < 2:
        raise ShapeError(
            f"Give features (N, D), groups (N,) of two or more faces, not {features.shape}, {groups.shape}."
        )
    lengths = np.square(features).sum(axis=1)
    squared_distance = lengths[:, None] + lengths - 2 * features @ features.T
    np.fill_diagonal(squared_distance, np.inf)
    return float(np.mean(groups[squared_distance.argmin(axis=1)] == groups))


@dataclass(frozen=True)
class IdentityProbe:
    """How well a linear classifier tells subjects apart.

    Attributes:
        subjects: Names, sorted.
        recall: (S,) share of each subject's faces that were recognised, in sequences not learnt from.
    """

    subjects: tuple[str, ...]
    recall: NDArray[np.float64]

    @property
    def accuracy(self) -> float:
        """Mean recall over subjects, 0 to 1: subjects with many faces count no more than others."""
        return float(self.recall.mean())

    @property
    def chance(self) -> float:
        """What guessing gives."""
        return 1 / len(self.subjects)


def probe_identity(
    features: NDArray[np.floating],
    subjects: Sequence[str] | NDArray[np.str_],
    sequences: Sequence[str] | NDArray[np.str_],
    *,
    folds: int = 5,
    seed: int = 0,
) -> IdentityProbe:
    """Return how well multinomial logistic regression recognises subjects in features, cross-validated.

    Every subject is in training and test, but a sequence never is: neighbouring frames look alike, and
    recognising them again would be no sign of identity. Features are standardised on training faces; the
    penalty is scikit-learn's (L2, C = 1). With equal numbers of features, before and after identity
    subtraction can be compared.

    Args:
        features: (N, D), those that Action Units are read from.
        subjects: (N,) names.
        sequences: (N,) sequence of each face, within its subject. Where subjects have only one recording
            (DISFA), cut it into pieces with `consecutive_blocks`.
        folds: How often sequences are left out; a subject with fewer sequences is tested in fewer folds.
        seed: Deals sequences to folds.

    Raises:
        ShapeError: The lengths differ.
        InputError: There are fewer than two subjects or folds, or a subject has only one sequence.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if features.ndim != 2 or not len(features) == len(subjects) == len(sequences):
        lengths = f"{features.shape}, {len(subjects)} and {len(sequences)}"
        raise ShapeError(f"Give features (N, D), N subjects and N sequences, not {lengths}.")
    names, person = np.unique(np.asarray(subjects, dtype=str), return_inverse=True)
    if len(names) < 2 or folds < 2:
        raise InputError(
            f"Telling subjects apart needs two subjects and folds, not {len(names)} and {folds}."
        )
    fold_of_face = _deal_sequences(names, person, np.asarray(sequences, dtype=str), folds, seed)
    recognised = np.zeros(len(features), dtype=bool)
    for fold in range(folds):
        tested = fold_of_face == fold
        if tested.any():
            probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
            probe.fit(features[~tested], person[~tested])
            recognised[tested] = probe.predict(features[tested]) == person[tested]
    recall = np.bincount(person, weights=recognised) / np.bincount(person)
    return IdentityProbe(tuple(map(str, names)), recall)


def consecutive_blocks(subjects: Sequence[str] | NDArray[np.str_], blocks: int = 5) -> NDArray[np.str_]:
    """Return a name of a sequence for each face, (N,): each subject's faces cut into blocks of neighbours.

    For recordings in one piece, with faces in order of time; frames at the cuts still have a neighbour on the
    other side.
    """
    people = np.asarray(subjects, dtype=str)
    block = np.zeros(len(people), dtype=np.int64)
    for name in np.unique(people):
        rows = np.flatnonzero(people == name)
        block[rows] = np.arange(len(rows)) * blocks // len(rows)
    return block.astype(str)


def _deal_sequences(
    names: NDArray[np.str_], person: NDArray[np.int64], sequences: NDArray[np.str_], folds: int, seed: int
) -> NDArray[np.int64]:
    """Return the fold in which each face is tested, (N,): each subject's sequences are dealt like cards."""
    rng = np.random.default_rng(seed)
    fold_of_face = np.zeros(len(person), dtype=np.int64)
    for number, name in enumerate(names):
        rows = np.flatnonzero(person == number)
        found, sequence = np.unique(sequences[rows], return_inverse=True)
        if len(found) < 2:
            raise InputError(
                f"Subject {str(name)!r} has one sequence, but one to learn and one to test are needed; "
                "cut recordings with consecutive_blocks, or leave the subject out."
            )
        dealt = (rng.permutation(len(found)) + rng.integers(folds)) % folds
        fold_of_face[rows] = dealt[sequence]
    return fold_of_face
