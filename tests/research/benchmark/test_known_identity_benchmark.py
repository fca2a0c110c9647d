"""Known identity and teaching, as benchmarked: measures whose answer is known, and the kept tables."""

from types import ModuleType

import numpy as np
import pandas as pd
import pytest
from small_benchmark import ROOT, draw_people

from benchmarks import teaching
from benchmarks.agreement import People
from benchmarks.runs import gather
from benchmarks.subtraction import known_identity
from idennet.learning.data.teacher import LESSONS, VALUES, TeacherLabels

PEOPLE, PICTURES = 12, 10
AUS = (6, 12)


@pytest.fixture(scope="module")
def values() -> pd.DataFrame:
    drawn = np.random.default_rng(0).uniform(0.2, 0.6, (PEOPLE * PICTURES, len(VALUES)))
    return pd.DataFrame(drawn, columns=list(VALUES))


@pytest.fixture(scope="module")
def people(values: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> People:
    folder = tmp_path_factory.mktemp("people")
    store = draw_people(folder / "store", "lfw", PEOPLE, PICTURES)
    subjects = [name.partition("/")[2] for name in store.frames.subject]
    places = zip(store.frames.sequence, subjects, strict=True)
    names = pd.DataFrame(places, columns=["picture", "subject"])
    labels = pd.concat([names, values], axis=1).drop_duplicates(["picture", "subject"])
    TeacherLabels(tuple(labels.picture), tuple(labels.subject), labels[list(VALUES)]).save(folder / "labels")
    return People(folder / "store", folder / "labels")


def test_what_is_constant_about_people_lowers_agreement_and_raises_the_share(
    people: People, values: pd.DataFrame
) -> None:
    (lesson,) = [lesson for lesson in LESSONS if lesson.au == 12]
    store = people.store
    first = store.frames.groupby(["subject", "sequence"]).frame.transform("min").to_numpy()
    movement = values[list(lesson.columns)].mean(axis=1).to_numpy()[first]
    movement = movement - pd.Series(movement).groupby(store.subject_index).transform("median").to_numpy()
    constant = np.random.default_rng(1).normal(0, 0.3, PEOPLE)[store.subject_index]
    judged = [
        people.judge(np.column_stack([movement, movement + strength * constant])[people.rows], AUS)
        for strength in (0.0, 1.0, 3.0)
    ]
    assert judged[0]["agreement"] > 0.99
    agreement, share = ([one[name] for one in judged] for name in ("agreement", "share"))
    assert agreement[0] > agreement[1] > agreement[2]
    assert share[0] < 0.2 < share[1] < share[2]


def test_removal_is_learnt_from_others_and_finds_what_embeddings_hold() -> None:
    rng = np.random.default_rng(2)
    who = np.repeat(np.arange(60), 4)
    constant = rng.normal(size=(60, 2))
    told = np.column_stack([constant, rng.normal(size=(60, 3))])[who]
    assert np.abs(known_identity._predicted(told, constant[who], told, who) - constant[who]).mean() < 0.05
    noise = rng.normal(size=(60, 5))[who]
    left = constant[who] - known_identity._predicted(noise, constant[who], noise, who)
    assert left.std() > 0.9 * constant.std()


@pytest.mark.parametrize(
    ("benchmark", "folder"), [(known_identity, "subtraction/known"), (teaching, "teaching")]
)
def test_the_kept_tables_are_those_of_the_kept_runs(benchmark: ModuleType, folder: str) -> None:
    kept = ROOT / "results" / folder
    assert benchmark.tables(gather(kept)) == (kept / "tables.md").read_text(encoding="utf-8")
