"""Who a rendered subject is: every property that stays the same in all pictures of one person.

Traits are plain numbers drawn from a seed, small enough to store beside a corpus; `build.build_appearance`
turns them into geometry and textures. Many are confounders on purpose: resting wrinkles, low brows, drooping
mouth corners and thin lips imitate Action Units while the labels stay neutral: the problem IdenNet is for.
"""

from dataclasses import dataclass

import numpy as np

from idennet.research.synth.appearance import STYLE_SIZE, WRINKLES

SHAPE_MODES = 60
"""Identity modes of the face model in use; higher ones are invisible at 128 pixels."""

BEARDS: tuple[str, ...] = ("none", "stubble", "moustache", "goatee", "full")
"""Kinds of facial hair."""

HAIRSTYLES: tuple[str, ...] = ("bald", "buzz", "short", "medium", "long", "tied")
"""Kinds of scalp hair."""

GLASSES: tuple[str, ...] = ("round", "oval", "rectangular", "browline", "rimless")
"""Shapes of glasses."""

Rgb = tuple[float, float, float]


@dataclass(frozen=True)
class Skin:
    """Pigments and surface of the skin.

    Attributes:
        melanin: 0.04 (very light) to 0.95 (very dark).
        hemoglobin: 0.2 to 0.75, how ruddy.
        redness: Extra blood in cheeks and nose, 0 to 0.5.
        mottling: Unevenness of both pigments, 0 to 1.
        freckles: Density of freckles, 0 (none) to 1.
        moles: Number of moles.
        under_eye: Darkness under the eyes, 0 to 1.
        oil: Strength of the highlight, 0.3 to 1.
        roughness: Roughness of the highlight, 0.3 to 0.5.
    """

    melanin: float
    hemoglobin: float
    redness: float
    mottling: float
    freckles: float
    moles: int
    under_eye: float
    oil: float
    roughness: float


@dataclass(frozen=True)
class Hair:
    """Scalp hair.

    Attributes:
        style: One of `HAIRSTYLES`.
        colour: Linear RGB, greying included.
        grey: Share of grey hair, 0 to 1.
        hairline: Height of the hairline over its usual place in cm, -0.8 to 3.
        recession: How far the temples recede, 0 to 1.
        volume: Thickness of the hair in cm, 0.2 to 2.
        curl: 0 (straight) to 1 (tight curls).
        fringe: How much of the forehead hair covers, 0 to 1.
        parting: Side of the parting, x in cm; positive is the subject's left.
        length: How far long hair falls below the chin in cm.
    """

    style: str
    colour: Rgb
    grey: float
    hairline: float
    recession: float
    volume: float
    curl: float
    fringe: float
    parting: float
    length: float


@dataclass(frozen=True)
class Brows:
    """Eyebrows; lengths in cm.

    Attributes:
        colour: Linear RGB.
        thickness: Height of the brow, 0.25 to 0.75.
        density: 0.35 to 1.
        lift: Height over the upper edge of the face model's brows, -1.25 to 0.15: low brows imitate AU4, high
            ones AU2.
        arch: How much the middle rises, -0.15 to 0.4.
        tilt: How much lower (positive) or higher (negative) the inner end lies, -0.3 to 0.3: AU4 or AU1.
        reach: How far the inner ends stand apart from the usual place, -0.5 (meeting) to 0.3.
    """

    colour: Rgb
    thickness: float
    density: float
    lift: float
    arch: float
    tilt: float
    reach: float


@dataclass(frozen=True)
class Beard:
    """Facial hair.

    Attributes:
        kind: One of `BEARDS`.
        colour: Linear RGB.
        density: 0 to 1.
        length: In cm, 0 to 1.2.
    """

    kind: str
    colour: Rgb
    density: float
    length: float


@dataclass(frozen=True)
class Makeup:
    """Colour put on; strengths 0 to 1.

    Attributes:
        lipstick: Strength.
        lipstick_colour: Linear RGB.
        eyeliner: Strength.
        eyeshadow: Strength.
        eyeshadow_colour: Linear RGB.
        blush: Strength.
    """

    lipstick: float
    lipstick_colour: Rgb
    eyeliner: float
    eyeshadow: float
    eyeshadow_colour: Rgb
    blush: float


@dataclass(frozen=True)
class Eyes:
    """Eyes; lengths in cm.

    Attributes:
        iris: Linear RGB.
        iris_radius: 0.57 to 0.64.
        pupil_radius: 0.18 to 0.33.
        sclera: Linear RGB.
        lid_droop: Resting closure of the upper lids, -0.2 (wide) to 0.45; wide ones imitate AU5.
        lashes: Opacity of the lashes, 0 to 1.
    """

    iris: Rgb
    iris_radius: float
    pupil_radius: float
    sclera: Rgb
    lid_droop: float
    lashes: float


