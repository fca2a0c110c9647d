"""What a user sees when something goes wrong: one sentence for a mistake, and how to go on after a stop."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup

from idennet.errors import REFUSALS, IdenNetError, MissingExtraError

EXIT_MISTAKE = 2

_EXTRAS = {
    **dict.fromkeys(("h5py", "pyarrow", "scipy", "skimage", "sklearn", "tensorboard"), "learn"),
    **dict.fromkeys(("jinja2", "matplotlib", "numba"), "research"),
    **dict.fromkeys(("fastapi", "prometheus_client", "uvicorn", "websockets"), "serve"),
}
"""Packages that only a wing or a verb needs, and the extra that brings them."""

_DELETES = "--fresh"
"""An option that deletes tables, which is no suggestion for whoever mistypes another."""

_STOPS = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]


class Stopped(KeyboardInterrupt):
    """The program is asked to end, not by Ctrl-C but by a signal such as SIGTERM."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


def exit_code(interruption: KeyboardInterrupt) -> int:
    """Return what a shell expects after a signal: 130 for Ctrl-C, 143 for SIGTERM, 129 for SIGHUP."""
    return 128 + (interruption.number if isinstance(interruption, Stopped) else signal.SIGINT)


class Verbs(TyperGroup):
    """The group of all verbs; whatever a verb raises for a user's mistake ends here.

    Other exceptions pass through, so a traceback always means a defect of IdenNet itself.
    """

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run as a program, on consoles of any encoding."""
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):  # whoever replaces it may give something simpler
                stream.reconfigure(errors="backslashreplace")
        return super().main(*args, **kwargs)

    def invoke(self, ctx: Any) -> object:
        """Run the verb; exit with code 2 after a mistake, with that of the signal after an interruption."""
        try:
            with _signals_interrupt():
                return super().invoke(ctx)
        except IdenNetError as error:
            complain(str(error))
            raise typer.Exit(EXIT_MISTAKE) from error
        except ModuleNotFoundError as error:
            package = (error.name or "").partition(".")[0]
            if package not in _EXTRAS:
                raise
            complain(str(MissingExtraError(f"{package}, which this verb uses,", _EXTRAS[package])))
            raise typer.Exit(EXIT_MISTAKE) from error
        except OSError as error:
            if error.errno not in REFUSALS:
                raise
            place = "The place to write to" if error.filename is None else error.filename
            complain(f"{place} cannot be used: {error.strerror}; choose another place.")
            raise typer.Exit(EXIT_MISTAKE) from error
        except KeyboardInterrupt as interruption:
            complain("Interrupted.")
            raise typer.Exit(exit_code(interruption)) from interruption
        except Exception as error:  # what knows no option has no public name in all of typer's versions
            if names := getattr(error, "possibilities", None):  # of an option that does not exist
                vars(error)["possibilities"] = [name for name in names if name != _DELETES]
            raise


def complain(sentence: str) -> None:
    """Print one red sentence on standard error, if anybody can still read it."""
    from rich.text import Text

    from idennet.cli.console import Screen

    Screen(stderr=True).print(Text(sentence, style="red"), soft_wrap=True)


@contextmanager
def _signals_interrupt() -> Iterator[None]:
    """Let signals that end the program end it as Ctrl-C does; those that are ignored (nohup) stay ignored."""

    def stop(number: int, frame: FrameType | None) -> NoReturn:
        raise Stopped(number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in _STOPS}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            if handler is not None:
                signal.signal(number, handler)
