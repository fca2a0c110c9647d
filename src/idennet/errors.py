"""Every error a user can cause, each with one sentence: what was given, what is allowed, what to do.

The command line prints the sentence and exits with code 2. Besides, only what a file system refuses is
caught there, so a traceback always means a defect of IdenNet itself.
"""

import errno
from collections.abc import Sequence

REFUSALS = (
    *(errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT),
    *(errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENAMETOOLONG),
)
"""What a file system says to a path that a user chose; other errors of files are defects."""


class IdenNetError(Exception):
    """Parent of all errors raised for a user's input."""


class InputError(IdenNetError, ValueError):
    """An argument or file has a value that is not allowed."""


class ShapeError(IdenNetError, ValueError):
    """An array or tensor has another shape or dtype than asked for."""


class UnknownActionUnitError(InputError):
    """A text names no Action Unit that is known here."""

    def __init__(self, given: object, known: Sequence[str]) -> None:
        super().__init__(f"Unknown Action Unit {given!r}; known are {', '.join(known)}.")


class ImageError(InputError):
    """A picture cannot be read; the sentence says why."""


class NoFaceError(IdenNetError, ValueError):
    """Nothing is read in any picture, for example because none shows a face."""


class StoreError(IdenNetError, ValueError):
    """A face store or corpus folder is missing, incomplete or of another version."""


class ProtocolError(IdenNetError, ValueError):
    """A protocol and the stores do not fit, or two results were not made by the same protocol."""


class RecipeError(IdenNetError, ValueError):
    """A recipe has an unknown field or a value that is not allowed."""


class WeightsError(IdenNetError, ValueError):
    """A weights file is missing, altered or belongs to another network."""


class MissingExtraError(IdenNetError, ImportError):
    """A feature needs an optional package that is not installed."""

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(
            f'{feature} needs the extra "{extra}"; install it with: pip install "idennet[{extra}]"'
        )
