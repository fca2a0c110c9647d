"""How alike two faces are, taken over from a teacher."""

import math

import numpy as np
import pytest
import torch

from idennet.errors import ShapeError
from idennet.learning.losses.distillation import relation_loss


def test_it_is_the_mean_over_all_pairs_of_known_faces() -> None:
    generator = torch.Generator().manual_seed(0)
    own, taught = torch.randn(6, 5, generator=generator), torch.randn(6, 3, generator=generator)
    taught[2] = math.nan
    differences = []
    known = [0, 1, 3, 4, 5]
    for place, i in enumerate(known):
        for j in known[place + 1 :]:
            cosines = [
                float(np.dot(a[i], a[j]) / np.linalg.norm(a[i]) / np.linalg.norm(a[j]))
                for a in (own.numpy(), taught.numpy())
            ]
            differences.append((cosines[0] - cosines[1]) ** 2)
    assert relation_loss(own, taught).item() == pytest.approx(np.mean(differences), rel=1e-5)


def test_turning_or_lengthening_either_changes_nothing() -> None:
    generator = torch.Generator().manual_seed(1)
    own = torch.randn(5, 4, generator=generator)
    turn = torch.linalg.qr(torch.randn(4, 4, generator=generator))[0]
    assert relation_loss(own, 3 * own @ turn).item() == pytest.approx(0, abs=1e-10)


def test_its_gradient_leads_to_the_taught_geometry() -> None:
    generator = torch.Generator().manual_seed(2)
    taught = torch.randn(6, 4, generator=generator)
    own = torch.randn(6, 8, generator=generator, requires_grad=True)
    optimiser = torch.optim.Adam([own], lr=0.05)
    for _ in range(400):
        optimiser.zero_grad()
        relation_loss(own, taught).backward()
        optimiser.step()
    assert relation_loss(own, taught).item() < 1e-4


@pytest.mark.parametrize("known", [0, 1])
def test_without_a_pair_of_known_faces_nothing_is_taught(known: int) -> None:
    own = torch.randn(4, 3, requires_grad=True)
    taught = torch.full((4, 2), math.nan)
    taught[:known] = 1.0
    loss = relation_loss(own, taught)
    loss.backward()
    assert loss.item() == 0
    assert own.grad is None or not own.grad.any()


def test_tables_of_different_faces_are_refused() -> None:
    with pytest.raises(ShapeError, match="same faces"):
        relation_loss(torch.zeros(3, 2), torch.zeros(4, 2))
