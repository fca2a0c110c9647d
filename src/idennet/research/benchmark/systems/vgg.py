"""What E-Net and ROINet have in common as systems: a VGG, landmarks, and a loss with an offset."""

from pathlib import Path
from typing import ClassVar

from pydantic import Field
from torch import Tensor, nn

from idennet.research.benchmark.losses.offset_entropy import offset_cross_entropy
from idennet.research.benchmark.systems.fitting import FaceBatch, NetworkSystem


class VGGSystem(NetworkSystem):
    """A network on VGG's convolutions that reads round landmarks."""

    needs_landmarks: ClassVar[bool] = True

    imagenet: Path | None = Field(
        default=None, description="safetensors file of the VGG in torchvision's layout; None: random weights"
    )
    frozen: int = Field(
        default=4, ge=0, description="first convolutions that stay as ImageNet left them; none without it"
    )
    width: int = Field(default=64, ge=1, description="channels of the first group; 64 is published")
    side: int = Field(default=224, ge=32, description="of its pictures; 224 is published")
    offset: float = Field(default=0.05, ge=0, description="of the cross entropy; 0.05 is the release's")

    def logits(self, network: nn.Module, batch: FaceBatch) -> Tensor:
        """See `NetworkSystem.logits`."""
        logits: Tensor = network(batch.faces, batch.landmarks)
        return logits

    def loss(self, network: nn.Module, batch: FaceBatch) -> Tensor:
        """Return the cross entropy with an offset of the release."""
        return offset_cross_entropy(self.logits(network, batch), batch.au_labels, self.offset)

    def is_pretrained(self) -> bool:
        """See `NetworkSystem.is_pretrained`."""
        return self.imagenet is not None
