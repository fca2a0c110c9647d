"""Who is who as the frames come: tracks of faces become persons, over cuts, absences and clips.

A track is one face followed from frame to frame; it ends at a cut or when the face leaves. Which tracks show
one person is decided by their identity embeddings, by how likely pictures of one person differ so much
(`Population.log_likelihood`); two faces of one frame are two people. `grouping` looks at everything at once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count

import numpy as np

from idennet.people.grouping import chance
from idennet.people.population import Evidence, Population
from idennet.people.tracks import Box, Endings, Sighting, Strand, overlap, worth_of
from idennet.people.zero import LOOK

STEADY = 3.0
"""Log odds by which a track must fit better elsewhere before its number changes."""

NEAR, SOON, CONTINUED = 0.3, 1.0, 4.0
"""A track that begins within `SOON` seconds where another ended (overlap of the boxes at least `NEAR`) has
`CONTINUED` log odds more to show the same person."""


@dataclass(eq=False)
class _Track:
    """A face that is followed.

    Attributes:
        evidence: What its looks say together.
        person: Number of whom it is taken for; 0 before that is decided.
        looks: How many.
        looked: When the last was taken.
        begun: When and where it began.
        seen: When and where it was last.
        beside: Tracks that were in a frame with it, and so show others.
        strand: What names it; None where nobody followed it.
    """

    evidence: Evidence
    begun: tuple[float, Box]
    seen: tuple[float, Box]
    person: int = 0
    looks: int = 0
    looked: float = -np.inf
    beside: set["_Track"] = field(default_factory=set)
    strand: Strand | None = None

    def continues(self, other: "_Track") -> bool:
        """Say whether it begins where and when another of its clip ended; parts of one track go over."""
        return (
            self.strand is not None
            and other.strand is not None
            and self.strand.source == other.strand.source
            and self.strand.track != other.strand.track
            and 0 < self.begun[0] - other.seen[0] <= SOON
            and overlap(self.begun[1], other.seen[1]) >= NEAR
        )


class Persons:
    """Numbers the people of a stream, frame by frame and without looking ahead.

    A track is given to a person at once, and judged again at each further look: what a first blurred frame
    got wrong is put right, and the number changes then. What the recording adds to all faces is taken out as
    soon as the people seen so far are explained better by it.

    Args:
        population: Of the weights that the embeddings come from.
        known: People who may appear, by number, for example those of a store.
    """

    def __init__(self, population: Population, known: Mapping[int, Evidence] | None = None) -> None:
        self.population = population
        self._evidence = dict(known or {})
        self._members: dict[int, list[_Track]] = {number: [] for number in self._evidence}
        self._known = frozenset(self._evidence)
        self._numbers = count(max(self._evidence, default=0) + 1)
        self._tracks: dict[Strand, _Track] = {}
        self._ended: list[_Track] = []
        self._endings = Endings[Strand]()
        self._past: dict[int, _Track] = {}  # by person, what is left of tracks that have ended
        self._clock = 0.0
        self._offset = np.zeros_like(population.spread)

    def assign(self, faces: Sequence[Sighting], time: float | None = None) -> list[int]:
        """Return the number of the person in each face of a frame; the numbers of a frame differ.

        Args:
            faces: All faces of the frame.
            time: In seconds, not falling within a clip; None for a photograph, which does not follow the last
                one.
        """
        self._clock = self._clock + 2 * SOON if time is None else time
        tracks = [self._follow(face) for face in faces]
        for track in tracks:
            track.beside.update(other for other in tracks if other is not track)
        self._decide([track for track in tracks if track.looked == self._clock])
        self._forget(tracks)
        return [track.person for track in tracks]

    def evidence(self, number: int) -> Evidence:
        """Return what is known of a person."""
        return self._evidence[number]

    def _follow(self, face: Sighting) -> _Track:
        """Return the track of a face, with another look at it if that says something new."""
        now = self._clock, face.box
        track = _Track(self.population.nothing(), now, now, strand=face.strand)
        if face.strand is not None:
            track = self._tracks.setdefault(face.strand, track)
        if self._clock - track.looked >= LOOK:
            place = self.population.evidence(face.embedding).total
            before, track.looks, track.looked = track.evidence, track.looks + 1, self._clock
            mean = before.total / before.count if before.count else place
            worth = worth_of(track.looks)
            track.evidence = Evidence(worth, worth * (mean + (place - mean) / track.looks))
            if track.person:
                self._evidence[track.person] += track.evidence - before
        track.seen = now
        return track

    def _forget(self, here: Sequence[_Track]) -> None:
        """Keep one track for all of a person's that have ended, since these stay that person's."""
        ended = self._endings.after([track.strand for track in here if track.strand])
        self._ended += [self._tracks.pop(strand) for strand in ended]
        self._ended += [track for track in here if track.strand is None]
        going_on = self._tracks.values()
        needed = [
            track
            for track in self._ended
            if 0 <= self._clock - track.seen[0] <= SOON or any(other.continues(track) for other in going_on)
        ]
        for track in self._ended:
            if track not in needed:
                self._fold(track)
        self._ended = needed

    def _fold(self, track: _Track) -> None:
        number = track.person
        past = self._past.setdefault(
            number, _Track(self.population.nothing(), track.begun, track.seen, number)
        )
        past.evidence += track.evidence
        self._members[number] = [past, *(m for m in self._members[number] if m not in (past, track))]
        for other in self._tracks.values():
            if track in other.beside:
                other.beside.remove(track)
                other.beside.add(past)

    def _decide(self, tracks: Sequence[_Track]) -> None:
        """Give tracks that were looked at to whom they show most likely, the surest first."""
        if not tracks:
            return
        self._offset = self.population.shared_by(self._evidence.values())
        options = [
            (odds, at, number) for at, track in enumerate(tracks) for number, odds in self._odds(track)
        ]
        undecided, taken = dict(enumerate(tracks)), set[int]()
        for odds, at, number in sorted(options, reverse=True):
            if at in undecided and number not in taken and odds > self._needed(undecided[at]):
                self._give(undecided.pop(at), number)
                taken.add(number)
        for track in undecided.values():
            if not self._alone(track):
                self._give(track, next(self._numbers))

    def _odds(self, track: _Track) -> list[tuple[int, float]]:
        """Return whom a track may show, with the log odds against somebody whom nothing else shows."""
        found = []
        for number, members in self._members.items():
            others = [other for other in members if other is not track]
            if (others or number in self._known) and track.beside.isdisjoint(others):
                rest = self._evidence[number] - track.evidence if len(others) < len(members) else None
                odds = self.population.same_person(
                    track.evidence.without(self._offset),
                    (rest or self._evidence[number]).without(self._offset),
                )
                odds += CONTINUED * any(map(track.continues, others)) + STEADY * (track.person == number)
                found.append((number, odds))
        return found

    def _needed(self, track: _Track) -> float:
        """Return the log odds that a track needs for somebody who was seen before."""
        if not track.person:
            return chance(len(self._members))
        return STEADY if self._alone(track) else 0.0

    def _alone(self, track: _Track) -> bool:
        """Say whether nothing but a track shows the person that it is taken for."""
        return self._members.get(track.person) == [track] and track.person not in self._known

    def _give(self, track: _Track, number: int) -> None:
        if track.person == number:
            return
        if track.person:
            self._members[track.person].remove(track)
            self._evidence[track.person] -= track.evidence
        self._members.setdefault(number, []).append(track)
        self._evidence[number] = self._evidence.get(number, self.population.nothing()) + track.evidence
        track.person = number
