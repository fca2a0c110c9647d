"""`idennet serve`: the page to look at and the interface for programs."""

from pathlib import Path
from typing import Annotated

import typer

from idennet.cli.options import Finder, Weights, folder_to_write


def serve_command(
    host: Annotated[
        str, typer.Option(help="Address to listen on; beyond this machine a token is needed.")
    ] = ("127.0.0.1"),
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free one.")] = 8765,
    token: Annotated[
        str | None,
        typer.Option(
            envvar="IDENNET_TOKEN", help="What clients must give; made up and printed where one is needed."
        ),
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option(
            help="Keep the rows of all results here (default: keep nothing).", callback=folder_to_write
        ),
    ] = None,
    weights: Weights = None,
    finder: Finder = None,
) -> None:
    """Open a page for photographs, clips and the webcam in the browser, and an interface for programs.

    [bold]idennet serve[/bold] prints the address of the page. Nothing leaves this machine, and
    nothing is kept after the answer unless you name a folder.
    """
    import secrets
    import socket

    from idennet.cli.console import Screen
    from idennet.errors import InputError, WeightsError
    from idennet.faces.finder import open_finder
    from idennet.inference.analyser import Analyser
    from idennet.models.action_units import ActionUnitModel
    from idennet.people.population import Population
    from idennet.serve.app import create_app
    from idennet.serve.guard import is_loopback
    from idennet.serve.server import Server

    if token is None and not is_loopback(host):
        token = secrets.token_urlsafe(24)
    try:
        population = Population.open(weights)
    except WeightsError as error:
        Screen().print(f"People are not told apart: {error}", style="dim", highlight=False, markup=False)
        population = None
    app = create_app(
        Analyser(open_finder(finder), ActionUnitModel.open(weights)),
        population=population,
        finder=finder,
        folder=folder,
        token=token,
    )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise InputError(
            f"Cannot listen on {host}, port {port}: {error.strerror}; choose another."
        ) from error
    shown = f"[{host}]" if ":" in host else host
    address = f"http://{shown}:{listener.getsockname()[1]}/" + (f"?token={token}" if token else "")
    Screen().print(f"Open {address}\nCtrl-C stops the server.", highlight=False, soft_wrap=True, markup=False)
    try:
        Server(app).run(sockets=[listener])
    except KeyboardInterrupt:  # the wished end of a server is no failure
        Screen().print("Stopped.", highlight=False)
    finally:
        listener.close()
