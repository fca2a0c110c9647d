"""The code of docs/protocols.md runs as it stands, on small stores with the names that it uses."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from protocol_stores import write_store

from idennet.learning.data.store import FaceStore
from idennet.learning.evaluation.catalogue import protocol_named
from idennet.learning.evaluation.fold_results import FoldResult
from idennet.learning.evaluation.fold_scoring import score_fold
from idennet.learning.evaluation.protocols import Fold, Protocol
from idennet.learning.evaluation.result_files import write_result
from idennet.learning.evaluation.results import ProtocolResult
from idennet.learning.evaluation.scores import Predict
from idennet.research.synth.corpora import SPOT, STUDIO

PAGE = Path(__file__).parents[3] / "docs" / "protocols.md"


def oracle(num_aus: int, noise: float) -> Predict:
    rng = np.random.default_rng(0)

    def predict(faces: NDArray[np.uint8]) -> NDArray[np.float64]:
        labels = faces[:, 0, :num_aus, 0] / 100
        return np.clip(labels + noise * rng.normal(size=labels.shape), 0, 1)

    return predict


def score_by(predict: Predict, rule: Protocol, fold: Fold, store: FaceStore) -> FoldResult:
    tested = store.select(fold.test)
    return score_fold(predict(tested.faces), rule, fold, tested)


def write_other_results(studio: FaceStore, spot: FaceStore) -> None:
    """The two files that the page compares with."""
    within, across = protocol_named("studio-random"), protocol_named("studio-to-spot")
    noisy = oracle(12, 0.9)
    folds = tuple(score_by(noisy, within, fold, studio) for fold in within.folds(studio.subjects))
    write_result(ProtocolResult(within, "lightcnn", folds), Path("results/studio-random/lightcnn.json"))
    (fold,) = across.folds([*studio.subjects, *spot.subjects])
    moved = ProtocolResult(across, "my system", (score_by(oracle(5, 2.0), across, fold, spot),))
    write_result(moved, Path("results/studio-to-spot/my-system.json"))


def test_the_page_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    names = [f"{number:04d}" for number in range(1, 8)]
    studio = write_store(Path("stores/synfacs-studio"), "synfacs-studio", names, STUDIO.aus)
    spot = write_store(Path("stores/synfacs-spot"), "synfacs-spot", names, SPOT.aus, seed=1)
    write_other_results(studio, spot)
    trained: list[tuple[str, ...]] = []

    def train_on(store: FaceStore, train: tuple[str, ...], validation: tuple[str, ...]) -> object:
        assert store.select([*train, *validation]).aus == STUDIO.aus
        trained.append(train)
        return oracle(12, 0.1), 0.5

    main, variants = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    place: dict[str, object] = {"train_on": train_on}
    exec(main, place)
    assert len(trained) == len(set(trained)) == 3
    table = place["result"].table()  # type: ignore[attr-defined]
    assert isinstance(table, pd.DataFrame)
    assert table.loc["mean", "f1_averaged"] > 0.99
    assert 0 < float(capsys.readouterr().out.split()[-1]) < 1
    exec(variants, place)
    assert place["lenient"].at_least == {"disfa": 1.0}  # type: ignore[attr-defined]
