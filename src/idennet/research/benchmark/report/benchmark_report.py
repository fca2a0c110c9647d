"""`idennet report`: a benchmark's folder in, one Markdown page with tables and figures out.

Every table is also written as Markdown, LaTeX and CSV of its own. The page depends on the results only: the
same results give the same tables.
"""

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from idennet.research import figures
from idennet.research.benchmark.report.benchmark_tables import (
    drop_table,
    norm_table,
    score_tables,
    size_speed_table,
)
from idennet.research.benchmark.report.size_speed import read_measured
from idennet.research.benchmark.report.subtraction_figure import FeatureSides, leak_sentence
from idennet.research.benchmark.report.table import Table
from idennet.research.benchmark.runs import CURVE, FEATURES, FinishedRun, Repeated, read_runs, repeat
from idennet.research.benchmark.systems.names import SHOWN, shown_name

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PAGE = "report.md"


class Report:
    """A page that grows, and the folder of what it shows."""

    def __init__(self, folder: Path, title: str) -> None:
        self.folder = folder
        self._parts = [f"# {title}\n"]
        for name in ("tables", "figures"):
            (folder / name).mkdir(parents=True, exist_ok=True)

    def heading(self, text: str) -> None:
        """Begin a section."""
        self._parts.append(f"## {text}\n")

    def text(self, sentence: str) -> None:
        """Add a paragraph."""
        self._parts.append(f"{sentence}\n")

    def table(self, table: Table) -> None:
        """Add a table, and write it in all three formats."""
        written = {"md": table.markdown(), "tex": table.latex(), "csv": table.csv()}
        for ending, text in written.items():
            (self.folder / "tables" / f"{table.name}.{ending}").write_text(text, encoding="utf-8")
        self._parts.append(table.markdown())

    def figure(self, name: str, figure: "Figure", caption: str) -> None:
        """Add a figure with a caption, which stands in the picture too."""
        lines = textwrap.wrap(caption, int(14 * figure.get_figwidth()))
        figure.supxlabel("\n".join(lines), fontsize=7, color=figures.QUIET)
        figure.savefig(self.folder / "figures" / f"{name}.png", dpi=130)
        self._parts.append(f"![{caption}](figures/{name}.png)\n\n*{caption}*\n")

    def write(self) -> Path:
        """Write the page and return its path."""
        path = self.folder / PAGE
        path.write_text("\n".join(self._parts), encoding="utf-8")
        return path


def write_report(results: Path, out: Path) -> Path:
    """Write tables and figures of a benchmark's folder and return the page.

    Args:
        results: Folder of `idennet benchmark`.
        out: Folder for the page, `tables` and `figures`; files of the same names are replaced.

    Raises:
        InputError: The folder has no complete run, or one is damaged.
        MissingExtraError: matplotlib is not installed.
    """
    figures.check_packages()
    runs = read_runs(results)
    together, sentences = repeat(runs)
    report = Report(out, "Benchmark")
    for sentence in sentences:
        report.text(f"Incomplete: {sentence}")
    for name in sorted({one.protocol.name for one in together}, key=_order_of_protocols):
        of_protocol = sorted((one for one in together if one.protocol.name == name), key=_order_of_systems)
        for comparable in _on_same_stores(of_protocol):
            _add_protocol(report, comparable, runs)
    _add_section(report, "Drop rates", [drop_table(together)])
    _add_section(report, "Without NORM", [norm_table(together)])
    measured = read_measured(results)
    _add_section(report, "Size and speed", [] if measured is None else [size_speed_table(measured)])
    return report.write()


def _add_section(report: Report, title: str, tables: Sequence[Table | None]) -> None:
    """Add those tables that there are; no heading without any."""
    there = [table for table in tables if table is not None]
    if there:
        report.heading(title)
    for table in there:
        report.table(table)


def _add_protocol(report: Report, results: Sequence[Repeated], runs: Sequence[FinishedRun]) -> None:
    name = results[0].protocol.name
    what = f"{name} ({results[0].data})"
    report.heading(what)
    for table in score_tables(results):
        report.table(table)
    by_system = {shown_name(one.name): one.table for one in results}
    bars = figures.system_bars(by_system, "f1", f"{what}: F1-frame, 95 % intervals over test subjects")
    report.figure(f"{name}-f1", bars, f"F1-frame by Action Unit, {what}")
    digests = {run.record.key for one in results for run in one.runs}
    firsts = [run for run in runs if run.record.key in digests and run.record.order == 0]
    lowest_seed = min((run.record.seed for run in firsts), default=0)
    firsts = [run for run in firsts if run.record.seed == lowest_seed]
    _add_curves(report, name, what, firsts)
    for run in firsts:
        if (run.folder / FEATURES).is_file():
            system = run.record.system
            report.text(f"**Figure 2, {shown_name(system)}, {what}.** {leak_sentence(run)}")
            sides = FeatureSides.read(run.folder)
            caption = f"t-SNE of {sides.shown} of test subjects, {shown_name(system)}, {what}"
            report.figure(f"{name}-{system}-subtraction", sides.draw(), caption)


def _add_curves(report: Report, name: str, what: str, runs: Sequence[FinishedRun]) -> None:
    """Add the loss of every system that learnt in steps, one panel each, four a figure."""
    panels = {}
    for run in runs:
        if (run.folder / CURVE).is_file():
            curve = pd.read_csv(run.folder / CURVE)
            if "stage" in curve:
                curve = curve[curve["stage"] == "au"]  # each stage counts its own steps
            losses = [column for column in ("au_loss", "identity_loss", "loss") if column in curve]
            losses = losses[:2] if "au_loss" in losses else losses[-1:]
            panels[shown_name(run.record.system)] = curve, losses
    names = list(panels)
    for first in range(0, len(names), 4):
        some = {key: panels[key] for key in names[first : first + 4]}
        caption = f"Training losses, first fold, {what}: {', '.join(some)}"
        report.figure(f"{name}-curves-{first // 4 + 1}", figures.curves(some), caption)


def _on_same_stores(results: Sequence[Repeated]) -> list[list[Repeated]]:
    """Return results that were judged on the same faces together."""
    groups: dict[str, list[Repeated]] = {}
    for one in results:
        groups.setdefault(repr(sorted(next(iter(one.seeds.values())).stores.items())), []).append(one)
    return list(groups.values())


def _order_of_systems(one: Repeated) -> tuple[int, str]:
    """Return the paper's order, then the alphabet."""
    names = list(SHOWN)
    return (names.index(one.name) if one.name in names else len(names), one.name)


def _order_of_protocols(name: str) -> tuple[bool, str]:
    """Within a corpus first."""
    return ("-to-" in name, name)
