"""What `idennet detect` counts while it reads: pictures, videos, faces, and what occurs in them."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from idennet.cli.words import count
from idennet.facs import AUS_OF_PART, PARTS, column, columns
from idennet.inference.face import Face, Zeroed
from idennet.inference.result import Result
from idennet.media.kinds import is_video
from idennet.models.weights import Evidence


def named_aus(face: Face) -> list[int]:
    """Return the Action Units that the lines of a face name: those that occur, raw or from the own zero."""
    zeroed = face.zeroed.au_occurrences if face.zeroed else {}
    return [au for au in face.ranked_aus if face.au_occurrences[au] or zeroed.get(au)]


def _hidden_in(hidden: Mapping[str, int], faces: int) -> dict[str, str]:
    """Return in which share of the faces each part is hidden that ever is: "mouth hidden in 22% of faces"."""
    shares = {part: hidden[part] / faces for part in PARTS if hidden.get(part)}
    return {
        part: f"{part} hidden in {f'{share:.0%}' if share >= 0.005 else 'under 1%'} of faces"
        for part, share in shares.items()
    }


FAINT_ROWS = 3
"""How many Action Units that do not occur stand in the table of a face, below those that do."""

CHANGED = 0.05
"""By how much a share must change with a person's zero taken out for the screen to tell it."""

FEW = 5
"""From how many faces on a person's shares are told; less is often no person, but a cut or a cross-fade."""


SAME = "the same"
"""What is told where a person's zero changes nothing."""


@dataclass
class ZeroedCounts:
    """Counts of one person's faces whose zero is known."""

    faces: int = 0
    raw: Counter[int] = field(default_factory=Counter)
    """In how many faces each Action Unit occurs."""
    zeroed: Counter[int] = field(default_factory=Counter)
    """In how many it occurs once the person's zero is taken out."""
    read: Counter[int] = field(default_factory=Counter)
    """In how many it is read."""
    hidden: Counter[str] = field(default_factory=Counter)
    """In how many each part is hidden."""

    def add(self, face: Face, zeroed: Zeroed) -> None:
        """Count one face."""
        self.faces += 1
        self.raw.update(face.aus)
        self.zeroed.update(au for au, occurs in zeroed.au_occurrences.items() if occurs)
        self.read.update(au for au, occurs in face.au_occurrences.items() if occurs is not None)
        self.hidden.update(face.hidden)

    @property
    def changed(self) -> dict[int, tuple[float, float]]:
        """The shares that change: of each Action Unit raw, and with the zero taken out."""
        shares = {
            au: (self.raw[au] / self.read[au], self.zeroed[au] / self.read[au])
            for au in self.raw | self.zeroed
        }
        return {au: (raw, zeroed) for au, (raw, zeroed) in shares.items() if abs(zeroed - raw) >= CHANGED}

    def line(self, unreliable: Collection[int]) -> str:
        """Return the shares that change in words.

        Args:
            unreliable: Action Units that come last and are marked with "~".
        """
        told = [
            f"{'~' * (au in unreliable)}{column(au)} {raw:.0%} to {zeroed:.0%}"
            for au, (raw, zeroed) in sorted(
                self.changed.items(), key=lambda one: (one[0] in unreliable, -one[1][0])
            )
        ]
        return "  ".join(told) or SAME

    @property
    def hidden_parts(self) -> str:
        """Which parts are hidden, in which share of the person's faces; "" where none is."""
        return ", ".join(_hidden_in(self.hidden, self.faces).values())


@dataclass
class VideoCounts:
    """Counts of a video."""

    source: str
    frames: int = 0
    frames_with_face: int = 0
    faces: int = 0
    tracks: set[int] = field(default_factory=set)
    people: dict[int, Counter[str]] = field(default_factory=dict)
    """In how many faces each person is called what."""
    named: set[int] = field(default_factory=set)
    """People whose name a store has."""
    first: float = 0.0
    last: float = 0.0
    damaged: int = 0
    """Frames with a note, which is always about damage."""
    occurring: Counter[int] = field(default_factory=Counter)
    """In how many faces each Action Unit occurs."""
    read: Counter[int] = field(default_factory=Counter)
    """In how many it is read, since those of hidden parts are not."""
    hidden: Counter[str] = field(default_factory=Counter)
    """In how many faces each part is hidden."""
    aus: tuple[int, ...] = ()
    """Action Units of the network."""
    unreliable_aus: frozenset[int] = frozenset()
    by_person: dict[int, ZeroedCounts] = field(default_factory=dict)
    """Of faces whose zero is known, by person; 0 where nobody is told apart."""

    def add(self, result: Result) -> None:
        """Count one frame."""
        time = result.time or 0.0
        self.first, self.last = (time if self.frames == 0 else self.first), time
        self.frames += 1
        self.faces += len(result.faces)
        self.frames_with_face += bool(result.faces)
        self.damaged += bool(result.notes)
        self.aus = result.aus
        for face in result.faces:
            self.occurring.update(face.aus)
            self.read.update(au for au, occurs in face.au_occurrences.items() if occurs is not None)
            self.hidden.update(face.hidden)
            self.unreliable_aus = face.unreliable_aus
            if face.track is not None:
                self.tracks.add(face.track)
            if face.person is not None:
                self.people.setdefault(face.person, Counter())[face.called] += 1
                if face.name is not None:
                    self.named.add(face.person)
            if face.zeroed is not None:
                self.by_person.setdefault(face.person or 0, ZeroedCounts()).add(face, face.zeroed)

    def called(self, number: int) -> str:
        """Return what a person is called in most faces."""
        return self.people[number].most_common(1)[0][0]

    def few(self, number: int) -> bool:
        """Say whether a person has too few faces for shares."""
        return bool(number) and self.by_person[number].faces < FEW

    @property
    def named_aus(self) -> set[int]:
        """The Action Units that its lines name."""
        people = [counts for number, counts in self.by_person.items() if not self.few(number)]
        return set(self.occurring).union(*(counts.changed for counts in people))

    @property
    def hidden_parts(self) -> str:
        """Which parts are hidden, in which share of its faces, and what is not read there; "" for none."""
        return "; ".join(
            f"{told}: {', '.join(columns(au for au in AUS_OF_PART[part] if au in self.aus))} not read there"
            for part, told in _hidden_in(self.hidden, self.faces).items()
        )


