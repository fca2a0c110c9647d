"""The shape branch: what turns and mirrors do to points, and what a network says with it."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from idennet import IdenNet
from idennet.errors import ShapeError
from idennet.models.shape import (
    EYE_CORNERS,
    SHAPE_FEATURES,
    SHAPE_MIRROR,
    SHAPE_POINTS,
    ShapeBranch,
    mirrored_features,
    upright,
)
from idennet.models.weights import WeightsCard, load_weights, save_weights

FACES = torch.randint(0, 256, (3, 3, 128, 128), dtype=torch.uint8, generator=torch.Generator().manual_seed(2))


@pytest.fixture(scope="module")
def branch() -> ShapeBranch:
    torch.manual_seed(0)
    branch = ShapeBranch(normalised=True)
    for _ in range(3):
        branch(torch.rand(4, 3, 128, 128))  # batch normalisation sees something
    return branch.eval()


def network(**given: bool) -> IdenNet:
    torch.manual_seed(3)  # of the branch, whose weights always come from elsewhere
    return IdenNet(4, **given, generator=torch.Generator().manual_seed(1)).eval()


def test_points_lie_about_the_face_and_features_are_theirs(branch: ShapeBranch) -> None:
    shape = branch(FACES / 255)
    assert shape.points.shape == (3, SHAPE_POINTS, 2)
    assert shape.features.shape == (3, SHAPE_FEATURES)
    assert ((shape.points > -10) & (shape.points < 138)).all()
    expected = (upright(shape.points) - branch.usual) / branch.spread
    torch.testing.assert_close(shape.features, expected.flatten(1))


def test_without_normalisation_it_is_the_same_function(branch: ShapeBranch) -> None:
    plain = branch.plain()
    assert not any(isinstance(layer, torch.nn.BatchNorm2d) for layer in plain.modules())
    for one, other in zip(branch(FACES / 255), plain(FACES / 255), strict=True):
        torch.testing.assert_close(one, other, atol=2e-3, rtol=1e-4)  # features of eyes that lie close


def test_light_alone_moves_no_point(branch: ShapeBranch) -> None:
    faces = FACES / 255
    bright, dark = branch(faces).points, branch(0.5 * faces + 0.2).points
    assert (bright - dark).abs().max() < 1.0


@given(turn=st.floats(-3, 3), size=st.floats(0.2, 5), right=st.floats(-50, 50), seed=st.integers(0, 100))
def test_upright_forgets_place_size_and_turn_alone(turn: float, size: float, right: float, seed: int) -> None:
    points = torch.from_numpy(np.random.default_rng(seed).uniform(0, 128, (2, SHAPE_POINTS, 2)))
    for k, corners in enumerate(EYE_CORNERS):
        points[:, list(corners), 0] = 40.0 + 40 * k  # two eyes
    c, s = size * np.cos(turn), size * np.sin(turn)
    moved = points @ torch.tensor([[c, s], [-s, c]]) + torch.tensor([right, 3.0])
    torch.testing.assert_close(upright(points), upright(moved), atol=1e-6, rtol=1e-6)
    eyes = torch.stack([upright(points)[:, list(corners)].mean(1) for corners in EYE_CORNERS], 1)
    torch.testing.assert_close(eyes, torch.tensor([[-0.5, 0], [0.5, 0]]).double().expand(2, 2, 2))


def test_mirroring_twice_is_nothing_and_swaps_the_eyes() -> None:
    order = np.array(SHAPE_MIRROR)
    assert (order[order] == np.arange(SHAPE_POINTS)).all()
    outer, inner = EYE_CORNERS[0]
    assert {SHAPE_MIRROR[outer], SHAPE_MIRROR[inner]} == set(EYE_CORNERS[1])


def test_features_of_a_mirrored_face_are_those_of_its_mirrored_points(branch: ShapeBranch) -> None:
    branch.spread.uniform_(0.5, 2)
    shape = branch(FACES / 255)
    points = shape.points[:, list(SHAPE_MIRROR)] * torch.tensor([-1.0, 1.0]) + torch.tensor([127.0, 0.0])
    expected = ((upright(points) - branch.usual) / branch.spread).flatten(1)
    torch.testing.assert_close(mirrored_features(branch, shape.features), expected, atol=1e-4, rtol=1e-4)


def test_a_new_branch_says_nothing_and_learns_nothing() -> None:
    without, shaped = network(graded=True), network(graded=True, shaped=True)
    one, other = without(FACES), shaped(FACES)
    assert one.shape is None
    assert one.trust is None
    torch.testing.assert_close(other.au_logits, one.au_logits)
    torch.testing.assert_close(other.side_logits, one.side_logits)
    other.au_logits.sum().backward()
    learnt = {name for name, parameter in shaped.named_parameters() if parameter.grad is not None}
    assert "fc7.weight" in learnt
    assert not any(name.startswith("shape") for name in learnt)


def test_a_shape_less_what_is_usual_for_the_person_has_its_share_where_it_is_trusted() -> None:
    shaped = network(graded=True, shaped=True)
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for reading in (shaped.shape_aus, shaped.shape_sides):
            for layer in (reading.said, reading.usual):
                layer.weight.normal_(generator=generator)
                layer.bias.normal_(generator=generator)
            reading.share.uniform_(generator=generator)
        shaped.shape_trust.bias.fill_(1.0)
        shaped.shape_identity.weight.normal_(generator=generator).mul_(0.1)
    output = shaped(FACES)
    trust, features, who = 1 / (1 + np.exp(-1)), output.shape.features, output.who
    torch.testing.assert_close(who, shaped.shape_identity(shaped.identity_parts(FACES)), atol=1e-4, rtol=1e-4)
    assert torch.equal(shaped.identity_parts(FACES)[:, -548:-292], output.identity_embedding)
    assert torch.equal(shaped.identity_parts(FACES)[:, -292:], features)
    torch.testing.assert_close(output.trust, torch.full((3, 1), trust, dtype=torch.float32))
    for reading, skin, found in (
        (shaped.shape_aus, shaped.fc7(output.au_residual), output.au_logits),
        (shaped.shape_sides, shaped.sides(output.au_residual), output.side_logits.flatten(1)),
    ):
        said = features @ reading.said.weight.T + reading.said.bias
        said = torch.stack([said[:, view :: reading.views] for view in range(reading.views)]).amax(dim=0)
        usual = who @ reading.usual.weight.T + reading.usual.bias
        share = trust * reading.share
        torch.testing.assert_close(found, (1 - share) * skin + share * (said - usual), atol=1e-4, rtol=1e-4)
    nobody = shaped.read_aus(output.au_residual, output.shape, None, output.trust)
    usual = who @ shaped.shape_aus.usual.weight.T + shaped.shape_aus.usual.bias
    torch.testing.assert_close(
        nobody - output.au_logits, trust * shaped.shape_aus.share * usual, atol=1e-4, rtol=1e-4
    )


def test_weights_with_a_shape_are_kept(tmp_path: Path) -> None:
    shaped = network(graded=True, shaped=True)
    card = WeightsCard(
        version="v", aus=(1, 2, 6, 12), template="t", thresholds=dict.fromkeys((1, 2, 6, 12), 0.5)
    )
    save_weights(shaped, tmp_path / "w.safetensors", card, half=False)
    read, sidecar = load_weights(tmp_path / "w.safetensors")
    assert sidecar.architecture.shaped
    torch.testing.assert_close(read(FACES).au_logits, shaped(FACES).au_logits)
    save_weights(network(), tmp_path / "plain.safetensors", card)
    assert "shaped" not in (tmp_path / "plain.json").read_text()


def test_wrong_faces_are_refused_with_a_shape_too() -> None:
    with pytest.raises(ShapeError):
        network(shaped=True)(torch.zeros(1, 3, 64, 64))


@pytest.mark.filterwarnings("error")
def test_no_face_is_no_warning() -> None:
    shape = ShapeBranch().eval()(torch.zeros(0, 3, 128, 128))
    assert shape.points.shape == (0, SHAPE_POINTS, 2)
    assert shape.features.shape == (0, SHAPE_FEATURES)
