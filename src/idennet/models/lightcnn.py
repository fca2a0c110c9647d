"""The paper's baseline LightCNN: IdenNet's trunk and AU layers, without identity and subtraction.

The paper does not describe the baseline's head; FC6, MFM and FC7 on the same trunk is the natural reading.
4,115,232 weights without biases for 12 Action Units.
"""

import torch
from torch import Tensor, nn

from idennet.models.idennet import EMBEDDING_FEATURES, IdenNetOutput
from idennet.models.layers import MaxFeatureMap, initialize_gaussian
from idennet.models.trunk import TRUNK_FEATURES, Trunk, check_num_aus


class LightCNN(nn.Module):
    """Action Units straight from the expression features.

    Args:
        num_aus: Number A of Action Units.
        generator: Source of the initial weights; PyTorch's global one by default.
    """

    def __init__(self, num_aus: int = 12, *, generator: torch.Generator | None = None) -> None:
        super().__init__()
        check_num_aus(num_aus)
        self.num_aus = num_aus
        self.trunk = Trunk()
        self.fc6 = nn.Linear(TRUNK_FEATURES, 2 * EMBEDDING_FEATURES)
        self.mfm6 = MaxFeatureMap()
        self.fc7 = nn.Linear(EMBEDDING_FEATURES, num_aus)
        self.initialize(generator)

    def forward(self, faces: Tensor) -> IdenNetOutput:
        """Return Action Units; `identity_embedding` is None and `au_residual` the expression features.

        Args:
            faces: Aligned RGB faces, (N, 3, 128, 128): `uint8`, or floating point in [0, 1].

        Raises:
            ShapeError: The faces have another shape or dtype.
        """
        expression_features = self.mfm6(self.fc6(self.trunk(faces)))
        return IdenNetOutput(self.fc7(expression_features), None, expression_features, expression_features)

    def initialize(self, generator: torch.Generator | None = None) -> None:
        """Draw new weights, layer by layer as `IdenNet.initialize`."""
        self.trunk.initialize(generator)
        initialize_gaussian(self.fc6, generator)
        initialize_gaussian(self.fc7, generator)
