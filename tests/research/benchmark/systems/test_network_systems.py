"""Each compared network learns planted Action Units, scores from 0 to 1, and is loaded as it was left."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
import torch.nn.functional as F
from drawn_faces import AUS, TINY
from pydantic import ValidationError
from torch import Tensor

import idennet.models.idennet
from idennet.errors import WeightsError
from idennet.faces.alignment import TEMPLATE
from idennet.learning.data.store import FaceStore
from idennet.learning.evaluation.metrics import auc
from idennet.models.idennet import IdenNet
from idennet.models.trunk import Trunk
from idennet.models.weights import WeightsCard, save_weights
from idennet.research.benchmark.networks.enet import AdversarialENet
from idennet.research.benchmark.networks.roinet import EnhancedROINet, ROINet
from idennet.research.benchmark.networks.vgg import convolutions
from idennet.research.benchmark.systems.ccnet import CCNetSystem
from idennet.research.benchmark.systems.contract import Budget, System, TrainingFaces
from idennet.research.benchmark.systems.enet import AdversarialENetSystem, ENetSystem
from idennet.research.benchmark.systems.fitting import FaceSource, FittedNetwork
from idennet.research.benchmark.systems.recurrent import (
    FittedRecurrent,
    IdenNetLSTMSystem,
    Recordings,
    RecurrentROINetSystem,
)
from idennet.research.benchmark.systems.roinet import ROINetSystem
from idennet.research.benchmark.systems.steps import CURVE, FITTED
from idennet.research.benchmark.systems.two_branch import TupletSystem, TwoStreamSystem

SMALL = {"width": 4, "side": 32, "budget": TINY}
SMALL_ENET = {**SMALL, "hidden": (64, 32)}
SMALL_ROINET = {**SMALL, "hidden": 16, "region_features": 4}
SMALL_ROINET["side"] = 64

MAKERS: dict[str, Callable[[], System]] = {
    "e-net": lambda: ENetSystem(**SMALL_ENET),
    "e-net-atf": lambda: AdversarialENetSystem(**SMALL_ENET, identity_hidden=6),
    "roinet": lambda: ROINetSystem(**SMALL_ROINET),
    "r-t1": lambda: RecurrentROINetSystem(
        frames=ROINetSystem(**SMALL_ROINET), hidden=32, window=2, budget=TINY
    ),
    "r-t2": lambda: RecurrentROINetSystem(
        name="r-t2", layers=2, frames=ROINetSystem(**SMALL_ROINET), hidden=32, window=2, budget=TINY
    ),
    "idennet-lstm": lambda: IdenNetLSTMSystem(hidden=32, window=2, budget=TINY),
    "2b-nm": lambda: TupletSystem(budget=TINY),
    "iacnn": lambda: TwoStreamSystem(budget=TINY),
    "ccnet-cda": lambda: CCNetSystem(
        sizes=(5, 9), kernels=4, expression_units=5, rest_units=5, budget=TINY, patches=2
    ),
}


@pytest.fixture(autouse=True)
def light_trunk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in for the convolutions of IdenNet: 300 features, thousands of times cheaper."""

    def pooled(self: Trunk, faces: Tensor) -> Tensor:
        return F.adaptive_avg_pool2d(faces.float() / 255, 10).flatten(start_dim=1)

    monkeypatch.setattr(Trunk, "forward", pooled)
    monkeypatch.setattr(idennet.models.idennet, "TRUNK_FEATURES", 300)


@pytest.mark.parametrize("name", MAKERS)
def test_scores_are_there_for_every_face_and_the_same_when_loaded(
    name: str, faces: TrainingFaces, store: FaceStore, tmp_path: Path
) -> None:
    system = MAKERS[name]()
    assert system.name == name
    fitted = system.fit(faces, tmp_path / "fit", "cpu")
    scores = fitted.predict(store)
    assert scores.shape == (len(store), len(AUS))
    assert scores.dtype == np.float32
    assert ((scores >= 0) & (scores <= 1)).all()
    assert fitted.parameters > 0
    assert all(sentence.endswith(".") for sentence in fitted.remarks)
    again = system.fit(faces, tmp_path / "fit", "cpu")
    assert np.array_equal(again.predict(store), scores)
    last = store.select(store.subjects[-1:])
    np.testing.assert_allclose(fitted.predict(last), scores[-len(last) :], atol=1e-6)


