"""Weights on disk: round trip, and every way in which a file can be wrong."""

import errno
import hashlib
import json
import os
from pathlib import Path

import pytest
import safetensors.torch
import torch
from pydantic import ValidationError

from idennet import IdenNet, LightCNN
from idennet.errors import WeightsError
from idennet.models.weights import WeightsCard, bundled_weights_path, load_weights, save_weights

CARD = WeightsCard(
    version="test-1",
    aus=(12, 4),
    template="eyes-44",
    thresholds={12: 0.5, 4: 0.25},
    calibration={12: (1.5, -0.5), 4: (1.0, 0.0)},
    unreliable_aus=(4,),
    provenance={"recipe": "abc", "f1": {"AU12": 0.5}},
)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "small.safetensors"
    save_weights(LightCNN(2), path, CARD)
    return path


def edit(path: Path, **changes: object) -> None:
    sidecar = path.with_suffix(".json")
    sidecar.write_text(json.dumps(json.loads(sidecar.read_text()) | changes))


@pytest.mark.parametrize(
    "model", [IdenNet(2), IdenNet(2, normalize=False), IdenNet(2, graded=True), LightCNN(2)]
)
@pytest.mark.parametrize("half", [True, False])
def test_round_trip(tmp_path: Path, model: IdenNet | LightCNN, half: bool) -> None:
    path = tmp_path / "w.safetensors"
    save_weights(model, path, CARD, half=half)
    loaded, card = load_weights(path)
    assert type(loaded) is type(model)
    assert not loaded.training
    assert getattr(loaded, "normalize", None) == getattr(model, "normalize", None)
    for name, tensor in model.state_dict().items():
        got = loaded.state_dict()[name]
        assert got.dtype == torch.float32
        assert torch.equal(got, tensor.half().float() if half else tensor)
    assert {name: getattr(card, name) for name in WeightsCard.model_fields} == CARD.model_dump()
    assert all(p.requires_grad and p.device.type == "cpu" for p in loaded.parameters())
    assert path.stat().st_size < sum(p.numel() for p in model.parameters()) * (2 if half else 4) + 4096


def test_sidecar_names_action_units_as_people_do(saved: Path) -> None:
    text = json.loads(saved.with_suffix(".json").read_text())
    assert text["format"] == 1
    assert text["architecture"] == {
        "kind": "LightCNN",
        "num_aus": 2,
        "normalize": True,
        "identity": "translation",
    }
    assert text["aus"] == ["AU12", "AU4"]
    assert text["thresholds"] == {"AU12": 0.5, "AU4": 0.25}
    assert text["calibration"] == {"AU12": [1.5, -0.5], "AU4": [1.0, 0.0]}
    assert text["unreliable_aus"] == ["AU4"]


def test_a_file_from_before_calibration_has_none(saved: Path) -> None:
    sidecar = saved.with_suffix(".json")
    text = json.loads(sidecar.read_text())
    del text["calibration"]
    sidecar.write_text(json.dumps(text))
    assert load_weights(saved)[1].calibration == {}


def test_one_altered_byte_is_noticed(saved: Path) -> None:
    data = bytearray(saved.read_bytes())
    data[-1000] ^= 1
    saved.write_bytes(data)
    with pytest.raises(WeightsError, match="sha256"):
        load_weights(saved)


def test_an_interrupted_save_leaves_the_weights_that_were_there(
    saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {file.name: file.read_bytes() for file in saved.parent.iterdir()}

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        save_weights(IdenNet(2), saved, CARD)
    assert {file.name: file.read_bytes() for file in saved.parent.iterdir()} == before


def test_wrong_sha256_is_noticed(saved: Path) -> None:
    edit(saved, sha256="0" * 64)
    with pytest.raises(WeightsError, match="sha256"):
        load_weights(saved)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"architecture": {"kind": "ResNet", "num_aus": 2}}, "architecture.kind"),
        ({"architecture": {"kind": "IdenNet", "num_aus": 2, "normalize": True}}, "another network"),
        ({"architecture": {"kind": "LightCNN", "num_aus": 3, "normalize": True}}, "another network"),
        ({"format": 2}, "format"),
        ({"aus": ["AU12", "AU99"]}, "AU99"),
        ({"surprise": 1}, "surprise"),
        ({"calibration": {"AU12": [1.0, 0.0]}}, "a scale and a shift for each of aus"),
        ({"calibration": {"AU12": [0.0, 0.0], "AU4": [1.0, 0.0]}}, "calibration.AU12.0"),
        ({"calibration": {"AU12": [1.0], "AU4": [1.0, 0.0]}}, "calibration.AU12.1"),
    ],
)
def test_a_sidecar_that_does_not_fit_is_refused(saved: Path, changes: dict[str, object], word: str) -> None:
    edit(saved, **changes)
    with pytest.raises(WeightsError, match=word):
        load_weights(saved)


@pytest.mark.parametrize("suffix", [".safetensors", ".json"])
def test_a_missing_half_is_named(saved: Path, suffix: str) -> None:
    saved.with_suffix(suffix).unlink()
    with pytest.raises(WeightsError, match=rf"no .*small\{suffix}"):
        load_weights(saved)


def test_the_json_file_is_not_the_weights(saved: Path) -> None:
    with pytest.raises(WeightsError, match=r"give the \.safetensors file beside it"):
        load_weights(saved.with_suffix(".json"))


def test_a_picture_is_no_weights(tmp_path: Path) -> None:
    (tmp_path / "face.jpg").touch()
    with pytest.raises(WeightsError, match=r"face\.jpg is no weights file"):
        load_weights(tmp_path / "face.jpg")


def test_broken_json_is_refused(saved: Path) -> None:
    saved.with_suffix(".json").write_text("{")
    with pytest.raises(WeightsError, match="cannot be used"):
        load_weights(saved)


@pytest.mark.parametrize("newer", ["shape_identity.weight", "trunk_parts.weight"])
def test_weights_with_an_earlier_shape_branch_are_refused_in_a_sentence(tmp_path: Path, newer: str) -> None:
    path = tmp_path / "earlier.safetensors"
    save_weights(IdenNet(2, graded=True, shaped=True), path, CARD, half=True)
    tensors = safetensors.torch.load_file(path)
    del tensors[newer]
    safetensors.torch.save_file(tensors, path)
    edit(path, sha256=hashlib.sha256(path.read_bytes()).hexdigest())
    with pytest.raises(WeightsError, match="has a shape branch as earlier versions read it"):
        load_weights(path)


def test_card_and_network_must_agree(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="2 AUs"):
        save_weights(LightCNN(3), tmp_path / "w.safetensors", CARD)
    with pytest.raises(WeightsError, match="Cannot write"):
        save_weights(LightCNN(2), tmp_path / "w.pt", CARD)
    with pytest.raises(WeightsError, match="Cannot write"):
        save_weights(LightCNN(2), tmp_path / "absent" / "w.safetensors", CARD)


@pytest.mark.parametrize(
    "changes",
    [
        {"aus": (12, 12)},
        {"thresholds": {12: 0.5}},
        {"thresholds": {12: 0.5, 4: 1.0}},
        {"unreliable_aus": (1,)},
    ],
)
def test_a_card_must_agree_with_itself(changes: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        WeightsCard.model_validate(CARD.model_dump() | changes)


def test_bundled_weights_belong_into_the_package() -> None:
    assert bundled_weights_path().parts[-3:] == ("idennet", "assets", "idennet.safetensors")
