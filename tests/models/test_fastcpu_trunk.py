"""The trunk by compiled kernels against the plain trunk in float64, for every instruction set of this CPU."""

import copy
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from idennet import IdenNet
from idennet.learning.training.initialise import fit_to_faces
from idennet.models.fastcpu.library import LAYERS, Choice, Kernels, LayerShape, split_filters
from idennet.models.trunk import Trunk

FACES = 17


@pytest.fixture
def kernels(each_kernels: Kernels, monkeypatch: pytest.MonkeyPatch) -> Kernels:
    """Kernels, which the trunk uses for the time of the test."""
    monkeypatch.setattr("idennet.models.fastcpu.trunk.choose_kernels", lambda: Choice(each_kernels))
    return each_kernels


@pytest.fixture(scope="module")
def faces() -> Tensor:
    """Smooth random pictures, uint8."""
    noise = torch.randn(FACES, 3, 16, 16, generator=torch.Generator().manual_seed(3))
    smooth = functional.interpolate(noise, size=(128, 128), mode="bicubic")
    return (128 + 60 * smooth).clamp(0, 255).to(torch.uint8)


@pytest.fixture(scope="module")
def model(faces: Tensor) -> IdenNet:
    """A network whose layers have outputs of order one."""
    model = IdenNet(generator=torch.Generator().manual_seed(5))
    fit_to_faces(model, faces)
    with torch.no_grad():
        model.fc7.weight.mul_(10)
    return model


@pytest.fixture(scope="module")
def exact(model: IdenNet, faces: Tensor) -> dict[str, Tensor]:
    """What float64 says about the faces: logits and embeddings; gradients of three of them."""
    double = copy.deepcopy(model).double()
    with torch.no_grad():
        output = double(faces)
    assert output.identity_embedding is not None
    return {
        "logits": output.au_logits,
        "embedding": output.identity_embedding,
        **gradients(double, faces[:3]),
    }


def gradients(model: IdenNet, faces: Tensor) -> dict[str, Tensor]:
    model.zero_grad()
    output = model(faces)
    assert output.identity_embedding is not None
    signs = torch.where(torch.arange(output.au_logits.numel()).view_as(output.au_logits) % 3 == 0, 1, -1)
    loss = functional.softplus(signs * output.au_logits).sum()
    (loss + (output.identity_embedding[0] - output.identity_embedding[-1]).square().sum()).backward()
    return {name: value.grad.clone() for name, value in model.named_parameters() if value.grad is not None}


def relative(found: Tensor, exact: Tensor) -> float:
    return float((found - exact).abs().max() / exact.abs().max())


@pytest.mark.parametrize("count", [1, 2, 3, 5, 7, 17])
def test_logits_follow_float64(
    kernels: Kernels, model: IdenNet, faces: Tensor, exact: dict[str, Tensor], count: int
) -> None:
    with torch.inference_mode():
        output = model(faces[:count])
    assert output.identity_embedding is not None
    assert relative(output.au_logits, exact["logits"][:count]) < 2e-5
    assert relative(output.identity_embedding, exact["embedding"][:count]) < 2e-5


