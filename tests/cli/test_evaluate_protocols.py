"""`evaluate --protocol`: thresholds, folds, incomplete stores, and one run of weights for each fold."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from evaluated import BP4D_AUS, plain, run, write
from sklearn.metrics import f1_score

from idennet.errors import StoreError
from idennet.learning.data.store import FaceStore
from idennet.learning.data.store_writer import FaceStoreWriter, Part
from idennet.learning.evaluation.folds import BP4D_SUBJECTS
from idennet.learning.evaluation.result_files import read_result
from idennet.models.weights import WeightsCard, load_weights, save_weights


def test_thresholds_come_from_validation_subjects(bp4d: FaceStore, disfa: FaceStore, tmp_path: Path) -> None:
    """A file of scores that are all below .5 in DISFA and in BP4D finds thresholds in BP4D only."""
    tables = [plain(store, tmp_path / "x.csv", (1, 2, 4, 6, 12)) for store in (bp4d, disfa)]
    both = pd.concat(tables)
    both.loc[:, both.columns.str.endswith("_prob")] *= 0.4
    both.to_csv(tmp_path / "p.csv", index=False)
    given = (
        "evaluate",
        bp4d.path,
        disfa.path,
        "--protocol",
        "bp4d-to-disfa",
        "--predictions",
        tmp_path / "p.csv",
    )
    assert run(*given, "-o", tmp_path / "own.json").exit_code == 0
    own = read_result(tmp_path / "own.json")
    assert own.folds[0].counts.true_positive.sum() == 0
    ran = run(*given, "-o", tmp_path / "chosen.json", "--choose-thresholds")
    assert ran.exit_code == 0, ran.output
    chosen = read_result(tmp_path / "chosen.json")
    assert any("validation subjects" in remark for remark in chosen.remarks)
    (fold,) = chosen.folds
    assert {name.partition("/")[0] for name in fold.fold.validation} == {"bp4d"}
    rows = bp4d.frames["subject"].isin(fold.fold.validation).to_numpy()
    truth, score = bp4d.labels([12])[rows, 0], both["AU12_prob"].to_numpy()[: len(bp4d)][rows]
    best = max(f1_score(truth, score >= limit, zero_division=0) for limit in np.linspace(0.05, 0.95, 91))
    assert f1_score(truth, score >= fold.thresholds[-1]) == pytest.approx(best)
    np.testing.assert_allclose(chosen.auc_averaged(), own.auc_averaged())
    changed = both.copy()  # what is said about test subjects changes no threshold
    changed.iloc[len(bp4d) :, 3:] = 0.3
    changed.to_csv(tmp_path / "p.csv", index=False)
    assert run(*given, "-o", tmp_path / "again.json", "--choose-thresholds").exit_code == 0
    np.testing.assert_array_equal(read_result(tmp_path / "again.json").folds[0].thresholds, fold.thresholds)


def test_weights_and_their_saved_predictions_agree(
    bp4d: FaceStore, tmp_path: Path, random_weights: Path, quick_trunk: None
) -> None:
    given = ("evaluate", bp4d.path, "--protocol", "bp4d-drml")
    saved = tmp_path / "ours.csv"
    ran = run(*given, "--weights", random_weights, "-o", tmp_path / "a.json", "--save-predictions", saved)
    assert ran.exit_code == 0, ran.output
    ran = run(*given, "--predictions", saved, "-o", tmp_path / "b.json")
    assert ran.exit_code == 0, ran.output
    one, other = read_result(tmp_path / "a.json"), read_result(tmp_path / "b.json")
    for mine, theirs in zip(one.folds, other.folds, strict=True):
        np.testing.assert_array_equal(mine.counts.true_positive, theirs.counts.true_positive)
        np.testing.assert_array_equal(mine.doubled_wins, theirs.doubled_wins)
    compared = run("compare", tmp_path / "a.json", tmp_path / "b.json")
    assert compared.exit_code == 0, compared.output
    assert "random-1 minus csv (ours.csv)" in compared.output
    assert "+.000" in compared.output


def test_incomplete_copies_need_consent(bp4d: FaceStore, tmp_path: Path) -> None:
    half = write(tmp_path / "half", "bp4d", BP4D_SUBJECTS[:9], lambda name: ("T1",), BP4D_AUS)
    plain(half, tmp_path / "p.csv", BP4D_AUS)
    given = ("evaluate", half.path, "--protocol", "bp4d-drml", "--predictions", tmp_path / "p.csv")
    ran = run(*given)
    assert ran.exit_code == 2
    assert "the store lacks 32 of the subjects of bp4d (F010, F011, " in ran.stderr
    ran = run(*given, "--partial", "-o", tmp_path / "r.json")
    assert ran.exit_code == 0, ran.output
    assert "bp4d: photographs, 9 subjects; judged in part (--partial)" in ran.output
    assert read_result(tmp_path / "r.json").partial


def weights_of_fold(random_weights: Path, folder: Path, protocol: str, fold: str, bias: float) -> Path:
    """A run's folder whose weights were trained for a fold; AU12 gets a bias of its own."""
    folder.mkdir(parents=True)
    model, card = load_weights(random_weights)
    with torch.no_grad():
        model.fc7.bias[card.aus.index(12)] = bias
    fields = card.model_dump(include=set(WeightsCard.model_fields))
    fields["provenance"] = {"protocol": protocol, "fold": fold}
    save_weights(model, folder / "best-au.safetensors", WeightsCard(**fields), half=False)
    return folder


