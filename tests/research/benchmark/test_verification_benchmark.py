"""benchmarks/verification.py: who counts, and that pairs are scored as people are told apart."""

import itertools
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from benchmark_scripts import draw_people, load_script

from idennet.learning.data.split import held_out
from idennet.learning.evaluation.metrics import auc
from idennet.people.population import Population


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    return load_script("verification")


def test_only_people_kept_for_testing_who_have_two_pictures_count(
    benchmark: ModuleType, tmp_path: Path
) -> None:
    store = draw_people(tmp_path / "store", "lfw", subjects=30, faces_each=2)
    kept = [name for name in store.subjects if held_out(name.partition("/")[2])]
    assert 0 < len(kept) < 30
    rows = benchmark.unseen(store)
    assert rows.tolist() == np.flatnonzero(store.frames.subject.isin(kept)).tolist()
    assert not len(benchmark.unseen(draw_people(tmp_path / "single", "lfw", subjects=30, faces_each=1)))


def test_pairs_are_scored_as_people_are_told_apart(benchmark: ModuleType) -> None:
    population = Population.open()
    rng = np.random.default_rng(0)
    people = rng.integers(0, 4, 15)
    faces = population.centre + 0.05 * (rng.standard_normal((4, len(population.centre)))[people])
    faces += 0.1 * rng.standard_normal(faces.shape)
    pairs = list(itertools.combinations(range(15), 2))
    odds = [population.same_person(*(population.evidence(faces[row]) for row in pair)) for pair in pairs]
    same = np.array([people[one] == people[other] for one, other in pairs], np.int8)
    expected = auc(np.array(odds), same)
    assert 0.5 < expected < 1
    assert benchmark.log_odds_auc(population, faces, people) == pytest.approx(expected)
