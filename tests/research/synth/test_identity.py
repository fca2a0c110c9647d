import json
from dataclasses import asdict, replace

import numpy as np
import pytest

from idennet.errors import InputError
from idennet.research.synth.appearance import TEXTURE_SIZE, WRINKLES
from idennet.research.synth.atlas import SkinAtlas, atlas_of
from idennet.research.synth.build import build_appearance
from idennet.research.synth.facemodel import FaceModel, load_face_model
from idennet.research.synth.identity import Traits, sample_traits
from idennet.research.synth.traits import BEARDS, GLASSES, HAIRSTYLES
from small_face import FACE_MODEL


def subject(seed: int, age_range: tuple[float, float] = (0.0, 1.0)) -> Traits:
    return sample_traits(np.random.default_rng(seed), age_range=age_range)


@pytest.fixture(scope="module")
def model() -> FaceModel:
    return load_face_model(FACE_MODEL)


@pytest.fixture(scope="module")
def atlas(model: FaceModel) -> SkinAtlas:
    return atlas_of(model)


def test_equal_seeds_give_equal_traits_and_others_differ() -> None:
    assert subject(3) == subject(3)
    assert subject(3) != subject(4)


def test_traits_survive_json() -> None:
    for seed in range(40):
        values = asdict(subject(seed))
        text = json.dumps(values)
        assert len(text) < 6000
        assert json.loads(text)["shape"] == list(values["shape"])
        assert json.loads(text)["hair"] == {**values["hair"], "colour": list(values["hair"]["colour"])}


def test_traits_lie_in_their_ranges_and_cover_them() -> None:
    crowd = [subject(seed) for seed in range(400)]
    melanin = np.array([t.skin.melanin for t in crowd])
    shares = np.histogram(melanin, bins=4, range=(0.04, 0.95))[0] / len(crowd)
    assert melanin.min() >= 0.04
    assert melanin.max() <= 0.95
    assert shares.min() > 0.17, "skin tones from light to dark are evenly covered"
    assert {t.hair.style for t in crowd} == set(HAIRSTYLES)
    assert {t.beard.kind for t in crowd} == set(BEARDS)
    assert {t.glasses.kind for t in crowd if t.glasses} == set(GLASSES)
    assert all(t.beard.kind == "none" for t in crowd if not t.masculine)
    for t in crowd:
        assert 0 <= t.age <= 1
        assert np.abs(t.shape).max() <= 2
        assert 0 <= min(t.wrinkle_static) <= max(t.wrinkle_static) <= 1
        assert 0.2 <= t.wrinkle_gain <= 1.2
        assert -0.2 <= t.eyes.lid_droop <= 0.45


def test_blond_hair_is_rare_on_dark_skin() -> None:
    crowd = [subject(seed) for seed in range(400)]
    bright = [t.brows.colour[0] > 0.1 and t.hair.grey < 0.1 for t in crowd]
    dark = [t.skin.melanin > 0.5 for t in crowd]
    assert np.mean([b for b, d in zip(bright, dark, strict=True) if not d]) > 0.03
    assert np.mean([b for b, d in zip(bright, dark, strict=True) if d]) < 0.01


def test_resting_wrinkles_grow_with_age_but_vary_among_the_young() -> None:
    young = np.array([subject(seed, age_range=(0.0, 0.2)).wrinkle_static for seed in range(150)])
    old = np.array([subject(seed, age_range=(0.8, 1.0)).wrinkle_static for seed in range(150)])
    assert (old.mean(0) > young.mean(0)).all()
    assert old.mean() > 3 * young.mean()
    glabella = young[:, WRINKLES.index("glabella")]
    assert np.quantile(glabella, 0.95) > 0.2, "some young people look as if they frowned"


def test_both_sides_of_a_face_wrinkle_alike() -> None:
    strengths = np.array([subject(seed).wrinkle_static for seed in range(100)])
    left, right = (strengths[:, WRINKLES.index(f"nasolabial_{side}")] for side in "LR")
    assert np.corrcoef(left, right)[0, 1] > 0.9
    assert not np.array_equal(left, right)


def test_age_range_is_obeyed_and_checked() -> None:
    assert all(0.7 <= subject(seed, age_range=(0.7, 0.9)).age <= 0.9 for seed in range(30))
    with pytest.raises(InputError, match="age_range"):
        subject(0, age_range=(0.9, 0.1))


