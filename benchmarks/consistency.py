"""Does a mean teacher on photographs help to read photographs? Equal steps with it and without it.

Both arms start from the same weights and see the same rendered faces, augmented alike, in the same order; one
of them also looks at photographs without labels. Judge what is written with `idennet evaluate` on lists of
photographs of other people (results/photographs, results/portraits).

    python benchmarks/consistency.py --au stores/wild --photographs stores/lfw --start weights.safetensors
        --out results/consistency
"""

import argparse
import copy
from pathlib import Path

import numpy as np
import torch

from idennet.data.samplers import BalancedFaceSampler
from idennet.data.store import FaceStore
from idennet.losses.au import masked_au_loss
from idennet.losses.consistency import consistency_loss
from idennet.models.weights import Network, WeightsCard, load_weights, save_weights
from idennet.training import load_recipe
from idennet.training.augment import Augmenter
from idennet.training.optimiser import Optimiser, WeightAverage
from idennet.training.stages import to_tensor

AU_FACES, PHOTOGRAPHS = 64, 40
OPTIMISER = Optimiser(learning_rate=1e-4, schedule="cosine", warm_up=20, clip_norm=5, average=0.98)
CPU = torch.device("cpu")


def main() -> None:
    """Train both arms and write their weights."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--au", type=Path, required=True)
    parser.add_argument("--photographs", type=Path, required=True)
    parser.add_argument("--start", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=160)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    rendered, photographs = FaceStore.open(arguments.au), FaceStore.open(arguments.photographs)
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name, weight in (("without", 0.0), ("with", 1.0)):
        model, card = load_weights(arguments.start)
        _train(model, card.aus, rendered, photographs, arguments.steps, weight)
        fields = card.model_dump(include=set(WeightsCard.model_fields))
        save_weights(model, arguments.out / f"{name}.safetensors", WeightsCard(**fields))


def _train(
    model: Network,
    aus: tuple[int, ...],
    rendered: FaceStore,
    photographs: FaceStore,
    steps: int,
    weight: float,
) -> None:
    """Continue the training of `model`; it ends with the running mean of its weights."""
    teacher = copy.deepcopy(model)
    labels = rendered.labels(aus)
    sampler = BalancedFaceSampler(labels, 0)
    augmentation = load_recipe("transfer").augmentation
    change_rendered, change_photograph = Augmenter(augmentation, 1), Augmenter(augmentation, 2)
    optimiser = OPTIMISER.build(model.requires_grad_().parameters())
    average = WeightAverage(model, OPTIMISER.average)
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = OPTIMISER.rate(step, steps)
        rows = sampler.draw(step, AU_FACES)
        faces = to_tensor(change_rendered(rendered.read(rows), step), CPU)
        loss = masked_au_loss(model(faces).au_logits, torch.from_numpy(labels[rows]))
        if weight:
            drawn = np.random.default_rng(step).choice(len(photographs), PHOTOGRAPHS, replace=False)
            plain = photographs.read(np.sort(drawn))
            teacher.load_state_dict(average.weights)
            with torch.no_grad():
                views = [
                    teacher(face).au_probs for face in (to_tensor(plain, CPU), to_tensor(plain, CPU).flip(-1))
                ]
            seen = model(to_tensor(change_photograph(plain, step), CPU)).au_logits
            loss = loss + weight * consistency_loss(seen, (views[0] + views[1]) / 2)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), OPTIMISER.clip_norm or 1.0)
        optimiser.step()
        average.update(model, step + 1000)
        if (step + 1) % 20 == 0:
            print(f"step {step + 1}: loss {loss.item():.4f}", flush=True)
    model.load_state_dict(average.weights)


if __name__ == "__main__":
    main()
