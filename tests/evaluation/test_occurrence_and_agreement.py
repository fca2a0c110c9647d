"""Presence from intensities at any threshold; agreement of intensities against an analysis of variance."""

from pathlib import Path

import numpy as np
import pytest
from protocol_stores import write_store
from sklearn.metrics import mean_absolute_error as sklearn_mae

from idennet.errors import ProtocolError, ShapeError
from idennet.evaluation.agreement import icc_3_1, mean_absolute_error
from idennet.evaluation.occurrence import occurrence, relabel


@pytest.mark.parametrize("at_least", [1, 2, 3.5, 5])
def test_presence_by_loops(at_least: float) -> None:
    intensities = np.array([[0, 1, 2], [3, 4, 5], [np.nan, 2, np.nan]])
    expected = [[-1 if np.isnan(v) else int(v >= at_least) for v in row] for row in intensities]
    assert occurrence(intensities, at_least).tolist() == expected


def test_a_store_is_relabelled_and_the_first_one_stays(tmp_path: Path) -> None:
    store = write_store(tmp_path / "store", "disfa", ["SN001", "SN002"], (1, 12, 43), intensities=True)
    before = store.labels((1, 12, 43))
    again = relabel(store, 2, (1, 12, 43))
    intensities = store.intensities((1, 12))
    assert np.array_equal(again.labels((1, 12)), (intensities >= 2).astype(np.int8))
    assert np.array_equal(again.labels((43,)), before[:, 2:])
    assert np.array_equal(store.labels((1, 12, 43)), before)
    assert np.array_equal(relabel(store, 3, (1, 12)).labels((1, 12)), before[:, :2])
    assert np.array_equal(again.read([3, 0]), store.read([3, 0]))
    assert again.select(["disfa/SN002"]).labels((12,)).tolist() == again.labels((12,))[6:].tolist()


def test_a_store_without_intensities_is_refused(tmp_path: Path) -> None:
    store = write_store(tmp_path / "store", "disfa", ["SN001"], (1, 12))
    with pytest.raises(ProtocolError, match="has no intensities of AU1"):
        relabel(store, 2, (1, 12))
    with pytest.raises(ProtocolError, match="more than 0"):
        relabel(store, 0, (1,))


def icc_by_anova(first: np.ndarray, second: np.ndarray) -> float:
    """Two-way analysis of variance with sums of squares written out."""
    table = np.stack([first, second], axis=1)
    n, grand = len(table), table.mean()
    rows = 2 * ((table.mean(1) - grand) ** 2).sum()
    columns = n * ((table.mean(0) - grand) ** 2).sum()
    error = ((table - grand) ** 2).sum() - rows - columns
    between, residual = rows / (n - 1), error / (n - 1)
    return float((between - residual) / (between + residual))


def test_agreement_of_intensities() -> None:
    rng = np.random.default_rng(0)
    coded = rng.integers(0, 6, (80, 3)).astype(float)
    predicted = coded + rng.normal(size=coded.shape)
    coded[rng.random(coded.shape) < 0.2] = np.nan
    known = np.isfinite(coded)
    for a in range(3):
        rows = known[:, a]
        assert icc_3_1(predicted, coded)[a] == pytest.approx(icc_by_anova(predicted[rows, a], coded[rows, a]))
        error = sklearn_mae(coded[rows, a], predicted[rows, a])
        assert mean_absolute_error(predicted, coded)[a] == pytest.approx(error)


def test_consistency_forgives_an_offset_and_undefined_stays_undefined() -> None:
    coded = np.array([[0.0, np.nan, 2], [1, 3, 2], [5, np.nan, 2]])
    assert icc_3_1(coded + 1.5, coded)[0] == pytest.approx(1)
    assert np.isnan(icc_3_1(coded + 1.5, coded)[1:]).all()
    assert mean_absolute_error(coded + 1.5, coded).tolist() == [1.5, 1.5, 1.5]
    assert np.isnan(mean_absolute_error(np.zeros((2, 1)), np.full((2, 1), np.nan))).all()
    with pytest.raises(ShapeError, match="must both be"):
        icc_3_1(coded, coded[:2])
