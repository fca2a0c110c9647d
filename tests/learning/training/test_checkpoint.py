"""The state of an interrupted training."""

from pathlib import Path

import pytest
import torch

from idennet.errors import WeightsError
from idennet.learning.training.checkpoint import Counters, load_checkpoint, save_checkpoint


def test_a_damaged_checkpoint_is_named(tmp_path: Path) -> None:
    path = tmp_path / "last.safetensors"
    save_checkpoint(path, {"model": {"a.b": torch.arange(3.0)}}, Counters("au", step=7))
    groups, counters = load_checkpoint(path)
    assert groups["model"]["a.b"].tolist() == [0, 1, 2]
    assert (counters.stage, counters.step) == ("au", 7)
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(WeightsError, match="--fresh"):
        load_checkpoint(path)
