"""Reader of DISFA: 27 subjects who watch a video, 12 Action Units with intensities 0 to 5 in every frame.

Mavadati, Mahoor, Bartlett, Trinh and Cohn, IEEE Transactions on Affective Computing 4 (2013). Layout and
quirks: docs/data-sets.md.
"""

import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Literal

import numpy as np
import scipy.io
from numpy.typing import NDArray
from scipy.io.matlab import MatReadError

from idennet.errors import ImageError, InputError, StoreError
from idennet.learning.data.provenance import Origin
from idennet.learning.data.readers.disfa_bad_frames import is_bad
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
from idennet.learning.data.readers.tables import damaged, frame_numbers, read_lines, read_numbers
from idennet.learning.data.readers.tree import archive_hint, find_folder, visible
from idennet.learning.data.readers.video import frame_count, video_frames

AUS = (1, 2, 4, 5, 6, 9, 12, 15, 17, 20, 25, 26)
"""The Action Units that DISFA codes; the paper's Table IV has 1 2 4 6 9 12 25 26."""

LABELS, LANDMARKS = ("ActionUnit_Labels",), ("Landmark_Points",)
VIDEOS = {
    "left": ("Videos_LeftCamera", "Video_LeftCamera"),
    "right": ("Videos_RightCamera", "Video_RightCamera"),
}
VIDEO_ENDS, BAD_FRAME = "the video ends before this frame", "listed as a bad frame"
LICENCE = "DISFA is licensed, ask for it at https://mohammadmahoor.com/pages/databases/disfa/"
Camera = Literal["left", "right"]

_LABEL_FILE = re.compile(r"SN\d{3}_au0*(\d{1,2})\.txt", re.IGNORECASE)
# Most subjects have SN001_0000_lm.mat, which counts from 0; some have l00001_lm.mat, which counts from 1.
_POINT_FILE = re.compile(r"(?:SN\d{3}_(?P<from_0>\d+)|l(?P<from_1>\d+))_lm\.mat", re.IGNORECASE)
_POINT_ERRORS = (
    *(OSError, ValueError, KeyError, TypeError, NotImplementedError),
    *(MatReadError, zlib.error),
)


@dataclass(frozen=True)
class _Subject:
    """The files of one subject: labels of each Action Unit, points of each frame."""

    name: str
    labels: Mapping[int, Path]
    video: Path | None
    points: Mapping[int, Path] = field(default_factory=dict)


