"""Where the faces of a store come from, and how much of a published data set they are.

The paper's numbers are about complete licensed data sets. Whatever else is judged (a part of one, an
imitation, rendered people) looks the same in a table, so a store knows what it is, and every result says it.
"""

from enum import StrEnum
from pathlib import Path

from idennet.settings import Config

MARKER = "FAKE-TREE.txt"
"""File at the top of a fake tree; what is read from below it is never taken for the data set."""

ENOUGH = 0.95
"""Share of the published pictures that makes a store complete: no copy is without unreadable ones."""


class Origin(StrEnum):
    """What kind of pictures faces were cut from."""

    LICENSED = "licensed"
    FAKE_TREE = "fake tree"
    RENDERED = "rendered"
    PHOTOGRAPHS = "photographs"


class Provenance(Config):
    """Origin of a store, and its size beside that of the data set as published.

    Attributes:
        origin: `licensed` for a published data set, `photographs` for other collections.
        subjects: In the store.
        faces: In the store.
        published_subjects: Of the whole data set; None where nobody published it.
        published_faces: The same of labelled pictures.
    """

    origin: Origin
    subjects: int
    faces: int
    published_subjects: int | None = None
    published_faces: int | None = None

    @property
    def is_complete(self) -> bool:
        """Whether all published subjects and nearly all published pictures are there."""
        enough = self.faces >= ENOUGH * (self.published_faces or 0)
        return enough and self.subjects >= (self.published_subjects or 0)

    @property
    def is_comparable(self) -> bool:
        """Whether numbers published about the data set may stand beside numbers of this store."""
        return self.origin is Origin.LICENSED and self.is_complete

    @property
    def completeness(self) -> str:
        """One phrase: `12 of 41 subjects`, `all 41 subjects`, `50 subjects`."""
        if self.is_complete:
            whole = "all " if self.published_subjects or self.published_faces else ""
            return f"{whole}{self.subjects:,} {'subject' if self.subjects == 1 else 'subjects'}"
        parts = []
        if self.published_subjects:
            parts.append(f"{self.subjects:,} of {self.published_subjects:,} subjects")
        if self.published_faces and self.subjects >= (self.published_subjects or 0):
            parts.append(f"{self.faces:,} of {self.published_faces:,} faces")
        return ", ".join(parts)

    def __str__(self) -> str:
        return f"{self.origin}, {self.completeness}"


def is_in_fake_tree(root: Path) -> bool:
    """Return whether a folder is a fake tree, lies in one, or holds one in which a reader would look."""
    above = any((folder / MARKER).is_file() for folder in (root.resolve(), *root.resolve().parents))
    return above or any(True for pattern in (f"*/{MARKER}", f"*/*/{MARKER}") for _ in root.glob(pattern))
