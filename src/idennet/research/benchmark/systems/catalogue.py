"""All systems by name, with their default settings."""

from idennet.research.benchmark.systems.ccnet import CCNetSystem
from idennet.research.benchmark.systems.contract import System
from idennet.research.benchmark.systems.convolutional import AlexNetSystem, DRMLSystem
from idennet.research.benchmark.systems.cpm import ConfidencePreservingMachine
from idennet.research.benchmark.systems.enet import AdversarialENetSystem, ENetSystem
from idennet.research.benchmark.systems.idennet import LightCNNSystem, idennet_variants, recipe_systems
from idennet.research.benchmark.systems.jpml import PatchLearning
from idennet.research.benchmark.systems.neutral import NeutralSubtraction
from idennet.research.benchmark.systems.recurrent import IdenNetLSTMSystem, RecurrentROINetSystem
from idennet.research.benchmark.systems.roinet import ROINetSystem
from idennet.research.benchmark.systems.stm import SelectiveTransferMachine
from idennet.research.benchmark.systems.svtpt import SVTPT
from idennet.research.benchmark.systems.two_branch import TupletSystem, TwoStreamSystem

_ALL: tuple[System, ...] = (
    *idennet_variants(),
    *recipe_systems(),
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