@pytest.mark.parametrize("name", MAKERS)
def test_planted_action_units_are_learnt(name: str, faces: TrainingFaces, tmp_path: Path) -> None:
    budget = Budget(steps=60, batch=12, validations=6, learning_rate=3e-3)
    system = MAKERS[name]().model_copy(update={"budget": budget})
    fitted = system.fit(faces, tmp_path / "fit", "cpu")
    curve = tmp_path / "fit" / ("discriminant" if name == "ccnet-cda" else "") / CURVE
    losses = [json.loads(line)["loss"] for line in curve.read_text().splitlines()]
    assert losses[-1] < 0.9 * losses[0]
    scores, labels = fitted.predict(faces.train), faces.train.labels(AUS)
    assert np.mean([auc(scores[:, position], labels[:, position]) for position in range(len(AUS))]) > 0.75


def test_frames_to_come_and_other_recordings_do_not_change_a_score(
    faces: TrainingFaces, store: FaceStore, tmp_path: Path
) -> None:
    fitted = MAKERS["r-t1"]().fit(faces, tmp_path / "fit", "cpu")
    assert isinstance(fitted, FittedRecurrent)
    scores = fitted.predict(store)
    recordings = fitted.frames.recordings_of(store)
    begun = recordings.time < 4
    cut = Recordings(recordings.features[begun], recordings.sequence[begun], recordings.time[begun])
    np.testing.assert_allclose(fitted.scores(cut), scores[begun], atol=1e-6)
    changed = recordings.features + np.where(recordings.time == 2, 1, 0).astype(np.float32)[:, None]
    after = fitted.scores(Recordings(changed, recordings.sequence, recordings.time))
    assert np.array_equal(after[recordings.time < 2], scores[recordings.time < 2])
    assert (after[recordings.time > 2] != scores[recordings.time > 2]).any()


def test_the_reversal_rises_and_stays() -> None:
    system = AdversarialENetSystem(reversal=2.0, rise=0.5, budget=Budget(steps=100))
    assert [system.reversal_at(step) for step in (0, 25, 50, 99)] == [0.0, 1.0, 2.0, 2.0]
    assert system.model_copy(update={"rise": 0.0}).reversal_at(0) == 2.0


def test_the_subject_head_is_asked_in_training_only(faces: TrainingFaces) -> None:
    system = AdversarialENetSystem(**SMALL_ENET)
    network = system.build(faces, torch.Generator().manual_seed(0)).eval()
    assert isinstance(network, AdversarialENet)
    batch = FaceSource(faces.train, AUS, True).batch(np.arange(3), step=3)
    system.logits(network, batch).sum().backward()
    assert all(parameter.grad is None for parameter in network.identity_head.parameters())
    system.loss(network, batch).backward()
    assert all(parameter.grad is not None for parameter in network.identity_head.parameters())
    assert network.identity_head[-1].out_features == len(faces.train.subjects)


def test_imagenet_weights_are_loaded_kept_and_said(faces: TrainingFaces, tmp_path: Path) -> None:
    system = ROINetSystem(**SMALL_ROINET)
    assert "ImageNet" in system.remarks()[0]
    donor = system.build(faces, torch.Generator().manual_seed(5))
    assert isinstance(donor, ROINet)
    before = convolutions(donor.groups)
    positions = (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26)
    tensors = {}
    for position, layer in zip(positions, before, strict=True):
        tensors[f"features.{position}.weight"] = layer.weight.detach().clone()
        tensors[f"features.{position}.bias"] = layer.bias.detach().clone()
    safetensors.torch.save_file(tensors, tmp_path / "vgg16.safetensors")
    pretrained = ROINetSystem(**SMALL_ROINET, imagenet=tmp_path / "vgg16.safetensors")
    fitted = pretrained.fit(faces, tmp_path / "fit", "cpu")
    assert fitted.remarks == ()
    assert isinstance(fitted, FittedNetwork)
    layers = convolutions(fitted.network.groups)
    kept = [torch.equal(now.weight, then.weight) for now, then in zip(layers, before, strict=True)]
    assert kept == [False] + [True] * 7 + [False] * 4  # the first has mean and deviation folded in
    assert not layers[0].weight.requires_grad


