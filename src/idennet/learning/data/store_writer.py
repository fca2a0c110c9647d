"""Writing a face store so that an interruption loses one part at most.

Parts gather under `.partial/`, each appearing complete by a rename. `finish` joins them into the three
files of the store and moves `store.json` into place last.
"""

import hashlib
import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from idennet import facs
from idennet.errors import ShapeError, StoreError
from idennet.faces.alignment import TEMPLATE
from idennet.files import draft_of, write_text
from idennet.learning.data.provenance import Origin, Provenance
from idennet.learning.data.readers.records import Totals
from idennet.learning.data.store import FACES, FORMAT, FRAMES, LEFT_OUT, MANIFEST, PARTIAL, FaceStore

_COLUMNS = ["subject", "sequence", "frame", "landmarks"]
_LEFT_OUT_COLUMNS = ["picture", "reason", "subject"]


@dataclass(frozen=True)
class Part:
    """A piece of a store.

    Attributes:
        faces: (N, 128, 128, 3) uint8.
        frames: N rows with the columns of `FaceStore.frames`; Action Unit columns may be missing.
        left_out: (picture, reason, subject) of what could not be used.
    """

    faces: NDArray[np.uint8]
    frames: pd.DataFrame
    left_out: Sequence[tuple[str, str, str]] = ()


