"""Two processes equal one: the same losses, the same gradients."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from conftest import make_store
from idennet.training.progress import read_metrics

SCRIPT = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import numpy as np, torch
from conftest import pooled_pixels, small_recipe
from idennet.data.store import FaceStore
from idennet.losses.mining import HardNegativeMiner
from idennet.losses.triplet import triplet_loss
from idennet.models.idennet import IdenNet
from idennet.models.trunk import Trunk
from idennet.training import distributed, train
from idennet.training.stages import to_tensor
Trunk.forward = pooled_pixels
work = Path(sys.argv[2]); out = work / sys.argv[3]
au, identity = FaceStore.open(work / "au"), FaceStore.open(work / "id")
with distributed.process_group(torch.device("cpu")):
    model = IdenNet(2, generator=torch.Generator().manual_seed(0))
    rows = np.array([0, 1, 6, 7, 12, 13, 20])
    mine = au.read(rows[distributed.share(len(rows))])
    output = model(to_tensor(mine, torch.device("cpu")))
    embeddings = distributed.gather(output.identity_embedding, len(rows))
    logits = distributed.gather(output.au_logits, len(rows))
    owners = torch.from_numpy(au.subject_index[rows])
    pairs = torch.tensor([[0, 1], [2, 3], [4, 5]])
    triplets = HardNegativeMiner()(embeddings, owners, pairs, generator=torch.Generator().manual_seed(1))
    (triplet_loss(embeddings, triplets) + logits.square().sum()).backward()
    distributed.sum_gradients(model.parameters())
    if distributed.is_first():
        gradients = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
        torch.save(gradients, work / (sys.argv[3] + ".pt"))
    train(small_recipe(), au_stores=[au], identity_stores=[identity], out=out, quiet=True)
"""


def run(script: Path, work: Path, name: str, processes: int) -> None:
    here = str(Path(__file__).parent)
    launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    command = [sys.executable, *(launcher if processes > 1 else []), str(script), here, str(work), name]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr[:3000]


@pytest.mark.slow
def test_two_processes_equal_one(tmp_path: Path) -> None:
    make_store(tmp_path / "au", "au", 5, 6, aus=True)
    make_store(tmp_path / "id", "id", 6, 4, aus=False, seed=1)
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    run(script, tmp_path, "one", 1)
    run(script, tmp_path, "two", 2)

    one, two = (torch.load(tmp_path / f"{name}.pt", weights_only=True) for name in ("one", "two"))
    assert one.keys() == two.keys() == {f"fc{n}.{kind}" for n in (5, 6, 7) for kind in ("weight", "bias")}
    for name, gradient in one.items():
        assert gradient.abs().max() > 0
        torch.testing.assert_close(two[name], gradient, rtol=1e-4, atol=1e-6)

    stories = [read_metrics(tmp_path / name) for name in ("one", "two")]
    assert len(stories[0]) == len(stories[1]) > 0
    for left, right in zip(*stories, strict=True):
        assert left.keys() == right.keys()
        assert [left[k] for k in left if "loss" in k] == pytest.approx(
            [right[k] for k in right if "loss" in k], rel=1e-3
        )
