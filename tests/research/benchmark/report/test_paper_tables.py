"""The paper's numbers as typed: which of its means and claims they bear out, and which not."""

import pytest

from idennet.learning.evaluation.catalogue import protocol_named
from idennet.research.benchmark.report.paper_tables import (
    TABLE_VI,
    TABLE_VII,
    TABLES,
    PaperTable,
    paper_drop_rate,
)
from idennet.research.benchmark.systems.names import SHOWN

WRONG_MEANS = {("III", "DRML"): 47.7, ("IV", "AlexNet"): 34.1, ("IV", "DRML"): 26.1}


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.number)
def test_means_agree_but_for_three(table: PaperTable) -> None:
    for system, printed in table.printed_mean.items():
        mean = sum(table.f1[system]) / len(table.aus)
        wrong = WRONG_MEANS.get((table.number, system))
        assert mean == pytest.approx(printed if wrong is None else wrong, abs=0.1)
        assert wrong is None or abs(mean - printed) > 0.5


def test_columns_are_complete_and_protocols_score_the_same_action_units() -> None:
    for table in TABLES:
        assert set(table.f1) == set(table.printed_mean) <= set(SHOWN.values())
        assert {len(column) for column in table.f1.values()} == {len(table.aus)}
        for name in table.protocols:
            assert protocol_named(name).aus == table.aus
        assert protocol_named(table.counterpart).name == table.counterpart


def test_drop_rates_by_hand() -> None:
    shared = {1: (50.5, 20.1), 2: (35.9, 25.5), 4: (50.6, 37.3), 6: (77.2, 49.6), 12: (85.1, 66.1)}
    by_hand = 100 * sum((old - new) / old for old, new in shared.values()) / 5
    assert paper_drop_rate(TABLE_VI, "IdenNet") == pytest.approx(by_hand)
    assert all(paper_drop_rate(TABLE_VI, system) > 46 for system in TABLE_VI.f1 if system != "IdenNet")
    assert all(paper_drop_rate(TABLE_VII, system) > 74 for system in TABLE_VII.f1 if system != "IdenNet")
