"""IdenNet, its variants and LightCNN as systems: budgets become recipes, the fold's subjects validate."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch.nn.functional as F
from drawn_faces import AUS, TINY, draw_store, split_faces
from torch import Tensor

import idennet.models.idennet
import idennet.models.lightcnn
from idennet.errors import RecipeError
from idennet.learning.data.store import FaceStore
from idennet.models.trunk import Trunk
from idennet.research.benchmark.systems.catalogue import SYSTEMS
from idennet.research.benchmark.systems.contract import Budget, TrainingFaces
from idennet.research.benchmark.systems.idennet import (
    IdenNetSystem,
    LightCNNSystem,
    TwoStageSystem,
    idennet_variants,
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> FaceStore:
    return draw_store(tmp_path_factory.mktemp("stores") / "au")


@pytest.fixture
def faces(store: FaceStore, tmp_path: Path) -> TrainingFaces:
    crowd = draw_store(tmp_path / "crowd", source="id", subjects=3, faces_each=2, seed=1)
    split = split_faces(store)
    return TrainingFaces(split.train, split.validation, AUS, (crowd,))


@pytest.fixture
def light_trunk(monkeypatch: pytest.MonkeyPatch) -> None:
    def pool(self: Trunk, faces: Tensor) -> Tensor:
        return F.adaptive_avg_pool2d(faces.float() / 255, 10).flatten(start_dim=1)

    monkeypatch.setattr(Trunk, "forward", pool)
    for network in (idennet.models.idennet, idennet.models.lightcnn):
        monkeypatch.setattr(network, "TRUNK_FEATURES", 300)


@pytest.mark.usefixtures("light_trunk")
@pytest.mark.parametrize("system", [*idennet_variants(), LightCNNSystem()], ids=lambda system: system.name)
def test_they_are_fitted_and_loaded(
    system: TwoStageSystem, faces: TrainingFaces, store: FaceStore, tmp_path: Path
) -> None:
    system = system.model_copy(update={"budget": TINY.model_copy(update={"steps": 6})})
    fitted = system.fit(faces, tmp_path / "fit", "cpu")
    scores = fitted.predict(store)
    assert scores.shape == (len(store), 2)
    assert ((scores > 0) & (scores < 1)).all()
    assert np.array_equal(system.fit(faces, tmp_path / "fit", "cpu").predict(store), scores)
    record = json.loads((tmp_path / "fit" / "run" / "run.json").read_text())
    assert record["validation_subjects"] == [store.subjects[-1]]
    assert record["aus"] == ["AU6", "AU12"]
    assert ("id" in {used["source"] for used in record["stores"]}) == (system.name != "lightcnn")
    assert "random weights" in fitted.remarks[0]


def test_both_stages_share_the_budget() -> None:
    budget = Budget(steps=1000, batch=40, learning_rate=1e-3, seed=5)
    recipe = IdenNetSystem(budget=budget, identity="affine", normalize=False).recipe()
    assert recipe.identity_stage is not None
    assert recipe.au_stage is not None
    assert (recipe.identity_stage.steps, recipe.au_stage.steps) == (200, 800)
    assert recipe.au_stage.optimiser.learning_rate == 1e-3
    assert recipe.au_stage.validate_every == 100
    assert (recipe.model.identity, recipe.model.normalize, recipe.seed) == ("affine", False, 5)
    assert IdenNetSystem(budget=budget, identity_share=0).recipe().identity_stage is None
    alone = LightCNNSystem(budget=budget).recipe()
    assert alone.identity_stage is None
    assert alone.au_stage is not None
    assert alone.au_stage.steps == 1000


def test_variants_are_all_uses_with_and_without_norm() -> None:
    found = {(system.identity, system.normalize): system.name for system in idennet_variants()}
    assert len(found) == 8
    assert found["translation", True] == "idennet"
    assert found["concatenation", False] == "idennet-concatenation-without-norm"
    assert {*found.values(), "lightcnn"} <= SYSTEMS.keys()
    assert len({system.digest() for system in SYSTEMS.values()}) == len(SYSTEMS)
    assert all(name == system.name for name, system in SYSTEMS.items())


@pytest.mark.usefixtures("light_trunk")
def test_another_validation_subject_is_another_fit(
    faces: TrainingFaces, store: FaceStore, tmp_path: Path
) -> None:
    system = LightCNNSystem(budget=TINY)
    system.fit(faces, tmp_path / "fit", "cpu")
    swapped = TrainingFaces(store.select(store.subjects[1:]), store.select(store.subjects[:1]), AUS)
    with pytest.raises(RecipeError, match="another faces"):
        system.fit(swapped, tmp_path / "fit", "cpu")