def test_one_run_a_fold_is_tested_on_its_own_people(
    bp4d: FaceStore, tmp_path: Path, random_weights: Path, quick_trunk: None
) -> None:
    runs = [
        weights_of_fold(random_weights, tmp_path / "runs" / name, "bp4d-drml", name, bias)
        for name, bias in (("1", -50.0), ("2", 50.0), ("3", -60.0))
    ]
    given = ("evaluate", bp4d.path, "--protocol", "bp4d-drml", "-o", tmp_path / "r.json")
    by_order = [option for run_of in reversed(runs) for option in ("--weights", run_of)]
    for chosen in (("--weights", tmp_path / "runs"), by_order):
        ran = run(*given, *chosen)
        assert ran.exit_code == 0, ran.output
        result = read_result(tmp_path / "r.json")
        at = result.aus.index(12)
        said = [(fold.counts.true_positive + fold.counts.false_positive)[at].sum() for fold in result.folds]
        assert said == [0, result.folds[1].counts.coded[at].sum(), 0]
        assert [fold.fold.name for fold in result.folds] == ["1", "2", "3"]
        assert len(set(result.weights)) == 3

    refused = run(*given, "--weights", runs[1])
    assert refused.exit_code == 2
    assert "There are no weights of fold 1 of bp4d-drml" in refused.stderr
    ran = run(*given, "--weights", runs[1], "--partial")
    assert ran.exit_code == 0, ran.output
    assert [fold.fold.name for fold in read_result(tmp_path / "r.json").folds] == ["2"]


def test_runs_that_are_not_those_of_the_folds_are_refused(
    bp4d: FaceStore, tmp_path: Path, random_weights: Path, quick_trunk: None
) -> None:
    first = weights_of_fold(random_weights, tmp_path / "a", "bp4d-drml", "1", 0.0)
    again = weights_of_fold(random_weights, tmp_path / "b", "bp4d-drml", "1", 0.0)
    other = weights_of_fold(random_weights, tmp_path / "c", "bp4d-roinet", "2", 0.0)
    calls = {
        (first, again): "is a second run of fold 1; give one a fold",
        (first, other): "was trained for fold 2 of bp4d-roinet; make runs with: idennet train --protocol",
        (first, random_weights): "was trained for no fold",
    }
    for files, sentence in calls.items():
        weights = [option for file in files for option in ("--weights", file)]
        ran = run("evaluate", bp4d.path, "--protocol", "bp4d-drml", *weights)
        assert ran.exit_code == 2, ran.output
        assert sentence in ran.stderr
    ran = run("evaluate", bp4d.path, "--weights", first, "--weights", again)
    assert "Several runs need the --protocol" in ran.stderr


def test_a_fold_without_positives_is_told(bp4d: FaceStore, tmp_path: Path) -> None:
    plain(bp4d, tmp_path / "p.csv", BP4D_AUS)
    frames = bp4d.frames.copy()
    frames["AU12"] = frames["AU12"].where(frames["subject"] == "bp4d/F001", 0).astype(np.int8)
    with FaceStoreWriter(tmp_path / "rare", source="bp4d") as writer:
        writer.write("0", Part(np.array(bp4d.faces), frames))
        writer.finish(["0"])
    given = ("evaluate", tmp_path / "rare", "--protocol", "bp4d-drml", "--predictions", tmp_path / "p.csv")
    ran = run(*given, "-o", tmp_path / "r.json")
    assert ran.exit_code == 0, ran.output
    assert "AU12: no test frame of fold 2, 3 shows it; its scores are undefined there." in ran.output
    assert "Folds of 3 in which no frame shows the Action Unit: AU12 2; F1 leaves them out" in ran.output
    assert "or 0" in ran.output
    assert np.isnan(read_result(tmp_path / "r.json").folds[1].f1(np.ones((1, 14)))[0, 6])


def test_a_store_with_other_labels_is_refused(bp4d: FaceStore, tmp_path: Path) -> None:
    frames = bp4d.frames.copy()
    frames.loc[5, "AU12"] = 9
    with FaceStoreWriter(tmp_path / "nine", source="bp4d") as writer:
        writer.write("0", Part(np.array(bp4d.faces), frames))
        with pytest.raises(StoreError, match="has the label 9 of AU12; allowed are 1, 0 and -1"):
            writer.finish(["0"])
    ran = run("evaluate", tmp_path / "nine")
    assert ran.exit_code == 2
    assert "has the label 9 of AU12" in ran.stderr


def test_weights_that_learnt_from_the_store_say_so(
    bp4d: FaceStore, tmp_path: Path, random_weights: Path, quick_trunk: None
) -> None:
    for ending in (".safetensors", ".json"):
        copy = tmp_path / f"known{ending}"
        copy.write_bytes(random_weights.with_suffix(ending).read_bytes())
    card = json.loads(copy.read_text())
    card["provenance"] = {"stores": [{"source": "bp4d", "digest": bp4d.digest}]}
    copy.write_text(json.dumps(card))
    ran = run("evaluate", bp4d.path, "--weights", tmp_path / "known.safetensors")
    assert ran.exit_code == 0, ran.output
    assert "scores of people it knows are no test" in ran.output.replace("\n", " ")
    assert "bp4d-all" in ran.output


def test_hundreds_of_subjects_are_counted_in_groups(tmp_path: Path) -> None:
    many = write(tmp_path / "many", "web", [f"{number}" for number in range(450)], lambda name: ("a",), (12,))
    plain(many, tmp_path / "p.csv", (12,))
    ran = run("evaluate", many.path, "--predictions", tmp_path / "p.csv", "-o", tmp_path / "r.json")
    assert ran.exit_code == 0, ran.output
    result = read_result(tmp_path / "r.json")
    assert len(result.folds[0].fold.test) == 450
    assert len(result.folds[0].counts.subjects) == 200
    assert result.folds[0].counts.coded.sum() == 1800
