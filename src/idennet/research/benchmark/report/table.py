"""A table as text, written as Markdown, LaTeX and CSV."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

from idennet.research.benchmark.systems.names import MARK


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
    return text.replace("→", r"$\to$").replace("–", "--").replace(">", "$>$").replace(MARK, r"\dag{}")
