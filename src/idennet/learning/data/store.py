"""The face store: aligned faces and their labels in one folder, read without loading it into memory.

`faces.npy` holds N x 128 x 128 x 3 uint8, `frames.parquet` one row a face, `store.json` format, template,
source, provenance, Action Units and digest. `store.json` appears last, so a folder that has it is complete.
Writing lives in `idennet.learning.data.store_writer`.
"""

import copy
import json
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from pydantic import ValidationError

from idennet import facs
from idennet.errors import InputError, StoreError
from idennet.faces.alignment import TEMPLATE
from idennet.learning.data.provenance import Provenance

Number = TypeVar("Number", np.int8, np.float32)

FORMAT = 2
"""Version of the folder's layout; a reader accepts only its own."""

FACES, FRAMES, LEFT_OUT, MANIFEST = "faces.npy", "frames.parquet", "left_out.csv", "store.json"
PARTIAL = ".partial"


class FaceStore:
    """Aligned faces with subjects and Action Unit labels; row i of everything is one face.

    Attributes:
        path: The folder.
        frames: One row a face: `subject`, `sequence`, `frame`, `landmarks` (136 float32, crop pixels,
            NaN where unknown), `AU12` in {1, 0, -1}, and where the source has them `AU12_intensity`,
            `AU12_left_intensity`, `AU12_right_intensity` and `mouth_visible`.
        aus: Action Units with at least one label in the store.
        digest: SHA-256 of all faces and rows of the stored folder, in hexadecimal.
        source: What the store was made of, for example `"synfacs-crowd"`.
        provenance: Where the faces of the stored folder come from, and how much of a data set they are.
        index: (N,) rows of `faces.npy` that belong to this store: all, or those of a selection.
    """

    conditions: ClassVar[Mapping[str, NDArray[np.int8]]] = MappingProxyType({})
    """Nothing: a store knows Action Units alone, unlike a list of pictures."""

    def __init__(
        self,
        path: Path,
        manifest: dict[str, object],
        file_faces: NDArray[np.uint8],
        frames: pd.DataFrame,
        index: NDArray[np.int64],
    ) -> None:
        """Use `FaceStore.open`."""
        self.path = path
        self.frames = frames
        self.index = index
        self.digest = str(manifest["digest"])
        self.source = str(manifest["source"])
        self.provenance = Provenance.model_validate(manifest["provenance"])
        self.aus: tuple[int, ...] = tuple(manifest["aus"])  # type: ignore[arg-type]
        self._manifest = manifest
        self._file_faces = file_faces

    @classmethod
    def open(cls, path: str | Path) -> "FaceStore":
        """Open a finished store; its faces stay on disk.

        Raises:
            StoreError: The folder is missing, unfinished, damaged, or of another format or template.
        """
        folder = Path(path)
        manifest = _read_manifest(folder)
        faces = _open_faces(folder)
        try:
            frames = pd.read_parquet(folder / FRAMES)
        except (OSError, ValueError) as error:
            raise StoreError(
                f"{folder / FRAMES} cannot be read ({error}); prepare the store again."
            ) from error
        if len(frames) != len(faces):
            raise StoreError(
                f"{folder} is damaged: {FACES} has {len(faces)} faces, {FRAMES} has {len(frames)} rows; "
                "prepare the store again."
            )
        _check_labels(folder, frames)
        return cls(folder, manifest, faces, frames, np.arange(len(frames), dtype=np.int64))

    def __len__(self) -> int:
        return len(self.index)

    def __repr__(self) -> str:
        return f"FaceStore({str(self.path)!r}: {len(self)} faces of {len(self.subjects)} subjects)"

    @cached_property
    def faces(self) -> NDArray[np.uint8]:
        """(N, 128, 128, 3) uint8 RGB, read-only: mapped from disk; for a selection, copied on first use."""
        if len(self) == len(self._file_faces):
            return self._file_faces
        chosen = self._file_faces[self.index]
        chosen.flags.writeable = False
        return chosen

    def read(self, rows: ArrayLike) -> NDArray[np.uint8]:
        """Return a copy of the faces at `rows` (K,) of this store or selection as (K, 128, 128, 3) uint8."""
        return np.asarray(self._file_faces[self.index[np.asarray(rows)]])

    @cached_property
    def subjects(self) -> tuple[str, ...]:
        """Names of the subjects, each once, sorted."""
        return tuple(sorted(self.frames["subject"].unique()))

    @cached_property
    def subject_index(self) -> NDArray[np.int64]:
        """(N,) for each face the position of its subject in `subjects`."""
        return np.searchsorted(np.array(self.subjects), self.frames["subject"].to_numpy(str)).astype(np.int64)

    @property
    def left_out(self) -> tuple[tuple[str, str], ...]:
        """Picture and reason of what the stored folder has no face of."""
        table = pd.read_csv(self.path / LEFT_OUT, dtype=str)
        return tuple(zip(table["picture"], table["reason"], strict=True))

    @property
    def landmarks(self) -> NDArray[np.float32]:
        """(N, 68, 2) float32 pixels of the crop; NaN where the source has no landmarks."""
        rows = self.frames["landmarks"]
        return np.stack(rows.to_list()).reshape(-1, 68, 2) if len(rows) else np.empty((0, 68, 2), np.float32)

    def labels(self, aus: Iterable[int]) -> NDArray[np.int8]:
        """Return occurrence labels (N, A) int8 in the order of `aus`: 1, 0, or -1 where nobody coded."""
        names = facs.columns(aus)
        return self._fill(names, np.full((len(self), len(names)), facs.MISSING, dtype=np.int8))

    def intensities(self, aus: Iterable[int]) -> NDArray[np.float32]:
        """Return intensities (N, A) float32 in order of `aus`, in the unit of the source or NaN."""
        names = [f"{name}_intensity" for name in facs.columns(aus)]
        return self._fill(names, np.full((len(self), len(names)), np.nan, dtype=np.float32))

    def sides(self, aus: Iterable[int]) -> NDArray[np.float32]:
        """Return intensities (N, A, 2) float32 on the subject's left and right, in order of `aus`, or NaN."""
        names = [name for au in aus for name in facs.side_columns(au)]
        values = self._fill(names, np.full((len(self), len(names)), np.nan, dtype=np.float32))
        return values.reshape(len(self), -1, 2)

    def visible(self) -> NDArray[np.int8]:
        """Return (N, 3) int8 for `facs.PARTS`: 1 (seen), 0 (hidden) or -1 (partly or unknown)."""
        names = list(map(facs.visible_column, facs.PARTS))
        return self._fill(names, np.full((len(self), len(names)), facs.MISSING, dtype=np.int8))

    def _fill(self, names: list[str], values: NDArray[Number]) -> NDArray[Number]:
        """Overwrite the columns of `values` (N, A) that the table has."""
        for position, name in enumerate(names):
            if name in self.frames:
                values[:, position] = self.frames[name].to_numpy()
        return values

    def with_labels(self, labels: Mapping[str, NDArray[np.int8]]) -> "FaceStore":
        """Return the same faces with other occurrence labels, (N,) by column, for example `AU12`."""
        relabelled = copy.copy(self)
        relabelled.frames = self.frames.assign(**labels)
        return relabelled

    def select(self, subjects: Iterable[str]) -> "FaceStore":
        """Return the faces of some subjects as a store of their own; `index` has their rows in the file.

        Raises:
            InputError: A subject is not in this store.
        """
        wanted = set(subjects)
        if unknown := sorted(wanted - set(self.subjects)):
            known = ", ".join(self.subjects[:3])
            raise InputError(f"{self.path} has no subject {unknown[0]!r}; its subjects are {known}, ...")
        rows = np.flatnonzero(self.frames["subject"].isin(wanted).to_numpy())
        frames = self.frames.iloc[rows].reset_index(drop=True)
        return FaceStore(self.path, self._manifest, self._file_faces, frames, self.index[rows])


