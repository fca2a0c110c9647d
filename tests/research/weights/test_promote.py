"""What ships follows from records: made again from them, it is what lies in the repository, byte for byte."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from idennet.cli.main import app
from idennet.errors import InputError, RecipeError, WeightsError
from idennet.faces.card import read_network
from idennet.facs import column
from idennet.models.weights import Evidence, WeightsSidecar, bundled_weights_path, load_bundled
from idennet.research.weights.evidence import Comparison, PhotographEvidence, read_evidence
from idennet.research.weights.promote import ASSETS, BUILT, NETWORKS, RECORDS, promote, promoted

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def bundled() -> WeightsSidecar:
    return load_bundled()[1]


@pytest.fixture
def build(tmp_path: Path, bundled: WeightsSidecar) -> Path:
    """The folder of the build that the bundled weights come from, as far as its records go."""
    folder = tmp_path / "build"
    (folder / "run").mkdir(parents=True)
    records = REPOSITORY / bundled.provenance["records"]
    for record, source in RECORDS.items():
        shutil.copy(records / record, folder / source)
    shutil.copy(bundled_weights_path(), folder)
    shutil.copy(REPOSITORY / "docs" / "images" / "reliability.png", folder)
    return folder


@pytest.fixture
def checkout(tmp_path: Path, bundled: WeightsSidecar) -> Path:
    """A repository before any promotion, with the results on photographs."""
    root = tmp_path / "checkout"
    for folder in (ASSETS, Path("docs", "images")):
        (root / folder).mkdir(parents=True)
    for result in bundled.provenance["photographs"]:
        (root / result).parent.mkdir(parents=True)
        for file in (REPOSITORY / result).parent.glob("*.*"):
            shutil.copy(file, (root / result).parent)
    return root


def results(checkout: Path, bundled: WeightsSidecar) -> list[Path]:
    return [checkout / result for result in bundled.provenance["photographs"]]


def test_records_and_tensors_give_everything_that_ships(
    build: Path, checkout: Path, bundled: WeightsSidecar
) -> None:
    before = {file for file in checkout.rglob("*") if file.is_file()}
    weights = promote(build, bundled.version, results(checkout, bundled), checkout)
    assert weights == checkout / ASSETS / "idennet.safetensors"
    written = {file for file in checkout.rglob("*") if file.is_file()} - before
    assert {file.relative_to(checkout).as_posix() for file in written} == {
        "src/idennet/assets/idennet.safetensors",
        "src/idennet/assets/idennet.json",
        "docs/model-card.md",
        "docs/images/reliability.png",
        *(f"results/weights-{bundled.version}/{record}" for record in RECORDS),
    }
    for file in written:
        assert file.read_bytes() == (REPOSITORY / file.relative_to(checkout)).read_bytes(), file


def test_the_bundled_marks_follow_from_scores_and_photographs(bundled: WeightsSidecar) -> None:
    assert bundled.unreliable_aus == (2, 4, 7, 15, 17, 20)
    assert set(bundled.provenance["unreliable"]) == set(map(column, bundled.unreliable_aus))
    assert bundled.provenance["unreliable"]["AU4"].startswith("AUC 0.700 for brow lowered in 312 photographs")
    tested = {au for au, grade in bundled.evidence.items() if grade == Evidence.TESTED}
    assert tested == {1, 2, 4, 5, 6, 12, 15, 25, 26, 27, 43}
    taught = {au for au, grade in bundled.evidence.items() if grade == Evidence.TAUGHT}
    assert taught == {7, 10, 17, 18, 20, 22}


@pytest.mark.parametrize(
    ("alarms", "comparison", "fault"),
    [
        (2, Comparison(12, "smiling", 10, 10, 5, 0.75), None),
        (3, Comparison(12, "smiling", 10, 10, 5, 0.75), "present in 3 of 20 neutral faces"),
        (2, Comparison(12, "smiling", 10, 12, 5, 0.74), "AUC 0.740 for smiling in 22 faces"),
        (2, Comparison(12, "", 10, 12, 5, 0.74), "AUC 0.740 in 22 faces"),
        (2, Comparison(12, "smiling", 9, 300, 0, 0.1), None),
        (2, Comparison(6, "smiling", 10, 12, 0, 0.1), None),
        (2, Comparison(12, "smiling", 20, 10, 2, 0.9), None),
        (
            *(2, Comparison(12, "smiling", 20, 10, 1, 0.9)),
            "called present in 1 of 20 faces that show smiling",
        ),
    ],
)
def test_the_rule(alarms: int, comparison: Comparison, fault: str | None) -> None:
    evidence = PhotographEvidence("faces", (comparison,), 20, {12: alarms})
    assert evidence.faults(12) == ([fault] if fault else [])


def test_few_neutral_faces_say_nothing() -> None:
    assert PhotographEvidence("faces", (), 9, {12: 9}).faults(12) == []


def test_without_photographs_the_marks_are_those_of_the_build(build: Path) -> None:
    built = WeightsSidecar.model_validate_json((build / "idennet.json").read_bytes())
    card = promoted(built, "new-1", {})
    assert card.unreliable_aus == built.unreliable_aus == (5, 7, 15, 17, 20)
    assert set(card.evidence.values()) == {Evidence.TAUGHT, Evidence.RENDERINGS}
    assert (card.version, card.provenance["name_of_the_build"]) == ("new-1", built.version)


def test_a_test_on_photographs_counts_more_than_being_taught_by_them(build: Path) -> None:
    built = WeightsSidecar.model_validate_json((build / "idennet.json").read_bytes())
    taught = built.model_copy(update={"provenance": built.provenance | {"taught": ["AU12", "AU25"]}})
    photographs = PhotographEvidence("faces", (Comparison(12, "", 10, 10, 5, 0.9),), 0, {})
    card = promoted(taught, "new-1", {"result.json": photographs})
    assert card.evidence[12] == Evidence.TESTED
    assert card.evidence[25] == Evidence.TAUGHT
    assert {card.evidence[au] for au in card.aus if au not in (12, 25)} == {Evidence.RENDERINGS}


def test_where_photographs_test_an_action_unit_they_alone_mark_it(build: Path) -> None:
    built = WeightsSidecar.model_validate_json((build / "idennet.json").read_bytes())
    read_well, read_badly = (Comparison(au, "", 10, 10, 5, auc) for au, auc in ((5, 0.9), (12, 0.7)))
    card = promoted(built, "new-1", {"r.json": PhotographEvidence("faces", (read_well, read_badly), 0, {})})
    assert 5 in built.unreliable_aus
    assert card.unreliable_aus == (7, 12, 15, 17, 20)
    assert card.provenance["unreliable"]["AU12"] == "AUC 0.700 in 20 faces"
    assert "on rendered faces" in card.provenance["unreliable"]["AU15"]


def test_evidence_about_other_weights_or_another_list_is_refused(
    checkout: Path, bundled: WeightsSidecar, tmp_path: Path
) -> None:
    portraits = checkout / "results" / "portraits"
    result = portraits / f"{bundled.version}.json"
    other = portraits / "other.json"
    other.write_text(result.read_text().replace(bundled.sha256, "0" * 64))
    with pytest.raises(InputError, match="judges other weights than synfacs"):
        read_evidence(other, bundled)
    with (portraits / "portraits.csv").open("a") as stream:
        stream.write("\n")
    with pytest.raises(InputError, match="judges another list"):
        read_evidence(result, bundled)
    shutil.copy(REPOSITORY / "results" / "portraits" / "portraits.csv", portraits)
    (portraits / "evidence.yaml").write_text("list: portraits.csv\nphotographs: x\nneutral: calm\n")
    with pytest.raises(InputError, match="has no condition calm"):
        read_evidence(result, bundled)
    shutil.copy(result, tmp_path)
    with pytest.raises(RecipeError, match=r"no recipe .*evidence\.yaml"):
        read_evidence(tmp_path / result.name, bundled)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"weights": 1}', '{"weights": {"sha256": ""}}'])
def test_what_is_no_result_is_refused(text: str, tmp_path: Path, bundled: WeightsSidecar) -> None:
    (tmp_path / "r.json").write_text(text)
    with pytest.raises(InputError, match="is no result"):
        read_evidence(tmp_path / "r.json", bundled)


def test_nothing_is_written_when_the_request_is_wrong(
    build: Path, checkout: Path, bundled: WeightsSidecar, tmp_path: Path
) -> None:
    given = results(checkout, bundled)
    before = {file: file.stat().st_mtime_ns for file in checkout.rglob("*")}
    with pytest.raises(InputError, match="no name of weights"):
        promote(build, "../x", given, checkout)
    with pytest.raises(InputError, match="no checkout"):
        promote(build, "x", given, build)
    with pytest.raises(InputError, match="lies outside"):
        promote(build, "x", [REPOSITORY / bundled.provenance["photographs"][0]], checkout)
    (build / "run" / "metrics.jsonl").unlink()
    with pytest.raises(InputError, match=r"no .*metrics\.jsonl; finish the build"):
        promote(build, "x", given, checkout)
    assert {file: file.stat().st_mtime_ns for file in checkout.rglob("*")} == before


def test_a_name_is_given_once(build: Path, checkout: Path, bundled: WeightsSidecar) -> None:
    given = results(checkout, bundled)
    promote(build, "x", given, checkout)
    promote(build, "x", given, checkout)
    record = checkout / "results" / "weights-x" / "build.json"
    record.write_text(json.dumps(json.loads(record.read_text()) | {"sha256": "0" * 64}))
    with pytest.raises(InputError, match="records other weights"):
        promote(build, "x", given, checkout)


@pytest.fixture(params=sorted(NETWORKS))
def training(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The weights of a training whose network ships, in its folder, as far as its records go."""
    folder = tmp_path / "training"
    folder.mkdir()
    shipped = REPOSITORY / ASSETS / request.param
    shutil.copy(shipped, folder)
    records = REPOSITORY / read_network(shipped)[1].records
    shutil.copy(records / BUILT, folder / shipped.with_suffix(".json").name)
    return folder / shipped.name


