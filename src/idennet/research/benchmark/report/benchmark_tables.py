"""Tables in the paper's layout: Action Units down, systems across, the paper's numbers beside ours.

The paper's numbers stand beside ours only where both are about the same photographs. Results on rendered data
get tables of their own that say so.
"""

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from idennet.errors import ProtocolError
from idennet.learning.evaluation.comparison import drop_between
from idennet.research.benchmark.report.paper_tables import (
    SIZE_SPEED,
    SYSTEM_NAMES,
    TABLES,
    WITHOUT_NORM,
    PaperTable,
    paper_drop_rate,
)
from idennet.research.benchmark.report.size_speed import Measured
from idennet.research.benchmark.runs import Repeated

DASH = "–"
RENDERED = "rendered data"


@dataclass(frozen=True)
class Table:
    """Text in rows and columns, ready for Markdown, LaTeX and CSV.

    Attributes:
        name: File name without ending.
        caption: What a reader must know before the numbers.
        header: Headings; the first is that of the row names.
        rows: Cells.
        notes: Sentences below the table.
        best: Whether the largest number of a row is set bold.
    """

    name: str
    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()
    best: bool = False

    def markdown(self) -> str:
        """Return the table as Markdown with its caption and notes."""
        lines = [f"**{self.caption}**", "", _piped(self.header)]
        lines.append(_piped(("---", *["---:"] * (len(self.header) - 1))))
        lines += [_piped(self._emphasised(row, "**", "**")) for row in self.rows]
        if self.notes:
            lines += ["", *(f"* {note}" for note in self.notes)]
        return "\n".join(lines) + "\n"

    def latex(self) -> str:
        """Return the table as LaTeX, for the package booktabs."""
        body = [_ampersands(self._emphasised(row, r"\textbf{", "}"), escape=False) for row in self._escaped()]
        lines = [
            r"\begin{table}",
            rf"\caption{{{_escape(self.caption)}}}",
            rf"\begin{{tabular}}{{l{'r' * (len(self.header) - 1)}}}",
            r"\toprule",
            _ampersands(self.header),
            r"\midrule",
            *body,
            r"\bottomrule",
            r"\end{tabular}",
            *(rf"\par {_escape(note)}" for note in self.notes),
            r"\end{table}",
        ]
        return "\n".join(lines) + "\n"

    def csv(self) -> str:
        """Return rows and columns alone."""
        buffer = io.StringIO()
        csv.writer(buffer, lineterminator="\n").writerows([self.header, *self.rows])
        return buffer.getvalue()

    def _escaped(self) -> list[tuple[str, ...]]:
        return [tuple(map(_escape, row)) for row in self.rows]

    def _emphasised(self, row: Sequence[str], before: str, after: str) -> tuple[str, ...]:
        """Return a row with its largest number between two marks."""
        numbers = [_number(cell) for cell in row[1:]]
        largest = max((value for value in numbers if value is not None), default=None)
        if not self.best or largest is None:
            return tuple(row)
        marked = [
            f"{before}{cell}{after}" if value == largest else cell
            for cell, value in zip(row[1:], numbers, strict=True)
        ]
        return (row[0], *marked)


def is_rendered(results: Sequence[Repeated]) -> bool:
    """Return whether any of the corpora is SynFACS."""
    protocols = [one.protocol for one in results]
    return any(name.startswith("synfacs-") for one in protocols for name in (one.train, one.test))


def score_tables(results: Sequence[Repeated]) -> list[Table]:
    """Return the tables of one protocol: F1-frame, AUC, and on rendered data the paper's own beside it.

    Args:
        results: Of one protocol, in the order of the columns.
    """
    protocol = results[0].protocol
    paper = _paper_table(protocol.name)
    same_data = paper is not None and protocol.name in paper.protocols
    kind = f" ({RENDERED})" if is_rendered(results) else ""
    notes = _notes(results)
    header, columns = ["AU"], []
    for one in results:
        theirs = _paper_column(paper, one) if same_data else None
        header.append(shown_name(one.name))
        columns.append([f"{100 * value:.1f}" for value in one.table["f1"]])
        if theirs is not None:
            header.append(f"{shown_name(one.name)}, paper")
            columns.append(theirs)
    header.append("always")
    columns.append([f"{100 * value:.1f}" for value in results[0].table["f1_all_positive"]])
    names = [*map(str, protocol.aus), "Ave"]
    counterpart = f", counterpart of the paper's Table {paper.number}" if paper and not same_data else ""
    number = f", the paper's Table {paper.number}" if paper and same_data else ""
    title = f"{protocol.name}{counterpart}{number}{kind}"
    f1 = Table(
        f"{protocol.name}-f1",
        f"F1-frame in percent, {title}",
        tuple(header),
        tuple(zip(names, *columns, strict=True)),
        (*notes, "always: saying 'present' to every frame, the baseline to beat."),
        best=not same_data,
    )
    aucs = [[f"{100 * value:.1f}" for value in one.table["auc"]] for one in results]
    auc = Table(
        f"{protocol.name}-auc",
        f"AUC in percent, {title}",
        ("AU", *(shown_name(one.name) for one in results)),
        tuple(zip(names, *aucs, strict=True)),
        best=True,
    )
    summary = summary_table(results, kind)
    beside = [] if same_data or paper is None else [printed_table(paper)]
    return [f1, auc, summary, *beside]


