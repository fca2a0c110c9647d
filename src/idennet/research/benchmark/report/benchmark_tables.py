"""Tables in the paper's layout: Action Units down, systems across, the paper's numbers beside ours.

Every caption says what the data are. The paper's numbers stand beside results on complete licensed data only:
not beside a part of them, an imitation, or rendered people.
"""

import math
import re
from collections.abc import Mapping, Sequence

from idennet.learning.evaluation.comparison import drop_between
from idennet.research.benchmark.report.paper_tables import (
    SIZE_SPEED,
    TABLES,
    WITHOUT_NORM,
    PaperTable,
    paper_drop_rate,
)
from idennet.research.benchmark.report.size_speed import Measured
from idennet.research.benchmark.report.table import Table
from idennet.research.benchmark.runs import Repeated
from idennet.research.benchmark.systems.names import EXPERIMENTAL, EXPERIMENTAL_MEANS, MARK, shown_name

DASH = "–"


def score_tables(results: Sequence[Repeated]) -> list[Table]:
    """Return the tables of one protocol: F1-frame, AUC, and one row a system.

    Args:
        results: Of one protocol and the same stores, in the order of the columns.
    """
    protocol = results[0].protocol
    paper = _paper_table(protocol.name)
    title = f"{protocol.name}: {results[0].data}"
    if paper is not None:
        role = "the protocol of " if protocol.name in paper.protocols else "counterpart of "
        role = "" if _is_papers(paper, results[0]) else role
        title = (
            f"{protocol.name}, {role}the paper's Table {paper.number} ({paper.caption}): {results[0].data}"
        )
    aus = [*map(str, protocol.aus), "Ave"]
    aucs = [[_percent(value) for value in one.table["auc"]] for one in results]
    auc = Table(
        f"{protocol.name}-auc",
        f"AUC in percent, {title}",
        ("AU", *(shown_name(one.name) for one in results)),
        tuple(zip(aus, *aucs, strict=True)),
        best=True,
    )
    return [_f1_table(results, title), auc, summary_table(results)]


def _f1_table(results: Sequence[Repeated], title: str) -> Table:
    """Return F1-frames, the paper's beside where the data are its own, also of systems that were not run."""
    protocol = results[0].protocol
    paper = _paper_table(protocol.name)
    printed = _printed(paper, protocol.aus) if paper and _is_papers(paper, results[0]) else {}
    columns: dict[str, list[str]] = {}
    for one in results:
        columns[shown_name(one.name)] = [_percent(value) for value in one.table["f1"]]
        if (name := shown_name(one.name)) in printed:
            columns[f"{name}, printed"] = printed.pop(name)
    columns |= {f"{name}, printed": cells for name, cells in printed.items()}
    columns["always"] = [_percent(value) for value in results[0].table["f1_all_positive"]]
    rows = list(zip([*map(str, protocol.aus), "Ave"], *columns.values(), strict=True))
    notes = ["F1 is the mean over the folds in which a test frame shows the Action Unit."]
    absent = results[0].aus_absent_from_folds
    if absent:
        notes.append("absent = 0: such folds count as 0, as scikit-learn's f1_score counts them.")
        for label, at in [*((f"{au}", protocol.aus.index(au)) for au in absent), ("Ave", -1)]:
            zeros = [_percent(one.f1_absent_is_zero[at]) for one in results]
            by_name = dict(zip((shown_name(one.name) for one in results), zeros, strict=True))
            rows.append((f"{label}, absent = 0", *(by_name.get(name, DASH) for name in columns)))
    else:
        notes[0] = "F1 is the mean over folds; a test frame of every fold shows every Action Unit."
    notes += _notes(results)
    if any("printed" in name for name in columns):
        notes.append("printed: as the paper prints it.")
    return Table(
        f"{protocol.name}-f1",
        f"F1-frame in percent, {title}",
        ("AU", *columns),
        tuple(rows),
        (*notes, "always: saying 'present' to every frame, the baseline to beat."),
        best=not any("printed" in name for name in columns),
    )


