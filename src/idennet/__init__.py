"""IdenNet: facial Action Units from photographs, with identity modelled and subtracted.

Public names are imported when they are first used, so that `idennet --help` need not wait for PyTorch.
"""

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.3.0"

if TYPE_CHECKING:
    from idennet.inference.analyser import Analyser
    from idennet.inference.detect import detect
    from idennet.inference.result import Result
    from idennet.learning.data.store import FaceStore
    from idennet.learning.evaluation.evaluate import evaluate
    from idennet.learning.losses.au import masked_au_loss
    from idennet.learning.losses.mining import HardNegativeMiner
    from idennet.learning.losses.rank_hard import RankHardLoss
    from idennet.learning.losses.triplet import triplet_loss
    from idennet.learning.training.recipe import load_recipe
    from idennet.learning.training.run import train
    from idennet.media.video import Video
    from idennet.models.action_units import ActionUnitModel
    from idennet.models.idennet import IdenNet, IdenNetOutput
    from idennet.models.lightcnn import LightCNN

__all__ = [
    "ActionUnitModel",
    "Analyser",
    "FaceStore",
    "HardNegativeMiner",
    "IdenNet",
    "IdenNetOutput",
    "LightCNN",
    "RankHardLoss",
    "Result",
    "Video",
    "detect",
    "evaluate",
    "load_recipe",
    "masked_au_loss",
    "train",
    "triplet_loss",
]

_HOMES = {
    "ActionUnitModel": "models.action_units",
    "Analyser": "inference.analyser",
    "FaceStore": "learning.data.store",
    "HardNegativeMiner": "learning.losses.mining",
    "IdenNet": "models.idennet",
    "IdenNetOutput": "models.idennet",
    "LightCNN": "models.lightcnn",
    "RankHardLoss": "learning.losses.rank_hard",
    "Result": "inference.result",
    "Video": "media.video",
    "detect": "inference.detect",
    "evaluate": "learning.evaluation.evaluate",
    "load_recipe": "learning.training.recipe",
    "masked_au_loss": "learning.losses.au",
    "train": "learning.training.run",
    "triplet_loss": "learning.losses.triplet",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
