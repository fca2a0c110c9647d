"""Which row of a predictions file is about which face of a store: by subject, sequence and frame."""

from collections.abc import Hashable, Iterable, Iterator, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idennet.errors import ProtocolError
from idennet.learning.data.store import FaceStore
from idennet.learning.evaluation.prediction_files import PredictionTable

Recording = tuple[str, str]
"""Subject with its corpus, and sequence."""

NO_ROW = -1


class PredictionRows:
    """The rows of a table, found by recording and frame.

    Args:
        table: The predictions.
        stores: All stores that the rows may be about.

    Raises:
        ProtocolError: A row names a recording that is in no store, or a name fits several recordings.
    """

    def __init__(self, table: PredictionTable, stores: Sequence[FaceStore]) -> None:
        known: dict[str, set[Recording]] = {}
        for recording in sorted({pair for store in stores for pair in _recordings(store)}):
            for name in _names(*recording):
                known.setdefault(name, set()).add(recording)
        names, position = np.unique(table.recordings, return_inverse=True)
        first_row = np.full(len(names), len(position))
        np.minimum.at(first_row, position, np.arange(len(position)))
        found = [
            _recording_named(str(name), known, table.named, str(table.places[row]))
            for name, row in zip(names, first_row, strict=True)
        ]
        self._table = table
        self._keys = pd.MultiIndex.from_arrays([
            np.array([subject for subject, _ in found], dtype=object)[position],
            np.array([sequence for _, sequence in found], dtype=object)[position],
            table.frames,
        ])  # fmt: skip

    def of(self, faces: FaceStore) -> NDArray[np.int64]:
        """Return for each face of a store, (N,), its row of the table, or `NO_ROW`.

        Raises:
            ProtocolError: Two rows are about one face, or two faces have one subject, sequence and frame.
        """
        keys = _keys(faces)
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


def _keys(faces: FaceStore) -> pd.MultiIndex:
    return pd.MultiIndex.from_frame(faces.frames[["subject", "sequence", "frame"]])


def _recordings(store: FaceStore) -> Iterable[Recording]:
    return store.frames[["subject", "sequence"]].drop_duplicates().itertuples(index=False, name=None)


def _names(subject: str, sequence: str) -> Iterator[str]:
    """Yield what a recording may be called, where nothing else is called so."""
    short = subject.partition("/")[2]
    yield from (f"{subject}/{sequence}", f"{short}/{sequence}", f"{short}_{sequence}")
    yield from (subject, short, sequence)


def _recording_named(name: str, known: dict[str, set[Recording]], whole: bool, place: str) -> Recording:
    """Return the recording that a name, or the longest possible end of a path, means."""
    parts = name.split("/")
    ends = [name] if whole else ["/".join(parts[start:]) for start in range(len(parts))]
    meant = next((known[end] for end in ends if end in known), set())
    if len(meant) == 1:
        return next(iter(meant))
    if not meant:
        some = next(iter(known), "nobody")
        raise ProtocolError(f"{place}: no store has the recording {name!r}; they have {some}, ...")
    raise ProtocolError(
        f"{place}: {name!r} may be {' or '.join('/'.join(each) for each in sorted(meant)[:2])}; "
        "name subject and sequence, in columns or as SUBJECT_SEQUENCE.csv."
    )


def _say(key: tuple[Hashable, ...]) -> str:
    subject, sequence, frame = key
    return f"{subject}/{sequence}, frame {frame}"
