"""Reports from planted runs: where the paper's numbers stand, and that every number is what was counted."""

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score

from idennet.learning.data.provenance import Origin, Provenance
from idennet.learning.evaluation.catalogue import AUS, protocol_named
from idennet.learning.evaluation.fold_results import FoldResult
from idennet.learning.evaluation.folds import SUBJECTS
from idennet.learning.evaluation.metrics import Counts
from idennet.learning.evaluation.protocols import Protocol
from idennet.learning.evaluation.result_files import read_result, write_result
from idennet.learning.evaluation.results import ProtocolResult
from idennet.research.benchmark.report.benchmark_report import write_report
from idennet.research.benchmark.report.benchmark_tables import (
    drop_table,
    norm_table,
    score_tables,
    size_speed_table,
)
from idennet.research.benchmark.report.size_speed import Measured, SizeSpeed, read_measured, write_measured
from idennet.research.benchmark.report.table import Table
from idennet.research.benchmark.runs import RECORD, RESULT, RUNS, Leak, RunRecord, read_runs, repeat
from idennet.research.benchmark.systems.catalogue import SYSTEMS
from idennet.research.benchmark.systems.names import EXPERIMENTAL, SHOWN, shown_name

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


WHOLE_DISFA = Provenance(
    origin="licensed", subjects=27, faces=130_000, published_subjects=27, published_faces=130_814
)
RENDERED = Provenance(origin="rendered", subjects=9, faces=180)


def plant(
    results: Path,
    system: str,
    protocol: Protocol,
    hits: int,
    seed: int = 0,
    known: Provenance | None = None,
    absent: tuple[int, ...] = (),
) -> None:
    """Write a run a fold: each subject shows each Action Unit in 10 of 20 frames, `hits` of them found.

    Nobody in the first fold shows those of `absent`.
    """
    names = SUBJECTS.get(protocol.train, tuple(map(str, range(9))))[:9]
    people = [f"{protocol.train}/{name}" for name in names]
    if known is None:
        known = WHOLE_DISFA if protocol.train == "disfa" else RENDERED
    strangers = [f"{protocol.test}/{number}" for number in range(4)] if protocol.crosses else []
    folds = protocol.folds([*people, *strangers], partial=True)
    for order, fold in enumerate(folds):
        shape = (len(protocol.aus), len(fold.test))
        found, zero = np.full(shape, hits), np.zeros(shape, int)
        missed, silent = 10 - found, np.full(shape, 10)
        never = [protocol.aus.index(au) for au in absent if order == 0]
        found[never], missed[never], silent[never] = 0, 0, 20
        counts = Counts(protocol.aus, fold.test, found, zero, missed, silent)
        wins = np.full((*shape, len(fold.test)), 150)
        judged = FoldResult(fold, counts, wins, np.full(len(protocol.aus), 0.5))
        stores = dict.fromkeys((protocol.train, protocol.test), "0" * 64)
        key = f"{system}-{protocol.name}-{seed}-{order}"
        folder = results / RUNS / key
        remarks = ("Planted.", f"Fold {fold.name}: dark.")
        provenance = dict.fromkeys(stores, known)
        write_result(
            ProtocolResult(protocol, system, (judged,), stores, remarks, provenance), folder / RESULT
        )
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
            aus=AUS[protocol.train],
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


def columns_of(table: Table) -> dict[str, tuple[str, ...]]:
    return dict(zip(table.header, zip(*table.rows, strict=True), strict=True))


def test_the_paper_stands_beside_ours_on_complete_licensed_data(results: Path) -> None:
    table = tables_of(results, "disfa-random")["disfa-random-f1"]
    assert table.caption == (
        "F1-frame in percent, disfa-random, the paper's Table IV (DISFA, 3 folds): licensed, all 27 subjects"
    )
    columns = columns_of(table)
    assert columns["AU"] == ("1", "2", "4", "6", "9", "12", "25", "26", "Ave")
    assert columns["IdenNet"] == (f"{f1(9):.1f}",) * 9
    assert " ".join(columns["IdenNet, printed"]) == "25.5 34.8 64.5 45.2 44.6 70.7 81.0 55.0 52.6"
    assert columns["SVTPT, printed"][-1] == "38.9"
    assert columns["always"] == (f"{100 * 2 * 10 / 30:.1f}",) * 9
    assert "2B(N+M), printed" not in columns
    assert columns["ROINet, printed"][-1] == "48.5"  # a column of the paper that was not run


