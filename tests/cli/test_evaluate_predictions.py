"""`evaluate --predictions`: numbers against oracles, every format, and every mistake in a file."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from evaluated import BP4D_AUS, FRAMES, keys, plain, run
from sklearn.metrics import f1_score, roc_auc_score

from idennet.learning.data.store import FaceStore
from idennet.learning.evaluation.folds import DISFA_SUBJECTS
from idennet.learning.evaluation.result_files import read_result


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
