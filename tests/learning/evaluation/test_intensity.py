"""Agreement of intensities, against the table of the source and against its definition."""

import numpy as np
import pytest

from idennet.learning.evaluation.intensity import correlation, icc


def icc_by_mean_squares(table: np.ndarray) -> float:
    """ICC(3,1) as Shrout and Fleiss write it: (BMS - EMS) / (BMS + (k - 1) EMS)."""
    faces, raters = table.shape
    rows, columns = table.mean(1, keepdims=True), table.mean(0, keepdims=True)
    between = raters * ((rows - table.mean()) ** 2).sum() / (faces - 1)
    rest = ((table - rows - columns + table.mean()) ** 2).sum() / ((faces - 1) * (raters - 1))
    return float((between - rest) / (between + (raters - 1) * rest))


@pytest.mark.parametrize("seed", range(5))
def test_it_is_the_two_way_mixed_intraclass_correlation(seed: int) -> None:
    rng = np.random.default_rng(seed)
    known = rng.uniform(0, 5, 40)
    rated = 0.7 * known + rng.normal(0, 1, 40) + 1
    assert icc(rated, known) == pytest.approx(icc_by_mean_squares(np.stack([rated, known], 1)))


def test_a_constant_offset_is_forgiven_and_another_spread_is_not() -> None:
    known = np.arange(6.0)
    assert icc(known + 2, known) == pytest.approx(1)
    assert icc(0.5 * known, known) == pytest.approx(0.8)
    assert correlation(0.5 * known, known) == pytest.approx(1)


def test_constants_have_no_agreement() -> None:
    assert np.isnan(correlation(np.ones(4), np.arange(4.0)))
    assert np.isnan(icc(np.ones(4), np.ones(4)))