@dataclass(frozen=True)
class RestingFace:
    """Coefficients of expression shapes that are part of this person's neutral face, 0 to about 0.35.

    Attributes:
        brow_low: Lowered brows, like AU4.
        brow_inner_up: Raised inner brows, like AU1.
        brow_outer_up: Raised outer brows, like AU2.
        mouth_frown: Drooping mouth corners, like AU15.
        mouth_smile: Raised mouth corners, like AU12.
        lips_pressed: Thin lips, like AU24.
        upper_lip_up: Raised upper lip, like AU10; it does not part the lips.
        cheek_squint: Full cheeks under the eyes, like AU6.
        chin_up: Raised chin, like AU17.
        asymmetry: -1 to 1; shifts the above towards the subject's left (positive) or right.
    """

    brow_low: float
    brow_inner_up: float
    brow_outer_up: float
    mouth_frown: float
    mouth_smile: float
    lips_pressed: float
    upper_lip_up: float
    cheek_squint: float
    chin_up: float
    asymmetry: float


@dataclass(frozen=True)
class Glasses:
    """Glasses.

    Attributes:
        kind: One of `GLASSES`.
        colour: Linear RGB of the rim.
        rim: Thickness of the rim in cm, 0.05 to 0.4.
        width: Half width of a lens in cm, 2.2 to 2.9.
        height: Half height of a lens in cm, 1.4 to 2.4.
        tint: Opacity of the lenses, 0.02 (clear) to 0.6.
        tint_colour: Linear RGB of the lenses.
    """

    kind: str
    colour: Rgb
    rim: float
    width: float
    height: float
    tint: float
    tint_colour: Rgb


@dataclass(frozen=True)
class Headwear:
    """A knitted cap, a headband or a headscarf.

    Attributes:
        kind: "cap", "band" or "scarf".
        colour: Linear RGB.
    """

    kind: str
    colour: Rgb


@dataclass(frozen=True)
class Traits:
    """All properties of one subject; `dataclasses.asdict` gives JSON-ready values.

    Attributes:
        seed: Drives everything random in textures: wrinkle layout, strokes of hair, noise, moles.
        shape: `SHAPE_MODES` coefficients of the face model, about standard normal, clipped to +-2.
        age: 0 (about 18 years) to 1 (about 80 years).
        masculine: Whether beards and thick brows are likely.
        wrinkle_static: Resting strength of each wrinkle in the order of `WRINKLES`, 0 to 1.
        wrinkle_gain: How strongly the skin wrinkles under an Action Unit, about 0.2 to 1.2.
        lip_fullness: Size of the red of the lips against the model's, 0.35 to 1.3;
            thin lips imitate AU23, AU24 and AU28.
        lip_contrast: How much the lips stand out, 0.1 to 1.3.
        lip_line: Darkness of the line between the closed lips, 0.1 to 1; dark ones imitate AU25.
        lip_line_width: Half width of that line in cm, 0.05 to 0.2.
        teeth: Brightness of the teeth, 0.4 to 1.15.
        clothes: Linear RGB.
        style: Length `STYLE_SIZE`, about standard normal; how this person makes expressions.
        skin: Pigments and surface.
        hair: Scalp hair.
        brows: Eyebrows.
        beard: Facial hair.
        makeup: Makeup.
        eyes: Eyes.
        resting: Resting expression.
        glasses: Glasses, or None.
        headwear: Headwear, or None.
    """

    seed: int
    shape: tuple[float, ...]
    age: float
    masculine: bool
    wrinkle_static: tuple[float, ...]
    wrinkle_gain: float
    lip_fullness: float
    lip_contrast: float
    lip_line: float
    lip_line_width: float
    teeth: float
    clothes: Rgb
    style: tuple[float, ...]
    skin: Skin
    hair: Hair
    brows: Brows
    beard: Beard
    makeup: Makeup
    eyes: Eyes
    resting: RestingFace
    glasses: Glasses | None
    headwear: Headwear | None

    def __post_init__(self) -> None:
        expected = (SHAPE_MODES, len(WRINKLES), STYLE_SIZE)
        given = (len(self.shape), len(self.wrinkle_static), len(self.style))
        assert given == expected, f"lengths of shape, wrinkle_static and style are {given}, not {expected}"


def rgb(values: np.ndarray | tuple[float, ...]) -> Rgb:
    """Return three numbers as a tuple of Python floats, each clipped to 0.002 to 0.95."""
    red, green, blue = (float(v) for v in np.clip(np.asarray(values, np.float64), 0.002, 0.95))
    return red, green, blue
