"""`evaluate` from the command line: rendered faces, planted faces, face stores, and mistakes."""

import hashlib
import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner, Result

from idennet.cli.main import app
from idennet.facs import SYNFACS_AUS
from idennet.inference.analyser import Analyser
from idennet.inference.writers import CsvWriter
from idennet.learning.data.store import FaceStore
from idennet.learning.evaluation.folds import DISFA_SUBJECTS
from idennet.learning.evaluation.result_files import read_result
from idennet.models.action_units import ActionUnitModel, Readings
from idennet.models.weights import WeightsCard, load_weights, save_weights
from idennet.research.demo.demo import sample_corpus
from planted import PlantedFinder, planted_picture


def evaluate(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["evaluate", *map(str, arguments)], env={"COLUMNS": "120"})


@pytest.fixture
def planted_csv(tmp_path: Path, planted_finder: None) -> Path:
    """Six pictures of three people: 1, 1, 0, 3, 1 and 1 faces; the last file is damaged."""
    counts = (1, 1, 0, 3, 1, 1)
    for number, count in enumerate(counts):
        Image.fromarray(planted_picture(count, seed=number)).save(tmp_path / f"{number}.png")
    (tmp_path / "5.png").write_bytes((tmp_path / "5.png").read_bytes()[:300])
    lines = (
        "0.png,Ann,1,yes,",
        "1.png,Ann,0,no,1",
        "2.png,Bob,1,yes,1",
        "3.png,Bob,0,no,",
        "4.png,Cid,1,yes,0",
    )
    (tmp_path / "mine.csv").write_text(
        "\n".join(["image,subject,AU12,smiling,dark", *lines, "5.png,Cid,1,no,1"])
    )
    return tmp_path / "mine.csv"


