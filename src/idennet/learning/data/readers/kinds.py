"""Which data sets can be prepared, and the reader of each.

A new data set needs a member of `Kind` and an arm of `_reader`, nothing else.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from idennet.errors import StoreError
from idennet.learning.data.readers.choices import parse_choices

if TYPE_CHECKING:
    from idennet.learning.data.readers.records import Source


class Kind(StrEnum):
    """Data sets that can be prepared."""

    SYNFACS = "synfacs"
    LFW = "lfw"
    FOLDERS = "folders"
    CSV = "csv"
    BP4D = "bp4d"
    BP4D_PLUS = "bp4d+"
    DISFA = "disfa"
    UNBC = "unbc"
    CELEBA = "celeba"
    CK_PLUS = "ck+"
    AFF_WILD2 = "aff-wild2"
    RAF_AU = "raf-au"


def open_source(kind: Kind, root: str | Path, choices: Mapping[str, str] = MappingProxyType({})) -> "Source":
    """Return the reader of a data set.

    Args:
        kind: What `root` is.
        root: Its folder, or the CSV file.
        choices: What the reader's constructor lets one choose, as text: `{"threshold": "1"}`.

    Raises:
        InputError: The reader knows no such choice, or not this value of it.
        StoreError: The folder cannot be that data set.
    """
    if kind is not Kind.CSV and Path(root).is_file():
        raise StoreError(f"{root} is a file; {kind} is read from a folder.")
    reader = _reader(kind)
    return reader(root, **parse_choices(reader, kind, choices))


def _reader(kind: Kind) -> "Callable[..., Source]":
    """Return the class that reads a data set; each module is imported only when it is asked for."""
    match kind:
        case Kind.SYNFACS:
            from idennet.learning.data.readers.synfacs import SynFacs

            return SynFacs
        case Kind.LFW:
            from idennet.learning.data.readers.lfw import Lfw

            return Lfw
        case Kind.FOLDERS:
            from idennet.learning.data.readers.person_folders import PersonFolders

            return PersonFolders
        case Kind.CSV:
            from idennet.learning.data.readers.csv_list import CsvList

            return CsvList
        case Kind.BP4D:
            from idennet.learning.data.readers.bp4d import Bp4d

            return Bp4d
        case Kind.BP4D_PLUS:
            from idennet.learning.data.readers.bp4d_plus import Bp4dPlus

            return Bp4dPlus
        case Kind.DISFA:
            from idennet.learning.data.readers.disfa import Disfa

            return Disfa
        case Kind.UNBC:
            from idennet.learning.data.readers.unbc import Unbc

            return Unbc
        case Kind.CELEBA:
            from idennet.learning.data.readers.celeba import Celeba

            return Celeba
        case Kind.CK_PLUS:
            from idennet.learning.data.readers.ckplus import CkPlus

            return CkPlus
        case Kind.AFF_WILD2:
            from idennet.learning.data.readers.affwild2 import AffWild2

            return AffWild2
        case Kind.RAF_AU:
            from idennet.learning.data.readers.raf_au import RafAu

            return RafAu
