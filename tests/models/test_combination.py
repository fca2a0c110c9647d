"""Four ways in which the identity enters: what they compute, what they weigh, where their gradients go."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from idennet import IdenNet
from idennet.models.combination import Affine, IdentityUse
from idennet.models.weights import WeightsCard, load_weights, save_weights

WEIGHTS: dict[IdentityUse, int] = {
    "translation": 6_572_832,
    "none": 6_572_832,
    "concatenation": 6_572_832 + 256 * 12,
    "affine": 6_572_832 + 2 * 256 * 256,
}


def network(identity: IdentityUse, normalize: bool = True, num_aus: int = 12) -> IdenNet:
    return IdenNet(num_aus, normalize, identity, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def faces() -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randint(0, 256, (2, 3, 128, 128), dtype=torch.uint8, generator=generator)


@pytest.mark.parametrize(("identity", "weights"), WEIGHTS.items())
def test_weights_are_counted(identity: IdentityUse, weights: int) -> None:
    for normalize in (True, False):
        model = network(identity, normalize)
        assert sum(p.numel() for p in model.parameters() if p.ndim > 1) == weights


@pytest.mark.parametrize("normalize", [True, False])
def test_all_share_the_first_weights_and_differ_in_what_they_hand_to_fc7(
    faces: Tensor, normalize: bool
) -> None:
    outputs = {use: network(use, normalize)(faces) for use in WEIGHTS}
    features = outputs["translation"].expression_features
    embedding = outputs["translation"].identity_embedding
    assert embedding is not None
    for output in outputs.values():
        assert torch.equal(output.expression_features, features)
        assert output.identity_embedding is not None
        assert torch.equal(output.identity_embedding, embedding)
    residuals = {use: output.au_residual for use, output in outputs.items()}
    assert torch.equal(residuals["translation"], features - embedding)
    assert torch.equal(residuals["none"], features)
    assert torch.equal(residuals["concatenation"], torch.cat([features, embedding], 1))
    torch.testing.assert_close(residuals["affine"], residuals["translation"])
    assert torch.equal(outputs["none"].au_logits, network("none", normalize).fc7(features))


def test_the_affine_transformation_is_its_formula() -> None:
    layer = Affine(3)
    layer.requires_grad_(False)
    for parameter in layer.parameters():
        parameter.copy_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(2)))
    features, embedding = torch.randn(2, 4, 3, generator=torch.Generator().manual_seed(3))
    result = layer(features, embedding)
    for row in range(4):
        for d in range(3):
            scale = float(layer.scale.weight[d] @ embedding[row] + layer.scale.bias[d])
            shift = float(layer.shift.weight[d] @ embedding[row] + layer.shift.bias[d])
            assert float(result[row, d]) == pytest.approx(scale * float(features[row, d]) + shift, abs=1e-5)


@pytest.mark.parametrize(
    ("identity", "reaches"), [("none", False), ("concatenation", True), ("affine", True)]
)
def test_the_au_loss_reaches_the_identity_branch_where_identity_is_used(
    faces: Tensor, identity: IdentityUse, reaches: bool
) -> None:
    model = network(identity, num_aus=2)
    model(faces).au_logits.sum().backward()
    gradient = model.fc5.weight.grad
    assert (gradient is not None and bool(gradient.any())) == reaches


@pytest.mark.parametrize("identity", WEIGHTS)
def test_weights_files_say_how_the_identity_enters(
    tmp_path: Path, identity: IdentityUse, faces: Tensor
) -> None:
    model = network(identity, num_aus=2).eval()
    card = WeightsCard(version="1", aus=(6, 12), template="eyes-44", thresholds={6: 0.5, 12: 0.5})
    save_weights(model, tmp_path / "w.safetensors", card, half=False)
    loaded, sidecar = load_weights(tmp_path / "w.safetensors")
    assert sidecar.architecture.identity == identity
    assert torch.equal(loaded(faces).au_logits, model(faces).au_logits)