@pytest.mark.parametrize(
    ("known", "phrase"),
    [
        (WHOLE_DISFA.model_copy(update={"origin": Origin.FAKE_TREE}), "fake tree, all 27 subjects"),
        (WHOLE_DISFA.model_copy(update={"subjects": 12}), "licensed, 12 of 27 subjects"),
        (WHOLE_DISFA.model_copy(update={"faces": 9}), "licensed, 27 of 27 subjects, 9 of 130,814 faces"),
        (Provenance(origin="photographs", subjects=27, faces=9), "photographs, 27 subjects"),
    ],
)
def test_nothing_else_looks_like_the_papers(known: Provenance, phrase: str, tmp_path: Path) -> None:
    """Every table, figure and heading says what the data are; no number of the paper is on the page."""
    disfa = protocol_named("disfa-random")
    for system, hits in (("idennet", 9), ("idennet-without-norm", 8)):
        plant(tmp_path, system, disfa, hits, known=known)
    page = write_report(tmp_path, tmp_path / "report")
    said = page.read_text()
    captions = [line for line in said.splitlines() if line.startswith(("**", "##", "*F", "*T"))]
    assert len(captions) == 8
    for caption in captions:
        assert phrase in caption or caption.startswith(("## Without NORM", "**Mean F1 in percent with and"))
    assert f"| disfa-random | {phrase} | IdenNet |" in said
    assert "printed" not in said
    assert "52.6" not in said
    assert "the protocol of the paper's Table IV (DISFA, 3 folds)" in said


def test_rendered_data_say_so_and_what_they_are_the_counterpart_of(results: Path) -> None:
    tables = tables_of(results, "studio-random")
    ours = tables["studio-random-f1"]
    assert ours.caption == (
        "F1-frame in percent, studio-random, counterpart of the paper's Table III (BP4D, 3 folds): "
        "rendered, 9 subjects"
    )
    assert not any("printed" in name for name in ours.header)
    mean_of_seeds = (f1(8) + f1(7)) / 2
    assert ours.rows[-1][1] == f"{mean_of_seeds:.1f}"
    summary = tables["studio-random-summary"].rows[0]
    assert summary[3:5] == ("2", f"{np.std([f1(8), f1(7)], ddof=1):.1f}")
    assert summary[6:8] == ("95.0 → 50.0", "25.0")


def test_drop_rates_and_norm(results: Path) -> None:
    together, _ = repeat(read_runs(results))
    drops = drop_table(together)
    assert drops is not None
    expected = np.mean([100 * (f1(8) - f1(4)) / f1(8), 100 * (f1(7) - f1(3)) / f1(7)])
    data = "trained on rendered, 9 subjects; tested on rendered, 9 subjects"
    assert drops.rows == (
        ("IdenNet", "studio-random", "studio-to-spot", data, f"{expected:.1f}", "5 of 5", "–"),
    )
    norm = norm_table(together)
    assert norm is not None
    (row,) = norm.rows
    assert row == (
        *("disfa-random", "licensed, all 27 subjects", "IdenNet", f"{f1(9):.1f}", f"{f1(8):.1f}"),
        *(f"{f1(8) - f1(9):+.1f}", "52.6 → 47.8"),
    )


def test_a_drop_rate_says_over_how_many_action_units(tmp_path: Path) -> None:
    """Nothing is found of AU12 within, so that no share of it can be lost."""
    plant(tmp_path, "idennet", protocol_named("studio-to-spot"), 4)
    plant(tmp_path, "idennet", protocol_named("studio-random"), 8)
    for file in (tmp_path / RUNS).glob("idennet-studio-random-*/result.json"):
        result = read_result(file)
        at = result.aus.index(12)
        for fold in result.folds:
            fold.counts.false_negative[at] += fold.counts.true_positive[at]
            fold.counts.true_positive[at] = 0
        write_result(result, file)
    drops = drop_table(repeat(read_runs(tmp_path))[0])
    assert drops is not None
    (row,) = drops.rows
    assert row[4:6] == (f"{100 * (f1(8) - f1(4)) / f1(8):.1f}", "4 of 5")


def test_a_drop_rate_is_about_one_network(tmp_path: Path) -> None:
    """No rate from a network of 12 Action Units to one of 21, nor from one of other settings."""
    plant(tmp_path, "idennet", protocol_named("studio-to-spot"), 4)
    plant(tmp_path, "idennet", protocol_named("studio-random"), 8)
    assert drop_table(repeat(read_runs(tmp_path))[0]) is not None
    for change in ({"aus": tuple(range(1, 22))}, {"settings": {"name": "idennet", "margin": 0.4}}):
        for file in (tmp_path / RUNS).glob("idennet-studio-random-*/run.json"):
            record = RunRecord.model_validate_json(file.read_text())
            file.write_text(record.model_copy(update=change).model_dump_json())
        assert drop_table(repeat(read_runs(tmp_path))[0]) is None


