"""Recipes, corpora, batches, augmentation, schedules and checkpoints, each on its own."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from conftest import make_store, small_recipe
from idennet.errors import InputError, RecipeError, WeightsError
from idennet.learning.data.store import FaceStore
from idennet.learning.losses.consistency import consistency_loss
from idennet.learning.losses.mining import HardNegativeMiner
from idennet.learning.losses.triplet import triplet_loss
from idennet.learning.training import bundled_recipes, load_recipe
from idennet.learning.training.augment import Augmentation, Augmenter
from idennet.learning.training.batches import Batch, Targets, weighted_losses
from idennet.learning.training.checkpoint import Progress, load_checkpoint, save_checkpoint
from idennet.learning.training.corpus import Corpus, join_stores
from idennet.learning.training.memory import EmbeddingMemory
from idennet.learning.training.mixed import MixedSettings
from idennet.learning.training.optimiser import Optimiser
from idennet.learning.training.prefetch import prefetch
from idennet.learning.training.progress import METRICS, forget_metrics_after, read_metrics
from idennet.learning.training.recipe import Stage
from idennet.learning.training.separate import SeparateSettings
from idennet.learning.training.stages import plan_stages


@pytest.fixture
def corpus(au_store: FaceStore, identity_store: FaceStore) -> Corpus:
    return join_stores([au_store], [identity_store])


@pytest.fixture
def faces() -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (6, 128, 128, 3), dtype=np.uint8)


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
    with pytest.raises(RecipeError, match="bundled are demo, paper, released_code, transfer"):
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
    assert fitted == {"demo": True, "paper": False, "released_code": False, "transfer": True}


def test_training_and_validation_share_no_subject(corpus: Corpus) -> None:
    training, validation = corpus.split(0.3, seed=1)
    assert not set(training.identities) & set(validation.identities)
    assert len(training) + len(validation) == len(corpus)
    assert validation.au_coded.any()
    assert (~validation.au_coded).any()


def test_a_corpus_reads_the_right_faces(corpus: Corpus) -> None:
    rows = np.array([53, 0, 31, 7, 30, 7])
    for row, face in zip(rows, corpus.read(rows), strict=True):
        store = corpus.stores[corpus.store_of[row]]
        assert np.array_equal(face, store.faces[corpus.row_of[row]])
        assert corpus.subjects[corpus.identities[row]] == store.frames["subject"][corpus.row_of[row]]
    assert (corpus.au_labels[~corpus.au_coded] == -1).all()


def test_uncoded_action_units_are_refused(au_store: FaceStore) -> None:
    with pytest.raises(InputError, match="No store has labels for AU43"):
        join_stores([au_store], [], aus=(12, 43))
    with pytest.raises(InputError, match="at least one store"):
        join_stores([], [])


def test_a_store_without_labels_teaches_no_action_units(
    au_store: FaceStore, identity_store: FaceStore
) -> None:
    with pytest.raises(InputError, match="has no Action Unit labels; give it with --identity"):
        join_stores([au_store, identity_store], [])


def test_names_of_different_stores_are_not_taken_for_one_person(au_store: FaceStore, tmp_path: Path) -> None:
    other = make_store(tmp_path / "other", "au", 3, 2, aus=True, seed=9)
    with pytest.raises(InputError, match="different stores that both name a subject au/00,") as caught:
        join_stores([au_store], [other])
    assert str(au_store.path) in str(caught.value)
    assert str(other.path) in str(caught.value)
    halves = [au_store.select(au_store.subjects[:3]), au_store.select(au_store.subjects[2:])]
    assert join_stores(halves[:1], halves[1:]).subjects == au_store.subjects  # one store: one person


def test_stage_au_needs_action_units(identity_store: FaceStore) -> None:
    corpus = join_stores([], [identity_store], aus=(12,))
    with pytest.raises(InputError, match="--au"):
        plan_stages(small_recipe(), *corpus.split(0.3, 0))


def test_separate_batches_are_of_one_kind(corpus: Corpus) -> None:
    settings = SeparateSettings(identities=4, au_faces=12, au_batches=0.25)
    batching = settings.build(corpus, 0, learn_aus=True, learn_identity=True)
    kinds = []
    for step in range(40):
        batch = batching.draw(step)
        coded = corpus.au_coded[batch.rows]
        assert coded.all() or not coded.any()
        assert (batch.identity_weight, batch.au_weight) == ((0.5, 0.5) if coded.all() else (1.0, 0.0))
        pairs = corpus.identities[batch.rows[: 2 * batch.pairs]].reshape(-1, 2)
        assert (pairs[:, 0] == pairs[:, 1]).all()
        assert len(set(pairs[:, 0])) == batch.pairs == 4
        assert len(batch.rows) == (12 if coded.all() else 8)
        kinds.append(coded.all())
    assert sum(kinds) == 10


def test_consistency_is_for_faces_without_aus_and_rises(corpus: Corpus) -> None:
    settings = SeparateSettings(identities=3, alpha_consistency=2, consistency_from=100)
    batching = settings.build(corpus, 0, learn_aus=True, learn_identity=True)
    for step, full in ((0, 0), (98, 0), (100, 0.02), (148, 0.98), (198, 1.98), (200, 2), (10_000, 2)):
        batch = batching.draw(step)
        coded = corpus.au_coded[batch.rows]
        expected = 0 if coded.all() else full
        assert batch.consistency_weight == pytest.approx(expected)
    alone = settings.build(corpus, 0, learn_aus=False, learn_identity=True)
    assert alone.draw(10_000).consistency_weight == 0


def test_consistency_adds_its_share_to_the_total(corpus: Corpus) -> None:
    batching = SeparateSettings(identities=3).build(corpus, 0, learn_aus=True, learn_identity=True)
    batch = Batch(np.arange(4), 0, identity_weight=0, au_weight=0, consistency_weight=3)
    logits, expected = torch.randn(4, 2), torch.rand(4, 2)
    targets = Targets(torch.zeros(4, dtype=torch.int64), torch.full((4, 2), -1, dtype=torch.int8))
    loss = weighted_losses(batching, batch, targets, logits, None, expected, torch.Generator())
    assert loss.total == 3 * consistency_loss(logits, expected) == 3 * loss.consistency
    assert loss.au is None is loss.identity


def test_consistency_needs_a_teacher_and_steps_to_count_in() -> None:
    with pytest.raises(ValueError, match=r"alpha_consistency needs optimiser\.average"):
        Stage(steps=1, batches=SeparateSettings(alpha_consistency=1))
    late = SeparateSettings(alpha_consistency=1, consistency_from=9)
    with pytest.raises(ValueError, match="consistency_from is 9, but there are 9 steps"):
        Stage(steps=9, batches=late, optimiser=Optimiser(average=0.9))
    assert Stage(steps=10, batches=late, optimiser=Optimiser(average=0.9)).steps == 10


def test_mixed_batches_have_half_of_each(corpus: Corpus) -> None:
    batching = MixedSettings(faces=16).build(corpus, 0, learn_aus=True, learn_identity=True)
    batch = batching.draw(0)
    assert corpus.au_coded[batch.rows].tolist() == [True] * 8 + [False] * 8
    assert batching.epoch_steps == 4  # 15 pairs with AUs, four a step
    assert (batch.identity_weight, batch.au_weight) == (1, 1)


def test_the_memory_adds_candidates_without_gradient(corpus: Corpus) -> None:
    settings = SeparateSettings(identities=3, memory=10)
    batching = settings.build(corpus, 0, learn_aus=False, learn_identity=True)
    batch = batching.draw(0)
    old, new = torch.nn.functional.normalize(torch.randn(2, 6, 256), dim=2)
    owners = torch.tensor([90, 90, 91, 91, 92, 92])
    batching.memory.add(old, owners)
    identities = torch.from_numpy(corpus.identities[batch.rows])
    new.requires_grad_()
    targets = Targets(identities, torch.zeros(6, 0))
    loss = weighted_losses(batching, batch, targets, None, new, None, torch.Generator().manual_seed(0))
    bank, names = torch.cat([new, old]), torch.cat([identities, owners])
    pairs = torch.arange(6).view(3, 2)
    triplets = HardNegativeMiner()(
        new, identities, pairs, generator=torch.Generator().manual_seed(0), memory=bank, memory_labels=names
    )
    assert (triplets[:, 2] >= 6).any()
    assert loss.total == triplet_loss(new, triplets, 0.5, negatives=bank)
    assert len(batching.memory) == 10
    assert torch.equal(batching.memory.embeddings[-6:], new.detach())
    assert not batching.memory.embeddings.requires_grad


def test_the_memory_forgets_the_oldest() -> None:
    memory = EmbeddingMemory(3, width=1)
    for value in range(5):
        memory.add(torch.tensor([[float(value)]]), torch.tensor([value]))
    assert memory.identities.tolist() == [2, 3, 4]
    assert memory.embeddings.flatten().tolist() == [2, 3, 4]


def test_augmentation_is_a_function_of_step_and_position(faces: NDArray[np.uint8]) -> None:
    augmenter = Augmenter(load_recipe("transfer").augmentation, seed=1)
    whole = augmenter(faces, step=4)
    assert whole.dtype == np.uint8
    assert whole.shape == faces.shape
    assert np.array_equal(np.concatenate([augmenter(faces[:2], 4), augmenter(faces[2:], 4, first=2)]), whole)
    assert not np.array_equal(augmenter(faces, step=5), whole)
    assert not np.array_equal(augmenter(faces[[0, 0]], step=4)[0], augmenter(faces[[0, 0]], step=4)[1])


def test_no_augmentation_changes_nothing(faces: NDArray[np.uint8]) -> None:
    assert Augmenter(Augmentation())(faces, 0) is faces


def test_a_certain_flip_is_a_mirror(faces: NDArray[np.uint8]) -> None:
    assert np.array_equal(Augmenter(Augmentation(flip=1))(faces, 0), faces[:, :, ::-1])


def test_a_flip_with_geometry_is_a_mirror_too(faces: NDArray[np.uint8]) -> None:
    flipped = Augmenter(Augmentation(flip=1, scale=1e-9))(faces, 0)
    assert np.abs(flipped.astype(int) - faces[:, :, ::-1]).max() <= 1


def test_a_shift_moves_no_further_than_asked() -> None:
    face = np.zeros((1, 128, 128, 3), np.uint8)
    face[0, 64, 64] = 255
    for step in range(20):
        moved = Augmenter(Augmentation(shift=4))(face, step)[0, ..., 0].astype(float)
        rows, columns = np.nonzero(moved)
        centre = np.average([rows, columns], axis=1, weights=moved[rows, columns])
        assert (np.abs(centre - 64) <= 4.05).all()


def test_a_shadow_only_darkens_and_a_shine_only_brightens() -> None:
    grey = np.full((8, 128, 128, 3), 120, np.uint8)
    shaded = Augmenter(Augmentation(shade=1))(grey, 0)
    assert shaded.max() == 120
    assert (shaded < 115).any(axis=(1, 2, 3)).mean() > 0.5
    shining = Augmenter(Augmentation(shine=1))(grey, 0)
    assert shining.min() == 120
    assert (shining > 125).any(axis=(1, 2, 3)).all()
    assert (shining[..., 0] == shining[..., 2]).all()


def test_jpeg_keeps_the_colours_apart() -> None:
    red = np.zeros((1, 128, 128, 3), np.uint8)
    red[..., 0] = 200
    changed = Augmenter(Augmentation(jpeg=1))(red, 0)[0].reshape(-1, 3).mean(axis=0)
    assert np.allclose(changed, [200, 0, 0], atol=4)


def test_schedules() -> None:
    step = Optimiser(learning_rate=1, schedule="step", step_every=10, step_factor=0.1)
    assert [step.rate(s, 99) for s in (0, 9, 10, 25)] == pytest.approx([1, 1, 0.1, 0.01])
    cosine = Optimiser(learning_rate=1, schedule="cosine", warm_up=4, final_fraction=0.1)
    assert [cosine.rate(s, 104) for s in (0, 3, 4, 54, 104)] == pytest.approx([0.25, 1, 1, 0.55, 0.1])
    assert Optimiser(learning_rate=2).rate(10**6, 1) == 2


def test_weight_decay_is_coupled() -> None:
    weight = torch.nn.Parameter(torch.tensor([1.0]))
    optimiser = Optimiser(learning_rate=0.1, weight_decay=0.5).build([weight])
    weight.grad = torch.zeros(1)
    optimiser.step()  # Adam's first step has the length of the rate, whatever the gradient's size
    assert weight.item() == pytest.approx(0.9)


def test_a_damaged_checkpoint_is_named(tmp_path: Path) -> None:
    path = tmp_path / "last.safetensors"
    save_checkpoint(path, {"model": {"a.b": torch.arange(3.0)}}, Progress("au", step=7))
    groups, progress = load_checkpoint(path)
    assert groups["model"]["a.b"].tolist() == [0, 1, 2]
    assert (progress.stage, progress.step) == ("au", 7)
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(WeightsError, match="--fresh"):
        load_checkpoint(path)


def test_prefetch_keeps_the_order() -> None:
    assert list(prefetch(lambda step: step * step, range(3, 30), workers=4)) == [s * s for s in range(3, 30)]


def test_a_torn_record_is_left_out(tmp_path: Path) -> None:
    records = [{"stage": "au", "step": step} for step in (10, 20)]
    path = tmp_path / METRICS
    path.write_text("".join(json.dumps(record) + "\n" for record in records) + '{"stage": "au", "st')
    assert read_metrics(tmp_path) == records
    forget_metrics_after(tmp_path, ["identity", "au"], 10)
    assert path.read_text() == json.dumps(records[0]) + "\n"
