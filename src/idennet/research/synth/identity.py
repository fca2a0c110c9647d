"""Drawing the traits of a subject from a seed: broad, and correlated where people's traits are."""

import numpy as np

from idennet.errors import InputError
from idennet.research.synth.appearance import STYLE_SIZE, WRINKLES
from idennet.research.synth.traits import (
    GLASSES,
    SHAPE_MODES,
    Beard,
    Brows,
    Eyes,
    Glasses,
    Hair,
    Headwear,
    Makeup,
    RestingFace,
    Rgb,
    Skin,
    Traits,
    rgb,
)

BLACK, DARK_BROWN, BROWN, BLOND, RED = (
    np.array(values)
    for values in (
        (0.010, 0.008, 0.007),
        (0.032, 0.019, 0.012),
        (0.085, 0.048, 0.026),
        (0.28, 0.20, 0.115),
        (0.20, 0.065, 0.024),
    )
)
GREY = np.array((0.30, 0.30, 0.30))

# Wrinkles that age deepens most; the others appear with expressions only, or are faint at rest.
AGEING = {
    "fore_in": 1.0, "fore_out_L": 0.9, "glabella": 0.95, "crow_L": 1.0, "bag_L": 1.0, "nose": 0.35,
    "nasolabial_L": 0.9, "sneer_L": 0.45, "chin": 0.4, "marionette_L": 0.9, "dimple_L": 0.3, "lip": 0.6,
}  # fmt: skip


def sample_traits(
    generator: np.random.Generator,
    *,
    age_range: tuple[float, float] = (0.0, 1.0),
    glasses_probability: float = 0.22,
    headwear_probability: float = 0.05,
) -> Traits:
    """Return the traits of a random subject; equal generators give equal subjects.

    Args:
        generator: Source of all randomness.
        age_range: Youngest and oldest age, within 0 (about 18 years) to 1 (about 80 years).
        glasses_probability: Share of subjects who wear glasses.
        headwear_probability: Share of subjects who wear a cap, a headband or a headscarf.

    Raises:
        InputError: `age_range` is not increasing within 0 to 1.
    """
    youngest, oldest = age_range
    if not 0.0 <= youngest <= oldest <= 1.0:
        raise InputError(f"age_range is {age_range}; give two increasing numbers within 0 to 1.")
    g = generator
    seed = int(g.integers(2**31))
    age = float(youngest + (oldest - youngest) * g.beta(1.1, 1.3))
    masculine = bool(g.random() < 0.5)
    melanin = float(g.uniform(0.04, 0.95))
    natural, grey = _hair_colour(g, melanin, age)
    wrinkle_gain = float(np.clip(g.uniform(0.4, 1.1) * (0.6 + 0.6 * age), 0.2, 1.2))
    return Traits(
        seed=seed,
        shape=tuple(float(v) for v in np.clip(0.9 * g.standard_normal(SHAPE_MODES), -2, 2)),
        age=age,
        masculine=masculine,
        wrinkle_static=_static_wrinkles(g, age),
        wrinkle_gain=wrinkle_gain,
        lip_fullness=float(np.clip(g.normal(1.0 - 0.22 * age + 0.12 * melanin, 0.2), 0.35, 1.3)),
        lip_contrast=float(g.uniform(0.1, 1.0) if masculine else g.uniform(0.3, 1.3)),
        teeth=float(g.uniform(0.65, 1.15) - 0.25 * age * g.random()),
        clothes=rgb(g.uniform(0.1, 0.75) ** 2 * np.clip(1 + 0.35 * g.standard_normal(3), 0.15, 1.8)),
        style=tuple(float(v) for v in np.clip(g.standard_normal(STYLE_SIZE), -2, 2)),
        skin=_skin(g, melanin, age),
        hair=_hair(g, natural, grey, melanin, age, masculine),
        brows=_brows(g, natural, grey, age, masculine),
        beard=_beard(g, natural, grey, masculine),
        makeup=_makeup(g, melanin, masculine),
        eyes=_eyes(g, melanin, age, masculine),
        resting=_resting(g, age),
        glasses=_glasses(g) if g.random() < glasses_probability else None,
        headwear=_headwear(g) if g.random() < headwear_probability else None,
        lip_line=float(g.uniform(0.1, 1.0)),
        lip_line_width=float(g.uniform(0.05, 0.2)),
    )


def _hair_colour(g: np.random.Generator, melanin: float, age: float) -> tuple[np.ndarray, float]:
    light = max(0.0, 1.0 - melanin / 0.35)
    shares = np.array((0.30 + 1.2 * (1 - light), 0.35, 0.35 * light + 0.04, 0.30 * light, 0.10 * light))
    kinds = (BLACK, DARK_BROWN, BROWN, BLOND, RED)
    colour = kinds[g.choice(5, p=shares / shares.sum())] * g.uniform(0.7, 1.4) * g.uniform(0.92, 1.08, 3)
    grey = float(np.clip((age - 0.42) * g.uniform(0.2, 2.3), 0, 1))
    return colour, grey


