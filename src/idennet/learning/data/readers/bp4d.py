"""Reader of BP4D-Spontaneous: 41 subjects, 8 tasks, spontaneous expressions, occurrences and intensities.

Zhang, Yin, Cohn, Canavan, Reale, Horowitz, Liu and Girard, Image and Vision Computing 32 (2014). Layout and
quirks: docs/data-sets.md.
"""

import math
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from functools import cached_property, partial
from pathlib import Path

from idennet.errors import StoreError
from idennet.learning.data.provenance import Origin
from idennet.learning.data.readers.bp4d_codes import Codes, TrackedPoints, read_codes, read_intensities
from idennet.learning.data.readers.bp4d_files import Pictures, Recording, find_recordings
from idennet.learning.data.readers.records import Chunk, LeftOut, Record, Totals, chunk_key
from idennet.learning.data.readers.tree import archive_hint

NO_PICTURE = "coded frame without a picture"
OCCLUDED = "marked as occluded"
ZIP_ERRORS = (zipfile.BadZipFile, zlib.error, OSError, RuntimeError)
"""What reading a member raises that is damaged, of an unknown method, or protected by a password."""


class Bp4d:
    """BP4D on disk: recordings of one subject in one task, each a chunk.

    Attributes:
        root: Folder of the data set.
        name: Name of the corpus.
        published: 146,847 frames with occurrence codes.
    """

    name = "bp4d"
    origin = Origin.LICENSED
    published = Totals(pictures=146_847, subjects=41, sequences=328)
    tasks: Sequence[int] = range(1, 9)
    licence = "ask for it at https://www.cs.binghamton.edu/~lijun/Research/3DFE/3DFE_Analysis.html"

    def __init__(self, root: str | Path, *, leave_out_occluded: bool = False) -> None:
        """Keep the arguments; nothing is read yet.

        Args:
            root: Folder of the data set.
            leave_out_occluded: Leave out frames whose last column of codes is 1. OpenFace's scripts do; the
                published lists of frames do not.
        """
        self.root = Path(root)
        self.leave_out_occluded = leave_out_occluded

    @property
    def settings(self) -> Mapping[str, object]:
        """Choices that change the labels or faces."""
        return {"leave_out_occluded": self.leave_out_occluded}

    def first_picture(self, pictures: Pictures) -> int:
        """Return the number of the picture of frame 1."""
        return 1

    def chunks(self) -> Sequence[Chunk]:
        """Return one chunk a recording.

        Raises:
            StoreError: There are no codes or no pictures, or a file of codes is damaged.
        """
        if problem := self._unusable():
            raise StoreError(problem)
        chunks: list[Chunk] = []
        for recording in self._recordings:
            codes = read_codes(recording.codes)
            content = [recording.name, *self.settings.items(), *recording.states()]
            read = partial(self._read, recording, codes)
            chunks.append(Chunk(chunk_key(len(chunks), content), len(codes.frames), read))
        return chunks

    def check(self) -> list[str]:
        """Return one sentence for each thing that is missing or damaged."""
        problem = self._unusable()
        return [problem] if problem else list(self._findings(self._recordings))

    def cut_labels(self) -> list[str]:
        """Return one sentence for each file of codes that ends before others of its recording, or pictures.

        Occurrences and intensities are of the same frames. Pictures may go on after the coded block, but in
        one copy they do so in most recordings or in none.
        """
        findings: list[str] = []
        going_on: dict[str, str] = {}
        seen = 0
        for recording in self._recordings:
            try:
                frames = {recording.codes: set(read_codes(recording.codes).frames.tolist())}
                frames |= {file: set(read_intensities(file)) for file in recording.intensities.values()}
            except StoreError:
                continue
            together = set[int]().union(*frames.values())
            for file, known in frames.items():
                if absent := sorted(together - known):
                    findings.append(
                        f"{file} lacks {len(absent)} of the {len(together)} frames that are coded in "
                        f"{recording.name}, the first is {absent[0]}; it was cut off, copy it again."
                    )
            if recording.pictures:
                seen += 1
                last = max(together)
                after = last - 1 + self.first_picture(recording.pictures)
                if more := sum(number > after for number in recording.pictures.names):
                    going_on[recording.name] = (
                        f"The pictures of {recording.name} go on after its last coded frame, {last} ({more} "
                        f"more), as in few recordings; if {recording.codes} was cut off, copy it again."
                    )
        return findings + (list(going_on.values()) if 2 * len(going_on) <= seen else [])

    @cached_property
    def _recordings(self) -> list[Recording]:
        """The recordings with codes, sorted."""
        return find_recordings(self.root)

    def _unusable(self) -> str | None:
        """Return why nothing can be read, or None."""
        label = self.name.upper()
        if not self.root.is_dir():
            return f"There is no folder {self.root}; {label} is licensed, {self.licence}."
        try:
            recordings = self._recordings
        except StoreError as error:
            return str(error)
        if not recordings:
            return (
                f"{self.root} has no codes such as AUCoding/AU_OCC/F001_T1.csv"
                f"{archive_hint(self.root, 'AUCoding', 'AU_OCC')}; they come with {label}, {self.licence}."
            )
        if not any(recording.pictures for recording in recordings):
            return (
                f"{self.root} has codes but no pictures such as 2D+3D/F001/T1/2440.jpg or 2D+3D/F001.zip; "
                f"copy the folder 2D+3D of {label} too."
            )
        return None

    def _findings(self, recordings: Sequence[Recording]) -> Iterator[str]:
        """Yield what is missing from a tree that can be read."""
        subjects = {recording.subject for recording in recordings}
        if len(subjects) != self.published.subjects:
            yield (
                f"Codes of {len(subjects)} subjects are there, {self.name.upper()} has "
                f"{self.published.subjects}; copy the rest of AUCoding/AU_OCC."
            )
        there = {recording.name for recording in recordings}
        expected = [f"{subject}/T{task}" for subject in sorted(subjects) for task in self.tasks]
        uncoded = [name for name in expected if name not in there]
        yield from _lacking("codes", uncoded, "AUCoding/AU_OCC")
        unseen = [recording.name for recording in recordings if not recording.pictures]
        yield from _lacking("pictures", unseen, "2D+3D")
        missing = []
        coded, is_whole = 0, len(recordings) == self.published.sequences
        for recording in recordings:
            try:
                codes = read_codes(recording.codes)
                for file in recording.intensities.values():
                    read_intensities(file)
            except StoreError as error:
                yield str(error)
                is_whole = False
                continue
            coded += len(codes.frames)
            if recording.pictures:
                first = self.first_picture(recording.pictures)
                numbers = codes.frames - 1 + first
                absent = [number for number in numbers.tolist() if number not in recording.pictures.names]
                missing += [f"{recording.name}/{number}" for number in absent]
        yield from _lacking("the pictures of coded frames", missing, "2D+3D")
        cut = self.cut_labels()
        yield from cut
        if is_whole and not cut:
            yield from Totals(coded).finding(self.root, self.published, "copy AUCoding/AU_OCC again")
        aus = sorted({au for recording in recordings for au in recording.intensities})
        bare = [item.name for item in recordings if not aus or set(aus) - item.intensities.keys()]
        yield from _lacking("intensities", bare, "AUCoding/AU_INT", "; occurrences are read without them")
        untracked = [recording.name for recording in recordings if not recording.points]
        yield from _lacking("landmarks", untracked, "2DFeatures", "; without them faces are searched for")

    def _read(self, recording: Recording, codes: Codes) -> Iterable[Record | LeftOut]:
        """Yield the coded frames of a recording."""
        intensities = {au: read_intensities(file) for au, file in recording.intensities.items()}
        pictures = recording.pictures or Pictures(self.root, {})
        first = self.first_picture(pictures)
        in_zip = pictures.place.is_file()
        with (
            zipfile.ZipFile(pictures.place) if in_zip else nullcontext() as archive,
            TrackedPoints(recording.points) if recording.points else nullcontext() as points,
        ):
            for row, frame in enumerate(codes.frames.tolist()):
                name = pictures.names.get(frame - 1 + first)
                label = f"{self.name}/{recording.name}/{frame}"
                if self.leave_out_occluded and codes.occluded[row]:
                    yield LeftOut(label, OCCLUDED)
                    continue
                if name is None:
                    yield LeftOut(label, NO_PICTURE)
                    continue
                try:
                    image = archive.read(name) if archive else pictures.place / name
                except ZIP_ERRORS as error:
                    yield LeftOut(label, f"unreadable: {pictures.place}, {name}: {error}")
                    continue
                yield Record(
                    corpus=self.name,
                    subject=f"{self.name}/{recording.subject}",
                    sequence=f"T{recording.task}",
                    frame=frame,
                    image=image,
                    landmarks=points.at(frame) if points else None,
                    au_labels={au: int(labels[row]) for au, labels in codes.labels.items()},
                    au_intensities={
                        au: known[frame]
                        for au, known in intensities.items()
                        if not math.isnan(known.get(frame, math.nan))
                    },
                )


def _lacking(what: str, names: Sequence[str], part: str, note: str = "") -> Iterator[str]:
    """Yield a sentence about recordings or frames that lack something, if there are any."""
    if names:
        others = len(names) - 1
        lack = f" and {others} other{'s' * (others > 1)} lack" if others else " lacks"
        yield f"{names[0]}{lack} {what}: copy the rest of {part}{note}."
