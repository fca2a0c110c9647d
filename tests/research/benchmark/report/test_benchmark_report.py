"""Reports from planted runs: where the paper's numbers stand, and that every number is what was counted."""

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from idennet.learning.evaluation.catalogue import protocol_named
from idennet.learning.evaluation.fold_results import FoldResult
from idennet.learning.evaluation.folds import SUBJECTS
from idennet.learning.evaluation.metrics import Counts
from idennet.learning.evaluation.protocols import Protocol
from idennet.learning.evaluation.result_files import write_result
from idennet.learning.evaluation.results import ProtocolResult
from idennet.research.benchmark.report.benchmark_report import write_report
from idennet.research.benchmark.report.benchmark_tables import (
    Table,
    drop_table,
    norm_table,
    score_tables,
    size_speed_table,
)
from idennet.research.benchmark.report.size_speed import Measured, SizeSpeed, read_measured, write_measured
from idennet.research.benchmark.runs import RECORD, RESULT, RUNS, Leak, RunRecord, read_runs, repeat

LEAK = Leak(
    faces=80,
    au=12,
    subject_before=0.9,
    subject_after=0.6,
    au_before=0.7,
    au_after=0.8,
    probe_before=0.95,
    probe_after=0.5,
    chance=0.25,
)


def plant(results: Path, system: str, protocol: Protocol, hits: int, seed: int = 0) -> None:
    """Write a run a fold: each subject shows each Action Unit in 10 of 20 frames, `hits` of them found."""
    names = SUBJECTS.get(protocol.train, tuple(map(str, range(9))))[:9]
    people = [f"{protocol.train}/{name}" for name in names]
    strangers = [f"{protocol.test}/{number}" for number in range(4)] if protocol.crosses else []
    folds = protocol.folds([*people, *strangers], partial=True)
    for order, fold in enumerate(folds):
        shape = (len(protocol.aus), len(fold.test))
        found, zero = np.full(shape, hits), np.zeros(shape, int)
        counts = Counts(protocol.aus, fold.test, found, zero, 10 - found, np.full(shape, 10))
        wins = np.full((*shape, len(fold.test)), 150)
        judged = FoldResult(fold, counts, wins, np.full(len(protocol.aus), 0.5))
        stores = dict.fromkeys((protocol.train, protocol.test), "0" * 64)
        key = f"{system}-{protocol.name}-{seed}-{order}"
        folder = results / RUNS / key
        write_result(ProtocolResult(protocol, system, (judged,), stores, ("Planted.",)), folder / RESULT)
        if order == 0:
            curve = pd.DataFrame({"step": [1, 2], "loss": [0.7, 0.6]})
            curve.to_csv(folder / "curve.csv", index=False)
        record = RunRecord(
            key=key,
            system=system,
            kind="Planted",
            settings={"name": system},
            looks_at="subject" if system == "svtpt" else "face",
            seed=seed,
            fold=fold.name,
            folds=len(folds),
            order=order,
            thresholds="0.5, as in the paper",
            parameters=6_572_832,
            fit_seconds=1,
            predict_seconds=1,
            leak=LEAK if system == "idennet" else None,
        )
        (folder / RECORD).write_text(record.model_dump_json())


def f1(hits: int) -> float:
    return 100 * 2 * hits / (2 * hits + 10 - hits)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    folder = tmp_path / "results"
    disfa = protocol_named("disfa-random")
    for system, hits in (("idennet", 9), ("idennet-without-norm", 8), ("svtpt", 5), ("2b-nm", 6)):
        plant(folder, system, disfa, hits)
    for name, hits in (("studio-random", 8), ("studio-to-spot", 4)):
        plant(folder, "idennet", protocol_named(name), hits)
        plant(folder, "idennet", protocol_named(name), hits - 1, seed=1)
    return folder


def tables_of(results: Path, protocol: str) -> dict[str, Table]:
    together, _ = repeat(read_runs(results))
    chosen = [one for one in together if one.protocol.name == protocol]
    return {table.name: table for table in score_tables(chosen)}


def test_the_paper_stands_beside_ours_on_the_same_data(results: Path) -> None:
    table = tables_of(results, "disfa-random")["disfa-random-f1"]
    assert "rendered" not in table.caption
    columns = dict(zip(table.header, zip(*table.rows, strict=True), strict=True))
    assert columns["AU"] == ("1", "2", "4", "6", "9", "12", "25", "26", "Ave")
    assert columns["IdenNet"] == (f"{f1(9):.1f}",) * 9
    assert " ".join(columns["IdenNet, paper"]) == "25.5 34.8 64.5 45.2 44.6 70.7 81.0 55.0 52.6"
    assert columns["SVTPT, paper"][-1] == "38.9"
    assert columns["always"] == (f"{100 * 2 * 10 / 30:.1f}",) * 9
    assert "2B(N+M), paper" not in columns
    assert any("Transductive" in note and note.endswith("SVTPT.") for note in table.notes)


