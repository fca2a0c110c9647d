"""AlexNet and DRML against their released layers, and as systems that are fitted."""

from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
import torch.nn.functional as F
from drawn_faces import draw_store, split_faces

from idennet.errors import WeightsError
from idennet.models.layers import count_weights
from idennet.research.benchmark.networks.alexnet import AlexNet
from idennet.research.benchmark.networks.drml import DRML, RegionLayer
from idennet.research.benchmark.systems.catalogue import SYSTEMS
from idennet.research.benchmark.systems.contract import Budget
from idennet.research.benchmark.systems.convolutional import AlexNetSystem, DRMLSystem

BRIEF = Budget(steps=2, batch=4, validations=1, learning_rate=1e-4)
ALEXNET = {
    "conv1": (96, 55, 55),
    "conv2": (256, 27, 27),
    "conv3": (384, 13, 13),
    "conv4": (384, 13, 13),
    "conv5": (256, 13, 13),
    "fc6": (4096,),
    "fc7": (4096,),
    "fc8": (12,),
}
DRML_LAYERS = {
    "conv1": (32, 160, 160),
    "region": (32, 160, 160),
    "norm": (32, 80, 80),
    "conv2": (16, 73, 73),
    "conv3": (16, 66, 66),
    "conv4": (16, 31, 31),
    "conv5": (16, 27, 27),
    "fc6": (4096,),
    "fc7": (2048,),
    "fc8": (12,),
}


@pytest.fixture(scope="module")
def faces() -> torch.Tensor:
    return torch.randint(
        0, 256, (2, 3, 128, 128), dtype=torch.uint8, generator=torch.Generator().manual_seed(1)
    )


def test_parameters_are_those_of_the_releases() -> None:
    with torch.device("meta"):
        networks = AlexNet(12), DRML(12)
    totals = [sum(parameter.numel() for parameter in network.parameters()) for network in networks]
    assert [count_weights(network) for network in networks] == [56_907_808, 56_855_136]
    assert totals == [56_917_388, 56_863_436]


@torch.no_grad()
@pytest.mark.parametrize(("kind", "layers"), [(AlexNet, ALEXNET), (DRML, DRML_LAYERS)])
def test_layers_have_the_published_sizes(
    kind: type[AlexNet] | type[DRML], layers: dict[str, tuple[int, ...]], faces: torch.Tensor
) -> None:
    network = kind(12).eval()
    seen: dict[str, tuple[int, ...]] = {}
    for name in layers:
        network.get_submodule(name).register_forward_hook(
            lambda _module, _inputs, output, name=name: seen.__setitem__(name, tuple(output.shape[1:]))
        )
    logits = network(faces)
    assert list(seen.items()) == list(layers.items())
    torch.testing.assert_close(network(faces.float() / 255), logits)
    torch.testing.assert_close(network(faces[1:]), logits[1:], atol=1e-4, rtol=1e-4)


@torch.no_grad()
@pytest.mark.parametrize("training", [True, False])
def test_the_region_layer_is_its_loop_over_regions(training: bool) -> None:
    generator = torch.Generator().manual_seed(0)
    layer = RegionLayer(channels=3, grid=4).train(training)
    features = torch.randn(5, 3, 12, 12, generator=generator)
    layer.norm.running_mean.copy_(torch.randn(48, generator=generator))
    layer.norm.running_var.copy_(torch.rand(48, generator=generator) + 0.5)
    means, variances = layer.norm.running_mean.clone(), layer.norm.running_var.clone()
    result = layer(features)
    expected = features.clone()
    for row in range(4):
        for column in range(4):
            number = 4 * row + column
            here = slice(3 * number, 3 * number + 3)
            patch = features[:, :, 3 * row : 3 * row + 3, 3 * column : 3 * column + 3]
            normal = F.batch_norm(patch, means[here], variances[here], training=training, momentum=0.0)
            own = F.conv2d(normal.relu(), layer.conv.weight[here], layer.conv.bias[here], padding=1)
            expected[:, :, 3 * row : 3 * row + 3, 3 * column : 3 * column + 3] += own
    torch.testing.assert_close(result, expected.relu())
    assert torch.equal(layer.join(layer.cut(features)), features)


def test_first_weights_are_the_releases() -> None:
    network = DRML(2, generator=torch.Generator().manual_seed(0))
    assert not network.conv1.bias.any()
    assert not network.fc8.bias.any()
    assert (network.region.conv.bias == 1).all()
    assert network.fc7.weight.std().item() == pytest.approx(0.005, rel=0.01)
    assert network.region.conv.weight.std().item() == pytest.approx(0.01, rel=0.01)
    again = DRML(2, generator=torch.Generator().manual_seed(0))
    assert torch.equal(again.fc8.weight, network.fc8.weight)


def test_imagenet_weights_come_from_a_file(tmp_path: Path) -> None:
    given = AlexNet(7, generator=torch.Generator().manual_seed(3))
    path = tmp_path / "alexnet.safetensors"
    safetensors.torch.save_file(given.state_dict(), path)
    network = AlexNet(2)
    head = network.fc8.weight.clone()
    network.load_imagenet(path)
    assert torch.equal(network.conv4.weight, given.conv4.weight)
    assert torch.equal(network.fc7.bias, given.fc7.bias)
    assert torch.equal(network.fc8.weight, head)
    safetensors.torch.save_file({"conv1.weight": torch.zeros(64, 3, 11, 11)}, path)
    with pytest.raises(WeightsError, match=r"no conv1\.weight of shape"):
        network.load_imagenet(path)
    path.write_bytes(b"no weights")
    with pytest.raises(WeightsError, match="no safetensors file"):
        network.load_imagenet(path)
    with pytest.raises(WeightsError, match="There is no"):
        network.load_imagenet(tmp_path / "nowhere.safetensors")
    assert AlexNetSystem(imagenet=path).remarks() == ()
    assert "random weights" in SYSTEMS["alexnet"].remarks()[0]  # type: ignore[attr-defined]


@pytest.mark.slow
@pytest.mark.parametrize("system", [AlexNetSystem(budget=BRIEF), DRMLSystem(budget=BRIEF)])
def test_they_are_fitted(system: AlexNetSystem | DRMLSystem, tmp_path: Path) -> None:
    store = draw_store(tmp_path / "store", subjects=2, faces_each=4)
    fitted = system.fit(split_faces(store), tmp_path / "fit", "cpu")
    scores = fitted.predict(store)
    assert scores.shape == (8, 2)
    assert np.isfinite(scores).all()
    assert scores.std(axis=0).min() > 0
    published, width = {"alexnet": (56_907_808, 4096), "drml": (56_855_136, 2048)}[system.name]
    assert fitted.parameters == published - 10 * width
