"""Folds are subject-exclusive, complete, repeatable; what does not fit is said in a sentence."""

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from idennet.errors import ProtocolError
from idennet.learning.evaluation.catalogue import PROTOCOLS, protocol_named, whole_corpus
from idennet.learning.evaluation.folds import BP4D_DRML, BP4D_ROINET, BP4D_SUBJECTS, DISFA_SUBJECTS, SUBJECTS
from idennet.learning.evaluation.protocols import Fold, Protocol
from idennet.learning.evaluation.splits import Everybody, LeaveOneOut, PublishedParts, RandomParts


def everybody(protocol: Protocol) -> list[str]:
    """All subjects of both corpora; rendered corpora have ten."""
    ten = [f"{number:04d}" for number in range(1, 11)]
    return [
        f"{corpus}/{name}" for corpus in {protocol.train, protocol.test} for name in SUBJECTS.get(corpus, ten)
    ]


def within(split: object, corpus: str = "c") -> Protocol:
    return Protocol.model_validate(
        {"name": "p", "train": corpus, "test": corpus, "aus": (12,), "split": split}
    )


def test_published_numbers() -> None:
    assert [len(names) for names in SUBJECTS.values()] == [41, 27, 25]
    assert [len(part) for part in BP4D_DRML] == [14, 14, 13]
    assert [len(part) for part in BP4D_ROINET] == [16, 12, 13]
    assert DISFA_SUBJECTS[12:18] == ("SN013", "SN016", "SN017", "SN018", "SN021", "SN023")
    women = {name for name in BP4D_SUBJECTS if name.startswith("F")}
    assert (len(women), len(BP4D_SUBJECTS) - len(women)) == (23, 18)


@pytest.mark.parametrize("name", sorted(PROTOCOLS))
def test_every_protocol_of_the_catalogue_is_exclusive_and_complete(name: str) -> None:
    protocol = PROTOCOLS[name]
    names = everybody(protocol)
    folds = protocol.folds(names)
    learners = {name for name in names if name.startswith(f"{protocol.train}/")}
    judged = {name for name in names if name.startswith(f"{protocol.test}/")}
    for fold in folds:
        groups = [set(fold.train), set(fold.validation), set(fold.test)]
        assert sum(map(len, groups)) == len(set.union(*groups))
        assert groups[0] | groups[1] <= learners
        assert groups[1]
        if protocol.crosses:
            assert groups[2] == judged
        else:
            assert set.union(*groups) == learners
    tested = [name for fold in folds for name in fold.test]
    if not protocol.crosses and name != "bp4d-fera2015":
        assert sorted(tested) == sorted(judged)
    assert folds == protocol.folds(reversed(names))
    assert Protocol.model_validate_json(protocol.model_dump_json()) == protocol


def test_the_papers_cross_dataset_protocols() -> None:
    disfa, unbc = PROTOCOLS["bp4d-to-disfa"], PROTOCOLS["bp4d-to-unbc"]
    assert (disfa.aus, unbc.aus) == ((1, 2, 4, 6, 12), (4, 6, 7, 10, 12))
    assert (disfa.at_least, unbc.at_least) == ({"disfa": 2}, {"unbc": 1})
    (fold,) = disfa.folds(everybody(disfa))
    assert (len(fold.train) + len(fold.validation), len(fold.test)) == (41, 27)
    assert len(PROTOCOLS["bp4d-to-unbc-by-fold"].folds(everybody(unbc))) == 3


def test_fera_trains_on_odd_and_tests_on_even_numbers() -> None:
    (fold,) = PROTOCOLS["bp4d-fera2015"].folds(everybody(PROTOCOLS["bp4d-fera2015"]))
    assert {int(name[-3:]) % 2 for name in fold.train + fold.validation} == {1}
    assert {int(name[-3:]) % 2 for name in fold.test} == {0}
    assert len(fold.test) == 20