def test_rendered_data_say_so_and_have_the_paper_apart(results: Path) -> None:
    tables = tables_of(results, "studio-random")
    ours, theirs = tables["studio-random-f1"], tables["paper-table-III"]
    assert "(rendered data)" in ours.caption
    assert not any("paper" in name for name in ours.header)
    assert "not comparable" in theirs.caption
    assert theirs.rows[-1][-1] == "59.3"
    mean_of_seeds = (f1(8) + f1(7)) / 2
    assert ours.rows[-1][1] == f"{mean_of_seeds:.1f}"
    summary = tables["studio-random-summary"].rows[0]
    assert summary[3:5] == ("2", f"{np.std([f1(8), f1(7)], ddof=1):.1f}")
    assert summary[6:8] == ("95.0 → 50.0", "25.0")


def test_drop_rates_and_norm(results: Path) -> None:
    together, _ = repeat(read_runs(results))
    drops = drop_table(together, by_paper=False)
    assert drop_table(together, by_paper=True) is None
    assert drops is not None
    expected = np.mean([100 * (f1(8) - f1(4)) / f1(8), 100 * (f1(7) - f1(3)) / f1(7)])
    assert drops.rows == (("IdenNet", "studio-random", "studio-to-spot", f"{expected:.1f}"),)
    norm = norm_table(together)
    assert norm is not None
    (row,) = norm.rows
    assert row == (
        *("disfa-random", "photographs", "IdenNet", f"{f1(9):.1f}", f"{f1(8):.1f}", f"{f1(8) - f1(9):+.1f}"),
        "52.6 → 47.8",
    )


def test_all_formats_have_the_same_numbers(results: Path, tmp_path: Path) -> None:
    page = write_report(results, tmp_path / "report")
    text = page.read_text()
    assert text.index("studio-random (rendered data)") < text.index("studio-to-spot (rendered data)")
    tables = tmp_path / "report" / "tables"
    with (tables / "disfa-random-auc.csv").open() as file:
        rows = list(csv.reader(file))
    for row in rows:
        assert f"| {row[0]} |" in (tables / "disfa-random-auc.md").read_text()
    latex = (tables / "drop-rates-rendered.tex").read_text()
    assert r"IdenNet & studio-random & studio-to-spot" in latex
    assert latex.count("&") == 6
    for figure in ("studio-random-f1", "disfa-random-curves-1"):
        assert (tmp_path / "report" / "figures" / f"{figure}.png").stat().st_size > 5000
        assert f"figures/{figure}.png" in text


def test_the_best_of_a_row_is_bold_and_special_characters_are_escaped() -> None:
    table = Table("t", "100 % & more", ("AU", "a_b", "c"), (("12", "3.5", "30.1"), ("x", "–", "")), best=True)
    assert "| 12 | 3.5 | **30.1** |" in table.markdown()
    assert r"\caption{100 \% \& more}" in table.latex()
    assert r"AU & a\_b & c \\" in table.latex()
    assert r"12 & 3.5 & \textbf{30.1} \\" in table.latex()
    assert r"x & -- &  \\" in table.latex()
    assert table.csv() == "AU,a_b,c\n12,3.5,30.1\nx,–,\n"


def test_size_and_speed_have_the_paper_beside(tmp_path: Path) -> None:
    one = SizeSpeed(system="idennet", parameters=6_572_832, macs=10**9, faces_per_second=50, looks_at="face")
    other = SizeSpeed(system="stm", parameters=7, macs=None, faces_per_second=1.5, looks_at="subject")
    facts = {"faces": 16, "rounds": 5, "engine": "PyTorch", "machine": "x86_64", "date": "2026-11-22"}
    measured = Measured(systems=(one, other), **facts)
    assert read_measured(tmp_path) is None
    write_measured(measured, tmp_path)
    assert read_measured(tmp_path) == measured
    assert size_speed_table(measured).rows == (
        ("IdenNet", "6,572.8K", "1,000.0M", "50.0", "face", "6,572.8K", "155.06"),
        ("STM", "0.0K", "–", "1.5", "subject", "–", "–"),
    )
