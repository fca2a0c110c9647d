"""Size and speed: multiply-accumulates counted by hand, one engine, systems without a network."""

from pathlib import Path

import pytest
from grid_systems import AUS, Bars, write_corpus

import idennet.research.benchmark.size_speed as room
from idennet.errors import InputError
from idennet.models.fastcpu.library import choose_kernels
from idennet.research.benchmark.size_speed import measure_systems
from idennet.research.benchmark.systems.contract import Budget, TrainingFaces
from idennet.research.benchmark.systems.idennet import IdenNetSystem

BY_HAND = 120**2 * 96 * 243 + 56**2 * 192 * 1200 + 24**2 * 256 * 2400 + 9**2 * 384 * 2048 + 2 * 4800 * 512
"""Of the trunk, FC5 and FC6."""


def test_idennet_is_counted_exactly_and_bars_have_no_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "ROUNDS", 1)
    honest, engines = Bars.fit, []

    def watched(self: Bars, faces: TrainingFaces, folder: Path, device: str = "auto") -> object:
        engines.append(choose_kernels().kernels)
        return honest(self, faces, folder, device)

    monkeypatch.setattr(Bars, "fit", watched)
    store = write_corpus(tmp_path / "store", "toy", subjects=5, faces_each=2)
    tiny = IdenNetSystem(budget=Budget(steps=50, batch=4), identities=2)
    measured = measure_systems([tiny, Bars()], store, "cpu")
    network, bars = measured.systems
    assert network.parameters == 6_569_760 + 256 * len(AUS)
    assert network.macs == BY_HAND + 256 * len(AUS)
    assert bars.macs is None
    assert network.faces_per_second > 0
    assert measured.faces == 4
    assert engines == [None]  # the package's own kernels are off


def test_few_subjects_are_refused(tmp_path: Path) -> None:
    store = write_corpus(tmp_path / "store", "toy", subjects=4, faces_each=2)
    with pytest.raises(InputError, match="needs five or more"):
        measure_systems([Bars()], store)
