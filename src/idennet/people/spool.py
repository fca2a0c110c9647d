"""Results wait on the disk, so that what follows from all of them needs the memory of one."""

import pickle
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from types import TracebackType

from idennet.errors import InputError
from idennet.inference.result import Result


class Spool(AbstractContextManager["Spool"]):
    """Results in a nameless temporary file, about 4 KB a face, that is gone when the program ends.

    Aligned faces, and the pixels of frames, are not kept.
    """

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by __exit__
        self._count = 0

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Delete the file."""
        self._file.close()

    def append(self, result: Result) -> None:
        """Add a result.

        Raises:
            InputError: The disk is full.
        """
        faces = tuple(replace(face, crop=None) for face in result.faces)
        frame = None if result.time is not None else result._frame
        try:
            pickle.dump(replace(result, faces=faces, _frame=frame), self._file, pickle.HIGHEST_PROTOCOL)
        except OSError as error:
            raise InputError(
                f"The folder for temporary files, {tempfile.gettempdir()}, takes no more: {error.strerror}; "
                "name a larger one in the variable TMPDIR."
            ) from error
        self._count += 1

    def __iter__(self) -> Iterator[Result]:
        """Yield all results from the first; one iteration at a time."""
        self._file.seek(0)
        for _ in range(self._count):
            yield pickle.load(self._file)  # written by this process, reachable by no other
