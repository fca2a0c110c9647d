"""From results to people: every face gets its person, and its Action Units from that person's own zero.

Nothing that was read is replaced: persons and zeroed values stand beside it. `follow` takes results as they
come; `gather` looks at all of them first.
"""

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from idennet.errors import InputError
from idennet.inference.face import Face, Zeroed
from idennet.inference.quality import Flag
from idennet.inference.result import Result
from idennet.people.doubts import Doubts, doubts
from idennet.people.grouping import group
from idennet.people.looks import Look, distinct, embedding_of, look_at
from idennet.people.persons import Persons
from idennet.people.population import Evidence, Floats, Population
from idennet.people.recognition import certainty
from idennet.people.seams import Seams
from idennet.people.spool import Spool
from idennet.people.strangers import Strangers
from idennet.people.tracks import Endings, Sighting, Strand, of_track
from idennet.people.zero import LOOK, RunningZero, Way, Zero, identity_zero, neutral_zero, whole_zero

Strands = Sequence[Strand | None]
"""Of the faces of a result, in their order."""

MOVING = 0.7
"""Probability from which an Action Unit is clearly shown by what is said to be neutral. It is no threshold:
faces at rest now and then pass that of an Action Unit."""

_HARDLY_A_FACE = (Flag.SMALL, Flag.OCCLUDED)

EVERYBODY = 0
"""Number of the person whom all faces are taken for where nobody is told apart."""


class Asked(NamedTuple):
    """Which zero is asked for.

    Attributes:
        way: How it is to be found.
        neutral: Neutral pictures, for `Way.NEUTRAL`.
        span: Seconds from and to which a clip is neutral, for `Way.NEUTRAL` without pictures.
        of_known: Neutral pictures of people that are known, by number.
    """

    way: Way
    neutral: tuple[Look, ...] = ()
    span: tuple[float, float] | None = None
    of_known: Mapping[int, tuple[Look, ...]] = {}

    @property
    def needs_all(self) -> bool:
        """Whether everything must have been seen before the first zero is known."""
        return self.way == Way.WHOLE or self.span is not None


@dataclass(eq=False)
class Person:
    """What has been seen of a person.

    Attributes:
        running: The zero that follows from watching.
        known: Who it is, from before, from photographs, and from tracks that have ended.
        tracks: What the looks of each track say of who it is, summed up.
        looked: How many looks there were.
        last: The last of them.
        looks: All of them where everything is gathered; none where a stream is followed.
        zero: The one asked for, as far as it is known.
    """

    running: RunningZero
    known: Evidence
    tracks: dict[Hashable, Evidence] = field(default_factory=dict)
    looked: int = 0
    last: Look | None = None
    looks: list[Look] = field(default_factory=list)
    zero: Zero | None = None

    def look(self, look: Look, place: Evidence) -> None:
        """Add a look, and what its embedding says."""
        if look.track is None:
            self.known += place
        else:
            before = self.tracks.get(look.track)
            self.tracks[look.track] = place if before is None else before + place
        self.looked, self.last = self.looked + 1, look
        self.running.look(look.probs)

    def end(self, track: Hashable) -> None:
        """Keep of a track only who it is."""
        if seen := self.tracks.pop(track, None):
            self.known += of_track(seen)

    @property
    def evidence(self) -> Evidence:
        """Who it is."""
        return sum(map(of_track, self.tracks.values()), self.known)