def test_folds_without_an_action_unit_are_left_out_and_counted_as_scikit_learn_does(tmp_path: Path) -> None:
    plant(tmp_path, "idennet", protocol_named("spot-random"), 8, absent=(12,))
    (one,) = repeat(read_runs(tmp_path))[0]
    table = score_tables([one])[0]
    columns = columns_of(table)
    by_au = dict(zip(columns["AU"], columns["IdenNet"], strict=True))
    truth = np.array([1] * 10 + [0] * 10)
    said = np.array([1] * 8 + [0] * 12)
    never = f1_score(np.zeros(20), np.zeros(20), zero_division=0)
    by_hand = 100 * np.mean([never, f1_score(truth, said), f1_score(truth, said)])
    assert by_au["12"] == by_au["Ave"] == f"{100 * f1_score(truth, said):.1f}"
    assert by_au["12, absent = 0"] == f"{by_hand:.1f}"
    others = len(one.protocol.aus) - 1
    assert by_au["Ave, absent = 0"] == f"{(by_hand + others * f1(8)) / (others + 1):.1f}"
    assert columns["always"][-1] == "–"
    assert any(note.startswith("absent = 0: such folds count as 0, as scikit-learn") for note in table.notes)


def test_undefined_scores_are_dashes_everywhere(tmp_path: Path) -> None:
    spot = protocol_named("spot-random")
    plant(tmp_path, "idennet", spot, 8)
    for file in (tmp_path / RUNS).glob("*/result.json"):
        result = read_result(file)
        for fold in result.folds:
            fold.counts.true_negative[:] += fold.counts.true_positive + fold.counts.false_negative
            fold.counts.true_positive[:] = fold.counts.false_negative[:] = 0
        write_result(result, file)
    tables = score_tables(repeat(read_runs(tmp_path))[0])
    written = "".join(form for table in tables for form in (table.markdown(), table.latex(), table.csv()))
    assert "nan" not in written
    assert columns_of(tables[0])["IdenNet"][0] == "–"
    assert columns_of(tables[2])["F1 (95 %)"] == ("–",)


def test_remarks_are_grouped_by_who_they_are_about(results: Path) -> None:
    notes = tables_of(results, "disfa-random")["disfa-random-f1"].notes
    planted = [note for note in notes if "Planted." in note]
    assert planted == [
        "All: One seed. Threshold: 0.5, as in the paper. Planted. Folds 1, 2, 3: dark.",
    ]


def test_every_system_has_a_name_for_tables() -> None:
    assert set(SYSTEMS) == set(SHOWN)
    assert set(SHOWN) > EXPERIMENTAL
    assert shown_name("stm") == "STM†"
    assert shown_name("idennet (1a2b)") == "IdenNet (1a2b)"
    assert shown_name("bars") == "bars"


def test_all_formats_have_the_same_numbers(results: Path, tmp_path: Path) -> None:
    page = write_report(results, tmp_path / "report")
    text = page.read_text()
    assert text.index("studio-random (rendered, 9 subjects)") < text.index(
        "studio-to-spot (trained on rendered"
    )
    tables = tmp_path / "report" / "tables"
    with (tables / "disfa-random-auc.csv").open() as file:
        rows = list(csv.reader(file))
    for row in rows:
        assert f"| {row[0]} |" in (tables / "disfa-random-auc.md").read_text()
    latex = (tables / "drop-rates.tex").read_text()
    assert r"IdenNet & studio-random & studio-to-spot" in latex
    assert latex.count("&") == 12
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
    facts |= {"aus": range(12), "data": "rendered, 41 subjects"}
    measured = Measured(systems=(one, other), **facts)
    assert read_measured(tmp_path) is None
    write_measured(measured, tmp_path)
    assert read_measured(tmp_path) == measured
    table = size_speed_table(measured)
    assert any("Networks for 12 Action Units" in note and "rendered, 41" in note for note in table.notes)
    assert table.rows == (
        ("IdenNet", "6,572.8K", "1,000.0M", "50.0", "face", "6,572.8K", "155.06"),
        ("STM†", "0.0K", "–", "1.5", "subject", "–", "–"),
    )
