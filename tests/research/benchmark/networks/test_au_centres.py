"""The 20 points and E-Net's attention, against the table of the release and a slow reading of its rule."""

import math

import numpy as np
import pytest
import torch

from idennet.errors import InputError, ShapeError
from idennet.research.benchmark.networks.au_centres import (
    NUM_CENTRES,
    attention_map,
    au_centres,
    centre_cells,
)


def test_points_follow_the_table_of_the_release() -> None:
    landmarks = torch.stack([torch.arange(68.0), 200 + torch.arange(68.0)], dim=1)[None]
    ruler = 3.0  # between the x of landmarks 39 and 42
    expected = []
    for right, left, below in [
        (21, 22, -ruler / 2),
        (18, 25, -ruler / 3),
        (19, 24, ruler / 3),
        (41, 46, ruler),
        (38, 43, 0),
        (49, 53, 0),
        (48, 54, 0),
        (51, 57, 0),
        (61, 63, 0),
        (56, 58, ruler / 2),
    ]:
        expected += [(right, 200 + right + below), (left, 200 + left + below)]
    assert len(expected) == NUM_CENTRES
    torch.testing.assert_close(au_centres(landmarks)[0], torch.tensor(expected, dtype=torch.float32))


def test_sets_of_49_landmarks_are_enough_and_lost_faces_are_named() -> None:
    landmarks = torch.rand(3, 68, 2)
    landmarks[:, :17], landmarks[:, [60, 64]] = math.nan, math.nan
    assert au_centres(landmarks).isfinite().all()
    landmarks[2, 61] = math.nan
    with pytest.raises(InputError, match="Face 2 of a batch"):
        au_centres(landmarks)
    for wrong in (torch.zeros(1, 66, 2), torch.zeros(1, 68, 2, dtype=torch.int64), torch.zeros(68, 2)):
        with pytest.raises(ShapeError, match=r"\(N, 68, 2\)"):
            au_centres(wrong)


def test_cells_are_truncated_and_keep_off_the_border() -> None:
    points = torch.tensor([[[-0.5, 127.5], [63.4, 63.5], [300.0, -40.0]]])
    assert centre_cells(points, 14).tolist() == [[[1, 12], [6, 7], [12, 1]]]


def test_attention_is_the_nearest_window_as_in_a_slow_loop() -> None:
    points = torch.rand(1, 20, 2, generator=torch.Generator().manual_seed(0)) * 140 - 5
    slow = np.zeros((100, 100))
    for x, y in np.floor((points[0].numpy() + 0.5) / 128 * 100).astype(int):
        for row in range(max(y - 7, 0), min(y + 7, 100)):
            for column in range(max(x - 7, 0), min(x + 7, 100)):
                slow[row, column] = max(slow[row, column], 1 - 0.07 * (abs(row - y) + abs(column - x)))
    grid = attention_map(points, 100)
    assert grid.shape == (1, 1, 100, 100)
    np.testing.assert_allclose(grid[0, 0].numpy(), slow, atol=1e-6)
    assert attention_map(points, 224).shape == (1, 1, 224, 224)
    assert attention_map(torch.full((1, 20, 2), 1e4), 64).eq(0).all()
