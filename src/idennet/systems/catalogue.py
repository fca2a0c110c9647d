"""All systems by name, with their default settings."""

from idennet.systems.contract import System
from idennet.systems.convolutional import AlexNetSystem, DRMLSystem
from idennet.systems.cpm import ConfidencePreservingMachine
from idennet.systems.idennet import LightCNNSystem, idennet_variants
from idennet.systems.jpml import PatchLearning
from idennet.systems.neutral import NeutralSubtraction
from idennet.systems.stm import SelectiveTransferMachine
from idennet.systems.svtpt import SVTPT

_ALL: tuple[System, ...] = (
    *idennet_variants(),
    LightCNNSystem(),
    AlexNetSystem(),
    DRMLSystem(),
    SVTPT(),
    SelectiveTransferMachine(),
    ConfidencePreservingMachine(),
    PatchLearning(),
    NeutralSubtraction(),
)

SYSTEMS: dict[str, System] = {system.name: system for system in _ALL}
"""Each has the settings that its source states, or the most probable ones where it does not."""
