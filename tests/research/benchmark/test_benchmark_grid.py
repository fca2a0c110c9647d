"""A real grid: its runs, what they share, failures that stay alone, and resumption."""

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from grid_systems import AUS, Bars, FailsOnce, write_corpus

from idennet.errors import InputError, ProtocolError, RecipeError
from idennet.facs import BP4D_AUS, NAMES
from idennet.learning.data.store import FaceStore
from idennet.learning.evaluation.catalogue import protocol_named
from idennet.learning.evaluation.protocols import Protocol
from idennet.learning.evaluation.result_files import read_result
from idennet.learning.evaluation.splits import Everybody, RandomParts
from idennet.research.benchmark.benchmark import Failure, GridState, run_benchmark
from idennet.research.benchmark.chosen_systems import chosen_systems
from idennet.research.benchmark.grid import (
    GridSettings,
    group_by_fit,
    plan_runs,
    protocols_across,
    protocols_within,
    with_seed,
)
from idennet.research.benchmark.report.benchmark_report import write_report
from idennet.research.benchmark.runs import FEATURES, RECORD, RUNS, read_runs, repeat
from idennet.research.benchmark.systems.contract import Budget
from idennet.research.benchmark.systems.idennet import IdenNetSystem
from idennet.research.benchmark.systems.roinet import ROINetSystem

WITHIN = Protocol(
    name="studio-halves",
    train="synfacs-studio",
    test="synfacs-studio",
    aus=(1, 12),
    split=RandomParts(parts=2),
    validation=0.34,
)
ACROSS = [
    Protocol(name=f"to-{aus[0]}", train="synfacs-studio", test="synfacs-spot", aus=aus, split=Everybody())
    for aus in ((4, 12), (6, 12))
]


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> list[FaceStore]:
    folder = tmp_path_factory.mktemp("stores")
    return [
        write_corpus(folder / name, f"synfacs-{name}", seed=k) for k, name in enumerate(("studio", "spot"))
    ]


@dataclass(frozen=True)
class Told:
    """What a grid said when it ran twice, the second time repaired."""

    results: Path
    first: list[Failure]
    second: list[Failure]
    states: list[GridState]
    later: list[GridState]
    warned: list[str]


@pytest.fixture(scope="module")
def told(stores: list[FaceStore], tmp_path_factory: pytest.TempPathFactory) -> Told:
    folder = tmp_path_factory.mktemp("grid")
    tiny = IdenNetSystem(budget=Budget(steps=2, batch=8, validations=1), identities=4)
    systems = [FailsOnce(repaired=folder / "repaired"), tiny]
    states: list[GridState] = []
    later: list[GridState] = []
    results = folder / "results"
    warned: list[str] = []
    both = {"workers": 2, "device": "cpu"}
    first = run_benchmark(systems, [WITHIN], stores, results, **both, tell=states.append, warn=warned.append)
    (folder / "repaired").touch()
    second = run_benchmark(systems, [WITHIN], stores, results, **both, tell=later.append)
    return Told(results, first, second, states, later, warned)


def test_a_failure_stays_alone_and_is_explained(told: Told) -> None:
    (failure,) = told.first
    assert failure.reason == "Subject 0 cannot be learnt from."
    assert [run.system.name for run in failure.runs] == ["fails-once"]
    assert (told.states[-1].done, told.states[-1].failed, told.states[-1].total) == (3, 1, 4)


def test_the_same_command_runs_only_what_is_missing(told: Told) -> None:
    assert told.second == []
    assert (told.later[0].done, told.later[-1].done) == (3, 4)
    assert told.later[0].remaining is not None
    assert [run.label for state in told.later for run in state.news] == [told.first[0].runs[0].label]
    marks = [path.read_text() for path in (told.results / "fits").glob("*/fits.txt")]
    assert marks == ["fitted\n", "fitted\n"]


