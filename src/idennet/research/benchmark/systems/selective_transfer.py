"""Selective transfer: training faces weigh the more, the more they look like the new person's.

A machine and the weights of its training faces are learnt together: the machine in turn minimises the
weighted hinge, and the weights match the kernel mean of the new person's unlabelled faces while they avoid
faces that the machine gets wrong. Nothing here knows faces or stores.
"""

from dataclasses import dataclass

import numpy as np

from idennet.research.benchmark.systems.box_qp import minimise_in_box
from idennet.research.benchmark.systems.linear import Values, class_weights, margins, support_vector_machine


@dataclass(frozen=True)
class Selection:
    """A person's machine and what it was learnt from.

    Attributes:
        theta: (d + 1,) weights and bias.
        weights: (n,) of the training faces.
        objective: 1/2 |w|^2 + C sum s l + lambda (1/2 s'Ks - kappa's) after each alternation; it never rises.
    """

    theta: Values
    weights: Values
    objective: tuple[float, ...]


def select_and_learn(
    features: Values,
    signs: Values,
    kernel: Values,
    kappa: Values,
    *,
    c: float,
    transfer: float,
    largest_weight: float,
    alternations: int,
    balanced: bool,
) -> Selection:
    """Alternate between the machine and the weights, starting from weights of 1.

    Args:
        features: (n, d) of the training faces.
        signs: (n,) of 1 and -1, both of them present.
        kernel: (n, n) between training faces, for the match of means.
        kappa: (n,) n / m times the sum of each training face's kernel with the m unlabelled ones.
        c: C, price of errors.
        transfer: lambda, price of a difference of means, in the scale of the quadratic programme.
        largest_weight: B, of one face.
        alternations: At most; it stops earlier when the weights stay.
        balanced: Whether errors of the rarer class cost more, as in `support_vector_machine`.

    Source: Chu, De la Torre and Cohn, "Selective Transfer Machine for personalized facial action unit
        detection", CVPR 2013; the sum of weights stays within n times (sqrt(n) - 1) / sqrt(n) of n.
    """
    count = len(signs)
    slack = count * (np.sqrt(count) - 1) / np.sqrt(count)
    price = c * (class_weights(signs) if balanced else np.ones(count))
    weights, objective = np.ones(count), []
    theta = np.empty(0)
    for _ in range(alternations):
        theta, _ = support_vector_machine(features, signs, 1.0, price * weights)
        loss = price * np.maximum(0, 1 - signs * margins(features, theta))
        moved = minimise_in_box(
            kernel,
            loss / transfer - kappa,
            upper=largest_weight,
            sums=(count - slack, count + slack),
            start=weights,
        )
        objective.append(
            float(0.5 * theta[:-1] @ theta[:-1] + moved @ loss)
            + transfer * float(0.5 * moved @ kernel @ moved - kappa @ moved)
        )
        change, weights = np.abs(moved - weights).max(), moved
        both = (weights[signs > 0] > 0).any() and (weights[signs < 0] > 0).any()
        if change < 1e-3 or not both:
            break
    return Selection(theta, weights, tuple(objective))
