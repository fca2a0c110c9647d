from dataclasses import replace

import numpy as np
import pytest

from idennet.errors import InputError
from idennet.people.population import Evidence, Population, PopulationCard
from idennet.research.weights.population import LOOSENING, Seen, fit_population, fit_space

PEOPLE, PICTURES, WIDTH = 200, 10, 6


def drawn() -> tuple[Seen, np.ndarray]:
    """Return pictures of people whose resting logit of one Action Unit follows from who they are."""
    generator = np.random.default_rng(0)
    people = np.repeat(np.arange(PEOPLE), PICTURES)
    places = generator.normal(size=(PEOPLE, WIDTH)) * [4, 3, 2, 2, 1, 1]
    embeddings = places[people] + generator.normal(size=(len(people), WIDTH))
    offsets = places @ [0.3, -0.2, 0.1, 0.0, 0.0, 0.0] + generator.normal(size=PEOPLE) * 0.3
    labels = (generator.random((len(people), 1)) < 0.25).astype(np.int8)
    logits = np.where(
        labels == 1,
        3 + generator.normal(size=labels.shape),
        (-4 + offsets[people])[:, None] + 0.8 * generator.normal(size=labels.shape),
    )
    return Seen(embeddings, logits, labels, people), offsets


def test_the_fit_finds_what_was_planted():
    seen, offsets = drawn()
    card = PopulationCard(weights="drawn", weights_sha256="0" * 64, aus=(12,))
    people = fit_population(card, seen)
    rest = people.rest
    assert rest.usual[0] == pytest.approx(-4, abs=0.3)
    assert rest.within[0] == pytest.approx(0.64, abs=0.08)
    assert rest.between[0] == pytest.approx(offsets.var(), rel=0.15)
    assert rest.unknown[0] == pytest.approx(0.09, abs=0.08)
    assert rest.shown[0] == pytest.approx(3, abs=0.15)
    assert rest.carried[0] < 0.5  # where the Action Unit is shown, nothing of the offset was left
    found = [
        people.offset_from_identity(people.evidence(seen.embeddings[seen.people == person]))[0][0]
        for person in range(PEOPLE)
    ]
    assert np.corrcoef(found, offsets)[0, 1] > 0.9


def test_what_rendered_people_teach_is_held_to_how_photographed_ones_differ():
    rendered, _ = drawn()
    generator = np.random.default_rng(1)
    people = np.repeat(np.arange(PEOPLE), PICTURES)
    places = generator.normal(size=(PEOPLE, WIDTH)) * 6  # they differ more, and where no rendered ones do
    offsets = places @ [0.02, 0.0, 0.0, 0.0, 0.0, 0.1] + 0.1 * generator.normal(size=PEOPLE)
    photographs = Seen(
        places[people] + generator.normal(size=(len(people), WIDTH)),
        (-4 + offsets[people] + 0.9 * generator.normal(size=len(people)))[:, None],
        np.full((len(people), 1), -1, np.int8),
        people,
    )
    card = PopulationCard(weights="drawn", weights_sha256="0" * 64, aus=(12,))
    alone, both = fit_population(card, rendered), fit_population(card, rendered, photographs)

    def told(population: Population) -> np.ndarray:
        return np.array([
            population.offset_from_identity(population.evidence(photographs.embeddings[people == one]))[0][0]
            for one in range(PEOPLE)
        ])  # fmt: skip

    assert np.square(offsets - told(alone)).mean() > 2 * offsets.var()
    assert np.square(offsets - told(both)).mean() < 0.5 * offsets.var()


def test_how_people_rest_is_learnt_from_photographs_of_which_it_is_known() -> None:
    """Photographed people rest higher and differ less; what is carried stays what exact labels say."""
    rendered, _ = drawn()
    generator = np.random.default_rng(2)
    people = rendered.people
    offsets = 0.5 * generator.normal(size=PEOPLE)
    at_rest = generator.random(len(people)) < 0.4
    shown = ~at_rest & (generator.random(len(people)) < 0.3)
    logits = np.where(shown, 1.0, -2.5 + offsets[people]) + 0.4 * generator.normal(size=len(people))
    labels = np.where(shown, 1, np.where(at_rest, 0, -1)).astype(np.int8)[:, None]
    photographs = Seen(rendered.embeddings, logits[:, None], labels, people, at_rest)
    card = PopulationCard(weights="drawn", weights_sha256="0" * 64, aus=(12,))
    alone, rest = fit_population(card, rendered).rest, fit_population(card, rendered, photographs).rest
    assert rest.usual[0] == pytest.approx(-2.5, abs=0.1)
    assert rest.between[0] == pytest.approx(offsets.var(), rel=0.2)
    assert rest.within[0] == pytest.approx(0.16, abs=0.02)
    assert rest.shown[0] == pytest.approx(1, abs=0.1)
    assert rest.carried == alone.carried
    assert rest.unknown[0] < rest.between[0]
    unseen = replace(photographs, labels=np.where(labels == 1, -1, labels).astype(np.int8))
    without = fit_population(card, rendered, unseen).rest
    assert (without.shown, without.shown_spread) == (alone.shown, alone.shown_spread)
    assert without.usual == rest.usual
    nobody = replace(photographs, labels=np.full_like(labels, -1))
    with pytest.raises(InputError, match="Too few photographed people rest"):
        fit_population(card, rendered, nobody)


def test_identity_space_makes_pictures_of_one_person_vary_by_less_than_one():
    seen, _ = drawn()
    centre, directions, spread = fit_space(seen.embeddings, seen.people)
    places = (seen.embeddings - centre) @ directions
    means = np.array([places[seen.people == person].mean(axis=0) for person in range(PEOPLE)])
    within = np.square(places - means[seen.people]).sum(axis=0) / (len(places) - PEOPLE)
    np.testing.assert_allclose(within, 1 / (1 + LOOSENING), atol=0.05)  # the rest is what loosening adds
    np.testing.assert_allclose(means.var(axis=0) - within / PICTURES, spread, rtol=0.05)
    assert (np.diff(spread) <= 0).all()


def test_too_few_people_are_told():
    seen, _ = drawn()
    few = seen.people < 5
    with pytest.raises(InputError, match="Fewer than ten people"):
        fit_space(seen.embeddings[few], seen.people[few])


def test_evidence_of_nobody_says_nothing():
    seen, _ = drawn()
    card = PopulationCard(weights="drawn", weights_sha256="0" * 64, aus=(12,))
    people = fit_population(card, seen)
    offset, variance = people.offset_from_identity(Evidence(0, np.zeros_like(people.spread)))
    assert offset[0] == 0
    assert variance[0] > people.rest.unknown[0]