class FaceStoreWriter:
    """Writes a face store part by part; begun again with the same settings, it keeps finished parts.

    ```python
    with FaceStoreWriter("stores/lfw", source="lfw") as writer:
        if not writer.has("000001"):
            writer.write("000001", Part(faces, frames))
        store = writer.finish(["000001"])
    ```

    Leaving the block without `finish` keeps the parts for the next try.
    """

    def __init__(
        self,
        path: str | Path,
        source: str,
        settings: dict[str, object] | None = None,
        *,
        origin: Origin = Origin.PHOTOGRAPHS,
        published: Totals | None = None,
    ) -> None:
        """Begin or continue a store.

        Args:
            path: The folder to make; it may hold an unfinished store of the same source and settings.
            source: What the faces come from.
            settings: JSON values that change the faces; parts made with others are not continued.
            origin: What kind of pictures they are.
            published: What the complete data set has, if others published it.

        Raises:
            StoreError: The folder holds a finished store, an unfinished other one, or other files.
        """
        self.path = Path(path)
        self._job: dict[str, object] = {
            "format": FORMAT,
            "template": TEMPLATE.name,
            "source": source,
            "settings": settings or {},
            "origin": origin,
        }
        self._origin, self._published = origin, published or Totals(None)

    def __enter__(self) -> "FaceStoreWriter":
        partial, job_file = self.path / PARTIAL, self.path / PARTIAL / "job.json"
        if (self.path / MANIFEST).exists():
            raise StoreError(f"{self.path} already holds a finished face store; delete it or choose another.")
        if self.path.exists() and not self.path.is_dir():
            raise StoreError(f"{self.path} is a file; a face store is a folder, choose another path.")
        if not partial.exists() and self.path.exists() and any(self.path.iterdir()):
            raise StoreError(f"{self.path} holds other files; choose an empty or new folder for the store.")
        partial.mkdir(parents=True, exist_ok=True)
        if job_file.exists():
            if json.loads(job_file.read_text(encoding="utf-8")) != self._job:
                raise StoreError(
                    f"{self.path} holds an unfinished store with another source or other settings; "
                    "delete it or choose another path."
                )
        else:
            write_text(job_file, json.dumps(self._job))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave finished parts where they are: the next try continues from them."""

    def has(self, key: str) -> bool:
        """Return whether part `key` is already written."""
        return self._part_folder(key).is_dir()

    def write(self, key: str, part: Part) -> None:
        """Write a part; it counts only once it is complete. `key` must be a valid file name.

        Raises:
            ShapeError: Faces and rows differ in number, or faces are not (N, 128, 128, 3) uint8.
        """
        count = len(part.frames)
        if part.faces.shape != (count, TEMPLATE.size, TEMPLATE.size, 3) or part.faces.dtype != np.uint8:
            raise ShapeError(
                f"A part with {count} rows needs faces ({count}, 128, 128, 3) uint8, "
                f"but has {part.faces.shape} {part.faces.dtype}."
            )
        draft = self.path / PARTIAL / f"{key}.draft"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir()
        np.save(draft / FACES, part.faces)
        _write_frames(part.frames, draft / FRAMES)
        pd.DataFrame(part.left_out, columns=_LEFT_OUT_COLUMNS).to_csv(draft / LEFT_OUT, index=False)
        draft.replace(self._part_folder(key))

    def finish(self, keys: Sequence[str]) -> FaceStore:
        """Join the parts `keys` in this order, remove all parts, and return the finished store.

        Raises:
            StoreError: No part has a face.
        """
        folders = [self._part_folder(key) for key in keys]
        frames = _join_frames([pd.read_parquet(folder / FRAMES) for folder in folders])
        with draft_of(self.path / LEFT_OUT) as table:
            self.left_out(keys).to_csv(table, index=False)
        if frames.empty:
            raise StoreError(f"No face found for {self.path}; see {self.path / LEFT_OUT} for why.")
        aus = [au for au in facs.NAMES if facs.column(au) in frames]
        partial = self.path / PARTIAL

        digest = _digest_of_frames(frames)
        joined = np.lib.format.open_memmap(
            partial / FACES, mode="w+", dtype=np.uint8, shape=(len(frames), TEMPLATE.size, TEMPLATE.size, 3)
        )
        first = 0
        for faces in _faces_of(folders):
            joined[first : first + len(faces)] = faces
            digest.update(np.ascontiguousarray(faces).data)
            first += len(faces)
        joined.flush()
        del joined
        _write_frames(frames, partial / FRAMES)

        manifest = {
            "format": FORMAT,
            "template": TEMPLATE.name,
            "source": self._job["source"],
            "settings": self._job["settings"],
            "provenance": self._provenance(frames).model_dump(mode="json"),
            "faces": len(frames),
            "aus": aus,
            "digest": digest.hexdigest(),
        }
        (partial / FACES).replace(self.path / FACES)
        (partial / FRAMES).replace(self.path / FRAMES)
        write_text(self.path / MANIFEST, json.dumps(manifest, indent=2) + "\n")
        shutil.rmtree(partial)
        return FaceStore.open(self.path)

    def _provenance(self, frames: pd.DataFrame) -> Provenance:
        return Provenance(
            origin=self._origin,
            subjects=frames["subject"].nunique(),
            faces=len(frames),
            published_subjects=self._published.subjects,
            published_faces=self._published.pictures,
        )

    def left_out(self, keys: Sequence[str]) -> pd.DataFrame:
        """Return what the parts `keys` left out: columns `picture`, `reason` and `subject`."""
        tables = [pd.read_csv(self._part_folder(key) / LEFT_OUT, dtype=str) for key in keys]
        return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=_LEFT_OUT_COLUMNS)

    def _part_folder(self, key: str) -> Path:
        return self.path / PARTIAL / f"{key}.part"


def _faces_of(folders: Sequence[Path]) -> Iterator[NDArray[np.uint8]]:
    """Yield the faces of each part, one part in memory at a time."""
    for folder in folders:
        yield np.load(folder / FACES, allow_pickle=False)


def _join_frames(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Join the parts' rows; an Action Unit that no row has coded gets no column."""
    if not tables:
        return pd.DataFrame(columns=_COLUMNS)
    joined = pd.concat(tables, ignore_index=True)
    joined["frame"] = joined["frame"].astype(np.int64)  # an empty part has no type
    names = list(_COLUMNS)
    for name in facs.columns(facs.NAMES):
        if name in joined:
            joined[name] = joined[name].fillna(facs.MISSING).astype(np.int8)
            names += [name] if (joined[name] != facs.MISSING).any() else []
    intensities = [f"{name}_intensity" for name in facs.columns(facs.NAMES)]
    sides = [name for au in facs.SIDED_AUS for name in facs.side_columns(au)]
    for name in (*intensities, *sides):
        if name in joined and joined[name].notna().any():
            joined[name] = joined[name].astype(np.float32)
            names.append(name)
    for name in map(facs.visible_column, facs.PARTS):
        if name in joined:
            joined[name] = joined[name].fillna(facs.MISSING).astype(np.int8)
            names.append(name)
    return joined[names]


def _write_frames(frames: pd.DataFrame, path: Path) -> None:
    """Write rows as Parquet; landmarks become a list of 136 float32, whatever the number of rows."""
    table = pa.Table.from_pandas(frames.drop(columns="landmarks"), preserve_index=False)
    flat = np.concatenate([np.empty(0, np.float32), *frames["landmarks"]]).astype(np.float32)
    landmarks = pa.FixedSizeListArray.from_arrays(pa.array(flat), 136)
    pq.write_table(table.add_column(_COLUMNS.index("landmarks"), "landmarks", landmarks), path)


def _digest_of_frames(frames: pd.DataFrame) -> "hashlib._Hash":
    """Begin the store's SHA-256 with names and bytes of all columns."""
    digest = hashlib.sha256()
    for name in frames.columns:
        column = frames[name]
        digest.update(f"\n{name}\n".encode())
        if name == "landmarks":
            digest.update(np.concatenate(column.to_list()).tobytes())
        elif column.dtype.kind in "if":
            digest.update(column.to_numpy().tobytes())
        else:
            digest.update("\n".join(column).encode())
    return digest