@dataclass(frozen=True)
class Crowd:
    """Faces that are in one picture, or one frame of a video, together."""

    faces: int
    source: str
    moving: bool

    def __str__(self) -> str:
        """Such as `4 are in a.jpg`, or `up to 2 are in one frame of b.mp4`."""
        if self.moving:
            return f"up to {self.faces} are in one frame of {self.source}"
        return f"{self.faces} are in {self.source}"


@dataclass
class Summary:
    """Counts of a run."""

    pictures: int = 0
    videos: int = 0
    frames: int = 0
    faces: int = 0
    without_face: int = 0
    unreadable: int = 0
    broken_off: int = 0
    """Videos that could not be read to their end."""
    defects: int = 0
    """Pictures that IdenNet itself failed on."""
    named_aus: set[int] = field(default_factory=set)
    """Action Units that a line names, since they occur, raw or from the own zero."""
    tabled_aus: set[int] = field(default_factory=set)
    """Action Units that a table of a photograph's face would have."""
    unreliable_aus: frozenset[int] = frozenset()
    lines: bool = False
    """Whether a picture shows a face; those of videos have no lines of their own."""
    graded: bool = False
    """Whether intensities are shown; lines of videos have none."""
    zeroed: bool = False
    """Whether any face is read from its own zero."""
    provisional: dict[str, list[str]] = field(default_factory=dict)
    """Of people in photographs the Action Units that a line names and whose zero may still change, marked; ""
    where nobody is told apart."""
    neutral: bool = False
    """Whether zeros are those of given neutral pictures, which nothing that is read changes."""
    evidence: dict[int, Evidence] = field(default_factory=dict)
    """What the reading of each Action Unit rests on, as far as that is known."""
    crowd: Crowd = field(default_factory=lambda: Crowd(0, "", moving=False))
    """The most faces in one picture."""

    _video: VideoCounts | None = None

    def add(self, result: Result) -> VideoCounts | None:
        """Count one picture or frame; return the video that has ended before it, if one has."""
        ended = None
        if self._video is not None and (result.time is None or result.source != self._video.source):
            ended = self.end_video()
        if result.time is not None:
            if self._video is None:
                self._video = VideoCounts(result.source)
                self.videos += 1
            self._video.add(result)
        elif result.error and result.path and is_video(result.path):
            self.videos += ended is None or ended.source != result.source
        broken_off = bool(result.error) and ended is not None and ended.source == result.source
        self.broken_off += broken_off
        self.unreadable += result.error is not None and not broken_off
        self._count(result)
        return ended

    def end_video(self) -> VideoCounts | None:
        """Return the video that was counted last, unless that has been done."""
        ended, self._video = self._video, None
        self.named_aus |= ended.named_aus if ended else set()
        return ended

    def _count(self, result: Result) -> None:
        self.pictures += result.time is None and not (result.path and is_video(result.path))
        self.frames += result.time is not None
        self.faces += len(result.faces)
        if len(result.faces) > self.crowd.faces:
            self.crowd = Crowd(len(result.faces), result.source, moving=result.time is not None)
        self.lines |= result.time is None and bool(result.faces)
        self.defects += result.defect
        self.without_face += result.time is None and result.error is None and not result.faces
        for face in result.faces:
            self.unreliable_aus |= face.unreliable_aus
            self.graded |= result.time is None and bool(face.au_intensities)
            self.zeroed |= face.zeroed is not None
            self.evidence |= face.au_evidence
            if result.time is None:
                self.named_aus.update(named_aus(face))
                self.tabled_aus.update(face.ranked_aus[: len(face.aus) + FAINT_ROWS])
                self._count_unsettled(face)

    def _count_unsettled(self, face: Face) -> None:
        if face.zeroed is None:
            return
        self.neutral |= face.zeroed.way == "neutral"
        if unsettled := [face.marked(au) for au in named_aus(face) if au in face.zeroed.unsettled_aus]:
            before = self.provisional.setdefault(face.called, [])
            before += [au for au in unsettled if au not in before]

    @property
    def empty(self) -> bool:
        """Whether no picture, frame or video was read, nor found unreadable."""
        return not (self.pictures or self.videos or self.frames)

    def line(self) -> str:
        """Return the counts as one line, such as `3 pictures: 4 faces, 1 without a face, 0 unreadable`."""
        what = [count(self.pictures, "picture")] * (self.pictures > 0 or not self.videos)
        if self.videos:
            what.append(f"{count(self.frames, 'frame')} of {count(self.videos, 'video')}")
        parts = [
            count(self.faces, "face"),
            *([f"{self.without_face} without a face"] if not self.videos else []),
            f"{self.unreadable} unreadable",
            *([f"{self.broken_off} not read to the end"] if self.broken_off else []),
        ]
        return f"{' and '.join(what)}: {', '.join(parts)}."

    def done_of(self, pictures: int, videos: int) -> str:
        """Return what an interrupted run has read of what it was to read."""
        done = [f"{self.pictures} of {count(pictures, 'picture')}"] * (pictures > 0 or not videos)
        done += [f"{count(self.frames, 'frame')} of {count(videos, 'video')}"] * (videos > 0)
        return " and ".join(done)