class Disfa:
    """DISFA on disk; each subject is a chunk.

    Attributes:
        root: Folder of the data set.
        name: Name of the corpus.
        published: 130,814 frames: 4,845 of each subject, 4,844 of SN010.
    """

    name = "disfa"
    origin = Origin.LICENSED
    published = Totals(pictures=130_814, subjects=27, sequences=27)

    def __init__(
        self,
        root: str | Path,
        *,
        threshold: int = 2,
        camera: Camera = "left",
        leave_out_bad_frames: bool = False,
    ) -> None:
        """Keep the arguments; nothing is read yet.

        Args:
            root: Folder of the data set.
            threshold: Intensity from which an Action Unit counts as present. The paper does not say; 2 is
                that of the usual benchmark, 1 is used too.
            camera: Which of the two synchronous videos. The given landmarks belong to the left one.
            leave_out_bad_frames: Leave out the frames of the data set's list of camera and tracking errors,
                as JAA-Net does. Most others keep them; then faces are searched for, since their given
                landmarks are wrong.

        Raises:
            InputError: The threshold is not 1 to 5, or there is no such camera.
        """
        if camera not in VIDEOS:
            raise InputError(f"DISFA has the cameras left and right, not {camera!r}.")
        self.root = Path(root)
        self.threshold = check_threshold(threshold)
        self.camera = camera
        self.leave_out_bad_frames = leave_out_bad_frames

    @property
    def settings(self) -> Mapping[str, object]:
        """Choices that change the labels or faces."""
        return {
            "threshold": self.threshold,
            "camera": self.camera,
            "leave_out_bad_frames": self.leave_out_bad_frames,
        }

    def chunks(self) -> Sequence[Chunk]:
        """Return one chunk a subject.

        Raises:
            StoreError: There are no labels or no videos, an Action Unit's file is missing, or one is damaged.
        """
        if problem := self._unusable():
            raise StoreError(problem)
        chunks: list[Chunk] = []
        for subject in self._subjects:
            frames, intensities = _read_labels(subject)
            files = [*subject.labels.values(), *([subject.video] if subject.video else [])]
            content = [*self.settings.items(), *map(file_state, [*files, *subject.points.values()])]
            read = partial(self._read, subject, frames, intensities)
            chunks.append(Chunk(chunk_key(len(chunks), content), len(frames), read))
        return chunks

    def check(self) -> list[str]:
        """Return one sentence for each thing that is missing or damaged."""
        problem = self._unusable()
        return [problem] if problem else list(self._findings())

    def cut_labels(self) -> list[str]:
        """Return one sentence for each subject whose labels end before the video does.

        The video of SN010 has one frame more than labels. A file that ends before the others of its subject
        is an error of reading.
        """
        findings = []
        for subject in self._subjects:
            if subject.video is None:
                continue
            try:
                frames, _ = _read_labels(subject)
                shown = frame_count(subject.video)
            except (StoreError, ImageError):
                continue
            if (labelled := int(frames.max())) < shown - 1:
                folder = next(iter(subject.labels.values())).parent
                findings.append(
                    f"{folder} labels {labelled} of the {shown} frames of {subject.video.name}; its files "
                    "were cut off, copy them again."
                )
        return findings

    @cached_property
    def _subjects(self) -> list[_Subject]:
        """The subjects with labels, sorted."""
        labels = find_folder(self.root, *LABELS)
        videos = find_folder(self.root, *VIDEOS[self.camera])
        points = find_folder(self.root, *LANDMARKS) if self.camera == "left" else None
        found = [] if videos is None else [file for file in visible(videos) if file.is_file()]
        video_of = {
            match[0].upper(): file for file in found if (match := re.search(r"(?i)SN\d{3}", file.stem))
        }
        subjects = []
        for folder in visible(labels) if labels else []:
            if re.fullmatch(r"(?i)SN\d{3}", folder.name) and folder.is_dir():
                name = folder.name.upper()
                matches = {file: _LABEL_FILE.fullmatch(file.name) for file in visible(folder)}
                of_au = {int(match[1]): file for file, match in matches.items() if match}
                subjects.append(_Subject(name, of_au, video_of.get(name), _point_files(points, folder.name)))
        return subjects

    def _unusable(self) -> str | None:
        """Return why nothing can be read, or None."""
        if not self.root.is_dir():
            return f"There is no folder {self.root}; {LICENCE}."
        if not self._subjects:
            hint = archive_hint(self.root, *LABELS)
            return (
                f"{self.root} has no labels such as ActionUnit_Labels/SN001/SN001_au1.txt{hint}; {LICENCE}."
            )
        if not any(subject.video for subject in self._subjects):
            example = f"{VIDEOS[self.camera][0]}/{self.camera.title()}VideoSN001_comp.avi"
            return (
                f"{self.root} has no videos such as {example}; copy the videos of the {self.camera} camera."
            )
        return None

    def _findings(self) -> Iterator[str]:
        """Yield what is missing from a tree that can be read."""
        if len(self._subjects) != self.published.subjects:
            yield (
                f"Labels of {len(self._subjects)} subjects are there, DISFA has {self.published.subjects}; "
                "copy the rest of ActionUnit_Labels."
            )
        untracked = []
        for subject in self._subjects:
            try:
                frames, _ = _read_labels(subject)
            except StoreError as error:
                yield str(error)
                continue
            if subject.video is None:
                yield f"{subject.name} has no video of the {self.camera} camera; copy it."
            else:
                yield from _video_findings(subject.video, int(frames.max()))
            if not subject.points:
                untracked.append(subject.name)
        yield from self.cut_labels()
        if untracked and self.camera == "left":
            hint = archive_hint(self.root, *LANDMARKS)
            yield (
                f"{len(untracked)} of {len(self._subjects)} subjects lack landmarks, the first is "
                f"{untracked[0]}; copy and unpack Landmark_Points{hint}; without them faces are searched for."
            )

    def _read(
        self, subject: _Subject, frames: NDArray[np.int64], intensities: NDArray[np.float64]
    ) -> Iterable[Record | LeftOut]:
        """Yield the labelled frames in the order of the video; frame 1 is the first that comes out of it."""
        row_of = {frame: row for row, frame in enumerate(frames.tolist())}
        reason = VIDEO_ENDS if subject.video else "no video"
        try:
            for frame, pixels in enumerate(video_frames(subject.video) if subject.video else (), start=1):
                if (row := row_of.pop(frame, None)) is not None:
                    yield self._record(subject, frame, pixels, intensities[row])
                if not row_of:
                    break
        except ImageError as error:
            reason = f"unreadable: {error}"
        for frame in row_of:
            yield LeftOut(f"{self.name}/{subject.name}/{frame}", reason)

    def _record(
        self, subject: _Subject, frame: int, pixels: NDArray[np.uint8], intensities: NDArray[np.float64]
    ) -> Record | LeftOut:
        """Return one frame with its 12 intensities."""
        bad = is_bad(subject.name, frame)
        if bad and self.leave_out_bad_frames:
            return LeftOut(f"{self.name}/{subject.name}/{frame}", BAD_FRAME)
        points = None if bad else subject.points.get(frame)
        return Record(
            corpus=self.name,
            subject=f"{self.name}/{subject.name}",
            sequence=subject.name,
            frame=frame,
            image=pixels,
            landmarks=_read_points(points) if points else None,
            au_labels={au: int(value >= self.threshold) for au, value in zip(AUS, intensities, strict=True)},
            au_intensities=dict(zip(AUS, intensities.tolist(), strict=True)),
        )


