"""Occurrence from intensity: from which intensity on an Action Unit counts as present."""

import copy
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idennet import facs
from idennet.errors import ProtocolError
from idennet.learning.data.store import FaceStore

UNGRADED_AUS = (43,)
"""Coded present or absent where the others have intensities 0 to 5 (UNBC-McMaster): no threshold applies."""


def occurrence(intensities: NDArray[np.floating], at_least: float) -> NDArray[np.int8]:
    """Return 1 where an intensity is `at_least` so large, 0 where it is smaller, -1 where it is NaN."""
    labels = (intensities >= at_least).astype(np.int8)
    labels[np.isnan(intensities)] = facs.MISSING
    return labels


def relabel(store: FaceStore, at_least: float, aus: Sequence[int]) -> FaceStore:
    """Return the store with occurrence labels of `aus` computed again from its intensities.

    Args:
        store: Stays as it is; faces are shared with it.
        at_least: In the unit of the source: DISFA and UNBC-McMaster code 0 to 5.
        aus: Action Units to label again; the others and `UNGRADED_AUS` keep their labels.

    Raises:
        ProtocolError: The threshold is not above 0, or the store has no intensities of an Action Unit.
    """
    if not at_least > 0:
        raise ProtocolError(f"Present from intensity {at_least:g} on would be everybody; give more than 0.")
    graded = [au for au in aus if au not in UNGRADED_AUS]
    intensities = store.intensities(graded)
    if uncoded := [au for au, column in zip(graded, intensities.T, strict=True) if np.isnan(column).all()]:
        raise ProtocolError(
            f"{store.path} has no intensities of {facs.column(uncoded[0])} to read presence from; "
            "prepare the store again, or keep the labels that it has."
        )
    labels = {
        facs.column(au): occurrence(column, at_least)
        for au, column in zip(graded, intensities.T, strict=True)
    }
    return _with(store, labels)


def without_labels(store: FaceStore, rows: NDArray[np.bool_]) -> FaceStore:
    """Return the store with some faces, (N,), as if nobody had coded them; faces are shared with it."""
    names = [name for name in facs.columns(facs.NAMES) if name in store.frames]
    return _with(store, {name: store.frames[name].where(~rows, facs.MISSING) for name in names})


def _with(store: FaceStore, labels: Mapping[str, NDArray[np.int8] | pd.Series]) -> FaceStore:
    relabelled = copy.copy(store)
    relabelled.frames = store.frames.assign(**labels)
    return relabelled
