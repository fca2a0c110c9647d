"""E-Net, ROINet, temporal and two-branch networks: counts and shapes of their specifications."""

import pytest
import torch
from torch import Tensor, nn

from idennet.errors import InputError, ShapeError
from idennet.models.idennet import IdenNet
from idennet.research.benchmark.networks.au_centres import attention_map, au_centres
from idennet.research.benchmark.networks.enet import AdversarialENet, ENet, EnhancedTrunk, reverse_gradient
from idennet.research.benchmark.networks.roinet import EnhancedROINet, RegionNetworks, ROINet, crop_regions
from idennet.research.benchmark.networks.temporal import TemporalNetwork, draw_windows
from idennet.research.benchmark.networks.two_branch import TupletNet, TwoStreamNet

SMALL_ENET = {"width": 4, "hidden": (16, 8), "side": 64}
SMALL_ROINET = {"width": 4, "hidden": 16, "features": 5, "side": 64}


def counts(model: nn.Module) -> tuple[int, int]:
    """Return weights without biases, and all parameters."""
    sizes = [(p.ndim > 1, p.numel()) for p in model.parameters()]
    return sum(size for is_weight, size in sizes if is_weight), sum(size for _, size in sizes)


@pytest.fixture(scope="module")
def faces() -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randint(0, 256, (3, 3, 128, 128), dtype=torch.uint8, generator=generator)


@pytest.fixture(scope="module")
def landmarks() -> Tensor:
    return torch.rand(3, 68, 2, generator=torch.Generator().manual_seed(2)) * 100 + 10


def test_networks_have_the_weights_of_their_sources() -> None:
    with torch.device("meta"):
        assert counts(ENet(12)) == (131_192_512, 131_204_172)
        assert counts(ROINet(12)) == (121_001_664, 121_020_676)
        assert counts(ROINet(12).groups) == (12_351_168, 12_354_880)
        trunk = EnhancedTrunk((2, 2, 4, 4))
        assert counts(trunk) == (10_581_696, 10_585_152)
        assert counts(EnhancedROINet(trunk, 12)) == (88_512_192, 88_530_948)
        assert counts(TupletNet(12))[0] == counts(IdenNet(12))[0] + 256 * 12 == 6_575_904
        assert counts(TwoStreamNet(12))[0] == 6_575_904


@pytest.mark.parametrize(("layers", "hidden"), [(1, 256), (2, 256), (1, 512), (2, 512)])
def test_lstm_layers_have_the_weights_of_their_sources(layers: int, hidden: int) -> None:
    first, more = 4 * hidden * (2048 + hidden), 4 * hidden * 2 * hidden
    with torch.device("meta"):
        model = TemporalNetwork(2048, 12, layers=layers, hidden=hidden)
    assert counts(model)[0] == first + (layers - 1) * more + 24 * hidden * 12
    assert round(first / 1e6, 2) == {256: 2.36, 512: 5.24}[hidden]


def test_feature_maps_have_the_published_sizes() -> None:
    with torch.device("meta"):
        roinet, faces = ROINet(12), torch.zeros(2, 3, 128, 128)
        assert roinet.feature_map(faces).shape == (2, 512, 14, 14)
        crops = torch.zeros(2, 20 * 512, 3, 3)
        upscaled = nn.functional.interpolate(crops, scale_factor=2)
        assert roinet.head.regions.convolution(upscaled).shape == (2, 10_240, 6, 6)
        assert RegionNetworks(512, padded=False).convolution(upscaled).shape == (2, 10_240, 4, 4)
        enet = ENet(12)
    seen: list[tuple[int, ...]] = []
    for group in enet.trunk.groups:
        group.register_forward_hook(lambda _module, _inputs, output: seen.append(tuple(output[1].shape[1:])))
    with torch.device("meta"):
        features = torch.zeros(1, 3, 224, 224)
        for number, group in enumerate(enet.trunk.groups):
            features = group(enet.trunk.pool(features) if number else features)[1]
    assert seen == [(64, 224, 224), (128, 112, 112), (256, 56, 56), (512, 28, 28), (512, 14, 14)]
    assert enet.fc6.in_features == 512 * 7 * 7


def test_logits_come_from_the_last_hidden_layer(faces: Tensor, landmarks: Tensor) -> None:
    enet = ENet(5, **SMALL_ENET).eval()
    features = enet.features(faces, landmarks)
    assert features.shape == (3, 8)
    assert (features >= 0).all()
    torch.testing.assert_close(enet(faces, landmarks), enet.fc8(features))
    for roinet in (
        ROINet(5, **SMALL_ROINET).eval(),
        EnhancedROINet(EnhancedTrunk((1, 1, 2, 2), 4, 64), 5, hidden=16, features=5).eval(),
    ):
        assert roinet.features(faces, landmarks).shape == (3, 16)
        assert roinet(faces, landmarks).shape == (3, 5)


def test_the_enhancing_layer_adds_the_attended_first_convolution(faces: Tensor, landmarks: Tensor) -> None:
    trunk = EnhancedTrunk((1, 1, 2), width=4, side=64)
    trunk.initialize(torch.Generator().manual_seed(0))
    attended = trunk(faces, landmarks)
    far_away = torch.full_like(landmarks, 1e4)
    plain = trunk(faces, far_away)
    first: list[Tensor] = []
    trunk.groups[2].register_forward_hook(lambda _module, _inputs, output: first.append(output[0]))
    trunk(faces, landmarks)
    attention = nn.functional.max_pool2d(attention_map(au_centres(landmarks), 64), 4)
    torch.testing.assert_close(attended, plain + first[0] * attention)
    assert attended.ne(plain).any()


