"""VGG's convolutions, and ImageNet's weights in torchvision's layout."""

from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import Tensor, nn

from idennet.errors import WeightsError
from idennet.research.benchmark.networks.enet import ENet
from idennet.research.benchmark.networks.vgg import (
    VGG16_DEPTHS,
    VGG19_DEPTHS,
    convolutions,
    freeze_convolutions,
    load_imagenet,
    vgg_groups,
)

VGG16_POSITIONS = (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)
VGG19_POSITIONS = (0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34)


def torchvision_layout(width: int, depths: tuple[int, ...], positions: tuple[int, ...]) -> dict[str, Tensor]:
    groups = vgg_groups(depths, width)
    layers = convolutions(groups)
    tensors = {}
    for position, layer in zip(positions, layers, strict=True):
        tensors[f"features.{position}.weight"] = torch.randn_like(layer.weight)
        tensors[f"features.{position}.bias"] = torch.randn_like(layer.bias)
    return tensors


@pytest.mark.parametrize(
    ("depths", "positions"), [(VGG16_DEPTHS, VGG16_POSITIONS), (VGG19_DEPTHS, VGG19_POSITIONS)]
)
def test_every_convolution_is_found_by_its_name(
    depths: tuple[int, ...], positions: tuple[int, ...], tmp_path: Path
) -> None:
    tensors = torchvision_layout(2, depths, positions)
    safetensors.torch.save_file(tensors, tmp_path / "vgg.safetensors")
    groups = vgg_groups(depths, 2)
    load_imagenet(groups, tmp_path / "vgg.safetensors")
    for position, layer in list(zip(positions, convolutions(groups), strict=True))[1:]:
        assert torch.equal(layer.weight, tensors[f"features.{position}.weight"])
        assert torch.equal(layer.bias, tensors[f"features.{position}.bias"])


def test_mean_and_deviation_are_folded_into_the_first_convolution(tmp_path: Path) -> None:
    tensors = torchvision_layout(2, VGG16_DEPTHS, VGG16_POSITIONS)
    safetensors.torch.save_file(tensors, tmp_path / "vgg.safetensors")
    groups = vgg_groups(VGG16_DEPTHS, 2)
    load_imagenet(groups, tmp_path / "vgg.safetensors")
    faces = torch.rand(2, 3, 9, 9)
    mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    normalised = (faces - mean.view(3, 1, 1)) / deviation.view(3, 1, 1)
    expected = nn.functional.conv2d(normalised, tensors["features.0.weight"], tensors["features.0.bias"])
    got = convolutions(groups)[0](faces)[..., 1:-1, 1:-1]
    torch.testing.assert_close(got, expected, atol=1e-4, rtol=1e-4)


def test_another_network_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="There is no"):
        load_imagenet(vgg_groups(VGG16_DEPTHS, 2), tmp_path / "vgg.safetensors")
    (tmp_path / "torn.safetensors").write_bytes(b"x")
    with pytest.raises(WeightsError, match="no safetensors file"):
        load_imagenet(vgg_groups(VGG16_DEPTHS, 2), tmp_path / "torn.safetensors")
    tensors = torchvision_layout(2, VGG16_DEPTHS, VGG16_POSITIONS)
    safetensors.torch.save_file(tensors, tmp_path / "vgg.safetensors")
    with pytest.raises(WeightsError, match=r"features\.\d+ of shape"):
        load_imagenet(vgg_groups(VGG19_DEPTHS, 2), tmp_path / "vgg.safetensors")
    with pytest.raises(WeightsError, match="another VGG"):
        load_imagenet(vgg_groups(VGG16_DEPTHS, 4), tmp_path / "vgg.safetensors")


def test_enet_takes_the_first_full_layer_too(tmp_path: Path) -> None:
    enet = ENet(2, width=2, hidden=(6, 4), side=32)
    tensors = torchvision_layout(2, VGG19_DEPTHS, VGG19_POSITIONS)
    safetensors.torch.save_file(tensors, tmp_path / "bare.safetensors")
    with pytest.raises(WeightsError, match=r"classifier\.0"):
        enet.start_from_imagenet(tmp_path / "bare.safetensors")
    tensors["classifier.0.weight"], tensors["classifier.0.bias"] = torch.randn(6, 16), torch.randn(6)
    safetensors.torch.save_file(tensors, tmp_path / "vgg.safetensors")
    enet.start_from_imagenet(tmp_path / "vgg.safetensors")
    assert torch.equal(enet.fc6.weight, tensors["classifier.0.weight"])


def test_the_first_convolutions_can_be_kept() -> None:
    enet = ENet(2, width=2, hidden=(6, 4), side=32)
    freeze_convolutions(enet.trunk.groups, 4)
    frozen = {name.split(".")[2] for name, p in enet.named_parameters() if not p.requires_grad}
    assert frozen == {"0", "1"}
    freeze_convolutions(enet.trunk.groups, 5)
    assert [layer.weight.requires_grad for layer in convolutions(enet.trunk.groups)] == [False] * 5 + [
        True
    ] * 11
