"""What is judged: faces of a store, or the pictures of a list, which are alike to whoever counts."""

from pathlib import Path
from typing import TypeVar

from idennet.errors import InputError
from idennet.learning.data.readers.labelled_pictures import LabelledPictures, read_labelled_pictures
from idennet.learning.data.store import FaceStore

Faces = FaceStore | LabelledPictures
"""Rows with subject, sequence and frame, with labels of Action Units and answers about conditions."""

FacesT = TypeVar("FacesT", bound=Faces)


def open_faces(path: Path, corpus: str = "") -> Faces:
    """Return a face store, or the pictures that a CSV lists.

    Args:
        path: Folder of the store, or the CSV.
        corpus: Data set that the people of a list belong to; by default the list's own name.

    Raises:
        InputError: There is neither, or the CSV is wrong.
        StoreError: The store is unfinished or damaged.
    """
    if path.is_file():
        return read_labelled_pictures(path, corpus)
    if path.suffix.lower() == ".csv":
        raise InputError(
            f"There is no {path}; give the folder of a face store, or a CSV that lists pictures."
        )
    return FaceStore.open(path)
