"""Reader of CelebA (Liu, Luo, Wang and Tang, 2015): pictures of 10,177 identities, no Action Units.

Accepts the authors' folders (`Img`, `Anno`, `Eval`), torchvision's flat folder and Kaggle's comma-separated
lists. Two of the five given points are the eye centres.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np

from idennet.errors import InputError, StoreError
from idennet.learning.data.provenance import Origin
from idennet.learning.data.readers import records
from idennet.learning.data.readers.celeba_files import SOURCE, CelebaFiles, Pictures
from idennet.learning.data.readers.records import Chunk, Record, Totals, chunk_key, file_state

Partition = Literal["all", "train", "valid", "test"]

_PUBLISHED = {
    "all": Totals(pictures=202_599, subjects=10_177),
    "train": Totals(pictures=162_770),
    "valid": Totals(pictures=19_867),
    "test": Totals(pictures=19_962),
}


@dataclass(frozen=True)
class _Row:
    """One picture: its identity, and its eye centres where they are known: x, y, x, y."""

    identity: int
    file: Path
    eyes: tuple[float, ...] | None


class Celeba:
    """A copy of CelebA.

    Attributes:
        root: The folder with `Img` and `Anno`, or with everything flat.
        name: Name of the corpus, part of every subject's name: `celeba/2880`.
        published: What the complete data set, or the chosen partition, has.
    """

    origin = Origin.LICENSED

    def __init__(
        self,
        root: str | Path,
        *,
        pictures: Pictures = "aligned",
        partition: Partition = "all",
        identities: str | Path | None = None,
        name: str = "celeba",
    ) -> None:
        """Keep what to read and how.

        Args:
            root: The copy.
            pictures: `"aligned"` reads `img_align_celeba`, `"wild"` the original pictures in `img_celeba`;
                each with the landmarks that belong to it.
            partition: Pictures of one part of `list_eval_partition.txt`. The paper does not say which it
                used; by default all.
            identities: The identity list, where a mirror calls it otherwise than `identity_CelebA.txt`.
            name: Name of the corpus.

        Raises:
            InputError: `pictures` or `partition` has another value.
        """
        self.root, self.name = Path(root), name
        self._pictures, self._partition = pictures, partition
        self._files = CelebaFiles(self.root, pictures, Path(identities) if identities else None)
        if partition not in _PUBLISHED:
            raise InputError(f"CelebA's partition is {partition!r}; allowed are all, train, valid and test.")
        self.published = _PUBLISHED[partition]

    @property
    def settings(self) -> Mapping[str, object]:
        """Return the choices that change which pictures the store has."""
        return {"pictures": self._pictures, "partition": self._partition}

    def chunks(self) -> Sequence[Chunk]:
        """Return all pictures that have an identity, in the order of their names.

        A picture that is listed but not there is yielded, so that `prepare` counts it; one without
        points gets no eyes.

        Raises:
            StoreError: Identities or pictures are missing, or a list is damaged.
        """
        if not self.root.is_dir():
            raise StoreError(self._no_folder())
        rows = list(self._rows())
        chunks: list[Chunk] = []
        for first in range(0, len(rows), records.CHUNK_PICTURES):
            some = rows[first : first + records.CHUNK_PICTURES]
            content = [*some, *(file_state(row.file) for row in some if row.file.exists())]
            chunks.append(Chunk(chunk_key(len(chunks), content), len(some), partial(self._read, some)))
        return chunks

    def check(self) -> list[str]:
        """Return what is missing or damaged in the folder, one sentence each, and how to get it."""
        if not self.root.is_dir():
            return [self._no_folder()]
        findings: list[str] = []
        identities: dict[str, int] = {}
        files: dict[str, Path] = {}
        try:
            identities = self._files.identities()
        except StoreError as error:
            findings.append(str(error))
        try:
            files = self._files.pictures()
        except StoreError as error:
            findings.append(str(error))
        if identities:
            findings += self._incomplete(identities)
        if identities and files:
            findings += self._absent(identities, files)
        try:
            if self._files.landmark_file() is None:
                findings.append(
                    f"{self.root} has no {self._files.landmarks}.txt, so faces have to be found anew; "
                    f"get it from the folder Anno of {SOURCE}."
                )
            self._files.eyes()
            findings += self._shared_identities(identities)
        except StoreError as error:
            findings.append(str(error))
        return findings + self.cut_labels()

    def cut_labels(self) -> list[str]:
        """Return one sentence for each list that lacks pictures that another list, or the folder, has."""
        identities = self._known(self._files.identities)
        landmarks, partitions = self._known(self._files.eyes), self._known(self._partitions_if_there)
        if not identities:
            return []
        listed = identities | landmarks | partitions
        lists = {
            "identity list": identities,
            f"list {self._files.landmarks}": landmarks,
            "list list_eval_partition": partitions,
        }
        findings = [
            f"The {name} of {self.root} lacks {len(absent)} of the {len(listed)} pictures of the other "
            f"lists, first {absent[0]}; it was cut off, copy it again."
            for name, known in lists.items()
            if known and (absent := sorted(listed - known))
        ]
        if unknown := sorted(self._known(self._files.pictures) - listed):
            findings.append(
                f"{self._files.folder()} has {len(unknown)} pictures without an identity, the first is "
                f"{unknown[0]}; they are not used. If the lists were cut off, copy them again."
            )
        return findings

    def _known(self, read: Callable[[], Mapping[str, object]]) -> set[str]:
        """Return the pictures that a list has; none where it is not there or damaged, which `check` says."""
        try:
            return set(read())
        except StoreError:
            return set()

    def _partitions_if_there(self) -> Mapping[str, str]:
        return self._files.partitions() if self._files.partition_file() else {}

    def _incomplete(self, identities: Mapping[str, int]) -> list[str]:
        """Return a sentence if fewer pictures are listed than were published."""
        try:
            partitions = {} if self._partition == "all" else self._files.partitions()
        except StoreError as error:
            return [str(error)]
        chosen = [stem for stem in identities if self._partition in ("all", partitions.get(stem))]
        there = Totals(len(chosen), len({identities[stem] for stem in chosen}))
        return there.finding(self.root, self.published, f"get the rest from {SOURCE}")

    def _no_folder(self) -> str:
        return f"There is no folder {self.root}; it needs Img and Anno of CelebA ({SOURCE})."

    def _rows(self) -> Iterator[_Row]:
        """Yield the rows of the wanted partition, sorted by name."""
        identities, files, eyes = self._files.identities(), self._files.pictures(), self._files.eyes()
        partitions = {} if self._partition == "all" else self._files.partitions()
        folder = self._files.folder()
        for stem in sorted(identities):
            if self._partition != "all" and partitions.get(stem) != self._partition:
                continue
            yield _Row(identities[stem], files.get(stem, folder / f"{stem}.jpg"), eyes.get(stem))

    def _read(self, rows: Sequence[_Row]) -> Iterator[Record]:
        for row in rows:
            number = re.search(r"(\d+)$", row.file.stem)
            yield Record(
                corpus=self.name,
                subject=f"{self.name}/{row.identity}",
                sequence=row.file.stem,
                frame=int(number.group()) if number else 0,
                image=row.file,
                eyes=None if row.eyes is None else np.array(row.eyes, np.float32).reshape(2, 2),
            )

    def _absent(self, identities: Mapping[str, int], files: Mapping[str, Path]) -> Iterator[str]:
        """Yield a sentence if pictures with an identity are not in the folder."""
        if absent := sorted(identities.keys() - files.keys()):
            yield (
                f"{self._files.folder()} lacks {len(absent)} of the {len(identities)} pictures with an "
                f"identity, first {absent[0]}; unpack the archive again."
            )

    def _shared_identities(self, identities: Mapping[str, int]) -> Iterator[str]:
        """Yield a sentence where an identity is in two partitions, which a split by partition would leak."""
        if self._files.partition_file() is None:
            return
        partitions: dict[int, set[str]] = {}
        for stem, part in self._files.partitions().items():
            if stem in identities:
                partitions.setdefault(identities[stem], set()).add(part)
        if shared := sorted(identity for identity, parts in partitions.items() if len(parts) > 1):
            yield (
                f"{len(shared)} identities are in more than one partition, the first is {shared[0]}; do not "
                "train and test on different partitions of this copy."
            )
