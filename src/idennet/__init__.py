"""IdenNet: facial Action Units from photographs, with identity modelled and subtracted.

Public names are imported when they are first used, so that `idennet --help` need not wait for PyTorch.
"""

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.3.0"

if TYPE_CHECKING:
    from idennet.data.store import FaceStore
    from idennet.evaluation.evaluate import evaluate
    from idennet.inference.detect import detect
    from idennet.inference.predictor import Predictor
    from idennet.inference.result import Result
    from idennet.losses.au import masked_au_loss
    from idennet.losses.mining import HardNegativeMiner
    from idennet.losses.rank_hard import RankHardLoss
    from idennet.losses.triplet import triplet_loss
    from idennet.models.idennet import IdenNet, IdenNetOutput
    from idennet.models.lightcnn import LightCNN
    from idennet.training.recipe import load_recipe
    from idennet.training.run import train

__all__ = [
    "FaceStore",
    "HardNegativeMiner",
    "IdenNet",
    "IdenNetOutput",
    "LightCNN",
    "Predictor",
    "RankHardLoss",
    "Result",
    "detect",
    "evaluate",
    "load_recipe",
    "masked_au_loss",
    "train",
    "triplet_loss",
]

_HOMES = {
    "FaceStore": "data.store",
    "HardNegativeMiner": "losses.mining",
    "IdenNet": "models.idennet",
    "IdenNetOutput": "models.idennet",
    "LightCNN": "models.lightcnn",
    "Predictor": "inference.predictor",
    "RankHardLoss": "losses.rank_hard",
    "Result": "inference.result",
    "detect": "inference.detect",
    "evaluate": "evaluation.evaluate",
    "load_recipe": "training.recipe",
    "masked_au_loss": "losses.au",
    "train": "training.run",
    "triplet_loss": "losses.triplet",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
