"""The shape branch by compiled kernels against the plain one in float64, and when PyTorch computes it."""

import copy
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from idennet import IdenNet
from idennet.models.fastcpu.library import VARIABLE, Choice, Kernels
from idennet.models.shape import SHAPE_POINTS, ShapeBranch

PIXELS = 0.01
"""How near a point must be to that of float64: 0.001 on the CPUs seen, 0.0004 by PyTorch's layers."""


class Calls:
    """Kernels that count the faces whose points they find."""

    def __init__(self, kernels: Kernels) -> None:
        self.kernels, self.faces = kernels, 0

    def __getattr__(self, name: str) -> object:
        return getattr(self.kernels, name)

    def find_cells(self, pixels: Tensor, packed: Tensor) -> Tensor:
        self.faces += len(pixels)
        return self.kernels.find_cells(pixels, packed)


@pytest.fixture
def calls(each_kernels: Kernels, monkeypatch: pytest.MonkeyPatch) -> Calls:
    """Counts what the kernels find, which branches use for the time of the test."""
    counting = Calls(each_kernels)
    monkeypatch.setattr("idennet.models.fastcpu.trunk.choose_kernels", lambda: Choice(counting))  # type: ignore[arg-type]
    return counting


@pytest.fixture(scope="module")
def faces() -> Tensor:
    """Smooth random pictures in [0, 1]."""
    noise = torch.randn(5, 3, 16, 16, generator=torch.Generator().manual_seed(3))
    return (0.5 + 0.2 * functional.interpolate(noise, size=(128, 128), mode="bicubic")).clamp(0, 1)


@pytest.fixture
def branch() -> ShapeBranch:
    """A branch whose layers have outputs of order one, and whose heat maps have few warm cells."""
    generator = torch.Generator().manual_seed(5)
    branch = ShapeBranch().requires_grad_(False).eval()
    for layer in branch.modules():
        if isinstance(layer, nn.Conv2d):
            layer.weight.normal_(0, (2 / layer.weight[0].numel()) ** 0.5, generator=generator)
            assert layer.bias is not None
            layer.bias.uniform_(-0.5, 0.5, generator=generator)
    branch.heat.weight.mul_(2)
    return branch


