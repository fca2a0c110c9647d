"""A training that was killed and continued is the training that was not, to the last bit.

The networks are the real ones: their filters lie in memory with channels last, which a stand-in hides.
"""

import json
from pathlib import Path

import pytest
import torch
from tiny_training import killed_at, small_recipe
from torch import Tensor, nn

from idennet.learning.data.store import FaceStore
from idennet.learning.training import train
from idennet.learning.training.checkpoint import (
    Counters,
    load_checkpoint,
    load_optimiser,
    optimiser_tensors,
    save_checkpoint,
)
from idennet.learning.training.folder import LAST, MANIFEST
from idennet.models.fastcpu.library import VARIABLE
from idennet.models.weights import best_weights
from idennet.research.benchmark.systems.contract import Budget
from idennet.research.benchmark.systems.sgd import Sgd
from idennet.research.benchmark.systems.steps import take_steps

STEP = {"schedule": "step", "step_every": 2, "weight_decay": 5e-4}
COSINE = {"schedule": "cosine", "warm_up": 1, "clip_norm": 1.0, "average": 0.9}


OPTIMISERS = {
    "fused Adam": lambda parameters: torch.optim.Adam(parameters, lr=0.01, fused=True),
    "Adam": lambda parameters: torch.optim.Adam(parameters, lr=0.01, amsgrad=True),
    "fused AdamW": lambda parameters: torch.optim.AdamW(parameters, lr=0.01, fused=True),
    "fused SGD": lambda parameters: torch.optim.SGD(parameters, lr=0.01, momentum=0.9, fused=True),
    "SGD": lambda parameters: torch.optim.SGD(parameters, lr=0.01, momentum=0.9),
}


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("name", OPTIMISERS)
def test_an_optimiser_goes_on_in_every_memory_format(
    name: str, memory_format: torch.memory_format, tmp_path: Path
) -> None:
    def network() -> nn.Module:
        torch.manual_seed(0)
        layers = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Conv2d(4, 2, 1))
        return layers.to(memory_format=memory_format)

    def step(model: nn.Module, optimiser: torch.optim.Optimizer, number: int) -> None:
        torch.manual_seed(number)
        optimiser.zero_grad()
        model(torch.randn(2, 3, 8, 8)).square().sum().backward()
        optimiser.step()

    model = network()
    optimiser = OPTIMISERS[name](model.parameters())
    for number in range(3):
        step(model, optimiser, number)
    path = tmp_path / "last.safetensors"
    save_checkpoint(
        path, {"model": model.state_dict(), "optimiser": optimiser_tensors(optimiser)}, Counters("au")
    )
    again = network()
    solver = OPTIMISERS[name](again.parameters())
    groups, _ = load_checkpoint(path)
    again.load_state_dict(groups["model"])
    load_optimiser(solver, groups["optimiser"])
    for parameter, state in solver.state.items():
        assert {v.stride() for v in state.values() if v.shape == parameter.shape} == {parameter.stride()}
    for number in range(3, 6):
        step(model, optimiser, number)
        step(again, solver, number)
    for (key, expected), tensor in zip(model.state_dict().items(), again.state_dict().values(), strict=True):
        assert torch.equal(tensor, expected), key


@pytest.mark.parametrize(("kernels", "schedule"), [("auto", COSINE), ("torch", COSINE), ("torch", STEP)])
def test_a_recipe_goes_on_with_the_real_network(
    kernels: str,
    schedule: dict[str, object],
    au_store: FaceStore,
    identity_store: FaceStore,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(VARIABLE, kernels)
    batches = {"kind": "separate", "identities": 2, "au_faces": 4, "memory": 6}
    if "average" in schedule:
        batches["alpha_consistency"] = 100.0
    optimiser = {"learning_rate": 1e-3, **schedule}
    recipe = small_recipe(
        identity_stage=None,
        au_stage={"steps": 4, "validate_every": 4, "batches": batches, "optimiser": optimiser},
        validation={"subject_fraction": 0.2, "faces": 4},
    )

    def run(folder: Path) -> dict[str, bytes]:
        train(recipe, au_stores=[au_store], identity_stores=[identity_store], out=folder, quiet=True)
        return {path.name: path.read_bytes() for path in (folder / LAST, best_weights(folder, "au"))}

    whole = run(tmp_path / "whole")
    with killed_at(3):
        run(tmp_path / "resumed")
    assert run(tmp_path / "resumed") == whole
    run(tmp_path / "resumed")  # complete: not continued again
    story = [json.loads((tmp_path / name / MANIFEST).read_text()) for name in ("whole", "resumed")]
    assert "continued" not in story[0]
    assert [(event["stage"], event["step"]) for event in story[1]["continued"]] == [("au", 2)]


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("optimiser", [None, Sgd(learning_rate=0.01, bias_factor=2, bias_decay=False)])
def test_a_compared_network_goes_on(
    optimiser: Sgd | None, memory_format: torch.memory_format, tmp_path: Path
) -> None:
    def fit(folder: Path, dies_at: int | None = None) -> tuple[dict[str, Tensor], str]:
        folder.mkdir(exist_ok=True)
        torch.manual_seed(0)
        layers = [nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.Dropout(), nn.Conv2d(6, 2, 3, stride=2)]
        network = nn.Sequential(*layers).to(memory_format=memory_format)

        def loss(faces: Tensor, step: int) -> Tensor:
            if step == dies_at:
                raise KeyboardInterrupt
            return network(faces).square().mean()

        take_steps(
            network,
            prepare=lambda step: torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(step)),
            loss=loss,
            judge=lambda: float(network[0].weight.sum()),
            budget=Budget(steps=8, validations=4),
            optimiser=optimiser,
            folder=folder,
            device=torch.device("cpu"),
        )
        return network.state_dict(), (folder / "curve.jsonl").read_text()

    whole, curve = fit(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        fit(tmp_path / "resumed", dies_at=5)
    resumed, resumed_curve = fit(tmp_path / "resumed")
    assert resumed_curve == curve
    for name, tensor in whole.items():
        assert torch.equal(resumed[name], tensor), name
