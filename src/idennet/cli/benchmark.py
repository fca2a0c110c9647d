"""`idennet benchmark`: every compared system under the paper's protocols, and how large and fast they are."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from idennet.cli.options import folder_to_write
from idennet.errors import InputError
from idennet.facs import NAMES
from idennet.research.benchmark.systems.names import EXPERIMENTAL, SHOWN

if TYPE_CHECKING:
    from rich.console import Console

    from idennet.learning.data.store import FaceStore
    from idennet.learning.evaluation.protocols import Protocol
    from idennet.research.benchmark.benchmark import Failure
    from idennet.research.benchmark.systems.contract import System

EXIT_INCOMPLETE = 1

_WHAT, _HOW = "What is compared", "How it runs"


class Kind(StrEnum):
    """What is measured."""

    WITHIN = "within"
    CROSS = "cross"
    ABLATION = "ablation"
    SIZE_SPEED = "size-speed"


def benchmark_command(
    kind: Annotated[Kind, typer.Argument(help="Tables III to V, VI and VII, the text on NORM, or Table II.")],
    corpus: Annotated[list[Path], typer.Option(help="Folder of a face store of one corpus; repeatable.")],
    out: Annotated[
        Path,
        typer.Option(
            "--out", "-o", help="Folder of the results; grids may share it.", callback=folder_to_write
        ),
    ],
    systems: Annotated[
        str | None,
        typer.Option(
            help=f"Names with commas, of {', '.join(SHOWN)} (default: the paper's). "
            f"Experimental: {', '.join(name for name in SHOWN if name in EXPERIMENTAL)}.",
            rich_help_panel=_WHAT,
        ),
    ] = None,
    identity: Annotated[
        list[Path] | None,
        typer.Option(help="Face store of which only the subjects count; repeatable.", rich_help_panel=_WHAT),
    ] = None,
    protocol: Annotated[
        list[str] | None,
        typer.Option(
            help="See docs/protocols.md (default: the paper's, or counterparts); repeatable.",
            rich_help_panel=_WHAT,
        ),
    ] = None,
    steps: Annotated[
        int | None, typer.Option(min=1, help="Of every network (default: 4000).", rich_help_panel=_WHAT)
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="How many, from 0.", rich_help_panel=_WHAT)] = 1,
    override: Annotated[
        list[str] | None,
        typer.Option("--set", help="Replace a setting: roinet.width=16; repeatable.", rich_help_panel=_WHAT),
    ] = None,
    aus: Annotated[
        str | None,
        typer.Option(
            help="Action Units to learn, 1,2,4 (default: those of the training corpus's protocol).",
            rich_help_panel=_WHAT,
        ),
    ] = None,
    choose_thresholds: Annotated[
        bool,
        typer.Option(
            "--choose-thresholds",
            help="On each fold's validation subjects (default: .5).",
            rich_help_panel=_WHAT,
        ),
    ] = False,
    partial: Annotated[
        bool, typer.Option("--partial", help="Accept stores that lack subjects.", rich_help_panel=_WHAT)
    ] = False,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1, help="Runs side by side (default: one a GPU, or one for four cores).", rich_help_panel=_HOW
        ),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, ...", rich_help_panel=_HOW)] = "auto",
) -> None:
    """Train and judge the compared systems under the paper's protocols.

    [bold]idennet benchmark within --corpus stores/studio --corpus stores/spot --out results/synfacs[/bold]

    [bold]idennet benchmark cross --corpus stores/studio --corpus stores/spot --out results/synfacs[/bold]

    Interrupted, the same command continues where it was. What fails is reported at the end, with exit code 1,
    and tried again next time. [bold]idennet report[/bold] writes the tables.
    """
    from rich.console import Console
    from rich.text import Text

    from idennet.learning.data.store import FaceStore
    from idennet.research.benchmark.chosen_systems import ABLATION, PAPER, chosen_systems

    stores = [FaceStore.open(folder) for folder in corpus]
    identities = [FaceStore.open(folder) for folder in identity or ()]
    usual = ABLATION if kind is Kind.ABLATION else PAPER
    names = usual if systems is None else tuple(name.strip() for name in systems.split(","))
    compared = chosen_systems(names, steps, override or ())
    console = Console()
    for store in (*stores, *identities):
        console.print(Text(f"{store.path}: {store.provenance}", style="dim"), soft_wrap=True)
    if kind is Kind.SIZE_SPEED:
        for_grids = (identity, protocol, seeds > 1, choose_thresholds, partial, workers, len(stores) > 1)
        if any(for_grids):
            raise InputError("size-speed takes one --corpus, --systems, --set, --aus, --device, --out only.")
        _measure(console, compared, stores[0], out, device, _aus(aus))
        return
    from idennet.cli.grid_progress import GridProgress
    from idennet.research.benchmark.benchmark import run_benchmark
    from idennet.research.benchmark.grid import GridSettings

    with GridProgress(console) as progress:
        failures = run_benchmark(
            compared,
            _protocols(kind, protocol, stores),
            stores,
            out,
            identities=identities,
            settings=GridSettings(
                seeds=tuple(range(seeds)),
                aus=_aus(aus),
                partial=partial,
                choose_thresholds=choose_thresholds,
            ),
            workers=workers,
            device=device,
            tell=progress.show,
            warn=lambda sentence: console.print(Text(sentence, style="yellow"), soft_wrap=True),
        )
    _print_failures(console, failures)
    if failures:
        raise typer.Exit(EXIT_INCOMPLETE)
    console.print(
        f"Results in {out}; write the tables with: idennet report {out} --out report",
        highlight=False,
        soft_wrap=True,
        markup=False,
    )


def _protocols(kind: Kind, names: list[str] | None, stores: list["FaceStore"]) -> list["Protocol"]:
    from idennet.learning.evaluation.catalogue import protocol_named
    from idennet.research.benchmark.grid import protocols_across, protocols_within

    if names:
        return [protocol_named(name) for name in names]
    return protocols_across(stores) if kind is Kind.CROSS else protocols_within(stores)


def _print_failures(console: "Console", failures: list["Failure"]) -> None:
    from rich.text import Text

    for failure in failures:
        console.print(Text(f"Failed: {failure.runs[0].label}: {failure.reason}", style="red"), soft_wrap=True)
        console.print(Text(f"  {failure.log}", style="dim"), soft_wrap=True)


def _aus(text: str | None) -> tuple[int, ...] | None:
    """Return the Action Units of `1,2,4` or `AU1,AU2,AU4`.

    Raises:
        InputError: One is not a number, unknown, or named twice.
    """
    if text is None:
        return None
    names = [name.strip().upper().removeprefix("AU") for name in text.split(",")]
    aus = tuple(int(name) if name.isdecimal() else 0 for name in names)
    if unknown := [name for name, au in zip(names, aus, strict=True) if au not in NAMES]:
        raise InputError(f"--aus {text} names {unknown[0]!r}, which is no Action Unit; write --aus 1,2,4.")
    if len(set(aus)) < len(aus):
        raise InputError(f"--aus {text} names an Action Unit twice; write each once.")
    return aus


def _measure(
    console: "Console",
    systems: list["System"],
    store: "FaceStore",
    out: Path,
    device: str,
    aus: tuple[int, ...] | None,
) -> None:
    from idennet.cli.tables import DASH, new_table
    from idennet.research.benchmark.report.size_speed import write_measured
    from idennet.research.benchmark.size_speed import measure_systems

    measured = measure_systems(
        systems, store, device, lambda sentence: console.print(sentence, style="dim"), aus
    )
    table = new_table(1, ("parameters", "MACs a face", "faces/s", "looks at"))
    for one in measured.systems:
        macs = DASH if one.macs is None else f"{one.macs / 1e6:,.1f} M"
        table.add_row(one.system, f"{one.parameters:,}", macs, f"{one.faces_per_second:.1f}", one.looks_at)
    console.print(table)
    console.print(
        f"Written to {write_measured(measured, out)}.", highlight=False, soft_wrap=True, markup=False
    )
