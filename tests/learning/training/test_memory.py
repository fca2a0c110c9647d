"""The memory of embeddings."""

import torch

from idennet.learning.training.memory import EmbeddingMemory


def test_the_memory_forgets_the_oldest() -> None:
    memory = EmbeddingMemory(3, width=1)
    for value in range(5):
        memory.add(torch.tensor([[float(value)]]), torch.tensor([value]))
    assert memory.identities.tolist() == [2, 3, 4]
    assert memory.embeddings.flatten().tolist() == [2, 3, 4]
