"""Adam, and its learning rate as a plain function of the step: nothing to save, nothing to restore."""

import math
from typing import Literal

import torch
from pydantic import Field
from torch import nn

from idennet.settings import Config


class Optimiser(Config):
    """Settings of Adam. Weight decay is coupled: it is added to the gradient, as Caffe does."""

    learning_rate: float = Field(default=1e-4, gt=0)
    weight_decay: float = Field(default=0.0, ge=0)
    schedule: Literal["constant", "step", "cosine"] = "constant"
    warm_up: int = Field(default=0, ge=0, description="steps of linear rise from zero")
    step_every: int = Field(
        default=10_000, ge=1, description="steps between two drops of the `step` schedule"
    )
    step_factor: float = Field(default=0.1, gt=0, le=1)
    final_fraction: float = Field(default=0.01, ge=0, le=1, description="where the `cosine` schedule ends")
    clip_norm: float | None = Field(default=None, gt=0, description="largest gradient norm; none by default")
    average: float = Field(
        default=0.0, ge=0, lt=1, description="decay of the running mean of weights; 0 is off"
    )

    def rate(self, step: int, steps: int) -> float:
        """Return the learning rate of a step (from 0) of a stage that is `steps` long."""
        rise = min(1.0, (step + 1) / self.warm_up) if self.warm_up else 1.0
        if self.schedule == "step":
            return self.learning_rate * rise * self.step_factor ** (step // self.step_every)
        if self.schedule == "cosine":
            done = min(max(step - self.warm_up, 0) / max(steps - self.warm_up, 1), 1.0)
            fall = self.final_fraction + (1 - self.final_fraction) * (1 + math.cos(math.pi * done)) / 2
            return self.learning_rate * rise * fall
        return self.learning_rate * rise

    def build(self, network: nn.Module) -> torch.optim.Optimizer:
        """Return Adam over the parameters that learn, fused into one pass."""
        return torch.optim.Adam(
            [parameter for parameter in network.parameters() if parameter.requires_grad],
            lr=self.learning_rate,
            weight_decay=self.weight_decay,
            fused=True,
        )
