"""Two branches side by side where IdenNet subtracts: the networks of 2B(N+M) and of IACNN.

Both put a metric loss on one branch and read Action Units from both together. The sizes of their own trunks
are not stated in the sources at hand; on IdenNet's, only the way in which identity is dealt with differs.
6,575,904 weights without biases for 12 Action Units: IdenNet's, and as many again in the last layer.
"""

import torch
from torch import Tensor, nn

from idennet.models.idennet import IdenNet, IdenNetOutput
from idennet.models.layers import L2Normalize


class TupletNet(IdenNet):
    """2B(N+M) (Liu et al., CVPR workshops 2017), the closest relative that IdenNet's paper names.

    Its metric branch (`identity_embedding`) is shaped by the (N + M)-tuplet cluster loss: unlike IdenNet's,
    it is to tell expressions apart whoever shows them.

    Args:
        num_aus: Number A of Action Units.
        generator: Source of the initial weights; PyTorch's global one by default.

    Attributes:
        threshold: T, learnt: the squared distance from a centre at which an expression ends; at first 1,
            half of that between unrelated unit vectors.
    """

    def __init__(self, num_aus: int = 12, *, generator: torch.Generator | None = None) -> None:
        super().__init__(num_aus, identity="concatenation", generator=generator)
        self.threshold = nn.Parameter(torch.tensor(1.0))


class TwoStreamNet(IdenNet):
    """IACNN (Meng et al., FG 2017): two streams of one network, compared in expression and in identity.

    The streams share all weights, so a batch of pairs is one batch of faces. The expression branch has unit
    length too, because it has a contrastive loss of its own.

    Args:
        num_aus: Number A of Action Units.
        generator: Source of the initial weights; PyTorch's global one by default.
    """

    def __init__(self, num_aus: int = 12, *, generator: torch.Generator | None = None) -> None:
        super().__init__(num_aus, identity="concatenation", generator=generator)
        self.expression_norm = L2Normalize()

    def forward(self, faces: Tensor) -> IdenNetOutput:
        """Return Action Units and both branches for faces (N, 3, 128, 128), as `IdenNet.forward`."""
        features = self.trunk(faces)
        identity = self._embed_features(features)
        expression = self.expression_norm(self.mfm6(self.fc6(features)))
        combined = self.combine(expression, identity)
        return IdenNetOutput(self.fc7(combined), identity, expression, combined)
