"""Action Units of a frame from the features of up to 24 frames: R-T1, R-T2 and IdenNet-LSTM.

The authors of ROINet put one (R-T1) or two (R-T2) LSTM layers on features that were extracted before; as in
their script, the outputs of all 24 frames are read by one layer, and the label is that of the last frame.
The same network on IdenNet's features answers the closing question of IdenNet's paper.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from idennet.errors import InputError, ShapeError
from idennet.models.layers import initialize_gaussian
from idennet.models.trunk import check_num_aus

WINDOW = 24
"""Frames that a network looks at, the one in question last."""


class TemporalNetwork(nn.Module):
    """LSTM layers over the features of a window, and one layer over all their outputs.

    The hidden length of the published networks is unknown: 256 is the authors' script's, the port has 512.

    Args:
        num_features: Length D of the features of a frame: 2048 of ROINet, 256 of IdenNet.
        num_aus: Number A of Action Units.
        layers: LSTM layers: 1 is R-T1, 2 is R-T2.
        hidden: Length of their outputs.
        window: Frames of a window.
        generator: Source of the initial weights of the last layer; PyTorch's global one by default.
    """

    def __init__(
        self,
        num_features: int,
        num_aus: int = 12,
        *,
        layers: int = 1,
        hidden: int = 256,
        window: int = WINDOW,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        check_num_aus(num_aus)
        self.num_aus, self.window = num_aus, window
        self.lstm = nn.LSTM(num_features, hidden, layers, batch_first=True)
        self.fc = nn.Linear(window * hidden, num_aus)
        self.initialize(generator)

    def forward(self, features: Tensor) -> Tensor:
        """Return logits (N, A) of the last frame of each window.

        Args:
            features: (N, window, D) in order of time.

        Raises:
            ShapeError: The features have another shape.
        """
        expected = (self.window, self.lstm.input_size)
        if features.ndim != 3 or features.shape[1:] != expected:
            raise ShapeError(
                f"Features have shape {tuple(features.shape)}; give (N, {expected[0]}, {expected[1]})."
            )
        outputs, _ = self.lstm(features)
        logits: Tensor = self.fc(outputs.flatten(start_dim=1))
        return logits

    def initialize(self, generator: torch.Generator | None = None) -> None:
        """Draw new weights: PyTorch's range for LSTMs; the last layer starts small."""
        bound = self.lstm.hidden_size**-0.5
        for parameter in self.lstm.parameters():
            nn.init.uniform_(parameter, -bound, bound, generator=generator)
        initialize_gaussian(self.fc, generator)


def draw_windows(
    sequence_of_frame: NDArray[np.integer],
    time_of_frame: NDArray[np.integer],
    rows: NDArray[np.integer],
    seed: tuple[int, ...],
    window: int = WINDOW,
) -> NDArray[np.int64]:
    """Return rows (K, window) of the frames that each frame is judged with: itself last, earlier ones before.

    Earlier frames of the same recording are drawn at random without replacement and put in order of time;
    where there are fewer, the frame itself fills the rest at the end. Later frames are never used.

    Args:
        sequence_of_frame: (N,) number of the recording.
        time_of_frame: (N,) position in it; larger is later.
        rows: (K,) the frames in question.
        seed: With the frame's place in its recording, names the choice, whatever other recordings there are.
        window: How many frames, itself included; 1 or more.

    Raises:
        InputError: The window is empty.
    """
    if window < 1:
        raise InputError(f"A window of {window} frames is not possible; give 1 or more.")
    order = np.lexsort((time_of_frame, sequence_of_frame))
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    start_of = np.searchsorted(sequence_of_frame[order], sequence_of_frame)
    windows = np.empty((len(rows), window), np.int64)
    for number, row in enumerate(rows):
        rng = np.random.default_rng((*seed, place[row] - start_of[row]))
        earlier = order[start_of[row] : place[row]]
        chosen = np.sort(rng.permutation(len(earlier))[: window - 1])
        windows[number] = row
        windows[number, : len(chosen)] = earlier[chosen]
    return windows
