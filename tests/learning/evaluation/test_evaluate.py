"""Evaluation of a callable over a store, and subject-exclusive splits."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from idennet.errors import InputError, ShapeError
from idennet.learning.data.split import split_subjects
from idennet.learning.evaluation.evaluate import Evaluation, evaluate


class Faces:
    """A store in memory whose faces carry their labels as pixels; enough for an oracle predictor."""

    def __init__(self, count: int = 150) -> None:
        self._labels = np.random.default_rng(0).choice([-1, 0, 1], (count, 2)).astype(np.int8)
        self.frames = pd.DataFrame({"subject": [f"s/{index % 5}" for index in range(count)]})

    def read(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        faces = np.zeros((len(rows), 128, 128, 3), np.uint8)
        faces[:, 0, :2, 0] = self._labels[rows] + 1
        return faces

    def labels(self, aus: Sequence[int]) -> NDArray[np.int8]:
        return self._labels[:, [(6, 12).index(au) for au in aus]]


def oracle(faces: NDArray[np.uint8]) -> NDArray[np.float64]:
    assert faces.shape[1:] == (128, 128, 3)
    return faces[:, 0, :2, 0] / 2


def test_an_oracle_is_perfect_and_half_its_thresholds_are_not() -> None:
    result = evaluate(oracle, Faces(), aus=(6, 12), thresholds=0.9)
    assert (result.mean_f1, result.mean_auc) == (1, 1)
    low = evaluate(oracle, Faces(), aus=(6, 12), thresholds=[0.9, 0.0])
    assert low.counts.f1()[0] == 1
    assert low.counts.f1()[1] == low.counts.f1_all_positive()[1] < 1


def test_only_named_subjects_count() -> None:
    faces = Faces()
    result = evaluate(oracle, faces, aus=(6, 12), subjects=["s/1", "s/3"])
    assert result.counts.subjects == ("s/1", "s/3")
    chosen = faces.frames["subject"].isin(["s/1", "s/3"])
    assert result.counts.coded.sum() == (faces.labels((6, 12))[chosen] >= 0).sum()
    with pytest.raises(InputError, match="no subject 's/9'"):
        evaluate(oracle, faces, aus=(6, 12), subjects=["s/1", "s/9"])


def test_the_file_gives_the_same_table(tmp_path: Path) -> None:
    result = evaluate(oracle, Faces(), aus=(6, 12), thresholds=0.4)
    result.to_json(tmp_path / "result.json")
    again = Evaluation.from_json(tmp_path / "result.json")
    pd.testing.assert_frame_equal(again.table(), result.table())
    assert list(result.table().index) == ["AU6", "AU12", "mean"]


def test_a_predictor_of_other_aus_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"frames, 1"):
        evaluate(oracle, Faces(), aus=(6,))


@pytest.mark.parametrize("fraction", [0.0, 0.01, 0.3, 0.99])
def test_a_split_is_a_partition(fraction: float) -> None:
    names = [f"s{index}" for index in range(11)]
    kept, held = split_subjects(names * 3, fraction, seed=5)
    assert sorted(kept + held) == sorted(names)
    assert not set(kept) & set(held)
    assert len(held) == min(max(round(11 * fraction), fraction > 0), 10)
    assert split_subjects(reversed(names), fraction, seed=5) == (kept, held)


def test_the_seed_decides() -> None:
    names = [f"s{index}" for index in range(20)]
    assert len({tuple(split_subjects(names, 0.3, seed)[1]) for seed in range(5)}) > 1
    with pytest.raises(InputError, match="at least two"):
        split_subjects(["one"], 0.5)
    with pytest.raises(InputError, match="not allowed"):
        split_subjects(names, 1.0)
