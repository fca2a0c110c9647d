"""Reader of the UNBC-McMaster Shoulder Pain Expression Archive: 25 patients, intensities A to E.

Lucey, Cohn, Prkachin, Solomon and Matthews, FG 2011. Each frame's file names only the Action Units that are
present. Layout and quirks: docs/data-sets.md.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from idennet import facs
from idennet.errors import ImageError, StoreError
from idennet.learning.data.provenance import Origin
from idennet.learning.data.readers.point_sets import as_68
from idennet.learning.data.readers.records import (
    Chunk,
    LeftOut,
    Record,
    Totals,
    check_threshold,
    chunk_key,
    file_state,
)
from idennet.learning.data.readers.tables import damaged, read_lines, read_numbers
from idennet.learning.data.readers.tree import archive_hint, find_folder, visible
from idennet.media.pictures import read_picture

AUS = (4, 6, 7, 9, 10, 12, 15, 20, 25, 26, 27, 43)
"""The Action Units that were coded; one that a file does not name is absent. AU50 (speech) is not used."""

CLOSED_EYES = 43
LICENCE = "UNBC-McMaster is licensed, ask for it at http://www.jeffcohn.net/Resources/"
NO_PICTURE, BLACK_PICTURE = "coded frame without a picture", "black picture"

_SUBJECT = re.compile(r"\d{3}-[a-z]{2}\d{3}", re.IGNORECASE)
_FRAME = re.compile(r"(?P<sequence>.+?)(?P<frame>\d{3})(?P<kind>_facs|_aam)?", re.IGNORECASE)
Name = tuple[str, str]


@dataclass(frozen=True)
class _Sequence:
    """The files of one sequence by frame number."""

    subject: str
    name: str
    facs: Mapping[int, Path]
    pictures: Mapping[int, Path]
    points: Mapping[int, Path]
    scores: Mapping[int, Path]


class Unbc:
    """UNBC-McMaster on disk; each sequence is a chunk.

    Attributes:
        root: Folder of the data set.
        name: Name of the corpus.
        published: 48,398 coded frames.
    """

    name = "unbc"
    origin = Origin.LICENSED
    published = Totals(pictures=48_398, subjects=25, sequences=200)

    def __init__(self, root: str | Path, *, threshold: int = 1, black: float = 10.0) -> None:
        """Keep the arguments; nothing is read yet.

        Args:
            root: Folder of the data set.
            threshold: Intensity from which an Action Unit counts as present, 1 (A) to 5 (E). The paper does
                not say; 1 is the usual reading. AU43 (eyes closed), whose intensity is 0 or 1, counts
                whenever it is named.
            black: Mean grey value below which a picture shows nothing and is left out; 0 keeps all.

        Raises:
            InputError: The threshold is not 1 to 5.
        """
        self.root = Path(root)
        self.threshold = check_threshold(threshold)
        self.black = black

    @property
    def settings(self) -> Mapping[str, object]:
        """Choices that change the labels or faces."""
        return {"threshold": self.threshold, "black": self.black}

    def chunks(self) -> Sequence[Chunk]:
        """Return one chunk a sequence.

        Raises:
            StoreError: There are no FACS files or no pictures.
        """
        if problem := self._unusable():
            raise StoreError(problem)
        chunks: list[Chunk] = []
        for sequence in self._sequences:
            kinds = (sequence.facs, sequence.pictures, sequence.points)
            states = [file_state(file) for kind in kinds for file in kind.values()]
            key = chunk_key(len(chunks), [*self.settings.items(), *states])
            chunks.append(Chunk(key, len(sequence.facs), partial(self._read, sequence)))
        return chunks

    def check(self) -> list[str]:
        """Return one sentence for each thing that is missing or damaged."""
        problem = self._unusable()
        return [problem] if problem else list(self._findings())

    def cut_labels(self) -> list[str]:
        """Return one sentence for each sequence with pictures without FACS file, or FACS files that were cut.

        A FACS file without its last lines is a valid one with fewer Action Units. The PSPI file of the same
        frame tells: it has the pain score, which follows from the Action Units.
        """
        findings = []
        for sequence in self._sequences:
            place = f"{sequence.subject}/{sequence.name}"
            if uncoded := sorted(sequence.pictures.keys() - sequence.facs.keys()):
                findings.append(
                    f"{place} has {len(uncoded)} of {len(sequence.pictures)} pictures without FACS file, the "
                    f"first is {uncoded[0]:03d}; copy these files, also empty ones: they mean that no Action "
                    "Unit is present."
                )
            pairs = [(file, sequence.scores.get(frame)) for frame, file in sorted(sequence.facs.items())]
            if wrong := [file for file, score in pairs if score is not None and _contradict(file, score)]:
                findings.append(
                    f"{place} has {len(wrong)} of {len(sequence.facs)} FACS files that do not give the pain "
                    f"score of their PSPI file, the first is {wrong[0].name}; they were cut off, copy them "
                    "again."
                )
        return findings

    @cached_property
    def _sequences(self) -> list[_Sequence]:
        """The sequences with FACS files, sorted."""
        coded = _numbered_files(find_folder(self.root, "FACS"), ".txt")
        pictures = _numbered_files(find_folder(self.root, "Images"), ".png")
        points = _numbered_files(find_folder(self.root, "AAM_landmarks"), ".txt")
        scores = _numbered_files(find_folder(self.root, "PSPI"), ".txt")
        return [
            _Sequence(*name, files, pictures.get(name, {}), points.get(name, {}), scores.get(name, {}))
            for name, files in sorted(coded.items())
        ]

    def _unusable(self) -> str | None:
        """Return why nothing can be read, or None."""
        if not self.root.is_dir():
            return f"There is no folder {self.root}; {LICENCE}."
        example = "042-ll042/ll042t1aaaff/ll042t1aaaff001"
        if not self._sequences:
            hint = archive_hint(self.root, "Frame_Labels", "FACS")
            return f"{self.root} has no codes such as Frame_Labels/FACS/{example}_facs.txt{hint}; {LICENCE}."
        if not any(sequence.pictures for sequence in self._sequences):
            hint = archive_hint(self.root, "Images")
            return f"{self.root} has no pictures such as Images/{example}.png; copy Images too{hint}."
        return None

    def _findings(self) -> Iterator[str]:
        """Yield what is missing from a tree that can be read."""
        subjects = {sequence.subject for sequence in self._sequences}
        for what, count, known in (
            ("subjects", len(subjects), self.published.subjects),
            ("sequences", len(self._sequences), self.published.sequences),
        ):
            if count != known:
                yield f"FACS files of {count} {what} are there, {known} are published; copy the rest."
        for sequence in self._sequences:
            place = f"{sequence.subject}/{sequence.name}"
            if absent := sorted(sequence.facs.keys() - sequence.pictures.keys()):
                yield (
                    f"{place} lacks {len(absent)} of {len(sequence.facs)} pictures, the first is "
                    f"{absent[0]:03d}; copy the rest of Images."
                )
            try:
                for file in sequence.facs.values():
                    read_facs(file)
            except StoreError as error:
                yield str(error)
        cut = self.cut_labels()
        yield from cut
        coded = sum(len(sequence.facs) for sequence in self._sequences)
        if len(self._sequences) == self.published.sequences and not cut:
            yield from Totals(coded).finding(self.root, self.published, "copy FACS again")
        bare = [
            f"{sequence.name}{frame:03d}"
            for sequence in self._sequences
            for frame in sorted(sequence.facs.keys() - sequence.points.keys())
        ]
        if bare:
            hint = archive_hint(self.root, "AAM_landmarks")
            yield (
                f"{len(bare)} of {coded} coded frames lack landmarks, the first is {bare[0]}; "
                f"copy AAM_landmarks{hint}; without them faces are searched for."
            )

    def _read(self, sequence: _Sequence) -> Iterable[Record | LeftOut]:
        """Yield the coded frames of a sequence."""
        for frame, file in sorted(sequence.facs.items()):
            label = f"{self.name}/{sequence.subject}/{sequence.name}/{frame}"
            if frame not in sequence.pictures:
                yield LeftOut(label, NO_PICTURE)
                continue
            try:
                pixels = read_picture(sequence.pictures[frame]).pixels
            except ImageError as error:
                yield LeftOut(label, f"unreadable: {error}")
                continue
            if pixels.mean() < self.black:
                yield LeftOut(label, BLACK_PICTURE)
                continue
            intensities = read_facs(file)
            points = sequence.points.get(frame)
            yield Record(
                corpus=self.name,
                subject=f"{self.name}/{sequence.subject}",
                sequence=sequence.name,
                frame=frame,
                image=pixels,
                landmarks=_read_points(points) if points else None,
                au_labels={au: int(self._present(au, intensities)) for au in AUS},
                au_intensities={au: intensities.get(au, 0.0) for au in AUS},
            )

    def _present(self, au: int, intensities: Mapping[int, float]) -> bool:
        """Return whether an Action Unit counts as present in a frame."""
        if au == CLOSED_EYES:
            return au in intensities
        return intensities.get(au, 0.0) >= self.threshold


def read_facs(file: Path) -> dict[int, float]:
    """Return the intensity, 0 to 5, of each Action Unit that a frame's FACS file names; none if it is empty.

    Lines have four numbers in floating notation: Action Unit, intensity, and two that are not used.
    A line with the number 0 or less names no Action Unit.

    Raises:
        StoreError: A line has not four numbers, or an intensity is not 0 to 5.
    """
    lines = read_lines(file)
    if not lines:
        return {}
    table = read_numbers(file, lines, 4, delimiter=None)
    if not ((table[:, 1] >= 0) & (table[:, 1] <= 5)).all():
        raise damaged(file, "intensities must be from 0 to 5")
    return {int(au): float(intensity) for au, intensity in table[:, :2] if int(au) in facs.NAMES}


def pain(intensities: Mapping[int, float]) -> float:
    """Return the pain score PSPI, 0 to 16, of a frame (Prkachin and Solomon, 2008)."""
    level = {au: intensities.get(au, 0.0) for au in AUS}
    closed = float(CLOSED_EYES in intensities)
    return level[4] + max(level[6], level[7]) + max(level[9], level[10]) + closed


def _contradict(facs_file: Path, score_file: Path) -> bool:
    """Return whether a FACS file does not give the one number of a PSPI file; damaged files say nothing."""
    try:
        score = read_numbers(score_file, read_lines(score_file), 1, delimiter=None)
        return bool(pain(read_facs(facs_file)) != score[0, 0])
    except StoreError:
        return False


def _read_points(file: Path) -> NDArray[np.float32] | None:
    """Return the 66 points `x y` of a frame as (68, 2)."""
    return as_68(read_numbers(file, read_lines(file), 2, delimiter=None))


def _numbered_files(folder: Path | None, suffix: str) -> dict[Name, dict[int, Path]]:
    """Return the files of each sequence below a folder by the three digits that end their names."""
    found: dict[Name, dict[int, Path]] = {}
    for subject in visible(folder) if folder else []:
        if not _SUBJECT.fullmatch(subject.name):
            continue
        for sequence in visible(subject):
            for file in visible(sequence) if sequence.is_dir() else []:
                match = _FRAME.fullmatch(file.stem)
                if match and file.suffix.lower() == suffix:
                    name = subject.name.lower(), sequence.name.lower()
                    found.setdefault(name, {})[int(match["frame"])] = file
    return found
