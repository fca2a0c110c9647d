"""What subtraction brings to readings of shapes: the table's rows, by hand."""

import numpy as np
import pytest
import torch

from benchmarks.subtraction.from_shapes import read, row
from idennet.models.action_units import ActionUnitModel
from idennet.models.idennet import IdenNet
from idennet.models.weights import WeightsSidecar, load_bundled


def test_a_row_has_both_aucs_and_the_interval_of_people() -> None:
    present = np.array([0, 0, 1, 1], bool)
    scores = np.array([[0.1, 0.9, 0.8, 0.2], [0.1, 0.2, 0.8, 0.9]])
    found = row("AU2", scores, present, np.arange(4))
    assert (found["present"], found["nothing subtracted"], found["usual subtracted"]) == (2, 0.5, 1.0)
    assert str(found["difference"]).startswith("+0.500 (")
    same = row("AU2", scores[[1, 1]], present, np.arange(4))
    assert same["difference"] == "+0.000 (+0.000 to +0.000)"


def test_the_second_reading_differs_by_what_is_usual_alone() -> None:
    card: WeightsSidecar = load_bundled()[1]
    network = IdenNet(len(card.aus), graded=True, shaped=True, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        network.shape_aus.share.fill_(0.5)
        network.shape_aus.usual.bias.copy_(torch.arange(len(card.aus)))
        network.shape_trust.bias.fill_(20.0)
    crops = np.random.default_rng(0).integers(0, 256, (2, 128, 128, 3), np.uint8)
    without, subtracted = read(ActionUnitModel(network, card, "cpu"), crops)
    assert subtracted - without == pytest.approx(np.tile(-0.5 * np.arange(len(card.aus)), (2, 1)), abs=1e-4)
