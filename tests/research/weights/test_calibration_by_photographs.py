"""What photographs decide of a calibration, and what stays where they cannot."""

import copy
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch.nn.functional as F
from typer.testing import CliRunner, Result

from idennet.cli.main import app
from idennet.errors import InputError
from idennet.facs import column
from idennet.learning.data.store import FaceStore
from idennet.learning.data.store_writer import FaceStoreWriter, Part
from idennet.learning.data.teacher import VALUES, TeacherLabels, lesson_weights
from idennet.models.action_units import ActionUnitModel
from idennet.models.calibration import calibrate
from idennet.models.trunk import Trunk
from idennet.people.population import Population
from idennet.research.weights.photographs import Photographs, calibrate_by_photographs
from idennet.research.weights.population import see, taught

PEOPLE, EACH = 40, 10
LOUD = (2.0, 8.0)
"""Scale and shift by which every Action Unit is present nearly everywhere."""


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FaceStore:
    monkeypatch.setattr(
        Trunk, "forward", lambda _, faces: F.adaptive_avg_pool2d(faces.float() / 255, 40).flatten(1)
    )
    number = PEOPLE * EACH
    frames = pd.DataFrame({
        "subject": [f"toy/{index // EACH}" for index in range(number)],
        "sequence": [f"picture_{index}" for index in range(number)],
        "frame": 0,
        "landmarks": [np.full(136, np.nan, np.float32)] * number,
    })  # fmt: skip
    faces = np.random.default_rng(0).integers(0, 256, (number, 128, 128, 3), dtype=np.uint8)
    with FaceStoreWriter(tmp_path / "store", source="toy") as writer:
        writer.write("0", Part(faces, frames))
        return writer.finish(["0"])


def labels_of(store: FaceStore, resting: np.ndarray) -> TeacherLabels:
    """Return labels in which some faces show nothing and the others everything by turns."""
    rng = np.random.default_rng(1)
    values = np.where(resting[:, None], 0, rng.uniform(0, 1, (len(store), len(VALUES))))
    values[~resting, VALUES.index("jawOpen")] = 0.9  # nobody of them rests
    subjects = [subject.rpartition("/")[2] for subject in store.frames["subject"]]
    return TeacherLabels(
        tuple(store.frames["sequence"]), tuple(subjects), pd.DataFrame(values, columns=list(VALUES))
    )


def test_faces_at_rest_are_quiet_and_quieter_where_photographs_teach_little(
    store: FaceStore, random_weights: Path
) -> None:
    reader = ActionUnitModel.open(random_weights)
    resting = np.arange(len(store)) % 2 == 0
    loud = np.tile(LOUD, (len(reader.aus), 1))
    photographs = Photographs(store, labels_of(store, resting), frozenset(store.subjects[:20]))
    found, words = calibrate_by_photographs(reader, loud, photographs)
    probabilities = reader.read(store.faces[resting]).probs
    present = (calibrate(probabilities, found) >= 0.5).sum(axis=0)
    is_taught = lesson_weights(reader.aus) >= 0.5
    allowed = np.where(is_taught, 6, 3)  # of 200: 3 %, and 1.5 %
    assert (present <= allowed).all()
    assert np.mean(present == allowed) > 0.5  # and no quieter than asked for, but where readings are equal
    assert f"at most 3 % of {resting.sum()} photographs" in words
    assert "in 1.5 % where" in words
    by_teacher = "AU1, AU2, AU5, AU7, AU12, AU25, AU26, AU27, AU43"
    assert f"{by_teacher} are calibrated on 200 photographs of 20 people" in words


def test_what_photographs_cannot_decide_stays_and_is_said(store: FaceStore, random_weights: Path) -> None:
    reader = ActionUnitModel.open(random_weights)
    loud = np.tile(LOUD, (len(reader.aus), 1))
    nobody_rests = labels_of(store, np.zeros(len(store), bool))
    kept, words = calibrate_by_photographs(reader, loud, Photographs(store, nobody_rests, frozenset()))
    np.testing.assert_array_equal(kept, loud)
    assert words.startswith("nobody on the photographs is unseen")
    assert "no face at rest" in words


def test_a_teacher_says_who_rests_on_photographs_and_what_they_show(
    store: FaceStore, random_weights: Path
) -> None:
    reader = ActionUnitModel.open(random_weights)
    resting = np.arange(len(store)) % 2 == 0
    labels = labels_of(store, resting)
    known = labels.values.index[10:]  # of one person nothing is known
    some = TeacherLabels(labels.pictures[10:], labels.subjects[10:], labels.values.loc[known])
    seen = taught(see(reader, store), store, some, reader.aus)
    assert seen.neutral is not None
    assert (seen.neutral == (resting & (np.arange(len(store)) >= 10))).all()
    assert (seen.labels[:10] == -1).all()
    logits = some.logits(reader.aus, relative=True)
    has_lesson = lesson_weights(reader.aus) > 0
    expected = np.where(logits > 1, 1, np.where(logits < -1, 0, -1))
    assert (seen.labels[10:][:, has_lesson] == expected[:, has_lesson]).all()
    assert (seen.labels[10:][:, ~has_lesson] == np.where(resting[10:, None], 0, -1)).all()
    copied = copy.copy(store)
    copied.frames = store.frames.assign(sequence=[f"{name}~moved1" for name in store.frames["sequence"]])
    moved = TeacherLabels(tuple(copied.frames["sequence"]), labels.subjects, labels.values)
    both = TeacherLabels(
        labels.pictures + moved.pictures,
        labels.subjects * 2,
        pd.concat([labels.values] * 2, ignore_index=True),
    )
    with pytest.raises(InputError, match="know no picture of"):
        taught(see(reader, store), copied, both, reader.aus)  # whatever a copy shows, a movement was added
    strangers = TeacherLabels(labels.pictures, ("nobody",) * len(store), labels.values)
    with pytest.raises(InputError, match="know no picture of"):
        taught(see(reader, store), store, strangers, reader.aus)


def test_people_are_fitted_by_a_command_with_how_they_rest_on_photographs(
    store: FaceStore, random_weights: Path, tmp_path: Path
) -> None:
    weights = tmp_path / "some.safetensors"
    for suffix in (".safetensors", ".json"):
        shutil.copy(random_weights.with_suffix(suffix), weights.with_suffix(suffix))
    rng = np.random.default_rng(3)
    aus = ActionUnitModel.open(weights).aus
    frames = store.frames.assign(**{column(au): rng.integers(0, 2, len(store)) for au in aus})
    frames.loc[:40, list(map(column, aus))] = 0  # somebody rests
    with FaceStoreWriter(tmp_path / "drawn", source="drawn") as writer:
        writer.write("0", Part(np.array(store.faces), frames))
        writer.finish(["0"])
    labels_of(store, np.arange(len(store)) % 2 == 0).save(tmp_path / "labels.parquet")

    def fit(*options: object) -> Result:
        given = ["weights", "people", weights, "--rendered", tmp_path / "drawn", *options]
        return CliRunner().invoke(app, list(map(str, given)))

    photographs = ("--photographs", store.path)
    usual = []
    for teacher in ((), ("--teacher", tmp_path / "labels.parquet")):
        done = fit(*photographs, *teacher)
        assert done.exit_code == 0, done.output
        usual.append(Population.open(weights).rest.usual)
    assert not np.allclose(*usual)
    alone = fit("--teacher", tmp_path / "labels.parquet")
    assert alone.exit_code == 2
    assert "give these with --photographs" in " ".join(alone.output.split())