class Following:
    """Tells people apart, and gives their Action Units from their own zeros.

    Args:
        population: Of the weights that the results were read with.
        apart: Whether people are told apart; otherwise all faces are one person's.
        asked: Which zero, if any.
        known: People who may appear, by number.
        names: Of people who may appear, by number, where they have one.

    Attributes:
        people: What was seen of each, by number.
        names: As given.
        doubts: Where photographs alone were gathered and told apart, which persons may be several people; of
            those who were known before, each face has a certainty instead. Faces are called by their picture.
    """

    def __init__(
        self,
        population: Population,
        *,
        apart: bool,
        asked: Asked | None = None,
        known: Mapping[int, Evidence] | None = None,
        names: Mapping[int, str] | None = None,
    ) -> None:
        self.population = population
        self.people: dict[int, Person] = {}
        self.names = dict(names or {})
        self.doubts = Doubts((), in_one_place=False)
        self.moving_rest: dict[int, list[int]] = {}
        """By person, Action Units that most of what is said to be neutral clearly shows."""
        self._somebody = set[int]()
        self._apart = apart
        self._asked = asked and asked._replace(
            neutral=distinct(population, asked.neutral),
            of_known={number: distinct(population, looks) for number, looks in asked.of_known.items()},
        )
        alone = self._asked.neutral if self._asked and not apart else ()
        self._strangers = Strangers(population, alone) if alone else None
        self._known = dict(known or {})
        self._persons = Persons(population, known)
        self._seams = Seams(population)
        self._endings = Endings[Strand]()
        self._shared: Floats | None = None  # until it is needed

    @property
    def needs_all(self) -> bool:
        """Whether results can be gathered only, not followed."""
        return self._asked is not None and self._asked.needs_all

    @property
    def without_zero(self) -> tuple[int, ...]:
        """Numbers of the people who got none although one was asked for: nothing neutral was seen of them."""
        if self._asked is None:
            return ()
        return tuple(sorted(number for number, person in self.people.items() if person.zero is None))

    @property
    def strangers(self) -> int:
        """How many faces of photographs and tracks clearly show somebody else than the neutral pictures.

        Only where nobody is told apart, so that these pictures are everybody's zero.
        """
        return self._strangers.count if self._strangers else 0

    def follow(self, results: Iterable[Result]) -> Iterator[Result]:
        """Yield results with their people as they come, without looking ahead.

        Raises:
            InputError: The zero asked for needs everything first.
        """
        if self.needs_all:
            raise InputError("A zero over a whole clip, or of a part of it, needs all results; gather them.")
        for result in results:
            strands = self._strands(result)
            numbers = self._numbers(result, strands)
            for face, strand, number in zip(result.faces, strands, numbers, strict=True):
                if self._look(result, face, strand, number):
                    self.people[number].zero = self._zero(number)
                    self._shared = None
            for ended in self._endings.after([strand for strand in strands if strand]):
                for person in self.people.values():
                    person.end(ended)
                if self._strangers:
                    self._strangers.end(ended)
            yield self._told(result, strands, numbers)

    def told(self, results: Iterable[Result], *, at_once: bool) -> Iterator[Result]:
        """Return results with their people: at once where that is wished and possible, else gathered.

        Args:
            results: In order.
            at_once: For clips and cameras, which may be long; photographs are told apart better together.
        """
        return self.follow(results) if at_once and not self.needs_all else self.gather(results)

    def gather(self, results: Iterable[Result]) -> Iterator[Result]:
        """Yield results with their people after all were looked at; aligned faces are not kept.

        Results wait on the disk meanwhile. When reading them is interrupted, those that were read are told
        from each other, and the interruption comes after them.

        Raises:
            InputError: There is no room for temporary files.
        """
        with Spool() as kept:
            strands: list[Strands] = []  # one more than is kept, where an interruption comes in between
            stopped = None
            try:
                for result in results:
                    strands.append(self._strands(result))
                    kept.append(result)
            except KeyboardInterrupt as interruption:
                stopped = interruption
            numbered = (
                self._grouped(kept, strands) if self._apart else [[EVERYBODY] * len(row) for row in strands]
            )
            for result, row, numbers in zip(kept, strands, numbered, strict=False):
                for face, strand, number in zip(result.faces, row, numbers, strict=True):
                    if look := self._look(result, face, strand, number):
                        self.people[number].looks.append(look)
            for number, person in self.people.items():
                person.zero = self._zero(number)
            for result, row, numbers in zip(kept, strands, numbered, strict=False):
                yield self._told(result, row, numbers)
        if stopped is not None:
            raise stopped

    def _strands(self, result: Result) -> Strands:
        """Return what part of which track each face belongs to; None for those of photographs."""
        followed = {face.track: embedding_of(face) for face in result.faces if face.track is not None}
        parts = self._seams.strands(result.source, followed)
        return [None if face.track is None else parts[face.track] for face in result.faces]

    def _numbers(self, result: Result, strands: Strands) -> list[int]:
        if not self._apart:
            return [EVERYBODY] * len(result.faces)
        sightings = [
            Sighting(embedding_of(face), face.box, strand)
            for face, strand in zip(result.faces, strands, strict=True)
        ]
        return self._persons.assign(sightings, result.time)

    def _grouped(self, results: Iterable[Result], strands: Sequence[Strands]) -> list[list[int]]:
        """Return the person of each face of all results, people that are known first."""
        seen: dict[Hashable, Evidence] = {}
        frames: dict[Hashable, set[Hashable]] = {}
        last: dict[Hashable, float] = {}
        keys: list[list[Hashable]] = []
        pictures: list[str] = []
        for at, (result, row) in enumerate(zip(results, strands, strict=False)):
            keys.append([strand or (at, k) for k, strand in enumerate(row)])
            for key, face in zip(keys[-1], result.faces, strict=True):
                frames.setdefault(key, set()).add(at)
                pictures += [result.source] * (face.track is None)
                if result.time is None or result.time - last.get(key, -np.inf) >= LOOK:
                    place = self.population.evidence(embedding_of(face))
                    seen[key] = seen[key] + place if key in seen else place
                    last[key] = result.time or 0.0
        evidence = [*self._known.values(), *map(of_track, seen.values())]
        apart: list[Hashable] = [*("known" for _ in self._known), *map(frozenset, frames.values())]
        groups = group(self.population, evidence, apart).tolist()
        names = dict(zip(groups, self._known, strict=False))
        for label in groups:
            names.setdefault(label, max(names.values(), default=0) + 1)
        if len(pictures) == len(seen):
            called = [*("" for _ in self._known), *pictures]
            found = doubts(self.population, evidence, [names[label] for label in groups], called)
            unknown = tuple(doubt for doubt in found.persons if doubt.person not in self._known)
            self.doubts = found._replace(persons=unknown)
        number = {key: names[label] for key, label in zip(seen, groups[len(self._known) :], strict=True)}
        return [[number[key] for key in row] for row in keys]

    def _look(self, result: Result, face: Face, strand: Strand | None, number: int) -> Look | None:
        """Take a look at a person and return it, if half a second has gone by."""
        if number not in self.people:
            known = self._known.get(number, self.population.nothing())
            self.people[number] = Person(RunningZero(self.population.rest), known)
        person = self.people[number]
        last = person.last.time if person.last else None
        if result.time is not None and last is not None and 0 <= result.time - last < LOOK:
            return None
        look = look_at(result, face, strand)
        person.look(look, self.population.evidence(look.embedding))
        return look

    def _zero(self, number: int) -> Zero | None:
        """Return the zero of a person as far as it is known; None where nothing neutral was seen."""
        if self._asked is None:
            return None
        rest, person = self.population.rest, self.people[number]
        match self._asked.way:
            case Way.RUNNING:
                return person.running.zero
            case Way.WHOLE:
                return whole_zero(rest, np.array([look.probs for look in person.looks]))
            case Way.IDENTITY:
                return identity_zero(self.population, person.evidence, person.looked)
            case Way.NEUTRAL:
                neutral = np.array([look.probs for look in self._neutral(number)])
                self._note_moving(number, neutral)
                return neutral_zero(rest, neutral) if len(neutral) else None

    def _note_moving(self, number: int, neutral: NDArray[np.floating]) -> None:
        shown = (np.nan_to_num(neutral) >= MOVING).mean(axis=0) > 0.5 if len(neutral) else np.zeros(0)
        self.moving_rest[number] = [self.population.card.aus[at] for at in np.flatnonzero(shown)]

    def _neutral(self, number: int) -> Sequence[Look]:
        """Return the looks at a person that are said to be neutral, each picture once."""
        assert self._asked is not None, "a zero was asked for"
        person = self.people[number]
        if number in self._asked.of_known:
            return self._asked.of_known[number]
        if self._asked.span:
            start, end = self._asked.span
            looks = [look for look in person.looks if look.time is not None and start <= look.time <= end]
            return distinct(self.population, looks)
        if not self._apart:
            return self._asked.neutral
        evidence = person.evidence
        return [
            look
            for look in self._asked.neutral
            if self.population.same_person(evidence, self.population.evidence(look.embedding)) > 0
        ]

    @property
    def perhaps_nobody(self) -> tuple[int, ...]:
        """Numbers of people whose every face is small and has a part covered: perhaps a sign, and no face."""
        return tuple(sorted(self.people.keys() - self._somebody - self._known.keys())) if self._apart else ()

    def _told(self, result: Result, strands: Strands, numbers: Sequence[int]) -> Result:
        for face, number in zip(result.faces, numbers, strict=True):
            if not set(_HARDLY_A_FACE) <= set(face.flags):
                self._somebody.add(number)
        if self._strangers:
            for face, strand in zip(result.faces, strands, strict=True):
                self._strangers.see(embedding_of(face), strand)
        faces = [
            replace(
                face,
                person=number if self._apart else face.person,
                name=self.names.get(number),
                person_certainty=self._certainty(face, strand, number) if number in self._known else None,
                zeroed=zeroed(face, self.people[number].zero),
            )
            for face, strand, number in zip(result.faces, strands, numbers, strict=True)
        ]
        return replace(result, faces=tuple(faces))

    def _certainty(self, face: Face, strand: Strand | None, number: int) -> float:
        """Return how surely a face, or what was seen of its track, shows somebody who is known."""
        if self._shared is None:
            seen = {number: person.evidence for number, person in self.people.items()}
            self._shared = self.population.shared_by((self._known | seen).values())
        track = self.people[number].tracks.get(strand)
        evidence = self.population.evidence(embedding_of(face)) if track is None else of_track(track)
        return certainty(self.population, evidence, self._known[number], self._shared)


def zeroed(face: Face, zero: Zero | None) -> Zeroed | None:
    """Return what a face shows from a person's zero; None without one."""
    if zero is None:
        return None
    aus = tuple(face.au_probs)
    probs = dict(zip(aus, zero.take_from(np.array([[*face.au_probs.values()]]))[0].tolist(), strict=True))
    return Zeroed(
        zero.way,
        zero.looks,
        probs,
        {au: None if np.isnan(p) else p >= face.au_thresholds[au] for au, p in probs.items()},
        frozenset(au for au, settled in zip(aus, zero.settled, strict=True) if not settled),
    )
