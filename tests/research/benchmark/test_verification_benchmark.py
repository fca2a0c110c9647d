"""benchmarks/verification.py: who counts, and that pairs are scored as people are told apart."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from small_benchmark import draw_people

from benchmarks.verification import log_odds_auc, unseen
from idennet.learning.data.split import held_out
from idennet.learning.evaluation.metrics import auc
from idennet.people.population import Population


def test_only_people_kept_for_testing_who_have_two_pictures_count(tmp_path: Path) -> None:
    store = draw_people(tmp_path / "store", "lfw", subjects=30, faces_each=2)
    kept = [name for name in store.subjects if held_out(name.partition("/")[2])]
    assert 0 < len(kept) < 30
    rows = unseen(store)
    assert rows.tolist() == np.flatnonzero(store.frames.subject.isin(kept)).tolist()
    assert not len(unseen(draw_people(tmp_path / "single", "lfw", subjects=30, faces_each=1)))


def test_pairs_are_scored_as_people_are_told_apart() -> None:
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
    assert log_odds_auc(population, faces, people) == pytest.approx(expected)
