"""Presence from intensities at any threshold."""

from pathlib import Path

import numpy as np
import pytest
from protocol_stores import write_store

from idennet.errors import ProtocolError
from idennet.learning.evaluation.occurrence import occurrence, relabel


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
