"""`evaluate --protocol` and `--predictions`: numbers against oracles, every format, and every mistake."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import torch.nn.functional as F
from sklearn.metrics import f1_score, roc_auc_score
from typer.testing import CliRunner, Result

from idennet.cli.main import app
from idennet.errors import StoreError
from idennet.learning.data.store import FaceStore
from idennet.learning.data.store_writer import FaceStoreWriter, Part
from idennet.learning.evaluation.folds import BP4D_SUBJECTS, DISFA_SUBJECTS
from idennet.learning.evaluation.result_files import read_result
from idennet.models.trunk import Trunk
from idennet.models.weights import WeightsCard, load_weights, save_weights

BP4D_AUS = (1, 2, 4, 6, 7, 10, 12, 14, 15, 17, 23, 24)
DISFA_AUS = (1, 2, 4, 5, 6, 9, 12, 15, 17, 20, 25, 26)
FRAMES = 4


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, list(map(str, arguments)), env={"COLUMNS": "140"})


def write(
    path: Path,
    corpus: str,
    names: Sequence[str],
    sequences: Callable[[str], Sequence[str]],
    aus: Sequence[int],
) -> FaceStore:
    """Four faces a recording, frames from 1, random intensities of which 2 and more count."""
    rng = np.random.default_rng(len(names))
    rows = [
        {"subject": f"{corpus}/{name}", "sequence": sequence, "frame": frame}
        for name in names
        for sequence in sequences(name)
        for frame in range(1, FRAMES + 1)
    ]
    frames = pd.DataFrame(rows)
    frames["landmarks"] = [np.full(136, np.nan, np.float32)] * len(frames)
    for au in aus:
        intensity = rng.integers(0, 6, len(frames)).astype(np.float32)
        frames[f"AU{au}"] = (intensity >= 2).astype(np.int8)
        frames[f"AU{au}_intensity"] = intensity
    faces = rng.integers(0, 256, (len(frames), 128, 128, 3), dtype=np.uint8)
    with FaceStoreWriter(path, source=corpus) as writer:
        writer.write("0", Part(faces, frames))
        return writer.finish(["0"])


@pytest.fixture(scope="module")
def bp4d(tmp_path_factory: pytest.TempPathFactory) -> FaceStore:
    return write(
        tmp_path_factory.mktemp("s") / "bp4d", "bp4d", BP4D_SUBJECTS, lambda name: ("T1", "T8"), BP4D_AUS
    )


@pytest.fixture(scope="module")
def disfa(tmp_path_factory: pytest.TempPathFactory) -> FaceStore:
    return write(
        tmp_path_factory.mktemp("s") / "disfa", "disfa", DISFA_SUBJECTS, lambda name: (name,), DISFA_AUS
    )


@pytest.fixture
def quick_trunk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        Trunk, "forward", lambda _, faces: F.adaptive_avg_pool2d(faces.float() / 255, 40).flatten(1)
    )


def keys(store: FaceStore) -> pd.DataFrame:
    table = store.frames[["subject", "sequence", "frame"]].copy()
    table["subject"] = table["subject"].str.partition("/")[2]
    return table


def plain(store: FaceStore, path: Path, aus: Sequence[int], seed: int = 0) -> pd.DataFrame:
    """A plain CSV of noisy probabilities, in another order than the store."""
    rng = np.random.default_rng(seed)
    table = keys(store)
    for au in aus:
        table[f"AU{au}_prob"] = np.clip(0.4 * store.labels([au])[:, 0] + 0.6 * rng.random(len(store)), 0, 1)
    table.sample(frac=1, random_state=seed).to_csv(path, index=False)
    return table


def test_a_plain_file_has_the_scores_of_scikit_learn(bp4d: FaceStore, tmp_path: Path) -> None:
    table = plain(bp4d, tmp_path / "p.csv", BP4D_AUS)
    out = tmp_path / "result.json"
    ran = run(
        "evaluate", bp4d.path, "--protocol", "bp4d-drml", "--predictions", tmp_path / "p.csv", "-o", out
    )
    assert ran.exit_code == 0, ran.output
    assert "328 pictures: 328 judged." in ran.output
    assert "Present from probability 0.5 on: AU1 AU2" in ran.output
    result = read_result(out)
    f1s, aucs = [], []
    for fold in result.folds:
        rows = bp4d.frames["subject"].isin(fold.fold.test).to_numpy()
        truth, score = bp4d.labels([12])[rows, 0], table["AU12_prob"].to_numpy()[rows]
        f1s.append(f1_score(truth, score >= 0.5))
        aucs.append(roc_auc_score(truth, score))
        assert (fold.fold.train, fold.fold.validation) == ((), ())
    at = result.aus.index(12)
    assert result.f1_averaged()[0, at] == pytest.approx(np.mean(f1s))
    assert result.auc_averaged()[0, at] == pytest.approx(np.mean(aucs))
    assert result.stores == {"bp4d": bp4d.digest}


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


def test_openface_folder(disfa: FaceStore, tmp_path: Path) -> None:
    """One file a subject, blanks after commas, more frames than are coded, AU45, a lost face."""
    folder = tmp_path / "openface"
    folder.mkdir()
    rng = np.random.default_rng(1)
    decided, graded = [], []
    for name in DISFA_SUBJECTS:
        frames = pd.DataFrame({"frame": range(1, FRAMES + 3), "face_id": 0, "timestamp": 0.0})
        frames["confidence"], frames["success"] = 0.98, 1
        for au in (1, 2, 4, 6, 12, 45):
            frames[f"AU{au:02d}_r"] = rng.random(len(frames)) * 5
            frames[f"AU{au:02d}_c"] = rng.integers(0, 2, len(frames)).astype(float)
        decided.append(frames["AU12_c"][:FRAMES])
        graded.append(frames["AU12_r"][:FRAMES])
        text = frames.to_csv(index=False).replace(",", ", ")
        (folder / f"{name}.csv").write_text(text)
    given = ("evaluate", disfa.path, "--protocol", "bp4d-to-disfa", "--predictions", folder)
    ran = run(*given, "-o", tmp_path / "r.json")
    assert ran.exit_code == 0, ran.output
    assert "Present as the tool itself decided: AU1 AU2 AU4 AU6 AU12." in ran.output
    result = read_result(tmp_path / "r.json")
    truth = disfa.labels([12])[:, 0]
    assert result.f1_pooled()[0, -1] == pytest.approx(f1_score(truth, np.concatenate(decided)))
    assert result.auc_averaged()[0, -1] == pytest.approx(roc_auc_score(truth, np.concatenate(graded)))
    assert np.isnan(result.folds[0].thresholds).all()
    assert json.loads((tmp_path / "r.json").read_text())["folds"][0]["thresholds"] == [None] * 5

    file = folder / "SN001.csv"
    lines = file.read_text().splitlines()
    lines[2] = lines[2].replace(", 0.98, 1, ", ", 0.02, 0, ")
    file.write_text("\n".join(lines))
    refused = run(*given)
    assert refused.exit_code == 2
    assert "says nothing about 1 of 108 faces" in refused.stderr
    assert "first disfa/SN001/SN001/2; predict them" in refused.stderr
    for missing, coded in (("absent", 108), ("leave-out", 107)):
        ran = run(*given, "--missing", missing, "-o", tmp_path / f"{missing}.json")
        assert ran.exit_code == 0, ran.output
        counts = read_result(tmp_path / f"{missing}.json").folds[0].counts
        assert (counts.coded.sum(1) == coded).all()
        assert "says nothing about 1 of 108 faces" in ran.output.replace("\n", " ")
    compared = run("compare", tmp_path / "absent.json", tmp_path / "leave-out.json")
    assert compared.exit_code == 2
    assert "judged on other frames or labels" in compared.stderr


def test_libreface_mixes_decisions_and_intensities(disfa: FaceStore, tmp_path: Path) -> None:
    """Frames count from 0; AU25 has an intensity only, and is present from DISFA's threshold on."""
    folder = tmp_path / "libreface"
    folder.mkdir()
    rng = np.random.default_rng(2)
    for name in DISFA_SUBJECTS:
        frames = pd.DataFrame({"frame_idx": range(FRAMES), "frame_time_in_ms": 0.0, "yaw": 1.0})
        for au in (1, 2, 4, 6, 12):
            frames[f"au_{au}"] = rng.integers(0, 2, FRAMES)
        for au in (1, 2, 4, 6, 9, 12, 25, 26):
            frames[f"au_{au}_intensity"] = rng.random(FRAMES) * 5
        frames["facial_expression"] = "Neutral"
        frames.to_csv(folder / f"{name}.csv", index=False)
    ran = run(
        "evaluate",
        disfa.path,
        "--protocol",
        "disfa-jaanet",
        "--predictions",
        folder,
        "-o",
        tmp_path / "r.json",
    )
    assert ran.exit_code == 0, ran.output
    result = read_result(tmp_path / "r.json")
    assert result.system == "libreface (libreface)"
    thresholds = result.folds[0].thresholds
    assert np.isnan(thresholds[[0, 1, 2, 3, 5]]).all()
    np.testing.assert_allclose(thresholds[[4, 6, 7]], 0.4)
    said = pd.concat([pd.read_csv(folder / f"{name}.csv") for name in DISFA_SUBJECTS])
    truth, present = disfa.labels([25])[:, 0], said["au_25_intensity"].to_numpy() >= 2
    hits = sum(fold.counts.true_positive[6].sum() for fold in result.folds)
    assert hits == np.sum(present & (truth == 1))