@given(
    names=st.sets(st.text("abcdefgh0123456789", min_size=1, max_size=4), min_size=3, max_size=25),
    parts=st.integers(2, 5),
    seed=st.integers(0, 99),
    share=st.floats(0, 0.9),
)
def test_random_parts_partition_any_corpus_evenly(
    names: set[str], parts: int, seed: int, share: float
) -> None:
    protocol = within(RandomParts(parts=parts, seed=seed)).model_copy(update={"validation": share})
    given_names = [f"c/{name}" for name in names]
    if len(names) < parts:
        with pytest.raises(ProtocolError, match="need as many subjects"):
            protocol.folds(given_names)
        return
    if len(names) - -(-len(names) // parts) < 2:
        with pytest.raises(ProtocolError, match="leaves 1 to learn from"):
            protocol.folds(given_names)
        return
    folds = protocol.folds(given_names)
    assert sorted(name for fold in folds for name in fold.test) == sorted(given_names)
    sizes = [len(fold.test) for fold in folds]
    assert max(sizes) - min(sizes) <= 1
    assert all(bool(fold.validation) == (share > 0) for fold in folds)


def test_the_seed_names_the_random_parts() -> None:
    names = [f"c/{number}" for number in range(12)]
    tests = {within(RandomParts(seed=seed)).folds(names)[0].test for seed in range(6)}
    assert len(tests) > 3


def test_what_does_not_fit_is_said() -> None:
    drml = PROTOCOLS["bp4d-drml"]
    with pytest.raises(ProtocolError, match=r"needs subjects of bp4d, but the stores have lfw"):
        drml.folds(["lfw/Abdullah_Gul"])
    with pytest.raises(ProtocolError, match=r"the store lacks 39 of the subjects of bp4d \(F003, F004, F005"):
        drml.folds(["bp4d/F001", "bp4d/F002"])
    with pytest.raises(ProtocolError, match=r"does not know 1 of the subjects of bp4d \(F024\)"):
        drml.folds([*everybody(drml), "bp4d/F024"])
    with pytest.raises(ProtocolError, match="did you mean bp4d-drml"):
        protocol_named("bp4d-dmrl")
    with pytest.raises(ProtocolError, match="share subject 'b'"):
        within(PublishedParts(parts=(("a", "b"), ("b", "c")))).folds(["c/a", "c/b", "c/c"])
    with pytest.raises(ProtocolError, match="nobody to test"):
        within(Everybody()).folds(["c/a", "c/b"])
    with pytest.raises(ProtocolError, match="at least two subjects"):
        within(LeaveOneOut()).folds(["c/a"])
    with pytest.raises(ProtocolError, match=r"'c/a' for training and for test"):
        Fold("1", ("c/a", "c/b"), (), ("c/a",))
    with pytest.raises(ProtocolError, match="no test subjects"):
        Fold("1", ("c/a",), (), ())
    with pytest.raises(ValidationError, match="validation"):
        Protocol(name="p", train="c", test="c", aus=(1,), split=LeaveOneOut(), validation=1.1)


def test_a_partial_corpus_keeps_its_subjects_in_their_folds() -> None:
    drml = PROTOCOLS["bp4d-drml"]
    there = ["bp4d/F001", "bp4d/F002", "bp4d/F003", "bp4d/F004", "bp4d/F099"]
    folds = drml.folds(there, partial=True)
    assert [fold.test for fold in folds] == [("bp4d/F001", "bp4d/F002"), ("bp4d/F003",), ("bp4d/F004",)]
    folds = drml.folds([*there[:3], "bp4d/F005"], partial=True)
    assert [fold.name for fold in folds] == ["1", "2"]


def test_a_system_trained_elsewhere_needs_test_subjects_only() -> None:
    across = PROTOCOLS["bp4d-to-disfa"]
    disfa = [f"disfa/{name}" for name in DISFA_SUBJECTS]
    with pytest.raises(ProtocolError, match="needs subjects of bp4d"):
        across.folds(disfa)
    (fold,) = across.folds(disfa, trained_elsewhere=True)
    assert fold == Fold("all", (), (), tuple(disfa))
    folds = PROTOCOLS["disfa-jaanet"].folds(disfa, trained_elsewhere=True)
    assert [(len(fold.train), len(fold.validation), len(fold.test)) for fold in folds] == [(0, 0, 9)] * 3
    (fold,) = whole_corpus("lfw", (12,)).folds(["lfw/b", "lfw/a"], trained_elsewhere=True)
    assert fold.test == ("lfw/a", "lfw/b")


def test_leave_one_out_has_a_fold_for_everybody() -> None:
    names = [f"c/{number}" for number in range(5)]
    folds = within(LeaveOneOut()).folds(names)
    assert [fold.test for fold in folds] == [(name,) for name in names]
    assert np.unique([len(fold.train) + len(fold.validation) for fold in folds]).tolist() == [4]


def test_the_documentation_names_every_protocol() -> None:
    page = Path(__file__).parents[3] / "docs" / "protocols.md"
    table = page.read_text().split("## What is not known")[0]
    assert set(re.findall(r"`((?:bp4d|disfa|unbc|studio|spot|clinic)-[a-z0-9-]+)`", table)) == set(PROTOCOLS)
