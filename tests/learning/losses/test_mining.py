"""The miner against lists and loops that read the paper's Fig. 3 word by word."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from idennet import HardNegativeMiner
from idennet.errors import InputError, ShapeError


def oracle(
    embeddings: Tensor,
    labels: Tensor,
    pairs: Tensor,
    bank: Tensor,
    bank_labels: Tensor,
    n: int,
    hard: int,
    seed: int,
) -> list[tuple[int, int, int]]:
    """Loops and lists; the same random keys as the miner: one for each pair and candidate, largest wins."""
    keys = torch.rand(len(pairs), len(bank), generator=torch.Generator().manual_seed(seed)).tolist()
    rows, candidates_rows = embeddings.tolist(), bank.tolist()
    triplets = []
    for pair, (a, p) in enumerate(pairs.tolist()):
        candidates = [i for i in range(len(bank)) if int(bank_labels[i]) != int(labels[a])]
        distance = {
            i: sum((x - y) ** 2 for x, y in zip(rows[a], candidates_rows[i], strict=True)) for i in candidates
        }
        nearest = sorted(candidates, key=lambda i: (distance[i], i))
        rest = sorted(nearest[hard:], key=lambda i: -keys[pair][i])
        triplets += [(a, p, i) for i in nearest[:hard] + rest[: n - hard]]
    return triplets


def make(seed: int, identities: int, images: int, width: int = 3) -> tuple[Tensor, Tensor]:
    """Embeddings of small whole numbers: exact arithmetic, many ties."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(images) // 2 % identities
    return torch.randint(-2, 3, (images, width), generator=generator).float(), labels


@settings(deadline=None)
@given(
    seed=st.integers(0, 10**6),
    identities=st.integers(1, 5),
    num_pairs=st.integers(1, 6),
    scheme=st.sampled_from([(4, 0.5, 2), (4, 0.0, 0), (4, 1.0, 4), (3, 0.5, 2), (1, 0.4, 0), (6, 0.5, 3)]),
    remembered=st.integers(-1, 9),
)
def test_equals_the_oracle(
    seed: int, identities: int, num_pairs: int, scheme: tuple[int, float, int], remembered: int
) -> None:
    embeddings, labels = make(seed, identities, 2 * num_pairs)
    pairs = torch.arange(2 * num_pairs).view(-1, 2)
    n, fraction, hard = scheme
    memory, memory_labels = (None, None) if remembered < 0 else make(seed + 1, identities + 1, remembered)
    triplets = HardNegativeMiner(n, fraction)(
        embeddings,
        labels,
        pairs,
        generator=torch.Generator().manual_seed(seed),
        memory=memory,
        memory_labels=memory_labels,
    )
    bank, bank_labels = (embeddings, labels) if memory is None else (memory, memory_labels)
    expected = oracle(embeddings, labels, pairs, bank, bank_labels, n, hard, seed)
    assert triplets.dtype == torch.int64
    assert triplets.shape == (len(expected), 3)
    assert [tuple(row) for row in triplets.tolist()] == expected


@settings(deadline=None)
@given(st.integers(0, 10**6))
def test_every_triplet_is_one(seed: int) -> None:
    embeddings, labels = make(seed, identities=5, images=16)
    pairs = torch.arange(16).view(-1, 2).flip(1)
    triplets = HardNegativeMiner()(embeddings, labels, pairs)
    anchor, positive, negative = triplets.unbind(1)
    assert (labels[anchor] == labels[positive]).all()
    assert (labels[anchor] != labels[negative]).all()
    assert (anchor != positive).all()
    assert len(triplets.unique(dim=0)) == len(triplets) == 8 * 4


def test_paper_numbers_give_64_triplets() -> None:
    embeddings = torch.randn(32, 8)
    labels = torch.arange(32) // 2
    assert HardNegativeMiner()(embeddings, labels, torch.arange(32).view(-1, 2)).shape == (64, 3)


def test_ties_go_to_the_lower_index() -> None:
    embeddings = torch.zeros(6, 4)
    labels = torch.tensor([0, 0, 1, 1, 2, 2])
    triplets = HardNegativeMiner(2, 1.0)(embeddings, labels, torch.tensor([[0, 1]]))
    assert triplets.tolist() == [[0, 1, 2], [0, 1, 3]]