def summary_table(results: Sequence[Repeated]) -> Table:
    """Return one row a system: mean F1 and AUC with intervals, seeds, and what is left of the person."""
    rows = []
    for one in results:
        mean = {str(name): float(column.iloc[-1]) for name, column in one.table.items()}
        record = one.runs[0].record
        leaks = [run.record.leak for run in one.runs if run.record.leak is not None]
        leak = [DASH, DASH]
        if leaks:
            before, after, chance = (
                _percent(sum(getattr(found, name) for found in leaks) / len(leaks))
                for name in ("probe_before", "probe_after", "chance")
            )
            leak = [f"{before} → {after}", chance]
        rows.append(
            (
                shown_name(one.name),
                *(_with_interval(mean, score) for score in ("f1", "auc")),
                str(len(one.seeds)),
                _percent(mean["f1_sd"]),
                f"{record.parameters / 1000:,.1f}K",
                *leak,
                record.looks_at,
            )
        )
    header = ("system", "F1 (95 %)", "AUC (95 %)", "seeds", "sd of seeds", "parameters")
    return Table(
        f"{results[0].protocol.name}-summary",
        f"Means over Action Units in percent, {results[0].protocol.name}: {results[0].data}",
        (*header, "subject probe, before → after", "chance", "looks at"),
        tuple(rows),
        (
            "Intervals resample test subjects; they do not cover the choice of training subjects or seeds.",
            "Subject probe: how well a linear classifier tells test subjects apart by the features, before "
            "identity is combined and after, from which Action Units are read.",
        ),
    )


def drop_table(results: Sequence[Repeated]) -> Table | None:
    """Return drop rates of systems with results within a corpus and from it to another; None without any.

    Args:
        results: Of all protocols.
    """
    rows = [
        _drop_row(within, across)
        for across in results
        if across.protocol.crosses
        for within in results
        if within.learnt == across.learnt  # or it would be the difference of two networks
        and not within.protocol.crosses
        and within.protocol.train == across.protocol.train
    ]
    if not rows:
        return None
    header = ("system", "within", "across", "data", "drop rate", "Action Units", "paper's tables")
    return Table(
        "drop-rates",
        "Drop rates in percent, the lower the better",
        header,
        tuple(rows),
        (
            "Mean over shared Action Units of (within - across) / within, of F1-frame; mean over seeds.",
            "Action Units: those whose scores are defined, and above 0 within, of those that both score.",
        ),
    )


def _drop_row(within: Repeated, across: Repeated) -> tuple[str, ...]:
    shared = set(within.protocol.aus) & set(across.protocol.aus)
    drops = [
        drop_between(within.seeds[seed], across.seeds[seed])
        for seed in sorted(within.seeds.keys() & across.seeds.keys())
        if shared
    ]
    rate = sum(drop.rate for drop in drops) / len(drops) if drops else math.nan
    counted = sorted({len(drop.aus) for drop in drops})
    over = " to ".join(str(number) for number in (counted[:1] + counted[1:][-1:])) or "0"
    paper = _paper_table(across.protocol.name)
    name = shown_name(across.name)
    printed = math.nan
    if within.is_comparable and paper and _is_papers(paper, across) and name in paper.f1:
        printed = paper_drop_rate(paper, name) / 100
    return (
        name,
        within.protocol.name,
        across.protocol.name,
        across.data if within.data in across.data else f"{across.data}; within: {within.data}",
        _percent(rate),
        f"{over} of {len(shared)}",
        _percent(printed),
    )


def norm_table(results: Sequence[Repeated]) -> Table | None:
    """Return mean F1 of each system with and without NORM; None where no pair was run."""
    by_key = {(one.protocol.name, one.name): one for one in results}
    rows = []
    for (protocol, name), one in by_key.items():
        without = by_key.get((protocol, f"{name}-without-norm"))
        if without is None:
            continue
        means = [float(each.table["f1"].iloc[-1]) for each in (one, without)]
        paper = _paper_table(protocol)
        theirs = DASH
        if paper and _is_papers(paper, one) and name == "idennet" and paper.number in WITHOUT_NORM:
            theirs = f"{paper.printed_mean['IdenNet']:.1f} → {WITHOUT_NORM[paper.number]:.1f}"
        difference = DASH if math.isnan(means[1] - means[0]) else f"{100 * (means[1] - means[0]):+.1f}"
        rows.append((protocol, one.data, shown_name(name), *map(_percent, means), difference, theirs))
    if not rows:
        return None
    return Table(
        "norm",
        "Mean F1 in percent with and without NORM",
        ("protocol", "data", "system", "with", "without", "difference", "paper"),
        tuple(rows),
    )


