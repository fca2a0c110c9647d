"""AlexNet and DRML as systems: networks that know nothing of identity."""

from pathlib import Path

import torch
from pydantic import Field
from torch import nn

from idennet.research.benchmark.networks.alexnet import AlexNet
from idennet.research.benchmark.networks.drml import DRML
from idennet.research.benchmark.systems.contract import TrainingFaces
from idennet.research.benchmark.systems.fitting import NetworkSystem


class AlexNetSystem(NetworkSystem):
    """Baseline of the paper, which does not say whether it starts from ImageNet."""

    name: str = "alexnet"
    rate_factor: float = Field(default=0.3, gt=0)
    imagenet: Path | None = Field(
        default=None, description="weights of Caffe's AlexNet (safetensors); None: random ones"
    )

    def build(self, faces: TrainingFaces, generator: torch.Generator) -> nn.Module:
        """See `NetworkSystem.build`."""
        network = AlexNet(len(faces.aus), generator=generator)
        if self.imagenet is not None:
            network.load_imagenet(self.imagenet)
        return network

    def is_pretrained(self) -> bool:
        """See `NetworkSystem.is_pretrained`."""
        return self.imagenet is not None


class DRMLSystem(NetworkSystem):
    """Baseline of the paper; always from random weights, as released."""

    name: str = "drml"
    rate_factor: float = Field(default=0.3, gt=0)

    def build(self, faces: TrainingFaces, generator: torch.Generator) -> nn.Module:
        """See `NetworkSystem.build`."""
        return DRML(len(faces.aus), generator=generator)

    def remarks(self) -> tuple[str, ...]:
        """Return nothing: the published network starts from random weights too."""
        return ()
