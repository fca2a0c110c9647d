"""2B(N+M) and IACNN as systems: identity and expression side by side on IdenNet's trunk."""

from abc import abstractmethod
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn

from idennet.learning.data.samplers import IdentityPairSampler
from idennet.learning.losses.au import masked_au_loss
from idennet.learning.training.batches import named_seed
from idennet.learning.training.initialise import fit_to_faces
from idennet.learning.training.start import start_from
from idennet.models.idennet import IdenNet, IdenNetOutput
from idennet.research.benchmark.losses.contrastive import contrastive_loss, share_expression
from idennet.research.benchmark.losses.tuplet_cluster import TupletClusterLoss
from idennet.research.benchmark.networks.two_branch import TupletNet, TwoStreamNet
from idennet.research.benchmark.systems.contract import TrainingFaces, fewer_identities
from idennet.research.benchmark.systems.fitting import FaceBatch, FaceSource, NetworkSystem
from idennet.research.benchmark.systems.idennet import NO_FACE_RECOGNITION


class TwoBranchSystem(NetworkSystem):
    """A network with a metric loss besides the AU loss; half of each batch are pairs of one person each."""

    agreement: float = Field(
        default=0.5,
        gt=0,
        le=1,
        description="share of common Action Units from which expressions are the same",
    )

    def logits(self, network: nn.Module, batch: FaceBatch) -> Tensor:
        """See `NetworkSystem.logits`."""
        output: IdenNetOutput = network(batch.faces)
        return output.au_logits

    initial: Path | None = Field(
        default=None, description="weights whose trunk and identity branch are taken, as for IdenNet"
    )

    @abstractmethod
    def network(self, num_aus: int, generator: torch.Generator) -> TupletNet | TwoStreamNet:
        """Return the network with random weights."""

    def build(self, faces: TrainingFaces, generator: torch.Generator) -> nn.Module:
        """See `NetworkSystem.build`."""
        network = self.network(len(faces.aus), generator)
        self._take_over(network)
        return network

    def _take_over(self, network: nn.Module) -> tuple[str, ...]:
        """Copy trunk and identity branch from `initial`, if given, and return the names of the weights."""
        assert isinstance(network, IdenNet)
        return () if self.initial is None else start_from(network, (), self.initial)

    def scale_to(self, network: nn.Module, batch: FaceBatch) -> None:
        """Scale and centre the first weights exactly as IdenNet's."""
        assert isinstance(network, IdenNet)
        fit_to_faces(network, batch.faces, self._take_over(network))

    def remarks(self) -> tuple[str, ...]:
        """See `NetworkSystem.remarks`."""
        return (NO_FACE_RECOGNITION,) if self.initial is None else ()

    def loss(self, network: nn.Module, batch: FaceBatch) -> Tensor:
        """Return the cross entropy of coded labels plus what the branches cost."""
        output: IdenNetOutput = network(batch.faces)
        return masked_au_loss(output.au_logits, batch.au_labels) + self.metric_loss(network, output, batch)

    @abstractmethod
    def metric_loss(self, network: nn.Module, output: IdenNetOutput, batch: FaceBatch) -> Tensor:
        """Return what the branches cost, weighted."""

    @property
    def _identities(self) -> int:
        """Distinct people of a batch."""
        return max(self.budget.batch // 4, 1)

    def warnings(self, faces: TrainingFaces) -> tuple[str, ...]:
        """See `System.warnings`."""
        return fewer_identities("A batch", self._identities, [faces.train])

    def draw_from(self, training: FaceSource) -> Callable[[int], NDArray[np.int64]]:
        """Return what draws a batch: pairs of distinct people first, then single faces.

        Raises:
            InputError: Fewer than two subjects have two faces.
        """
        pairs = IdentityPairSampler(
            training.store.subject_index, self._identities, named_seed(self.budget.seed, 0)
        )
        singles = super().draw_from(training)

        def draw(step: int) -> NDArray[np.int64]:
            paired = pairs.draw(step).ravel()[: self.budget.batch]
            return np.concatenate([paired, singles(step)[: self.budget.batch - len(paired)]])

        return draw


class TupletSystem(TwoBranchSystem):
    """2B(N+M) (Liu et al., CVPR workshops 2017): a metric branch that knows hard tuplets of people.

    No code was found; see `losses.tuplet_cluster` for what is recalled.
    """

    name: str = "2b-nm"
    metric_weight: float = Field(default=1.0, ge=0, description="of the tuplet loss; not known")
    tau: float = Field(default=0.2, gt=0, description="empty shell round a cluster; not known")

    def network(self, num_aus: int, generator: torch.Generator) -> TupletNet:
        """See `TwoBranchSystem.network`."""
        return TupletNet(num_aus, generator=generator)

    def metric_loss(self, network: nn.Module, output: IdenNetOutput, batch: FaceBatch) -> Tensor:
        """Return the weighted (N + M)-tuplet cluster loss of the metric branch."""
        assert isinstance(network, TupletNet)
        assert output.identity_embedding is not None
        loss = TupletClusterLoss(self.tau, self.agreement)
        embeddings = output.identity_embedding
        return self.metric_weight * loss(embeddings, batch.au_labels, batch.subjects, network.threshold)


class TwoStreamSystem(TwoBranchSystem):
    """IACNN (Meng et al., FG 2017): two streams, compared in expression and in identity.

    Faces 2i and 2i + 1 of a batch go through the streams together. No code was found; weights and margins
    are ours.
    """

    name: str = "iacnn"
    expression_weight: float = Field(default=1.0, ge=0, description="of the loss between expressions")
    identity_weight: float = Field(default=1.0, ge=0, description="of the loss between identities")
    margin: float = Field(default=1.0, gt=0, le=2, description="of both, on unit vectors")

    def network(self, num_aus: int, generator: torch.Generator) -> TwoStreamNet:
        """See `TwoBranchSystem.network`."""
        return TwoStreamNet(num_aus, generator=generator)

    def metric_loss(self, network: nn.Module, output: IdenNetOutput, batch: FaceBatch) -> Tensor:
        """Return the weighted contrastive losses of both branches between the two streams."""
        assert output.identity_embedding is not None
        count = len(batch.faces) // 2 * 2
        first, second = slice(0, count, 2), slice(1, count, 2)
        alike = share_expression(batch.au_labels[first], batch.au_labels[second], self.agreement)
        same_person = batch.subjects[first] == batch.subjects[second]
        expression, identity = output.expression_features, output.identity_embedding
        between_expressions = contrastive_loss(expression[first], expression[second], alike, self.margin)
        between_people = contrastive_loss(identity[first], identity[second], same_person, self.margin)
        return self.expression_weight * between_expressions + self.identity_weight * between_people
