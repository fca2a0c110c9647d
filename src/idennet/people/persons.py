"""Who is who: tracks of faces become persons, over cuts, absences and clips.

A track is one face followed from frame to frame; it ends at a cut or when the face leaves. Which tracks show
one person is decided by their identity embeddings, by how likely pictures of one person differ so much
(`Population.log_likelihood`); two faces of one frame are two people. `Persons` decides as the frames come,
`group` looks at everything at once.
"""

from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from operator import itemgetter
from typing import Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from idennet.faces.tracking import MEMORY
from idennet.people.population import Evidence, Floats, Population
from idennet.people.zero import LOOK

Box = tuple[float, float, float, float]

Key = TypeVar("Key", bound=Hashable)

SCENE = 0.6
"""Correlation of two looks of one track, beyond the person: same light, pose and camera. Of rendered people
.66 of the variance of a person's embeddings lies between sequences."""

STEADY = 3.0
"""Log odds by which a track must fit better elsewhere before its number changes."""

NEAR, SOON, CONTINUED = 0.3, 1.0, 4.0
"""A track that begins within `SOON` seconds where another ended (overlap of the boxes at least `NEAR`) has
`CONTINUED` log odds more to show the same person."""

ABRUPT = 0.3
"""Variance of the step in identity space where a face changes at once. Between frames of real clips it is .01
(median; .4 at most), between a neutral and a smiling portrait of a person .4 (20 people, `synfacs-0.5.0`).
With .4 here more strangers of one studio would pass for one person; a part too many costs less."""

ROUNDS = 5
"""Groupings that are tried, each without what the recording adds by the one before; the first as they are."""


class Strand(NamedTuple):
    """A track, or the part of it that shows one person.

    Attributes:
        source: The clip.
        track: Number of the track in it.
        part: From 0.
    """

    source: str
    track: int
    part: int = 0


class Sighting(NamedTuple):
    """A face in a frame.

    Attributes:
        embedding: (D,) identity embedding, of unit length.
        box: x0, y0, x1, y1 in pixels.
        strand: What it is part of; None for a face that nobody followed.
    """

    embedding: NDArray[np.floating]
    box: Box
    strand: Strand | None = None


class Endings(Generic[Key]):
    """Tells when tracks have ended, so that little need be kept of them and a camera may run for weeks."""

    def __init__(self) -> None:
        self._missed: dict[Key, int] = {}

    def after(self, here: Collection[Key]) -> list[Key]:
        """Return the tracks that cannot go on after a frame, given those of its faces."""
        self._missed = {track: missed + 1 for track, missed in self._missed.items()} | dict.fromkeys(here, 0)
        ended = [track for track, missed in self._missed.items() if missed > MEMORY]
        for track in ended:
            del self._missed[track]
        return ended


class Seams:
    """Takes tracks apart where they go over to somebody else: at a cut that nobody noticed.

    That is so where the faces of two frames differ rather as two people do, of one place, than as one person
    whose face changes at once. What the place adds is in both and cancels out. A face that goes back to what
    it was, after a blink, a blurred frame or another cut, is of the same part again.

    Args:
        population: Of the weights that the embeddings come from.
    """

    def __init__(self, population: Population) -> None:
        self.population = population
        self._last: dict[tuple[str, int], list[Floats]] = {}  # of each part; few, as no two are alike
        self._endings = Endings[tuple[str, int]]()

    def strands(self, source: str, faces: Mapping[int, NDArray[np.floating]]) -> dict[int, Strand]:
        """Return the parts of tracks that the faces of the next frame belong to, by track.

        Args:
            source: The clip.
            faces: The identity embedding of each face that is followed, by track.
        """
        strands = {}
        for track, embedding in faces.items():
            place = self.population.evidence(embedding).total
            parts = self._last.setdefault((source, track), [])
            odds = [self._goes_on(place - last) for last in parts]
            part = int(np.argmax(odds)) if max(odds, default=-1.0) >= 0 else len(parts)
            parts[part : part + 1] = [place]
            strands[track] = Strand(source, track, part)
        for ended in self._endings.after([(source, track) for track in faces]):
            del self._last[ended]
        return strands

    def _goes_on(self, step: Floats) -> float:
        """Return the log likelihood ratio of "the same person" against "another", given a step (K,)."""
        other = ABRUPT + 2 * self.population.spread
        return float((np.log(other / ABRUPT) - np.square(step) * (1 / ABRUPT - 1 / other)).sum() / 2)


def chance(others: int) -> float:
    """Return the log odds that one of so many others reaches who is nobody of them: 1 of them by chance."""
    return float(np.log(1 + others))


