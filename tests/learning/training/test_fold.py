"""Training for one fold of a protocol: who is learnt from, who validates, who stays unseen."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tiny_training import small_recipe

from idennet.errors import ProtocolError
from idennet.learning.data.store import FaceStore
from idennet.learning.data.store_writer import FaceStoreWriter, Part
from idennet.learning.evaluation.catalogue import protocol_named
from idennet.learning.evaluation.folds import DISFA_SUBJECTS
from idennet.learning.evaluation.judge import stores_by_corpus
from idennet.learning.training import faces_of_fold, train
from idennet.learning.training.corpus import Corpus
from idennet.models.weights import load_weights


def write_store(
    path: Path, subjects: list[str], aus: tuple[int, ...] = (), *, intensity: bool = False
) -> FaceStore:
    """Write three grey faces a subject with random labels, or intensities 0 to 5."""
    rng = np.random.default_rng(0)
    count = 3 * len(subjects)
    table = pd.DataFrame({
        "subject": np.repeat(subjects, 3),
        "sequence": "s",
        "frame": np.tile(np.arange(3), len(subjects)),
        "landmarks": [np.full(136, np.nan, np.float32)] * count,
    })  # fmt: skip
    for au in aus:
        values = rng.integers(0, 6, count)
        table[f"AU{au}"] = (values >= 1).astype(np.int8)
        if intensity:
            table[f"AU{au}_intensity"] = values.astype(np.float32)
    with FaceStoreWriter(path, path.name) as writer:
        writer.write("0", Part(rng.integers(0, 256, (count, 128, 128, 3), dtype=np.uint8), table))
        return writer.finish(["0"])


@pytest.fixture(scope="module")
def disfa(tmp_path_factory: pytest.TempPathFactory) -> FaceStore:
    aus = protocol_named("disfa-jaanet").aus
    path = tmp_path_factory.mktemp("stores") / "disfa"
    return write_store(path, [f"disfa/{name}" for name in DISFA_SUBJECTS], aus, intensity=True)


@pytest.mark.parametrize("fold", ["1", "2", "3"])
def test_a_fold_is_that_of_the_protocol_with_its_labels(fold: str, disfa: FaceStore) -> None:
    protocol = protocol_named("disfa-jaanet")
    wanted = protocol.folds(disfa.subjects)[int(fold) - 1]
    faces = faces_of_fold("disfa-jaanet", fold, [disfa])
    learning, validating = faces.stores
    assert set(learning.subjects) == set(wanted.train)
    assert set(validating.subjects) == set(wanted.validation) == set(faces.validation)
    assert faces.aus == protocol.aus
    labelled = stores_by_corpus(protocol, [disfa])["disfa"].select(wanted.train)  # from intensity 2 on
    assert np.array_equal(learning.labels(faces.aus), labelled.labels(faces.aus))
    assert not np.array_equal(learning.labels(faces.aus), disfa.select(wanted.train).labels(faces.aus))


@pytest.mark.usefixtures("light_trunk")
def test_training_for_a_fold_never_reads_a_tested_face_and_says_so(
    disfa: FaceStore,
    identity_store: FaceStore,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    seen: set[str] = set()
    read = Corpus.read

    def watched(self: Corpus, rows: np.ndarray) -> np.ndarray:
        seen.update(np.array(self.subjects)[self.identities[rows]])
        return read(self, rows)

    monkeypatch.setattr(Corpus, "read", watched)
    fold = faces_of_fold("disfa-jaanet", "2", [disfa], [identity_store])
    batches = {"kind": "separate", "identities": 16, "au_faces": 48}
    stage = {"steps": 12, "validate_every": 12, "batches": batches}
    recipe = small_recipe(identity_stage=None, au_stage=stage, model={"fit_to_faces": True})
    run = train(recipe, identity_stores=[identity_store], fold=fold, out=tmp_path / "run")

    wanted = protocol_named("disfa-jaanet").folds(disfa.subjects)[1]
    assert {name for name in seen if name.startswith("disfa/")} == {*wanted.train, *wanted.validation}
    record = json.loads((run.folder / "run.json").read_text())
    assert (record["protocol"], record["fold"]) == ("disfa-jaanet", "2")
    assert record["validation_subjects"] == sorted(wanted.validation)
    assert record["pairs"] == {
        "au": [
            {"purpose": "Action Units", "drawn": 15, "wanted": 16},
            {"purpose": "identity alone", "drawn": 6, "wanted": 16},
        ]
    }
    card = load_weights(run.weights)[1]
    assert card.aus == protocol_named("disfa-jaanet").aus
    assert (card.provenance["protocol"], card.provenance["fold"]) == ("disfa-jaanet", "2")
    said = capsys.readouterr().err.splitlines()
    assert said[:3] == [
        "Fold 2 of disfa-jaanet: 15 subjects to learn from, 3 to validate on; "
        "those who are tested stay unseen.",
        "A batch of stage au has 15 pairs of faces for Action Units, not 16: "
        "there are no more people with two faces to learn from.",
        "A batch of stage au has 6 pairs of faces for identity alone, not 16: "
        "there are no more people with two faces to learn from.",
    ]
    assert sum("pairs of faces" in line for line in said) == 2


def test_another_corpus_is_tested_without_its_store(tmp_path: Path) -> None:
    studio = write_store(
        tmp_path / "studio",
        [f"synfacs-studio/{number:04d}" for number in range(6)],
        protocol_named("studio-random").aus,
    )
    faces = faces_of_fold("studio-to-spot", None, [studio])
    assert faces.fold == "all"
    assert {name for store in faces.stores for name in store.subjects} == set(studio.subjects)
    assert faces.aus == protocol_named("studio-random").aus  # what is learnt does not depend on the test


def test_what_does_not_fit_is_refused(disfa: FaceStore, identity_store: FaceStore, tmp_path: Path) -> None:
    strangers = write_store(tmp_path / "people", ["disfa/SN001", "lfw/Ann", "lfw/Bob"])
    cases = (
        ("disfa-jaanet", "4", [disfa], [], "has the folds 1, 2, 3; there is no fold 4"),
        ("disfa-jaanet", None, [disfa], [], "has the folds 1, 2, 3; give one with --fold"),
        ("disfa-jaaned", "1", [disfa], [], "did you mean disfa-jaanet?"),
        ("disfa-jaanet", "1", [disfa, identity_store], [], "no subjects of disfa, which disfa-jaanet learns"),
        ("disfa-jaanet", "1", [], [], "needs one store with subjects of disfa"),
        ("disfa-jaanet", "1", [disfa], [strangers], "has disfa/SN001, who is tested in fold 1"),
        ("disfa-jaanet", "1", [disfa.select(disfa.subjects[2:])], [], "--partial"),
    )
    for protocol, fold, au_stores, identity_stores, sentence in cases:
        with pytest.raises(ProtocolError) as caught:
            faces_of_fold(protocol, fold, au_stores, identity_stores)
        assert sentence in str(caught.value)
    some = faces_of_fold("disfa-jaanet", "1", [disfa.select(disfa.subjects[2:])], partial=True)
    assert len({name for store in some.stores for name in store.subjects}) == 18
