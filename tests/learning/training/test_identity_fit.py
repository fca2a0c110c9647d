"""Who somebody is, told by a linear map: what teaches it, and whom it keeps apart."""

import numpy as np
import pytest
import torch

from idennet.learning.evaluation.metrics import verification_auc
from idennet.learning.training.identity_fit import OWN, RENDERED, RIDGE, TwoViews, fit_identity
from idennet.models.idennet import EMBEDDING_FEATURES, IdenNet
from idennet.models.trunk import TRUNK_FEATURES

IDENTITY_PARTS = 4800 + 256 + 292
SECTIONS = (slice(TRUNK_FEATURES), slice(TRUNK_FEATURES, -292), slice(-292, None))


def made(people: int, pictures: int, seed: int, noise: float = 1.0) -> TwoViews:
    """Return people whose pictures differ by noise; in a mirror everything is a little other."""
    rng = np.random.default_rng(seed)
    who = np.repeat(np.arange(people), pictures)
    middles = rng.normal(size=(people, IDENTITY_PARTS)) * np.repeat([30, 1, 5], [4800, 256, 292])
    spread = np.abs(middles).mean(axis=0)
    parts = middles[who] + noise * spread * rng.normal(size=(len(who), IDENTITY_PARTS))
    mirrored = parts + 0.1 * spread * rng.normal(size=parts.shape)
    return TwoViews(parts.astype(np.float32), mirrored.astype(np.float32), who)


def network() -> IdenNet:
    return IdenNet(2, shaped=True, generator=torch.Generator().manual_seed(0)).eval()


def told(fitted: IdenNet, parts: np.ndarray) -> np.ndarray:
    return fitted.shape_identity(torch.from_numpy(parts)).detach().numpy()


def by_hand(photographs: TwoViews, rendered: TwoViews, known: np.ndarray | None) -> np.ndarray:
    """Return the map as its description says it, (F, 5348), up to the choice of axes."""
    both = np.concatenate([photographs.parts, photographs.mirrored]).astype(float)
    size = np.concatenate([np.full(both[:, s].shape[1], np.sqrt(both[:, s].var(0).sum())) for s in SECTIONS])

    def views(seen: TwoViews) -> np.ndarray:
        x = np.concatenate([seen.parts, seen.mirrored]) / size
        return x - x.mean(axis=0)

    def others(seen: TwoViews) -> np.ndarray:
        f, rows = seen.parts[:, SECTIONS[1]].astype(float), np.arange(len(seen.people))
        mean = [f[(seen.people == seen.people[row]) & (rows != row)].mean(axis=0) for row in rows]
        return np.array(mean) - np.mean(mean, axis=0)

    def scale(x: np.ndarray) -> float:
        return np.sqrt((x**2).sum(axis=1).mean())

    def solve(*kinds: tuple[np.ndarray, np.ndarray, float]) -> np.ndarray:
        gram = sum(weight * x.T @ x / len(x) for x, _, weight in kinds) + RIDGE * np.eye(IDENTITY_PARTS)
        return (
            np.linalg.solve(gram, sum(w * x.T @ np.tile(y, (2, 1)) / len(x) for x, y, w in kinds))
            / size[:, None]
        )

    own = others(photographs)
    own_map = solve(
        (views(photographs), own * OWN / scale(own), 1),
        (views(rendered), others(rendered) * OWN / scale(own), RENDERED),
    )
    if known is None:
        return own_map.T
    around = known - known.mean(axis=0)
    return np.concatenate([solve((views(photographs), around / scale(around), 1)), own_map], axis=1).T


@pytest.mark.parametrize("width", [None, 3])
def test_the_map_is_that_of_its_description(width: int | None) -> None:
    """Axes may turn, so inner products of what is said are compared, which people are told apart by."""
    photographs, rendered = made(6, 3, seed=0), made(4, 2, seed=1)
    known = None if width is None else np.random.default_rng(2).normal(size=(18, width))
    fitted = network()
    fit_identity(fitted, photographs, rendered, known)
    expected = photographs.parts @ by_hand(photographs, rendered, known).T
    mean = np.concatenate([photographs.parts, photographs.mirrored]).mean(axis=0)
    expected = expected - mean @ by_hand(photographs, rendered, known).T
    said = told(fitted, photographs.parts)
    assert said.shape == (18, EMBEDDING_FEATURES)
    np.testing.assert_allclose(said @ said.T, expected @ expected.T, atol=5e-3)


def test_strangers_are_told_apart_and_the_middle_of_photographs_is_zero() -> None:
    """People differ in few directions, as faces do; half of the people teach, the others are told apart."""
    photographs, strangers = (low_rank(people) for people in (range(60), range(60, 120)))
    fitted = network()
    fit_identity(fitted, photographs, low_rank(range(120, 140)))
    both = np.concatenate([photographs.parts, photographs.mirrored])
    np.testing.assert_allclose(told(fitted, both).mean(axis=0), 0, atol=1e-3)
    apart = verification_auc(told(fitted, strangers.parts), strangers.people)
    assert apart > 0.95
    assert apart > verification_auc(strangers.parts[:, SECTIONS[1]], strangers.people) + 0.05


def low_rank(people: range) -> TwoViews:
    """Return four pictures of each person: ten directions are theirs, ten more the expression's."""
    rng = np.random.default_rng(5)
    theirs, moved = rng.normal(size=(2, 10, IDENTITY_PARTS)).astype(np.float32)
    rng = np.random.default_rng(people.start + 1)
    who = np.repeat(np.arange(len(people)), 4)
    parts = rng.normal(size=(len(people), 10))[who] @ theirs + 2 * rng.normal(size=(len(who), 10)) @ moved
    noise = rng.normal(size=(2, *parts.shape))
    return TwoViews(*(parts + noise).astype(np.float32), who)


def test_what_another_network_does_not_know_teaches_nothing_of_it() -> None:
    photographs, rendered = made(6, 3, seed=0), made(4, 2, seed=1)
    known = np.random.default_rng(2).normal(size=(18, 3))
    some = known.copy()
    some[[0, 7]] = np.nan
    partly, nothing, without = network(), network(), network()
    fit_identity(partly, photographs, rendered, some)
    fit_identity(nothing, photographs, rendered, np.full_like(known, np.nan))
    fit_identity(without, photographs, rendered)
    assert torch.isfinite(partly.shape_identity.weight).all()
    torch.testing.assert_close(nothing.shape_identity.weight, without.shape_identity.weight)


def test_people_of_one_picture_teach_nothing_of_others() -> None:
    rendered, folk = made(4, 2, seed=1), made(6, 3, seed=0)
    alone = made(1, 1, seed=9)
    more = TwoViews(
        np.concatenate([folk.parts, alone.parts]),
        np.concatenate([folk.mirrored, alone.mirrored]),
        np.append(folk.people, 6),
    )
    fitted = network()
    fit_identity(fitted, more, rendered)
    assert torch.isfinite(fitted.shape_identity.weight).all()