def size_speed_table(measured: Measured) -> Table:
    """Return what was measured side by side, with Table II beside it."""
    rows = []
    for one in measured.systems:
        printed, speed = SIZE_SPEED.get(shown_name(one.system), (DASH, None))
        rows.append(
            (
                shown_name(one.system),
                f"{one.parameters / 1000:,.1f}K",
                DASH if one.macs is None else f"{one.macs / 1e6:,.1f}M",
                f"{one.faces_per_second:.1f}",
                one.looks_at,
                printed,
                DASH if speed is None else f"{speed:.2f}",
            )
        )
    return Table(
        "size-speed",
        "Size and speed, measured side by side in one run with one engine; the paper's Table II beside it",
        ("system", "parameters", "MACs a face", "faces/s", "looks at", "paper's parameters", "frames/s"),
        tuple(rows),
        (
            f"{measured.engine} for every network, on {measured.machine}, {measured.date}; median of "
            f"{measured.rounds} rounds over {measured.faces} faces, reading and descriptors included.",
            "The paper's speeds are of Caffe on a Titan X: compare ratios, not numbers.",
            "Parameters without biases, as the paper counts; its >12,351.1K are feature extractors only.",
            f"Networks for {len(measured.aus)} Action Units; the paper's have 12. Faces: {measured.data}.",
        ),
    )


def _paper_table(protocol: str) -> PaperTable | None:
    return next((one for one in TABLES if protocol in (*one.protocols, one.counterpart)), None)


def _is_papers(paper: PaperTable, one: Repeated) -> bool:
    """Return whether a result is by the protocol of a table of the paper, on its data, all of them."""
    return one.protocol.name in paper.protocols and one.is_comparable


def _printed(paper: PaperTable, aus: Sequence[int]) -> dict[str, list[str]]:
    """Return by system what the paper prints for some Action Units and its mean."""
    cells = {}
    for name, column in paper.f1.items():
        known = dict(zip(paper.aus, column, strict=True))
        numbers = [f"{known[au]:.1f}" if au in known else DASH for au in aus]
        cells[name] = [*numbers, f"{paper.printed_mean[name]:.1f}"]
    return cells


def _notes(results: Sequence[Repeated]) -> tuple[str, ...]:
    said: dict[str, list[str]] = {}
    for one in results:
        record = one.runs[0].record
        seeds = "One seed" if len(one.seeds) == 1 else f"Mean over {len(one.seeds)} seeds"
        for remark in (f"{seeds}. Threshold: {record.thresholds}.", *one.remarks):
            said.setdefault(remark, []).append(shown_name(one.name))
    notes = []
    by_systems: dict[str, list[str]] = {}
    for remark, names in said.items():
        who = "All" if len(results) == len(names) > 1 else ", ".join(names)
        by_systems.setdefault(who, []).append(remark)
    notes += [f"{who}: {' '.join(_together(remarks))}" for who, remarks in by_systems.items()]
    if any(one.runs[0].record.system in EXPERIMENTAL for one in results):
        notes.append(f"{MARK} {EXPERIMENTAL_MEANS}")
    return tuple(notes)


def _together(remarks: Sequence[str]) -> list[str]:
    """Return remarks with those that differ in the fold only as one: `Folds 1, 3: ...`."""
    folds: dict[str, list[str]] = {}
    for remark in remarks:
        found = re.fullmatch(r"Fold (\S+): (.*)", remark)
        if found is None:
            folds[remark] = []
        else:
            folds.setdefault(found[2], []).append(found[1])
    return [
        f"{'Fold' if len(names) == 1 else 'Folds'} {', '.join(names)}: {text}" if names else text
        for text, names in folds.items()
    ]


def _percent(share: float) -> str:
    """Return a share of 1 as percent with one digit, or a dash where it is undefined."""
    return DASH if math.isnan(share) else f"{100 * share:.1f}"


def _with_interval(row: Mapping[str, float], score: str) -> str:
    value, low, high = (_percent(row[f"{score}{end}"]) for end in ("", "_low", "_high"))
    return value if DASH in (low, high) else f"{value} ({low} to {high})"
