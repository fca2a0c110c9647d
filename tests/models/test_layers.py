"""MaxFeatureMap and L2Normalize against loops."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from idennet.models.layers import L2Normalize, MaxFeatureMap


def test_channel_i_competes_with_channel_i_plus_half() -> None:
    features = torch.tensor([[1.0, 8.0, 3.0, 4.0, 5.0, 6.0]])
    assert MaxFeatureMap()(features).tolist() == [[4.0, 8.0, 6.0]]


@settings(deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 7), st.booleans())
def test_max_feature_map_commutes_with_pooling(seed: int, size: int, ceil: bool) -> None:
    features = torch.randn(2, 6, size, size, generator=torch.Generator().manual_seed(seed))
    pool, mfm = nn.MaxPool2d(2, ceil_mode=ceil), MaxFeatureMap()
    assert torch.equal(mfm(pool(features)), pool(mfm(features)))


def test_normalize_divides_by_the_length_with_its_small_constant() -> None:
    rows = torch.tensor([[3.0, 4.0], [0.0, 0.0], [1e-3, 0.0]], dtype=torch.float64)
    expected = [[x / (sum(y * y for y in row) + 1e-6) ** 0.5 for x in row] for row in rows.tolist()]
    torch.testing.assert_close(L2Normalize()(rows), torch.tensor(expected, dtype=torch.float64))


def test_normalize_has_a_finite_gradient_at_zero() -> None:
    rows = torch.zeros(1, 4, requires_grad=True)
    L2Normalize()(rows).sum().backward()
    assert rows.grad is not None
    torch.testing.assert_close(rows.grad, torch.full((1, 4), 1e3))