def summary_table(results: Sequence[Repeated], kind: str) -> Table:
    """Return one row a system: mean F1 and AUC with intervals, seeds, and what is left of the person."""
    rows = []
    for one in results:
        mean = {str(name): float(column.iloc[-1]) for name, column in one.table.items()}
        record = one.runs[0].record
        leaks = [run.record.leak for run in one.runs if run.record.leak is not None]
        leak = [DASH, DASH]
        if leaks:
            before = sum(found.probe_before for found in leaks) / len(leaks)
            after = sum(found.probe_after for found in leaks) / len(leaks)
            chance = sum(found.chance for found in leaks) / len(leaks)
            leak = [f"{100 * before:.1f} → {100 * after:.1f}", f"{100 * chance:.1f}"]
        rows.append(
            (
                shown_name(one.name),
                *(_with_interval(mean, score) for score in ("f1", "auc")),
                str(len(one.seeds)),
                DASH if math.isnan(mean["f1_sd"]) else f"{100 * mean['f1_sd']:.1f}",
                f"{record.parameters / 1000:,.1f}K",
                *leak,
                record.looks_at,
            )
        )
    header = ("system", "F1 (95 %)", "AUC (95 %)", "seeds", "sd of seeds", "parameters")
    return Table(
        f"{results[0].protocol.name}-summary",
        f"Means over Action Units in percent, {results[0].protocol.name}{kind}",
        (*header, "subject probe, before → after", "chance", "looks at"),
        tuple(rows),
        (
            "Intervals resample test subjects; they do not cover the choice of training subjects or seeds.",
            "Subject probe: how well a linear classifier tells test subjects apart by the features, before "
            "identity is combined and after, from which Action Units are read.",
        ),
    )


def printed_table(paper: PaperTable) -> Table:
    """Return a table of the paper alone, for a page on which ours is about other data."""
    names = [*map(str, paper.aus), "Ave"]
    columns = [
        [*(f"{value:.1f}" for value in paper.f1[system]), f"{paper.printed_mean[system]:.1f}"]
        for system in paper.f1
    ]
    return Table(
        f"paper-table-{paper.number}",
        f"The paper's Table {paper.number}, {paper.caption}: photographs, not comparable with rendered data",
        ("AU", *paper.f1),
        tuple(zip(names, *columns, strict=True)),
        best=True,
    )


def drop_table(results: Sequence[Repeated], by_paper: bool) -> Table | None:
    """Return drop rates of systems with results within a corpus and from it to another; None without any.

    Args:
        results: Of all protocols.
        by_paper: True for the photographs, with the paper's numbers; False for rendered data.
    """
    rows = []
    for across in results:
        if not across.protocol.crosses or is_rendered([across]) == by_paper:
            continue
        for within in results:
            if within.name != across.name or within.protocol.crosses:
                continue
            if within.protocol.train != across.protocol.train:
                continue
            rows.append(_drop_row(within, across, by_paper))
    if not rows:
        return None
    kind = "" if by_paper else f" ({RENDERED})"
    name = "drop-rates" if by_paper else "drop-rates-rendered"
    header = ("system", "within", "across", "drop rate")
    return Table(
        name,
        f"Drop rates in percent, the lower the better{kind}",
        (*header, "paper's tables") if by_paper else header,
        tuple(rows),
        ("Mean over shared Action Units of (within - across) / within, of F1-frame; mean over seeds.",),
    )


def _drop_row(within: Repeated, across: Repeated, by_paper: bool) -> tuple[str, ...]:
    seeds = sorted(within.seeds.keys() & across.seeds.keys())
    drops = []
    for seed in seeds:
        try:
            drops.append(100 * drop_between(within.seeds[seed], across.seeds[seed]))
        except ProtocolError:  # no Action Unit is in both
            continue
    rate = f"{sum(drops) / len(drops):.1f}" if drops else DASH
    row = (shown_name(within.name), within.protocol.name, across.protocol.name, rate)
    if not by_paper:
        return row
    paper = _paper_table(across.protocol.name)
    name = SYSTEM_NAMES.get(across.name)
    known = paper is not None and name is not None and name in paper.f1
    return (*row, f"{paper_drop_rate(paper, name):.1f}" if known and paper and name else DASH)


