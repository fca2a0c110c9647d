"""What lies inside a network's reading: before calibration, and with the identity left in the face."""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from idennet.models.action_units import ActionUnitModel
from idennet.models.calibration import calibrate
from idennet.models.idennet import IdenNet


class Inside(NamedTuple):
    """The inside of a reading of N faces, none of them mirrored.

    Attributes:
        raw: (N, A) float32, probabilities before calibration.
        unsubtracted: (N, A) float32, calibrated probabilities when nothing is known of who it is: the
            identity embedding is 0, and nothing is usual of the shape.
        expression_features: (N, D) float32, from which the identity is subtracted.
        subtracted: (N, D) float32, the identity embedding F(x) of Eq. 1.
        au_residual: (N, D) float32, what is left.
    """

    raw: NDArray[np.float32]
    unsubtracted: NDArray[np.float32]
    expression_features: NDArray[np.float32]
    subtracted: NDArray[np.float32]
    au_residual: NDArray[np.float32]


@torch.inference_mode()
def look_inside(model: ActionUnitModel, crops: NDArray[np.uint8]) -> Inside | None:
    """Return the inside of the reading of aligned faces; None for a network that knows no identity.

    Args:
        model: Reads the faces.
        crops: (N, 128, 128, 3) uint8 RGB, N at least 1, aligned with `idennet.faces.alignment.align`.
    """
    network = model.network
    if not isinstance(network, IdenNet):
        return None
    batch = torch.from_numpy(np.array(crops, order="C")).to(model.device).permute(0, 3, 1, 2)
    output = network(batch)
    features = output.expression_features
    nobody = torch.zeros_like(output.identity_embedding)
    skin = network.combine(features, nobody)
    unsubtracted = network.read_aus(skin, output.shape, None, output.trust).sigmoid().cpu().numpy()
    if model.card.calibration:
        unsubtracted = calibrate(unsubtracted, [model.card.calibration[au] for au in model.aus])
    return Inside(
        output.au_probs.cpu().numpy(),
        unsubtracted.astype(np.float32),
        features.cpu().numpy(),
        output.identity_embedding.cpu().numpy(),
        output.au_residual.cpu().numpy(),
    )
