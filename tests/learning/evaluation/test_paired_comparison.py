"""Two systems on the same subjects: differences, signed ranks, Holm; and the paper's drop rate."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import wilcoxon

from idennet.errors import ProtocolError, ShapeError
from idennet.learning.evaluation.comparison import Comparison, drop_between, holm, signed_rank
from idennet.learning.evaluation.fold_results import FoldResult, count_wins
from idennet.learning.evaluation.intervals import Bootstrap
from idennet.learning.evaluation.metrics import drop_rate
from idennet.learning.evaluation.protocols import Fold, Protocol
from idennet.learning.evaluation.results import ProtocolResult
from idennet.learning.evaluation.scores import score
from idennet.learning.evaluation.splits import Everybody, RandomParts

AUS = (6, 12)
NAMES = [f"c/{number:02d}" for number in range(16)]
QUICK = Bootstrap(repetitions=200)


def system(skill: float, *, seed: int = 0, label_seed: int = 0, aus: tuple[int, ...] = AUS) -> ProtocolResult:
    """Four folds of four subjects; `skill` moves the scores of present frames upwards."""
    people = np.repeat(NAMES, 30)
    labels = (np.random.default_rng(1000 + label_seed).random((len(people), len(aus))) < 0.3).astype(np.int8)
    scores = np.clip(np.random.default_rng(seed).random(labels.shape) * 0.8 + skill * labels, 0, 1)
    rule = Protocol(name="p", train="c", test="c", aus=aus, split=RandomParts(parts=4))
    results = []
    for fold in rule.folds(NAMES):
        rows = np.isin(people, fold.test)
        counted = score(scores[rows], labels[rows], people[rows], aus)
        wins = count_wins(scores[rows], labels[rows], people[rows])
        results.append(FoldResult(fold, counted.counts, wins, counted.thresholds))
    return ProtocolResult(rule, f"skill {skill}", tuple(results))


def test_a_better_system_is_better_and_swapping_changes_the_sign() -> None:
    good, poor = system(0.5), system(0.1, seed=1)
    table = Comparison(good, poor).table(QUICK)
    assert list(table.index) == ["AU6", "AU12", "mean"]
    for name in ("f1_averaged", "f1_pooled", "auc"):
        difference = table[f"{name}_first"] - table[f"{name}_second"]
        np.testing.assert_allclose(table[f"{name}_difference"], difference, rtol=1e-12)
        assert (table[f"{name}_low"] > 0).all()
        assert (table[f"{name}_high"] > table[f"{name}_difference"]).all()
    assert (table["p"] < 0.01).all()
    swapped = Comparison(poor, good).table(QUICK)
    np.testing.assert_allclose(swapped["auc_difference"], -table["auc_difference"])
    np.testing.assert_allclose(swapped["auc_low"], -table["auc_high"])
    np.testing.assert_allclose(swapped["p"], table["p"])


def test_p_is_scipys_test_of_the_subjects() -> None:
    one, other = system(0.3), system(0.25, seed=1)
    table = Comparison(one, other).table(QUICK)
    mine, theirs = one.f1_by_subject(), other.f1_by_subject()
    for row, au in enumerate(("AU6", "AU12")):
        assert table.loc[au, "p"] == pytest.approx(wilcoxon(mine[row], theirs[row]).pvalue)
    expected = wilcoxon(mine.mean(0), theirs.mean(0)).pvalue
    assert table.loc["mean", "p"] == table.loc["mean", "p_holm"] == pytest.approx(expected)
    assert table["subjects"].tolist() == [16, 16, 16]


def test_a_system_does_not_differ_from_itself() -> None:
    table = Comparison(system(0.3), system(0.3)).table(QUICK)
    assert (table[[name for name in table if name.endswith(("difference", "low", "high"))]] == 0).all(
        axis=None
    )
    assert (table["p"] == 1).all()


def test_paired_intervals_are_narrower_than_the_intervals_of_the_systems() -> None:
    """Subjects who are hard for both do not blur the difference."""
    one, other = system(0.3), system(0.28)
    paired = Comparison(one, other).table(QUICK).loc["mean"]
    alone = one.table(QUICK).loc["mean"]
    width = paired["f1_pooled_high"] - paired["f1_pooled_low"]
    assert width < 0.7 * (alone["f1_pooled_high"] - alone["f1_pooled_low"])


def test_different_frames_subjects_or_units_are_refused() -> None:
    one = system(0.3)
    with pytest.raises(ProtocolError, match="different Action Units"):
        Comparison(one, system(0.3, aus=(6, 4)))
    with pytest.raises(ProtocolError, match="other frames or labels in fold 1"):
        Comparison(one, system(0.3, label_seed=1))
    with pytest.raises(ProtocolError, match="different subjects"):
        Comparison(one, replace(one, folds=one.folds[:2]))


def test_systems_that_read_different_units_are_compared_on_the_shared_ones() -> None:
    """OpenFace has no AU24, which the protocol of BP4D has."""
    all_units = system(0.3, aus=(4, 6, 12))
    fewer = system(0.2, seed=1, aus=(4, 6, 12)).restricted_to((12, 4))
    compared = Comparison.of_shared(all_units, fewer)
    assert compared.left_out == (6,)
    assert compared.first.aus == compared.second.aus == (4, 12)
    table, whole = compared.table(QUICK), all_units.f1_averaged()[0]
    assert table["f1_averaged_first"].tolist() == [*whole[[0, 2]], whole[[0, 2]].mean()]
    np.testing.assert_array_equal(compared.first.auc_averaged()[0], all_units.auc_averaged()[0][[0, 2]])
    with pytest.raises(ProtocolError, match="no Action Unit in common"):
        Comparison.of_shared(all_units.restricted_to((4,)), fewer.restricted_to((12,)))
    other = replace(fewer, protocol=fewer.protocol.model_copy(update={"name": "q"}))
    with pytest.raises(ProtocolError, match="judged by p and q"):
        Comparison.of_shared(all_units, other)


def test_holm_by_hand() -> None:
    p = np.array([0.01, 0.04, np.nan, 0.03, 0.9])
    np.testing.assert_allclose(holm(p), [0.04, 0.09, np.nan, 0.09, 0.9])
    assert holm(np.array([0.6, 0.7])).tolist() == [1, 1]
    assert np.isnan(signed_rank(np.array([])))


def test_drop_rates_of_the_papers_tables() -> None:
    """Tables III, VI and VII; the text rounds IdenNet's to 33 % and 72 %, its tables give a little more."""
    bp4d = {1: 50.5, 2: 35.9, 4: 50.6, 6: 77.2, 7: 74.2, 10: 82.9, 12: 85.1}
    disfa = {1: 20.1, 2: 25.5, 4: 37.3, 6: 49.6, 12: 66.1}
    unbc = {4: 9.7, 6: 33.0, 7: 12.8, 10: 2.8, 12: 42.1}
    rates = [
        drop_rate(np.array([bp4d[au] for au in other]), np.array(list(other.values())))
        for other in (disfa, unbc)
    ]
    assert rates == pytest.approx([0.347, 0.736], abs=5e-4)