def test_the_release_reading_stands_on_a_fitted_enet(
    faces: TrainingFaces, store: FaceStore, tmp_path: Path
) -> None:
    enet = ENetSystem(**SMALL_ENET).fit(faces, tmp_path / "enet", "cpu")
    settings = {**SMALL_ROINET, "side": 32, "reading": "release"}
    system = ROINetSystem(**settings, enet=tmp_path / "enet" / FITTED)
    fitted = system.fit(faces, tmp_path / "roinet", "cpu")
    assert fitted.predict(store).shape == (len(store), len(AUS))
    assert "E-Net" in fitted.remarks[0]
    assert isinstance(enet, FittedNetwork)
    assert isinstance(fitted, FittedNetwork)
    assert isinstance(fitted.network, EnhancedROINet)
    for name, tensor in fitted.network.trunk.state_dict().items():
        assert torch.equal(tensor, enet.network.state_dict()[f"trunk.{name}"]), name
    with pytest.raises(WeightsError, match="width 5"):
        ROINetSystem(**{**settings, "width": 5}, enet=tmp_path / "enet" / FITTED).fit(faces, tmp_path / "5")
    with pytest.raises(WeightsError, match="There is no"):
        ROINetSystem(**settings, enet=tmp_path / "none").fit(faces, tmp_path / "none-fit")
    for wrong in ({"reading": "release"}, {"enet": tmp_path}):
        with pytest.raises(ValidationError, match="reading `release` needs enet"):
            ROINetSystem(**wrong)


def test_half_of_a_batch_are_pairs_of_one_person(faces: TrainingFaces) -> None:
    system = TupletSystem(budget=Budget(batch=12))
    source = FaceSource(faces.train, AUS, False)
    draw = system.draw_from(source)
    for step in range(5):
        rows = draw(step)
        assert len(rows) == 12
        assert np.array_equal(rows, draw(step))
        people = faces.train.subject_index[rows[:6]].reshape(3, 2)
        assert (people[:, 0] == people[:, 1]).all()
        assert len(set(people[:, 0])) == 3
        assert (rows[:6:2] != rows[1:6:2]).all()


def test_controls_may_start_where_idennet_starts(
    faces: TrainingFaces, store: FaceStore, tmp_path: Path
) -> None:
    known = IdenNet(5)
    card = WeightsCard(
        version="1",
        aus=(1, 2, 4, 6, 7),
        template=TEMPLATE.name,
        thresholds=dict.fromkeys((1, 2, 4, 6, 7), 0.5),
    )
    save_weights(known, tmp_path / "known.safetensors", card, half=False)
    for system in (TupletSystem, TwoStreamSystem):
        started = system(initial=tmp_path / "known.safetensors", budget=TINY)
        network = started.build(faces, torch.Generator().manual_seed(0))
        assert torch.equal(network.get_parameter("trunk.conv1.weight"), known.trunk.conv1.weight)
        assert torch.equal(network.get_parameter("fc5.weight"), known.fc5.weight)
        assert not torch.equal(network.get_parameter("fc6.weight"), known.fc6.weight)
        assert started.remarks() == ()
        assert "face recognition" in system().remarks()[0]


def test_an_action_unit_that_nobody_shows_is_never_called(faces: TrainingFaces, tmp_path: Path) -> None:
    unshown = TrainingFaces(faces.train, None, (*AUS, 27))
    scores = MAKERS["ccnet-cda"]().fit(unshown, tmp_path / "fit", "cpu").predict(faces.train)
    assert (scores[:, 2] < 0.5).all()
