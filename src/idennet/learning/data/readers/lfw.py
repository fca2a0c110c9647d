"""Reader of Labeled Faces in the Wild (Huang, Ramesh, Berg and Learned-Miller, 2007): identities only.

Pictures are `Name_Surname/Name_Surname_0001.jpg`, 250 x 250, numbered from 1; the funneled and the deep
funneled version have the same names. A folder of one's own is read by
`idennet.learning.data.readers.person_folders`.
"""

from collections.abc import Mapping
from pathlib import Path

from idennet.learning.data.readers.person_folders import PersonFolders, number_of
from idennet.learning.data.readers.records import Totals
from idennet.learning.data.readers.tree import archive_hint, find_folder, visible

SOURCE = "http://vis-www.cs.umass.edu/lfw"
_FOLDERS = ("lfw", "lfw_funneled", "lfw-deepfunneled")


class Lfw(PersonFolders):
    """A copy of LFW.

    Attributes:
        root: The folder with one subfolder a person.
        name: Name of the corpus, part of every subject's name: `lfw/Abdullah_Gul`.
        published: What the complete data set has.
    """

    published = Totals(pictures=13_233, subjects=5_749)

    def __init__(self, root: str | Path, name: str = "lfw") -> None:
        """Keep where to read.

        Args:
            root: The folder of the people, or the one that holds `lfw`.
            name: Name of the corpus.
        """
        super().__init__(root, name)
        inner = find_folder(self.root, *_FOLDERS, depth=1)
        self.root = inner if inner is not None else self.root

    @property
    def settings(self) -> Mapping[str, object]:
        """Return nothing: there are no choices."""
        return {}

    def check(self) -> list[str]:
        """Return what is missing in the folder, one sentence each, and how to get it."""
        if not self.root.is_dir():
            return [f"There is no folder {self.root}; get lfw.tgz from {SOURCE} and unpack it."]
        numbers: dict[str, set[int]] = {}
        for file in self.files():
            numbers.setdefault(file.parent.name, set()).add(number_of(file) or 0)
        if not numbers:
            hint = archive_hint(self.root, *_FOLDERS)
            return [f"{self.root} has no pictures like Name/Name_0001.jpg{hint}; get lfw.tgz from {SOURCE}."]
        findings = []
        people = [folder.name for folder in visible(self.root) if folder.is_dir()]
        if empty := [person for person in people if person not in numbers]:
            findings.append(f"{len(empty)} people have no picture, first {empty[0]}; unpack lfw.tgz again.")
        gaps = [person for person, known in numbers.items() if known != set(range(1, len(known) + 1))]
        if gaps:
            findings.append(
                f"{len(gaps)} people lack a picture between others, first {gaps[0]}; unpack lfw.tgz again."
            )
        there = Totals(sum(map(len, numbers.values())), len(numbers))
        return findings + there.finding(self.root, self.published, "unpack lfw.tgz again")

    def cut_labels(self) -> list[str]:
        """Return nothing: the folders are the labels."""
        return []
