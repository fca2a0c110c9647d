"""Conditions and intervals, against loops over pictures and subjects."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from idennet.learning.evaluation import conditions
from idennet.learning.evaluation.conditions import ConditionResult
from idennet.learning.evaluation.intervals import Bootstrap
from idennet.learning.evaluation.metrics import auc

AUS, THRESHOLDS = (6, 12, 25), (0.5, 0.3, 0.8)
FEW = Bootstrap(repetitions=200)


def of(
    name: str, answers: NDArray[np.int8], probabilities: NDArray[np.float64], subjects: NDArray[np.str_]
) -> ConditionResult:
    return ConditionResult.of(name, answers, probabilities, probabilities >= THRESHOLDS, subjects, AUS)


@pytest.fixture
def pictures() -> tuple[NDArray[np.int8], NDArray[np.float64], NDArray[np.str_]]:
    """Answers (60,), probabilities (60, 3), subjects; AU12 rises and AU25 falls with the condition."""
    rng = np.random.default_rng(0)
    answers = rng.integers(-1, 2, 60).astype(np.int8)
    probabilities = rng.random((60, 3))
    probabilities[:, 1] = np.where(answers == 1, (1 + probabilities[:, 1]) / 2, probabilities[:, 1] / 2)
    probabilities[:, 2] = np.where(answers == 1, probabilities[:, 2] * 0.7, probabilities[:, 2])
    return answers, probabilities, np.array([f"s{number % 12}" for number in range(60)])


def test_the_table_is_that_of_a_loop(
    pictures: tuple[NDArray[np.int8], NDArray[np.float64], NDArray[np.str_]],
) -> None:
    answers, probabilities, subjects = pictures
    condition = of("smiling", answers, probabilities, subjects)
    table = condition.table()
    fired = {1: 0, 0: 0}
    for a, (au, threshold) in enumerate(zip(AUS, THRESHOLDS, strict=True)):
        row = table.loc[f"AU{au}"]
        for answer, group in ((1, "yes"), (0, "no")):
            values = [float(p[a]) for p, said in zip(probabilities, answers, strict=True) if said == answer]
            fires = sum(value >= threshold for value in values)
            fired[answer] += fires
            assert row[f"fires_{group}"] == pytest.approx(fires / len(values))
            assert row[f"mean_{group}"] == pytest.approx(sum(values) / len(values))
        wins = [
            1.0 if here[a] > there[a] else 0.5 if here[a] == there[a] else 0.0
            for here, yes in zip(probabilities, answers, strict=True)
            for there, no in zip(probabilities, answers, strict=True)
            if yes == 1 and no == 0
        ]
        assert row["auc"] == pytest.approx(sum(wins) / len(wins))
        assert row["auc_low"] <= row["auc"] <= row["auc_high"]
    yes, no = int((answers == 1).sum()), int((answers == 0).sum())
    assert condition.pictures == (yes, no)
    assert condition.firing == pytest.approx((fired[1] / yes, fired[0] / no))
    assert list(table.index) == ["AU12", "AU25", "AU6"]
    assert (np.diff(np.abs(table["auc"] - 0.5)) <= 0).all()


@pytest.mark.parametrize("answer", [1, 0])
def test_a_condition_with_one_answer_has_no_auc(answer: int) -> None:
    probabilities = np.random.default_rng(1).random((6, 3))
    answers = np.full(6, answer, np.int8)
    condition = of("always", answers, probabilities, np.array(list("aabbcc")))
    assert condition.table()["auc"].isna().all()
    present, empty = ("yes", "no") if answer else ("no", "yes")
    assert condition.table()[f"mean_{empty}"].isna().all()
    assert condition.table()[f"fires_{empty}"].isna().all()
    assert condition.table()[f"fires_{present}"].notna().all()
    assert math.isnan(condition.firing[answer])


def test_intervals_are_those_of_drawing_subjects_again() -> None:
    rng = np.random.default_rng(2)
    subjects = np.repeat([f"s{number}" for number in range(8)], 6)
    answers = rng.integers(-1, 2, 48).astype(np.int8)
    probabilities = np.clip(rng.random((48, 3)) + 0.2 * (answers == 1)[:, None], 0, 1)
    condition = of("smiling", answers, probabilities, subjects)
    table = condition.table(Bootstrap(repetitions=300, method="percentile"))
    assert table.loc["AU12", "auc"] == pytest.approx(auc(probabilities[:, 1], answers))
    areas = []
    draws = np.random.default_rng(0).integers(0, 8, (300, 8))  # as `draw_subjects` with seed 0
    for draw in draws:
        rows = np.concatenate([np.flatnonzero(subjects == f"s{number}") for number in draw])
        areas.append(auc(probabilities[rows, 1], answers[rows]))
    ends = table.loc["AU12", ["auc_low", "auc_high"]].to_numpy(float)
    np.testing.assert_allclose(ends, np.quantile(areas, (0.025, 0.975)), atol=1e-12)


def test_many_subjects_are_resampled_in_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    subjects = np.array([f"s{number // 2}" for number in range(400)])
    answers = rng.integers(0, 2, 400).astype(np.int8)
    probabilities = np.clip(rng.random((400, 3)) + 0.3 * answers[:, None], 0, 1)
    widths = []
    for most in (40, 200):
        monkeypatch.setattr(conditions, "MOST_GROUPS", most)
        row = of("smiling", answers, probabilities, subjects).table(FEW).loc["AU12"]
        assert row["auc"] == pytest.approx(auc(probabilities[:, 1], answers))
        widths.append(row["auc_high"] - row["auc_low"])
    assert widths[0] == pytest.approx(widths[1], rel=0.4)


def test_what_was_not_read_counts_nowhere(
    pictures: tuple[NDArray[np.int8], NDArray[np.float64], NDArray[np.str_]],
) -> None:
    """As if the pictures in which an Action Unit was not read were not there, for that Action Unit alone."""
    answers, probabilities, subjects = pictures
    gaps = np.random.default_rng(1).random(probabilities.shape) < 0.3
    gaps[:, 0] = False
    fires = probabilities >= THRESHOLDS
    table = ConditionResult.of("dark", answers, probabilities, fires, subjects, AUS, gaps).table(FEW)
    for column, au in enumerate(AUS):
        read = ~gaps[:, column]
        alone = of("dark", answers[read], probabilities[read], subjects[read]).table(FEW).loc[f"AU{au}"]
        for name in ("auc", "fires_yes", "fires_no", "mean_yes", "mean_no"):
            assert table.loc[f"AU{au}", name] == pytest.approx(alone[name])
