"""`idennet benchmark` and `idennet report`: options, exit codes, and what is said."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from idennet.cli.grid_progress import duration
from idennet.cli.main import app
from idennet.learning.data.store_writer import FaceStoreWriter, Part
from idennet.learning.evaluation.catalogue import AUS
from idennet.research.benchmark import benchmark
from idennet.research.benchmark.benchmark import Failure, GridState


@pytest.fixture(scope="module")
def corpora(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("corpora")
    for corpus in ("synfacs-studio", "synfacs-spot"):
        frames = pd.DataFrame({"subject": [f"{corpus}/{k}" for k in range(6)], "sequence": "s", "frame": 0})
        frames["landmarks"] = [np.zeros(136, np.float32)] * 6
        for au in AUS[corpus]:
            frames[f"AU{au}"] = np.array([0, 1] * 3, np.int8)
        with FaceStoreWriter(folder / corpus, source=corpus) as writer:
            writer.write("0", Part(np.zeros((6, 128, 128, 3), np.uint8), frames))
            writer.finish(["0"])
    return {"studio": folder / "synfacs-studio", "spot": folder / "synfacs-spot"}


@dataclass
class Call:
    """What `run_benchmark` was called with, and what it is to answer."""

    given: tuple[Any, ...] = ()
    options: dict[str, Any] | None = None
    failures: tuple[Failure, ...] = ()


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch) -> Call:
    call = Call()

    def run(*given: Any, tell: Any, warn: Any, **options: Any) -> list[Failure]:
        call.given, call.options = given, options
        warn("A batch has pairs of 15 identities instead of 16.")
        tell(GridState(3, len(call.failures), 8, 4000.0, (), ("idennet, fold 1",)))
        return list(call.failures)

    monkeypatch.setattr(benchmark, "run_benchmark", run)
    return call


def invoke(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    return result.exit_code, result.output


def test_paper_systems_and_protocols_are_the_default(corpora: dict[str, Path], call: Call) -> None:
    code, said = invoke(
        *("benchmark", "within", "--corpus", corpora["studio"], "--corpus", corpora["spot"]),
        *("--out", "r", "--seeds", 2, "--steps", 9, "--systems", "idennet,svtpt"),
        *("--set", "idennet.margin=.4", "--choose-thresholds", "--identity", corpora["spot"]),
        *("--aus", "1,2,AU4"),
    )
    assert code == 0, said
    systems, protocols, stores, out = call.given
    assert [system.name for system in systems] == ["idennet", "svtpt"]
    assert (systems[0].margin, systems[0].budget.steps) == (0.4, 9)
    assert [protocol.name for protocol in protocols] == ["studio-random", "spot-random"]
    assert (len(stores), out) == (2, Path("r"))
    assert call.options is not None
    assert (call.options["settings"].seeds, call.options["settings"].choose_thresholds) == ((0, 1), True)
    assert call.options["settings"].aus == (1, 2, 4)
    assert [store.source for store in call.options["identities"]] == ["synfacs-spot"]
    assert "3 of 8, about 1 h 7 min left, start" in said
    assert f"{corpora['spot']}: photographs, 6 subjects" in said
    assert "A batch has pairs of 15 identities" in said
    assert "idennet report r" in said


def test_other_kinds_choose_other_systems_and_protocols(corpora: dict[str, Path], call: Call) -> None:
    both = ("--corpus", corpora["studio"], "--corpus", corpora["spot"], "--out", "r")
    assert invoke("benchmark", "ablation", *both)[0] == 0
    assert "idennet-without-norm" in [system.name for system in call.given[0]]
    assert invoke("benchmark", "cross", *both, "--systems", "lightcnn")[0] == 0
    assert [protocol.name for protocol in call.given[1]] == ["studio-to-spot"]
    assert invoke("benchmark", "within", *both, "--systems", "lightcnn", "--protocol", "studio-loso")[0] == 0
    assert [protocol.name for protocol in call.given[1]] == ["studio-loso"]


def test_failures_are_told_and_exit_with_1(corpora: dict[str, Path], call: Call) -> None:
    @dataclass(frozen=True)
    class Cell:
        label: str = "drml, fold 2"

    call.failures = (Failure((Cell(),), "out of memory", Path("logs/drml.txt")),)  # type: ignore[arg-type]
    code, said = invoke(
        *("benchmark", "within", "--corpus", corpora["studio"], "--out", "r", "--systems", "lightcnn")
    )
    assert code == 1
    assert "Failed: drml, fold 2: out of memory" in said
    assert "logs/drml.txt" in said


def test_mistakes_are_sentences(corpora: dict[str, Path], tmp_path: Path) -> None:
    studio = ("--corpus", corpora["studio"], "--out", tmp_path)
    code, said = invoke("benchmark", "within", *studio, "--systems", "idenet")
    assert code == 2
    assert "did you mean idennet" in said
    code, said = invoke("benchmark", "size-speed", *studio, "--seeds", 2)
    assert code == 2
    assert "takes one --corpus" in said
    for aus, problem in (("1,x", "names 'X', which is no Action Unit"), ("1,1", "twice"), ("3", "names '3'")):
        code, said = invoke("benchmark", "within", *studio, "--aus", aus)
        assert code == 2
        assert problem in said
    code, said = invoke("report", tmp_path, "--out", tmp_path / "report")
    assert code == 2
    assert "make some with: idennet benchmark" in said


def test_durations_are_for_people() -> None:
    said = {4.4: "4 s", 61: "1 min", 3599: "1 h 0 min", 12000: "3 h 20 min"}
    assert {seconds: duration(seconds) for seconds in said} == said
