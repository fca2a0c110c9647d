"""What people ask for on a command line, turned into a `Following`."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from idennet.errors import InputError
from idennet.inference.analyser import Analyser
from idennet.inference.result import Result
from idennet.media.folders import find_pictures
from idennet.media.video import seconds_of
from idennet.people.following import Asked, Following, Look, look_at
from idennet.people.population import Floats, Population
from idennet.people.store import Appearance, PersonStore
from idennet.people.zero import LOOK, Way

STORED = "store"
"""What `--zero` says for the neutral pictures that were enrolled."""

_MOMENT = r"([\d:.]+)"


def following(
    analyser: Analyser, population: Population, *, apart: bool, zero: str | None, store: PersonStore | None
) -> Following:
    """Return what follows the people of a run.

    Args:
        analyser: Reads neutral pictures.
        population: Of its weights.
        apart: Whether people are told apart; with a store they always are.
        zero: "running", "whole", "identity", "store", a range such as "2-5" or "0:02-0:05", a picture of a
            neutral face or a folder of them; None: no zero.
        store: People who may appear.

    Raises:
        InputError: The zero is none of that, or a neutral picture does not show one face.
    """
    asked = None if zero is None else asked_for(zero, analyser, store)
    return Following(
        population, apart=apart or store is not None, asked=asked, known=store.known() if store else None
    )


def asked_for(zero: str, analyser: Analyser, store: PersonStore | None = None) -> Asked:
    """Return the zero that a text asks for, as for `following`.

    Raises:
        InputError: As there.
    """
    if zero in (Way.RUNNING, Way.WHOLE, Way.IDENTITY):
        return Asked(Way(zero))
    if zero == STORED:
        if store is None:
            raise InputError("Whose neutral pictures? Name the person store with --store.")
        return Asked(Way.NEUTRAL, of_known=neutral_looks(store))
    if span := re.fullmatch(f"{_MOMENT}-{_MOMENT}", zero):
        start, end = map(seconds_of, span.groups())
        if end <= start:
            raise InputError(f"The range {zero} ends before it starts; write it like 2-5 or 0:02-0:05.")
        return Asked(Way.NEUTRAL, span=(start, end))
    if not Path(zero).exists():
        raise InputError(
            f"--zero {zero} is neither running, whole, identity or store, nor a range such as 2-5, nor a "
            "file or folder that exists."
        )
    return Asked(Way.NEUTRAL, tuple(looks_at_one(analyser.analyse_all(find_pictures([zero]).files))))


def looks_at_one(results: Iterable[Result]) -> list[Look]:
    """Return the looks at the only face of photographs and clips; of a clip one every half second.

    Raises:
        InputError: A picture or clip cannot be read or shows no face, or one shows more than one.
    """
    looks: list[Look] = []
    without = dict[str, bool]()
    for result in results:
        if result.error:
            raise InputError(result.error)
        if len(result.faces) > 1:
            raise InputError(
                f"{_where(result)} shows {len(result.faces)} faces; cut out the one that is meant."
            )
        without[result.source] = without.get(result.source, True) and not result.faces
        if result.faces and _is_new(result, looks[-1] if looks else None):
            looks.append(look_at(result, result.faces[0]))
    if empty := next((source for source, nobody in without.items() if nobody), None):
        raise InputError(f"{empty} shows no face that was found; give another one.")
    return looks


def _is_new(result: Result, last: Look | None) -> bool:
    """Say whether a result says something new after the last look."""
    if last is None or last.source != result.source or result.time is None or last.time is None:
        return True
    return result.time - last.time >= LOOK


def _where(result: Result) -> str:
    return result.source if result.time is None else f"{result.source}, second {result.time:.1f},"


def appearances(looks: Sequence[Look], *, neutral: bool) -> list[Appearance]:
    """Return what a store keeps of looks at one person: one appearance a photograph or track."""
    tracks: dict[object, list[Look]] = {}
    for at, look in enumerate(looks):
        tracks.setdefault(at if look.track is None else look.track, []).append(look)
    return [
        Appearance(
            track[0].source,
            len(track),
            np.mean([look.embedding for look in track], axis=0),
            _mean_seen(np.array([look.probs for look in track])) if neutral else None,
        )
        for track in tracks.values()
    ]


def _mean_seen(probs: Floats) -> Floats:
    """Return the mean (A,) of looks (N, A) that saw what shows an Action Unit; NaN where none did."""
    seen = np.isfinite(probs)
    return np.divide(
        np.where(seen, probs, 0).sum(axis=0), seen.sum(axis=0), out=np.full(probs.shape[1], np.nan),
        where=seen.any(axis=0),
    )  # fmt: skip


def neutral_looks(store: PersonStore) -> dict[int, tuple[Look, ...]]:
    """Return the neutral looks of everybody in a store, by number."""
    looks = {
        person.number: tuple(
            Look(one.source, None, None, one.neutral.astype(float), one.embedding)
            for one in person.appearances
            if one.neutral is not None
        )
        for person in store.people()
    }
    return {number: found for number, found in looks.items() if found}
