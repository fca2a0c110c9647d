"""What the shape of a face says of Action Units, less what is usual for such a person: identity subtraction.

How high a brow lies is first of all whose brow it is. The identity says how high this person's usually lies,
and the difference is what has moved: the paper's subtraction, of a quantity that can be measured. Neither the
paper nor its released code reads shapes.
"""

import torch
from torch import Tensor, nn


class ShapeReading(nn.Module):
    """K outputs of a shape, mixed into what the skin says of them.

    Nothing here is learnt by gradients; see `learning/training/shape_fit.py`. A new one has no share.

    Args:
        outputs: Their number K.
        shape_features: Length of a shape's vector.
        identity_features: Length of an identity's.
        views: Linear maps of each output, of which the one that says most counts: one eye of two is shut.
    """

    def __init__(self, outputs: int, shape_features: int, identity_features: int, views: int = 1) -> None:
        super().__init__()
        self.views = views
        self.said = nn.Linear(shape_features, views * outputs)
        self.usual = nn.Linear(identity_features, outputs)
        self.share: Tensor
        self.register_buffer("share", torch.zeros(outputs))
        for layer in (self.said, self.usual):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)
        self.requires_grad_(False)

    def forward(self, skin: Tensor, features: Tensor, who: Tensor | None, trust: Tensor) -> Tensor:
        """Return outputs (N, K): `skin + trust * share * (said - usual - skin)`.

        Args:
            skin: What the network says without the shape, (N, K).
            features: Of the shapes, (N, 292).
            who: Who it is, (N, 256); None: nothing is known of the person, and nothing subtracted.
            trust: How far the shape is believed, (N, 1), 0 to 1.
        """
        said = self.said(features).unflatten(1, (-1, self.views)).amax(dim=2)
        if who is not None:
            said = said - self.usual(who)
        mixed: Tensor = skin + trust * self.share * (said - skin)
        return mixed
