"""What a network that knows people well teaches about identity: how alike two faces are.

A triplet (Eq. 2) says of three faces who is who; a teacher says of every pair how alike they are, also of
two strangers. Relational distillation (Park et al., "Relational knowledge distillation", CVPR 2019) takes
over the geometry and not the coordinates, so that the two embeddings may differ in length and need no layer
between them. Neither the paper nor its released code has it.
"""

import torch
from torch import Tensor

from idennet.errors import ShapeError
from idennet.models.layers import L2Normalize


def relation_loss(embeddings: Tensor, taught: Tensor) -> Tensor:
    """Return the mean squared difference between own and taught cosines of all pairs of faces, a scalar.

    Args:
        embeddings: (N, D) of any length; only their directions count.
        taught: (N, E) a teacher's directions; NaN where it does not know the face, then without gradient.

    Returns:
        The mean over unordered pairs of known faces; 0 with zero gradient where there is none.

    Raises:
        ShapeError: The tables are not of the same faces.
    """
    if embeddings.ndim != 2 or taught.ndim != 2 or len(embeddings) != len(taught):
        raise ShapeError(
            f"Embeddings have shape {tuple(embeddings.shape)} and the teacher's {tuple(taught.shape)}; "
            "both must be (faces, numbers) of the same faces."
        )
    known = ~taught.isnan().any(dim=1)
    own, other = (L2Normalize()(table[known]) for table in (embeddings, taught))
    upper = torch.ones(len(own), len(own), dtype=torch.bool, device=own.device).triu(1)
    differences = (own @ own.T - other @ other.T)[upper]
    return differences.square().sum() / max(len(differences), 1)
