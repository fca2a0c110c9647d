"""The linear probe finds a subject's offset, loses it when subtracted, and never sees a sequence twice."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from idennet.errors import InputError, ShapeError
from idennet.learning.evaluation.identity import _deal_sequences, consecutive_blocks, probe_identity

RNG = np.random.default_rng(2)
PERSON = np.repeat(np.arange(8), 30)
SUBJECTS = np.array([f"c/{number}" for number in PERSON])
SEQUENCES = np.tile(np.repeat(["a", "b", "c"], 10), 8)
OFFSET = 3 * RNG.normal(size=(8, 6))
NOISE = RNG.normal(size=(240, 6))


def test_an_offset_of_the_subject_is_found_and_subtracting_it_leaves_chance() -> None:
    before = probe_identity(NOISE + OFFSET[PERSON], SUBJECTS, SEQUENCES)
    after = probe_identity(NOISE, SUBJECTS, SEQUENCES)
    assert before.accuracy > 0.9
    assert before.chance == after.chance == 1 / 8
    assert after.accuracy < 0.25
    assert before.subjects == tuple(f"c/{number}" for number in range(8))


def test_equals_leaving_out_each_sequence_by_hand() -> None:
    features = NOISE + 0.3 * OFFSET[PERSON]
    probe = probe_identity(features, SUBJECTS, SEQUENCES, folds=3, seed=4)
    fold = _deal_sequences(np.unique(SUBJECTS), PERSON, SEQUENCES, folds=3, seed=4)
    predicted = np.empty(240, dtype=object)
    for number in range(3):
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
        model.fit(features[fold != number], SUBJECTS[fold != number])
        predicted[fold == number] = model.predict(features[fold == number])
    assert probe.accuracy == pytest.approx(balanced_accuracy_score(SUBJECTS, predicted.astype(str)))


def test_an_offset_of_the_sequence_is_no_identity() -> None:
    """Light that differs between recordings would be recognised if frames of one were on both sides."""
    group = np.unique(np.char.add(SUBJECTS, SEQUENCES), return_inverse=True)[1]
    features = 0.1 * NOISE + RNG.normal(size=(24, 6))[group]
    frame_by_frame = np.tile(np.arange(30).astype(str), 8)
    assert probe_identity(features, SUBJECTS, frame_by_frame).accuracy > 0.9
    assert probe_identity(features, SUBJECTS, SEQUENCES).accuracy < 0.4


def test_every_subject_is_learnt_and_tested_in_every_fold_it_can() -> None:
    names = np.unique(SUBJECTS)
    fold = _deal_sequences(names, PERSON, SEQUENCES, folds=5, seed=0)
    for number in range(8):
        for name in "abc":
            assert len(set(fold[(number == PERSON) & (name == SEQUENCES)])) == 1
        assert len(set(fold[number == PERSON])) == 3
    assert len({tuple(_deal_sequences(names, PERSON, SEQUENCES, 5, seed)) for seed in range(4)}) == 4


def test_blocks_are_neighbours_of_equal_size() -> None:
    blocks = consecutive_blocks(["a"] * 7 + ["b"] * 10, blocks=3)
    assert "".join(blocks) == "0001122" + "0000111222"


def test_what_cannot_be_probed_is_said() -> None:
    with pytest.raises(InputError, match="'c/0' has one sequence"):
        probe_identity(NOISE, SUBJECTS, np.full(240, "only"))
    with pytest.raises(InputError, match="two subjects"):
        probe_identity(NOISE, ["a"] * 240, SEQUENCES)
    with pytest.raises(ShapeError, match="N subjects and N sequences"):
        probe_identity(NOISE, SUBJECTS[:5], SEQUENCES)
