"""Reader of the Action Unit annotations of Aff-Wild2 (Kollias and Zafeiriou, 2019; the ABAW challenges).

One text file a video, one row a frame, twelve Action Units; the pictures are the cropped faces that come with
it. The labels of the test videos were never published.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from idennet import facs
from idennet.errors import InputError, StoreError, UnknownActionUnitError
from idennet.learning.data.provenance import Origin
from idennet.learning.data.readers import records
from idennet.learning.data.readers.listings import numbered_lines, numbered_pictures
from idennet.learning.data.readers.records import Chunk, LeftOut, Record, Totals, chunk_key, file_state
from idennet.learning.data.readers.tree import find_folder

Part = Literal["all", "train", "validation"]

SOURCE = "https://ibug.doc.ic.ac.uk/resources/aff-wild2/"
_PARTS = {"train": ("Train_Set", "Training_Set"), "validation": ("Validation_Set",)}
_LABELS = {"-1": facs.MISSING, "0": 0, "1": 1}


@dataclass(frozen=True)
class _Row:
    """Labels of one frame, counted from 1."""

    frame: int
    labels: Mapping[int, int]

    @property
    def annotated(self) -> bool:
        return any(label != facs.MISSING for label in self.labels.values())


@dataclass(frozen=True)
class _Video:
    """One annotated person of a video, and the folder of the cropped faces where it is there."""

    name: str
    annotation: Path
    pictures: Path | None

    def numbered(self) -> dict[int, Path]:
        """Return the picture of each frame that has one."""
        return numbered_pictures(self.pictures) if self.pictures else {}


class AffWild2:
    """A copy of Aff-Wild2 with its Action Unit annotations.

    Nobody numbered the subjects: a video is a subject, `affwild2/video3_left`, and its two people are two.
    The published parts share no subject, so a protocol must keep them whole.

    Attributes:
        root: The folder with `AU_Set` (or `AU_Detection_Challenge`) and `cropped_aligned`.
        name: Name of the corpus.
        published: Nothing: the number of annotated frames differs from year to year.
    """

    origin = Origin.LICENSED
    published = Totals(pictures=None)

    def __init__(
        self,
        root: str | Path,
        *,
        part: Part = "all",
        unannotated: bool = False,
        name: str = "affwild2",
    ) -> None:
        """Keep what to read and how.

        Args:
            root: The copy.
            part: `"train"` or `"validation"`, the published parts, or both.
            unannotated: Yield frames in which all twelve Action Units are -1, too: faces without labels.
            name: Name of the corpus.

        Raises:
            InputError: `part` has another value.
        """
        self.root, self.name = Path(root), name
        self._part, self._unannotated = part, unannotated
        if part not in ("all", *_PARTS):
            raise InputError(f"Aff-Wild2's part is {part!r}; allowed are all, train and validation.")

    @property
    def settings(self) -> Mapping[str, object]:
        """Return the choices that change which frames the store has."""
        return {"part": self._part, "unannotated": self._unannotated}

    def chunks(self) -> Sequence[Chunk]:
        """Return the frames of each video in chunks; a frame whose face was not detected is left out.

        Raises:
            StoreError: There are no annotations or no pictures, or a file is damaged.
        """
        if problems := self._missing():
            raise StoreError(problems[0])
        chunks: list[Chunk] = []
        for video in self._videos():
            rows, pictures = self._rows(video), video.numbered()
            for first in range(0, len(rows), records.CHUNK_PICTURES):
                part = slice(first, min(first + records.CHUNK_PICTURES, len(rows)))
                files = [pictures[row.frame] for row in rows[part] if row.frame in pictures]
                states = map(file_state, [video.annotation, *files])
                key = chunk_key(len(chunks), [video.name, *rows[part], *states])
                chunks.append(Chunk(key, part.stop - part.start, partial(self._read, video, part)))
        return chunks

    def check(self) -> list[str]:
        """Return what is missing or damaged in the folder, one sentence each, and how to get it."""
        findings = self._missing()
        for part in self._parts() if self._videos() else ():
            if self._annotations(part) is None:
                findings.append(
                    f"{self.root} has no annotations in a folder {_PARTS[part][0]}; get them from {SOURCE}."
                )
        if self._pictures() is None:
            return findings
        if lacking := [video.name for video in self._videos() if video.pictures is None]:
            findings.append(
                f"{len(lacking)} annotated videos have no folder of pictures, first {lacking[0]}; unpack "
                "cropped_aligned again."
            )
        for video in self._videos():
            try:
                _annotated_rows(video.annotation)
            except StoreError as error:
                findings.append(str(error))
        return findings + self.cut_labels()

    def cut_labels(self) -> list[str]:
        """Return one sentence for each file of annotations that ends before the pictures of its video."""
        findings = []
        for video in self._videos() if self.root.is_dir() else ():
            try:
                rows = len(_annotated_rows(video.annotation))
            except StoreError:
                continue
            last = max(video.numbered(), default=0)
            if last > rows:
                findings.append(
                    f"{video.annotation} ends at frame {rows}, but there are pictures up to frame {last}; "
                    "they are not used, copy the file again."
                )
        return findings

    def _missing(self) -> list[str]:
        """Return a sentence for each of annotations and pictures that is not there at all."""
        if not self.root.is_dir():
            return [
                f"There is no folder {self.root}; it needs Aff-Wild2's AU_Set and cropped_aligned ({SOURCE})."
            ]
        problems = []
        if not self._videos():
            problems.append(
                f"{self.root} has no annotations like AU_Set/{_PARTS[self._parts()[0]][0]}/video.txt; get "
                f"them from {SOURCE}."
            )
        if self._pictures() is None:
            problems.append(f"{self.root} has no folder cropped_aligned; get its archive from {SOURCE}.")
        return problems

    def _parts(self) -> tuple[str, ...]:
        return tuple(_PARTS) if self._part == "all" else (self._part,)

    def _annotations(self, part: str) -> Path | None:
        """Return the folder of a part's annotations."""
        annotations = find_folder(self.root, "AU_Set", "AU_Detection_Challenge", depth=2)
        return find_folder(annotations, *_PARTS[part], depth=1) if annotations else None

    def _pictures(self) -> Path | None:
        return find_folder(self.root, "cropped_aligned", depth=2)

    def _videos(self) -> list[_Video]:
        """Return the annotated videos of the wanted parts, sorted within each."""
        pictures = self._pictures()
        videos = []
        for part in self._parts():
            folder = self._annotations(part)
            for file in sorted(folder.glob("[!.]*.txt")) if folder else ():
                cropped = pictures / file.stem if pictures else None
                videos.append(_Video(file.stem, file, cropped if cropped and cropped.is_dir() else None))
        return videos

    def _rows(self, video: _Video) -> list[_Row]:
        """Return the rows of a video that are wanted."""
        return [row for row in _annotated_rows(video.annotation) if self._unannotated or row.annotated]

    def _read(self, video: _Video, part: slice) -> Iterator[Record | LeftOut]:
        """Yield a part of a video; its files are read again, since all rows of all videos fill the memory."""
        pictures = video.numbered()
        for row in self._rows(video)[part]:
            if row.frame not in pictures:
                name = f"{self.name}/{video.name}/{row.frame}"
                yield LeftOut(name, "no picture, because no face was detected in the frame")
                continue
            yield Record(
                corpus=self.name,
                subject=f"{self.name}/{video.name}",
                sequence=source_video(video.name),
                frame=row.frame,
                image=pictures[row.frame],
                au_labels=row.labels,
            )


def source_video(name: str) -> str:
    """Return the video that an annotation belongs to: two people of one video are `_left` and `_right`."""
    return name.removesuffix("_left").removesuffix("_right")


def _annotated_rows(file: Path) -> list[_Row]:
    """Return the rows of an annotation; row 1, after the header, is frame 1.

    Raises:
        StoreError: The header or a row is damaged.
    """
    lines = numbered_lines(file)
    if not lines:
        raise StoreError(f"{file} is empty; copy it again.")
    try:
        aus = [facs.parse(name) for name in lines[0][1].split(",")]
    except UnknownActionUnitError as error:
        raise StoreError(f"{file}, line 1: is no list of Action Units. {error}") from error
    rows = []
    for number, line in lines[1:]:
        values = [value.strip() for value in line.split(",")]
        if len(values) != len(aus) or not set(values) <= _LABELS.keys():
            raise StoreError(
                f"{file}, line {number}: is {line!r}, not {len(aus)} values 1, 0 or -1 with commas between."
            )
        rows.append(_Row(number - 1, {au: _LABELS[value] for au, value in zip(aus, values, strict=True)}))
    return rows
