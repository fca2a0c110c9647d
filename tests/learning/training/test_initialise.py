"""First weights that fit the data: every channel centred and scaled, the head untouched."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from idennet.learning.data.store import FaceStore
from idennet.learning.training.initialise import fit_to_faces
from idennet.learning.training.stages import to_tensor
from idennet.models.idennet import IdenNet
from idennet.models.lightcnn import LightCNN
from idennet.models.weights import Network


def faces_of(store: FaceStore, rows: list[int]) -> Tensor:
    return to_tensor(store.read(np.array(rows)), torch.device("cpu"))


def new(kind: type[Network]) -> Network:
    return kind(2, generator=torch.Generator().manual_seed(0))


@torch.no_grad()
@pytest.mark.parametrize("kind", [IdenNet, LightCNN])
def test_every_layer_but_the_head_is_standardised(kind: type[Network], au_store: FaceStore) -> None:
    faces, model = faces_of(au_store, [0, 7, 14, 21]), new(kind)
    head = {name: tensor.clone() for name, tensor in model.fc7.state_dict().items()}
    fit_to_faces(model, faces)
    outputs: dict[str, Tensor] = {}
    for name, layer in model.named_modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            layer.register_forward_hook(lambda _, __, output, name=name: outputs.update({name: output}))
    model(faces)
    convolutions = {f"trunk.conv{number}" for number in (1, 2, 3, 4)}
    assert outputs.keys() == convolutions | {"fc6", "fc7"} | ({"fc5"} if kind is IdenNet else set())
    for name in outputs.keys() - {"fc7"}:
        channels = outputs[name].transpose(0, 1).flatten(start_dim=1)
        if name == "fc5":  # centred after MFM instead
            first, second = channels.chunk(2)
            centred = torch.maximum(first, second)
        else:
            centred = channels
        torch.testing.assert_close(centred.mean(1), torch.zeros(len(centred)), atol=2e-3, rtol=0, msg=name)
        torch.testing.assert_close(channels.std(1), torch.ones(len(channels)), atol=2e-3, rtol=0, msg=name)
    for name, tensor in head.items():
        assert torch.equal(model.fc7.state_dict()[name], tensor)


def test_the_same_faces_give_the_same_weights(au_store: FaceStore) -> None:
    models = [new(IdenNet) for _ in range(3)]
    for model, rows in zip(models, ([0, 7], [0, 7], [1, 8]), strict=True):
        fit_to_faces(model, faces_of(au_store, rows))
    one, same, other = (model.state_dict() for model in models)
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one["trunk.conv1.weight"], other["trunk.conv1.weight"])


@torch.no_grad()
@pytest.mark.parametrize("kind", [IdenNet, LightCNN])
def test_learnt_layers_are_left_alone(kind: type[Network], au_store: FaceStore) -> None:
    model = new(kind)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    learnt = [name for name in before if name.startswith(("trunk.", "fc5."))]
    fit_to_faces(model, faces_of(au_store, [0, 7, 14, 21]), learnt)
    changed = {name for name, tensor in model.state_dict().items() if not torch.equal(before[name], tensor)}
    assert changed == {"fc6.weight", "fc6.bias"}
