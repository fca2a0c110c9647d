"""What another network says of who is shown in photographs: embeddings that teach the identity branch.

Such embeddings are personal data: they stay in a file of the user's and are never part of weights or results.
"""

from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from idennet.errors import InputError
from idennet.learning.data.movement.drawn import original
from idennet.learning.data.store import FaceStore


@dataclass(frozen=True, eq=False)
class KnownPeople:
    """A teacher's embeddings of photographs.

    Attributes:
        pictures: (N,) names of the pictures, without suffix, each once.
        directions: (N, E) float32 of unit length, around the mean of all of them: two strangers have a cosine
            of about 0, two pictures of one person a large one.
        name: Of their file.
    """

    pictures: NDArray[np.str_]
    directions: NDArray[np.float32]
    name: str

    @classmethod
    def open(cls, path: Path) -> "KnownPeople":
        """Read a NumPy archive with `picture` (N,) names and `embedding` (N, E) numbers.

        Raises:
            InputError: It is missing or no such archive, names a picture twice, or has no number somewhere.
        """
        try:
            with np.load(path, allow_pickle=False) as archive:
                pictures, embeddings = archive["picture"], archive["embedding"].astype(np.float32)
        except FileNotFoundError as error:
            raise InputError(f"{path} does not exist; give a NumPy archive (.npz) of embeddings.") from error
        except (OSError, EOFError, BadZipFile, ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{path} is no file of embeddings; give a NumPy archive (.npz) with picture, the names of "
                "the photographs, and embedding, one row of numbers for each."
            ) from error
        if (
            embeddings.ndim != 2
            or pictures.shape != embeddings.shape[:1]
            or not np.isfinite(embeddings).all()
        ):
            raise InputError(
                f"{path} has {pictures.shape} names and {embeddings.shape} embeddings; give one row of "
                "finite numbers for each name."
            )
        if len(set(pictures.tolist())) < len(pictures):
            raise InputError(f"{path} names a picture twice; give each once.")
        around = embeddings - embeddings.mean(axis=0)
        lengths = np.linalg.norm(around, axis=1, keepdims=True)
        return cls(pictures.astype(str), around / np.maximum(lengths, np.finfo(np.float32).tiny), str(path))

    def of(self, store: FaceStore) -> NDArray[np.float32]:
        """Return the directions (M, E) of a store's faces, NaN where the picture is not known.

        A face and an embedding belong together when the picture's name is the same; somebody whose brows were
        moved is still the same person.
        """
        order = np.argsort(self.pictures)
        names = store.frames["sequence"].map(original).to_numpy(str)
        place = np.searchsorted(self.pictures, names, sorter=order).clip(max=len(order) - 1)
        row = order[place]
        found = self.directions[row]
        found[self.pictures[row] != names] = np.nan
        return found
