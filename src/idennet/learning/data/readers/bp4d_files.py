"""Which files belong to which recording of BP4D and BP4D+, in all the trees that copies come in.

Pictures lie in folders or in one zip a subject; their zero padding differs from folder to folder, so folders
are listed and numbers read, never written.
"""

import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from idennet.learning.data.readers.records import file_state
from idennet.learning.data.readers.tables import damaged
from idennet.learning.data.readers.tree import find_folder, folders_below, plain, unnested, visible

_RECORDING = re.compile(r"(?P<subject>[FM]\d{3})_T(?P<task>\d{1,2})(_AU(?P<au>\d{1,2}))?", re.IGNORECASE)
_SUBJECT = re.compile(r"[FM]\d{3}", re.IGNORECASE)
_TASK = re.compile(r"T\d{1,2}", re.IGNORECASE)
_PICTURES = (".jpg", ".jpeg", ".png")
Name = tuple[str, int]


@dataclass(frozen=True)
class Pictures:
    """The pictures of one recording.

    Attributes:
        place: A folder, or the zip of the subject.
        names: File or member of each number.
    """

    place: Path
    names: dict[int, str]

    def states(self) -> Iterator[str]:
        """Yield texts that change when the pictures do."""
        if self.place.is_file():
            yield file_state(self.place)
        else:
            yield from (file_state(self.place / name) for name in self.names.values())


@dataclass
class Recording:
    """The files of one subject's task.

    Attributes:
        subject: `"F001"`.
        task: Its number.
        codes: Occurrences.
        pictures: Or None.
        intensities: File of each Action Unit that has one.
        points: Tracked points, or None.
    """

    subject: str
    task: int
    codes: Path
    pictures: Pictures | None = None
    intensities: dict[int, Path] = field(default_factory=dict)
    points: Path | None = None

    @property
    def name(self) -> str:
        """How people write it: `"F001/T1"`."""
        return f"{self.subject}/T{self.task}"

    def states(self) -> Iterator[str]:
        """Yield texts that change when any of the files does."""
        files = [self.codes, *self.intensities.values(), *([self.points] if self.points else [])]
        yield from map(file_state, files)
        if self.pictures:
            yield from self.pictures.states()


def find_recordings(root: Path) -> list[Recording]:
    """Return all recordings with occurrence codes, sorted by subject and task.

    Raises:
        StoreError: A zip of pictures is damaged.
    """
    folder = find_folder(root, "AU_OCC") or find_folder(root, "AUCoding")
    codes = _files(folder, ".csv") if folder else {}
    pictures = _find_pictures(root)
    points_folder = find_folder(root, "2DFeatures", "BP4D-fpoints")
    points = _files(points_folder, ".mat") if points_folder else {}
    intensities = _find_intensities(root)
    return [
        Recording(*name, file, pictures.get(name), intensities.get(name, {}), points.get(name))
        for name, file in sorted(codes.items())
    ]


def _files(folder: Path, suffix: str) -> dict[Name, Path]:
    """Return the file of each recording in a folder."""
    files = {}
    for file in visible(folder):
        match = _RECORDING.fullmatch(file.stem)
        if match and file.suffix.lower() == suffix:
            files[match["subject"].upper(), int(match["task"])] = file
    return files


def _find_intensities(root: Path) -> dict[Name, dict[int, Path]]:
    """Return the intensity files of each recording; the Action Unit stands in the file's or folder's name."""
    found: dict[Name, dict[int, Path]] = {}
    for folder in folders_below(root, enter=lambda name: not _SUBJECT.fullmatch(name)):
        au_folder = re.fullmatch(r"AU0*(\d{1,2})", folder.name, re.IGNORECASE)
        if au_folder and plain(folder.parent.name).startswith("auint"):
            for name, file in _files(folder, ".csv").items():
                found.setdefault(name, {})[int(au_folder[1])] = file
    return found


def _find_pictures(root: Path) -> dict[Name, Pictures]:
    """Return the pictures of each recording; a folder with `2D` in its name goes before others."""
    found: dict[Name, Pictures] = {}
    parents = folders_below(root, depth=2, enter=lambda name: not _SUBJECT.fullmatch(name))
    for parent in sorted(parents, key=lambda folder: "2d" not in folder.name.lower()):
        for entry in visible(parent):
            if not _SUBJECT.fullmatch(entry.stem):
                continue
            if entry.is_dir():
                some = _pictures_in_folder(unnested(entry))
            elif entry.suffix.lower() == ".zip":
                some = _pictures_in_zip(entry)
            else:
                continue
            for task, pictures in some.items():
                found.setdefault((entry.stem.upper(), task), pictures)
    return found


def _pictures_in_folder(subject: Path) -> dict[int, Pictures]:
    """Return the pictures of each task of a subject's folder."""
    tasks = {}
    for folder in visible(subject):
        if _TASK.fullmatch(folder.name) and folder.is_dir():
            names = _numbered(file.name for file in folder.iterdir())
            if names:
                tasks[int(folder.name[1:])] = Pictures(folder, names)
    return tasks


def _pictures_in_zip(file: Path) -> dict[int, Pictures]:
    """Return the pictures of each task of a subject's zip; the member's folder is the task."""
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.namelist()
    except (OSError, zipfile.BadZipFile) as error:
        raise damaged(file, error) from error
    by_task: dict[int, list[str]] = {}
    for member in members:
        folder = Path(member).parent.name
        if _TASK.fullmatch(folder):
            by_task.setdefault(int(folder[1:]), []).append(member)
    tasks = {task: _numbered(iter(names)) for task, names in by_task.items()}
    return {task: Pictures(file, names) for task, names in tasks.items() if names}


def _numbered(names: Iterator[str]) -> dict[int, str]:
    """Return the name of each numbered picture; hidden and other files do not count."""
    paths = [(name, Path(name)) for name in names]
    return {
        int(path.stem): name
        for name, path in paths
        if path.suffix.lower() in _PICTURES and path.stem.isdecimal()
    }
