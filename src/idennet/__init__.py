"""IdenNet: facial Action Units from photographs, with identity modelled and removed."""

__version__ = "0.1.0"

from idennet.data.store import FaceStore

__all__ = ["FaceStore"]