def test_py_feat_names_videos_and_pictures(bp4d: FaceStore, tmp_path: Path) -> None:
    """Videos count from 0, pictures have their number in their name; AU11 is not ours, AU23 is lacking."""
    keyed = keys(bp4d)
    video = (keyed["sequence"] == "T1").to_numpy()
    table = pd.DataFrame({"frame": np.where(video, keyed["frame"] - 1.0, np.arange(len(keyed)))})
    table["FaceScore"] = 0.9
    rng = np.random.default_rng(3)
    for au in (1, 2, 4, 6, 7, 10, 11, 12, 14, 15, 17, 24):
        table[f"AU{au:02d}"] = rng.random(len(table))
    names = keyed["subject"] + "_" + keyed["sequence"] + ".mp4"
    pictures = "C:\\data\\" + keyed["subject"] + "\\T8\\" + keyed["frame"].map("{:04d}.jpg".format)
    table["input"] = np.where(video, "/data/" + names, pictures)
    table.to_csv(tmp_path / "fex.csv")
    given = ("evaluate", bp4d.path, "--protocol", "bp4d-drml", "--predictions", tmp_path / "fex.csv")
    refused = run(*given)
    assert refused.exit_code == 2
    assert "py-feat (fex.csv) does not predict AU23, which bp4d-drml scores" in refused.stderr
    ran = run(*given, "--partial", "-o", tmp_path / "r.json")
    assert ran.exit_code == 0, ran.output
    assert "AU23 not predicted" in ran.output
    result = read_result(tmp_path / "r.json")
    hits = sum(fold.counts.true_positive[result.aus.index(12)].sum() for fold in result.folds)
    assert hits == np.sum((table["AU12"] >= 0.5) & (bp4d.labels([12])[:, 0] == 1))


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


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda t: t.assign(AU13_prob=0.1), "column 'AU13_prob' is not known. Unknown Action Unit"),
        (lambda t: t.assign(smile=0.1), "column 'smile' is not known; allowed are subject, sequence, frame"),
        (lambda t: t.assign(AU12_prob=1.5), "line 2: AU12_prob is 1.5; it must be a number from 0 to 1"),
        (lambda t: t.assign(AU12=0.5), "line 2: AU12 is 0.5; it must be 1 or 0"),
        (lambda t: t.assign(AU12_prob="high"), "line 2: AU12_prob is 'high', which is no number"),
        (lambda t: t.assign(AU12_prob=np.nan), "line 2: AU12_prob is nan; it must be a number from 0 to 1"),
        (lambda t: t.assign(subject="F099"), "line 2: no store has the recording 'F099/T1'"),
        (lambda t: t.drop(columns="sequence"), "'F001' may be bp4d/F001/T1 or bp4d/F001/T8"),
        (lambda t: t.drop(columns="frame"), "these are no columns of OpenFace, py-feat or LibreFace"),
        (lambda t: t.assign(frame=1.5), "line 2: frame is '1.5', but must be a whole number"),
        (lambda t: pd.concat([t, t[:1]]), "line 330: bp4d/F001/T1, frame 1 has a row already"),
        (lambda t: t[3:], "says nothing about 3 of 328 faces"),
        (lambda t: t.loc[:, ["subject", "sequence", "frame"]], "no column of csv has an Action Unit"),
        (lambda t: t.drop(columns="AU4_prob"), "does not predict AU4, which bp4d-drml scores"),
    ],
)
def test_a_wrong_file_is_one_sentence(
    bp4d: FaceStore, tmp_path: Path, change: Callable[[pd.DataFrame], pd.DataFrame], sentence: str
) -> None:
    change(plain(bp4d, tmp_path / "p.csv", BP4D_AUS)).to_csv(tmp_path / "p.csv", index=False)
    out = tmp_path / "r.json"
    ran = run(
        "evaluate", bp4d.path, "--protocol", "bp4d-drml", "--predictions", tmp_path / "p.csv", "-o", out
    )
    assert ran.exit_code == 2, ran.output
    assert sentence in ran.stderr
    assert ran.stderr.count("\n") == 1
    assert not out.exists()


