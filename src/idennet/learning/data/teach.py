"""From photographs to a teacher's labels: the landmarker reads each picture, folders say who is shown."""

import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from idennet.errors import ImageError, InputError, NoFaceError
from idennet.faces.boxes import Pixels
from idennet.files import draft_of
from idennet.learning.data.landmarker import BLENDSHAPES, Landmarked, lip_gap
from idennet.learning.data.movement.drawn import copy_of, drawn_movement, original
from idennet.learning.data.movement.move import move
from idennet.learning.data.readers.person_folders import PersonFolders
from idennet.learning.data.teacher import LIP_GAP, VALUES, TeacherLabels
from idennet.media.kinds import SUFFIXES
from idennet.media.names import text_of
from idennet.media.pictures import read_picture
from idennet.models.threads import cores, workers


@dataclass(frozen=True)
class Photograph:
    """A picture of somebody.

    Attributes:
        file: Where it is.
        subject: Who is shown: the same name is the same person.
    """

    file: Path
    subject: str

    @property
    def name(self) -> str:
        """What the labels call the picture."""
        return text_of(self.file.stem)


@dataclass(frozen=True)
class TeachReport:
    """What `teach` did.

    Attributes:
        labels: A row for every photograph.
        faceless: Names of files in which no face was found.
        unreadable: Names of files that are no pictures, or damaged.
    """

    labels: TeacherLabels
    faceless: tuple[str, ...]
    unreadable: tuple[str, ...]


def photographs_of(folder: Path) -> list[Photograph]:
    """Return the pictures of a folder, sorted by person.

    A subfolder holds the pictures of one person and has that person's name. A picture that lies in the folder
    itself shows somebody of whom there is no other.

    Raises:
        InputError: There is no such folder, it has no pictures, or two would get the same label.
    """
    if not folder.is_dir():
        raise InputError(
            f"There is no folder {folder}; give one with pictures, or with a subfolder a person."
        )
    alone = sorted(file for file in folder.glob("[!.]*") if file.suffix.lower() in SUFFIXES)
    photographs = [
        *(Photograph(file, text_of(file.parent.name)) for file in PersonFolders(folder).files()),
        *(Photograph(file, original(text_of(file.stem))) for file in alone),
    ]
    if not photographs:
        raise InputError(f"{folder} has no pictures, neither in subfolders, one a person, nor by themselves.")
    seen: dict[tuple[str, str], Path] = {}
    for photograph in photographs:
        first = seen.setdefault((photograph.subject, photograph.name), photograph.file)
        if first is not photograph.file:
            raise InputError(f"{first} and {photograph.file} would get the same label; rename one of them.")
    return photographs


def teach(
    folder: Path,
    landmarker: Callable[[Pixels], Landmarked | None],
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> TeachReport:
    """Return a teacher's labels of the pictures of a folder; see `photographs_of` for who is who.

    Args:
        folder: Photographs.
        landmarker: Reads the main face of a picture; called from several threads.
        progress: Told after every picture how many are done, and how many there are.

    Raises:
        InputError: The folder cannot be used.
        NoFaceError: No picture shows a face.
    """
    photographs = photographs_of(folder)
    values = np.full((len(photographs), len(VALUES)), np.nan, np.float32)
    faceless, unreadable = [], []
    with workers(cores()) as pool:
        for row, read in enumerate(pool.map(lambda one: _read(one.file, landmarker), photographs)):
            if isinstance(read, ImageError):
                unreadable.append(text_of(photographs[row].file))
            elif read is None:
                faceless.append(text_of(photographs[row].file))
            else:
                values[row] = values_of(read)
            progress(row + 1, len(photographs))
    if np.isnan(values).all():
        raise NoFaceError(f"In none of the {len(photographs)} pictures of {folder} a face was found.")
    labels = TeacherLabels(
        tuple(photograph.name for photograph in photographs),
        tuple(photograph.subject for photograph in photographs),
        pd.DataFrame(values, columns=list(VALUES)),
    )
    return TeachReport(labels, tuple(faceless), tuple(unreadable))


def values_of(seen: Landmarked) -> list[float]:
    """Return what the lessons need of a face, in the order of `VALUES`."""
    named = dict(zip(BLENDSHAPES, seen.blendshapes, strict=True)) | {LIP_GAP: lip_gap(seen.points)}
    return [float(named[value]) for value in VALUES]


def write_moved(
    folder: Path,
    out: Path,
    locate: Callable[[Pixels], NDArray[np.floating] | None],
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Write the photographs of a folder as they are and copies with movements added, sorted as before.

    Photographs that are there already are kept, so that an interrupted call continues. Those without a face,
    or unreadable, get no copies, nor those whose face cannot move so.

    Args:
        folder: Photographs, a subfolder for each person.
        out: Folder for both, new or unfinished; another one.
        locate: Finds the landmarks (68, 2) of a picture's main face; called from several threads.
        progress: Told after every picture how many are done, and how many there are.

    Raises:
        InputError: The folder cannot be used, or `out` lies in it.
    """
    if out.resolve().is_relative_to(folder.resolve()):
        raise InputError(f"{out} lies among the photographs of {folder}; give a folder elsewhere.")
    photographs = photographs_of(folder)

    def write(photograph: Photograph) -> None:
        place = out / photograph.file.relative_to(folder).parent
        place.mkdir(parents=True, exist_ok=True)
        copy = place / f"{copy_of(photograph.file.stem)}.png"
        if not copy.exists():
            try:
                pixels = read_picture(photograph.file).pixels
            except ImageError:
                pixels = None
            if pixels is not None and (landmarks := locate(pixels)) is not None:
                with suppress(NoFaceError):
                    moved = Image.fromarray(move(pixels, landmarks, drawn_movement(text_of(copy.stem))))
                    with draft_of(copy) as draft:
                        moved.save(draft, format="PNG")
        as_it_was = place / photograph.file.name
        if not as_it_was.exists():
            with draft_of(as_it_was) as draft:
                shutil.copyfile(photograph.file, draft)

    with workers(cores()) as pool:
        for done, _ in enumerate(pool.map(write, photographs), start=1):
            progress(done, len(photographs))


def _read(file: Path, landmarker: Callable[[Pixels], Landmarked | None]) -> Landmarked | ImageError | None:
    try:
        return landmarker(read_picture(file).pixels)
    except ImageError as error:
        return error
