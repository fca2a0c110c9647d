"""Which row of a predictions file is about which face: by subject, sequence and frame, or by picture."""

import re
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idennet.errors import ProtocolError
from idennet.learning.evaluation.prediction_files import NO_FRAME, PredictionTable

Key = tuple[str, str, int]
"""Subject with its corpus, sequence, and frame: one face."""

NO_ROW = -1

PICTURE = "picture"
"""Column of the faces that came as pictures of their own: the path that a list gives them."""

_DECORATION = re.compile(
    r"left|right|front(al)?|videos?|vid|comp|cam(era)?\d*|view\d*|colou?r|rgb|2d|aligned|crop(ped)?|openface|of|"
    r"pyfeat|py|feat|fex|libreface|aus?|out(put)?|results?|predictions?|processed"
)
"""Words round the name of a recording that tell none apart: `LeftVideoSN001_comp`, `F001_T1_cam2`."""


class NamedFaces(Protocol):
    """What is asked of the faces."""

    @property
    def path(self) -> object:
        """Where they come from, for messages."""

    @property
    def frames(self) -> pd.DataFrame:
        """One row a face: `subject`, `sequence`, `frame`, and `picture` where each face is a picture."""


class PredictionRows:
    """The rows of a table, found by recording and frame, or by picture.

    Args:
        table: The predictions.
        faces: All faces that the rows may be about.

    Raises:
        ProtocolError: A row names a recording that none of the faces belongs to, or a name fits several.
    """

    def __init__(self, table: PredictionTable, faces: Sequence[NamedFaces]) -> None:
        names = _Names(faces)
        kinds = pd.MultiIndex.from_arrays([table.recordings, table.frames == NO_FRAME])
        position, distinct = pd.factorize(kinds)
        first_row = np.full(len(distinct), len(position))
        np.minimum.at(first_row, position, np.arange(len(position)))
        folder = f"{table.path.as_posix()}/" if table.path.is_dir() else f"{table.path.parent.as_posix()}/"
        found = [
            names.picture(name, name.removeprefix(folder), str(table.places[row]))
            if is_picture
            else (*names.recording(name, table.named, str(table.places[row])), 0)
            for (name, is_picture), row in zip(distinct, first_row, strict=True)
        ]
        subjects, sequences = (np.array([key[part] for key in found], dtype=object) for part in (0, 1))
        numbers = np.array([key[2] for key in found], dtype=np.int64)
        frames = np.where(table.frames == NO_FRAME, numbers[position], table.frames)
        self._table = table
        self._keys = pd.MultiIndex.from_arrays([subjects[position], sequences[position], frames])

    def of(self, faces: NamedFaces) -> NDArray[np.int64]:
        """Return for each face, (N,), its row of the table, or `NO_ROW`.

        Raises:
            ProtocolError: Two rows are about one face, or two faces have one subject, sequence and frame.
        """
        keys = pd.MultiIndex.from_frame(faces.frames[["subject", "sequence", "frame"]])
        if (doubled := keys.duplicated()).any():
            raise ProtocolError(
                f"{faces.path} has two faces of {_say(keys[doubled][0])}; predictions cannot be told apart."
            )
        about = np.flatnonzero(self._keys.isin(keys))
        wanted = self._keys[about]
        if (doubled := wanted.duplicated()).any():
            row = about[np.flatnonzero(doubled)[0]]
            raise ProtocolError(
                f"{self._table.places[row]}: {_say(self._keys[row])} has a row already; keep one."
            )
        position = wanted.get_indexer(keys)
        return np.where(position >= 0, np.append(about, NO_ROW)[position], NO_ROW)


