"""IdenNet and LightCNN against Table I of the paper."""

import math

import pytest
import torch
from torch import Tensor, nn

from idennet import IdenNet, LightCNN
from idennet.errors import InputError, ShapeError

TABLE_1 = {
    "trunk.conv1": (96, 120, 120),
    "trunk.pool1": (96, 60, 60),
    "trunk.mfm1": (48, 60, 60),
    "trunk.conv2": (192, 56, 56),
    "trunk.pool2": (192, 28, 28),
    "trunk.mfm2": (96, 28, 28),
    "trunk.conv3": (256, 24, 24),
    "trunk.pool3": (256, 12, 12),
    "trunk.mfm3": (128, 12, 12),
    "trunk.conv4": (384, 9, 9),
    "trunk.pool4": (384, 5, 5),
    "trunk.mfm4": (192, 5, 5),
    "fc5": (512,),
    "mfm5": (256,),
    "norm": (256,),
    "fc6": (512,),
    "mfm6": (256,),
    "fc7": (12,),
}
TABLE_1_WEIGHTS = {
    "trunk.conv1": 23_328,
    "trunk.conv2": 230_400,
    "trunk.conv3": 614_400,
    "trunk.conv4": 786_432,
    "fc5": 2_457_600,
    "fc6": 2_457_600,
    "fc7": 3_072,
}


@pytest.fixture(scope="module")
def idennet() -> IdenNet:
    return IdenNet(12, generator=torch.Generator().manual_seed(0)).eval()


@pytest.fixture(scope="module")
def faces() -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randint(0, 256, (3, 3, 128, 128), dtype=torch.uint8, generator=generator)


def count_weights(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters() if p.ndim > 1)


def test_weights_are_counted_as_in_the_paper(idennet: IdenNet) -> None:
    assert count_weights(idennet) == 6_572_832
    assert sum(p.numel() for p in idennet.parameters()) == 6_574_796
    assert count_weights(LightCNN(12)) == 4_115_232
    for name, weights in TABLE_1_WEIGHTS.items():
        assert idennet.get_submodule(name).weight.numel() == weights, name


def test_layers_have_the_output_sizes_and_the_order_of_table_1(idennet: IdenNet, faces: Tensor) -> None:
    seen: dict[str, tuple[int, ...]] = {}
    handles = [
        idennet.get_submodule(name).register_forward_hook(
            lambda _module, _inputs, output, name=name: seen.__setitem__(name, tuple(output.shape[1:]))
        )
        for name in TABLE_1
    ]
    idennet(faces[:1])
    for handle in handles:
        handle.remove()
    assert list(seen.items()) == list(TABLE_1.items())


def test_last_pooling_keeps_the_border_that_floor_pooling_drops(idennet: IdenNet) -> None:
    border = torch.zeros(1, 384, 9, 9)
    border[..., 8, 8] = 1
    assert idennet.trunk.pool4(border)[..., 4, 4].eq(1).all()


def test_residual_is_expression_minus_identity_and_logits_read_it(idennet: IdenNet, faces: Tensor) -> None:
    output = idennet(faces)
    assert torch.equal(output.au_residual, output.expression_features - output.identity_embedding)
    assert torch.equal(output.au_logits, idennet.fc7(output.au_residual))
    torch.testing.assert_close(output.au_probs, 1 / (1 + torch.exp(-output.au_logits)))
    assert output.au_logits.shape == (3, 12)


