"""Reader of CK+ (Lucey et al., 2010): 593 posed sequences of 123 subjects that end at the coded peak.

FACS coders described one frame of each sequence, the peak, and described it fully: an Action Unit that is
not listed was not there.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from idennet import facs
from idennet.errors import StoreError
from idennet.learning.data.provenance import Origin
from idennet.learning.data.readers import records
from idennet.learning.data.readers.listings import numbered_lines, numbered_pictures
from idennet.learning.data.readers.point_sets import as_68
from idennet.learning.data.readers.records import Chunk, Record, Totals, chunk_key, file_state
from idennet.learning.data.readers.tables import damaged, read_lines, read_numbers
from idennet.learning.data.readers.tree import find_folder, visible

EMOTIONS = ("neutral", "anger", "contempt", "disgust", "fear", "happy", "sadness", "surprise")
"""Names of the numbers in CK+'s emotion files."""

SOURCE = "https://www.jeffcohn.net/resources/"
_SUBJECTS, _SEQUENCES = 123, 593
_FOLDERS = {
    "pictures": ("cohn-kanade-images", "extended-cohn-kanade-images"),
    "codes": ("FACS", "FACS_labels"),
    "landmarks": ("Landmarks",),
    "emotions": ("Emotion", "Emotion_labels"),
}
_ARCHIVES = {
    "pictures": "extended-cohn-kanade-images.zip",
    "codes": "FACS_labels.zip",
    "landmarks": "Landmarks.zip",
    "emotions": "Emotion_labels.zip",
}


@dataclass(frozen=True)
class _Frame:
    """One picture of a sequence."""

    subject: str
    sequence: str
    number: int
    picture: Path
    codes: Path | None
    landmarks: Path | None
    neutral: bool


class CkPlus:
    """A copy of CK+.

    Attributes:
        root: The folder with `cohn-kanade-images`, `FACS`, `Landmarks` and `Emotion`.
        name: Name of the corpus, part of every subject's name: `ckplus/S005`.
        published: What the complete data set has.
    """

    origin = Origin.LICENSED

    def __init__(self, root: str | Path, *, neutral_frames: bool = False, name: str = "ckplus") -> None:
        """Keep what to read and how.

        Args:
            root: The copy.
            neutral_frames: Yield the first frame of each sequence as well, with every Action Unit absent.
                Subjects were told to begin neutral, but nobody coded these frames; so not by default.
            name: Name of the corpus.
        """
        self.root, self.name = Path(root), name
        self.published = Totals(_SEQUENCES * (1 + neutral_frames), subjects=_SUBJECTS, sequences=_SEQUENCES)
        self._neutral_frames = neutral_frames

    @property
    def settings(self) -> Mapping[str, object]:
        """Return the choices that change which pictures the store has."""
        return {"neutral_frames": self._neutral_frames}

    def chunks(self) -> Sequence[Chunk]:
        """Return the peak frames, sorted by subject and sequence.

        The name of the FACS file tells the peak; without one it is the last picture, and has no labels.

        Raises:
            StoreError: There are no pictures, or none of their FACS codes.
        """
        frames = list(self._frames())
        chunks: list[Chunk] = []
        for first in range(0, len(frames), records.CHUNK_PICTURES):
            some = frames[first : first + records.CHUNK_PICTURES]
            files = [file for frame in some for file in (frame.picture, frame.codes, frame.landmarks) if file]
            content = [*some, *(file_state(file) for file in files if file.exists())]
            chunks.append(Chunk(chunk_key(len(chunks), content), len(some), partial(self._read, some)))
        return chunks

    def emotions(self) -> dict[tuple[str, str], str]:
        """Return the emotion of each (subject, sequence) that has one: 327 of the 593 in a full copy.

        Raises:
            StoreError: A file does not hold a number from 0 to 7.
        """
        found = {}
        folder = self._folder("emotions")
        for file in sorted(folder.glob("S*/*/[!.]*_emotion.txt")) if folder else ():
            lines = numbered_lines(file)
            if not lines:
                continue
            try:
                emotion = dict(enumerate(EMOTIONS))[_whole(lines[0][1])]
            except (ValueError, KeyError) as error:
                raise StoreError(f"{file} is {lines[0][1]!r}; allowed are 0 to 7; copy it again.") from error
            found[f"{self.name}/{file.parent.parent.name}", file.parent.name] = emotion
        return found

    def check(self) -> list[str]:
        """Return what is missing or damaged in the folder, one sentence each, and how to get it."""
        if not self.root.is_dir():
            return [self._missing("pictures")]
        findings = [self._missing(part) for part in _FOLDERS if self._folder(part) is None]
        if self._folder("pictures") is None:
            return findings
        peaks = list(self._peaks())
        if self._folder("landmarks") is not None:
            findings += _lacking("landmarks", "landmarks", [peak for peak in peaks if not peak.landmarks])
        findings += _lacking("picture of the peak", "pictures", [p for p in peaks if not p.picture.exists()])
        for peak in peaks:
            try:
                self._record(peak)
            except StoreError as error:
                findings.append(str(error))
        try:
            self.emotions()
        except StoreError as error:
            findings.append(str(error))
        findings += self.cut_labels()
        there = Totals(None, len({peak.subject for peak in peaks}), len(peaks))
        return findings + there.finding(self.root, self.published, f"get the rest from {SOURCE}")

    def cut_labels(self) -> list[str]:
        """Return a sentence if sequences have no FACS file, or an empty one although they show an emotion.

        Sequences only have an emotion where Action Units that make it up were coded.
        """
        peaks = list(self._peaks()) if self.root.is_dir() and self._folder("codes") is not None else []
        try:
            emotions = self.emotions()
        except StoreError:
            emotions = {}
        findings = _lacking("FACS file", "codes", [peak for peak in peaks if not peak.codes])
        neutral = EMOTIONS[0]
        for peak in peaks:
            shown = emotions.get((f"{self.name}/{peak.subject}", peak.sequence), neutral)
            if shown != neutral and peak.codes and not numbered_lines(peak.codes):
                findings.append(
                    f"{peak.codes} names no Action Unit, but the sequence shows {shown}; it was cut off, "
                    "copy it again."
                )
        return findings

    def _folder(self, part: str) -> Path | None:
        """Return one of the four folders; an archive may put it in another one named after itself."""
        folders = (find_folder(self.root, name, depth=2) for name in _FOLDERS[part])
        return next((folder for folder in folders if folder is not None), None)

    def _missing(self, part: str) -> str:
        """Return a sentence about a folder that is not there."""
        if not self.root.is_dir():
            return f"There is no folder {self.root}; it needs cohn-kanade-images and FACS of CK+ ({SOURCE})."
        return f"{self.root} has no folder {_FOLDERS[part][0]}; unpack {_ARCHIVES[part]} of {SOURCE} there."

    def _frames(self) -> Iterator[_Frame]:
        """Yield what is wanted of each sequence."""
        for part in ("pictures", "codes"):
            if self._folder(part) is None:
                raise StoreError(self._missing(part))
        for peak in self._peaks():
            if self._neutral_frames:
                yield from self._first(peak)
            yield peak

    def _first(self, peak: _Frame) -> Iterator[_Frame]:
        """Yield the first frame of the peak's sequence, unless it is the peak."""
        number, picture = next(iter(numbered_pictures(peak.picture.parent).items()))
        if number != peak.number:
            landmarks = self._landmarks(picture)
            yield _Frame(peak.subject, peak.sequence, number, picture, None, landmarks, neutral=True)

    def _peaks(self) -> Iterator[_Frame]:
        """Yield the peak of each sequence that has pictures."""
        pictures, codes = self._folder("pictures"), self._folder("codes")
        if pictures is None:
            return
        for subject in filter(Path.is_dir, visible(pictures)):
            for sequence in filter(Path.is_dir, visible(subject)):
                numbered = numbered_pictures(sequence)
                if not numbered:
                    continue
                place = Path(subject.name) / sequence.name
                coded = sorted((codes / place).glob("[!.]*_facs.txt")) if codes else []
                number, picture = list(numbered.items())[-1]
                if coded:
                    picture = sequence / f"{coded[0].name.removesuffix('_facs.txt')}.png"
                    number = int(picture.stem.rpartition("_")[2])
                    picture = numbered.get(number, picture)
                yield _Frame(
                    subject.name,
                    sequence.name,
                    number,
                    picture,
                    coded[0] if coded else None,
                    self._landmarks(picture),
                    neutral=False,
                )

    def _landmarks(self, picture: Path) -> Path | None:
        """Return the file with the landmarks of a picture."""
        folder = self._folder("landmarks")
        if folder is None:
            return None
        name = f"{picture.stem}_landmarks.txt"
        file = folder / picture.parent.parent.name / picture.parent.name / name
        return file if file.is_file() else None

    def _read(self, frames: Sequence[_Frame]) -> Iterator[Record]:
        for frame in frames:
            yield self._record(frame)

    def _record(self, frame: _Frame) -> Record:
        labels, intensities = (dict.fromkeys(facs.NAMES, 0), {}) if frame.neutral else _codes(frame.codes)
        return Record(
            corpus=self.name,
            subject=f"{self.name}/{frame.subject}",
            sequence=frame.sequence,
            frame=frame.number,
            image=frame.picture,
            landmarks=_points(frame.landmarks) if frame.landmarks else None,
            au_labels=labels,
            au_intensities=intensities,
        )


