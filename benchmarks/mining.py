"""Time of mining against the time of a training step: python benchmarks/mining.py

One thread, 16 pairs of faces as in the paper, negatives from the batch or from a memory of 4096 embeddings.
"""

import time
from collections.abc import Callable

import torch

from idennet import HardNegativeMiner, IdenNet, RankHardLoss, triplet_loss


def median_ms(work: Callable[[], object], repeats: int) -> float:
    """Median CPU time of a call in milliseconds, after one call that does not count."""
    work()
    times = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return 1e3 * sorted(times)[repeats // 2]


def main() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = IdenNet(12)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
    faces = torch.randint(0, 256, (32, 3, 128, 128), dtype=torch.uint8)
    labels, pairs = torch.arange(16).repeat_interleave(2), torch.arange(32).view(-1, 2)
    memory, memory_labels = torch.randn(4096, 256), torch.randint(0, 500, (4096,))
    miner, rank_hard = HardNegativeMiner(), RankHardLoss()
    embeddings = model.embed(faces).detach()

    def step() -> None:
        found = model.embed(faces)
        loss = triplet_loss(found, miner(found, labels, pairs))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    step_ms = median_ms(step, 5)
    print(f"training step of stage identity, 32 faces: {step_ms:.0f} ms")
    for name, work in {
        "mining in the batch": lambda: miner(embeddings, labels, pairs),
        "mining in a memory of 4096": lambda: miner(
            embeddings, labels, pairs, memory=memory, memory_labels=memory_labels
        ),
        "RankHardLoss, mining included": lambda: rank_hard(embeddings, labels),
    }.items():
        spent = median_ms(work, 50)
        print(f"{name}: {spent:.2f} ms, {100 * spent / step_ms:.2f} % of the step")


if __name__ == "__main__":
    main()
