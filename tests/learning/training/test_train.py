"""Whole trainings: what they write, that they learn, and that an interruption changes nothing."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_training import lighten_trunk, small_recipe

from idennet.errors import InputError, RecipeError
from idennet.learning.data.store import FaceStore
from idennet.learning.training import Run, bundled_recipes, load_recipe, open_run, train
from idennet.learning.training.batches import Batch
from idennet.learning.training.engine import Cost
from idennet.learning.training.folder import LAST
from idennet.learning.training.lesson import Prepared, StageLesson
from idennet.learning.training.progress import read_metrics
from idennet.learning.training.stages import to_tensor

TINY = {"kind": "separate", "identities": 2, "au_faces": 4}


def weights_of(run: Run) -> dict[str, torch.Tensor]:
    return run.load()[0].state_dict()


@pytest.fixture(scope="module")
def whole(au_store: FaceStore, identity_store: FaceStore, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """An uninterrupted run."""
    with pytest.MonkeyPatch.context() as patch:
        lighten_trunk(patch)
        patch.setattr("idennet.learning.training.run.RECORD_EVERY", 1)
        return train(
            small_recipe(),
            au_stores=[au_store],
            identity_stores=[identity_store],
            out=tmp_path_factory.mktemp("whole"),
            quiet=True,
        )


@pytest.mark.usefixtures("light_trunk")
def test_a_run_writes_its_story(whole: Run, au_store: FaceStore, identity_store: FaceStore) -> None:
    record = json.loads((whole.folder / "run.json").read_text())
    stores = [{name: store[name] for name in store.keys() - {"rows"}} for store in record["stores"]]
    assert stores == [
        {"source": "au", "digest": au_store.digest, "faces": 30, "subjects": 5, "use": "au"},
        {"source": "id", "digest": identity_store.digest, "faces": 24, "subjects": 6, "use": "identity"},
    ]
    assert record["recipe_digest"] == small_recipe().digest()
    assert load_recipe(whole.folder / "recipe.yaml") == small_recipe()
    assert [r["step"] for r in read_metrics(whole.folder) if "validation_mean_auc" in r] == [3, 6]
    losses = {stage: set() for stage in ("identity", "au")}
    for line in read_metrics(whole.folder):
        losses[line["stage"]] |= {name for name in line if name.endswith("_loss")}
    assert losses["identity"] == {"identity_loss"}
    assert losses["au"] == {"identity_loss", "au_loss", "consistency_loss"}
    assert whole.weights.name == "best-au.safetensors"
    model, card = whole.load()
    assert card.aus == (6, 12) == au_store.aus
    assert model.num_aus == 2
    assert open_run(whole.folder) == whole


@pytest.mark.usefixtures("light_trunk")
@pytest.mark.parametrize("killed_at", [(1, 1), (1, 3), (2, 3), (2, 5)])
def test_resumed_equals_uninterrupted_bit_for_bit(
    whole: Run,
    au_store: FaceStore,
    identity_store: FaceStore,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    killed_at: tuple[int, int],
) -> None:
    monkeypatch.setattr("idennet.learning.training.run.RECORD_EVERY", 1)

    def run() -> Run:
        stores = {"au_stores": [au_store], "identity_stores": [identity_store]}
        return train(small_recipe(), **stores, out=tmp_path, quiet=True)

    cost = StageLesson.cost
    stage_number = {"identity": 1, "au": 2}

    def dying(self: StageLesson, prepared: Prepared, step: int) -> Cost:
        if (stage_number[self._plan.name], step) == killed_at:
            raise KeyboardInterrupt
        return cost(self, prepared, step)

    with monkeypatch.context() as patch:
        patch.setattr(StageLesson, "cost", dying)
        with pytest.raises(KeyboardInterrupt):
            run()
    resumed = run()
    for name, tensor in weights_of(whole).items():
        assert torch.equal(tensor, weights_of(resumed)[name]), name
    assert (whole.folder / LAST).read_bytes() == (resumed.folder / LAST).read_bytes()
    whole_story, story = (
        [{k: v for k, v in record.items() if k != "faces_per_second"} for record in read_metrics(run.folder)]
        for run in (whole, resumed)
    )
    assert story == whole_story


@pytest.mark.usefixtures("light_trunk")
def test_both_losses_fall(au_store: FaceStore, identity_store: FaceStore, tmp_path: Path) -> None:
    recipe = small_recipe(
        identity_stage=None,
        augmentation={},
        au_stage={
            "steps": 60,
            "validate_every": 60,
            "batches": {"kind": "separate", "identities": 3, "au_faces": 16, "reduction": "mean"},
            "optimiser": {"learning_rate": 3e-3},
        },
    )
    run = train(
        recipe, au_stores=[au_store], identity_stores=[identity_store], out=tmp_path / "run", quiet=True
    )
    au = [record["au_loss"] for record in read_metrics(run.folder) if "au_loss" in record]
    identity = [record["identity_loss"] for record in read_metrics(run.folder) if "identity_loss" in record]
    assert au[0] == pytest.approx(np.log(2), abs=0.05)
    assert au[-1] < 0.35
    assert identity[0] > 0.1
    assert identity[-1] < 0.5 * identity[0]
    assert run.best["mean_auc"] > 0.9


@pytest.mark.usefixtures("light_trunk")
@pytest.mark.parametrize("name", bundled_recipes())
def test_every_bundled_recipe_trains_with_its_own_losses_and_never_stands_still(
    name: str, au_store: FaceStore, identity_store: FaceStore, tmp_path: Path
) -> None:
    length = ["steps=4", "epochs=null", "validate_every=2"]
    stages = [stage for stage in ("identity", "au") if getattr(load_recipe(name), f"{stage}_stage")]
    short = ["validation.subject_fraction=0.4"]
    short += [f"{stage}_stage.{field}" for stage in stages for field in length]
    short += ["au_stage.batches.consistency_from=0"] if name == "transfer" else []
    alone = ["au_stage.batches.photographs=0", "au_stage.batches.kept=[]"]
    short += alone if name == "taught" else []
    run = train(
        load_recipe(name, short),
        au_stores=[au_store],
        identity_stores=[identity_store],
        out=tmp_path / name,
        quiet=True,
    )
    records = read_metrics(run.folder)
    for stage in stages:
        told = [record for record in records if record["stage"] == stage]
        assert [record["step"] for record in told if "validation_verification_auc" in record] == [2, 4]
        losses = [record["loss"] for record in told if "loss" in record]
        assert len(set(losses)) == 4
        assert np.isfinite(losses).all()
    names = {field for record in records if record["stage"] == "au" for field in record}
    more = {
        "transfer": {"consistency_loss"},
        "taught": {"taught_loss", "within_loss", "sides_loss", "parts_loss"},
    }
    told = {field for field in names if field.endswith("_loss")}
    assert told == {"au_loss", "identity_loss"} | more.get(name, set())


@pytest.mark.usefixtures("light_trunk")
def test_the_teacher_is_the_running_mean_on_unchanged_faces(
    au_store: FaceStore, identity_store: FaceStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    ask = StageLesson._ask_teacher

    def watched(self: StageLesson, plain: np.ndarray, batch: Batch) -> torch.Tensor:
        told = ask(self, plain, batch)
        network = self._average.module
        if asked:
            assert not torch.equal(network.fc7.weight, self._model.fc7.weight)
        with torch.no_grad():
            faces = to_tensor(plain, torch.device("cpu"))
            views = torch.stack([network(faces).au_probs, network(faces.flip(-1)).au_probs])
        torch.testing.assert_close(told, views.mean(0))
        np.testing.assert_array_equal(plain, self._training.read(batch.rows))
        asked.append(int(self._average.n_averaged) - 1)
        return told

    monkeypatch.setattr(StageLesson, "_ask_teacher", watched)
    train(small_recipe(), au_stores=[au_store], identity_stores=[identity_store], out=tmp_path, quiet=True)
    assert asked == [0, 2, 4]


@pytest.mark.usefixtures("light_trunk")
def test_lightcnn_learns_without_identities(au_store: FaceStore, tmp_path: Path) -> None:
    recipe = small_recipe(identity_stage=None, model={"kind": "lightcnn"})
    run = train(recipe, au_stores=[au_store], out=tmp_path / "run", quiet=True)
    assert type(run.load()[0]).__name__ == "LightCNN"
    assert not any("identity_loss" in record for record in read_metrics(run.folder))


@pytest.mark.usefixtures("light_trunk")
def test_identity_stage_alone_then_its_trunk_starts_another(
    au_store: FaceStore, identity_store: FaceStore, tmp_path: Path
) -> None:
    first = train(
        small_recipe(au_stage=None),
        au_stores=[],
        identity_stores=[identity_store],
        out=tmp_path / "a",
        quiet=True,
    )
    assert first.weights.name == "best-identity.safetensors"
    assert first.load()[0].num_aus == 22
    still = {"steps": 1, "validate_every": 1, "optimiser": {"learning_rate": 1e-12}}
    second = train(
        small_recipe(
            identity_stage=None,
            au_stage={**still, "batches": TINY},
        ),
        au_stores=[au_store],
        initial=first.weights,
        out=tmp_path / "b",
        quiet=True,
    )
    before, after = weights_of(first), weights_of(second)
    assert torch.allclose(before["fc5.weight"], after["fc5.weight"], atol=1e-9)
    assert torch.equal(before["trunk.conv4.weight"], after["trunk.conv4.weight"])


@pytest.mark.usefixtures("light_trunk")
@pytest.mark.parametrize("aus", [(6, 12), (12, 6)])
def test_only_weights_of_the_same_action_units_are_taken_whole(
    aus: tuple[int, ...], au_store: FaceStore, tmp_path: Path
) -> None:
    still = {"steps": 1, "validate_every": 1, "optimiser": {"learning_rate": 1e-12}, "batches": TINY}
    runs = [
        train(
            small_recipe(identity_stage=None, au_stage=still, seed=seed, model={"aus": units}),
            au_stores=[au_store],
            initial=tmp_path / "0" / "best-au.safetensors" if seed else None,
            out=tmp_path / str(seed),
            quiet=True,
        )
        for seed, units in enumerate([(6, 12), aus])
    ]
    first, second = (weights_of(run)["fc7.weight"] for run in runs)
    assert torch.allclose(first, second, atol=1e-9) == (aus == (6, 12))


@pytest.mark.usefixtures("light_trunk")
def test_early_stopping_ends_a_stage(au_store: FaceStore, tmp_path: Path) -> None:
    stage = {"steps": 50, "validate_every": 1, "patience": 2, "optimiser": {"learning_rate": 1e-12}}
    recipe = small_recipe(
        identity_stage=None,
        au_stage={**stage, "batches": TINY},
    )
    run = train(recipe, au_stores=[au_store], out=tmp_path / "run", quiet=True)
    assert max(record["step"] for record in read_metrics(run.folder)) == 3
    assert run.best["step"] == 1


@pytest.mark.usefixtures("light_trunk")
@pytest.mark.parametrize(("patience", "end"), [(1, "are kept; patience is ignored."), (None, "are kept.")])
def test_a_stage_without_a_judge_says_so(
    patience: int | None, end: str, au_store: FaceStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stage = {"steps": 3, "validate_every": 1, "patience": patience, "batches": TINY}
    recipe = small_recipe(identity_stage=None, au_stage=stage, validation={"subject_fraction": 0})
    run = train(recipe, au_stores=[au_store], out=tmp_path / "run")
    told = [line for line in capsys.readouterr().err.splitlines() if "judged" in line]
    assert told == [f"Stage au has no validation faces to be judged by: its newest weights {end}"]
    assert run.best["step"] == 3


@pytest.mark.usefixtures("light_trunk")
def test_another_recipe_in_the_same_folder_is_refused(au_store: FaceStore, tmp_path: Path) -> None:
    stage = {"steps": 1, "batches": TINY}
    recipe = small_recipe(identity_stage=None, au_stage=stage)
    train(recipe, au_stores=[au_store], out=tmp_path / "run", quiet=True)
    other = small_recipe(identity_stage=None, au_stage=stage, seed=1)
    with pytest.raises(RecipeError, match=r"another recipe_digest.*--fresh"):
        train(other, au_stores=[au_store], out=tmp_path / "run", quiet=True)
    fresh = train(other, au_stores=[au_store], out=tmp_path / "run", quiet=True, resume=False)
    assert json.loads((fresh.folder / "run.json").read_text())["seed"] == 1


def test_a_folder_with_other_files_is_left_alone(au_store: FaceStore, tmp_path: Path) -> None:
    (tmp_path / "diary.txt").write_text("mine")
    with pytest.raises(InputError, match="holds other files"):
        train(small_recipe(), au_stores=[au_store], out=tmp_path, resume=False, quiet=True)
    assert (tmp_path / "diary.txt").read_text() == "mine"


@pytest.mark.parametrize("name", ["cuda:99", "meta", "tpu9"])
def test_devices_that_are_not_here_are_refused(name: str, au_store: FaceStore, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"no device '{name}'"):
        train(small_recipe(), au_stores=[au_store], out=tmp_path / "run", device=name)


@pytest.mark.usefixtures("light_trunk")
def test_bfloat16_learns_as_float32_does(au_store: FaceStore, tmp_path: Path) -> None:
    losses = []
    for precision in ("float32", "bfloat16"):
        recipe = small_recipe(identity_stage=None, precision=precision)
        run = train(recipe, au_stores=[au_store], out=tmp_path / precision, device="cpu", quiet=True)
        losses.append([record["loss"] for record in read_metrics(run.folder) if "loss" in record])
    assert losses[0] != losses[1]
    assert losses[0] == pytest.approx(losses[1], rel=0.05)


def test_float16_without_cuda_is_refused(au_store: FaceStore, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="float16 needs a CUDA device"):
        train(
            small_recipe(precision="float16"),
            au_stores=[au_store],
            out=tmp_path / "run",
            device="cpu",
            quiet=True,
        )


@pytest.mark.usefixtures("light_trunk")
def test_a_diverging_loss_stops_with_advice(
    au_store: FaceStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "idennet.learning.training.paper_objective.masked_au_loss", lambda *_, **__: torch.tensor(np.nan)
    )
    with pytest.raises(RecipeError, match="lower the learning_rate"):
        train(small_recipe(identity_stage=None), au_stores=[au_store], out=tmp_path / "run", quiet=True)
