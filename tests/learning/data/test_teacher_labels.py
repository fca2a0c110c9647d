"""A teacher's labels: logits by hand, what is usual for a person taken out, files that cannot be used."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from idennet import facs
from idennet.errors import InputError
from idennet.learning.data.teacher import LESSONS, TeacherLabels, lesson_weights

COLUMNS = sorted({column for lesson in LESSONS for column in lesson.columns})


@pytest.fixture
def labels() -> TeacherLabels:
    """Ada's brows rest high, Ben's rest low; Cleo has one picture, and one of Ben's shows no face."""
    rng = np.random.default_rng(0)
    subjects = ["Ada"] * 5 + ["Ben"] * 5 + ["Cleo"]
    values = pd.DataFrame(rng.uniform(0, 1, (11, len(COLUMNS))), columns=COLUMNS).astype(np.float32)
    values["browInnerUp"] = [0.5, 0.5, 0.5, 0.9, 0.5, 0.1, 0.1, 0.1, 0.5, 0.1, 0.5]
    values.loc[9] = np.nan
    return TeacherLabels(tuple(f"picture_{i}" for i in range(11)), tuple(subjects), values)


def test_every_lesson_is_about_a_known_action_unit_once() -> None:
    aus = [lesson.au for lesson in LESSONS]
    assert len(set(aus)) == len(aus)
    assert set(aus) <= set(facs.NAMES)
    assert not {6, 9} & set(aus)


def test_logits_are_distances_from_the_middle(labels: TeacherLabels) -> None:
    smile = (labels.values["mouthSmileLeft"] + labels.values["mouthSmileRight"]) / 2
    blink = np.maximum(labels.values["eyeBlinkLeft"], labels.values["eyeBlinkRight"])
    logits = labels.logits([12, 43, 6])
    np.testing.assert_allclose(logits[:, 0], ((smile - 0.3) / 0.1).clip(-6, 6), rtol=1e-5)
    np.testing.assert_allclose(logits[:, 1], ((blink - 0.5) / 0.07).clip(-6, 6), rtol=1e-4)
    assert np.isnan(logits[:, 2]).all()
    assert np.isnan(logits[9]).all()


def test_what_is_usual_for_a_person_is_taken_out(labels: TeacherLabels) -> None:
    raw, relative = labels.logits([1], relative=False)[:, 0], labels.logits([1])[:, 0]
    assert raw[0] > 0 > raw[5]  # Ada at rest would read as raised, Ben's raised brows as hers at rest
    assert relative[0] == pytest.approx(relative[5])
    assert relative[3] == pytest.approx(relative[8])
    assert relative[10] == raw[10]  # one picture says nothing about what is usual
    differences = raw[:5] - raw[0], relative[:5] - relative[0]
    np.testing.assert_allclose(*differences, atol=1e-5)


def test_weights_follow_the_lessons() -> None:
    assert lesson_weights([12, 6, 1]).tolist() == [1.0, 0.0, 0.5]


def test_saved_labels_come_back(labels: TeacherLabels, tmp_path: Path) -> None:
    labels.save(tmp_path / "labels.parquet")
    again = TeacherLabels.open(tmp_path / "labels.parquet")
    assert again.pictures == labels.pictures
    assert again.subjects == labels.subjects
    np.testing.assert_allclose(again.values.to_numpy(), labels.values.to_numpy(), atol=5e-4)


@pytest.mark.parametrize("fault", ["missing", "no parquet", "column", "twice"])
def test_files_that_cannot_be_used_are_refused_in_a_sentence(
    labels: TeacherLabels, tmp_path: Path, fault: str
) -> None:
    path = tmp_path / "labels.parquet"
    if fault == "no parquet":
        path.write_text("picture,subject\n")
    elif fault != "missing":
        labels.save(path)
        table = pd.read_parquet(path)
        table = table.drop(columns="jawOpen") if fault == "column" else pd.concat([table, table[:1]])
        table.to_parquet(path)
    with pytest.raises(InputError, match="idennet teach"):
        TeacherLabels.open(path)
