"""Ways to leave subjects out of training: published parts, random parts, one at a time, nobody."""

from collections.abc import Iterable, Sequence
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from idennet.errors import ProtocolError
from idennet.learning.evaluation.folds import Subjects
from idennet.settings import Config


class PublishedParts(Config):
    """Parts that somebody published; each is left out once.

    Attributes:
        parts: Subjects of each part, without the corpus.
        left_out: Numbers of the parts that are left out, from 1; all when empty.
    """

    kind: Literal["published"] = "published"
    parts: tuple[Subjects, ...]
    left_out: tuple[int, ...] = ()

    def people(self) -> Subjects:
        """Return everybody whom the parts name."""
        return tuple(name for part in self.parts for name in part)

    def names(self) -> Subjects:
        """Return the names of the folds."""
        return tuple(map(str, self.left_out or range(1, len(self.parts) + 1)))

    def leave_out(self, subjects: Sequence[str]) -> dict[str, Subjects]:
        """Return for each fold, by name, which of `subjects` are left out."""
        check_exclusive(self.parts)
        return {name: _common(self.parts[int(name) - 1], subjects) for name in self.names()}


class RandomParts(Config):
    """Parts of equal size (give or take one) in which a seed puts the subjects.

    Attributes:
        parts: How many.
        seed: Names the split, together with the subjects.
    """

    kind: Literal["random"] = "random"
    parts: Annotated[int, Field(ge=2)] = 3
    seed: Annotated[int, Field(ge=0)] = 0

    def people(self) -> Subjects:
        """Return nobody: the corpus decides who takes part."""
        return ()

    def names(self) -> Subjects:
        """Return the names of the folds."""
        return tuple(str(part + 1) for part in range(self.parts))

    def leave_out(self, subjects: Sequence[str]) -> dict[str, Subjects]:
        """Return for each fold, by name, which of `subjects` are left out."""
        if len(subjects) < self.parts:
            raise ProtocolError(f"{self.parts} parts need as many subjects, but there are {len(subjects)}.")
        names = sorted(subjects)
        shuffled = [names[index] for index in np.random.default_rng(self.seed).permutation(len(names))]
        return {name: tuple(sorted(shuffled[int(name) - 1 :: self.parts])) for name in self.names()}


class LeaveOneOut(Config):
    """Each subject is left out once."""

    kind: Literal["leave-one-out"] = "leave-one-out"

    def names(self) -> Subjects:
        """Return nobody: the corpus decides who is left out."""
        return ()

    def people(self) -> Subjects:
        """Return nobody: the corpus decides who takes part."""
        return ()

    def leave_out(self, subjects: Sequence[str]) -> dict[str, Subjects]:
        """Return for each fold, by name, which of `subjects` are left out."""
        if len(subjects) < 2:
            raise ProtocolError("Leaving one subject out needs at least two subjects.")
        return {name: (name,) for name in sorted(subjects)}


class Everybody(Config):
    """Nobody is left out of training: one fold, for a test on another corpus."""

    kind: Literal["everybody"] = "everybody"

    def names(self) -> Subjects:
        """Return the name of the fold."""
        return ("all",)

    def people(self) -> Subjects:
        """Return nobody: the corpus decides who takes part."""
        return ()

    def leave_out(self, subjects: Sequence[str]) -> dict[str, Subjects]:
        """Return one fold that leaves nobody out."""
        return dict.fromkeys(self.names(), ())


Split = Annotated[PublishedParts | RandomParts | LeaveOneOut | Everybody, Field(discriminator="kind")]
"""How the subjects of the training corpus fall into folds."""


def check_exclusive(parts: Iterable[Iterable[str]]) -> None:
    """Check that no subject is in two parts.

    Raises:
        ProtocolError: Two parts share a subject; both are named by number, from 1.
    """
    part_of: dict[str, int] = {}
    for number, part in enumerate(parts, start=1):
        for name in set(part):
            if name in part_of:
                raise ProtocolError(
                    f"Parts {part_of[name]} and {number} share subject {name!r}; "
                    "a subject belongs to one part."
                )
            part_of[name] = number


def _common(part: Subjects, subjects: Sequence[str]) -> Subjects:
    there = set(subjects)
    return tuple(sorted(name for name in part if name in there))
