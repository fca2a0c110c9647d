"""Which parts of faces are hidden on photographs, as somebody saw it: dark glasses, hands, hats, fringes."""

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idennet.errors import InputError
from idennet.facs import MISSING, PARTS
from idennet.learning.data.store import FaceStore
from idennet.media.kinds import SUFFIXES

COLUMNS = ("image", "part", "hidden")
"""A picture's file, best with the person's folder, one of `facs.PARTS`, and one of `ANSWERS`."""

ANSWERS = {"yes": 0, "no": 1, "unclear": MISSING}
"""What each answer says of whether the part is visible, as in a face store."""


@dataclass(frozen=True, eq=False)
class HiddenParts:
    """Parts of photographed faces that somebody looked at.

    Attributes:
        table: `subject` (the person's folder, empty where none was given), `picture` (file name without
            suffix), `part` (its place in `facs.PARTS`) and `visible`: 1, 0 or -1 (unclear); each part of a
            picture once.
        name: Of the file.
    """

    table: pd.DataFrame
    name: str

    @classmethod
    def open(cls, path: Path) -> "HiddenParts":
        """Read a CSV file with `COLUMNS`.

        Raises:
            InputError: It is missing or no such table, has other parts or answers, or names a part of a
                picture twice.
        """
        try:
            given = pd.read_csv(path, dtype=str, keep_default_na=False)
        except FileNotFoundError as error:
            raise InputError(
                f"{path} does not exist; give a CSV file with image, part and hidden."
            ) from error
        except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
            raise InputError(
                f"{path} is no table of hidden parts; give a CSV file with image, part and hidden."
            ) from error
        if missing := [name for name in COLUMNS if name not in given]:
            raise InputError(f"{path} has no column {', '.join(missing)}; give image, part and hidden.")
        for column, allowed in (("part", PARTS), ("hidden", tuple(ANSWERS))):
            if wrong := sorted(set(given[column]) - set(allowed)):
                raise InputError(f"{path} says {column} {wrong[0]!r}; allowed are {', '.join(allowed)}.")
        files = [PurePosixPath(image) for image in given["image"]]
        table = pd.DataFrame(
            {
                "subject": [file.parent.name for file in files],
                "picture": [file.stem if file.suffix.lower() in SUFFIXES else file.name for file in files],
                "part": given["part"].map(PARTS.index).astype(np.int64),
                "visible": given["hidden"].map(ANSWERS).astype(np.int8),
            }
        )
        twice = np.flatnonzero(table.duplicated(["subject", "picture", "part"]))
        if len(twice):
            raise InputError(f"{path} names a part of {given['image'][twice[0]]} twice; give it once.")
        return cls(table, str(path))

    def of(self, store: FaceStore) -> tuple[NDArray[np.int8], NDArray[np.bool_]]:
        """Return whether each part of a store's faces is visible, and whether anybody looked, both (N, 3).

        Visible is 1 (seen, also where nobody looked), 0 (hidden) or -1 (unclear). A face and a row belong
        together when the picture's name and the person's are the same, or no person was given.
        """
        visible = np.ones((len(store), len(PARTS)), np.int8)
        looked = np.zeros(visible.shape, bool)
        people = [subject.rpartition("/")[2] for subject in store.frames["subject"]]
        faces = pd.DataFrame({"picture": store.frames["sequence"].astype(str), "person": people})
        found = self.table.merge(faces.assign(row=np.arange(len(store))), on="picture")
        found = found[(found["subject"] == found["person"]) | (found["subject"] == "")]
        place = found["row"].to_numpy(), found["part"].to_numpy()
        visible[place], looked[place] = found["visible"], True
        return visible, looked
