from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from known_population import population
from scipy.stats import multivariate_normal

from idennet.errors import WeightsError
from idennet.models.weights import bundled_weights_path, load_bundled
from idennet.people.population import Evidence, Population, population_file


def test_the_odds_are_those_of_the_gaussian_model_written_out():
    people = population()
    places = np.random.default_rng(0).normal(size=(5, 2)) * 2

    def log_density(group: np.ndarray) -> float:
        total = 0.0
        for k, spread in enumerate(people.spread):
            covariance = np.eye(len(group)) + spread
            total += multivariate_normal(np.zeros(len(group)), covariance).logpdf(group[:, k])
        return total

    one, other = places[:2], places[2:]
    expected = log_density(places) - log_density(one) - log_density(other)
    found = people.same_person(Evidence(len(one), one.sum(axis=0)), Evidence(len(other), other.sum(axis=0)))
    assert found == pytest.approx(expected)


def test_evidence_adds_up_and_can_be_taken_back():
    people = population()
    embeddings = np.random.default_rng(1).normal(size=(4, 4))
    both = people.evidence(embeddings)
    parts = people.evidence(embeddings[:1]) + people.evidence(embeddings[1:])
    np.testing.assert_allclose(parts.total, both.total)
    assert parts.count == both.count == 4
    np.testing.assert_allclose(
        (parts - people.evidence(embeddings[:1])).total, people.evidence(embeddings[1:]).total
    )


def test_alike_pictures_are_one_person_and_unlike_ones_two():
    people = population()
    here, there = Evidence(2, np.array([8.0, 4.0])), Evidence(2, np.array([-8.0, -4.0]))
    assert people.same_person(here, here) > 0 > people.same_person(here, there)
    assert people.same_person(here, there) == people.same_person(there, here)


def test_what_is_saved_is_what_is_read(tmp_path: Path):
    _, card = load_bundled()
    people = population(card.sha256)
    turned = np.asfortranarray(people.from_identity)  # as a product of matrices may lie in memory
    people = replace(people, from_identity=turned)
    card = card.model_copy(update={"aus": people.card.aus})
    weights = tmp_path / "some.safetensors"
    assert people.save(weights) == population_file(weights) == tmp_path / "some-people.safetensors"
    again = Population.of(card, weights)
    for name, values in people.tensors.items():
        np.testing.assert_allclose(again.tensors[name], values, rtol=1e-6)


def test_what_is_missing_altered_or_of_other_weights_is_told(tmp_path: Path):
    _, card = load_bundled()
    card = card.model_copy(update={"aus": population().card.aus})
    weights = tmp_path / "some.safetensors"
    with pytest.raises(WeightsError, match="idennet weights people"):
        Population.of(card, weights)
    file = population(card.sha256).save(weights)
    with pytest.raises(WeightsError, match="was fitted to the weights drawn"):
        Population.of(card.model_copy(update={"sha256": "1" * 64}), weights)
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with pytest.raises(WeightsError, match="differs from the sha256"):
        Population.of(card, weights)
    file.with_suffix(".json").write_text("{}")
    with pytest.raises(WeightsError, match="damaged"):
        Population.of(card, weights)


def test_the_bundled_weights_come_with_their_people():
    _, card = load_bundled()
    people = Population.of(card, bundled_weights_path())
    assert people.card.weights == card.version
    rest = people.rest
    assert (rest.usual < rest.shown).all()
    assert (rest.unknown <= rest.between).all()
    assert ((rest.carried >= 0) & (rest.carried <= 1)).all()
