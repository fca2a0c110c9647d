"""Stores joined to one corpus."""

from pathlib import Path

import numpy as np
import pytest
from tiny_training import make_store

from idennet.errors import InputError
from idennet.learning.data.store import FaceStore
from idennet.learning.training.corpus import Corpus, join_stores


@pytest.fixture
def corpus(au_store: FaceStore, identity_store: FaceStore) -> Corpus:
    return join_stores([au_store], [identity_store])


def test_training_and_validation_share_no_subject(corpus: Corpus) -> None:
    training, validation = corpus.split(0.3, seed=1)
    assert not set(training.identities) & set(validation.identities)
    assert len(training) + len(validation) == len(corpus)
    assert validation.au_coded.any()
    assert (~validation.au_coded).any()


def test_a_corpus_reads_the_right_faces(corpus: Corpus) -> None:
    rows = np.array([53, 0, 31, 7, 30, 7])
    for row, face in zip(rows, corpus.read(rows), strict=True):
        store = corpus.stores[corpus.store_of[row]]
        assert np.array_equal(face, store.faces[corpus.row_of[row]])
        assert corpus.subjects[corpus.identities[row]] == store.frames["subject"][corpus.row_of[row]]
    assert (corpus.au_labels[~corpus.au_coded] == -1).all()


def test_uncoded_action_units_are_refused(au_store: FaceStore) -> None:
    with pytest.raises(InputError, match="No store has labels for AU43"):
        join_stores([au_store], [], aus=(12, 43))
    with pytest.raises(InputError, match="at least one store"):
        join_stores([], [])


def test_a_store_without_labels_teaches_no_action_units(
    au_store: FaceStore, identity_store: FaceStore
) -> None:
    with pytest.raises(InputError, match="has no Action Unit labels; give it with --identity"):
        join_stores([au_store, identity_store], [])


def test_names_of_different_stores_are_not_taken_for_one_person(au_store: FaceStore, tmp_path: Path) -> None:
    other = make_store(tmp_path / "other", "au", 3, 2, aus=True, seed=9)
    with pytest.raises(InputError, match="different stores that both name a subject au/00,") as caught:
        join_stores([au_store], [other])
    assert str(au_store.path) in str(caught.value)
    assert str(other.path) in str(caught.value)
    halves = [au_store.select(au_store.subjects[:3]), au_store.select(au_store.subjects[2:])]
    assert join_stores(halves[:1], halves[1:]).subjects == au_store.subjects  # one store: one person
