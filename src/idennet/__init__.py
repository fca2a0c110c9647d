"""IdenNet: facial Action Units from photographs, with identity modelled and removed."""

__version__ = "0.1.0"

from idennet.data.store import FaceStore
from idennet.losses.au import masked_au_loss
from idennet.losses.mining import HardNegativeMiner
from idennet.losses.rank_hard import RankHardLoss
from idennet.losses.triplet import triplet_loss
from idennet.models.idennet import IdenNet, IdenNetOutput
from idennet.models.lightcnn import LightCNN

__all__ = [
    "FaceStore",
    "HardNegativeMiner",
    "IdenNet",
    "IdenNetOutput",
    "LightCNN",
    "RankHardLoss",
    "masked_au_loss",
    "triplet_loss",
]
