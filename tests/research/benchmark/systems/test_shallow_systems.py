"""Every system without a network through the contract: it learns bars, keeps its folder, reads no labels."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from drawn_faces import AUS, draw_store, split_faces

from idennet.errors import RecipeError
from idennet.learning.data.store import FaceStore
from idennet.research.benchmark.systems.catalogue import SYSTEMS
from idennet.research.benchmark.systems.contract import Fitted, System, TrainingFaces
from idennet.research.benchmark.systems.cpm import ConfidencePreservingMachine
from idennet.research.benchmark.systems.group_lasso import group_norms
from idennet.research.benchmark.systems.jpml import FittedPatches, PatchLearning
from idennet.research.benchmark.systems.learnt_arrays import FILE
from idennet.research.benchmark.systems.neutral import NeutralSubtraction
from idennet.research.benchmark.systems.stm import SelectiveTransferMachine
from idennet.research.benchmark.systems.svtpt import SVTPT

SYSTEMS_HERE: list[System] = [
    SVTPT(),
    SVTPT(name="svtpt-lbp", descriptor="lbp", standardise="corpus"),
    SelectiveTransferMachine(),
    ConfidencePreservingMachine(),
    PatchLearning(strength=1e-4),
    NeutralSubtraction(),
]


def place_landmarks(store: FaceStore) -> None:
    """Put brows and eyes on the bar of AU6 and everything else on that of AU12."""
    points = np.empty((68, 2), np.float32)
    points[:] = np.stack([np.linspace(25, 103, 68), np.full(68, 95.0)], axis=1)
    points[17:28], points[36:48] = points[17:28] * [1, 0] + [0, 20], points[36:48] * [1, 0] + [0, 50]
    store.frames["landmarks"] = [points.ravel()] * len(store)


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> TrainingFaces:
    store = draw_store(tmp_path_factory.mktemp("shallow") / "au", subjects=7, faces_each=12)
    place_landmarks(store)
    return split_faces(store)


@pytest.fixture(scope="module")
def strangers(tmp_path_factory: pytest.TempPathFactory) -> FaceStore:
    store = draw_store(tmp_path_factory.mktemp("shallow-test") / "au", subjects=2, faces_each=12, seed=9)
    place_landmarks(store)
    return store


class Fit(NamedTuple):
    system: System
    folder: Path
    fitted: Fitted
    scores: np.ndarray


@pytest.fixture(scope="module", params=SYSTEMS_HERE, ids=lambda system: system.name)
def fit(
    request: pytest.FixtureRequest,
    faces: TrainingFaces,
    strangers: FaceStore,
    tmp_path_factory: pytest.TempPathFactory,
) -> Fit:
    folder = tmp_path_factory.mktemp("fits") / "fit"
    fitted = request.param.fit(faces, folder)
    return Fit(request.param, folder, fitted, fitted.predict(strangers))


def test_it_learns(fit: Fit, strangers: FaceStore) -> None:
    assert fit.scores.dtype == np.float32
    assert ((fit.scores >= 0.5) == (strangers.labels(AUS) == 1)).mean() > 0.8
    assert fit.fitted.parameters > 0
    assert all(remark.endswith(".") for remark in fit.fitted.remarks)


def test_it_is_loaded_again(fit: Fit, faces: TrainingFaces, strangers: FaceStore) -> None:
    written = (fit.folder / FILE).stat().st_mtime_ns
    again = fit.system.fit(faces, fit.folder)
    assert (fit.folder / FILE).stat().st_mtime_ns == written
    np.testing.assert_array_equal(again.predict(strangers), fit.scores)
    with pytest.raises(RecipeError, match="another"):
        fit.system.model_copy(update={"name": "other"}).fit(faces, fit.folder)


def test_it_scores_people_apart_and_reads_no_labels(fit: Fit, strangers: FaceStore) -> None:
    alone = strangers.select(strangers.subjects[1:])
    alone.frames[["AU6", "AU12"]] = np.int8(-1)
    np.testing.assert_allclose(fit.fitted.predict(alone), fit.scores[strangers.subject_index == 1], atol=1e-6)


@pytest.mark.parametrize("system", SYSTEMS_HERE, ids=lambda system: system.name)
def test_an_action_unit_that_nobody_shows_is_never_present(
    system: System, faces: TrainingFaces, strangers: FaceStore, tmp_path: Path
) -> None:
    lacking = faces.train.select(faces.train.subjects)
    lacking.frames["AU12"] = np.int8(0)
    lacking.frames.loc[:3, "AU12"] = np.int8(-1)
    fitted = system.fit(TrainingFaces(lacking, None, AUS), tmp_path / "fit")
    scores = fitted.predict(strangers)
    assert (scores[:, 1] < 0.5).all()
    assert ((scores[:, 0] >= 0.5) == (strangers.labels((6,))[:, 0] == 1)).mean() > 0.7


def test_patches_that_tell_are_the_ones_on_the_bar(faces: TrainingFaces, tmp_path: Path) -> None:
    fitted = PatchLearning(strength=2e-2).fit(faces, tmp_path / "fit")
    assert isinstance(fitted, FittedPatches)
    importance = group_norms(fitted.arrays["weights"], 128)
    assert importance.shape == (49, 2)
    upper = np.r_[0:11, 19:31]  # brows, bridge of the nose and eyes among the 49
    assert importance[upper, 0].sum() > 3 * np.delete(importance[:, 0], upper).sum()
    assert fitted.parameters == 2 * 6272


def test_all_are_in_the_catalogue_and_say_what_they_look_at() -> None:
    looks = {name: SYSTEMS[name].looks_at for name in ("svtpt", "stm", "cpm", "neutral-subtraction")}
    assert set(looks.values()) == {"subject"}
    assert SYSTEMS["jpml-patches"].looks_at == "face"
