"""Looks at people: what one picture, or half a second of a clip, says of somebody."""

from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from idennet.errors import InputError
from idennet.inference.face import Face
from idennet.inference.result import Result
from idennet.models.calibration import logits_of
from idennet.people.population import Floats, Population
from idennet.people.tracks import Strand

COPY = 0.03
"""Mean squared difference, where pictures of one person have variance 1, up to which a look repeats another.
Copies of three portraits, saved again, made smaller, brighter or cut, differ by .02 at most; half seconds of
a clip of a moving face by .14 (median; .04 in a tenth of them), a neutral and a smiling portrait by .1 and
more."""


class Look(NamedTuple):
    """One picture of a person, or one half second of a clip.

    Attributes:
        source: The file.
        time: In seconds; None for a photograph.
        track: Names the face that is followed; None for a photograph.
        probs: (A,) what was read.
        embedding: (D,) who it is.
        height: Of the face, as a share of the picture's; 0 where that is not known.
    """

    source: str
    time: float | None
    track: Hashable
    probs: Floats
    embedding: NDArray[np.floating]
    height: float = 0.0


def distinct(population: Population, looks: Sequence[Look]) -> tuple[Look, ...]:
    """Return looks without those that repeat an earlier one: a picture that is given twice says no more.

    Both who it is and what is read must repeat.
    """
    if not looks:
        return ()
    places = np.array([population.evidence(look.embedding).total for look in looks])
    logits = np.array([logits_of(look.probs) for look in looks]) / np.sqrt(population.rest.neutral_within)
    kept: list[int] = []
    for at in range(len(looks)):
        moved = np.square(places[kept] - places[at]).mean(axis=1)
        changed = np.square(np.nan_to_num(logits[kept]) - np.nan_to_num(logits[at])).mean(axis=1)
        if not ((moved <= COPY) & (changed <= COPY)).any():
            kept.append(at)
    return tuple(looks[at] for at in kept)


def look_at(result: Result, face: Face, strand: Strand | None = None) -> Look:
    """Return what a face of a result says of its person.

    Args:
        result: The result.
        face: One of its faces.
        strand: What part of which track it belongs to; None: of the whole track, or of none.
    """
    whole = None if face.track is None else Strand(result.source, face.track)
    return Look(
        result.source,
        result.time,
        strand or whole,
        np.array([*face.au_probs.values()]),
        embedding_of(face),
        (face.box.y1 - face.box.y0) / result.size[1] if result.size else 0.0,
    )


def embedding_of(face: Face) -> NDArray[np.floating]:
    """Return who a face is (D,).

    Raises:
        InputError: The weights have no identity branch.
    """
    if face.identity_embedding is None:
        raise InputError("These weights have no identity branch, so people cannot be told apart; use others.")
    return face.identity_embedding
