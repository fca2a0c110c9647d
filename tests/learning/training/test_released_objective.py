"""The released code's batches."""

import pytest

from idennet.learning.data.store import FaceStore
from idennet.learning.training.corpus import Corpus, join_stores
from idennet.learning.training.released_objective import MixedSettings


@pytest.fixture
def corpus(au_store: FaceStore, identity_store: FaceStore) -> Corpus:
    return join_stores([au_store], [identity_store])


def test_mixed_batches_have_half_of_each(corpus: Corpus) -> None:
    drawing = MixedSettings(faces=16).drawing(corpus, 0, learn_aus=True, learn_identity=True)
    batch = drawing.draw(0)
    assert corpus.au_coded[batch.rows].tolist() == [True] * 8 + [False] * 8
    assert drawing.epoch_steps == 4  # 15 pairs with AUs, four a step
    assert (batch.identity_weight, batch.au_weight) == (1, 1)
