from pathlib import Path

import torch

from idennet.models.idennet import IdenNet
from idennet.models.weights import Evidence, WeightsCard, load_weights, save_weights
from idennet.research.weights.model_card import model_card


def test_the_card_shows_the_numbers_of_the_weights_file(tmp_path: Path) -> None:
    card = WeightsCard(
        version="v",
        aus=(6, 12),
        template="eyes",
        thresholds={6: 0.25, 12: 0.75},
        unreliable_aus=(6,),
        provenance={
            "seed": 3,
            "test": {
                "AU12": {"auc": 0.9876, "f1": 0.5, "ece_before": 0.1},
                "mean": {"auc": 0.9, "ece_after": 0.02},
            },
        },
    )
    path = tmp_path / "w.safetensors"
    save_weights(IdenNet(2, generator=torch.Generator().manual_seed(0)), path, card)
    sidecar = load_weights(path)[1]
    text = model_card(sidecar)
    assert "| AU12 | lip corner puller | 0.988 | 0.500 | – | – | 0.100 | – | 0.75 | – |" in text
    assert "| ~AU6 | cheek raiser | – | – | – | – | – | – | 0.25 | – |" in text
    assert "| mean | | 0.900 | – | – | – | – | 0.020 | | |" in text
    assert sidecar.sha256 in text
    assert "* seed: 3" in text


def test_the_card_says_what_photographs_taught_and_what_each_reading_rests_on(tmp_path: Path) -> None:
    card = WeightsCard(
        version="v",
        aus=(1, 12, 18),
        template="eyes",
        thresholds=dict.fromkeys((1, 12, 18), 0.5),
        evidence={1: Evidence.TAUGHT, 12: Evidence.TESTED, 18: Evidence.RENDERINGS},
        provenance={"taught": ["AU1", "AU12"]},
    )
    path = tmp_path / "w.safetensors"
    save_weights(IdenNet(3, generator=torch.Generator().manual_seed(0)), path, card)
    text = model_card(load_weights(path)[1])
    rows = {line.split(" | ")[0]: line.split(" | ")[-1] for line in text.splitlines()}
    assert (rows["| AU1"], rows["| AU12"], rows["| AU18"]) == (
        "taught by photographs |",
        "tested on photographs |",
        "renderings only |",
    )
    assert "Photographs taught AU1, AU12; renderings alone taught the others." in text
    assert "All Action Unit labels come from rendered faces" not in text
