"""What a system without a network has learnt: arrays in one file, made once and then read."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from idennet.files import draft_of
from idennet.learning.data.store import FaceStore
from idennet.research.benchmark.systems.contract import System, TrainingFaces
from idennet.research.benchmark.systems.folder import claim_folder
from idennet.research.benchmark.systems.linear import Rows, Values

Arrays = dict[str, NDArray[Any]]

FILE = "learnt.npz"


def learn_once(system: System, faces: TrainingFaces, folder: Path, learn: Callable[[], Arrays]) -> Arrays:
    """Return what `learn` returns, or what it returned earlier for the same settings and faces in `folder`.

    Raises:
        InputError: The folder holds files that are not a fit's.
        RecipeError: The folder has a fit of other settings or faces.
    """
    claim_folder(folder, system, faces)
    file = folder / FILE
    if not file.is_file():
        arrays = learn()
        with draft_of(file) as draft, draft.open("wb") as stream:
            np.savez(stream, **arrays)  # type: ignore[arg-type]
    with np.load(file, allow_pickle=False) as saved:
        return dict(saved)


def rows_by_subject(store: FaceStore) -> Iterator[Rows]:
    """Yield for each subject its rows in the order of sequences and frames."""
    frames = store.frames
    order = np.lexsort((frames["frame"].to_numpy(), frames["sequence"].to_numpy(str), store.subject_index))
    starts = np.flatnonzero(np.diff(store.subject_index[order])) + 1
    for rows in np.split(order.astype(np.int64), starts):
        if len(rows):
            yield rows


def spread(features: NDArray[np.floating]) -> tuple[Values, Values]:
    """Return mean and standard deviation (D,) of features (n, D); 1 where they do not vary."""
    deviation = features.std(axis=0, dtype=np.float64)
    return features.mean(axis=0, dtype=np.float64), np.where(deviation > 1e-6, deviation, 1.0)
