"""What a batch costs."""

import numpy as np
import pytest
import torch
from tiny_training import nothing_known

from idennet.learning.data.store import FaceStore
from idennet.learning.losses.consistency import consistency_loss
from idennet.learning.training.batches import Batch, Seen, batch_cost
from idennet.learning.training.corpus import Corpus, join_stores
from idennet.learning.training.paper_objective import SeparateSettings


@pytest.fixture
def corpus(au_store: FaceStore, identity_store: FaceStore) -> Corpus:
    return join_stores([au_store], [identity_store])


def test_consistency_adds_its_share_to_the_total(corpus: Corpus) -> None:
    objective = SeparateSettings(identities=3).objective(corpus, learn_aus=True)
    batch = Batch(np.arange(4), 0, identity_weight=0, au_weight=0, consistency_weight=3)
    logits, expected = torch.randn(4, 2), torch.rand(4, 2)
    targets = nothing_known(torch.zeros(4, dtype=torch.int64), 2)
    loss = batch_cost(objective, batch, targets, Seen(logits), expected, torch.Generator())
    assert loss.total == 3 * consistency_loss(logits, expected)
    assert loss.parts == {"consistency_loss": consistency_loss(logits, expected)}
