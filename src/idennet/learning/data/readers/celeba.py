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
from idennet.learning.data.readers.listings import find_file, numbered_lines
from idennet.learning.data.readers.records import Chunk, Record, Totals, chunk_key, file_state
from idennet.learning.data.readers.tree import folders_below
from idennet.media.kinds import SUFFIXES

Pictures = Literal["aligned", "wild"]
Partition = Literal["all", "train", "valid", "test"]

SOURCE = "https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html"
_PARTITIONS = ("train", "valid", "test")
_PUBLISHED = {
    "all": Totals(pictures=202_599, subjects=10_177),
    "train": Totals(pictures=162_770),
    "valid": Totals(pictures=19_867),
    "test": Totals(pictures=19_962),
}
_FOLDERS = {"aligned": ("img_align_celeba", "img_align_celeba_png"), "wild": ("img_celeba",)}
_LANDMARKS = {"aligned": "list_landmarks_align_celeba", "wild": "list_landmarks_celeba"}
_EYES = (
    "lefteye_x",
    "lefteye_y",
    "righteye_x",
    "righteye_y",
)  # left in the picture: the right eye comes first


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
        self._identities = Path(identities) if identities else None
        if pictures not in _FOLDERS:
            raise InputError(f"CelebA's pictures are {pictures!r}; allowed are 'aligned' and 'wild'.")
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
            identities = self._read_identities()
        except StoreError as error:
            findings.append(str(error))
        try:
            files = self._files()
        except StoreError as error:
            findings.append(str(error))
        if identities:
            findings += self._incomplete(identities)
        if identities and files:
            findings += self._absent(identities, files)
        try:
            if self._landmark_file() is None:
                findings.append(
                    f"{self.root} has no {_LANDMARKS[self._pictures]}.txt, so faces have to be found anew; "
                    f"get it from the folder Anno of {SOURCE}."
                )
            self._read_eyes()
            findings += self._shared_identities(identities)
        except StoreError as error:
            findings.append(str(error))
        return findings + self.cut_labels()

    def cut_labels(self) -> list[str]:
        """Return one sentence for each list that lacks pictures that another list, or the folder, has."""
        identities = self._known(self._read_identities)
        landmarks, partitions = self._known(self._read_eyes), self._known(self._partitions_if_there)
        if not identities:
            return []
        listed = identities | landmarks | partitions
        lists = {
            "identity list": identities,
            f"list {_LANDMARKS[self._pictures]}": landmarks,
            "list list_eval_partition": partitions,
        }
        findings = [
            f"The {name} of {self.root} lacks {len(absent)} of the {len(listed)} pictures of the other "
            f"lists, first {absent[0]}; it was cut off, copy it again."
            for name, known in lists.items()
            if known and (absent := sorted(listed - known))
        ]
        if unknown := sorted(self._known(self._files) - listed):
            findings.append(
                f"{self._folder()} has {len(unknown)} pictures without an identity, the first is "
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
        return self._read_partitions() if self._partition_file() else {}

    def _incomplete(self, identities: Mapping[str, int]) -> list[str]:
        """Return a sentence if fewer pictures are listed than were published."""
        try:
            partitions = {} if self._partition == "all" else self._read_partitions()
        except StoreError as error:
            return [str(error)]
        chosen = [stem for stem in identities if self._partition in ("all", partitions.get(stem))]
        there = Totals(len(chosen), len({identities[stem] for stem in chosen}))
        return there.finding(self.root, self.published, f"get the rest from {SOURCE}")

    def _no_folder(self) -> str:
        return f"There is no folder {self.root}; it needs Img and Anno of CelebA ({SOURCE})."

    def _rows(self) -> Iterator[_Row]:
        """Yield the rows of the wanted partition, sorted by name."""
        identities, files, eyes = self._read_identities(), self._files(), self._read_eyes()
        partitions = {} if self._partition == "all" else self._read_partitions()
        folder = self._folder()
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

    def _find(self, *names: str) -> Path | None:
        """Return the first of these files, wherever it is, without looking through the pictures."""
        return find_file(self.root, *names, enter=_holds_no_pictures)

    def _folder(self) -> Path:
        """Return the folder of the pictures."""
        names = _FOLDERS[self._pictures]
        below = {folder.name: folder for folder in folders_below(self.root, enter=_holds_no_pictures)}
        folder = next((below[name] for name in names if name in below), None)
        if folder is not None:
            inner = folder / folder.name  # asked for by name: listing all pictures takes seconds
            return inner if inner.is_dir() else folder
        archive = self._find(*(f"{name}.{suffix}" for name in names for suffix in ("zip", "7z", "7z.001")))
        if archive is not None:
            raise StoreError(f"{archive} is not unpacked; unpack it into {archive.parent}.")
        raise StoreError(
            f"{self.root} has no folder {names[0]} with pictures; unpack {names[0]}.zip of {SOURCE} there."
            if self._pictures == "aligned"
            else f"{self.root} has no folder img_celeba with the original pictures; unpack all parts of "
            f"img_celeba.7z of {SOURCE} there."
        )

    def _files(self) -> dict[str, Path]:
        """Return the pictures by name without suffix: the lists say `.jpg` for PNG files, too."""
        folder = self._folder()
        shown = (file for file in folder.iterdir() if not file.name.startswith("."))
        files = {file.stem: file for file in shown if file.suffix.lower() in SUFFIXES}
        if not files:
            raise StoreError(f"{folder} has no pictures like 000001.jpg; unpack CelebA's archive again.")
        return files

    def _read_identities(self) -> dict[str, int]:
        """Return the identity of each picture; its list has no header."""
        file = self._identities or self._find("identity_CelebA.txt", "labels.txt")
        if file is None or not file.is_file():
            raise StoreError(
                f"{self.root} has no identity_CelebA.txt, which tells who is in each picture; get it from "
                f"the folder Anno of {SOURCE} (Kaggle's copy lacks it)."
            )
        return _pairs(file, numbered_lines(file))

    def _read_partitions(self) -> dict[str, str]:
        """Return the partition of each picture; the list has no header, Kaggle's has one."""
        file = self._partition_file()
        if file is None:
            raise StoreError(
                f"{self.root} has no list_eval_partition.txt; get it from the folder Eval of {SOURCE}, or "
                "take all pictures."
            )
        pairs = _pairs(file, numbered_lines(file)[file.suffix == ".csv" :])
        if wrong := set(pairs.values()) - {0, 1, 2}:
            raise StoreError(f"{file} has the partition {min(wrong)}; allowed are 0, 1 and 2; copy it again.")
        return {stem: _PARTITIONS[number] for stem, number in pairs.items()}

    def _partition_file(self) -> Path | None:
        return self._find("list_eval_partition.txt", "list_eval_partition.csv")

    def _landmark_file(self) -> Path | None:
        name = _LANDMARKS[self._pictures]
        return self._find(f"{name}.txt", f"{name}.csv")

    def _read_eyes(self) -> dict[str, tuple[float, ...]]:
        """Return the eye centres of each picture: x, y, x, y; empty without a list.

        The list has two lines of header: how many pictures, and ten column names. Kaggle's has one.
        """
        file = self._landmark_file()
        if file is None:
            return {}
        lines = numbered_lines(file)
        promised = None
        if file.suffix == ".txt" and lines:
            promised = int(lines[0][1]) if lines[0][1].isdecimal() else None
            if promised is None:
                raise StoreError(f"{file}, line 1: has no number of pictures; copy it again.")
            lines = lines[1:]
        header = [name for name in _values(lines[0][1]) if name != "image_id"] if lines else []
        if missing := [name for name in _EYES if name not in header]:
            raise StoreError(f"{file} lacks the column {missing[0]}; copy it again.")
        columns = [1 + header.index(name) for name in _EYES]
        eyes: dict[str, tuple[float, ...]] = {}
        for number, line in lines[1:]:
            values = _values(line)
            try:
                eyes[Path(values[0]).stem] = tuple(float(values[column]) for column in columns)
            except (ValueError, IndexError) as error:
                raise StoreError(f"{file}, line {number}: is no picture with five points.") from error
        if promised not in (None, len(eyes)):
            raise StoreError(
                f"{file} promises {promised} pictures but lists {len(eyes)}; it was cut off, copy it again."
            )
        return eyes

    def _absent(self, identities: Mapping[str, int], files: Mapping[str, Path]) -> Iterator[str]:
        """Yield a sentence if pictures with an identity are not in the folder."""
        if absent := sorted(identities.keys() - files.keys()):
            yield (
                f"{self._folder()} lacks {len(absent)} of the {len(identities)} pictures with an identity, "
                f"first {absent[0]}; unpack the archive again."
            )

    def _shared_identities(self, identities: Mapping[str, int]) -> Iterator[str]:
        """Yield a sentence where an identity is in two partitions, which a split by partition would leak."""
        if self._partition_file() is None:
            return
        partitions: dict[int, set[str]] = {}
        for stem, part in self._read_partitions().items():
            if stem in identities:
                partitions.setdefault(identities[stem], set()).add(part)
        if shared := sorted(identity for identity, parts in partitions.items() if len(parts) > 1):
            yield (
                f"{len(shared)} identities are in more than one partition, the first is {shared[0]}; do not "
                "train and test on different partitions of this copy."
            )


def _holds_no_pictures(folder: str) -> bool:
    """Return whether a folder of this name is worth looking into for lists."""
    return folder not in {name for names in _FOLDERS.values() for name in names}


def _pairs(file: Path, lines: Sequence[tuple[int, str]]) -> dict[str, int]:
    """Return name without suffix and number of each line."""
    pairs: dict[str, int] = {}
    for number, line in lines:
        values = _values(line)
        if len(values) != 2 or not values[1].isdecimal():
            raise StoreError(
                f"{file}, line {number}: is {line!r}, not a picture and a number like '000001.jpg 2880'."
            )
        if (stem := Path(values[0]).stem) in pairs:
            raise StoreError(f"{file}, line {number}: lists {values[0]} a second time; copy it again.")
        pairs[stem] = int(values[1])
    if not pairs:
        raise StoreError(f"{file} lists no pictures; copy it again.")
    return pairs


def _values(line: str) -> list[str]:
    """Split at runs of white space, or at commas."""
    return re.split(r"\s*,\s*|\s+", line)