def _greyed(colour: np.ndarray, grey: float) -> Rgb:
    return rgb(colour * (1 - grey) + GREY * grey)


def _skin(g: np.random.Generator, melanin: float, age: float) -> Skin:
    freckled = melanin < 0.3 and g.random() < 0.25
    return Skin(
        melanin=melanin,
        hemoglobin=float(g.uniform(0.28, 0.75) * (1 - 0.3 * melanin)),
        redness=float(g.beta(1.6, 2.4) * 0.5),
        mottling=float(np.clip(g.beta(2, 3) * (0.5 + 0.7 * age), 0, 1)),
        freckles=float(g.uniform(0.2, 1.0)) if freckled else 0.0,
        moles=int(g.poisson(1.0 + 2.0 * age)),
        under_eye=float(g.beta(1.5, 2.0) * (0.6 + 0.4 * age)),
        oil=float(g.uniform(0.3, 0.9)),
        roughness=float(g.uniform(0.34, 0.5)),
    )


def _hair(
    g: np.random.Generator, natural: np.ndarray, grey: float, melanin: float, age: float, masculine: bool
) -> Hair:
    shares = (
        (0.07 + 0.22 * age, 0.17, 0.52, 0.12, 0.05, 0.03)
        if masculine
        else (0.01, 0.03, 0.19, 0.26, 0.33, 0.18)
    )
    styles = ("bald", "buzz", "short", "medium", "long", "tied")
    style = styles[g.choice(6, p=np.array(shares) / sum(shares))]
    if g.random() < 0.02:  # dyed
        natural, grey = np.array((g.uniform(0.03, 0.5), g.uniform(0.02, 0.3), g.uniform(0.01, 0.25))), 0.0
    curly = g.beta(1.5, 1.5) if melanin > 0.6 else g.beta(0.8, 2.5)
    fringe = g.uniform(0.35, 1.0) if g.random() < (0.2 if masculine else 0.35) else g.uniform(0.0, 0.25)
    return Hair(
        style=style,
        colour=_greyed(natural, grey),
        grey=grey,
        hairline=float(np.clip(g.normal(0.1, 0.5) + (1.2 * age * g.random() if masculine else 0), -0.8, 3)),
        recession=float(g.beta(1, 2) * (0.2 + 0.8 * age) if masculine else 0.15 * g.random()),
        volume=float(g.uniform(0.35, 1.6) * (1.0 + 0.5 * curly)),
        curl=float(curly),
        fringe=float(fringe),
        parting=float(g.uniform(-3.5, 3.5)),
        length=float(g.uniform(0.0, 12.0)),
    )


def _brows(g: np.random.Generator, natural: np.ndarray, grey: float, age: float, masculine: bool) -> Brows:
    darker = np.minimum(natural, 0.14) * g.uniform(0.6, 1.1)
    return Brows(
        colour=_greyed(darker, grey * float(g.uniform(0.2, 0.9))),
        thickness=float(g.uniform(0.42, 0.80) if masculine else g.uniform(0.26, 0.55)),
        density=float(np.clip(g.uniform(0.45, 1.0) - 0.25 * age * g.random(), 0.35, 1)),
        lift=float(np.clip(g.normal(-0.72, 0.28), -1.25, 0.15)),
        arch=float(np.clip(g.normal(0.06 if masculine else 0.16, 0.12), -0.15, 0.4)),
        tilt=float(np.clip(g.normal(0.0, 0.14), -0.3, 0.3)),
        reach=float(np.clip(g.normal(-0.02, 0.16), -0.5, 0.3)),
    )


def _beard(g: np.random.Generator, natural: np.ndarray, grey: float, masculine: bool) -> Beard:
    kinds = ("none", "stubble", "moustache", "goatee", "full")
    kind = kinds[g.choice(5, p=(0.40, 0.27, 0.07, 0.09, 0.17))] if masculine else "none"
    density = {"none": 0.12 * float(masculine), "stubble": 0.55}.get(kind, 0.9) * float(g.uniform(0.6, 1.1))
    return Beard(
        kind=kind,
        colour=_greyed(natural * g.uniform(0.7, 1.1), min(1.0, grey * float(g.uniform(0.6, 1.4)))),
        density=float(np.clip(density, 0, 1)),
        length=float(g.uniform(0.25, 1.2)) if kind == "full" else float(g.uniform(0.1, 0.4)),
    )


