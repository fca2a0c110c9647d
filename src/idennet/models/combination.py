"""How the identity enters: expression features and identity embedding become what AUs are read from.

The paper subtracts ("translation"). The others are controls of that choice and answers to the paper's closing
question, whether an affine transformation does better. Only `affine` has weights of its own.
"""

from typing import Literal

import torch
from torch import Tensor, nn

IdentityUse = Literal["translation", "none", "concatenation", "affine"]


class Translation(nn.Module):
    """Features minus embedding: the paper's network cascade, the one line that subtracts the identity."""

    def forward(self, features: Tensor, embedding: Tensor) -> Tensor:
        """Return (N, D) from (N, D) features and (N, D) embeddings."""
        return features - embedding


class Unused(nn.Module):
    """Features alone: the identity is still learnt by the triplet loss, in layers that both tasks share."""

    def forward(self, features: Tensor, embedding: Tensor) -> Tensor:
        """Return the (N, D) features."""
        return features


class Concatenation(nn.Module):
    """Both side by side, as 2B(N+M) does: the head may subtract, but does not have to."""

    def forward(self, features: Tensor, embedding: Tensor) -> Tensor:
        """Return (N, 2 D)."""
        return torch.cat([features, embedding], dim=1)


class Affine(nn.Module):
    """Scale(embedding) * features + shift(embedding), both linear in the embedding.

    It begins as the translation (scale 1, shift minus the embedding) and may leave it: people differ not only
    in how their face looks at rest but also in how strongly it moves. Each feature is scaled for itself:
    2 D^2 weights, where a full matrix for each person would take D^3.

    Args:
        features: Length D of features and embedding.
    """

    def __init__(self, features: int) -> None:
        super().__init__()
        self.scale = nn.Linear(features, features)
        self.shift = nn.Linear(features, features)
        self.initialize()

    def forward(self, features: Tensor, embedding: Tensor) -> Tensor:
        """Return (N, D) from (N, D) features and (N, D) embeddings."""
        transformed: Tensor = self.scale(embedding) * features + self.shift(embedding)
        return transformed

    def initialize(self) -> None:
        """Become the translation."""
        nn.init.zeros_(self.scale.weight)
        nn.init.ones_(self.scale.bias)
        with torch.no_grad():
            self.shift.weight.copy_(-torch.eye(len(self.shift.weight)))
        nn.init.zeros_(self.shift.bias)


Combination = Translation | Unused | Concatenation | Affine


def build_combination(use: IdentityUse, features: int) -> tuple[Combination, int]:
    """Return the module for features and embeddings of length D, and the length of what it gives."""
    if use == "translation":
        return Translation(), features
    if use == "none":
        return Unused(), features
    if use == "concatenation":
        return Concatenation(), 2 * features
    return Affine(features), features
