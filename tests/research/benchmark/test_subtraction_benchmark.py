"""benchmarks/subtraction/whole_networks.py: equal starts, equal steps, one table."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch.nn.functional as F
from small_benchmark import draw_people, write_start

from benchmarks.subtraction import whole_networks
from idennet.models.trunk import Trunk
from idennet.models.weights import load_weights


def test_all_systems_start_alike_and_are_judged_on_the_same_faces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        Trunk, "forward", lambda _, faces: F.adaptive_avg_pool2d(faces.float() / 255, 40).flatten(1)
    )
    au = draw_people(tmp_path / "au", "au", subjects=22, faces_each=6)
    draw_people(tmp_path / "people", "people", subjects=20, faces_each=3)
    draw_people(tmp_path / "test", "test", subjects=4, faces_each=6)
    write_start(tmp_path / "start.safetensors", au.aus)
    out = tmp_path / "out"
    places = {"au": "au", "identity": "people", "start": "start.safetensors"}
    options = [text for name, place in places.items() for text in (f"--{name}", str(tmp_path / place))]
    options += ["--test", f"unseen={tmp_path / 'test'}", "--steps", "2", "--seeds", "1", "--out", str(out)]
    monkeypatch.setattr(sys, "argv", ["whole_networks", *options])
    whole_networks.main()

    rows = json.loads((out / "rows.json").read_text())["rows"]
    assert [row["system"] for row in rows] == list(whole_networks.SYSTEMS)
    assert all(0 <= row["mean_auc"] <= 1 for row in rows)
    assert ["verification_auc" in row for row in rows] == [True, True, False]
    starts = [
        load_weights(path)[0].state_dict() for path in sorted((out / "runs").glob("*.start.safetensors"))
    ]
    assert len(starts) == 3
    for name in ("fc6.weight", "fc7.weight", "trunk.conv1.weight"):
        assert all(np.array_equal(start[name], starts[0][name]) for start in starts), name