def test_each_region_has_weights_of_its_own_and_sees_its_own_cells() -> None:
    generator = torch.Generator().manual_seed(0)
    regions = RegionNetworks(4, 3)
    regions.initialize(generator)
    feature_map = torch.rand(2, 4, 8, 8, generator=generator)
    centres = torch.rand(2, 20, 2, generator=generator) * 128
    cells = (centres + 0.5).div(16).floor().clamp(1, 6).long()
    expected = []
    for number in range(20):
        column, row = cells[0, number].tolist()
        crop = feature_map[:1, :, row - 1 : row + 2, column - 1 : column + 2]
        large = nn.functional.interpolate(crop, scale_factor=2, mode="bilinear")
        weight = regions.convolution.weight[4 * number : 4 * number + 4]
        bias = regions.convolution.bias[4 * number : 4 * number + 4]
        hidden = torch.relu(nn.functional.conv2d(large, weight, bias, padding=1))
        full = regions.full.weight[3 * number : 3 * number + 3].flatten(start_dim=1)
        expected.append(
            torch.relu(hidden.flatten() @ full.T + regions.full.bias[3 * number : 3 * number + 3])
        )
    torch.testing.assert_close(regions(feature_map, centres)[0], torch.cat(expected))
    crops = crop_regions(feature_map, cells)
    assert crops.shape == (2, 20, 4, 3, 3)
    column, row = cells[1, 7].tolist()
    assert torch.equal(crops[1, 7, :, 1, 1], feature_map[1, :, row, column])


def test_reversed_gradients_teach_the_head_and_unteach_the_features(faces: Tensor, landmarks: Tensor) -> None:
    features = torch.randn(4, 3, requires_grad=True)
    (reverse_gradient(features, 0.5) * 3).sum().backward()
    assert features.grad is not None
    torch.testing.assert_close(features.grad, torch.full((4, 3), -1.5))

    model = AdversarialENet(ENet(2, **SMALL_ENET), num_subjects=3, hidden=6).eval()
    gradients = []
    for strength in (1.0, -1.0):
        model.zero_grad()
        _, subjects = model(faces, landmarks, strength)
        nn.functional.cross_entropy(subjects, torch.arange(3)).backward()
        head = model.identity_head[-1].weight.grad
        assert head is not None
        gradients.append((model.enet.fc7.weight.grad.clone(), head.clone()))  # type: ignore[union-attr]
    torch.testing.assert_close(gradients[0][0], -gradients[1][0])
    torch.testing.assert_close(gradients[0][1], gradients[1][1])
    assert model(faces, landmarks, 1.0)[1].shape == (3, 3)
    features = 100 * (model.enet.features(faces, landmarks) + 1)  # LayerNorm's epsilon counts for nothing
    torch.testing.assert_close(
        model.name_subjects(9 * features), model.name_subjects(features), atol=1e-3, rtol=1e-3
    )
    assert len(AdversarialENet(ENet(2, **SMALL_ENET), 3, hidden=0).identity_head) == 1
    with pytest.raises(InputError, match="at least two"):
        AdversarialENet(ENet(2, **SMALL_ENET), num_subjects=1)


def test_sides_that_cannot_be_pooled_are_refused() -> None:
    for side in (0, 31, 100):
        with pytest.raises(InputError, match="multiple of 32"):
            ENet(2, side=side)


def test_windows_end_with_their_frame_and_hold_only_earlier_ones_of_its_recording() -> None:
    sequence = torch.tensor([0, 1, 0, 1, 0, 0, 1, 0, 0, 0]).numpy()
    time = torch.tensor([5, 9, 3, 2, 4, 1, 7, 2, 8, 9]).numpy()
    rows = torch.arange(10).numpy()
    windows = draw_windows(sequence, time, rows, seed=(3,), window=4)
    earlier_counts = []
    for row, window in zip(rows, windows, strict=True):
        assert window[-1] == row
        earlier = [frame for frame in window if frame != row]
        earlier_counts.append(len(earlier))
        assert len(set(earlier)) == len(earlier)
        assert all(sequence[frame] == sequence[row] and time[frame] < time[row] for frame in earlier)
        assert list(time[window]) == sorted(time[window])
    there = [sum((sequence == sequence[row]) & (time < time[row])) for row in rows]
    assert earlier_counts == [min(count, 3) for count in there]
    assert (draw_windows(sequence, time, rows[::-1].copy(), seed=(3,), window=4)[::-1] == windows).all()
    others = [draw_windows(sequence, time, rows, seed=(seed,), window=4) for seed in range(8)]
    assert any((other != windows).any() for other in others)
    with pytest.raises(InputError, match="1 or more"):
        draw_windows(sequence, time, rows, seed=(0,), window=0)


def test_a_temporal_network_reads_the_order_of_its_frames() -> None:
    model = TemporalNetwork(6, 3, layers=2, hidden=5, window=4, generator=torch.Generator().manual_seed(0))
    features = torch.randn(2, 4, 6, generator=torch.Generator().manual_seed(1))
    assert model(features).shape == (2, 3)
    assert not torch.allclose(model(features), model(features.flip(1)))
    with pytest.raises(ShapeError, match=r"\(N, 4, 6\)"):
        model(features[:, 1:])


def test_two_branches_are_read_side_by_side(faces: Tensor) -> None:
    for network in (TupletNet(2), TwoStreamNet(2)):
        output = network.eval()(faces)
        assert torch.equal(output.au_residual[:, :256], output.expression_features)
        assert torch.equal(output.au_residual[:, 256:], output.identity_embedding)
        torch.testing.assert_close(output.identity_embedding.norm(dim=1), torch.ones(3), atol=1e-4, rtol=0)
    expression = TwoStreamNet(2)
    nn.init.normal_(expression.fc6.weight)
    torch.testing.assert_close(expression(faces).expression_features.norm(dim=1), torch.ones(3))
