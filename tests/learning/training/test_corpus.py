"""Stores joined to one corpus."""

from pathlib import Path

import numpy as np
import pytest
from tiny_training import make_store

from idennet.errors import InputError
from idennet.learning.data.provenance import Origin
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


def test_sides_that_a_store_does_not_know_are_no_whole_faces(au_store: FaceStore) -> None:
    store = au_store.select(au_store.subjects)
    au, other = store.aus[:2]
    whole = np.full(len(store), 2.5, np.float32)
    left = np.where(np.arange(len(store)) == 0, np.nan, 5.0).astype(np.float32)
    columns = {f"AU{au}_left_intensity": left, f"AU{au}_right_intensity": left}
    columns |= {f"AU{one}_intensity": whole for one in (au, other)}
    store.frames = store.frames.assign(**columns)
    strongest = 1 if store.provenance.origin is Origin.RENDERED else 5
    sides = join_stores([store], []).sides
    assert np.isnan(sides[0, 0]).all()
    assert (sides[1:, 0] == np.float32(5 / strongest)).all()
    assert (sides[:, 1] == np.float32(2.5 / strongest)).all()
