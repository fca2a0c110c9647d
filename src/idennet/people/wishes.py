"""What people ask for on a command line, turned into a `Following`."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from idennet.errors import InputError
from idennet.inference.analyser import Analyser
from idennet.inference.result import Result
from idennet.media.folders import find_pictures
from idennet.media.video import span_of
from idennet.people.following import Asked, Following
from idennet.people.looks import Look, look_at
from idennet.people.population import Evidence, Floats, Population
from idennet.people.store import Appearance, PersonStore
from idennet.people.strangers import CLEARLY
from idennet.people.zero import LOOK, Way

STORED = "store"
"""What `--zero` says for the neutral pictures that were enrolled."""

MAIN = 2
"""How many times as much as anybody else whom a recording is about is seen."""


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
    if store is None:
        return Following(population, apart=apart, asked=asked)
    return Following(population, apart=True, asked=asked, known=store.known(), names=store.names())


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
    if span := span_of(zero):
        return Asked(Way.NEUTRAL, span=span)
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
        if len(_read(result).faces) > 1:
            raise InputError(
                f"{_where(result)} shows {len(result.faces)} faces; cut out the one that is meant."
            )
        without[result.source] = without.get(result.source, True) and not result.faces
        if result.faces and _is_new(result, looks[-1] if looks else None):
            looks.append(look_at(result, result.faces[0]))
    _check_faces(source for source, nobody in without.items() if nobody)
    return looks


def looks_at_main(
    following: Following, results: Iterable[Result], name: str, known: Mapping[int, Evidence]
) -> tuple[list[Look], int]:
    """Return the looks at whom photographs and clips are about, and how many others they show beside.

    That is the only person, the one whom the store knows by that name, or one who is seen `MAIN` times as
    much as anybody else: in so many pictures and half seconds, by the height of the face.

    Args:
        following: Tells people apart.
        results: Of photographs and clips.
        name: Of the person, for messages.
        known: Who the person of that name is in the store, by number; empty if there is none.

    Raises:
        InputError: A picture or clip cannot be read or does not show that person, it is not clear who that
            is, or it clearly is somebody else than in the store.
    """
    shown: dict[str, set[int | None]] = {}
    for result in following.gather(map(_read, results)):
        shown.setdefault(result.source, set()).update(face.person for face in result.faces)
    _check_faces(source for source, people in shown.items() if not people)
    people = following.people
    much = {number: sum(look.height for look in person.looks) for number, person in people.items()}
    main, *others = sorted(much, key=lambda number: (number in known, much[number]), reverse=True)
    if main not in known and others and much[main] < MAIN * much[others[0]]:
        raise InputError(
            f"These show {len(people)} people, and nobody {MAIN} times as much as anybody else; enrol a "
            f"picture that shows {name} alone first, then {name} is found here."
        )
    if without := next((source for source, there in shown.items() if main not in there), None):
        raise InputError(f"{without} does not show {name} as the others do; leave it out, or enrol it alone.")
    seen = people[main].evidence
    if main not in known and any(
        following.population.same_person(there, seen) < CLEARLY for there in known.values()
    ):
        raise InputError(
            f"{_these(shown)} somebody else than the store knows as {name}; enrol them by another name, or a "
            f"clearer picture of {name}."
        )
    return people[main].looks, len(others)


def _these(sources: Collection[str]) -> str:
    return f"{next(iter(sources))} clearly shows" if len(sources) == 1 else "These clearly show"


def _read(result: Result) -> Result:
    if result.error:
        raise InputError(result.error)
    return result


def _check_faces(without: Iterable[str]) -> None:
    for source in without:
        raise InputError(f"{source} shows no face that was found; give another one.")


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
