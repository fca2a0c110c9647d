"""Recipes: what is printed, what is published, and what a wrong field says."""

from pathlib import Path

import pytest

from idennet.errors import RecipeError
from idennet.learning.training import bundled_recipes, load_recipe
from idennet.learning.training.augment import Augmentation
from idennet.learning.training.optimiser import Optimiser
from idennet.learning.training.paper_objective import SeparateSettings
from idennet.learning.training.recipe import Stage
from idennet.learning.training.released_objective import MixedSettings


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("au_stage.stepz=5", r": there is no field au_stage.stepz; did you mean steps\?$"),
        ("aus=[12]", r": there is no field aus; fields there are name, seed, precision, .*, au_stage\.$"),
        ("au_stage.batches.memry=5", r": there is no field au_stage.batches.memry; did you mean memory\?$"),
        ("au_stage.batches.x=5", r"no field au_stage.batches.x; fields there are kind, .*\.$"),
        ("au_stage.epochs=3", "give either steps or epochs"),
        ("model.aus=[12, 12]", "list known action units once each"),
        ("model.kind=lightcnn", "remove identity_stage"),
        ("seed=-1", "greater than or equal to 0"),
        ("seed", "has no value"),
        ("seed.more=1", "which holds a value"),
        ("model.aus=[12", "not valid YAML"),
    ],
)
def test_a_wrong_field_gives_one_sentence(override: str, sentence: str) -> None:
    with pytest.raises(RecipeError, match=sentence) as caught:
        load_recipe("demo", [override])
    assert "\n" not in str(caught.value)


def test_an_unknown_recipe_names_the_bundled_ones() -> None:
    with pytest.raises(RecipeError, match="bundled are demo, paper, released_code, taught, transfer"):
        load_recipe("papre")


def test_an_override_of_one_stage_leaves_the_other_alone() -> None:
    recipe = load_recipe("transfer", ["au_stage.batches.memory=7"])  # both stages share a YAML alias
    assert recipe.au_stage is not None
    assert recipe.identity_stage is not None
    memories = [stage.batches.memory for stage in (recipe.au_stage, recipe.identity_stage)]  # type: ignore[union-attr]
    assert memories == [7, 0]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(b"\xff\xfe", "not valid YAML"), (b"a: [", "not valid YAML"), (b"- 1", "no mapping")],
)
def test_a_file_that_is_no_recipe_is_named(tmp_path: Path, content: bytes, sentence: str) -> None:
    (tmp_path / "mine.yaml").write_bytes(content)
    with pytest.raises(RecipeError, match=sentence):
        load_recipe(tmp_path / "mine.yaml")


def test_the_paper_is_as_printed() -> None:
    stage = load_recipe("paper").au_stage
    assert stage is not None
    batches = stage.batches
    assert isinstance(batches, SeparateSettings)
    assert (batches.identities, batches.num_negatives, batches.hard_fraction, batches.margin) == (
        16,
        4,
        0.5,
        0.5,
    )
    assert (batches.alpha_au, batches.alpha_identity, batches.reduction) == (0.5, 1.0, "sum")
    assert (stage.optimiser.learning_rate, stage.optimiser.weight_decay) == (1e-4, 0)


def test_the_released_code_is_as_published() -> None:
    recipe = load_recipe("released_code")
    stage = recipe.au_stage
    assert stage is not None
    batches = stage.batches
    assert isinstance(batches, MixedSettings)
    assert (batches.faces, batches.num_negatives, batches.hard_fraction, batches.margin) == (64, 4, 0.5, 0.5)
    optimiser = stage.optimiser
    assert (optimiser.weight_decay, optimiser.clip_norm, optimiser.average) == (5e-4, None, 0)
    rates = [optimiser.rate(step, 10**6) for step in (0, 9_999, 10_000, 19_999, 20_000)]
    assert rates == pytest.approx([1e-4, 1e-4, 1e-5, 1e-5, 1e-6])
    assert (recipe.seed, recipe.identity_stage, recipe.precision) == (0xCAFFE, None, "float32")
    assert recipe.seed == 831486
    assert recipe.augmentation == Augmentation()


def test_only_our_own_recipes_fit_the_first_weights() -> None:
    fitted = {name: load_recipe(name).model.fit_to_faces for name in bundled_recipes()}
    ours = {"demo": True, "transfer": True}  # `taught` goes on from weights
    assert fitted == {"paper": False, "released_code": False, "taught": False, **ours}


def test_consistency_needs_a_teacher_and_steps_to_count_in() -> None:
    with pytest.raises(ValueError, match=r"alpha_consistency needs optimiser\.average"):
        Stage(steps=1, batches=SeparateSettings(alpha_consistency=1))
    late = SeparateSettings(alpha_consistency=1, consistency_from=9)
    with pytest.raises(ValueError, match="consistency_from is 9, but there are 9 steps"):
        Stage(steps=9, batches=late, optimiser=Optimiser(average=0.9))
    assert Stage(steps=10, batches=late, optimiser=Optimiser(average=0.9)).steps == 10