def test_identity_embedding_has_unit_length_unless_asked_otherwise(faces: Tensor) -> None:
    generator = torch.Generator()
    unit = IdenNet(2, generator=generator.manual_seed(3)).embed(faces)
    free = IdenNet(2, normalize=False, generator=generator.manual_seed(3)).embed(faces)
    torch.testing.assert_close(unit.norm(dim=1), torch.ones(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(unit, free / free.norm(dim=1, keepdim=True), atol=1e-5, rtol=1e-4)


def test_embed_is_the_identity_of_forward(idennet: IdenNet, faces: Tensor) -> None:
    assert torch.equal(idennet.embed(faces), idennet(faces).identity_embedding)


def test_au_loss_reaches_the_identity_branch(faces: Tensor) -> None:
    model = IdenNet(2)
    model(faces[:1]).au_logits.sum().backward()
    assert model.fc5.weight.grad is not None
    assert model.fc5.weight.grad.abs().sum() > 0


def test_lightcnn_reads_aus_from_the_expression_features(faces: Tensor) -> None:
    model = LightCNN(5)
    output = model(faces)
    assert output.identity_embedding is None
    assert output.au_residual is output.expression_features
    assert torch.equal(output.au_logits, model.fc7(output.expression_features))


def test_uint8_equals_float_divided_by_255(idennet: IdenNet, faces: Tensor) -> None:
    assert torch.equal(idennet(faces).au_logits, idennet(faces.float() / 255).au_logits)


def test_permuting_a_batch_permutes_the_result(idennet: IdenNet, faces: Tensor) -> None:
    order = torch.tensor([2, 0, 1])
    torch.testing.assert_close(idennet(faces[order]).au_logits, idennet(faces).au_logits[order])


def test_a_batch_equals_its_faces_one_by_one(idennet: IdenNet, faces: Tensor) -> None:
    single = torch.cat([idennet(face[None]).au_residual for face in faces])
    torch.testing.assert_close(idennet(faces).au_residual, single, atol=1e-6, rtol=1e-5)


def test_an_empty_batch_gives_empty_tables(idennet: IdenNet) -> None:
    assert idennet(torch.zeros(0, 3, 128, 128)).au_logits.shape == (0, 12)


def test_channels_are_read_as_rgb_and_a_bgr_network_converts_by_reversing_conv1(faces: Tensor) -> None:
    rgb = IdenNet(2)
    bgr = IdenNet(2)
    bgr.load_state_dict(rgb.state_dict())
    with torch.no_grad():
        bgr.trunk.conv1.weight.copy_(rgb.trunk.conv1.weight[:, [2, 1, 0]])
    torch.testing.assert_close(rgb(faces).au_logits, bgr(faces.flip(1)).au_logits)
    assert not torch.allclose(rgb.embed(faces), rgb.embed(faces.flip(1)), atol=1e-4)


@pytest.mark.parametrize(
    "wrong",
    [
        torch.zeros(3, 128, 128),
        torch.zeros(1, 128, 128, 3),
        torch.zeros(1, 1, 128, 128),
        torch.zeros(1, 3, 144, 144),
        torch.zeros(1, 3, 128, 128, dtype=torch.int64),
    ],
)
def test_wrong_faces_are_refused_in_one_sentence(idennet: IdenNet, wrong: Tensor) -> None:
    with pytest.raises(ShapeError, match=r"^Faces have .*\.$"):
        idennet(wrong)


@pytest.mark.parametrize("network", [IdenNet, LightCNN])
def test_a_network_for_no_action_unit_is_refused(network: type[IdenNet] | type[LightCNN]) -> None:
    with pytest.raises(InputError, match="at least 1"):
        network(0)


def test_initial_weights_follow_the_released_code(idennet: IdenNet) -> None:
    for name, fan_in in {"trunk.conv1": 243, "trunk.conv3": 2400, "trunk.conv4": 2048, "fc5": 4800}.items():
        weight = idennet.get_submodule(name).weight
        bound = math.sqrt(3 / fan_in)
        assert weight.abs().max() <= bound
        assert weight.abs().max() > 0.99 * bound
        assert weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.02)
    for layer in (idennet.fc6, idennet.fc7):
        assert layer.weight.std().item() == pytest.approx(0.01, rel=0.05)
        assert layer.weight.abs().max() > 0.025  # a normal distribution, not a uniform one
    assert all(not p.any() for name, p in idennet.named_parameters() if name.endswith("bias"))


def test_equal_generators_give_equal_networks() -> None:
    first, second, third = (IdenNet(2, generator=torch.Generator().manual_seed(s)) for s in (5, 5, 6))
    for name, parameter in first.named_parameters():
        assert torch.equal(parameter, second.get_parameter(name))
    assert not torch.equal(first.fc6.weight, third.fc6.weight)


def test_a_graded_network_says_more_and_detects_the_same() -> None:
    plain = IdenNet(4, generator=torch.Generator().manual_seed(1)).eval()
    graded = IdenNet(4, graded=True, generator=torch.Generator().manual_seed(1)).eval()
    faces = torch.randint(
        0, 256, (3, 3, 128, 128), dtype=torch.uint8, generator=torch.Generator().manual_seed(2)
    )
    one, other = plain(faces), graded(faces)
    assert one.side_logits is None
    assert one.part_logits is None
    assert torch.equal(one.au_logits, other.au_logits)
    assert other.side_logits is not None
    assert other.part_logits is not None
    assert other.side_logits.shape == (3, 4, 2)
    assert other.part_logits.shape == (3, 3)
    assert (count_weights(graded) - count_weights(plain)) == 256 * (8 + 3)
