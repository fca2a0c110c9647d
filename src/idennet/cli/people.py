"""`idennet people`: the person store, which nobody gets unless they ask for it."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from idennet.cli.errors import complain
from idennet.cli.options import file_of_folder
from idennet.errors import InputError

if TYPE_CHECKING:
    from rich.table import Table

    from idennet.people.population import Evidence
    from idennet.people.store import PersonStore

people_app = typer.Typer(
    help="Enrol people, so that --people --store recognises them; list, rename, merge, split, delete.",
    no_args_is_help=True,
)

_GAP = 2  # letters between columns
_SHORTEST = 16  # letters of a path that say which it is

Store = Annotated[Path, typer.Argument(help="File of the person store.", show_default=False)]
Who = Annotated[str, typer.Argument(help="Name or number of a person.", show_default=False)]
Weights = Annotated[
    Path | None, typer.Option(help="Weights that the store belongs to (default: bundled weights).")
]


@people_app.command()
def enrol(
    store: Annotated[
        Path, typer.Argument(help="File of the person store.", show_default=False, callback=file_of_folder)
    ],
    pictures: Annotated[list[str], typer.Argument(help="Photographs, clips, folders, or patterns.")],
    name: Annotated[
        str | None,
        typer.Option(help="Whom they show alone or most; without it whoever is on them is told apart."),
    ] = None,
    neutral: Annotated[
        bool, typer.Option("--neutral", help="The faces are at rest: they give --zero store.")
    ] = False,
    weights: Weights = None,
) -> None:
    """Add people to a store; it is made when it does not exist.

    [bold]idennet people enrol people.db anna/*.jpg --name Anna[/bold]
    """
    from idennet.cli.console import Screen
    from idennet.cli.remarks import doubtful
    from idennet.cli.screen import print_remark
    from idennet.cli.words import count, some
    from idennet.inference.analyser import Analyser
    from idennet.media.folders import find_pictures
    from idennet.models.action_units import ActionUnitModel
    from idennet.people.following import Following
    from idennet.people.population import Population
    from idennet.people.store import PersonStore, checked_name
    from idennet.people.wishes import appearances, looks_at_main

    name = name if name is None else checked_name(name)
    found = find_pictures(pictures)
    population = Population.open(weights)
    analyser = Analyser(model=ActionUnitModel.open(weights))
    known: dict[int, Evidence] = {}
    if store.exists():
        with PersonStore(store, population, make=True) as opened:
            known = opened.known()
            if name is not None:
                numbers = {one.number for one in opened.people() if one.name == name}
                known = {number: evidence for number, evidence in known.items() if number in numbers}
    people = Following(population, apart=True, known=known)
    results = analyser.analyse_all(found.files)
    if name is not None:
        looks, others = looks_at_main(people, results, name, known)
        seen = appearances(looks, neutral=neutral)
        with PersonStore(store, population, make=True) as opened:
            opened.enrol(seen, name)
            called = opened.find(name).called
        left_out = f"; {others} {'person' if others == 1 else 'people'} beside left out" * (others > 0)
        typer.echo(f"{called}: {count(len(seen), 'appearance')} added{left_out}.")
        return
    for result in people.gather(results):
        if result.error:
            complain(result.error)
    if not people.people:
        raise InputError("There is no face on any of these; nobody was enrolled.")
    given: dict[int, int] = {}
    with PersonStore(store, population, make=True) as opened:
        for number, person in sorted(people.people.items()):
            seen = appearances(person.looks, neutral=neutral)
            if number in known:
                opened.add(number, seen)
                given[number] = number
            else:
                given[number] = opened.enrol(seen)
            called = opened.find(str(given[number])).called
            state = "known" if number in known else "new"
            files = some(list(dict.fromkeys(one.source for one in seen)))
            typer.echo(f"{called} ({state}): {count(len(seen), 'appearance')} added, from {files}.")
    doubts = people.doubts
    named = tuple(one._replace(person=given[one.person]) for one in doubts.persons)
    if told := doubtful(doubts._replace(persons=named)):
        print_remark(Screen(), told)


@people_app.command("list")
def list_people(store: Store) -> None:
    """Show everybody in a store.

    [bold]idennet people list people.db[/bold]
    """
    from rich.console import Console

    with _opened(store) as opened:
        people = opened.people()
    console = Console()
    headings = ["number", "name", "appearances", "neutral", "since"]
    rows = []
    for person in people:
        neutral = sum(one.neutral is not None for one in person.appearances)
        counts = (str(len(person.appearances)), str(neutral))
        rows.append((str(person.number), person.name or "-", *counts, person.made[:10]))
    room = console.width - console.measure(_table(headings, rows)).maximum - _GAP
    sources = [list(dict.fromkeys(one.source for one in person.appearances)) for person in people]
    shown = [(*row, _shown(paths, room)) for row, paths in zip(rows, sources, strict=True)]
    console.print(_table([*headings, "from"], shown) if people else "Nobody is enrolled.")


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> "Table":
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, _GAP, 0, 0), pad_edge=False, header_style="dim")
    for heading in headings:
        table.add_column(heading)
    for row in rows:
        table.add_row(*map(Text, row))
    return table


def _shown(paths: Sequence[str], room: int) -> str:
    """Return two paths, or one, in so many letters; what is too long loses its beginning."""
    first = min(2, len(paths))
    while True:
        more = f" and {len(paths) - first} more" if len(paths) > first else ""
        if len(whole := ", ".join(paths[:first]) + more) <= room:
            return whole
        each = (room - len(more) - 2 * (first - 1)) // first
        if each >= _SHORTEST or first == 1:
            each = max(each, _SHORTEST // 2)
            cut = [path if len(path) <= each else f"…{path[1 - each :]}" for path in paths[:first]]
            return ", ".join(cut) + more
        first = 1


@people_app.command()
def show(store: Store, who: Who) -> None:
    """Show a person's appearances, whose numbers split needs.

    [bold]idennet people show people.db Anna[/bold]
    """
    with _opened(store) as opened:
        person = opened.find(who)
    typer.echo(f"{person.called}, number {person.number}, since {person.made}")
    for one in person.appearances:
        neutral = ", neutral" if one.neutral is not None else ""
        typer.echo(f"  appearance {one.number}: {one.source}, {one.made}{neutral}")


@people_app.command()
def rename(
    store: Store,
    who: Who,
    name: Annotated[str, typer.Argument(help="The new name.")],
) -> None:
    """Give a person another name.

    [bold]idennet people rename people.db 3 Anna[/bold]
    """
    with _opened(store) as opened:
        opened.rename(opened.find(who), name)


@people_app.command()
def merge(
    store: Store,
    who: Who,
    other: Annotated[str, typer.Argument(help="Who is the same; this name and number go.")],
) -> None:
    """Make one person of two.

    [bold]idennet people merge people.db Anna 7[/bold]
    """
    with _opened(store) as opened:
        opened.merge(opened.find(who), opened.find(other))


@people_app.command()
def split(
    store: Store,
    who: Who,
    appearance: Annotated[list[int], typer.Argument(help="Numbers of the appearances of somebody else.")],
    name: Annotated[str | None, typer.Option(help="Of the somebody else.")] = None,
) -> None:
    """Make two people of one.

    [bold]idennet people split people.db Anna 4 5 --name Bert[/bold]
    """
    with _opened(store) as opened:
        number = opened.split(opened.find(who), appearance, name)
    typer.echo(f"{name or f'person {number}'} is new.")


@people_app.command()
def export(
    store: Store,
    who: Annotated[str | None, typer.Argument(help="Name or number; everybody without it.")] = None,
    weights: Annotated[
        Path | None,
        typer.Option(help="Of the store; they name neutral readings that are not of the 22 Action Units."),
    ] = None,
) -> None:
    """Print all that is stored, as JSON: what a person may ask to see.

    [bold]idennet people export people.db Anna > anna.json[/bold]
    """
    from idennet.people.population import Population
    from idennet.people.store import PersonStore

    with PersonStore(store, Population.open(weights) if weights else None) as opened:
        people = opened.people() if who is None else [opened.find(who)]
        typer.echo(json.dumps(opened.export(people), indent=1, ensure_ascii=False))


@people_app.command()
def delete(
    store: Store,
    who: Who,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete a person for good: the bytes in the file are overwritten.

    [bold]idennet people delete people.db Anna[/bold]
    """
    with _opened(store) as opened:
        person = opened.find(who)
        if not yes and not typer.confirm(f"Delete {person.called} for good?"):
            raise typer.Exit(1)
        opened.delete(person)
    typer.echo(f"{person.called} is deleted.")


def _opened(store: Path) -> "PersonStore":
    """Open a store of whatever weights, for what needs none."""
    from idennet.people.store import PersonStore

    return PersonStore(store)
