"""Scores over folds against scikit-learn; one file gives the same tables; stores are checked."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from protocol_stores import FRAMES, read_labels, write_store
from sklearn.metrics import f1_score, roc_auc_score

from idennet.errors import InputError, ProtocolError, ShapeError, StoreError
from idennet.learning.data.provenance import Origin, Provenance
from idennet.learning.data.store import FaceStore
from idennet.learning.evaluation.conditions import ConditionResult
from idennet.learning.evaluation.fold_results import FoldResult, count_wins
from idennet.learning.evaluation.fold_scoring import findings, score_fold, stores_by_corpus
from idennet.learning.evaluation.intervals import Bootstrap
from idennet.learning.evaluation.protocols import Fold, Protocol
from idennet.learning.evaluation.result_files import read_result, write_result
from idennet.learning.evaluation.results import ProtocolResult
from idennet.learning.evaluation.scores import score
from idennet.learning.evaluation.splits import Everybody, LeaveOneOut, RandomParts

AUS = (1, 4, 12)
RNG = np.random.default_rng(3)
NAMES = tuple(f"c/{number}" for number in range(7))
PEOPLE = np.repeat(NAMES, 40)
LABELS = RNG.choice([-1, 0, 1], (280, 3), p=[0.1, 0.6, 0.3]).astype(np.int8)
LABELS[np.isin(PEOPLE, NAMES[:3]), 1] = 0  # three subjects never show AU4
SCORES = np.round(np.clip(RNG.random((280, 3)) + 0.2 * (LABELS == 1), 0, 1), 2)
QUICK = Bootstrap(repetitions=50)


def protocol(split: object, train: str = "c", test: str = "c") -> Protocol:
    return Protocol.model_validate(
        {"name": "small", "train": train, "test": test, "aus": AUS, "split": split}
    )


def result(groups: tuple[tuple[str, ...], ...]) -> ProtocolResult:
    """Folds that test the groups and were trained by somebody else."""
    folds = []
    for number, test in enumerate(groups, start=1):
        rows = np.isin(PEOPLE, test)
        counted = score(SCORES[rows], LABELS[rows], PEOPLE[rows], AUS, [0.5, 0.6, 0.7])
        wins = count_wins(SCORES[rows], LABELS[rows], PEOPLE[rows])
        fold = Fold(str(number), ("c/trainer",), ("c/judge",), test)
        folds.append(FoldResult(fold, counted.counts, wins, counted.thresholds))
    return ProtocolResult(protocol(RandomParts()), "random numbers", tuple(folds), {"c": "digest"})


GROUPS = (NAMES[:3], NAMES[3:5], NAMES[5:])
RESULT = result(GROUPS)


def fold_f1(test: tuple[str, ...], a: int) -> float:
    rows = np.isin(PEOPLE, test) & (LABELS[:, a] >= 0)
    return float(f1_score(LABELS[rows, a], SCORES[rows, a] >= (0.5, 0.6, 0.7)[a]))


@pytest.mark.parametrize("a", range(3))
def test_averaged_and_pooled_scores_equal_scikit_learn(a: int) -> None:
    shown = [test for test in GROUPS if (LABELS[np.isin(PEOPLE, test), a] == 1).any()]
    averaged = np.mean([fold_f1(test, a) for test in shown])
    assert RESULT.f1_averaged()[0, a] == pytest.approx(averaged)
    assert RESULT.f1_pooled()[0, a] == pytest.approx(fold_f1(NAMES, a))
    areas = []
    for test in shown:
        rows = np.isin(PEOPLE, test) & (LABELS[:, a] >= 0)
        areas.append(roc_auc_score(LABELS[rows, a], SCORES[rows, a]))
    assert RESULT.auc_averaged()[0, a] == pytest.approx(np.mean(areas))
    coded = LABELS[LABELS[:, a] >= 0, a]
    assert RESULT.f1_all_positive_pooled()[0, a] == pytest.approx(f1_score(coded, np.ones(len(coded))))


def test_a_fold_without_positives_is_a_finding_and_never_a_zero() -> None:
    assert RESULT.undefined_folds == {4: 1}
    first = RESULT.folds[0]
    assert first.counts.false_positive[1].sum() > 0
    assert np.isnan(first.f1(np.ones((1, 3)))[0, 1])
    assert np.isnan(first.auc(np.ones((1, 3)))[0, 1])
    assert np.isnan(RESULT.f1_by_subject()[1, :3]).all()
    assert np.isfinite(RESULT.f1_averaged()).all()


@pytest.mark.parametrize("a", range(3))
def test_the_convention_of_scikit_learn_stands_beside(a: int) -> None:
    by_fold = [
        f1_score(LABELS[rows, a], SCORES[rows, a] >= (0.5, 0.6, 0.7)[a], zero_division=0)
        for rows in (np.isin(PEOPLE, test) & (LABELS[:, a] >= 0) for test in GROUPS)
    ]
    assert RESULT.f1_averaged(undefined_is_zero=True)[0, a] == pytest.approx(np.mean(by_fold))
    table = RESULT.table(QUICK)
    assert table["f1_averaged_with_zeros"].iloc[a] == pytest.approx(np.mean(by_fold))
    assert (table["f1_averaged_with_zeros"] < table["f1_averaged"]).tolist() == [False, True, False, True]


def test_a_score_of_weighted_subjects_is_the_score_of_their_frames_repeated() -> None:
    weights = np.array([[2, 0, 1, 1, 3, 0, 4], [0, 1, 1, 1, 1, 2, 0]])
    for row, times in enumerate(weights):
        frames = np.repeat(np.arange(len(PEOPLE)), np.repeat(times, 40))
        for a in range(3):
            chosen = frames[LABELS[frames, a] >= 0]
            truth, scores = LABELS[chosen, a], SCORES[chosen, a]
            predicted = scores >= (0.5, 0.6, 0.7)[a]
            assert RESULT.f1_pooled(weights)[row, a] == pytest.approx(f1_score(truth, predicted))
            everybody = result((NAMES,))
            assert everybody.auc_averaged(weights)[row, a] == pytest.approx(roc_auc_score(truth, scores))


def test_the_table_has_intervals_around_its_scores() -> None:
    table = RESULT.table(QUICK)
    assert list(table.index) == ["AU1", "AU4", "AU12", "mean"]
    for name in ("f1_averaged", "f1_pooled", "auc"):
        assert (table[f"{name}_low"] <= table[name]).all()
        assert (table[name] <= table[f"{name}_high"]).all()
        assert table.loc["mean", name] == pytest.approx(table[name].iloc[:-1].mean())
    assert table["frames"].iloc[:-1].tolist() == (LABELS >= 0).sum(0).tolist()
    assert table["subjects"].tolist() == [7, 4, 7, 7]
    by_subject = RESULT.f1_by_subject()[0]
    assert table.loc["AU1", "subject_f1_median"] == pytest.approx(np.median(by_subject))
    assert by_subject[2] == pytest.approx(fold_f1(NAMES[2:3], 0))
    pd.testing.assert_frame_equal(table, RESULT.table(QUICK))


def test_strata_are_folds_unless_every_fold_tests_one_subject() -> None:
    assert [stratum.tolist() for stratum in RESULT.strata] == [[0, 1, 2], [3, 4], [5, 6]]
    one_each = result(tuple((name,) for name in NAMES))
    assert [stratum.tolist() for stratum in one_each.strata] == [list(range(7))]
    same_for_all = result((NAMES, NAMES))
    assert [stratum.tolist() for stratum in same_for_all.strata] == [list(range(7))]
    twice = np.array([[2, 1, 1, 1, 1, 1, 1]])
    singles = [fold_f1((name,), 0) for name in NAMES]
    assert one_each.f1_averaged(twice)[0, 0] == pytest.approx((sum(singles) + singles[0]) / 8)


def test_the_file_gives_the_same_tables(tmp_path: Path) -> None:
    write_result(RESULT, tmp_path / "result.json")
    again = read_result(tmp_path / "result.json")
    assert (again.protocol, again.system) == (RESULT.protocol, "random numbers")
    assert again.stores == {"c": "digest"}
    assert [fold.fold for fold in again.folds] == [fold.fold for fold in RESULT.folds]
    pd.testing.assert_frame_equal(again.table(QUICK), RESULT.table(QUICK))


def test_the_file_keeps_everything_that_is_known(tmp_path: Path) -> None:
    answers = RNG.choice([-1, 0, 1], 280).astype(np.int8)
    condition = ConditionResult.of("calm", answers, SCORES, SCORES > 0.5, PEOPLE, AUS)
    known = Provenance(origin=Origin.FAKE_TREE, subjects=7, faces=280, published_subjects=41)
    whole = replace(
        RESULT,
        provenance={"c": known},
        conditions=(condition,),
        weights=("1" * 64,),
        unreliable_aus=(4,),
        faces=279,
        left_out=(("a  [1].jpg", "no face found"), ("ä.jpg", "no label")),
        partial=True,
    )
    write_result(whole, tmp_path / "result.json")
    again = read_result(tmp_path / "result.json")
    for name in ("provenance", "weights", "unreliable_aus", "faces", "left_out", "partial", "data"):
        assert getattr(again, name) == getattr(whole, name)
    assert again.data == "c: fake tree, 7 of 41 subjects"
    pd.testing.assert_frame_equal(again.conditions[0].table(QUICK), condition.table(QUICK))


def test_a_damaged_file_is_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "result.json"
    with pytest.raises(InputError, match="There is no result"):
        read_result(file)
    write_result(RESULT, file)
    whole = file.read_text()
    file.write_text(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="is damaged"):
        read_result(file)
    file.write_text(whole.replace('"format": 2', '"format": 9'))
    with pytest.raises(InputError, match="format 9"):
        read_result(file)
    file.write_text(whole.replace('"format": 2', '"schema": "idennet-evaluation/1"'))
    with pytest.raises(InputError, match="is damaged"):
        read_result(file)
    file.write_text(whole.replace('"counted": ["c/0", ', '"counted": ['))
    with pytest.raises(InputError, match="is damaged"):
        read_result(file)
    file.write_text(whole.replace('"validation": ["c/judge"]', '"validation": ["c/0"]'))
    with pytest.raises(ProtocolError, match="in one group only"):
        read_result(file)


def score_oracle(rule: Protocol, fold: Fold, store: FaceStore) -> FoldResult:
    tested = store.select(fold.test)
    return score_fold(read_labels(tested.faces), rule, fold, tested, thresholds=0.9)


def test_within_and_across_stores(tmp_path: Path) -> None:
    home = write_store(tmp_path / "home", "home", "abcdef", AUS, seed=1)
    away = write_store(tmp_path / "away", "away", "uvwxyz", AUS, intensities=True, seed=2)
    inside = protocol(RandomParts(), "home", "home")
    folds = inside.folds(home.subjects)
    results = tuple(score_oracle(inside, fold, home) for fold in folds)
    whole = ProtocolResult(inside, "oracle", results)
    assert whole.f1_pooled()[0].tolist() == [1, 1, 1]
    assert sum(fold.counts.coded.sum() for fold in results) == 6 * FRAMES * 3

    across = protocol(Everybody(), "home", "away").model_copy(update={"at_least": {"away": 5}})
    stores = stores_by_corpus(across, [away, home])
    (fold,) = across.folds([*home.subjects, *away.subjects])
    judged = score_oracle(across, fold, stores["away"])
    expected = (away.intensities(AUS) >= 5).sum(0)
    assert judged.counts.positives.sum(1).tolist() == expected.tolist()
    assert judged.counts.false_positive.sum() == (away.labels(AUS) == 1).sum() - expected.sum()


def test_stores_that_do_not_fit_are_one_sentence(tmp_path: Path) -> None:
    inside = protocol(LeaveOneOut(), "home", "home")
    poor = write_store(tmp_path / "poor", "home", "abcd", (1, 4), seed=1)
    with pytest.raises(ProtocolError, match="poor has no labels of AU12, which small needs"):
        stores_by_corpus(inside, [poor])
    home = write_store(tmp_path / "home", "home", "abcd", AUS, seed=1)
    with pytest.raises(ProtocolError, match="one store with subjects of home; 2 of the stores"):
        stores_by_corpus(inside, [poor, home])
    with pytest.raises(ProtocolError, match="one store with subjects of away; 0 of the stores"):
        stores_by_corpus(protocol(Everybody(), "home", "away"), [home])
    fold = inside.folds(home.subjects)[0]
    with pytest.raises(ProtocolError, match="all test subjects of fold a"):
        score_fold(np.zeros((len(home), 3)), inside, fold, home)
    with pytest.raises(ShapeError, match="frames, 3"):
        score_fold(np.zeros((FRAMES, 2)), inside, fold, home.select(fold.test))
    manifest = tmp_path / "home" / "store.json"
    manifest.write_text(manifest.read_text().replace('"template": "', '"template": "other-'))
    with pytest.raises(StoreError, match="aligned to template 'other-"):
        type(home).open(home.path)


def test_what_cannot_be_learnt_or_scored_is_found_before_training(tmp_path: Path) -> None:
    store = write_store(tmp_path / "store", "home", "abcd", AUS, seed=1)
    frames = store.frames
    frames["AU12"] = np.where(frames["subject"] == "home/a", frames["AU12"] | (frames["frame"] == 0), 0)
    rule = protocol(LeaveOneOut(), "home", "home").model_copy(update={"validation": 0.0})
    sentences = findings(rule, rule.folds(store.subjects), {"home": store})
    about_12 = [sentence for sentence in sentences if "AU12" in sentence]
    assert about_12 == [
        "Fold a: no training frame shows AU12, which cannot be learnt.",
        *(f"Fold {name}: no test frame shows AU12, whose scores are undefined there." for name in "bcd"),
    ]
