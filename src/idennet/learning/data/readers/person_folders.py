"""Reader of a folder with one subfolder a person: identities only, no landmarks and no Action Units."""

import re
from collections.abc import Sequence
from pathlib import Path

from idennet.errors import StoreError
from idennet.learning.data.provenance import Origin
from idennet.learning.data.readers.records import Chunk, Record, picture_chunks
from idennet.media.kinds import SUFFIXES


class PersonFolders:
    """Pictures of people, sorted into folders by whoever collected them.

    Attributes:
        root: The folder.
        name: Name of the corpus, part of every subject's name.
    """

    origin = Origin.PHOTOGRAPHS

    def __init__(self, root: str | Path, name: str | None = None) -> None:
        """Keep where to read.

        Args:
            root: The folder with one subfolder for each person.
            name: Name of the corpus; by default that of the folder.
        """
        self.root = Path(root)
        self.name = name or self.root.resolve().name

    def chunks(self) -> Sequence[Chunk]:
        """Return all pictures, sorted by person.

        Raises:
            StoreError: There is no such folder, or no subfolder has a picture.
        """
        if not self.root.is_dir():
            raise StoreError(f"There is no folder {self.root}; it needs one subfolder for each person.")
        if not (files := self.files()):
            raise StoreError(f"{self.root} has no pictures like Name/Name_0001.jpg in subfolders.")
        return picture_chunks([self._record(file) for file in files])

    def files(self) -> list[Path]:
        """Return all pictures, sorted by person; other files do not count."""
        return sorted(file for file in self.root.glob("[!.]*/[!.]*") if file.suffix.lower() in SUFFIXES)

    def _record(self, file: Path) -> Record:
        """Describe one picture."""
        return Record(
            corpus=self.name,
            subject=f"{self.name}/{file.parent.name}",
            sequence=file.stem,
            frame=number_of(file) or 0,
            image=file,
        )


def number_of(file: Path) -> int | None:
    """Return the number at the end of a picture's name, or None."""
    number = re.search(r"\d+$", file.stem)
    return int(number.group()) if number else None
