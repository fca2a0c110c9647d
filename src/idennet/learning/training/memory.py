"""A memory of recent embeddings: hard negatives are sought among thousands of faces, not one batch.

The paper mines among all negative images; embedding all of them for each step would cost far more than
the step itself, so those of recent steps stand for them. They are constants: no gradient reaches them.
"""

import torch
from torch import Tensor


class EmbeddingMemory:
    """A ring buffer: the newest `capacity` embeddings with their identities."""

    def __init__(self, capacity: int, width: int = 256) -> None:
        self.capacity = capacity
        self.embeddings = torch.zeros(0, width)
        self.identities = torch.zeros(0, dtype=torch.long)

    def __len__(self) -> int:
        return len(self.identities)

    @torch.no_grad()
    def add(self, embeddings: Tensor, identities: Tensor) -> None:
        """Append (n, D) embeddings with (n,) identities; the oldest beyond the capacity are forgotten."""
        kept = self.embeddings.to(embeddings), self.identities.to(identities)
        self.embeddings = torch.cat([kept[0], embeddings.detach()])[-self.capacity :]
        self.identities = torch.cat([kept[1], identities])[-self.capacity :]

    def state(self) -> dict[str, Tensor]:
        """Return the tensors to save."""
        return {"embeddings": self.embeddings, "identities": self.identities}

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Take back what `state` returned."""
        self.embeddings, self.identities = state["embeddings"], state["identities"]
