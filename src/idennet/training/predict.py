"""A network as the callable that evaluation asks for: uint8 faces in, probabilities out."""

import numpy as np
import torch
from numpy.typing import NDArray

from idennet.evaluation.evaluate import Predictor
from idennet.models.weights import Network
from idennet.training.stages import to_tensor


def predictor(model: Network, device: torch.device, columns: torch.Tensor) -> Predictor:
    """Return a function from (n, 128, 128, 3) uint8 faces to (n, A) probabilities.

    Args:
        model: Moved to the device and into evaluation mode.
        device: Where to compute.
        columns: (A,) int64, the network's outputs that are wanted, in order.
    """
    model.to(device=device, memory_format=torch.channels_last).eval()  # type: ignore[call-overload]

    @torch.inference_mode()
    def predict(faces: NDArray[np.uint8]) -> NDArray[np.floating]:
        probabilities: NDArray[np.floating] = model(to_tensor(faces, device)).au_probs.cpu().numpy()
        return probabilities[:, columns.numpy()]

    return predict
