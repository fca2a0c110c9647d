"""ROINet as a system, in either of its two public readings."""

from pathlib import Path
from typing import Literal, Self

import safetensors.torch
import torch
from pydantic import Field, model_validator
from torch import nn

from idennet.errors import WeightsError
from idennet.research.benchmark.networks.enet import EnhancedTrunk
from idennet.research.benchmark.networks.roinet import REGION_FEATURES, EnhancedROINet, ROINet
from idennet.research.benchmark.networks.vgg import freeze_convolutions
from idennet.research.benchmark.systems.contract import TrainingFaces
from idennet.research.benchmark.systems.vgg import VGGSystem

_PREFIX = "trunk."


class ROINetSystem(VGGSystem):
    """ROINet (Li, Abtahi and Zhu, CVPR 2017).

    The paper's first 12 convolutions are VGG-16's up to CONV5_2 in the port, whose weights IdenNet's paper
    counts, and E-Net's up to CONV4_4 in the authors' release, where a fitted E-Net must come first.
    """

    name: str = "roinet"
    reading: Literal["port", "release"] = Field(default="port", description="which code is followed")
    enet: Path | None = Field(
        default=None,
        description="reading `release`: fitted.safetensors of an E-Net, whose trunk stays as it is",
    )
    frozen: int = Field(
        default=8, ge=0, description="first convolutions that stay as ImageNet left them; none without it"
    )
    hidden: int = Field(default=2048, ge=1, description="full layer over all regions; 2048 is published")
    region_features: int = Field(
        default=REGION_FEATURES, ge=1, description="of each region; 150 is published"
    )

    @model_validator(mode="after")
    def _trunk_fits(self) -> Self:
        if (self.reading == "release") != (self.enet is not None):
            raise ValueError("reading `release` needs enet, and the other reading has no use for it")
        if self.enet is not None and self.imagenet is not None:
            raise ValueError("give imagenet to the E-Net; its trunk is used as it is")
        return self

    def build(self, faces: TrainingFaces, generator: torch.Generator) -> nn.Module:
        """See `NetworkSystem.build`."""
        num_aus = len(faces.aus)
        if self.enet is not None:
            trunk = self._fitted_trunk(self.enet)
            return EnhancedROINet(
                trunk, num_aus, hidden=self.hidden, features=self.region_features, generator=generator
            )
        network = ROINet(
            num_aus,
            width=self.width,
            hidden=self.hidden,
            features=self.region_features,
            side=self.side,
            generator=generator,
        )
        if self.imagenet is not None:
            network.start_from_imagenet(self.imagenet)
            freeze_convolutions(network.groups, self.frozen)
        return network

    def _fitted_trunk(self, path: Path) -> EnhancedTrunk:
        """Return E-Net's trunk up to CONV4_4 from a file of a fit."""
        trunk = EnhancedTrunk((2, 2, 4, 4), self.width, self.side)
        if not path.is_file():
            raise WeightsError(f"There is no {path}; give fitted.safetensors of a fitted E-Net.")
        try:
            tensors = safetensors.torch.load_file(path)
        except safetensors.SafetensorError as error:
            raise WeightsError(f"{path} is no safetensors file: {error}.") from error
        own = {name: tensors.get(_PREFIX + name) for name in trunk.state_dict()}
        known = {name: tensor for name, tensor in own.items() if tensor is not None}
        if {n: t.shape for n, t in known.items()} != {n: t.shape for n, t in trunk.state_dict().items()}:
            raise WeightsError(f"{path} has no trunk of an E-Net of width {self.width}.")
        trunk.load_state_dict(known)
        return trunk

    def heads(self, network: nn.Module) -> tuple[nn.Module, ...]:
        """See `NetworkSystem.heads`; a trunk that E-Net has learnt is not scaled either."""
        assert isinstance(network, ROINet | EnhancedROINet)
        learnt = (network.trunk,) if isinstance(network, EnhancedROINet) else ()
        return network.head.fc2, *learnt

    def remarks(self) -> tuple[str, ...]:
        """See `NetworkSystem.remarks`."""
        if self.enet is None:
            return super().remarks()
        return ("Its trunk is that of a fitted E-Net, whose remarks hold here too.",)
