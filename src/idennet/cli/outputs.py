"""The folder that `idennet detect --out` fills: `aus.csv`, `aus.json` and `overlays/`."""

import os
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from idennet.errors import InputError
from idennet.inference.result import Result
from idennet.inference.sinks import CsvSink, JsonSink

CSV_NAME, JSON_NAME, OVERLAYS_NAME = "aus.csv", "aus.json", "overlays"
_JPEG_SUFFIXES = (".jpg", ".jpeg")


class Outputs(AbstractContextManager["Outputs"]):
    """Writes results to a folder; the tables appear when the block ends without an error.

    Args:
        folder: Made when it does not exist.
        paths: All pictures to come; overlays keep their folders below the common one.
        aus: Action Units of the network.
        model_version: Version of the weights.
        draw: Also write overlays.

    Raises:
        InputError: The folder cannot be written.
    """

    def __init__(
        self, folder: Path, paths: Sequence[Path], aus: Sequence[int], model_version: str, draw: bool
    ) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"Cannot make the folder {folder}: {error.strerror}.") from error
        self.folder = folder
        self._draw = draw
        self._root = Path(os.path.commonpath([_plain(path).parent for path in paths]))
        self._stack = ExitStack()
        self._sinks = (
            self._stack.enter_context(CsvSink(folder / CSV_NAME, aus)),
            self._stack.enter_context(JsonSink(folder / JSON_NAME, aus, model_version)),
        )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finish the tables, or discard them after an error."""
        self._stack.__exit__(kind, error, trace)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def write(self, result: Result) -> None:
        """Add one picture: rows in the tables and, when it has faces, an overlay."""
        for sink in self._sinks:
            sink.write(result)
        if self._draw and result.faces:
            target = self._overlay_path(Path(result.source))
            target.parent.mkdir(parents=True, exist_ok=True)
            result.draw().save(target, quality=92, subsampling=0)

    def _overlay_path(self, source: Path) -> Path:
        relative = _plain(source).relative_to(self._root)
        if relative.suffix.lower() not in _JPEG_SUFFIXES:
            relative = relative.with_name(f"{relative.name}.jpg")
        return self.folder / OVERLAYS_NAME / relative


def _plain(path: Path) -> Path:
    """Return the absolute path without `..`, through which an overlay would leave its folder."""
    return Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow links


def made_by_us(path: Path, folder: Path | None) -> bool:
    """Say whether a picture is an overlay of an earlier run with the same output folder."""
    return folder is not None and (folder / OVERLAYS_NAME).resolve() in path.resolve().parents