def _makeup(g: np.random.Generator, melanin: float, masculine: bool) -> Makeup:
    wears = not masculine and g.random() < 0.55
    reds = (
        np.array((0.34, 0.06, 0.07))
        * g.uniform(0.3, 1.0)
        * g.uniform((0.8, 0.7, 0.7), (1.1, 2.0, 1.6))
        * (1 - 0.6 * melanin)
    )
    shades = g.random(3) * np.array((0.35, 0.22, 0.25)) + 0.03
    return Makeup(
        lipstick=float(g.uniform(0.25, 0.95)) if wears and g.random() < 0.75 else 0.0,
        lipstick_colour=rgb(reds),
        eyeliner=float(g.uniform(0.3, 1.0)) if wears and g.random() < 0.7 else 0.0,
        eyeshadow=float(g.uniform(0.1, 0.5)) if wears and g.random() < 0.4 else 0.0,
        eyeshadow_colour=rgb(shades),
        blush=float(g.uniform(0.2, 0.8)) if wears else 0.0,
    )


def _eyes(g: np.random.Generator, melanin: float, age: float, masculine: bool) -> Eyes:
    blue = (0.11, 0.17, 0.26)
    colours = ((0.05, 0.025, 0.012), (0.025, 0.013, 0.009), blue, (0.10, 0.12, 0.06), (0.15, 0.10, 0.05))
    light = max(0.0, 1.0 - melanin / 0.4)
    shares = np.array((0.35, 0.35 + (1 - light), 0.4 * light, 0.25 * light, 0.02 + 0.2 * light))
    colour = np.array(colours[g.choice(5, p=shares / shares.sum())])
    return Eyes(
        iris=rgb(colour * g.uniform(0.7, 1.3) * g.uniform(0.9, 1.1, 3)),
        iris_radius=float(g.uniform(0.57, 0.64)),
        pupil_radius=float(g.uniform(0.18, 0.33)),
        sclera=rgb(np.array((0.58, 0.53, 0.50)) * g.uniform(0.55, 1.0) - np.array((0, 0.01, 0.05)) * age),
        lid_droop=float(np.clip(g.normal(0.05 + 0.12 * age, 0.12), -0.2, 0.45)),
        lashes=float(g.uniform(0.3, 0.75) if masculine else g.uniform(0.4, 0.95)),
    )


def _static_wrinkles(g: np.random.Generator, age: float) -> tuple[float, ...]:
    def side_free(name: str) -> str:
        return name.removesuffix("_R") + "_L" if name.endswith("_R") else name

    general = g.uniform(0.4, 1.15)  # some people age early
    strength = {
        name: weight * (general * g.uniform(0.35, 1.3) * age**1.3 + max(0.0, g.normal(0, 0.20)))
        for name, weight in AGEING.items()
    }
    both = [
        strength[side_free(name)] + (g.normal(0, 0.06) if name[-2:] in ("_L", "_R") else 0.0)
        for name in WRINKLES
    ]
    return tuple(float(v) for v in np.clip(both, 0, 1))


def _resting(g: np.random.Generator, age: float) -> RestingFace:
    def tendency(spread: float, drift: float = 0.0) -> float:
        return float(np.clip(g.normal(drift, spread), 0, 0.4))

    return RestingFace(
        brow_low=tendency(0.16, 0.05 * age),
        brow_inner_up=tendency(0.12),
        brow_outer_up=tendency(0.12),
        mouth_frown=tendency(0.13, 0.10 * age - 0.04),
        mouth_smile=tendency(0.13),
        lips_pressed=tendency(0.16, 0.1 * age),
        upper_lip_up=tendency(0.03),
        cheek_squint=tendency(0.10),
        chin_up=tendency(0.07),
        asymmetry=float(np.clip(g.normal(0, 0.3), -1, 1)),
    )


def _glasses(g: np.random.Generator) -> Glasses:
    kind = GLASSES[g.integers(len(GLASSES))]
    dark = rgb(g.random(3) * 0.05)
    metal = rgb(np.array((0.45, 0.42, 0.36)) * g.uniform(0.4, 1.2))
    bright = rgb(g.random(3) ** 1.5 * 0.5)
    round_lens = kind == "round"
    half_width = float(g.uniform(2.1, 2.5) if round_lens else g.uniform(2.35, 2.85))
    return Glasses(
        kind=kind,
        colour=(dark, metal, bright)[g.choice(3, p=(0.5, 0.3, 0.2))],
        rim=float(g.uniform(0.05, 0.12) if kind == "rimless" or g.random() < 0.45 else g.uniform(0.14, 0.38)),
        width=half_width,
        height=half_width * float(g.uniform(0.88, 0.98) if round_lens else g.uniform(0.58, 0.85)),
        tint=float(g.uniform(0.15, 0.55) if g.random() < 0.12 else g.uniform(0.02, 0.07)),
        tint_colour=rgb(g.uniform(0.01, 0.06) * g.uniform(0.6, 1.4, 3)),
    )


def _headwear(g: np.random.Generator) -> Headwear:
    return Headwear(
        kind=("cap", "band", "scarf")[g.integers(3)],
        colour=rgb(g.uniform(0.1, 0.65) ** 2 * np.clip(1 + 0.45 * g.standard_normal(3), 0.1, 2)),
    )
