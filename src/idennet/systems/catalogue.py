"""All systems by name, with their default settings."""

from idennet.systems.ccnet import CCNetSystem
from idennet.systems.contract import System
from idennet.systems.convolutional import AlexNetSystem, DRMLSystem
from idennet.systems.cpm import ConfidencePreservingMachine
from idennet.systems.enet import AdversarialENetSystem, ENetSystem
from idennet.systems.idennet import LightCNNSystem, idennet_variants
from idennet.systems.jpml import PatchLearning
from idennet.systems.neutral import NeutralSubtraction
from idennet.systems.recurrent import IdenNetLSTMSystem, RecurrentROINetSystem
from idennet.systems.roinet import ROINetSystem
from idennet.systems.stm import SelectiveTransferMachine
from idennet.systems.svtpt import SVTPT
from idennet.systems.two_branch import TupletSystem, TwoStreamSystem

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
    ENetSystem(),
    AdversarialENetSystem(),
    ROINetSystem(),
    RecurrentROINetSystem(),
    RecurrentROINetSystem(name="r-t2", layers=2),
    IdenNetLSTMSystem(),
    TwoStreamSystem(),
    TupletSystem(),
    CCNetSystem(),
)

SYSTEMS: dict[str, System] = {system.name: system for system in _ALL}
"""Each has the settings that its source states, or the most probable ones where it does not."""