class _Names:
    """What recordings and pictures may be called, where nothing else is called so."""

    def __init__(self, faces: Sequence[NamedFaces]) -> None:
        self._recordings: dict[str, set[tuple[str, str]]] = {}
        self._pictures: dict[str, set[Key]] = {}
        self._sizes: dict[tuple[str, str], int] = {}
        self._listed: dict[str, set[Key]] = {}
        self._ends_of_listed: dict[str, set[Key]] = {}
        for each in faces:
            if PICTURE in each.frames:
                columns = each.frames[["subject", "sequence", "frame", PICTURE]]
                for *key, picture in columns.itertuples(index=False, name=None):
                    name = re.sub(r"\.\w+$", "", picture.replace("\\", "/"))
                    name = name.rpartition("../")[2].removeprefix("./")
                    self._listed.setdefault(name, set()).add((key[0], key[1], key[2]))
                    for end in _ends(name):
                        self._ends_of_listed.setdefault(end, set()).add((key[0], key[1], key[2]))
            numbered = each.frames[each.frames["frame"] != NO_FRAME]
            for subject, sequence, size, first in _recordings(numbered):
                self._sizes[subject, sequence] = size
                for name in _names(subject, sequence):
                    self._recordings.setdefault(name, set()).add((subject, sequence))
                    if size == 1:
                        self._pictures.setdefault(name, set()).add((subject, sequence, first))
        self._undecorated = {
            kind: _undecorated(names)
            for kind, names in (("recordings", self._recordings), ("pictures", self._pictures))
        }

    def recording(self, name: str, whole: bool, place: str) -> tuple[str, str]:
        """Return the recording that a name, or the longest possible end of a path, means."""
        meant = self._find(self._recordings, "recordings", [name] if whole else _ends(name))
        if len(meant) == 1:
            return next(iter(meant))
        if meant:
            raise ProtocolError(
                f"{place}: {name!r} may be {' or '.join('/'.join(each) for each in sorted(meant)[:2])}; "
                "name subject and sequence, in columns or as SUBJECT_SEQUENCE.csv."
            )
        some = next(iter(self._recordings), "nobody")
        raise ProtocolError(f"{place}: no store has the recording {name!r}; they have {some}, ...")

    def picture(self, name: str, inside: str, place: str) -> Key:
        """Return the face that the path of a picture, without its suffix, means.

        A list names its pictures: the longer of both paths ends with the shorter. Otherwise folders name the
        recording and the number that ends the name is the frame; or the name begins with the recording; or
        the recording has only this face.

        Args:
            name: The path.
            inside: The part of it that is within the folder of the predictions.
            place: For messages.
        """
        meant = self._in_list(name, inside) or self._numbered(name)
        meant = meant or self._find(self._pictures, "pictures", _ends(name))
        if len(meant) == 1:
            return next(iter(meant))
        if meant:
            some = " or ".join(_say(key) for key in sorted(meant)[:2])
            raise ProtocolError(f"{place}: {name!r} may be {some}; name the folders too.")
        if self._listed:
            return ("", name, NO_FRAME)  # a picture that nobody asked about
        for recording in self._find(self._recordings, "recordings", _ends(name)):
            raise ProtocolError(
                f"{place}: does not say which of the {self._sizes[recording]} frames of "
                f"{'/'.join(recording)} it is about; end the name with the number of the frame, such as "
                f"{name.rpartition('/')[2]}_1, or add a column frame."
            )
        some = next(iter(self._recordings), "nobody")
        raise ProtocolError(f"{place}: no store has the picture {name!r}; they have {some}, ...")

    def _in_list(self, name: str, inside: str) -> set[Key]:
        ends = next((self._listed[end] for end in _ends(name) if end in self._listed), set[Key]())
        return ends or self._ends_of_listed.get(inside, set())

    def _numbered(self, name: str) -> set[Key]:
        if not (number := re.search(r"\d+$", name)):
            return set()
        for start in (name.rpartition("/")[0], re.sub(r"[\W_]*\d+$", "", name)):
            if start and (recordings := self._find(self._recordings, "recordings", _ends(start))):
                return {(subject, sequence, int(number[0])) for subject, sequence in recordings}
        return set()

    def _find(self, known: Mapping[str, set], kind: str, ends: Sequence[str]) -> set:
        exact = next((known[end] for end in ends if end in known), None)
        if exact is not None:
            return exact
        bare = self._undecorated[kind]
        return next((bare[end] for end in map(_bare, ends) if end in bare), set())


def _recordings(frames: pd.DataFrame) -> Iterator[tuple[str, str, int, int]]:
    """Yield subject, sequence, number of faces and smallest frame of each recording."""
    of_each = frames.groupby(["subject", "sequence"], sort=True)["frame"].agg(["size", "min"]).reset_index()
    yield from of_each.itertuples(index=False, name=None)


def _names(subject: str, sequence: str) -> Iterator[str]:
    """Yield what a recording may be called."""
    short = subject.partition("/")[2]
    yield from (f"{subject}/{sequence}", f"{short}/{sequence}", f"{short}_{sequence}")
    yield from (subject, short, sequence)


def _ends(path: str) -> list[str]:
    """Return a path and its ends, the longest first."""
    parts = path.split("/")
    return ["/".join(parts[start:]) for start in range(len(parts))]


def _undecorated(known: Mapping[str, set]) -> dict[str, set]:
    bare: dict[str, set] = {}
    for name, meant in known.items():
        if word := _bare(name):
            bare.setdefault(word, set()).update(meant)
    return bare


def _bare(name: str) -> str:
    """Return a name in small letters, with one separator and without decoration: `sn001`, `f001_t1`."""
    words = re.split(r"[\W_]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower())
    return "_".join(word for word in words if word and not _DECORATION.fullmatch(word))


def _say(key: tuple[Hashable, ...]) -> str:
    subject, sequence, frame = key
    return f"{subject}/{sequence}" if frame == NO_FRAME else f"{subject}/{sequence}, frame {frame}"
