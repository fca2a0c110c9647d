"""E-Net, and E-Net + ATF, whose features are trained to forget who the face belongs to."""

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from idennet.research.benchmark.losses.offset_entropy import offset_cross_entropy
from idennet.research.benchmark.networks.enet import AdversarialENet, ENet
from idennet.research.benchmark.networks.vgg import freeze_convolutions
from idennet.research.benchmark.systems.contract import TrainingFaces
from idennet.research.benchmark.systems.fitting import FaceBatch
from idennet.research.benchmark.systems.vgg import VGGSystem


class ENetSystem(VGGSystem):
    """E-Net (Li et al., FG 2017 and PAMI 2018) as its authors released it, without their repeated frames."""

    name: str = "e-net"
    hidden: tuple[int, int] = Field(default=(4096, 2048), description="full layers; these are published")

    def build(self, faces: TrainingFaces, generator: torch.Generator) -> nn.Module:
        """See `NetworkSystem.build`."""
        return self.build_enet(len(faces.aus), generator)

    def build_enet(self, num_aus: int, generator: torch.Generator) -> ENet:
        """Return the network with its first weights."""
        network = ENet(num_aus, width=self.width, hidden=self.hidden, side=self.side, generator=generator)
        if self.imagenet is not None:
            network.start_from_imagenet(self.imagenet)
            freeze_convolutions(network.trunk.groups, self.frozen)
        return network


class AdversarialENetSystem(ENetSystem):
    """E-Net + ATF (Zhang et al., BMVC 2018) by gradient reversal; its paper leaves open all that is set here.

    Subjects are those of the training faces. At test the head that names them is not asked.
    """

    name: str = "e-net-atf"
    reversal: float = Field(default=1.0, ge=0, description="of the gradient; later work uses 0.1 to 2")
    rise: float = Field(
        default=0.25, ge=0, le=1, description="share of the steps in which the reversal rises from 0"
    )
    identity_hidden: int = Field(default=512, ge=0, description="hidden layer of the head; 0: none")

    def build(self, faces: TrainingFaces, generator: torch.Generator) -> nn.Module:
        """See `NetworkSystem.build`."""
        enet = self.build_enet(len(faces.aus), generator)
        subjects = len(faces.train.subjects)
        return AdversarialENet(enet, subjects, hidden=self.identity_hidden, generator=generator)

    def heads(self, network: nn.Module) -> tuple[nn.Module, ...]:
        """See `NetworkSystem.heads`."""
        assert isinstance(network, AdversarialENet)
        return network.enet.fc8, network.identity_head

    def logits(self, network: nn.Module, batch: FaceBatch) -> Tensor:
        """See `NetworkSystem.logits`."""
        assert isinstance(network, AdversarialENet)
        return super().logits(network.enet, batch)

    def loss(self, network: nn.Module, batch: FaceBatch) -> Tensor:
        """Return AU loss plus subject loss; the features get the latter's gradient reversed."""
        au_logits, subject_logits = network(batch.faces, batch.landmarks, self.reversal_at(batch.step))
        naming = F.cross_entropy(subject_logits, batch.subjects)
        return offset_cross_entropy(au_logits, batch.au_labels, self.offset) + naming

    def reversal_at(self, step: int) -> float:
        """Return the strength of the reversal at a step (from 0)."""
        rising = self.rise * self.budget.steps
        return self.reversal * (min(1.0, step / rising) if rising else 1.0)