def test_atlas_maps_rest_points_to_texels_and_back(atlas: SkinAtlas) -> None:
    points = np.array([(0, 9), (3, 0), (-3, 0), (2, -5.5), (-4, 6)], np.float32)
    column, row = np.round(atlas.texels(points)).astype(int).T
    assert np.abs(atlas.position[row, column, :2] - points).max() < 0.12  # 1.5 texels


def test_gradient_of_a_coordinate_is_the_projected_axis(atlas: SkinAtlas) -> None:
    box = atlas.box([(-1.5, 8), (1.5, 9.5)], 0.0)  # the forehead, almost flat
    gradient = atlas.gradient(atlas.x[box], box).mean((0, 1))
    assert gradient[0] == pytest.approx(1.0, abs=0.1)
    assert np.abs(gradient[1:]).max() < 0.1


@pytest.mark.parametrize("seed", [0, 10, 23, 204, 210])
def test_appearance_is_finite_and_in_range(model: FaceModel, seed: int) -> None:
    look = build_appearance(model, subject(seed))
    assert look.vertices.shape == look.vertex_albedo.shape == model.base.shape
    assert look.albedo.shape == (TEXTURE_SIZE, TEXTURE_SIZE, 3)
    assert look.relief.shape == (TEXTURE_SIZE, TEXTURE_SIZE, 4)
    assert tuple(patch.name for patch in look.wrinkles) == WRINKLES
    for values in (look.vertices, look.albedo, look.vertex_albedo, look.relief):
        assert values.dtype == np.float32
        assert np.isfinite(values).all()
    assert 0 < look.albedo.min() <= look.albedo.max() < 1
    assert np.abs(look.vertices - model.base).max() < 8
    for patch in look.wrinkles:
        height, width, channels = patch.relief.shape
        assert channels == 4
        assert 0 <= patch.top <= TEXTURE_SIZE - height
        assert 0 <= patch.left <= TEXTURE_SIZE - width
        assert patch.relief[..., 3].min() < -0.01, "a groove goes into the skin"
    for mesh in look.worn:
        assert mesh.triangles.max() < len(mesh.vertices) == len(mesh.colour) == len(mesh.alpha)
        assert np.isfinite(mesh.vertices).all()
        assert 0 <= mesh.alpha.min() <= mesh.alpha.max() <= 1


def test_equal_traits_give_equal_arrays_and_seeds_differ(model: FaceModel) -> None:
    traits = subject(5)
    first, again = build_appearance(model, traits), build_appearance(model, traits)
    assert np.array_equal(first.albedo, again.albedo)
    assert np.array_equal(first.relief, again.relief)
    other = build_appearance(model, replace(traits, seed=traits.seed + 1))
    assert not np.array_equal(first.relief, other.relief)
    assert np.array_equal(first.vertices, other.vertices), "the seed changes texture, not shape"


def test_resting_wrinkles_are_part_of_the_relief(model: FaceModel) -> None:
    traits = replace(subject(5), wrinkle_static=(0.0,) * len(WRINKLES))
    smooth, lined = (
        build_appearance(model, traits),
        build_appearance(
            model, replace(traits, wrinkle_static=tuple(float(name == "glabella") for name in WRINKLES))
        ),
    )
    patch = smooth.wrinkles[WRINKLES.index("glabella")]
    height, width = patch.relief.shape[:2]
    box = np.s_[patch.top : patch.top + height, patch.left : patch.left + width]
    np.testing.assert_allclose(lined.relief[box] - smooth.relief[box], patch.relief, atol=1e-5)


def test_left_crow_feet_lie_at_the_subjects_left(model: FaceModel, atlas: SkinAtlas) -> None:
    look = build_appearance(model, subject(1))
    for name, sign in (("crow_L", 1), ("crow_R", -1)):
        patch = look.wrinkles[WRINKLES.index(name)]
        middle = atlas.position[
            patch.top + patch.relief.shape[0] // 2, patch.left + patch.relief.shape[1] // 2
        ]
        assert sign * middle[0] > 4


def test_low_resting_brows_lower_the_brow_landmarks(model: FaceModel) -> None:
    traits = subject(1)
    marks = {
        low: build_appearance(
            model, replace(traits, resting=replace(traits.resting, brow_low=low, brow_inner_up=0.0))
        ).vertices[model.landmarks[17:27], 1]
        for low in (0.0, 0.3)
    }
    assert marks[0.3].mean() < marks[0.0].mean() - 0.05
