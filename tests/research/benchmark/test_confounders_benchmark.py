"""benchmarks/subtraction/confounders.py: measures whose answer is known, and the table that is kept."""

import argparse
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from small_benchmark import ROOT, draw_people, write_start

from benchmarks.runs import gather
from benchmarks.subtraction import confounders, variants
from benchmarks.subtraction.confounders import CONDITIONS, VARIANTS, draw, rows_of, tables, train_all
from benchmarks.subtraction.data import Condition, Data
from benchmarks.subtraction.measures import auc_within, judge, offset_known, person_offsets
from idennet.learning.evaluation.metrics import auc
from idennet.models.idennet import IdenNet
from idennet.models.trunk import Trunk

RESULTS = ROOT / "results" / "subtraction" / "confounders"


def scores(people: int, faces: int, spread: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return logits with a constant of each person, labels, subjects and these constants."""
    rng = np.random.default_rng(0)
    subjects = np.repeat([f"p{number:03d}" for number in range(people)], faces)
    labels = np.tile([0, 0, 0, 1], people * faces // 4).astype(np.int8)
    constants = spread * rng.standard_normal(people)
    logits = rng.standard_normal(people * faces) + np.repeat(constants, faces) + 2 * labels
    return logits, labels, subjects, constants


@pytest.mark.parametrize("spread", [0.0, 1.0, 2.0])
def test_the_share_of_the_person_is_that_of_its_variance(spread: float) -> None:
    logits, labels, subjects, constants = scores(400, 40, spread)
    offsets, share = person_offsets(logits, labels, subjects)
    assert share == pytest.approx(spread**2 / (1 + spread**2), abs=0.04)
    assert np.abs(offsets - constants).max() < 1


def test_the_auc_within_people_does_not_see_their_constants() -> None:
    logits, labels, subjects, constants = scores(50, 40, 3.0)
    plain = (logits - np.repeat(constants, 40))[:, None]
    within = auc_within(logits[:, None], labels[:, None], subjects)
    assert within == pytest.approx(auc_within(plain, labels[:, None], subjects))
    assert auc(logits, labels) < within < 1


def test_constants_are_known_from_an_embedding_that_holds_them() -> None:
    _, _, subjects, constants = scores(60, 4, 1.0)
    rng = np.random.default_rng(1)
    noise = rng.standard_normal((240, 5))
    told = np.column_stack([noise, np.repeat(constants, 4)])
    assert offset_known(told, constants[:, None], subjects) > 0.95
    assert offset_known(noise, constants[:, None], subjects) < 0.2


def test_the_kept_table_is_that_of_the_kept_runs(tmp_path: Path) -> None:
    shutil.copy(RESULTS / "runs.jsonl", tmp_path)
    rows = rows_of(gather(tmp_path))
    assert tables(rows) == (RESULTS / "tables.md").read_text(encoding="utf-8")
    assert len(draw(rows).axes) == 6


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store of twenty people, first weights, and a trunk that costs nothing."""
    monkeypatch.setattr(
        Trunk, "forward", lambda _, faces: F.adaptive_avg_pool2d(faces.float() / 255, 40).flatten(1)
    )
    monkeypatch.setattr(variants, "PAIRS", 4)
    monkeypatch.setattr(variants, "SINGLES", 8)
    condition = Condition("few people", {"few": "few"}, people=8, tested_from=8)
    monkeypatch.setitem(CONDITIONS, "few people", condition)
    store = draw_people(tmp_path / "stores" / "few", "few", subjects=20, faces_each=12)
    write_start(tmp_path / "start.safetensors", store.aus)
    return tmp_path


def learn(folder: Path, name: str, steps: int, frozen: bool) -> tuple[IdenNet, Any]:
    start = folder / "start.safetensors"
    variant = next(variant for variant in VARIANTS if variant.name == name)
    data = Data(folder, CONDITIONS["few people"], start, frozen)
    return variants.learn(variant, data, 0, steps, start), data


@pytest.mark.parametrize("name", ["no identity (LightCNN)", "translation (IdenNet)"])
def test_unseen_people_are_read_and_every_run_is_the_same(name: str, folder: Path) -> None:
    network, data = learn(folder, name, 40, frozen=True)
    variant = next(variant for variant in VARIANTS if variant.name == name)
    found = judge(network, variant, data, "few")
    assert found["auc"] > 0.9
    assert ("verification_auc" in found) == variant.triplet
    again, _ = learn(folder, name, 40, frozen=True)
    for key, tensor in network.state_dict().items():
        assert torch.equal(again.state_dict()[key], tensor), key


def test_frozen_features_are_those_of_the_trunk(folder: Path) -> None:
    rows = np.array([3, 40, 7])
    network, faces = learn(folder, "concatenation", 1, frozen=False)
    _, features = learn(folder, "concatenation", 1, frozen=True)
    expected = network.trunk(faces.training(rows))
    assert torch.allclose(features.training(rows), expected)


def test_a_run_is_trained_once_and_lands_in_one_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = argparse.Namespace(
        data=folder,
        start=folder / "start.safetensors",
        out=folder / "out",
        frozen=True,
        variants="affine",
        conditions="few people",
        seeds="0,1",
        steps=2,
    )
    train_all(settings)
    runs = rows_of(gather(folder / "out"))
    assert set(zip(runs["variant"], runs["seed"], runs["test"], strict=True)) == {
        ("affine", 0, "few"),
        ("affine", 1, "few"),
    }
    monkeypatch.setattr(confounders, "learn", None)  # would fail if asked again
    train_all(settings)