def _read_manifest(folder: Path) -> dict[str, object]:
    """Return `store.json` after checking that this program can use the store."""
    if not folder.is_dir():
        raise StoreError(f"There is no face store at {folder}; make one with: idennet prepare")
    if not (folder / MANIFEST).is_file():
        if (folder / PARTIAL).is_dir():
            raise StoreError(f"The face store {folder} is unfinished; run the same prepare command again.")
        raise StoreError(f"{folder} is no face store: it has no {MANIFEST}; make one with: idennet prepare")
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except ValueError as error:
        raise StoreError(f"{folder / MANIFEST} is damaged ({error}); prepare the store again.") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        found = manifest.get("format") if isinstance(manifest, dict) else None
        raise StoreError(f"{folder} has store format {found}, this program reads {FORMAT}; prepare it again.")
    if manifest.get("template") != TEMPLATE.name:
        raise StoreError(
            f"{folder} has faces aligned to template {manifest.get('template')!r}, this program uses "
            f"{TEMPLATE.name!r}; prepare the store again."
        )
    if missing := {"source", "provenance", "aus", "digest"} - manifest.keys():
        raise StoreError(f"{folder / MANIFEST} lacks {', '.join(sorted(missing))}; prepare the store again.")
    try:
        Provenance.model_validate(manifest["provenance"])
    except ValidationError as error:
        raise StoreError(f"{folder / MANIFEST} has a damaged provenance; prepare the store again.") from error
    return manifest


def _check_labels(folder: Path, frames: pd.DataFrame) -> None:
    """Check that every occurrence label is 1, 0 or -1."""
    for name in set(facs.columns(facs.NAMES)) & set(frames):
        if (wrong := ~frames[name].isin((1, 0, facs.MISSING))).any():
            raise StoreError(
                f"{folder / FRAMES} has the label {frames.loc[wrong, name].iloc[0]} of {name}; "
                f"allowed are 1, 0 and {facs.MISSING}; prepare the store again."
            )


def _open_faces(folder: Path) -> NDArray[np.uint8]:
    """Map `faces.npy` read-only and check its shape."""
    try:
        faces = np.load(folder / FACES, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise StoreError(f"{folder / FACES} cannot be read ({error}); prepare the store again.") from error
    if faces.shape[1:] != (TEMPLATE.size, TEMPLATE.size, 3) or faces.dtype != np.uint8:
        raise StoreError(f"{folder / FACES} is {faces.shape} {faces.dtype}, not (N, 128, 128, 3) uint8.")
    return faces