def test_wrong_calls_are_one_sentence(bp4d: FaceStore, disfa: FaceStore, tmp_path: Path) -> None:
    plain(bp4d, tmp_path / "p.csv", BP4D_AUS)
    with_file = ("--predictions", tmp_path / "p.csv")
    (tmp_path / "none").mkdir()
    calls = {
        ("--protocol", "bp4d-drlm", *with_file): "There is no protocol 'bp4d-drlm'; did you mean bp4d-drml?",
        ("--protocol", "bp4d-to-unbc", *with_file): "needs one store with subjects of unbc; 0 of the stores",
        (disfa.path, *with_file): "Several stores need a --protocol",
        ("--weights", "w.safetensors", *with_file): "Give weights or predictions, not both.",
        ("--predictions", tmp_path / "no.csv"): "There are no predictions",
        ("--predictions", tmp_path / "none"): "has no files that end in .csv",
        ("--format", "openface", *with_file): "no column of openface has an Action Unit",
        (*with_file, "-o", tmp_path / "nowhere" / "r.json"): "There is no folder",
    }
    for arguments, sentence in calls.items():
        ran = run("evaluate", bp4d.path, *arguments)
        assert ran.exit_code == 2, ran.output
        assert sentence in ran.stderr, ran.stderr
        assert ran.stderr.count("\n") == 1


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
