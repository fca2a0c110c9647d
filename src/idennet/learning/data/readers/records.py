"""What every reader yields: records of labelled pictures, in chunks that can be prepared independently.

A source lists its chunks without opening pictures; a chunk's key changes when its files change, which is
how an interrupted `prepare` knows what it has already done.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from idennet.errors import InputError
from idennet.learning.data.provenance import Origin
from idennet.media.frame import Frame
from idennet.media.pictures import decode_picture, read_picture

CHUNK_PICTURES = 256
"""Pictures a chunk has at least, where the source allows: large enough to be cheap, small enough to lose."""


@dataclass(frozen=True)
class Record:
    """One picture of one subject.

    Attributes:
        corpus: Where it comes from, `"lfw"`.
        subject: The person, with the corpus: `"lfw/Abdullah_Gul"`.
        sequence: The recording or picture within the subject.
        frame: Number within the sequence.
        image: A file, an encoded picture in memory, or pixels (H, W, 3) uint8 RGB.
        landmarks: (68, 2) float32 pixels, NaN for points that the source does not mark; or None. Those of
            both eyes are always marked.
        eyes: (2, 2) float32 pixels, the centres of the subject's right and left eye, where a source marks
            nothing else; or None. Without landmarks and eyes the face has to be found.
        au_labels: Occurrence 1, 0 or -1 of each Action Unit; one that is not listed was not coded.
        au_intensities: Intensity of each Action Unit that has one, in the source's unit.
        au_sides: Intensity on the subject's left and right of each Action Unit that has both, in that unit.
        visible: Whether each of `facs.PARTS` is seen: 1, 0 (hidden) or -1 (partly); unknown if not listed.
    """

    corpus: str
    subject: str
    sequence: str
    frame: int
    image: Path | bytes | NDArray[np.uint8]
    landmarks: NDArray[np.float32] | None = None
    eyes: NDArray[np.float32] | None = None
    au_labels: Mapping[int, int] = field(default_factory=dict)
    au_intensities: Mapping[int, float] = field(default_factory=dict)
    au_sides: Mapping[int, tuple[float, float]] = field(default_factory=dict)
    visible: Mapping[str, int] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What to call the picture in messages: its path, or subject, sequence and frame."""
        in_file = isinstance(self.image, Path)
        return str(self.image) if in_file else f"{self.subject}/{self.sequence}/{self.frame}"

    def load(self) -> Frame:
        """Return the picture.

        Raises:
            ImageError: It cannot be read.
        """
        if isinstance(self.image, Path):
            return read_picture(self.image)
        if isinstance(self.image, bytes):
            return decode_picture(self.image, self.name)
        return Frame(self.image, self.name)


@dataclass(frozen=True)
class LeftOut:
    """A labelled frame that the reader cannot give a picture of.

    Attributes:
        name: Subject (with the corpus), sequence and frame: `"bp4d/F001/T1/2440"`.
        reason: Why; what stands before a colon is counted together.
    """

    name: str
    reason: str


@dataclass(frozen=True)
class Chunk:
    """Some records of a source.

    Attributes:
        key: Name of the chunk, valid as a file name; other content has another key.
        size: Number of records.
        read: Yields the records, and what is left out of them.
    """

    key: str
    size: int
    read: Callable[[], Iterable[Record | LeftOut]]


class Source(Protocol):
    """A data set on disk."""

    @property
    def name(self) -> str:
        """Name of the corpus, for example `"synfacs-crowd"`."""

    @property
    def root(self) -> Path:
        """Folder that everything is read from."""

    @property
    def origin(self) -> Origin:
        """What kind of pictures the data set has; `prepare` recognises those of a fake tree."""

    def chunks(self) -> Sequence[Chunk]:
        """Return all chunks, in a fixed order."""


@dataclass(frozen=True)
class Totals:
    """How much a data set has; None where nobody published it or it is not counted.

    Attributes:
        pictures: Labelled pictures or frames.
        subjects: People.
        sequences: Recordings.
    """

    pictures: int | None
    subjects: int | None = None
    sequences: int | None = None

    def differences(self, published: "Totals") -> list[str]:
        """Return one phrase for each number that is not the published one: `"36 pictures, not 48,398"`."""
        return [
            f"{found:,} {name}, not {known:,}"
            for name, known in vars(published).items()
            if known is not None and (found := getattr(self, name)) is not None and found != known
        ]

    def finding(self, place: object, published: "Totals", advice: str) -> list[str]:
        """Return one sentence on how a copy at `place` differs from the published data set, or none."""
        differences = self.differences(published)
        return [f"{place} has {' and '.join(differences)} as published; {advice}."] if differences else []


@runtime_checkable
class PublishedSource(Source, Protocol):
    """A data set that others published: it has a known layout and known totals.

    The constructor only keeps its arguments, so that `check` can speak about any folder; `chunks` raises.

    Attributes:
        published: What the complete data set has.
        settings: Choices of the reader that change the labels or faces, as JSON values; kept with the store.
    """

    published: Totals

    @property
    def settings(self) -> Mapping[str, object]:
        """Return the choices that change labels or faces."""

    def check(self) -> list[str]:
        """Return one sentence for each thing that is missing or wrong, and how to get it; [] if complete."""

    def cut_labels(self) -> list[str]:
        """Return one sentence for each label file that says less than the files beside it show.

        `check` has them too. A file that ends too early at the end of a line is a valid one with fewer
        labels. Only its neighbours tell: other label files of the same frames, pictures, videos. Damaged
        files are left to the others.
        """


def check_threshold(threshold: int) -> int:
    """Return the intensity from which an Action Unit counts as present.

    Raises:
        InputError: It is not 1 to 5.
    """
    if threshold not in range(1, 6):
        raise InputError(f"The threshold is an intensity from 1 to 5, not {threshold}.")
    return threshold


def chunk_key(number: int, content: Iterable[object]) -> str:
    """Return a key that sorts by `number` and changes with `content`."""
    digest = hashlib.sha256("\n".join(map(str, content)).encode()).hexdigest()
    return f"{number:06d}-{digest[:12]}"


def file_state(file: Path) -> str:
    """Return a text that changes when the file does: name, size, time."""
    state = file.stat()
    return f"{file.name} {state.st_size} {state.st_mtime_ns}"


def picture_chunks(records: Sequence[Record]) -> list[Chunk]:
    """Return chunks of records whose pictures are files; missing files are left to `Record.load`."""
    chunks: list[Chunk] = []
    for first in range(0, len(records), CHUNK_PICTURES):
        some = records[first : first + CHUNK_PICTURES]
        files = [record.image for record in some if isinstance(record.image, Path)]
        content = [*some, *(file_state(file) for file in files if file.exists())]
        chunks.append(Chunk(chunk_key(len(chunks), content), len(some), some.__iter__))
    return chunks
