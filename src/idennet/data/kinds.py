"""Which data sets can be prepared, and the reader of each.

A new data set needs a member of `Kind` and an arm of `open_source`, nothing else.
"""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from idennet.errors import InputError

if TYPE_CHECKING:
    from idennet.data.records import Source


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
    CELEBA_WILD = "celeba-wild"
    CK_PLUS = "ck+"
    AFF_WILD2 = "aff-wild2"
    RAF_AU = "raf-au"


WITH_THRESHOLD = (Kind.DISFA, Kind.UNBC)
"""Data sets that code intensities, of which a threshold makes occurrences."""


def open_source(kind: Kind, root: str | Path, threshold: int | None = None) -> "Source":
    """Return the reader of a data set; each module is imported only when it is asked for.

    Args:
        kind: What `root` is.
        root: Its folder, or the CSV file.
        threshold: Intensity from which an Action Unit counts as present, 1 to 5; by default the reader's own.

    Raises:
        InputError: The data set codes occurrences, so that a threshold means nothing; or it is not 1 to 5.
        StoreError: The folder cannot be that data set.
    """
    if threshold is not None and kind not in WITH_THRESHOLD:
        allowed = ", ".join(WITH_THRESHOLD)
        raise InputError(f"{kind} has no threshold of intensity; only {allowed} have. Leave it out.")
    chosen: dict[str, Any] = {} if threshold is None else {"threshold": threshold}
    match kind:
        case Kind.SYNFACS:
            from idennet.data.synfacs import SynFacs

            return SynFacs(root)
        case Kind.LFW:
            from idennet.data.lfw import Lfw

            return Lfw(root)
        case Kind.FOLDERS:
            from idennet.data.person_folders import PersonFolders

            return PersonFolders(root)
        case Kind.CSV:
            from idennet.data.csv_list import CsvList

            return CsvList(root)
        case Kind.BP4D:
            from idennet.data.bp4d import Bp4d

            return Bp4d(root)
        case Kind.BP4D_PLUS:
            from idennet.data.bp4d_plus import Bp4dPlus

            return Bp4dPlus(root)
        case Kind.DISFA:
            from idennet.data.disfa import Disfa

            return Disfa(root, **chosen)
        case Kind.UNBC:
            from idennet.data.unbc import Unbc

            return Unbc(root, **chosen)
        case Kind.CELEBA | Kind.CELEBA_WILD:
            from idennet.data.celeba import Celeba

            return Celeba(root, pictures="wild" if kind is Kind.CELEBA_WILD else "aligned")
        case Kind.CK_PLUS:
            from idennet.data.ckplus import CkPlus

            return CkPlus(root)
        case Kind.AFF_WILD2:
            from idennet.data.affwild2 import AffWild2

            return AffWild2(root)
        case Kind.RAF_AU:
            from idennet.data.raf_au import RafAu

            return RafAu(root)
