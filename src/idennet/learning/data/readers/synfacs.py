"""Reader of SynFACS corpora: rendered faces with exact landmarks and Action Units.

Reads the folder that docs/architecture.md describes and shares no code with the renderer that writes it.
"""

import json
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from idennet import facs
from idennet.errors import StoreError
from idennet.learning.data.provenance import Origin
from idennet.learning.data.readers.records import CHUNK_PICTURES, Chunk, Record, chunk_key, file_state

FORMAT = 1
_NEEDED = ("subject", "sequence", "frame", "image", "landmarks")


class SynFacs:
    """A SynFACS corpus on disk.

    Attributes:
        root: The folder with `corpus.json`.
        name: `"synfacs-"` and the corpus's name.
    """

    origin = Origin.RENDERED

    def __init__(self, root: str | Path) -> None:
        """Check the folder's description.

        Raises:
            StoreError: The folder is missing, no SynFACS corpus, or of another format.
        """
        self.root = Path(root)
        description = self.root / "corpus.json"
        if not description.is_file():
            raise StoreError(f"There is no SynFACS corpus at {self.root} (no corpus.json); see idennet synth")
        try:
            content = json.loads(description.read_text(encoding="utf-8"))
            version, name = content["format"], str(content["name"])
        except (ValueError, KeyError, TypeError) as error:
            raise StoreError(f"{description} is damaged ({error!r}); render the corpus again.") from error
        if version != FORMAT:
            raise StoreError(f"{self.root} has corpus format {version}, but this program reads {FORMAT}.")
        self.name = name if name.startswith("synfacs-") else f"synfacs-{name}"

    def chunks(self) -> Sequence[Chunk]:
        """Return chunks of whole subjects.

        Raises:
            StoreError: There is no subject, or a subject's file is damaged.
        """
        files = sorted((self.root / "subjects").glob("*.parquet"))
        if not files:
            raise StoreError(f"{self.root} has no subjects yet; run the same idennet synth command again.")
        chunks: list[Chunk] = []
        waiting: list[Path] = []
        size = 0
        for file in files:
            waiting.append(file)
            size += _open(file).metadata.num_rows
            if size >= CHUNK_PICTURES or file is files[-1]:
                key = chunk_key(len(chunks), map(file_state, waiting))
                chunks.append(Chunk(key, size, partial(self._read_files, waiting)))
                waiting, size = [], 0
        return chunks

    def _read_files(self, files: Sequence[Path]) -> Iterator[Record]:
        for file in files:
            yield from self._read_file(file)

    def _read_file(self, file: Path) -> Iterator[Record]:
        """Yield the frames of one subject."""
        parquet = _open(file)
        present = set(parquet.schema_arrow.names)
        aus = [au for au in facs.NAMES if facs.column(au) in present]
        with_intensity = [au for au in aus if f"{facs.column(au)}_intensity" in present]
        with_sides = [au for au in facs.SIDED_AUS if present.issuperset(facs.side_columns(au))]
        parts = [part for part in facs.PARTS if facs.visible_column(part) in present]
        names = [
            *_NEEDED,
            *facs.columns(aus),
            *(f"{facs.column(au)}_intensity" for au in with_intensity),
            *(name for au in with_sides for name in facs.side_columns(au)),
            *map(facs.visible_column, parts),
        ]
        try:
            table = parquet.read(columns=names)
        except (OSError, pa.ArrowInvalid) as error:
            raise StoreError(f"{file} is damaged ({error}); delete it and render it again.") from error
        landmarks = table["landmarks"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
        if len(landmarks) != 136 * len(table):
            raise StoreError(f"{file} has rows without 136 landmark numbers; delete it and render it again.")
        landmarks = landmarks.astype(np.float32).reshape(-1, 68, 2)
        labels = {au: table[facs.column(au)].to_numpy() for au in aus}
        intensities = {au: table[f"{facs.column(au)}_intensity"].to_numpy() for au in with_intensity}
        sides = {
            au: np.column_stack([table[name].to_numpy() for name in facs.side_columns(au)])
            for au in with_sides
        }
        visible = {part: table[facs.visible_column(part)].to_numpy() for part in parts}
        for row in range(len(table)):
            subject = str(table["subject"][row].as_py())
            yield Record(
                corpus=self.name,
                subject=subject if subject.startswith(f"{self.name}/") else f"{self.name}/{subject}",
                sequence=str(table["sequence"][row].as_py()),
                frame=int(table["frame"][row].as_py()),
                image=table["image"][row].as_py(),
                landmarks=landmarks[row],
                au_labels={au: int(column[row]) for au, column in labels.items()},
                au_intensities={
                    au: float(column[row]) for au, column in intensities.items() if np.isfinite(column[row])
                },
                au_sides={
                    au: (float(both[row, 0]), float(both[row, 1]))
                    for au, both in sides.items()
                    if np.isfinite(both[row]).all()
                },
                visible={part: int(column[row]) for part, column in visible.items()},
            )


def _open(file: Path) -> pq.ParquetFile:
    """Open a subject's file and check that it has the columns that every corpus has."""
    try:
        parquet = pq.ParquetFile(file)
    except (OSError, pa.ArrowInvalid) as error:
        raise StoreError(f"{file} is damaged ({error}); delete it and render it again.") from error
    if missing := [name for name in _NEEDED if name not in parquet.schema_arrow.names]:
        raise StoreError(f"{file} lacks the columns {', '.join(missing)}; it is no SynFACS subject.")
    return parquet
