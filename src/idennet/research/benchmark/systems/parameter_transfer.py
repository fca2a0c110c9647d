"""Parameter transfer: from how a person's unlabelled descriptors lie to the machines of all Action Units.

Each training subject with both labels has a machine; one regression for each of its parameters, on the kernel
between sets of descriptors, predicts the machine of somebody new. Nothing here knows faces or stores.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedKFold
from sklearn.svm import SVR

from idennet.research.benchmark.systems.learnt_arrays import spread
from idennet.research.benchmark.systems.linear import (
    Mask,
    Rows,
    Values,
    has_both,
    large_machines,
    margins,
    penalised_machine,
    support_vector_machine,
)
from idennet.research.benchmark.systems.set_kernel import Sets, median_gamma, self_similarity

Bias = Literal["penalised", "free"]
"""Whether a machine's bias belongs to what its objective keeps small."""

_POOLED_C = 1e-2
_VOTERS = 10
"""Subjects, evenly spaced among those who can, whose frames choose the price of errors."""


@dataclass(frozen=True)
class Transfer:
    """Regressions from similarities between sets to machines.

    Attributes:
        sets: Support vectors of the sources, (A, N) sets.
        gamma: Of the kernel between descriptors.
        own: (A, N) square roots of each set's similarity to itself; 0 for subjects that are no source.
        dual: (A, N, d + 1) weights of the regressions.
        offset: (A, d + 1) their starts.
        sources: (A,) how many subjects are a source.
    """

    sets: Sets
    gamma: float
    own: Values
    dual: Values
    offset: Values
    sources: Rows

    def thetas(self, features: Values) -> Values:
        """Return the machines [w; b] (A, d + 1) of a person with unlabelled features (n, d)."""
        own = self.own * np.sqrt(self_similarity(features, self.gamma))
        cosine = self.sets.against(features, self.gamma) / own.clip(1e-12)
        return np.asarray(self.offset + np.einsum("an,and->ad", cosine, self.dual))


def learn_transfer(
    features: Values,
    labels: NDArray[np.int8],
    starts: Rows,
    *,
    machine_cs: Sequence[float],
    bias: Bias,
    regression_c: float,
    regression_epsilon: float,
    least_sources: int,
    seed: int = 0,
) -> Transfer:
    """Learn from N subjects and A Action Units.

    Args:
        features: (n, d), grouped by subject.
        labels: (n, A) in {1, 0, -1}.
        starts: (N,) first row of each subject.
        machine_cs: Prices of errors of the subjects' machines to choose from.
        bias: Of the subjects' machines.
        regression_c: Price of errors of the regressions.
        regression_epsilon: Errors up to this share of a parameter's deviation are free.
        least_sources: With fewer, an Action Unit gets one machine of all subjects, whoever the target is.
        seed: Of choices at random.
    """
    gamma = median_gamma(features, seed)
    sources = [learn_sources(features, column, starts, machine_cs, bias) for column in labels.T]
    sets = Sets(features, starts, np.stack([source.is_support for source in sources]))
    kernels = sets.among(gamma)
    own = np.sqrt(np.einsum("ann->an", kernels))
    dual = np.zeros((len(sources), len(starts), features.shape[1] + 1))
    offset = np.empty((len(sources), features.shape[1] + 1))
    for au, source in enumerate(sources):
        if len(source.subjects) < least_sources:
            (offset[au],) = large_machines(features, labels[:, [au]], _POOLED_C, balanced=True, seed=seed)
            continue
        cosine = kernels[au] / np.outer(own[au], own[au]).clip(1e-12)
        weights, offset[au] = regress(
            cosine[np.ix_(source.subjects, source.subjects)], source.thetas, regression_c, regression_epsilon
        )
        dual[au, source.subjects] = weights
    counts = np.array([len(source.subjects) for source in sources])
    return Transfer(sets, gamma, own, dual, offset, counts)


