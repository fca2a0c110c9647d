"""Weights of the networks that find faces, and their cards: round trip, and all that can be wrong."""

import hashlib
import json
from pathlib import Path

import pytest
import torch
from torch import nn

from idennet.errors import WeightsError
from idennet.faces.card import Material, NetworkCard, give_weights, read_network, to_bytes, write_network


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    content = to_bytes(network())
    card = NetworkCard(
        version="small-1",
        network="Small",
        sha256=hashlib.sha256(content).hexdigest(),
        recipe="small",
        recipe_digest="abc",
        steps=3,
        seed=0,
        trained_on=(Material(name="wild", fingerprint="123", pictures=9, people=3),),
        learned=6,
        held_out=3,
        errors={"points": 0.04},
        date="2026-11-29",
    )
    write_network(content, card, tmp_path / "small.safetensors")
    return tmp_path / "small.safetensors"


def test_round_trip_in_half_precision_without_counters(saved: Path) -> None:
    content, card = read_network(saved)
    assert card.trained_on[0].people == 3
    other = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))
    give_weights(other, content, saved)
    assert not other.training
    for name, value in network().state_dict().items():
        assert torch.equal(other.state_dict()[name], value.half().float()), name
    assert b"num_batches_tracked" not in content


def test_an_altered_byte_is_noticed(saved: Path) -> None:
    content = bytearray(saved.read_bytes())
    content[-1] ^= 1
    saved.write_bytes(content)
    with pytest.raises(WeightsError, match=r"differs from the sha256 that small\.json states"):
        read_network(saved)


@pytest.mark.parametrize("suffix", [".safetensors", ".json"])
def test_a_missing_half_is_named(saved: Path, suffix: str) -> None:
    saved.with_suffix(suffix).unlink()
    with pytest.raises(WeightsError, match="one of the two is missing"):
        read_network(saved)


@pytest.mark.parametrize("change", [{"surprise": 1}, {"steps": -1}, {"sha256": None}])
def test_a_card_that_does_not_fit_is_refused(saved: Path, change: dict[str, object]) -> None:
    record = saved.with_suffix(".json")
    record.write_text(json.dumps(json.loads(record.read_text()) | change))
    with pytest.raises(WeightsError, match=r"small\.json describes weights of another kind, or is damaged"):
        read_network(saved)


def test_weights_of_another_network_are_refused(saved: Path) -> None:
    with pytest.raises(WeightsError, match="belongs to another network than Conv2d"):
        give_weights(nn.Conv2d(1, 2, 3), read_network(saved)[0], saved)