def test_results_are_counts_of_both_folds(told: Told, stores: list[FaceStore]) -> None:
    runs = read_runs(told.results)
    assert len(runs) == 4
    assert all(run.folder.name == run.record.key for run in runs)
    assert all(run.record.aus == WITHIN.aus for run in runs)
    together, sentences = repeat(runs)
    assert sentences == []
    bars = next(one for one in together if one.name == "fails-once")
    np.testing.assert_array_equal(bars.f1_averaged(), [[1, 1]])  # it reads what was drawn
    table = bars.table
    assert list(table.index) == ["AU1", "AU12", "mean"]
    assert table["f1_low"].eq(1).all()
    assert table["f1_sd"].isna().all()
    assert sum(len(fold.fold.test) for fold in bars.seeds[0].folds) == 6
    assert bars.remarks == ("Learns nothing but a limit.",)


def test_idennet_leaves_curve_leak_and_features_of_one_fold(told: Told) -> None:
    runs = [run for run in read_runs(told.results) if run.record.system == "idennet"]
    assert [run.record.order for run in runs] == [0, 1]
    assert [(run.folder / FEATURES).is_file() for run in runs] == [True, False]
    for run in runs:
        assert "loss" in (run.folder / "curve.csv").read_text().partition("\n")[0]
        leak = run.record.leak
        assert leak is not None
        assert (leak.faces, leak.au, leak.chance) == (24, 12, 1 / 3)
        assert "seed" not in run.record.settings["budget"]
    with np.load(runs[0].folder / FEATURES) as features:
        assert features["before"].shape == features["after"].shape == (24, 256)
        assert len(set(features["subjects"])) == 3


def test_a_single_run_is_what_compare_reads(told: Told) -> None:
    path = next((told.results / RUNS).glob("*/result.json"))
    assert len(read_result(path).folds) == 1
    record = json.loads((path.parent / RECORD).read_text())
    assert record["key"] == path.parent.name


def test_seeds_lacking_folds_are_left_out_and_said(told: Told) -> None:
    runs = read_runs(told.results)
    together, sentences = repeat(
        [run for run in runs if (run.record.system, run.record.order) != ("idennet", 1)]
    )
    assert [one.name for one in together] == ["fails-once"]
    assert sentences == [
        "idennet lacks folds of studio-halves with seed 0 (it has 1 of 2): this seed is left out."
    ]


def test_corpora_crossed_are_learnt_once(stores: list[FaceStore]) -> None:
    runs = plan_runs([Bars()], ACROSS, stores, (), GridSettings(seeds=(0, 1), aus=AUS))
    assert [run.learns for run in runs] == [AUS] * 4
    assert [len(group) for group in group_by_fit(runs)] == [2, 2]
    assert len({run.digest for run in runs}) == 4


def test_one_set_of_action_units_is_learnt_wherever_it_is_tested(tmp_path: Path) -> None:
    """12 of a store that has 21, as FC7 has outputs in Table I; another set can be named."""
    more = tuple(au for au in NAMES if au not in (*BP4D_AUS, 43))[:9]
    names = {"synfacs-studio": (*BP4D_AUS, *more), "synfacs-spot": (1, 2, 4, 6, 12)}
    stores = [write_corpus(tmp_path / name, name, faces_each=2, aus=aus) for name, aus in names.items()]
    assert len(stores[0].aus) == 21
    protocols = [protocol_named("studio-random"), ACROSS[0]]

    def learnt(settings: GridSettings) -> set[tuple[int, ...]]:
        return {run.learns for run in plan_runs([Bars()], protocols, stores, (), settings)}

    assert learnt(GridSettings()) == {BP4D_AUS}
    assert learnt(GridSettings(aus=(*BP4D_AUS, more[0]))) == {(*BP4D_AUS, more[0])}
    with pytest.raises(ProtocolError, match=r"studio-random scores AU24; name it in --aus"):
        learnt(GridSettings(aus=BP4D_AUS[:-1]))
    with pytest.raises(ProtocolError, match="has no labels of AU43; name with --aus"):
        learnt(GridSettings(aus=(*BP4D_AUS, 43)))