def test_records_and_tensors_give_the_network_that_ships(training: Path, checkout: Path) -> None:
    shipped = REPOSITORY / ASSETS / training.name
    card = read_network(shipped)[1]
    (training.parent / "recipe.yaml").write_text("name: x\n")
    written = promote(training.parent, card.version, [], checkout)
    assert written == checkout / ASSETS / training.name
    assert (checkout / card.records / "recipe.yaml").read_text() == "name: x\n"
    for file in (written, written.with_suffix(".json"), checkout / card.records / BUILT):
        assert file.read_bytes() == (REPOSITORY / file.relative_to(checkout)).read_bytes(), file


def test_a_network_is_promoted_only_whole_and_without_evidence(training: Path, checkout: Path) -> None:
    with pytest.raises(InputError, match="evidence is about Action Units only"):
        promote(training.parent, "x", [checkout / "results" / "portraits" / "synfacs-0.3.0.json"], checkout)
    training.write_bytes(training.read_bytes()[:-1])
    with pytest.raises(WeightsError, match="differs from the sha256"):
        promote(training.parent, "x", [], checkout)
    assert not (checkout / ASSETS / training.name).exists()
    assert not (checkout / "results" / "weights-x").exists()


def test_brackets_in_paths_are_no_markup(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("idennet.research.weights.promote.promote", lambda *_: Path("a[red]b"))
    ran = CliRunner().invoke(app, ["weights", "promote", "build", "--name", "synfacs-1"])
    assert ran.stdout == "synfacs-1 ships as a[red]b.\n"
