"""The paper's batches and their losses."""

import pytest
import torch
from tiny_training import nothing_known

from idennet.learning.data.store import FaceStore
from idennet.learning.losses.mining import HardNegativeMiner
from idennet.learning.losses.triplet import triplet_loss
from idennet.learning.training.batches import Seen, batch_cost
from idennet.learning.training.corpus import Corpus, join_stores
from idennet.learning.training.paper_objective import SeparateSettings


@pytest.fixture
def corpus(au_store: FaceStore, identity_store: FaceStore) -> Corpus:
    return join_stores([au_store], [identity_store])


def test_separate_batches_are_of_one_kind(corpus: Corpus) -> None:
    settings = SeparateSettings(identities=4, au_faces=12, au_batches=0.25)
    drawing = settings.drawing(corpus, 0, learn_aus=True, learn_identity=True)
    kinds = []
    for step in range(40):
        batch = drawing.draw(step)
        coded = corpus.au_coded[batch.rows]
        assert coded.all() or not coded.any()
        assert (batch.identity_weight, batch.au_weight) == ((0.5, 0.5) if coded.all() else (1.0, 0.0))
        pairs = corpus.identities[batch.rows[: 2 * batch.pairs]].reshape(-1, 2)
        assert (pairs[:, 0] == pairs[:, 1]).all()
        assert len(set(pairs[:, 0])) == batch.pairs == 4
        assert len(batch.rows) == (12 if coded.all() else 8)
        kinds.append(coded.all())
    assert sum(kinds) == 10


def test_consistency_is_for_faces_without_aus_and_rises(corpus: Corpus) -> None:
    settings = SeparateSettings(identities=3, alpha_consistency=2, consistency_from=100)
    drawing = settings.drawing(corpus, 0, learn_aus=True, learn_identity=True)
    for step, full in ((0, 0), (98, 0), (100, 0.02), (148, 0.98), (198, 1.98), (200, 2), (10_000, 2)):
        batch = drawing.draw(step)
        coded = corpus.au_coded[batch.rows]
        expected = 0 if coded.all() else full
        assert batch.consistency_weight == pytest.approx(expected)
    alone = settings.drawing(corpus, 0, learn_aus=False, learn_identity=True)
    assert alone.draw(10_000).consistency_weight == 0


def test_the_memory_adds_candidates_without_gradient(corpus: Corpus) -> None:
    settings = SeparateSettings(identities=3, memory=10)
    drawing = settings.drawing(corpus, 0, learn_aus=False, learn_identity=True)
    objective, batch = settings.objective(corpus, learn_aus=False), drawing.draw(0)
    old, new = torch.nn.functional.normalize(torch.randn(2, 6, 256), dim=2)
    owners = torch.tensor([90, 90, 91, 91, 92, 92])
    objective.memory.add(old, owners)
    identities = torch.from_numpy(corpus.identities[batch.rows])
    new.requires_grad_()
    targets = nothing_known(identities, 0)
    loss = batch_cost(objective, batch, targets, Seen(embeddings=new), None, torch.Generator().manual_seed(0))
    bank, names = torch.cat([new, old]), torch.cat([identities, owners])
    pairs = torch.arange(6).view(3, 2)
    triplets = HardNegativeMiner()(
        new, identities, pairs, generator=torch.Generator().manual_seed(0), memory=bank, memory_labels=names
    )
    assert (triplets[:, 2] >= 6).any()
    assert loss.total == triplet_loss(new, triplets, 0.5, negatives=bank)
    assert len(objective.memory) == 10
    assert torch.equal(objective.memory.embeddings[-6:], new.detach())
    assert not objective.memory.embeddings.requires_grad
