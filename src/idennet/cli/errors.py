"""What a user sees when something goes wrong: one sentence for a mistake, and how to go on after Ctrl-C."""

import errno
from typing import Any

import typer
from rich.console import Console
from rich.text import Text
from typer.core import TyperGroup

from idennet.errors import IdenNetError, MissingExtraError

EXIT_MISTAKE = 2
EXIT_INTERRUPTED = 130

_REFUSALS = (
    *(errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT),
    *(errno.ENOTDIR, errno.EISDIR, errno.EEXIST),
)
"""What a file system says to a path that a user chose; other errors of files are defects."""

_EXTRAS = {
    **dict.fromkeys(("av", "h5py", "pyarrow", "scipy", "skimage", "sklearn", "tensorboard"), "learn"),
    **dict.fromkeys(("jinja2", "matplotlib", "numba"), "research"),
}
"""Packages that only a wing needs, and the extra that brings them."""


class Verbs(TyperGroup):
    """The group of all verbs; whatever a verb raises for a user's mistake ends here.

    Other exceptions pass through, so a traceback always means a defect of IdenNet itself.
    """

    def invoke(self, ctx: Any) -> object:
        """Run the verb; exit with code 2 after a mistake, with 130 after an interruption."""
        try:
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
            if error.errno not in _REFUSALS:
                raise
            place = "The folder to write to" if error.filename is None else error.filename
            complain(f"{place} cannot be used: {error.strerror}; choose another place.")
            raise typer.Exit(EXIT_MISTAKE) from error
        except KeyboardInterrupt as interruption:
            complain("Interrupted; run the same command again to resume.")
            raise typer.Exit(EXIT_INTERRUPTED) from interruption


def complain(sentence: str) -> None:
    """Print one red sentence on standard error."""
    Console(stderr=True).print(Text(sentence, style="red"), soft_wrap=True)