def test_small_batches_are_told_once_and_recorded(told: Told) -> None:
    (sentence,) = told.warned
    assert sentence == (
        "idennet, folds studio-halves 1, studio-halves 2: A batch of stage au has pairs of 2 identities "
        "instead of 4: there are no more to learn from."
    )
    run = next(run for run in read_runs(told.results) if run.record.system == "idennet")
    assert sentence.endswith(run.result.remarks[-1])


def test_what_changes_a_result_changes_its_name(stores: list[FaceStore]) -> None:
    def names(
        system: Bars, identities: Sequence[FaceStore] = (), settings: GridSettings | None = None
    ) -> set[str]:
        planned = plan_runs([system], [WITHIN], stores, identities, settings or GridSettings())
        return {run.digest for run in planned}

    usual = names(Bars())
    assert len(usual) == 2
    assert names(Bars()) == usual
    others = [
        names(Bars(limit=44)),
        names(Bars(), identities=stores[1:]),
        names(Bars(), settings=GridSettings(seeds=(1,))),
        names(Bars(), settings=GridSettings(choose_thresholds=True)),
    ]
    assert all(usual.isdisjoint(other) for other in others)


def test_stores_choose_the_protocols(stores: list[FaceStore], tmp_path: Path) -> None:
    assert [protocol.name for protocol in protocols_within(stores)] == ["studio-random", "spot-random"]
    assert [protocol.name for protocol in protocols_across(stores)] == ["studio-to-spot"]
    with pytest.raises(ProtocolError, match="No protocol goes from one of synfacs-spot"):
        protocols_across(stores[1:])
    with pytest.raises(ProtocolError, match="give stores of one corpus each"):
        protocols_within([write_corpus(tmp_path / "toy", "toy", subjects=2, faces_each=2)])


def test_systems_are_chosen_by_name_and_changed() -> None:
    idennet, lightcnn = chosen_systems(("idennet", "lightcnn"), 7, ["idennet.margin=0.4"])
    assert isinstance(idennet, IdenNetSystem)
    assert (idennet.margin, idennet.budget.steps, lightcnn.budget.steps) == (0.4, 7, 7)
    assert with_seed(idennet, 3).budget.seed == 3
    with pytest.raises(InputError, match="did you mean idennet"):
        chosen_systems(("idenet",))
    roinet, stm = chosen_systems(("roinet", "stm"), 7, ["roinet.width=16"])
    assert isinstance(roinet, ROINetSystem)
    assert (roinet.width, "steps" in type(stm.budget).model_fields) == (16, False)
    with pytest.raises(InputError, match="is for none of the systems"):
        chosen_systems(("idennet",), overrides=["svtpt.seed=1"])
    with pytest.raises(
        RecipeError, match=r"idennet does not fit: there is no field margn; did you mean margin"
    ):
        chosen_systems(("idennet",), overrides=["idennet.margn=1"])


@pytest.mark.parametrize(
    "setting", ["r-t1.frames.budget.batch=8", "stm.budget.steps=9", "svtpt.budget.batch=8"]
)
def test_settings_without_an_effect_are_refused(setting: str) -> None:
    with pytest.raises(RecipeError, match=r"set budget, not frames\.budget|there is no field budget\."):
        chosen_systems((setting.partition(".")[0],), overrides=[setting])


def test_two_systems_of_one_name_are_refused(stores: list[FaceStore], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Two systems are called bars"):
        run_benchmark([Bars(), Bars(limit=1)], [WITHIN], stores, tmp_path)


def test_the_report_is_written_from_what_the_grid_left(told: Told, tmp_path: Path) -> None:
    page = write_report(told.results, tmp_path / "report")
    text = page.read_text()
    assert "F1-frame in percent, studio-halves: photographs, 6 subjects" in text
    assert "**Figure 2, IdenNet, studio-halves (photographs, 6 subjects).**" in text
    assert "(chance 33.3%)" in text
    with (page.parent / "tables" / "studio-halves-f1.csv").open() as file:
        assert [row["fails-once"] for row in csv.DictReader(file)] == ["100.0"] * 3
    for name in ("f1", "idennet-subtraction", "curves-1"):
        assert (page.parent / "figures" / f"studio-halves-{name}.png").is_file()
