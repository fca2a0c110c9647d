"""benchmarks/within_person.py: nothing constant about a person counts, and few pictures say nothing."""

import numpy as np
import pytest
from scipy.stats import rankdata

from benchmarks.within_person import correlation_within, table


def by_hand(ours: np.ndarray, theirs: np.ndarray, people: np.ndarray) -> float:
    """Return the correlation of ranks less each person's mean, one person after the other."""
    pieces = []
    ranks = [rankdata(ours), rankdata(theirs)]
    for person in np.unique(people):
        rows = people == person
        if rows.sum() >= 4:
            pieces.append([rank[rows] - rank[rows].mean() for rank in ranks])
    one, other = (np.concatenate(parts) for parts in zip(*pieces, strict=True))
    return float(np.corrcoef(one, other)[0, 1])


def test_people_with_enough_pictures_are_compared_with_themselves() -> None:
    rng = np.random.default_rng(0)
    people = np.repeat(np.arange(9), [3, 4, 5, 6, 2, 8, 1, 4, 7])
    ours, theirs = rng.normal(size=(2, len(people)))
    assert correlation_within(ours, theirs, people) == pytest.approx(by_hand(ours, theirs, people))
    theirs[:3] = 99  # of somebody with three pictures: they move ranks of all alike, and count nowhere
    assert correlation_within(ours, theirs, people) == pytest.approx(by_hand(ours, theirs, people))


def test_who_it_is_neither_helps_nor_harms() -> None:
    rng = np.random.default_rng(1)
    people = np.repeat(np.arange(40), 6)
    movement = rng.normal(size=len(people))
    apart = 1000.0 * rng.permutation(40)[people]  # people never overlap, so ranks move with the person alone
    assert correlation_within(movement + apart, movement + 1000.0 * people, people) == pytest.approx(1)
    assert correlation_within(-movement + apart, movement + 1000.0 * people, people) == pytest.approx(-1)
    values = movement.copy()
    values[people == 3] = np.nan  # a teacher who sees no face
    assert correlation_within(movement, values, people) == pytest.approx(1)


def test_a_line_for_each_network() -> None:
    correlation = {f"AU{au}": au / 100 for au in (1, 2, 4, 5, 7, 12, 15, 17, 25, 26, 27, 43)}
    run = {"weights": "one", "correlation": correlation, "photographs": 8, "people": 2}
    lines = table([run, run | {"weights": "other"}]).splitlines()
    assert lines[0] == "Correlation with a teacher within a person: 8 photographs, 2 people."
    assert lines[2].startswith("| variant | mean of 11 | AU1 |")
    assert lines[4].startswith("| one | 0.14 | 0.01 |")
    assert lines[5].startswith("| other |")
