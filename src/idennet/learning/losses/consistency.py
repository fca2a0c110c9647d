"""Agreement on faces that nobody coded: changed pixels, same muscles, so the same reading.

What a slowly moving mean of the network says of the face as it is (the teacher) is the target for what the
network says of the changed face (the student). So photographs without Action Units shape the reading too.

Source: Tarvainen and Valpola, "Mean teachers are better role models" (2017); for a change of domain French,
Mackiewicz and Fisher, "Self-ensembling for visual domain adaptation" (2018). Neither the paper nor its
released code has it. They take squared differences; cross entropy suits probabilities near 0.
"""

import torch.nn.functional as F
from torch import Tensor

from idennet.errors import ShapeError


def consistency_loss(au_logits: Tensor, teacher_probs: Tensor) -> Tensor:
    """Return the mean cross entropy between the teacher's probabilities and the student's, a scalar.

    Its least value is the teacher's own entropy, not 0; the gradient vanishes where both agree.

    Args:
        au_logits: (N, A) of the student.
        teacher_probs: (N, A) of the teacher, 0 to 1; no gradient reaches them.

    Raises:
        ShapeError: The two are not tables of equal shape.
    """
    if au_logits.ndim != 2 or au_logits.shape != teacher_probs.shape:
        raise ShapeError(
            f"Logits have shape {tuple(au_logits.shape)} and teacher's probabilities "
            f"{tuple(teacher_probs.shape)}; both must be (faces, Action Units)."
        )
    return F.binary_cross_entropy_with_logits(au_logits, teacher_probs.detach())
