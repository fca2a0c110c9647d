"""IdenNet (Table I): the identity's embedding is subtracted from the expression's features.

6,572,832 weights without biases for 12 Action Units, the number of the paper. `models/combination.py` has the
subtraction, and what may stand in its place to be compared with it.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from idennet.facs import PARTS
from idennet.models.combination import Affine, IdentityUse, build_combination
from idennet.models.layers import L2Normalize, MaxFeatureMap, initialize_gaussian, initialize_xavier
from idennet.models.shape import SHAPE_FEATURES, Shape, ShapeBranch
from idennet.models.shape_reading import ShapeReading
from idennet.models.trunk import TRUNK_FEATURES, Trunk, check_num_aus, scaled

EMBEDDING_FEATURES = 256
"""Length D of the identity embedding, the expression features and their difference."""


@dataclass(frozen=True)
class IdenNetOutput:
    """What a network says about N faces.

    Attributes:
        au_logits: (N, A); an AU is called present where its logit is above 0, or by a threshold of its own.
        identity_embedding: F(x) of Eq. 1, (N, 256), unit length; None for a network without identity branch.
        expression_features: FC6 after MFM, (N, 256).
        au_residual: What AUs are read from, (N, 256): `expression_features - identity_embedding`, or what
            stands in its place ((N, 512) for `concatenation`).
        side_logits: (N, A, 2), strength of each Action Unit on the subject's left and right: its sigmoid is
            the intensity, 0 to 1, and an Action Unit is as strong as its stronger side. None for a network
            that is not graded, as the paper's.
        part_logits: (N, 3), whether each of `facs.PARTS` can be seen; None likewise.
        shape: Where the points of the face are; None for a network without shape branch, as the paper's.
        trust: (N, 1), how far the shape is believed, 0 to 1: near 1 on photographs, near 0 on renderings;
            None likewise.
        who: (N, 256), who it is, as everything that the network sees of the face tells, the longer the surer;
            None likewise. From the expression features F(x) is subtracted all the same, as in the paper.
    """

    au_logits: Tensor
    identity_embedding: Tensor | None
    expression_features: Tensor
    au_residual: Tensor
    side_logits: Tensor | None = None
    part_logits: Tensor | None = None
    shape: Shape | None = None
    trust: Tensor | None = None
    who: Tensor | None = None

    @property
    def au_probs(self) -> Tensor:
        """Probabilities G(x) of Eq. 4, (N, A), between 0 and 1."""
        return self.au_logits.sigmoid()


class IdenNet(nn.Module):
    """Multi-task network cascade of Table I: face clustering first, AU detection on what it leaves.

    No gradient is stopped: the AU loss also reaches FC5 through the subtraction, as in the released code.

    Args:
        num_aus: Number A of Action Units.
        normalize: Whether the identity embedding gets unit length; False is the paper's ablation.
        identity: How the identity enters; `translation`, the paper's, subtracts it.
        graded: Whether the network also says how strong each Action Unit is on either side, and which parts
            of the face can be seen. The paper's does not.
        shaped: Whether Action Units are also read from the shape of the face, and people also told apart by
            it, by a branch that comes from elsewhere, has no share before it is given one, and learns nothing
            here. The paper's are not.
        generator: Source of the initial weights but those of a shape branch; PyTorch's global one by default.
    """

    def __init__(
        self,
        num_aus: int = 12,
        normalize: bool = True,
        identity: IdentityUse = "translation",
        graded: bool = False,
        shaped: bool = False,
        *,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        check_num_aus(num_aus)
        self.num_aus = num_aus
        self.normalize = normalize
        self.identity = identity
        self.graded = graded
        self.shaped = shaped
        self.trunk = Trunk()
        self.fc5 = nn.Linear(TRUNK_FEATURES, 2 * EMBEDDING_FEATURES)
        self.mfm5 = MaxFeatureMap()
        self.norm = L2Normalize() if normalize else nn.Identity()
        self.fc6 = nn.Linear(TRUNK_FEATURES, 2 * EMBEDDING_FEATURES)
        self.mfm6 = MaxFeatureMap()
        self.combine, residual_features = build_combination(identity, EMBEDDING_FEATURES)
        self.fc7 = nn.Linear(residual_features, num_aus)
        if graded:
            self.sides = nn.Linear(residual_features, 2 * num_aus)
            self.parts = nn.Linear(EMBEDDING_FEATURES, len(PARTS))
        if shaped:
            self.shape = ShapeBranch().requires_grad_(False)
            all_seen = TRUNK_FEATURES + EMBEDDING_FEATURES + SHAPE_FEATURES
            self.shape_identity = nn.Linear(all_seen, EMBEDDING_FEATURES).requires_grad_(False)
            self.shape_aus = ShapeReading(num_aus, SHAPE_FEATURES, EMBEDDING_FEATURES, views=2)
            self.shape_trust = nn.Linear(2 * EMBEDDING_FEATURES, 1).requires_grad_(False)
            nn.init.zeros_(self.shape_trust.weight)
        if shaped and graded:
            self.shape_sides = ShapeReading(2 * num_aus, SHAPE_FEATURES, EMBEDDING_FEATURES)
            # What FC6 does not keep of dark glasses and hands; see learning/training/parts_fit.py.
            self.trunk_parts = nn.Linear(TRUNK_FEATURES, len(PARTS), bias=False).requires_grad_(False)
            nn.init.zeros_(self.trunk_parts.weight)
        self.initialize(generator)

    def forward(self, faces: Tensor) -> IdenNetOutput:
        """Return Action Units, identity and what lies between for faces.

        Args:
            faces: Aligned RGB faces, (N, 3, 128, 128): `uint8`, or floating point in [0, 1].

        Raises:
            ShapeError: The faces have another shape or dtype.
        """
        pixels = scaled(faces, self.fc7.weight.dtype) if self.shaped else faces  # both scale what they see
        features = self.trunk(pixels)
        identity_embedding = self._embed_features(features)
        expression_features = self.mfm6(self.fc6(features))
        au_residual = self.combine(expression_features, identity_embedding)
        shape = trust = who = None
        if self.shaped:
            shape = self._see_shape(pixels)
            trust = self._trust(expression_features, identity_embedding)
            who = self.shape_identity(torch.cat([features, identity_embedding, shape.features], dim=1))
        return IdenNetOutput(
            self.read_aus(au_residual, shape, who, trust),
            identity_embedding,
            expression_features,
            au_residual,
            self._read_sides(au_residual, shape, who, trust) if self.graded else None,
            self._read_parts(features, expression_features) if self.graded else None,
            shape,
            trust,
            who,
        )

    def identity_parts(self, faces: Tensor) -> Tensor:
        """Return what `who` is a linear map of, (N, 5348): the trunk's features, F(x), the shape's.

        Args:
            faces: As for `forward`; the network must have a shape branch.
        """
        pixels = scaled(faces, self.fc7.weight.dtype)
        features = self.trunk(pixels)
        return torch.cat([features, self._embed_features(features), self._see_shape(pixels).features], dim=1)

    def read_aus(
        self, au_residual: Tensor, shape: Shape | None, who: Tensor | None, trust: Tensor | None
    ) -> Tensor:
        """Return logits (N, A) of what is left of the features, and of the shape if it is read.

        Args:
            au_residual: Features less identity, as in the output.
            shape: Of the faces; None: it is not read.
            who: As in the output, (N, 256); it says what shape is usual. None: nothing is subtracted
                from it.
            trust: How far the shape is believed, (N, 1); None only where `shape` is.
        """
        logits: Tensor = self.fc7(au_residual)
        if shape is not None:
            logits = self.shape_aus(logits, shape.features, who, trust)
        return logits

    def embed(self, faces: Tensor) -> Tensor:
        """Return identity embeddings (N, 256) only, as stage `identity` needs them; skips FC6 and FC7."""
        return self._embed_features(self.trunk(faces))

    def initialize(self, generator: torch.Generator | None = None) -> None:
        """Draw new weights as the released code does.

        Convolutions and FC5: Caffe's xavier; FC6 and FC7: normal, standard deviation 0.01; biases 0.
        """
        self.trunk.initialize(generator)
        initialize_xavier(self.fc5, generator)
        initialize_gaussian(self.fc6, generator)
        initialize_gaussian(self.fc7, generator)
        if isinstance(self.combine, Affine):
            self.combine.initialize()
        if self.graded:
            initialize_gaussian(self.sides, generator)
            initialize_gaussian(self.parts, generator)

    def _trust(self, expression_features: Tensor, identity_embedding: Tensor) -> Tensor:
        trust: Tensor = self.shape_trust(
            torch.cat([expression_features, identity_embedding], dim=1)
        ).sigmoid()
        return trust

    def _see_shape(self, pixels: Tensor) -> Shape:
        with torch.autocast(pixels.device.type, enabled=False):  # a point is right to a tenth of a pixel
            shape: Shape = self.shape(pixels)
        return shape

    def _read_sides(
        self, au_residual: Tensor, shape: Shape | None, who: Tensor | None, trust: Tensor | None
    ) -> Tensor:
        sides: Tensor = self.sides(au_residual)
        if shape is not None:
            sides = self.shape_sides(sides, shape.features, who, trust)
        return sides.unflatten(1, (self.num_aus, 2))

    def _read_parts(self, features: Tensor, expression_features: Tensor) -> Tensor:
        parts: Tensor = self.parts(expression_features)
        if self.shaped:
            parts = parts + self.trunk_parts(features)
        return parts

    def _embed_features(self, features: Tensor) -> Tensor:
        embedding: Tensor = self.norm(self.mfm5(self.fc5(features)))
        return embedding
