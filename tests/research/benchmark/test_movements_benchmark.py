"""benchmarks/movements.py: what a table says of readings whose answers are known."""

import numpy as np

from benchmarks.movements import AUS, SIDED, table
from idennet.learning.data.movement.move import MOVES

FACES = 12


def readings(gain: float) -> tuple[np.ndarray, np.ndarray]:
    """Return readings before and after, in which every Action Unit that was added rises by `gain`.

    Each face got one movement, in turn; every other one on the subject's left alone, where it may be.
    """
    rng = np.random.default_rng(0)
    added = np.zeros((FACES * len(MOVES), len(MOVES), 2))
    for face, sides in enumerate(added):
        au = face % len(MOVES)
        left_only = face // len(MOVES) % 2 == 0 and MOVES[au] in SIDED
        sides[au] = (0.8, 0.0) if left_only else (0.8, 0.8)
    before = rng.normal(0, 0.01, (len(added), len(AUS) + len(SIDED)))
    after = before.copy()
    for place, au in enumerate(AUS):
        after[:, place] += gain * added[:, MOVES.index(au)].max(axis=1)
    for place, au in enumerate(SIDED, start=len(AUS)):
        left, right = added[:, MOVES.index(au)].T
        after[:, place] += gain * (left - right)
    return np.stack([before, after]), added


def test_who_sees_all_that_was_added_is_always_right() -> None:
    found = table(*readings(1.0))
    for au in AUS:
        assert found[f"AU{au}"]["auc"] == found[f"AU{au}"]["higher"] == 1
        assert found[f"AU{au}"]["moved"] == FACES
    for au in SIDED:
        assert (found[f"AU{au}"]["side"], found[f"AU{au}"]["one_sided"]) == (1, FACES / 2)


def test_who_reads_the_opposite_is_always_wrong_and_who_is_blind_never_higher() -> None:
    wrong, blind = table(*readings(-1.0)), table(*readings(0.0))
    assert all(wrong[f"AU{au}"]["auc"] == wrong[f"AU{au}"]["higher"] == 0 for au in AUS)
    assert all(wrong[f"AU{au}"]["side"] == 0 for au in SIDED)
    assert all(blind[f"AU{au}"]["higher"] == 0 for au in AUS)
    assert all(0.2 < blind[f"AU{au}"]["auc"] < 0.8 for au in AUS)


def test_faint_movements_and_unseen_faces_do_not_count() -> None:
    read, added = readings(1.0)
    added[: len(MOVES)] /= 2  # below one half
    read[0, len(MOVES) : 2 * len(MOVES), 0] = np.nan  # no face seen
    found = table(read, added)
    assert {found[f"AU{au}"]["moved"] for au in AUS} == {FACES - 2}