def _read_labels(subject: _Subject) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the frames (N,) and intensities (N, 12) of a subject.

    Raises:
        StoreError: An Action Unit has no file, a file is damaged, or their frames differ.
    """
    if missing := [au for au in AUS if au not in subject.labels]:
        raise StoreError(
            f"{subject.name} has no labels of AU{missing[0]}: copy {subject.name}_au{missing[0]}.txt into "
            "ActionUnit_Labels again; a missing file does not mean that the Action Unit is absent."
        )
    numbers: list[NDArray[np.int64]] = []
    columns: list[NDArray[np.float64]] = []
    for au in AUS:
        file = subject.labels[au]
        table = read_numbers(file, read_lines(file), 2)
        if not np.isin(table[:, 1], range(6)).all():
            raise damaged(file, "intensities must be whole numbers from 0 to 5")
        order = np.argsort(table[:, 0])
        numbers.append(frame_numbers(file, table)[order])
        columns.append(table[order, 1])
    frames = np.unique(np.concatenate(numbers))
    for au, known in zip(AUS, numbers, strict=True):
        if absent := np.setdiff1d(frames, known).tolist():
            raise damaged(
                subject.labels[au],
                f"it lacks {len(absent)} of the {len(frames)} frames that other Action Units have, the first "
                f"is {absent[0]}",
            )
    return frames, np.stack(columns, axis=1)


def _point_files(points: Path | None, subject: str) -> dict[int, Path]:
    """Return the landmark file of each frame, counted from 1 as labels are."""
    folder = find_folder(points, subject, depth=1) if points else None
    inner = find_folder(folder, "tmp_frame_lm", "frame_lm", depth=1) if folder else None
    files = {}
    for file in visible(inner or folder) if folder else []:
        if match := _POINT_FILE.fullmatch(file.name):
            files[int(match["from_1"]) if match["from_1"] else int(match["from_0"]) + 1] = file
    return files


def _read_points(file: Path) -> NDArray[np.float32] | None:
    """Return the 66 points of a frame as (68, 2), or None from a damaged file: the release itself has one."""
    try:
        return as_68(scipy.io.loadmat(file, variable_names=["pts"])["pts"])
    except _POINT_ERRORS:
        return None


def _video_findings(video: Path, labelled: int) -> Iterator[str]:
    """Yield what is wrong with a video."""
    try:
        count = frame_count(video)
    except ImageError as error:
        yield f"{str(error).rstrip('.')}; copy it again."
        return
    if 0 < count < labelled:
        yield f"{video} has {count} frames, but {labelled} are labelled; copy it again."
