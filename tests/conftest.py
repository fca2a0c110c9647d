"""Fixtures for several rooms."""

from pathlib import Path

import pytest
import torch

from idennet.faces.alignment import TEMPLATE
from idennet.facs import SYNFACS_AUS
from idennet.models.idennet import IdenNet
from idennet.models.weights import Evidence, WeightsCard, save_weights
from planted import PlantedFinder

pytest_plugins = ["listed_skips"]


@pytest.fixture(scope="session")
def random_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A weights file of an untrained network with all Action Units; AU23 and AU24 count as unreliable.

    AU1 and AU2 are said to be taught by photographs, AU24 and AU43 by renderings only, the others tested.
    """
    path = tmp_path_factory.mktemp("weights") / "random.safetensors"
    model = IdenNet(num_aus=len(SYNFACS_AUS), generator=torch.Generator().manual_seed(7))
    with torch.no_grad():
        model.fc7.weight.mul_(100)  # spreads the probabilities, so that some Action Units occur
    card = WeightsCard(
        version="random-1",
        aus=SYNFACS_AUS,
        template=TEMPLATE.name,
        thresholds=dict.fromkeys(SYNFACS_AUS, 0.5),
        unreliable_aus=(23, 24),
        evidence=dict.fromkeys(SYNFACS_AUS, Evidence.TESTED)
        | dict.fromkeys((1, 2), Evidence.TAUGHT)
        | dict.fromkeys((24, 43), Evidence.RENDERINGS),
    )
    save_weights(model, path, card)
    return path


@pytest.fixture(scope="session")
def graded_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As `random_weights`, of a network that also says how strong each side is and what can be seen."""
    path = tmp_path_factory.mktemp("weights") / "graded.safetensors"
    model = IdenNet(len(SYNFACS_AUS), graded=True, generator=torch.Generator().manual_seed(7))
    with torch.no_grad():
        for layer in (model.fc7, model.sides, model.parts):
            layer.weight.mul_(100)
    card = WeightsCard(
        version="graded-1",
        aus=SYNFACS_AUS,
        template=TEMPLATE.name,
        thresholds=dict.fromkeys(SYNFACS_AUS, 0.5),
    )
    save_weights(model, path, card)
    return path


@pytest.fixture
def planted_finder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the command line find planted faces instead of real ones."""
    monkeypatch.setattr("idennet.faces.finder.open_finder", PlantedFinder)
