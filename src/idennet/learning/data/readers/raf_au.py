"""Reader of RAF-AU (Yan et al., 2020): 4,601 pictures from the web, coded by FACS experts.

`RAFAU_label.txt` has one picture a line, `0007.jpg 1+2+L12`. Nobody knows who is in the pictures, so each
counts as a subject of its own, and the data set is of no use for learning identity.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from idennet import facs
from idennet.errors import InputError, StoreError
from idennet.learning.data.provenance import Origin
from idennet.learning.data.readers.listings import find_file, numbered_lines
from idennet.learning.data.readers.records import Chunk, Record, Totals, picture_chunks
from idennet.learning.data.readers.tree import find_folder, visible
from idennet.media.kinds import SUFFIXES

OneSided = Literal["present", "absent", "unknown"]

SOURCE = "http://whdeng.cn/RAF/"
_LABEL_OF: dict[str, int] = {"present": 1, "absent": 0, "unknown": facs.MISSING}
_LABELS = "RAFAU_label.txt"


class RafAu:
    """A copy of RAF-AU.

    Attributes:
        root: The folder with `RAFAU_label.txt` and `aligned`.
        name: Name of the corpus, part of every subject's name: `raf-au/0007`.
        published: What the complete data set has.
    """

    origin = Origin.LICENSED
    published = Totals(pictures=4_601)

    def __init__(self, root: str | Path, *, one_sided: OneSided = "present", name: str = "raf-au") -> None:
        """Keep what to read and how.

        Args:
            root: The copy.
            one_sided: What an Action Unit on one side of the face (`L12`) is. By default present, as
                OpenGraphAU (Luo et al., 2022) counts it.
            name: Name of the corpus.

        Raises:
            InputError: `one_sided` has another value.
        """
        self.root, self.name = Path(root), name
        if one_sided not in _LABEL_OF:
            raise InputError(f"one_sided is {one_sided!r}; allowed are {', '.join(map(repr, _LABEL_OF))}.")
        self._one_sided = one_sided

    @property
    def settings(self) -> Mapping[str, object]:
        """Return the choices that change labels."""
        return {"one_sided": self._one_sided}

    def chunks(self) -> Sequence[Chunk]:
        """Return all pictures in the order of the list; those that are not there are left to `prepare`.

        Raises:
            StoreError: The list or the pictures are missing, or a line is damaged.
        """
        if problems := self._missing():
            raise StoreError(problems[0])
        return picture_chunks(self._records())

    def check(self) -> list[str]:
        """Return what is missing or damaged in the folder, one sentence each, and how to get it."""
        if problems := self._missing():
            return problems
        try:
            listed = self._records()
        except StoreError as error:
            return [str(error)]
        findings = Totals(len(listed)).finding(self.root, self.published, f"get the rest from {SOURCE}")
        if absent := [str(record.image) for record in listed if not Path(str(record.image)).is_file()]:
            findings.append(
                f"{len(absent)} of the {len(listed)} pictures of {_LABELS} are missing, first {absent[0]}; "
                "unpack aligned.zip again."
            )
        return findings + self.cut_labels()

    def cut_labels(self) -> list[str]:
        """Return a sentence if there are pictures that the list does not name."""
        pictures = self._pictures() if self.root.is_dir() else None
        try:
            listed = {Path(str(record.image)).name for record in self._records()} if pictures else set()
        except StoreError:
            return []
        shown = (
            [file.name for file in visible(pictures) if file.suffix.lower() in SUFFIXES] if pictures else []
        )
        unknown = [name for name in shown if name not in listed]
        if not unknown:
            return []
        return [
            f"{len(unknown)} of {len(shown)} pictures are not in {_LABELS}, first {unknown[0]}; they are not "
            "used. If the list was cut off, copy it again."
        ]

    def _missing(self) -> list[str]:
        """Return a sentence for each of list and pictures that is not there at all."""
        if not self.root.is_dir():
            return [f"There is no folder {self.root}; it needs {_LABELS} and aligned of RAF-AU ({SOURCE})."]
        problems = []
        if self._list() is None:
            problems.append(f"{self.root} has no {_LABELS}; ask for it as {SOURCE} tells.")
        if self._pictures() is None:
            problems.append(
                f"{self.root} has no folder aligned; unpack aligned.zip of RAF-AU ({SOURCE}) there."
            )
        return problems

    def _list(self) -> Path | None:
        return find_file(self.root, _LABELS)

    def _pictures(self) -> Path | None:
        return find_folder(self.root, "aligned")

    def _records(self) -> list[Record]:
        """Return what each line of the list says; its names lack `_aligned`."""
        file, pictures = self._list(), self._pictures()
        if file is None or pictures is None:
            return []
        found = []
        for number, line in numbered_lines(file):
            match = re.fullmatch(r"(\w+)\.(\w+)\s+(\S+)", line)
            if match is None:
                raise StoreError(f"{file}, line {number}: is {line!r}, not like '0007.jpg 1+2+L12'.")
            stem, suffix, codes = match.groups()
            digits = re.search(r"\d+$", stem)
            found.append(
                Record(
                    corpus=self.name,
                    subject=f"{self.name}/{stem}",
                    sequence=stem,
                    frame=int(digits.group()) if digits else 0,
                    image=pictures / f"{stem}_aligned.{suffix}",
                    au_labels=self._labels(codes, f"{file}, line {number}"),
                )
            )
        if not found:
            raise StoreError(f"{file} lists no pictures; copy it again.")
        return found

    def _labels(self, codes: str, where: str) -> dict[int, int]:
        """Return the occurrence of every Action Unit; coders looked for all, so what is not listed is absent.

        Action Units and descriptors that this package does not know are skipped. If both sides are listed
        one by one, the Action Unit is present.
        """
        labels = dict.fromkeys(facs.NAMES, 0)
        if codes.lower() == "null":
            return labels
        sides: dict[int, set[str]] = {}
        for token in codes.split("+"):
            match = re.fullmatch(r"([LR]?)0*(\d+)", token, flags=re.IGNORECASE)
            if match is None:
                raise StoreError(f"{where}: {token!r} is no Action Unit like 12 or L12; correct the line.")
            sides.setdefault(int(match.group(2)), set()).add(match.group(1).upper())
        for au, listed in sides.items():
            if au in labels:
                both = "" in listed or listed == {"L", "R"}
                labels[au] = 1 if both else _LABEL_OF[self._one_sided]
        return labels
