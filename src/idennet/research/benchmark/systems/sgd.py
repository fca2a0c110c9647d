"""Stochastic gradient descent as the Caffe networks were published with it; Adam is `training.optimiser`."""

import torch
from pydantic import Field
from torch import nn

from idennet.settings import Config


class Sgd(Config):
    """Momentum, coupled weight decay, and a rate that drops in steps."""

    learning_rate: float = Field(default=1e-3, gt=0)
    momentum: float = Field(default=0.9, ge=0, lt=1)
    nesterov: bool = False
    weight_decay: float = Field(default=5e-4, ge=0)
    step_every: int | None = Field(default=None, ge=1, description="steps between two drops; None: constant")
    step_factor: float = Field(default=0.1, gt=0, le=1)
    bias_factor: float = Field(default=1.0, gt=0, description="of the rate of biases; Caffe's networks: 2")
    bias_decay: bool = Field(default=True, description="whether weight decay holds for biases")
    clip_norm: float | None = Field(default=None, gt=0, description="largest gradient norm; none by default")

    def rate(self, step: int, steps: int) -> float:
        """Return the learning rate of a step (from 0), whatever the number of steps."""
        drops = 0 if self.step_every is None else step // self.step_every
        return self.learning_rate * self.step_factor**drops

    def build(self, network: nn.Module) -> torch.optim.SGD:
        """Return the optimiser; each group's `factor` multiplies the rate."""
        parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
        weights = [parameter for parameter in parameters if parameter.ndim > 1]
        biases = [parameter for parameter in parameters if parameter.ndim <= 1]
        groups = [
            {"params": weights, "factor": 1.0},
            {"params": biases, "factor": self.bias_factor}
            | ({} if self.bias_decay else {"weight_decay": 0.0}),
        ]
        return torch.optim.SGD(
            [group for group in groups if group["params"]],
            lr=self.learning_rate,
            momentum=self.momentum,
            nesterov=self.nesterov,
            weight_decay=self.weight_decay,
        )
