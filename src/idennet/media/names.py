"""Names of files as text that every table, screen and file takes."""

import os
from pathlib import Path


def text_of(path: str | Path) -> str:
    r"""Return a path as printable Unicode; bytes that are not UTF-8 become escapes: `Andr\xe9.jpg`.

    Open files by their path, not by this text.
    """
    return os.fsencode(path).decode("utf-8", "backslashreplace")