def test_gradients_follow_float64_as_well_as_pytorch(
    kernels: Kernels, model: IdenNet, faces: Tensor, exact: dict[str, Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two nearly equal values can change places, which moves a gradient: hence norms and a factor."""
    ours = gradients(model, faces[:3])
    monkeypatch.setattr("idennet.models.fastcpu.trunk.choose_kernels", lambda: Choice(None))
    plain = gradients(model, faces[:3])
    assert ours.keys() == plain.keys()
    for name in ours:
        size = exact[name].norm()
        allowed = 3 * (plain[name] - exact[name]).norm() / size + 1e-3
        assert (ours[name] - exact[name]).norm() / size < allowed, name


def convolution(layer: LayerShape) -> nn.Conv2d:
    torch.manual_seed(layer.number)
    inputs = 3 if layer.number == 1 else layer.channels
    taps = {1: 9, 2: 5, 3: 5, 4: 4}[layer.number]
    return nn.Conv2d(inputs, 2 * layer.out_channels, taps)


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: f"conv{layer.number}")
def test_layer_and_its_adjoint(kernels: Kernels, layer: LayerShape, count: int) -> None:
    """The winners are nearly the largest in float64; given them, gradients are those of float64."""
    conv = convolution(layer)
    filters = (split_filters(conv.weight) if layer.number == 1 else conv.weight).detach()
    inputs, pool, half = filters.shape[1], layer.pool, layer.out_channels
    pictures = torch.randn(count, layer.side, layer.side, layer.channels)
    pictures[..., inputs:] = 0
    packed = kernels.pack(layer, conv)
    argmax = torch.empty(count, layer.out_side, layer.out_side, half, dtype=torch.uint8)
    found = kernels.forward(layer, pictures, packed, conv.bias, argmax)
    exact_in = pictures[..., :inputs].permute(0, 3, 1, 2).double()
    weight, bias = filters.double(), conv.bias.detach().double()
    out = functional.conv2d(exact_in, weight, bias)
    windows = functional.unfold(out, pool, stride=pool).view(count, 2, half, pool**2, -1)
    candidates = windows.permute(0, 4, 2, 1, 3).reshape(*argmax.shape, 2 * pool**2)
    chosen = candidates.gather(-1, argmax.long().unsqueeze(-1)).squeeze(-1)
    torch.testing.assert_close(chosen, candidates.amax(-1), rtol=0, atol=1e-4)
    torch.testing.assert_close(found.double(), candidates.amax(-1), rtol=0, atol=1e-4)

    gradient = torch.randn(found.shape)
    d_in, d_weight, d_bias = kernels.backward(
        layer, pictures, packed, argmax, gradient, filters, needs_input=layer.number > 1
    )
    spread = functional.one_hot(argmax.long(), 2 * pool**2) * gradient.double().unsqueeze(-1)
    columns = spread.view(count, -1, half, 2, pool**2).permute(0, 3, 2, 4, 1)
    d_out = functional.fold(columns.reshape(count, -1, layer.out_side**2), out.shape[2:], pool, stride=pool)
    assert relative(d_weight, torch.nn.grad.conv2d_weight(exact_in, weight.shape, d_out)) < 5e-5
    assert relative(d_bias, d_out.sum((0, 2, 3))) < 1e-5
    if layer.number == 1:
        assert d_in is None
        return
    assert d_in is not None
    assert (
        relative(d_in, torch.nn.grad.conv2d_input(exact_in.shape, weight, d_out).permute(0, 2, 3, 1)) < 1e-5
    )


def test_inference_equals_training_and_repeats(kernels: Kernels, model: IdenNet, faces: Tensor) -> None:
    trained = model.trunk(faces[:3])
    assert trained.requires_grad
    with torch.no_grad():
        assert torch.equal(model.trunk(faces[:3]), trained)
    first, second = gradients(model, faces[:3]), gradients(model, faces[:3])
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_threads_change_nothing_but_rounding(
    kernels: Kernels, model: IdenNet, faces: Tensor, threads: Callable[[int], None]
) -> None:
    found = []
    for count in (1, 2, 5):
        threads(count)
        found.append({"features": model.trunk(faces[:3]).detach()} | gradients(model, faces[:3]))
    for other in found[1:]:
        for name, value in found[0].items():
            assert relative(other[name], value) < 1e-4, name
    assert torch.equal(found[0]["features"], found[1]["features"])


def test_a_face_does_not_depend_on_its_batch(kernels: Kernels, model: IdenNet, faces: Tensor) -> None:
    with torch.no_grad():
        together = model.trunk(faces[:7])
        for index in range(7):
            torch.testing.assert_close(model.trunk(faces[index : index + 1])[0], together[index])


def test_pictures_with_strides_and_floats(kernels: Kernels, model: IdenNet, faces: Tensor) -> None:
    with torch.no_grad():
        expected = model.trunk(faces[:4:2])
        strided = faces[:4:2].transpose(2, 3).contiguous().transpose(2, 3)
        assert not strided.is_contiguous()
        assert torch.equal(model.trunk(strided), expected)
        assert torch.equal(model.trunk(faces[:4:2].float() / 255), expected)


def test_changed_weights_are_noticed(kernels: Kernels, faces: Tensor) -> None:
    """Also where PyTorch does not count the change; also of one value, or of every sign."""
    trunk = Trunk()
    trunk.initialize(torch.Generator().manual_seed(1))
    with torch.no_grad():
        before = trunk(faces[:1])
        trunk.conv3.weight.data[255, 95, 4, 4] += 1
        changed = trunk(faces[:1])
        assert not torch.equal(before, changed)
        trunk.conv3.weight.data[255, 95, 4, 4] -= 1
        torch.testing.assert_close(trunk(faces[:1]), before)
        trunk.conv3.weight.data.neg_()
        assert not torch.equal(before, trunk(faces[:1]))


def test_layout_of_weights_changes_nothing(kernels: Kernels, faces: Tensor) -> None:
    trunk = Trunk()
    trunk.initialize(torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected = trunk(faces[:1])
        assert torch.equal(trunk.to(memory_format=torch.channels_last)(faces[:1]), expected)
        conv = trunk.conv3
        conv.weight.data = conv.weight.data.repeat_interleave(2, dim=0)[::2]  # with gaps
        assert not conv.weight.is_contiguous()
        assert torch.equal(trunk(faces[:1]), expected)


def test_nan_comes_through(kernels: Kernels, model: IdenNet, faces: Tensor) -> None:
    broken = copy.deepcopy(model)
    for channel in (3, 51):
        with torch.no_grad():
            broken.trunk.conv1.bias[channel] = torch.nan
            assert broken.trunk(faces[:1]).isnan().all()
            broken.trunk.conv1.bias[channel] = 0


def adam_losses(network: IdenNet, faces: Tensor) -> Tensor:
    """Losses of five steps of Adam with two faces each."""
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-4)
    losses = []
    for step in range(5):
        logits = network(faces[step : step + 2]).au_logits
        loss = functional.softplus(logits).sum() + functional.softplus(-logits[:, ::2]).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return torch.tensor(losses)


@pytest.fixture(scope="module")
def exact_losses(model: IdenNet, faces: Tensor) -> Tensor:
    return adam_losses(copy.deepcopy(model).double(), faces)


def test_steps_of_adam_follow_float64(
    kernels: Kernels, model: IdenNet, faces: Tensor, exact_losses: Tensor
) -> None:
    """Winners of a maximum that change places move a step: less than 0.5 % on the CPUs seen."""
    losses = adam_losses(copy.deepcopy(model), faces)
    assert losses[-1] < 0.9 * losses[0]
    torch.testing.assert_close(losses, exact_losses, rtol=1e-2, atol=0)