def norm_table(results: Sequence[Repeated]) -> Table | None:
    """Return mean F1 of each system with and without NORM; None where no pair was run."""
    by_key = {(one.protocol.name, one.name): one for one in results}
    rows = []
    for (protocol, name), one in by_key.items():
        without = by_key.get((protocol, f"{name}-without-norm"))
        if without is None:
            continue
        means = [100 * each.table["f1"].iloc[-1] for each in (one, without)]
        paper = _paper_table(protocol)
        theirs = DASH
        if paper and protocol in paper.protocols and name == "idennet" and paper.number in WITHOUT_NORM:
            theirs = f"{paper.printed_mean['IdenNet']:.1f} → {WITHOUT_NORM[paper.number]:.1f}"
        data = RENDERED if is_rendered([one]) else "photographs"
        difference = f"{means[1] - means[0]:+.1f}"
        rows.append(
            (protocol, data, shown_name(name), f"{means[0]:.1f}", f"{means[1]:.1f}", difference, theirs)
        )
    if not rows:
        return None
    kind = f" (some or all: {RENDERED})" if any(row[1] == RENDERED for row in rows) else ""
    return Table(
        "norm",
        f"Mean F1 in percent with and without NORM{kind}",
        ("protocol", "data", "system", "with", "without", "difference", "paper"),
        tuple(rows),
    )


def size_speed_table(measured: Measured) -> Table:
    """Return what was measured side by side, with Table II beside it."""
    rows = []
    for one in measured.systems:
        printed, speed = SIZE_SPEED.get(SYSTEM_NAMES.get(one.system, ""), (DASH, None))
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
        ),
    )


OTHER_NAMES = {
    "2b-nm": "2B(N+M)",
    "e-net": "E-Net",
    "r-t1": "R-T1",
    "r-t2": "R-T2",
    "iacnn": "IACNN",
    "ccnet-cda": "CCNET+CDA",
    "stm": "STM",
    "cpm": "CPM",
    "idennet-without-norm": "IdenNet, no NORM",
}
"""Systems that have a name but no column of their own in the paper's tables."""


def shown_name(name: str) -> str:
    """Return what the paper or the field calls a system; ours where neither knows it."""
    return SYSTEM_NAMES.get(name) or OTHER_NAMES.get(name, name)


def _paper_table(protocol: str) -> PaperTable | None:
    return next((one for one in TABLES if protocol in (*one.protocols, one.counterpart)), None)


def _paper_column(paper: PaperTable | None, one: Repeated) -> list[str] | None:
    name = SYSTEM_NAMES.get(one.name)
    if paper is None or name is None or name not in paper.f1:
        return None
    known = dict(zip(paper.aus, paper.f1[name], strict=True))
    cells = [f"{known[au]:.1f}" if au in known else DASH for au in one.protocol.aus]
    return [*cells, f"{paper.printed_mean[name]:.1f}"]


def _notes(results: Sequence[Repeated]) -> tuple[str, ...]:
    first = results[0]
    thresholds = first.runs[0].record.thresholds
    seeds = "one seed" if len(first.seeds) == 1 else f"{len(first.seeds)} seeds"
    notes = [f"Mean over folds, {seeds}. Threshold: {thresholds}."]
    if any(one.runs[0].record.looks_at == "subject" for one in results):
        names = [shown_name(one.name) for one in results if one.runs[0].record.looks_at == "subject"]
        notes.append(f"Transductive, sees all unlabelled frames of a test subject: {', '.join(names)}.")
    said: dict[str, list[str]] = {}
    for one in results:
        for remark in one.remarks:
            said.setdefault(remark, []).append(shown_name(one.name))
    notes += [f"{', '.join(names)}: {remark}" for remark, names in said.items()]
    return tuple(notes)


def _with_interval(row: Mapping[str, float], score: str) -> str:
    value, low, high = (100 * row[f"{score}{end}"] for end in ("", "_low", "_high"))
    return f"{value:.1f}" if math.isnan(low) else f"{value:.1f} ({low:.1f} to {high:.1f})"


def _number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None


def _piped(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _ampersands(cells: Sequence[str], escape: bool = True) -> str:
    return " & ".join(map(_escape, cells) if escape else cells) + r" \\"


def _escape(text: str) -> str:
    for character in "&%_#":
        text = text.replace(character, rf"\{character}")
    return text.replace("→", r"$\to$").replace("–", "--").replace(">", "$>$")