def worth_of(looks: int) -> float:
    """Return how many pictures of different scenes tell as much as so many looks of one track."""
    return looks / (1 + SCENE * (looks - 1)) if looks else 0.0


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


def group(
    population: Population, evidence: Sequence[Evidence], frames: Sequence[Hashable]
) -> NDArray[np.int64]:
    """Return the person of each of N faces or tracks, from 1 in order of first appearance.

    They are grouped as they are, then without what the recording adds to all of them, as the groups found so
    far tell it (`Population.shared_offset`); the likeliest of these groupings counts. Takes five bytes for
    each pair.

    People who are known from before are given among the others. Theirs may be other recordings, but how far
    somebody lies from them then stays what it was, and those of many places say that nothing is shared.

    Args:
        population: Of the weights that the embeddings come from.
        evidence: What each says about who it is.
        frames: For each face its picture, or for each track the set of frames it is in; what is equal, or
            overlaps, shows different people.
    """
    if not evidence:
        return np.empty(0, int)
    counts = np.array([float(item.count) for item in evidence])
    totals = np.stack([item.total for item in evidence])
    groupings: list[tuple[float, NDArray[np.int64]]] = []
    offset = np.zeros_like(population.spread)
    for _ in range(ROUNDS):
        labels = _agglomerated(population, counts, totals - counts[:, None] * offset, frames)
        if groupings and np.array_equal(labels, groupings[-1][1]):
            break
        offset, likelihood = _judged(population, counts, totals, labels)
        groupings.append((likelihood, labels))
    best = max(groupings, key=itemgetter(0))[1].tolist()
    first = {label: number for number, label in enumerate(dict.fromkeys(best), start=1)}
    return np.array([first[label] for label in best], int)


def _judged(
    population: Population, counts: Floats, totals: Floats, labels: NDArray[np.int64]
) -> tuple[Floats, float]:
    """Return what the recording adds (K,), given the group of each face, and how likely that grouping is."""
    names, groups = np.unique(labels, return_inverse=True)
    count = np.bincount(groups, counts).astype(float)
    total = np.zeros((len(names), totals.shape[1]))
    np.add.at(total, groups, totals)
    offset, gain = population.shared_offset(count, total)
    likelihood = population.log_likelihood(count, total).sum() + chance(len(counts)) * len(names)
    return offset, float(likelihood) + max(gain, 0.0)


def _agglomerated(
    population: Population, counts: Floats, totals: Floats, frames: Sequence[Hashable]
) -> NDArray[np.int64]:
    """Return a group of each of N faces, named by one of them.

    Greedy agglomeration: the two groups that most likely show one person become one, as long as that is more
    likely than to be expected among so many, and no frame shows both.
    """
    counts, totals, apart = counts.copy(), totals.copy(), _apart(frames)
    alone = population.log_likelihood(counts, totals)
    needed = chance(len(counts))
    alive = np.ones(len(counts), bool)
    labels = np.arange(len(counts))

    def gains(at: int) -> NDArray[np.float64]:
        together = population.log_likelihood(counts + counts[at], totals + totals[at])
        found = together - alone - alone[at]
        found[~alive | apart[at]] = -np.inf
        return found

    pairs = np.empty(apart.shape, np.float32)
    for row in range(len(counts)):
        pairs[row] = gains(row)
    best = pairs.argmax(axis=1)
    value = pairs.max(axis=1)
    while value.max() > needed:
        kept = int(value.argmax())
        gone = int(best[kept])
        counts[kept] += counts[gone]
        totals[kept] += totals[gone]
        alone[kept] = population.log_likelihood(counts[kept], totals[kept])
        apart[kept] |= apart[gone]
        apart[:, kept] |= apart[:, gone]
        labels[labels == gone] = kept
        alive[gone], value[gone] = False, -np.inf
        pairs[:, gone] = -np.inf
        pairs[kept] = pairs[:, kept] = gains(kept)
        for at in np.flatnonzero(alive & (np.isin(best, (kept, gone)) | (pairs[:, kept] > value))):
            best[at] = pairs[at].argmax()
            value[at] = pairs[at, best[at]]
    return labels


def _apart(frames: Sequence[Hashable]) -> NDArray[np.bool_]:
    """Return (N, N) whether two are seen in one frame; each is apart from itself."""
    where: dict[Hashable, list[int]] = {}
    for at, given in enumerate(frames):
        for frame in given if isinstance(given, frozenset) else (given,):
            where.setdefault(frame, []).append(at)
    apart = np.eye(len(frames), dtype=bool)
    for together in where.values():
        apart[np.ix_(together, together)] = True
    return apart


def overlap(one: Box, other: Box) -> float:
    """Return the area that two boxes share, as a part of the area that they cover."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return shared / (sum(areas) - shared)
