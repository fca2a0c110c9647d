"""CCNET and CDA: convolutions are the auto-encoders of patches, blocks share the reconstruction."""

import pytest
import torch
from torch import Tensor

from idennet.errors import InputError
from idennet.research.benchmark.networks.ccnet import CCNet, DiscriminantCode, SigmoidCode, grey_faces


@pytest.fixture
def faces() -> Tensor:
    return torch.randint(
        0, 256, (3, 3, 128, 128), dtype=torch.uint8, generator=torch.Generator().manual_seed(1)
    )


def test_features_are_the_largest_codes_of_the_patches_in_each_field(faces: Tensor) -> None:
    network = CCNet((5, 9), kernels=7, grid=4)
    features = network(faces)
    assert features.shape == (3, network.num_features) == (3, 2 * 7 * 16)
    patches = grey_faces(faces)[1:2].unfold(2, 9, 1).unfold(3, 9, 1)  # (1, 1, 40, 40, 9, 9)
    codes = network.codes[1](patches.reshape(1600, 81)).view(40, 40, 7)
    fields = codes.view(4, 10, 4, 10, 7).amax(dim=(1, 3)).permute(2, 0, 1)
    torch.testing.assert_close(features[1, 7 * 16 :], fields.flatten())


def test_patches_are_parts_of_the_faces(faces: Tensor) -> None:
    network = CCNet((5, 9), kernels=2)
    patches = network.patches(faces, 1, 6, torch.Generator().manual_seed(0))
    every = grey_faces(faces).unfold(2, 9, 1).unfold(3, 9, 1).reshape(-1, 81)
    for patch in patches:
        assert (every == patch).all(dim=1).any()


def test_grey_faces_do_not_see_brightness_and_contrast() -> None:
    faces = torch.rand(2, 3, 128, 128) * 0.5
    torch.testing.assert_close(grey_faces(faces), grey_faces(faces * 0.5 + 0.3), atol=1e-4, rtol=1e-4)
    assert grey_faces(torch.zeros(1, 3, 128, 128)).eq(0).all()


def test_weights_are_tied() -> None:
    code = SigmoidCode(4, 3)
    hidden = torch.eye(3)
    torch.testing.assert_close(code.reconstruct(hidden), code.encoder.weight + code.offset)
    assert sum(p.numel() for p in code.parameters()) == 12 + 3 + 4


def test_action_units_are_read_from_the_expression_block_alone() -> None:
    cda = DiscriminantCode(10, 2, expression=4, rest=5)
    features = torch.rand(3, 10)
    output = cda(features)
    assert (output.au_logits.shape, output.expression.shape, output.rest.shape) == ((3, 2), (3, 4), (3, 5))
    torch.testing.assert_close(output.au_logits, cda.head(output.expression))
    output.au_logits.sum().backward()
    assert cda.rest.encoder.weight.grad is None
    full = torch.cat([cda.expression.encoder.weight, cda.rest.encoder.weight])
    offsets = cda.expression.offset + cda.rest.offset
    units = torch.cat([output.expression, output.rest], dim=1)
    torch.testing.assert_close(output.reconstruction, units @ full + offsets)


def test_kernels_larger_than_the_face_are_refused() -> None:
    for sizes in ((), (46,), (0, 5)):
        with pytest.raises(InputError, match="do not fit 48"):
            CCNet(sizes)