def test_undefined_scores_do_not_enter_a_drop_rate() -> None:
    assert drop_rate(np.array([0.5, np.nan, 0.4, 0.0]), np.array([0.25, 0.3, np.nan, 0.1])) == 0.5
    assert np.isnan(drop_rate(np.array([np.nan]), np.array([0.3])))
    with pytest.raises(ShapeError, match="must both be"):
        drop_rate(np.zeros(2), np.zeros(3))


def test_drop_between_results() -> None:
    within, other = system(0.5), system(0.2, aus=(12, 25))
    rule = other.protocol.model_copy(
        update={"train": "c", "test": "d", "split": Everybody(), "name": "c-to-d"}
    )
    across = replace(other, protocol=rule)
    expected = 1 - across.f1_averaged()[0, 0] / within.f1_averaged()[0, 1]
    drop = drop_between(within, across)
    assert drop.rate == pytest.approx(expected)
    assert drop.aus == (12,)
    with pytest.raises(ProtocolError, match="not c-to-d and p"):
        drop_between(across, within)
    alien = replace(system(0.2, aus=(1, 2)), protocol=rule.model_copy(update={"aus": (1, 2)}))
    with pytest.raises(ProtocolError, match="share no Action Unit"):
        drop_between(within, alien)


def test_folds_are_those_of_the_protocol() -> None:
    assert [type(one.fold) for one in system(0.3).folds] == [Fold] * 4
