"""The shared loop: it learns, resumes bit for bit, is loaded when finished, and guards its folder."""

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from drawn_faces import AUS, TINY, split_faces
from torch import Tensor, nn

from idennet.errors import InputError, RecipeError
from idennet.learning.data.store import FaceStore
from idennet.learning.training.augment import Augmentation
from idennet.research.benchmark.systems.contract import Budget, TrainingFaces
from idennet.research.benchmark.systems.fitting import FaceBatch, NetworkSystem
from idennet.research.benchmark.systems.sgd import Sgd
from idennet.research.benchmark.systems.steps import BEST, FITTED, LAST


class Pooled(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(192, 8)
        self.norm = nn.BatchNorm1d(8)
        self.drop = nn.Dropout(0.2)
        self.last = nn.Linear(8, len(AUS))

    def forward(self, faces: Tensor) -> Tensor:
        pixels = F.adaptive_avg_pool2d(faces.float() / 255, 8).flatten(1)
        return self.last(self.drop(self.norm(self.first(pixels)).relu()))


class Small(NetworkSystem):
    name: str = "small"
    budget: Budget = TINY

    def build(self, faces: TrainingFaces, generator: torch.Generator) -> nn.Module:
        network = Pooled()
        for layer in (network.first, network.last):
            nn.init.normal_(layer.weight, std=0.1, generator=generator)
            nn.init.zeros_(layer.bias)
        return network


class AtLandmarks(Small):
    name: str = "at-landmarks"
    needs_landmarks = True

    def logits(self, network: nn.Module, batch: FaceBatch) -> Tensor:
        assert batch.landmarks is not None
        assert batch.landmarks.shape == (len(batch.faces), 68, 2)
        return network(batch.faces) + 0 * batch.landmarks.mean()


@pytest.mark.parametrize("optimiser", [None, Sgd(learning_rate=0.01, step_every=2, bias_factor=2.0)])
def test_resumed_equals_uninterrupted(
    faces: TrainingFaces,
    store: FaceStore,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    optimiser: Sgd | None,
) -> None:
    system = Small(optimiser=optimiser, budget=TINY.model_copy(update={"steps": 7, "validations": 3}))
    whole = system.fit(faces, tmp_path / "whole", "cpu").predict(store)
    honest, calls = Small.loss, 0

    def killed(self: Small, network: nn.Module, batch: FaceBatch) -> Tensor:
        nonlocal calls
        calls += 1
        if calls == 5:
            raise KeyboardInterrupt
        return honest(self, network, batch)

    with monkeypatch.context() as patch:
        patch.setattr(Small, "loss", killed)
        with pytest.raises(KeyboardInterrupt):
            system.fit(faces, tmp_path / "killed", "cpu")
    assert (tmp_path / "killed" / LAST).is_file()
    assert not (tmp_path / "killed" / FITTED).exists()
    assert np.array_equal(system.fit(faces, tmp_path / "killed", "cpu").predict(store), whole)
    curves = [(tmp_path / name / "curve.jsonl").read_text() for name in ("whole", "killed")]
    assert curves[0] == curves[1]
    assert [line.split(",")[0] for line in curves[0].splitlines()] == [f'{{"step": {n}' for n in (3, 6, 7)]


def test_a_finished_fit_is_loaded(
    faces: TrainingFaces, store: FaceStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Small().fit(faces, tmp_path, "cpu")
    assert not (tmp_path / LAST).exists()
    assert not (tmp_path / BEST).exists()

    def refuse(*_: object) -> Tensor:
        raise AssertionError("it was fitted again")

    monkeypatch.setattr(Small, "loss", refuse)
    assert np.array_equal(Small().fit(faces, tmp_path, "cpu").predict(store), first.predict(store))
    assert first.parameters == 192 * 8 + 8 * 2
    assert first.remarks == ("Started from random weights, not from ImageNet's.",)


def test_scores_are_probabilities_of_each_face_alone_and_labels_are_not_read(
    faces: TrainingFaces, store: FaceStore, tmp_path: Path
) -> None:
    fitted = Small().fit(faces, tmp_path, "cpu")
    scores = fitted.predict(store)
    assert scores.shape == (len(store), 2)
    assert scores.dtype == np.float32
    assert ((scores > 0) & (scores < 1)).all()
    some = store.select(store.subjects[1:3])
    np.testing.assert_allclose(fitted.predict(some), scores[some.index], atol=1e-6)
    blind = store.select(store.subjects)
    blind.frames = blind.frames.drop(columns=["AU6", "AU12"])
    assert np.array_equal(fitted.predict(blind), scores)


def test_it_learns_what_can_be_seen(faces: TrainingFaces, tmp_path: Path) -> None:
    budget = TINY.model_copy(update={"steps": 60, "batch": 12, "learning_rate": 0.03})
    alone = TrainingFaces(faces.train, None, AUS)
    fitted = Small(budget=budget, augmentation=Augmentation()).fit(alone, tmp_path, "cpu")
    present = faces.train.labels(AUS) == 1
    assert ((fitted.predict(faces.train) > 0.5) == present).mean() > 0.9


def test_seeds_and_settings_change_the_result(faces: TrainingFaces, store: FaceStore, tmp_path: Path) -> None:
    one, same, other = (
        Small(budget=TINY.model_copy(update={"seed": seed})).fit(faces, tmp_path / name, "cpu").predict(store)
        for name, seed in (("a", 0), ("b", 0), ("c", 1))
    )
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_a_folder_of_another_fit_is_refused(faces: TrainingFaces, tmp_path: Path) -> None:
    Small().fit(faces, tmp_path / "fit", "cpu")
    with pytest.raises(RecipeError, match="another settings"):
        Small(rare_aus=False).fit(faces, tmp_path / "fit", "cpu")
    fewer = TrainingFaces(faces.train.select(faces.train.subjects[:2]), faces.validation, AUS)
    with pytest.raises(RecipeError, match="another faces"):
        Small().fit(fewer, tmp_path / "fit", "cpu")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").touch()
    with pytest.raises(InputError, match="other files"):
        Small().fit(faces, tmp_path / "mine", "cpu")


def test_landmarks_come_with_the_faces_and_must_be_there(
    faces: TrainingFaces, store: FaceStore, tmp_path: Path
) -> None:
    fitted = AtLandmarks().fit(faces, tmp_path / "fit", "cpu")
    assert fitted.predict(store).shape == (len(store), 2)
    unseen = store.select(store.subjects[:1])
    unseen.frames = unseen.frames.assign(landmarks=[np.full(136, np.nan, np.float32)] * len(unseen))
    with pytest.raises(InputError, match="no landmarks"):
        fitted.predict(unseen)


def test_without_validation_the_last_weights_are_kept(faces: TrainingFaces, tmp_path: Path) -> None:
    Small().fit(TrainingFaces(faces.train, None, AUS), tmp_path, "cpu")
    assert "score" not in (tmp_path / "curve.jsonl").read_text()


def test_a_loss_that_is_no_number_stops_the_fit(
    faces: TrainingFaces, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        Small, "loss", lambda self, network, batch: self.logits(network, batch).sum() * torch.nan
    )
    with pytest.raises(RecipeError, match="learning_rate"):
        Small().fit(faces, tmp_path, "cpu")


def test_the_digest_names_faces_labels_and_their_use(faces: TrainingFaces, store: FaceStore) -> None:
    assert split_faces(store).digest == faces.digest
    relabelled = store.select(store.subjects)
    relabelled.frames = relabelled.frames.assign(AU6=1 - relabelled.frames["AU6"])
    others = [
        split_faces(relabelled),
        TrainingFaces(faces.train, None, AUS),
        TrainingFaces(faces.train, faces.validation, (12, 6)),
        TrainingFaces(faces.train, faces.validation, AUS, (store,)),
    ]
    assert len({faces.digest, *(other.digest for other in others)}) == 5
