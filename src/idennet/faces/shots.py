"""The bundled finder of boxes: a small network of our own looks at the picture and at smaller copies of it.

The working copy is `_SHRINK` times the picture, at most `_PIXELS` pixels; each further copy has a quarter of
the side, down to one in which a face that fills it is not too large for the network. Small copies are looked
at first, and what they show counts before what larger ones show of the same face. So a face gets the same box
whether or not the large copies, which cost nearly all of the time, are looked at.
"""

from collections.abc import Sequence

import cv2
import numpy as np
import torch

from idennet.faces.boxes import NO_BOXES, BoxFinder, Grey, Pixels, boxes_of, in_grey, overlaps
from idennet.faces.crop import Floats
from idennet.faces.shot_net import MULTIPLE, ShotNet, load_shot_net
from idennet.faces.weights import for_reading

_SHRINK = 0.625
_PIXELS = 2_000_000
_STEP = 4
_LARGEST = 100  # pixels: side of the largest face that the network sees
_OVERLAP = 0.4  # with a better box in the same copy, from which on a box is a double
_SAME = 0.6  # with a box in a smaller copy
_NEAR, _ALIKE = 0.25, 1.5  # distance in sides, and ratio of sides, of a box about an expected face
_PIXELS_TOGETHER = 150_000  # of copies in a batch: more leave the cache


class ShotFinder(BoxFinder):
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
        return self.find_all([pixels], [in_grey(pixels)])[0]

    def find_all(
        self,
        pictures: Sequence[Pixels],
        greys: Sequence[Grey],
        expected: Sequence[Floats | None] | None = None,
    ) -> list[Floats]:
        """Return the boxes of each picture; pictures of the same size are looked at together."""
        wanted = [None] * len(pictures) if expected is None else expected
        found = [NO_BOXES] * len(pictures)
        for shape in dict.fromkeys(grey.shape for grey in greys):
            rows = [k for k, grey in enumerate(greys) if grey.shape == shape]
            for scale in _scales(*shape):
                for k, boxes in zip(rows, self._boxes([greys[k] for k in rows], scale), strict=True):
                    new = (overlaps(boxes, found[k]) < _SAME).all(axis=1)
                    found[k] = np.concatenate([found[k], boxes[new]])
                rows = [k for k in rows if not _all_there(wanted[k], found[k])]
                if not rows:
                    break
        return found

    def _boxes(self, greys: Sequence[Grey], scale: float) -> list[Floats]:
        """Return the boxes in copies of pictures of the same size, each (K, 5), in pixels of the pictures."""
        height, width = (max(1, round(side * scale)) for side in greys[0].shape)
        copies = [cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA) for grey in greys]
        together = max(1, _PIXELS_TOGETHER // (height * width))
        found = []
        for start in range(0, len(copies), together):
            for seen in self._seen(np.stack(copies[start : start + together])):
                x, y, side, score = (seen / [scale, scale, scale, 1.0]).T
                found.append(boxes_of(x, y, side, score, _OVERLAP))
        return found

    @torch.inference_mode()
    def _seen(self, greys: np.ndarray) -> list[Floats]:
        """Return what the network sees in pictures (N, H, W), each (K, 4): middle x, y, side, score."""
        bottom, right = (-side % MULTIPLE for side in greys.shape[1:])
        padded = np.pad(greys, ((0, 0), (0, bottom), (0, right)), mode="edge")
        out = self._network(torch.from_numpy(padded))
        score = out.score.sigmoid()
        likely = score >= self._threshold
        return [
            torch.cat([boxes[here], values[here][:, None]], dim=1).numpy()
            for boxes, values, here in zip(out.boxes, score, likely, strict=True)
        ]


def _scales(height: int, width: int) -> list[float]:
    """Return how large the copies of a picture are, the smallest first."""
    scales = [min(_SHRINK, (_PIXELS / (height * width)) ** 0.5)]
    while max(height, width) * scales[-1] > _LARGEST:
        scales.append(scales[-1] / _STEP)
    return scales[::-1]


def _all_there(squares: Floats | None, boxes: Floats) -> bool:
    """Say whether there is a box about each of some squares (M, 4); not so when these are unknown."""
    if squares is None:
        return False
    middles, sides = (boxes[:, :2] + boxes[:, 2:4]) / 2, boxes[:, 2] - boxes[:, 0]
    near = np.linalg.norm(squares[:, None, :2] - middles, axis=2) < _NEAR * squares[:, 2:3]
    alike = np.abs(np.log(sides / squares[:, 2:3])) < np.log(_ALIKE)
    return bool((near & alike).any(axis=1).all())
