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
from idennet.errors import InputError
from idennet.inference.analyser import Analyser
from idennet.learning.data.readers.labelled_pictures import read_labelled_pictures
from idennet.learning.data.store import FaceStore
from idennet.learning.evaluation.evaluate_data import score_pictures
from idennet.models.action_units import ActionUnitModel
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

    result = json.loads((tmp_path / "result.json").read_text())
    assert result["data"] == {
        "name": "mine.csv",
        "sha256": hashlib.sha256(planted_csv.read_bytes()).hexdigest(),
    }
    assert result["weights"]["version"] == "random-1"
    assert result["weights"]["sha256"] == load_weights(random_weights)[1].sha256
    assert result["faces"] == 4
    assert result["pictures_left_out"] == {"no face found": 1, "unreadable": 1}
    assert [entry["picture"] for entry in result["left_out"]] == ["2.png", "5.png"]
    assert result["action_units"]["aus"] == [12]
    assert result["action_units"]["subjects"] == ["Ann", "Bob", "Cid"]

    reader = ActionUnitModel.open(random_weights)
    analyser = Analyser(PlantedFinder(), reader)
    faces = [analyser.analyse(tmp_path / f"{number}.png").faces for number in (0, 1, 3, 4)]
    main = [each[len(each) // 2] for each in faces]  # planted faces stand in a row of 340 pixels
    for position, au in enumerate(reader.aus):
        fires = [face.au_probs[au] >= reader.card.thresholds[au] for face in main]
        smiling = result["conditions"]["smiling"]
        assert sum(smiling["true_positive"][position]) == fires[0] + fires[3]
        assert sum(smiling["false_positive"][position]) == fires[1] + fires[2]
        means = (main[0].au_probs[au] + main[3].au_probs[au]) / 2, main[1].au_probs[au]
        assert smiling["mean_yes"][position] == pytest.approx(means[0], abs=1e-4)
        assert result["conditions"]["dark"]["mean_yes"][position] == pytest.approx(means[1], abs=1e-4)


def test_probabilities_of_another_tool_are_scored_alike(planted_csv: Path) -> None:
    pictures = read_labelled_pictures(planted_csv)
    probabilities = np.array([[0.9, 0.1], [0.2, 0.3], [np.nan, np.nan], [0.1, 0.4], [0.8, 0.2], [0.3, 0.3]])
    scores = score_pictures(pictures, probabilities, (12, 25), (0.5, 0.5))
    assert scores.action_units is not None
    assert scores.action_units.evaluation.counts.coded.sum() == 5
    assert scores.action_units.evaluation.auc[0] == 1
    assert scores.conditions[0].pictures == (2, 3)
    assert scores.conditions[0].table().loc["AU25", "auc"] == 0
    without = score_pictures(pictures, probabilities[:, 1:], (25,), (0.5,))
    assert (without.action_units, without.not_predicted) == (None, (12,))


def test_rendered_smiles_are_found_by_the_bundled_weights(tmp_path: Path) -> None:
    """Frames of the sample corpus, with the built-in detector; AU12 of the labels serves as a condition."""
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
    result = json.loads((tmp_path / "result.json").read_text())
    assert result["faces"] >= 0.7 * (len(lines) - 1)
    smiling = result["conditions"]["smiling"]
    assert smiling["auc"][smiling["aus"].index(12)] > 0.7


def test_a_store_is_judged_as_detect_reads(store: Path, tmp_path: Path, random_weights: Path) -> None:
    ran = evaluate(store, "--weights", random_weights, "--out", tmp_path / "result.json")
    assert ran.exit_code == 0, ran.output
    assert "21 pictures: 20 judged, 1 no face found." in ran.output
    result = json.loads((tmp_path / "result.json").read_text())
    reader, faces = ActionUnitModel.open(random_weights), FaceStore.open(store)
    present = reader.read(faces.faces).probs[:, reader.aus.index(12)] >= reader.card.thresholds[12]
    expected = np.sum(present & (faces.labels([12])[:, 0] == 1))
    assert result["protocol"]["aus"] == [12]
    assert np.sum(result["folds"][0]["true_positive"]) == expected
    assert result["folds"][0]["thresholds"] == [reader.card.thresholds[12]]
    assert result["stores"] == {"toy": faces.digest}


def test_labels_that_the_weights_do_not_predict_are_named(
    planted_csv: Path, random_weights: Path, tmp_path: Path
) -> None:
    model, card = load_weights(random_weights)
    fields = card.model_dump(include=set(WeightsCard.model_fields))
    others = tuple(27 if au == 12 else au for au in card.aus if au != 27)
    fields |= {"aus": others, "thresholds": dict.fromkeys(others, 0.5)}
    with torch.no_grad():
        model.fc7.weight, model.fc7.bias = (
            torch.nn.Parameter(part[: len(others)]) for part in (model.fc7.weight, model.fc7.bias)
        )
    model.num_aus = len(others)
    save_weights(model, tmp_path / "fewer.safetensors", WeightsCard(**fields))
    ran = evaluate(planted_csv, "--weights", tmp_path / "fewer.safetensors")
    assert ran.exit_code == 0, ran.output
    assert "Labelled, but not predicted by these weights: AU12" in ran.output
    planted_csv.write_text("image,AU12\n0.png,1\n1.png,0\n")
    refused = evaluate(planted_csv, "--weights", tmp_path / "fewer.safetensors")
    assert refused.exit_code == 2
    assert "has labels of AU12 only, but predicted are AU1" in refused.output


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("{tmp}/none.csv", "There is no {tmp}/none.csv; give the folder of a face store, or a CSV"),
        ("{tmp}", "{tmp}"),
        ("{tmp}/empty.csv", "needs the column image"),
        ("{tmp}/0.png", "is not UTF-8 text"),
        ("{tmp}/mine.csv --out {tmp}/none/result.json", "There is no folder {tmp}/none"),
        ("{tmp}/mine.csv --weights {tmp}/none.safetensors", "There is no {tmp}/none.safetensors"),
        ("{tmp}/faceless.csv", "None of the 1 pictures of {tmp}/faceless.csv shows a face"),
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


def test_what_cannot_be_scored_raises(planted_csv: Path) -> None:
    planted_csv.write_text("image,AU12\n0.png,1\n")
    pictures = read_labelled_pictures(planted_csv)
    with pytest.raises(InputError, match="labels of AU12 only, but predicted are AU6"):
        score_pictures(pictures, np.array([[0.5]]), (6,), (0.5,))
