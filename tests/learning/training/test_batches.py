"""What a batch costs."""

import numpy as np
import pytest
import torch

from idennet.learning.data.store import FaceStore
from idennet.learning.losses.consistency import consistency_loss
from idennet.learning.training.batches import Batch, Targets, batch_cost
from idennet.learning.training.corpus import Corpus, join_stores
from idennet.learning.training.paper_objective import SeparateSettings


@pytest.fixture
def corpus(au_store: FaceStore, identity_store: FaceStore) -> Corpus:
    return join_stores([au_store], [identity_store])


def test_consistency_adds_its_share_to_the_total(corpus: Corpus) -> None:
    objective = SeparateSettings(identities=3).objective(corpus, learn_aus=True)
    batch = Batch(np.arange(4), 0, identity_weight=0, au_weight=0, consistency_weight=3)
    logits, expected = torch.randn(4, 2), torch.rand(4, 2)
    targets = Targets(torch.zeros(4, dtype=torch.int64), torch.full((4, 2), -1, dtype=torch.int8))
    loss = batch_cost(objective, batch, targets, logits, None, expected, torch.Generator())
    assert loss.total == 3 * consistency_loss(logits, expected)
    assert loss.parts == {"consistency_loss": consistency_loss(logits, expected)}
