"""Sides of Action Units and hidden parts: exact against the scene, and kept from the corpus to the store."""

from dataclasses import replace
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from plain_subject import plain_subject

from idennet.facs import MISSING, PARTS, SIDED_AUS, SYNFACS_AUS
from idennet.learning.data.prepare import prepare
from idennet.learning.data.readers.synfacs import SynFacs
from idennet.research.synth.corpora import WILD
from idennet.research.synth.coverings import COVERINGS
from idennet.research.synth.expression import Expression
from idennet.research.synth.facemodel import load_face_model
from idennet.research.synth.generate import generate_corpus
from idennet.research.synth.renderer import Frame, Renderer
from idennet.research.synth.scenarios import sample_expression
from idennet.research.synth.scene import Covering, Scene
from idennet.research.synth.staging import HIDING
from small_face import FACE_MODEL


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer(load_face_model(FACE_MODEL), 96)


def draw(renderer: Renderer, expression: Expression, scene: Scene) -> Frame:
    return renderer.render(plain_subject(renderer.model, 0), expression, scene, np.random.default_rng(5))


def test_sides_are_the_intensity_times_the_gain_of_each_side(renderer: Renderer) -> None:
    asked = Expression({12: 0.8, 43: 0.6, 1: 0.1}, {12: (1.0, 0.25), 43: (0.0, 1.0)})
    frame = draw(renderer, asked, Scene())
    assert set(frame.sides) == set(SIDED_AUS)
    assert frame.sides[12] == pytest.approx((0.8, 0.2))
    assert frame.sides[43] == pytest.approx((0.0, 0.6))
    assert frame.sides[1] == pytest.approx((0.1, 0.1))  # a trace keeps its intensity
    assert frame.sides[5] == (0.0, 0.0)


def test_a_mirrored_expression_swaps_the_sides_and_the_picture_shows_it(renderer: Renderer) -> None:
    def opening(points: np.ndarray, upper: list[int], lower: list[int]) -> float:
        return float((points[lower, 1] - points[upper, 1]).mean())

    wink = Expression({43: 0.9}, {43: (1.0, 0.0)})
    mirrored = replace(wink, asymmetry={43: (0.0, 1.0)})
    first, second = (draw(renderer, expression, Scene()) for expression in (wink, mirrored))
    assert first.sides[43] == second.sides[43][::-1]
    left, right = ([43, 44], [47, 46]), ([37, 38], [41, 40])
    assert opening(first.landmarks, *left) < 0.3 * opening(first.landmarks, *right)
    assert opening(second.landmarks, *right) < 0.3 * opening(second.landmarks, *left)


def test_a_side_never_exceeds_the_intensity_and_one_reaches_it() -> None:
    generator = np.random.default_rng(3)
    one_eye = one_sided_smile = 0
    for _ in range(4000):
        expression = sample_expression(generator)
        for au, intensity in expression.intensities.items():
            assert max(expression.intensities_of_sides(au)) == pytest.approx(intensity)
        one_eye += expression.of(43) > 0.2 and min(expression.intensities_of_sides(43)) == 0
        one_sided_smile += expression.of(12) > 0.2 > min(expression.intensities_of_sides(12))
    assert one_eye > 0.02 * 4000
    assert one_sided_smile > 0.02 * 4000


def test_a_bare_face_shows_every_part(renderer: Renderer) -> None:
    assert draw(renderer, Expression(), Scene()).visible == dict.fromkeys(PARTS, 1)


def test_a_covered_part_is_hidden_and_a_half_covered_one_is_neither(renderer: Renderer) -> None:
    size = renderer.frame_size
    wall = np.zeros((size, size, 4), np.float32)
    wall[round(0.55 * size) :, :, 3] = 1.0
    assert draw(renderer, Expression(), Scene(occluders=(wall,))).visible == {
        "eyes": 1,
        "brows": 1,
        "mouth": 0,
    }
    half = np.zeros((size, size, 4), np.float32)
    half[:, : size // 2, 3] = 1.0
    assert draw(renderer, Expression(), Scene(occluders=(half,))).visible == dict.fromkeys(PARTS, -1)
    glass = np.full((size, size, 4), 0.2, np.float32)
    assert draw(renderer, Expression(), Scene(occluders=(glass,))).visible == dict.fromkeys(PARTS, 1)


@pytest.mark.parametrize(
    ("kind", "part"),
    [("sunglasses", "eyes"), ("mask", "mouth"), ("scarf", "mouth"), ("beanie", "brows"), ("fringe", "brows")],
)
def test_coverings_hide_their_part_also_on_a_turned_head_with_an_open_mouth(
    renderer: Renderer, kind: str, part: str
) -> None:
    turned = replace(Scene().camera, yaw=20.0, pitch=-5.0)
    for seed in range(3):
        scene = Scene(camera=turned, covering=Covering(kind, seed))
        visible = draw(renderer, Expression({27: 1.0}), scene).visible
        assert visible[part] <= 0, seed
        assert {visible[other] for other in PARTS if other != part} & {1}, seed


def test_everything_that_hides_can_be_drawn_and_is_drawn_alike_twice(renderer: Renderer) -> None:
    for kind in COVERINGS:
        scene = Scene(covering=Covering(kind, 7))
        first, second = (draw(renderer, Expression(), scene).image for _ in range(2))
        np.testing.assert_array_equal(first, second)
    assert set(COVERINGS) < set(HIDING)
    assert sum(HIDING.values()) == pytest.approx(1)


def test_sides_and_hidden_parts_survive_from_the_corpus_to_the_store(tmp_path: Path) -> None:
    surroundings = WILD.surroundings.model_copy(update={"hidden": 0.5})
    config = WILD.model_copy(
        update={"subjects": 2, "frames_per_subject": 10, "frame_size": 96, "surroundings": surroundings}
    )
    corpus = generate_corpus(config, tmp_path / "corpus", FACE_MODEL)
    store = prepare(SynFacs(corpus), tmp_path / "store", workers=1).store
    sides, whole = store.sides(SIDED_AUS), store.intensities(SIDED_AUS)
    assert sides.shape == (20, len(SIDED_AUS), 2)
    unknown = np.isnan(sides).all(axis=2)  # eyes that are shut although nobody asked for it
    assert (store.labels(SIDED_AUS)[unknown] == MISSING).all()
    np.testing.assert_allclose(np.max(sides, axis=2)[~unknown], whole[~unknown], atol=1e-6)
    visible = store.visible()
    assert visible.dtype == np.int8
    assert visible.shape == (20, len(PARTS))
    assert {0, 1} <= set(visible.ravel().tolist())
    assert store.labels(SYNFACS_AUS).shape == (20, len(SYNFACS_AUS))


def test_a_corpus_without_the_columns_has_unknown_sides_and_parts(tmp_path: Path) -> None:
    older = Path(str(resources.files("idennet"))) / "assets" / "sample-corpus"
    store = prepare(SynFacs(older), tmp_path / "store", workers=1).store
    assert np.isnan(store.sides(SIDED_AUS)).all()
    assert (store.visible() == -1).all()