def test_fewer_candidates_than_asked_are_all_used_once() -> None:
    embeddings, labels = torch.tensor([[0.0], [0.0], [2.0], [1.0]]), torch.tensor([7, 7, 1, 3])
    triplets = HardNegativeMiner(4, 0.5)(embeddings, labels, torch.tensor([[0, 1]]))
    assert triplets.tolist() == [[0, 1, 3], [0, 1, 2]]


def test_one_identity_gives_no_triplets() -> None:
    triplets = HardNegativeMiner()(
        torch.zeros(4, 2), torch.zeros(4, dtype=torch.int64), torch.tensor([[0, 1]])
    )
    assert triplets.shape == (0, 3)


def test_the_generator_decides() -> None:
    embeddings, labels = torch.randn(40, 4), torch.arange(40) // 2
    pairs = torch.arange(40).view(-1, 2)
    runs = [
        HardNegativeMiner()(embeddings, labels, pairs, generator=torch.Generator().manual_seed(seed))
        for seed in (1, 1, 2)
    ]
    assert torch.equal(runs[0], runs[1])
    assert not torch.equal(runs[0], runs[2])
    hard = [run.view(-1, 4, 3)[:, :2] for run in runs]
    assert torch.equal(hard[0], hard[2])


def test_random_negatives_are_equally_likely() -> None:
    embeddings = torch.arange(12.0)[:, None]
    labels = torch.tensor([0, 0, *range(1, 11)])
    pairs = torch.tensor([[0, 1]]).expand(4000, 2)
    triplets = HardNegativeMiner(4, 0.5)(
        embeddings, labels, pairs, generator=torch.Generator().manual_seed(0)
    )
    counts = triplets[:, 2].bincount(minlength=12)
    assert counts[:4].tolist() == [0, 0, 4000, 4000]
    # 8000 draws over 8 images, without replacement within a pair: standard deviation 27
    assert (counts[4:] - 1000).abs().max() < 5 * 27


def test_mining_is_outside_the_graph_and_of_any_precision() -> None:
    embeddings = torch.randn(8, 4, dtype=torch.bfloat16, requires_grad=True)
    triplets = HardNegativeMiner()(embeddings, torch.arange(8) // 2, torch.arange(8).view(-1, 2))
    assert not triplets.requires_grad


LABELS = torch.tensor([0, 0, 1, 1])


@pytest.mark.parametrize(
    ("pairs", "sentence"),
    [
        (torch.tensor([[0, 0]]), "same image"),
        (torch.tensor([[1, 2]]), "two identities"),
        (torch.tensor([[0, 4]]), "outside"),
        (torch.tensor([[-1, 3]]), "outside"),
    ],
)
def test_impossible_pairs_are_refused(pairs: Tensor, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        HardNegativeMiner()(torch.zeros(4, 2), LABELS, pairs)


@pytest.mark.parametrize(
    ("embeddings", "labels", "pairs"),
    [
        (torch.zeros(4), LABELS, torch.tensor([[0, 1]])),
        (torch.zeros(4, 2), LABELS[:3], torch.tensor([[0, 1]])),
        (torch.zeros(4, 2), LABELS.float(), torch.tensor([[0, 1]])),
        (torch.zeros(4, 2), LABELS, torch.tensor([0, 1])),
        (torch.zeros(4, 2), LABELS, torch.tensor([[0.0, 1.0]])),
    ],
)
def test_wrong_shapes_are_refused(embeddings: Tensor, labels: Tensor, pairs: Tensor) -> None:
    with pytest.raises(ShapeError, match="give"):
        HardNegativeMiner()(embeddings, labels, pairs)


def test_a_memory_needs_labels() -> None:
    with pytest.raises(InputError, match="together"):
        HardNegativeMiner()(torch.zeros(4, 2), LABELS, torch.tensor([[0, 1]]), memory=torch.zeros(4, 2))


@pytest.mark.parametrize(("n", "fraction"), [(0, 0.5), (4, -0.1), (4, 1.1)])
def test_impossible_schemes_are_refused(n: int, fraction: float) -> None:
    with pytest.raises(InputError):
        HardNegativeMiner(n, fraction)
