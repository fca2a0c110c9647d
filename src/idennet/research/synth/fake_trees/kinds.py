"""Which fake trees there are; apart from their writers, so that the command line starts quickly."""

from enum import StrEnum


class FakeKind(StrEnum):
    """Data sets of which a fake tree can be written."""

    BP4D = "bp4d"
    BP4D_PLUS = "bp4d+"
    DISFA = "disfa"
    UNBC = "unbc"
    CELEBA = "celeba"
    CK_PLUS = "ck+"
    AFF_WILD2 = "aff-wild2"
    RAF_AU = "raf-au"
