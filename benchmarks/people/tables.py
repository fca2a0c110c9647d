"""Everything that was measured, as Markdown."""

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.people.zeros import WAYS
from idennet.facs import columns
from idennet.people.population import Population


def tables(found: Mapping[str, Any], population: Population) -> str:
    """Return everything as Markdown."""
    parts = [f"Weights {found['weights']}; `python -m benchmarks.people`.\n"]
    for name, ways in found["sequences"].items():
        rows = [["way", "people", "AUC", "gain (95 %)", "F1", "false alarms"]]
        for way, numbers in ways.items():
            gain, low, high = numbers["difference"]["mean"]
            rows.append([
                way, numbers["people"], f"{numbers['auc before']:.3f} to {numbers['auc']:.3f}",
                f"{gain:+.3f} ({low:+.3f} to {high:+.3f})",
                f"{numbers['f1 before']:.3f} to {numbers['f1']:.3f}",
                f"{numbers['false alarms before']:.2%} to {numbers['false alarms']:.2%}",
            ])  # fmt: skip
        parts.append(f"**Rendered, {name}**\n\n{markdown(rows)}\n")
        rows = [["AU", "carried", "known by identity", *WAYS]]
        rest = population.rest
        for at, au in enumerate(columns(population.card.aus)):
            cells = [[f"{v:+.3f}" for v in ways[way]["difference"][au]] for way in WAYS]
            rows.append([
                au, f"{rest.carried[at]:.2f}", f"{1 - rest.unknown[at] / rest.between[at]:.0%}",
                *(f"{one} ({low} to {high})" for one, low, high in cells),
            ])  # fmt: skip
        parts.append(f"**Gain in AUC by Action Unit, {name}**\n\n{markdown(rows)}\n")
    for title in (
        "always smiling",
        "settled",
        "portraits",
        "folders",
        "studio",
        "stores: photographs",
        "stores: studio",
    ):
        some = found[title]
        names = list(next(iter(some.values())))
        rows = [["", *names], *([key, *row.values()] for key, row in some.items())]
        parts.append(f"**{title}**\n\n{markdown(rows)}\n")
    photographs = found["photographs"]
    for value in ("share", "agreement"):
        rows = [["AU", "raw", *WAYS, "whole - raw", "identity - raw"]]
        for au, row in photographs["by AU"].items():
            gains = [row[way][f"{value} gain"] for way in ("whole", "identity")]
            rows.append(
                [
                    au,
                    *(row[way][value] for way in ("raw", *WAYS)),
                    *(f"{low:+.2f} to {high:+.2f}" for low, high in gains),
                ]
            )
        title = f"{value}, {photographs['people']} people, {photographs['pictures']} photographs"
        parts.append(f"**{title}**\n\n{markdown(rows)}\n")
    for kind, clips in found["clips"].items():
        rows = [["", "right", "switches", "fragments", "shared"]]
        rows += [[name, *row.values()] for name, row in clips.items() if name != "people"]
        parts.append(f"**clips of {kind}, {clips['people']} people**\n\n{markdown(rows)}\n")
    return "\n".join(parts)


def markdown(rows: Sequence[Sequence[object]]) -> str:
    """Return rows, the first a heading, as Markdown."""
    heading, *others = [[str(cell) for cell in row] for row in rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in (heading, ["---"] * len(heading), *others))