def test_every_picture_is_counted_or_listed(planted_csv: Path, random_weights: Path, tmp_path: Path) -> None:
    ran = evaluate(planted_csv, "--weights", random_weights, "--out", tmp_path / "result.json")
    assert ran.exit_code == 0, ran.output
    assert "6 pictures: 4 judged, 1 no face found, 1 unreadable." in ran.output
    assert "2.png: no face found" in ran.output
    assert "~AU23" in ran.output

    result = read_result(tmp_path / "result.json")
    assert result.stores == {"mine": hashlib.sha256(planted_csv.read_bytes()).hexdigest()}
    assert (result.system, result.weights) == ("random-1", (load_weights(random_weights)[1].sha256,))
    assert result.data == "mine: photographs, 3 subjects"
    assert result.faces == 4
    assert [name for name, _ in result.left_out] == ["2.png", "5.png"]
    assert result.aus == (12,)
    assert result.subjects == ("mine/Ann", "mine/Bob", "mine/Cid")

    reader = ActionUnitModel.open(random_weights)
    analyser = Analyser(PlantedFinder(), reader)
    faces = [analyser.analyse(tmp_path / f"{number}.png").faces for number in (0, 1, 3, 4)]
    main = [each[len(each) // 2] for each in faces]  # planted faces stand in a row of 340 pixels
    smiling, dark = result.conditions
    assert (smiling.name, dark.name) == ("smiling", "dark")
    for position, au in enumerate(reader.aus):
        fires = [face.au_probs[au] >= reader.card.thresholds[au] for face in main]
        assert smiling.counts.true_positive[position].sum() == fires[0] + fires[3]
        assert smiling.counts.false_positive[position].sum() == fires[1] + fires[2]
        means = (main[0].au_probs[au] + main[3].au_probs[au]) / 2, main[1].au_probs[au]
        assert smiling.mean_yes[position] == pytest.approx(means[0], abs=1e-4)
        assert dark.mean_yes[position] == pytest.approx(means[1], abs=1e-4)


@pytest.fixture
def tool(tmp_path: Path) -> Path:
    """What py-feat wrote about the six pictures: a face in all but the third."""
    lines = ["frame,FaceScore,AU12,AU25,input"]
    for number, (smile, lips) in enumerate(
        [(0.9, 0.1), (0.2, 0.3), ("", ""), (0.1, 0.4), (0.8, 0.2), (0.3, 0.3)]
    ):
        lines.append(f"0,0.9,{smile},{lips},/elsewhere/{number}.png")
    (tmp_path / "feat").mkdir()
    (tmp_path / "feat" / "fex.csv").write_text("\n".join(lines))
    return tmp_path / "feat" / "fex.csv"


def test_another_tool_is_judged_on_pictures_as_weights_are(
    planted_csv: Path, tool: Path, random_weights: Path, tmp_path: Path
) -> None:
    refused = evaluate(planted_csv, "--predictions", tool)
    assert refused.exit_code == 2
    assert "says nothing about 1 of 6 pictures" in refused.stderr
    assert "first 2.png" in refused.stderr
    out = tmp_path / "theirs.json"
    ran = evaluate(planted_csv, "--predictions", tool, "--missing", "absent", "-o", out)
    assert ran.exit_code == 0, ran.output
    assert "6 pictures: 6 judged." in ran.output
    theirs = read_result(out)
    assert theirs.auc_averaged()[0, 0] == 6 / 8  # the lost smile ranks last
    smiling = theirs.conditions[0]
    assert smiling.pictures == (3, 3)
    assert smiling.table().loc["AU25", "auc"] == 0
    ours = tmp_path / "ours.json"
    assert (
        evaluate(planted_csv, "--weights", random_weights, "--missing", "absent", "-o", ours).exit_code == 0
    )
    compared = CliRunner().invoke(app, ["compare", str(ours), str(out)], env={"COLUMNS": "120"})
    assert compared.exit_code == 0, compared.output
    assert "random-1 minus py-feat (fex.csv)" in compared.output
    assert "smiling" in compared.output
    assert "nan" not in compared.output
    left = tmp_path / "left.json"
    assert evaluate(planted_csv, "--weights", random_weights, "-o", left).exit_code == 0
    refused = CliRunner().invoke(app, ["compare", str(left), str(out)])
    assert refused.exit_code == 2
    assert "evaluate both on the same data, with --missing absent" in refused.stderr


def test_saved_predictions_of_pictures_give_the_same_result(
    planted_csv: Path, random_weights: Path, tmp_path: Path
) -> None:
    saved, files = tmp_path / "saved.csv", [tmp_path / "a.json", tmp_path / "b.json"]
    ran = evaluate(planted_csv, "--weights", random_weights, "--save-predictions", saved, "-o", files[0])
    assert ran.exit_code == 0, ran.output
    ran = evaluate(planted_csv, "--predictions", saved, "--missing", "leave-out", "-o", files[1])
    assert ran.exit_code == 0, ran.output
    one, other = map(read_result, files)
    np.testing.assert_array_equal(one.folds[0].counts.true_positive, other.folds[0].counts.true_positive)
    for mine, theirs in zip(one.conditions, other.conditions, strict=True):
        np.testing.assert_array_equal(mine.doubled_wins, theirs.doubled_wins)
        np.testing.assert_array_equal(mine.counts.true_positive, theirs.counts.true_positive)


def test_hidden_parts_are_counted_nowhere_and_told(
    planted_csv: Path, graded_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mouth is hidden in the dark faces, so AU12 counts where it was read, here and in saved tables."""
    whole = ActionUnitModel.read

    def read(model: ActionUnitModel, crops: np.ndarray) -> Readings:
        visible = np.ones((len(crops), 3), np.float32)
        visible[:, 2] = crops.mean(axis=(1, 2, 3)) > 125
        return whole(model, crops)._replace(visible=visible)

    monkeypatch.setattr(ActionUnitModel, "read", read)
    analyser = Analyser(PlantedFinder(), ActionUnitModel.open(graded_weights))
    faces = {number: analyser.analyse(tmp_path / f"{number}.png").faces for number in (0, 1, 3, 4)}
    seen = {number: not each[len(each) // 2].hidden for number, each in faces.items()}
    assert 0 < sum(seen.values()) < 4, "some are hidden, some are not"

    saved, files = tmp_path / "saved.csv", [tmp_path / "a.json", tmp_path / "b.json"]
    ran = evaluate(planted_csv, "--weights", graded_weights, "--save-predictions", saved, "-o", files[0])
    assert ran.exit_code == 0, ran.output
    said = f"graded-1 leaves Action Units of {4 - sum(seen.values())} of 6 pictures"
    assert said in " ".join(ran.output.split())
    result = read_result(files[0])
    assert any(f"AU12 {4 - sum(seen.values())}" in remark for remark in result.remarks)
    assert result.folds[0].counts.coded.sum() == sum(seen.values())
    smiling = result.conditions[0]
    coded = dict(zip(smiling.counts.aus, smiling.counts.coded.sum(axis=1).tolist(), strict=True))
    assert (coded[12], coded[1]) == (sum(seen.values()), 4)
    assert smiling.pictures == (2, 2)
    shown = [each[len(each) // 2].au_probs[12] for number, each in faces.items() if number in (0, 4)]
    mean = smiling.mean_yes[smiling.counts.aus.index(12)]
    np.testing.assert_allclose(mean, np.nanmean(shown) if np.isfinite(shown).any() else np.nan, atol=1e-5)

    table = pd.read_csv(saved)
    assert table.loc[[0, 1, 3, 4], "AU12"].notna().tolist() == list(seen.values())
    ran = evaluate(planted_csv, "--predictions", saved, "--missing", "leave-out", "-o", files[1])
    assert ran.exit_code == 0, ran.output
    again = read_result(files[1])
    np.testing.assert_array_equal(again.folds[0].counts.coded, result.folds[0].counts.coded)
    for mine, theirs in zip(result.conditions, again.conditions, strict=True):
        np.testing.assert_array_equal(mine.doubled_wins, theirs.doubled_wins)
    with CsvWriter(tmp_path / "aus.csv", SYNFACS_AUS, graded=True) as writer:
        for each in analyser.analyse_all([tmp_path / f"{number}.png" for number in (0, 1, 2, 4, 5)]):
            writer.write(each)
    arguments = (planted_csv, "--predictions", tmp_path / "aus.csv", "--missing", "leave-out", "-o", files[1])
    ran = evaluate(*arguments)
    assert ran.exit_code == 0, ran.output
    assert read_result(files[1]).folds[0].counts.coded.sum() == sum(seen[number] for number in (0, 1, 4))
    absent = tmp_path / "absent.json"
    arguments = (planted_csv, "--weights", graded_weights, "--missing", "absent", "-o", absent)
    assert evaluate(*arguments).exit_code == 0
    assert read_result(absent).folds[0].counts.coded.sum() == 6


def test_thresholds_are_chosen_on_other_people_of_the_list(
    planted_csv: Path, tool: Path, tmp_path: Path
) -> None:
    tool.write_text(tool.read_text().replace("0.9,,", "0.9,0.25,0.3"))
    out = tmp_path / "r.json"
    ran = evaluate(planted_csv, "--predictions", tool, "--choose-thresholds", "-o", out)
    assert ran.exit_code == 0, ran.output
    result = read_result(out)
    assert len(result.folds) == 3
    for fold in result.folds:
        assert set(fold.fold.test).isdisjoint(fold.fold.validation)
        assert {*fold.fold.test, *fold.fold.validation} == {"mine/Ann", "mine/Bob", "mine/Cid"}
    by_name = {fold.fold.test[0]: fold.thresholds[0] for fold in result.folds}
    assert by_name["mine/Cid"] == pytest.approx(0.25)  # Ann .9 .2, Bob .25 .1: all three present from .25 on


def test_a_list_of_a_data_set_is_judged_by_its_protocol(tmp_path: Path) -> None:
    names = DISFA_SUBJECTS
    lines, said = (
        ["image,subject,sequence,frame,AU1,AU2,AU4,AU6,AU12"],
        ["subject,frame,AU1_prob,AU2_prob,AU4_prob,AU6_prob,AU12_prob"],
    )
    for name in names:
        for frame in (1, 2):
            (tmp_path / f"{name}-{frame}.png").write_bytes(b"not opened")
            label = frame - 1
            lines.append(f"{name}-{frame}.png,{name},{name},{frame},{label},{label},{label},{label},{label}")
            said.append(f"{name},{frame}" + f",{0.2 + 0.5 * label}" * 5)
    (tmp_path / "list.csv").write_text("\n".join(lines))
    (tmp_path / "p.csv").write_text("\n".join(said))
    out = tmp_path / "r.json"
    ran = evaluate(
        tmp_path / "list.csv", "--protocol", "bp4d-to-disfa", "--predictions", tmp_path / "p.csv", "-o", out
    )
    assert ran.exit_code == 0, ran.output
    result = read_result(out)
    assert set(result.folds[0].fold.test) == {f"disfa/{name}" for name in names}
    assert result.f1_averaged()[0].tolist() == [1] * 5


def test_rendered_smiles_are_found_by_the_bundled_weights(tmp_path: Path) -> None:
    """Frames of the sample corpus, with the built-in finder; AU12 of the labels serves as a condition."""
    lines = ["image,subject,smiling"]
    for file in sorted((sample_corpus() / "subjects").glob("*.parquet"))[:4]:
        table = pd.read_parquet(file, columns=["image", "AU12", "yaw"])
        table = table[table["yaw"].abs() < 20]
        for answer in (1, 0):
            for row in table[table["AU12"] == answer].head(1).itertuples():
                name = f"{file.stem}-{row.Index}.png"
                frame = Image.open(io.BytesIO(row.image))
                Image.fromarray(np.pad(np.asarray(frame), ((40, 40), (40, 40), (0, 0)), "edge")).save(
                    tmp_path / name
                )
                lines.append(f"{name},{file.stem},{answer}")
    (tmp_path / "rendered.csv").write_text("\n".join(lines))
    ran = evaluate(tmp_path / "rendered.csv", "--out", tmp_path / "result.json")
    assert ran.exit_code == 0, ran.output
    result = read_result(tmp_path / "result.json")
    assert result.faces >= 0.7 * (len(lines) - 1)
    (smiling,) = result.conditions
    assert smiling.table().loc["AU12", "auc"] > 0.7


def test_a_store_is_judged_as_detect_reads(store: Path, tmp_path: Path, random_weights: Path) -> None:
    ran = evaluate(store, "--weights", random_weights, "--out", tmp_path / "result.json")
    assert ran.exit_code == 0, ran.output
    assert "21 pictures: 20 judged, 1 no face found." in ran.output
    result = read_result(tmp_path / "result.json")
    reader, faces = ActionUnitModel.open(random_weights), FaceStore.open(store)
    present = reader.read(faces.faces).probs[:, reader.aus.index(12)] >= reader.card.thresholds[12]
    expected = np.sum(present & (faces.labels([12])[:, 0] == 1))
    assert result.aus == (12,)
    assert result.folds[0].counts.true_positive.sum() == expected
    assert result.folds[0].thresholds.tolist() == [reader.card.thresholds[12]]
    assert result.stores == {"toy": faces.digest}
    assert result.faces == 20


def test_labels_that_the_weights_do_not_predict_are_named(
    planted_csv: Path, random_weights: Path, tmp_path: Path
) -> None:
    model, card = load_weights(random_weights)
    fields = card.model_dump(include=set(WeightsCard.model_fields))
    others = tuple(27 if au == 12 else au for au in card.aus if au != 27)
    fields |= {"aus": others, "thresholds": dict.fromkeys(others, 0.5), "evidence": {}}
    with torch.no_grad():
        model.fc7.weight, model.fc7.bias = (
            torch.nn.Parameter(part[: len(others)]) for part in (model.fc7.weight, model.fc7.bias)
        )
    model.num_aus = len(others)
    save_weights(model, tmp_path / "fewer.safetensors", WeightsCard(**fields))
    ran = evaluate(planted_csv, "--weights", tmp_path / "fewer.safetensors")
    assert ran.exit_code == 0, ran.output
    assert "Labelled, but not predicted by random-1: AU12." in ran.output
    planted_csv.write_text("image,AU12\n0.png,1\n1.png,0\n")
    refused = evaluate(planted_csv, "--weights", tmp_path / "fewer.safetensors")
    assert refused.exit_code == 2
    assert (
        "no labels of any Action Unit that random-1 predicts (labelled: AU12; predicted: AU1"
        in refused.output
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("{tmp}/none.csv", "There is no {tmp}/none.csv; give the folder of a face store, or a CSV"),
        ("{tmp}", "{tmp}"),
        ("{tmp}/empty.csv", "needs the column image"),
        ("{tmp}/0.png", "is not UTF-8 text"),
        ("{tmp}/mine.csv --out {tmp}/none/result.json", "There is no folder {tmp}/none"),
        ("{tmp}/mine.csv --weights {tmp}/none.safetensors", "There is no {tmp}/none.safetensors"),
        ("{tmp}/faceless.csv", "random-1 says nothing about any face of {tmp}/faceless.csv: no face found."),
        ("{tmp}/0.png --predictions {tmp}/p.csv", "Give weights or predictions, not both."),
    ],
)
def test_a_mistake_is_one_sentence_with_code_2(
    planted_csv: Path, tmp_path: Path, random_weights: Path, arguments: str, sentence: str
) -> None:
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "faceless.csv").write_text("image,smiling\n2.png,yes\n")
    given = arguments.format(tmp=tmp_path).split()
    ran = evaluate(*given, *([] if "--weights" in given else ["--weights", random_weights]))
    assert ran.exit_code == 2, ran.output
    assert sentence.format(tmp=tmp_path) in ran.stderr
    assert ran.stderr.count("\n") == 1


def test_a_store_of_identities_alone_is_refused(store: Path, random_weights: Path) -> None:
    manifest = json.loads((store / "store.json").read_text()) | {"aus": []}
    (store / "store.json").write_text(json.dumps(manifest))
    ran = evaluate(store, "--weights", random_weights)
    assert ran.exit_code == 2
    assert "no labels of any Action Unit" in ran.stderr


def test_a_folder_without_weights_is_refused(store: Path) -> None:
    ran = evaluate(store, "--weights", store)
    assert ran.exit_code == 2
    assert "holds no weights" in ran.stderr
