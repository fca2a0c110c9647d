"""`idennet`: the verbs. Each imports its room only when it runs, so that `--help` is quick."""

from typing import Annotated

import typer

from idennet import __version__
from idennet.cli.benchmark import benchmark_command
from idennet.cli.compare import compare_command
from idennet.cli.demo import demo_command
from idennet.cli.detect import detect_command
from idennet.cli.errors import Verbs
from idennet.cli.evaluate import evaluate_command
from idennet.cli.import_lightcnn import import_lightcnn_command
from idennet.cli.info import info_command
from idennet.cli.prepare import prepare_command
from idennet.cli.report import report_command
from idennet.cli.synth import synth_app
from idennet.cli.train import train_command
from idennet.cli.weights import weights_app

app = typer.Typer(
    cls=Verbs,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


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


_READ, _LEARN = "Read photographs", "Train and judge"
app.command("detect", rich_help_panel=_READ)(detect_command)
app.command("demo", rich_help_panel=_READ)(demo_command)
app.command("info", rich_help_panel=_READ)(info_command)
app.add_typer(synth_app, name="synth", rich_help_panel=_LEARN)
app.command("prepare", rich_help_panel=_LEARN)(prepare_command)
app.command("train", rich_help_panel=_LEARN)(train_command)
app.command("evaluate", rich_help_panel=_LEARN)(evaluate_command)
app.command("compare", rich_help_panel=_LEARN)(compare_command)
app.command("benchmark", rich_help_panel=_LEARN)(benchmark_command)
app.command("report", rich_help_panel=_LEARN)(report_command)
app.add_typer(weights_app, name="weights", rich_help_panel=_LEARN)
weights_app.command("import-lightcnn")(import_lightcnn_command)