@dataclass(frozen=True)
class Sources:
    """The machines of those training subjects who show an Action Unit and its absence.

    Attributes:
        subjects: (S,) positions of the subjects among the groups.
        thetas: (S, d + 1) weights and bias of each.
        is_support: (n,) which rows are support vectors of their subject's machine.
    """

    subjects: Rows
    thetas: Values
    is_support: Mask


def learn_sources(
    features: Values, labels: NDArray[np.int8], starts: Rows, cs: Sequence[float], bias: Bias
) -> Sources:
    """Return one balanced linear machine for each subject with both labels.

    Args:
        features: (n, d), grouped by subject.
        labels: (n,) in {1, 0, -1}.
        starts: (N,) first row of each subject.
        cs: The price of errors is the one that is best within subjects.
        bias: Of the machines.
    """
    groups = np.split(np.arange(len(features)), starts[1:])
    usable = [(at, rows[labels[rows] >= 0]) for at, rows in enumerate(groups) if has_both(labels[rows])]
    signs = np.where(labels == 1, 1.0, -1.0)
    is_support = np.zeros(len(features), dtype=bool)
    if not usable:
        return Sources(np.empty(0, dtype=np.int64), np.empty((0, features.shape[1] + 1)), is_support)
    c = choose_c(features, signs, [rows for _, rows in usable], cs, bias)
    thetas = []
    for _, rows in usable:
        theta, is_support[rows] = _machine(features[rows], signs[rows], c, bias)
        thetas.append(theta)
    return Sources(np.array([at for at, _ in usable]), np.stack(thetas), is_support)


def choose_c(
    features: Values, signs: Values, groups: Sequence[Rows], cs: Sequence[float], bias: Bias
) -> float:
    """Return the c with the best mean balanced accuracy of threefold cross-validation within groups.

    Groups with fewer than three rows of a class do not vote; ties go to the smallest c, and 0.1 or the value
    nearest to it is taken when nobody votes.
    """
    voting = [rows for rows in groups if min((signs[rows] > 0).sum(), (signs[rows] < 0).sum()) >= 3]
    if not voting or len(cs) == 1:
        return min(cs, key=lambda c: abs(np.log10(c) + 1))
    accuracy = np.zeros(len(cs))
    for rows in voting[:: -(-len(voting) // _VOTERS)]:
        for train, held in StratifiedKFold(3).split(rows, signs[rows]):
            for place, c in enumerate(cs):
                theta, _ = _machine(features[rows[train]], signs[rows[train]], c, bias)
                right = margins(features[rows[held]], theta) * signs[rows[held]] > 0
                positive = signs[rows[held]] > 0
                accuracy[place] += (right[positive].mean() + right[~positive].mean()) / 2
    return float(cs[int(np.argmax(np.round(accuracy, 9)))])


def regress(kernel: Values, thetas: Values, c: float, epsilon: float) -> tuple[Values, Values]:
    """Return (dual (S, d + 1), offset (d + 1,)): theta = offset + k @ dual for similarities k to S sources.

    One epsilon-insensitive regression for each parameter, in units of its mean and deviation.

    Args:
        kernel: (S, S) between sources.
        thetas: (S, d + 1) what to predict.
        c: Price of errors.
        epsilon: Errors up to this share of a deviation are free.
    """
    mean, deviation = spread(thetas)
    dual, offset = np.zeros_like(thetas), np.empty(thetas.shape[1])
    for column, target in enumerate(((thetas - mean) / deviation).T):
        machine = SVR(kernel="precomputed", C=c, epsilon=epsilon, tol=1e-6).fit(kernel, target)
        dual[machine.support_, column] = machine.dual_coef_[0] * deviation[column]
        offset[column] = mean[column] + deviation[column] * float(machine.intercept_[0])
    return dual, offset


def _machine(features: Values, signs: Values, c: float, bias: Bias) -> tuple[Values, Mask]:
    if bias == "penalised":
        return penalised_machine(features, signs, c)
    return support_vector_machine(features, signs, c, balanced=True)
