"""What somebody without a licence can do: fake trees of BP4D and DISFA, stores, the paper's table."""

import re
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from idennet.cli.main import app
from idennet.learning.data.prepare import prepare
from idennet.learning.data.readers.synfacs import SynFacs
from idennet.learning.evaluation.result_files import read_result
from idennet.research.synth.corpora import SPOT, STUDIO, CorpusConfig
from idennet.research.synth.generate import generate_corpus
from small_face import FACE_MODEL


def run(*arguments: object) -> str:
    ran = CliRunner().invoke(app, list(map(str, arguments)), env={"COLUMNS": "140"})
    assert ran.exit_code == 0, ran.output
    return ran.output


@pytest.mark.slow
def test_fake_trees_give_the_cross_dataset_table(tmp_path: Path) -> None:
    for kind, frames in (("bp4d", 4), ("disfa", 12)):
        tree, store = tmp_path / "fake" / kind, tmp_path / "stores" / kind
        some = ("--subjects", 2, "--frames", frames, "--seed", 4)  # people who smile
        run("synth", "fake-tree", kind, tree, *some, "--face-model", FACE_MODEL)
        assert "faces of 2 subjects" in run("prepare", kind, tree, "--out", store)
    out = tmp_path / "result.json"
    stores = (tmp_path / "stores" / "bp4d", tmp_path / "stores" / "disfa")
    table = run("evaluate", *stores, "--protocol", "bp4d-to-disfa", "--partial", "--out", out)
    assert "bp4d-to-disfa  synfacs-" in table
    assert "1 fold, " in table
    result = read_result(out)
    assert result.aus == (1, 2, 4, 6, 12)
    (fold,) = result.folds
    assert fold.fold.test == ("disfa/SN001", "disfa/SN010")
    assert fold.counts.coded.sum() == 5 * (2 * 12 - 1)  # SN010 lacks one label
    smiles = result.table().loc[["AU6", "AU12"], ["f1_averaged", "auc", "f1_all_positive_averaged"]]
    assert smiles.notna().all(axis=None)
    assert re.search(r"AU1\b.*: no test frame shows", table)
    chosen = tmp_path / "chosen.json"
    run("evaluate", *stores, "--protocol", "bp4d-to-disfa", "--partial", "--choose-thresholds", "-o", chosen)
    assert {name.partition("/")[0] for name in read_result(chosen).folds[0].fold.validation} == {"bp4d"}
    np.testing.assert_array_equal(read_result(chosen).auc_averaged(), result.auc_averaged())
    assert "minus synfacs-" in run("compare", out, chosen)


def _store(config: CorpusConfig, folder: Path) -> Path:
    small = config.model_copy(update={"subjects": 3, "frames_per_subject": 4})
    prepare(SynFacs(generate_corpus(small, folder / "corpus", FACE_MODEL, 1)), folder / "store")
    return folder / "store"


@pytest.mark.slow
def test_studio_to_spot(tmp_path: Path) -> None:
    stores = [_store(config, tmp_path / config.name) for config in (STUDIO, SPOT)]
    given = ("evaluate", *stores, "--protocol", "studio-to-spot", "--choose-thresholds")
    table = run(*given, "--out", tmp_path / "r.json")
    assert "12 pictures: 12 judged." in table
    result = read_result(tmp_path / "r.json")
    assert result.aus == (1, 2, 4, 6, 12)
    assert set(result.stores) == {"synfacs-studio", "synfacs-spot"}
    assert result.folds[0].counts.coded.sum() <= 5 * 12