def _codes(file: Path | None) -> tuple[dict[int, int], dict[int, float]]:
    """Return occurrence and intensity of a FACS file: rows `AU intensity` in floating notation.

    An empty file is a neutral face. Intensity 0 means present without a score, so it gives a label but no
    intensity. Action Units that this package does not know are skipped.
    """
    if file is None:
        return {}, {}
    labels, intensities = dict.fromkeys(facs.NAMES, 0), {}
    for number, line in numbered_lines(file):
        try:
            au, intensity = (_whole(value) for value in line.split())
        except ValueError as error:
            raise StoreError(f"{file}, line {number}: is no Action Unit with an intensity.") from error
        if au < 1 or not 0 <= intensity <= 5:
            raise StoreError(
                f"{file}, line {number}: AU{au} has intensity {intensity}; allowed are 0 to 5; copy it again."
            )
        if au in labels:
            labels[au] = 1
            if intensity:
                intensities[au] = float(intensity)
    return labels, intensities


def _points(file: Path) -> NDArray[np.float32]:
    """Return the 68 landmarks of a file with one `x y` a line."""
    points = read_numbers(file, read_lines(file), width=2, delimiter=None)
    landmarks = as_68(points)
    if len(points) != 68 or landmarks is None or not np.isfinite(landmarks).all():
        raise damaged(file, f"it has no 68 points but {len(points)} lines")
    return landmarks


def _whole(text: str) -> int:
    """Return a whole number that is written as `3.0000000e+00`."""
    value = float(text)
    if not value.is_integer():
        raise ValueError(text)
    return int(value)


def _lacking(what: str, part: str, peaks: Sequence[_Frame]) -> list[str]:
    """Return a sentence about sequences that lack something, if there are any."""
    if not peaks:
        return []
    first = f"{peaks[0].subject}/{peaks[0].sequence}"
    return [f"{len(peaks)} sequences lack the {what}, first {first}; unpack {_ARCHIVES[part]} again."]
