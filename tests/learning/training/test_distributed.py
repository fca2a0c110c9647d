"""Two processes equal one: the same losses, the same gradients."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_training import lighten_trunk, make_store, small_recipe

from idennet.learning.data.store import FaceStore
from idennet.learning.losses.mining import HardNegativeMiner
from idennet.learning.losses.triplet import triplet_loss
from idennet.learning.training import distributed, train
from idennet.learning.training.initialise import fit_to_faces
from idennet.learning.training.progress import read_metrics
from idennet.learning.training.stages import to_tensor
from idennet.models.idennet import IdenNet

CPU = torch.device("cpu")


def work(folder: Path, name: str) -> None:
    """Write what one training step of each network, and then a whole training, make of the stores."""
    with distributed.process_group(CPU):
        au, identity = FaceStore.open(folder / "au"), FaceStore.open(folder / "id")
        gradients(au, np.array([0, 1, 6, 7]), folder / f"{name}-real.pt")
        with pytest.MonkeyPatch.context() as patch:
            lighten_trunk(patch)
            gradients(au, np.array([0, 1, 6, 7, 12, 13, 20]), folder / f"{name}-light.pt")
            batches = {"identities": 3, "au_faces": 8, "reduction": "mean", "memory": 16}
            batches |= {"kind": "separate", "alpha_consistency": 100.0}
            optimiser = {"average": 0.9}
            stage = {"steps": 3, "validate_every": 3, "batches": batches, "optimiser": optimiser}
            recipe = small_recipe(identity_stage=stage, au_stage=stage)
            train(recipe, au_stores=[au], identity_stores=[identity], out=folder / name, quiet=True)


def gradients(store: FaceStore, rows: np.ndarray, path: Path) -> None:
    """Write the gradients of both losses of a batch, of which this process looks at its share."""
    model = IdenNet(2, generator=torch.Generator().manual_seed(0))
    fit_to_faces(model, to_tensor(store.read(rows), CPU))
    output = model(to_tensor(store.read(rows[distributed.share(len(rows))]), CPU))
    embeddings = distributed.gather(output.identity_embedding, len(rows))
    logits = distributed.gather(output.au_logits, len(rows))
    owners = torch.from_numpy(store.subject_index[rows])
    pairs = torch.arange(len(rows) // 2 * 2).view(-1, 2)
    triplets = HardNegativeMiner()(embeddings, owners, pairs, generator=torch.Generator().manual_seed(1))
    (triplet_loss(embeddings, triplets, margin=2.0) + logits.square().sum()).backward()
    distributed.sum_gradients(model.parameters())
    if distributed.is_first():
        found = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
        torch.save(found, path)


def work_in_two_processes(folder: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    shared = {"OMP_NUM_THREADS": "1", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    processes = [
        subprocess.Popen(
            [sys.executable, __file__, str(folder)],
            env={**os.environ, **shared, "RANK": rank, "LOCAL_RANK": rank},
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in ("0", "1")
    ]
    try:
        for process in processes:
            complaint = process.communicate(timeout=240)[1]
            assert process.returncode == 0, complaint[-3000:]
    finally:
        for process in processes:
            process.kill()


@pytest.mark.slow
def test_two_processes_equal_one(tmp_path: Path) -> None:
    make_store(tmp_path / "au", "au", 5, 6, aus=True)
    make_store(tmp_path / "id", "id", 6, 4, aus=False, seed=1)
    work(tmp_path, "one")
    work_in_two_processes(tmp_path)

    fully_connected = {f"fc{n}.{kind}" for n in (5, 6, 7) for kind in ("weight", "bias")}
    convolutions = {f"trunk.conv{n}.{kind}" for n in (1, 2, 3, 4) for kind in ("weight", "bias")}
    for batch, names in (("light", fully_connected), ("real", fully_connected | convolutions)):
        one, two = (torch.load(tmp_path / f"{n}-{batch}.pt", weights_only=True) for n in ("one", "two"))
        assert one.keys() == two.keys() == names
        for name, gradient in one.items():
            largest = gradient.abs().max().item()
            assert largest > 0
            torch.testing.assert_close(two[name], gradient, rtol=1e-3, atol=1e-4 * largest)

    stories = [read_metrics(tmp_path / name) for name in ("one", "two")]
    assert len(stories[0]) == len(stories[1]) > 0
    for left, right in zip(*stories, strict=True):
        assert left.keys() == right.keys()
        assert [left[k] for k in left if "loss" in k] == pytest.approx(
            [right[k] for k in right if "loss" in k], rel=1e-3
        )


if __name__ == "__main__":
    work(Path(sys.argv[1]), "two")
