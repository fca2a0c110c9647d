"""Occurrence from intensity: from which intensity on an Action Unit counts as present."""

from collections.abc import Collection, Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray

from idennet import facs
from idennet.errors import ProtocolError
from idennet.learning.data.store import FaceStore
from idennet.learning.evaluation.faces import FacesT

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
    return store.with_labels(labels)


def without_labels(faces: FacesT, rows: NDArray[np.bool_], aus: Collection[int] = facs.NAMES) -> FacesT:
    """Return the faces, of which some are as if nobody had coded these Action Units.

    Args:
        faces: N of them.
        rows: (N,), or (N, A) for other faces for each Action Unit.
        aus: A Action Units; by default all.
    """
    of_au = zip(facs.columns(aus), np.broadcast_to(rows.T, (len(aus), len(faces))), strict=True)
    labels = {
        name: np.where(hidden, np.int8(facs.MISSING), faces.frames[name])
        for name, hidden in of_au
        if name in faces.frames
    }
    return cast(FacesT, faces.with_labels(labels))