def exact_points(branch: ShapeBranch, faces: Tensor) -> Tensor:
    points: Tensor = copy.deepcopy(branch).double()(faces.double()).points
    return points


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_points_equal_those_of_float64(calls: Calls, branch: ShapeBranch, faces: Tensor, count: int) -> None:
    found, exact = branch(faces[:count]), exact_points(branch, faces[:count])
    assert calls.faces == count
    assert exact.std(dim=1).min() > 10  # no map is so flat that all its points are in the middle
    assert (found.points - exact).abs().max() < PIXELS
    features = copy.deepcopy(branch).double()(faces[:count].double()).features
    torch.testing.assert_close(found.features.double(), features, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("part", [*dict(ShapeBranch().named_parameters())])
def test_every_weight_counts_and_a_change_is_noticed(
    calls: Calls, branch: ShapeBranch, faces: Tensor, part: str
) -> None:
    """Also where PyTorch does not count the change; a heat map's own bias is the same in every cell."""
    before = branch(faces[:1]).points
    branch.get_parameter(part).data.neg_()
    after = branch(faces[:1]).points
    assert (after - exact_points(branch, faces[:1])).abs().max() < PIXELS
    assert part == "heat.bias" or (after - before).abs().max() > 0.1


@pytest.mark.parametrize("heat", [0.0, 100.0])
def test_flat_and_sharp_heat_maps(calls: Calls, branch: ShapeBranch, faces: Tensor, heat: float) -> None:
    branch.heat.weight.mul_(heat)
    found = branch(faces).points
    if heat == 0:
        assert (found - found[:1, :1]).abs().max() < 1e-4  # the middle of all cells
    elsewhere = (found - exact_points(branch, faces)).abs().amax(dim=2) > PIXELS
    assert elsewhere.float().mean() < 0.01  # two cells that are nearly as warm
    assert calls.faces == len(faces)


def test_a_face_does_not_depend_on_its_batch_nor_on_threads(
    calls: Calls, branch: ShapeBranch, faces: Tensor, threads: Callable[[int], None]
) -> None:
    together = branch(faces).points
    for count in (2, 5):
        threads(count)
        assert torch.equal(branch(faces).points, together)
    for index in range(len(faces)):
        assert torch.equal(branch(faces[index : index + 1]).points[0], together[index])


def test_layouts_change_nothing(calls: Calls, branch: ShapeBranch, faces: Tensor) -> None:
    expected = branch(faces).points
    assert torch.equal(branch(faces.contiguous(memory_format=torch.channels_last)).points, expected)
    assert torch.equal(branch.to(memory_format=torch.channels_last)(faces).points, expected)
    weight = branch.merge_eighth.convolve.weight
    weight.data = weight.data.repeat_interleave(2, dim=0)[::2]  # with gaps
    assert torch.equal(branch(faces).points, expected)
    assert calls.faces == 4 * len(faces)


def test_a_broken_face_breaks_no_other(calls: Calls, branch: ShapeBranch, faces: Tensor) -> None:
    broken = faces.clone()
    broken[1, 0, 0, 0] = torch.nan
    found = branch(broken).points
    assert found[1].isnan().all()
    assert torch.equal(found[::2], branch(faces).points[::2])


def test_networks_use_them_also_while_they_learn(calls: Calls, faces: Tensor) -> None:
    """The branch learns nothing in a network."""
    network = IdenNet(4, graded=True, shaped=True, generator=torch.Generator().manual_seed(1))
    network.train()(faces[:2]).au_logits.sum().backward()
    assert calls.faces == 2
    with torch.inference_mode():
        network.eval()((255 * faces[:3]).to(torch.uint8))
    assert calls.faces == 5


def gradient_of_weights(branch: ShapeBranch, faces: Tensor) -> None:
    branch.requires_grad_(True)(faces).points.sum().backward()
    assert branch.stem.convolve.weight.grad is not None


def gradient_of_faces(branch: ShapeBranch, faces: Tensor) -> None:
    given = faces.clone().requires_grad_()
    branch(given).points.sum().backward()
    assert given.grad is not None


def double(branch: ShapeBranch, faces: Tensor) -> None:
    branch.double()(faces.double())


def autocast(branch: ShapeBranch, faces: Tensor) -> None:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        branch(faces)


def no_faces(branch: ShapeBranch, faces: Tensor) -> None:
    assert branch(faces[:0]).points.shape == (0, SHAPE_POINTS, 2)


def hook(branch: ShapeBranch, faces: Tensor) -> None:
    seen = []
    branch.quarter[1].first.register_forward_hook(lambda *given: seen.append(given[2].shape))
    branch(faces)
    assert seen == [(len(faces), 32, 32, 32)]


def batch_normalisation(branch: ShapeBranch, faces: Tensor) -> None:
    ShapeBranch(normalised=True).requires_grad_(False).eval()(faces)


def replaced_layer(branch: ShapeBranch, faces: Tensor) -> None:
    branch.eighth[1] = nn.Identity()
    branch(faces)


def other_widths(branch: ShapeBranch, faces: Tensor) -> None:
    branch.merge_quarter.convolve, branch.heat = nn.Conv2d(48, 8, 3, padding=1), nn.Conv2d(8, SHAPE_POINTS, 1)
    branch.requires_grad_(False)(faces)


def layer_left_out(branch: ShapeBranch, faces: Tensor) -> None:
    branch.eighth = branch.eighth[:2]
    branch(faces)


def other_size(branch: ShapeBranch, faces: Tensor) -> None:
    with pytest.raises(RuntimeError):
        branch(faces[..., :64, :64])


def meta_device(branch: ShapeBranch, faces: Tensor) -> None:
    assert branch.to("meta")(faces.to("meta")).points.device.type == "meta"


def export(branch: ShapeBranch, faces: Tensor) -> None:
    program = torch.export.export(branch, (faces,))
    targets = [str(node.target) for node in program.graph.nodes]
    assert sum("conv2d" in target for target in targets) == 14


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "use",
    [
        gradient_of_weights,
        gradient_of_faces,
        double,
        autocast,
        no_faces,
        hook,
        batch_normalisation,
        replaced_layer,
        other_widths,
        layer_left_out,
        other_size,
        meta_device,
        export,
    ],
)
def test_pytorch_computes_the_rest(
    calls: Calls, branch: ShapeBranch, faces: Tensor, use: Callable[[ShapeBranch, Tensor], None]
) -> None:
    use(branch, faces)
    assert calls.faces == 0


def test_variable_switches_off(branch: ShapeBranch, faces: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "torch")
    monkeypatch.setattr(Kernels, "find_cells", lambda *given: pytest.fail("kernels were used"))
    assert (branch(faces[:2]).points - exact_points(branch, faces[:2])).abs().max() < PIXELS
