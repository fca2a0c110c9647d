"""`idennet`: the verbs. A verb and its wing are imported when it is used, so that `--help` is quick."""

import re
from importlib import import_module
from inspect import cleandoc
from typing import Annotated, Any

import typer
from typer.main import get_group

from idennet import __version__
from idennet.cli.errors import Verbs

_READ, _LEARN = "Read photographs", "Train and judge"

VERBS = {
    "detect": (_READ, "Find faces in photographs and videos and read their Action Units."),
    "live": (_READ, "Read a camera, a stream or a video as it goes, and never fall behind."),
    "serve": (
        _READ,
        "Open a page for photographs, clips and the webcam in the browser, and an interface for programs.",
    ),
    "view": (_READ, "Write a page that shows results over time, with charts and summaries."),
    "export": (
        _READ,
        "Write results for other programs: Parquet, episodes, OpenFace's tables, ELAN and Praat.",
    ),
    "people": (
        _READ,
        "Enrol people, so that --people --store recognises them; list, rename, merge, split, delete.",
    ),
    "demo": (
        _READ,
        "Read a real photograph, train both stages for about two minutes, and write one HTML report.",
    ),
    "info": (_READ, "Show versions, the device, the bundled weights and the face finders."),
    "synth": (
        _LEARN,
        "Render the SynFACS corpora: people who do not exist, Action Units that are known exactly.",
    ),
    "prepare": (
        _LEARN,
        "Align all faces of a data set and write a face store, which training and evaluation read.",
    ),
    "teach": (
        _LEARN,
        "Write what a teacher says of photographs, for idennet train and idennet weights build --teacher.",
    ),
    "train": (
        _LEARN,
        "Train a network on face stores; interrupted, the same command continues where it was.",
    ),
    "evaluate": (_LEARN, "Compare what is read in faces with what you know about them."),
    "compare": (_LEARN, "Compare two results of one protocol, subject by subject."),
    "benchmark": (_LEARN, "Train and judge the compared systems under the paper's protocols."),
    "report": (
        _LEARN,
        "Write the paper's tables from a benchmark's results: Markdown, LaTeX, CSV, and figures.",
    ),
    "weights": (_LEARN, "Build weights, and make them the bundled ones."),
}
"""Where help lists each verb, and the first sentence of its own help; it lives in the module of its name."""


class _LazyVerbs(Verbs):
    """Knows the verbs by their names, and imports the one that is used."""

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[Any, Any, list[str]]:
        """Return name, command and further arguments of the verb that is used."""
        name, _, rest = super().resolve_command(ctx, args)
        return name, load(str(name)), rest


def load(name: str) -> Any:
    """Import a verb and return its command."""
    module = import_module(f"idennet.cli.{name}")
    holder = _new_app(Verbs)
    if hasattr(module, f"{name}_app"):
        holder.add_typer(getattr(module, f"{name}_app"), name=name)
    else:
        holder.command(name)(getattr(module, f"{name}_command"))
    holder.callback()(lambda: None)
    return _unwrapped(get_group(holder).commands[name])


def _unwrapped(command: Any) -> Any:
    """Return a command whose help has one line a paragraph, to be wrapped as wide as the terminal is."""
    command.help = re.sub(r"(?<!\n)\n(?!\n)", " ", cleandoc(command.help or ""))
    for verb in getattr(command, "commands", {}).values():
        _unwrapped(verb)
    return command


def _new_app(group: type[Verbs]) -> typer.Typer:
    return typer.Typer(
        cls=group,
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )


app = _new_app(_LazyVerbs)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"idennet {__version__}")
        raise typer.Exit


@app.callback()
def _idennet(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Facial Action Units from photographs, with identity modelled and subtracted.

    Start with: [bold]idennet detect photo.jpg --out results[/bold]
    """


def _stand_in() -> None:
    """Be listed; `resolve_command` puts the verb itself in this place."""


for _name, (_panel, _summary) in VERBS.items():
    app.command(_name, help=_summary, rich_help_panel=_panel)(_stand_in)
