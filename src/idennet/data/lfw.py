"""Reader of Labeled Faces in the Wild and of every folder with one subfolder a person: identities only.

Huang, Ramesh, Berg and Learned-Miller (2007). Pictures are `Name_Surname/Name_Surname_0001.jpg`; there are
no landmarks and no Action Units.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from idennet.data.records import Chunk, Record, picture_chunks
from idennet.errors import StoreError
from idennet.faces.pictures import SUFFIXES


class Lfw:
    """A folder with one subfolder a person.

    Attributes:
        root: The folder.
        name: Name of the corpus, part of every subject's name.
    """

    def __init__(self, root: str | Path, name: str = "lfw") -> None:
        """Check that the folder exists.

        Raises:
            StoreError: There is no such folder.
        """
        self.root = Path(root)
        self.name = name
        if not self.root.is_dir():
            raise StoreError(f"There is no folder {self.root}; it needs one subfolder for each person.")

    def chunks(self) -> Sequence[Chunk]:
        """Return all pictures, sorted by person.

        Raises:
            StoreError: No subfolder has a picture.
        """
        files = sorted(file for file in self.root.glob("*/*") if file.suffix.lower() in SUFFIXES)
        if not files:
            raise StoreError(f"{self.root} has no pictures like Name/Name_0001.jpg in subfolders.")
        return picture_chunks([self._record(file) for file in files])

    def _record(self, file: Path) -> Record:
        """Describe one picture; the number at the end of its name is its frame."""
        number = re.search(r"(\d+)$", file.stem)
        return Record(
            corpus=self.name,
            subject=f"{self.name}/{file.parent.name}",
            sequence=file.stem,
            frame=int(number.group()) if number else 0,
            image=file,
        )
