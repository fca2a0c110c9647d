"""The bundled finder of boxes: a small network of our own looks at the picture and at smaller copies of it.

The working copy is `_SHRINK` times the picture, at most `_PIXELS` pixels; each further copy has a quarter of
the side, down to one in which a face that fills it is not too large for the network.
"""

import cv2
import numpy as np
import torch

from idennet.faces.boxes import Pixels, boxes_of
from idennet.faces.crop import Floats
from idennet.faces.shot_net import MULTIPLE, ShotNet, load_shot_net
from idennet.faces.weights import for_reading

_SHRINK = 0.625
_PIXELS = 2_000_000
_STEP = 4
_LARGEST = 100  # pixels: side of the largest face that the network sees
_OVERLAP = 0.4


class ShotFinder:
    """Finds boxes by `ShotNet`."""

    def __init__(self, network: ShotNet | None = None, threshold: float = 0.45) -> None:
        """Prepare a network for finding, by default the bundled one.

        Args:
            network: The network.
            threshold: The lowest score that is proposed.

        Raises:
            WeightsError: The bundled weights are damaged.
        """
        self._network = for_reading(load_shot_net() if network is None else network)
        self._threshold = threshold

    def find(self, pixels: Pixels) -> Floats:
        """Return boxes (K, 5) of a picture (H, W, 3); see `BoxFinder`."""
        copy = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
        scale = min(_SHRINK, (_PIXELS / copy.size) ** 0.5)
        found = []
        while True:
            size = (max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale)))
            copy = cv2.resize(copy, size, interpolation=cv2.INTER_AREA)
            found.append(self._seen(copy) / [scale, scale, scale, 1.0])
            if max(size) <= _LARGEST:
                break
            scale /= _STEP
        x, y, side, score = np.concatenate(found).T
        return boxes_of(x, y, side, score, _OVERLAP)

    @torch.inference_mode()
    def _seen(self, grey: np.ndarray) -> Floats:
        """Return what the network sees in a picture (H, W): (K, 4) middle x, y, side, score."""
        bottom, right = (-side % MULTIPLE for side in grey.shape)
        padded = cv2.copyMakeBorder(grey, 0, bottom, 0, right, cv2.BORDER_REPLICATE)
        out = self._network(torch.from_numpy(padded)[None])
        score = out.score[0].sigmoid()
        likely = score >= self._threshold
        return torch.cat([out.boxes[0][likely], score[likely][:, None]], dim=1).numpy()
