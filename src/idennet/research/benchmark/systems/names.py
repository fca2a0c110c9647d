"""What people call the compared systems, and which of them are experimental; cheap to import."""

from types import MappingProxyType

SHOWN = MappingProxyType(
    {
        "alexnet": "AlexNet",
        "drml": "DRML",
        "svtpt": "SVTPT",
        "lightcnn": "LightCNN",
        "e-net-atf": "E-Net+ATF",
        "roinet": "ROINet",
        "idennet": "IdenNet",
        "idennet-paper": "IdenNet, paper's recipe",
        "idennet-released": "IdenNet, released code's recipe",
        "idennet-without-norm": "IdenNet, no NORM",
        "idennet-triplet-only": "IdenNet, triplet only",
        "idennet-triplet-only-without-norm": "IdenNet, triplet only, no NORM",
        "idennet-concatenation": "IdenNet, concatenation",
        "idennet-concatenation-without-norm": "IdenNet, concatenation, no NORM",
        "idennet-affine": "IdenNet, affine",
        "idennet-affine-without-norm": "IdenNet, affine, no NORM",
        "e-net": "E-Net",
        "2b-nm": "2B(N+M)",
        "iacnn": "IACNN",
        "r-t1": "R-T1",
        "r-t2": "R-T2",
        "idennet-lstm": "IdenNet-LSTM",
        "stm": "STM",
        "cpm": "CPM",
        "jpml-patches": "JPML, patches",
        "neutral-subtraction": "Neutral subtraction",
        "ccnet-cda": "CCNET+CDA",
    }
)
"""Every system of the catalogue; the paper's columns come first, in their order."""

EXPERIMENTAL = frozenset(
    {"r-t1", "r-t2", "idennet-lstm", "stm", "cpm", "jpml-patches", "neutral-subtraction", "ccnet-cda"}
)
"""Related work of the paper that has no column in its tables."""

EXPERIMENTAL_MEANS = "experimental: written from a description, never compared with its authors' numbers."

MARK = "†"
"""Stands behind the name of an experimental system."""


def shown_name(name: str) -> str:
    """Return what tables call a system, `STM†`; what follows a blank stays, as in `IdenNet (1a2b)`."""
    system, blank, rest = name.partition(" ")
    return f"{SHOWN.get(system, system)}{MARK if system in EXPERIMENTAL else ''}{blank}{rest}"
