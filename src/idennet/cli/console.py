"""The terminal: one that closes its end of a pipe, or cannot show a letter, costs no result."""

import os
import sys

from rich.console import Console


class Screen(Console):
    """A console that falls silent when nobody reads it any more, as behind `| head`.

    Attributes:
        closed: Whether that has happened.
    """

    closed = False

    def on_broken_pipe(self) -> None:
        """Fall silent, also when the interpreter flushes its streams at the end."""
        self.quiet = self.closed = True
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, (sys.stderr if self.stderr else sys.stdout).fileno())
        os.close(nowhere)

    @property
    def plain(self) -> bool:
        """Whether only ASCII letters can be relied on."""
        return not self.encoding.startswith("utf")
