"""Action Units become shapes of the face, and the posed face tells which of them can be seen.

The table follows the look of each Action Unit, not the names of the model's shapes. Two things are solved
from geometry for each identity, because shapes fitted on one head fail on others: lids that meet when the
eyes close, and lips that touch when they should.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from idennet.facs import MISSING, SIDED_AUS, SYNFACS_AUS
from idennet.research.synth.appearance import WRINKLES, Appearance, FloatArray
from idennet.research.synth.facemodel import FaceModel

VISIBLE_INTENSITY = 0.2
"""Least intensity with occurrence 1; a trace between 0 and this is not coded."""

SHAPES: MappingProxyType[int, dict[str, float]] = MappingProxyType(
    {
        1: {"browInnerUp": 1.5},
        2: {"browOuterUp": 1.25},
        4: {"browDown": 1.6, "noseSneer": 0.06, "mouthShrugUpper": -0.08},
        5: {"eyeWide": 1.25},
        6: {"cheekSquint": 0.75, "cheekRaiser": 0.3, "mouthShrugUpper": -0.08},
        7: {"eyeSquint": 1.15, "cheekRaiser": 0.15, "mouthShrugUpper": -0.03},
        9: {"noseSneer": 1.0, "browDown": 0.12, "mouthShrugUpper": -0.4, "mouthLowerDown": -0.1},
        10: {"mouthUpperUp": 0.75, "mouthShrugUpper": 0.2, "noseSneer": 0.08},
        12: {"mouthSmile": 0.9, "mouthStretch": 0.18, "mouthDimple": 0.08},
        14: {"mouthDimple": 1.0, "mouthPress": 0.2, "mouthFrown": 0.15},
        15: {"mouthFrown": 1.1},
        17: {"mouthShrugLower": 0.75, "mouthShrugUpper": 0.4},
        18: {"mouthPucker": 0.95},
        20: {"mouthStretch": 0.9, "mouthDimple": 0.2},
        22: {"mouthFunnel": 0.8},
        23: {"mouthPress": 0.5, "mouthRollUpper": 0.5, "mouthRollLower": 0.5, "mouthPucker": 0.28},
        24: {"mouthPress": 1.0, "mouthRollUpper": 0.35, "mouthRollLower": 0.35},
        25: {"mouthLowerDown": 0.7, "mouthUpperUp": 0.15, "jawOpen": 0.08},
        26: {"jawOpen": 0.35},
        27: {"jawOpen": 0.85},
        28: {"mouthRollUpper": 0.9, "mouthRollLower": 0.9},
        43: {"eyeBlink": 1.0},
    }
)
"""Weights at intensity 1; a name without side stands for both sides where the model has two."""

FOLDS: MappingProxyType[int, dict[str, float]] = MappingProxyType(
    {
        1: {"fore_in": 1.0},
        2: {"fore_out": 1.0, "fore_in": 0.35},
        4: {"glabella": 1.0},
        6: {"crow": 1.0, "bag": 0.8},
        7: {"bag": 0.5},
        9: {"nose": 1.0, "sneer": 0.9, "glabella": 0.35},
        10: {"sneer": 0.8},
        12: {"nasolabial": 1.0},
        14: {"dimple": 1.0},
        15: {"marionette": 1.0},
        17: {"chin": 1.0},
        18: {"lip": 0.7},
        20: {"marionette": 0.4},
        23: {"lip": 0.8},
        24: {"lip": 0.6, "chin": 0.3},
    }
)
"""Wrinkles at intensity 1; a name without side stands for both sides where there are two."""

_SIDES = ("L", "R")
_UPPER_LIP, _LOWER_LIP = [61, 62, 63], [67, 66, 65]
_UPPER_LIDS, _LOWER_LIDS = {"L": [43, 44], "R": [37, 38]}, {"L": [47, 46], "R": [41, 40]}
_MOST, _MOST_OF_BROWS = 1.2, 1.7  # the model's shapes tear beyond these weights
_LIP_BULGE = 0.15  # cm of the gap that a fully pushed-up lower lip hides by standing before it
_REST_SEAL = 0.09  # cm by which resting lips press closer than the mean face's
# Growth of the lip gap over the height of the mouth: what is wider shows more than a pixel of the mouth's
# inside at 128 pixels, what is narrower shows none.
_OPEN_LIPS, _TOUCHING_LIPS = 0.10, 0.03
_DOWNCAST_CLOSURE = 0.7  # share of the eyes' opening that the lids of a gaze far down take
_SHUT_EYES = 0.18  # share of the neutral opening of the eyes; AU43 leaves at most about this
_EARLY = {7: 0.7, 12: 0.85, 14: 0.8, 20: 0.8, 23: 0.6, 24: 0.7}
"""Exponents by which faint Action Units respond early, so that what is coded can also be seen."""


@dataclass(frozen=True)
class Expression:
    """What a face does in one picture.

    Attributes:
        intensities: Intensity of each active Action Unit of `facs.SYNFACS_AUS`, 0 to 1.
        asymmetry: Gains of the left and the right side of an Action Unit; (1, 1) where absent.
        gaze: (x, y) of the eyes, -1 to 1; x towards the subject's left, y up.
        lip_relax: How slack the resting lips are, 0 to 1; never so much that they visibly part.
        straightness: How straight the lips of a smile stay, 0 (corners up) to 1 (drawn sideways).
    """

    intensities: Mapping[int, float] = field(default_factory=dict)
    asymmetry: Mapping[int, tuple[float, float]] = field(default_factory=dict)
    gaze: tuple[float, float] = (0.0, 0.0)
    lip_relax: float = 0.0
    straightness: float = 0.0

    def of(self, au: int) -> float:
        """Return the intensity of one Action Unit, 0 where it is not active."""
        return float(self.intensities.get(au, 0.0))

    def sides(self, au: int) -> dict[str, float]:
        """Return the gain of one Action Unit on each side of the face."""
        return dict(zip(_SIDES, self.asymmetry.get(au, (1.0, 1.0)), strict=True))

    def intensities_of_sides(self, au: int) -> tuple[float, float]:
        """Return the intensity of one Action Unit on the subject's left and right."""
        left, right = self.asymmetry.get(au, (1.0, 1.0))
        return self.of(au) * left, self.of(au) * right


@dataclass(frozen=True)
class VisibleActionUnits:
    """What a coder of the picture would write down.

    Attributes:
        intensities: Of all 22 Action Units, 0 to 1; AU25 is measured on the lips, the others are as asked.
        occurrences: 1, 0, or -1 for a trace that nobody could code.
        sides: Intensity on the subject's left and right of each Action Unit of `facs.SIDED_AUS`; NaN for an
            AU43 that nobody can tell from lowered lids.
        lip_gap: Opening of the lips beyond the neutral face's, in cm; negative where they press together.
    """

    intensities: dict[int, float]
    occurrences: dict[int, int]
    sides: dict[int, tuple[float, float]]
    lip_gap: float


class _Weights:
    """Shape weights by name, summed over Action Units."""

    def __init__(self, model: FaceModel) -> None:
        self.model = model
        self.values = np.zeros(len(model.expression_names), np.float32)

    def add(self, name: str, amount: float, sides: Mapping[str, float] | None = None) -> None:
        """Add to one shape, or to both sides of a pair."""
        if name in self.model.expression_names:
            self.values[self.model.expression_index(name)] += amount * np.mean(
                list((sides or {"": 1.0}).values())
            )
            return
        for side in _SIDES:
            self.values[self.model.expression_index(f"{name}_{side}")] += amount * (
                sides[side] if sides else 1.0
            )

    def scale(self, name: str, factor: float) -> None:
        """Multiply one shape, or both sides of a pair."""
        for index, known in enumerate(self.model.expression_names):
            if known in (name, f"{name}_L", f"{name}_R"):
                self.values[index] *= factor


def blendshape_weights(expression: Expression, model: FaceModel, appearance: Appearance) -> FloatArray:
    """Return the (57,) weights of the model's expression shapes for one subject's expression."""
    weights = _Weights(model)
    for au, intensity in expression.intensities.items():
        if au in (12, 25, 43):
            continue
        strength = intensity ** _EARLY.get(au, 1.0)
        for name, weight in SHAPES[au].items():
            weights.add(name, weight * strength, expression.sides(au))
    _add_smile_and_parting(weights, expression, appearance.style)
    _add_habits(weights, expression, appearance.style)
    weights.scale("mouthUpperUp", 1.0 - 0.55 * expression.of(9))  # the sneer lifts the lip already
    weights.values = _saturate(weights.values, _bearable(model))
    _seal_neutral_lips(weights, appearance, slack=expression.lip_relax)
    _close_lids(weights, expression, appearance)
    _turn_eyes(weights, expression.gaze)
    return weights.values


def wrinkle_weights(expression: Expression) -> FloatArray:
    """Return the (W,) depths of the wrinkles that the Action Units fold, 0 to 1.2."""
    depths = np.zeros(len(WRINKLES), np.float32)
    for au, intensity in expression.intensities.items():
        sides = expression.sides(au)
        for name, weight in FOLDS.get(au, {}).items():
            if name in WRINKLES:
                depths[WRINKLES.index(name)] += weight * intensity * np.mean(list(sides.values()))
            else:
                for side in _SIDES:
                    depths[WRINKLES.index(f"{name}_{side}")] += weight * intensity * sides[side]
    return np.minimum(depths, 1.2)


def visible_occurrences(
    expression: Expression, weights: FloatArray, model: FaceModel, appearance: Appearance
) -> VisibleActionUnits:
    """Return the labels of a picture: what is visible, not what was asked for.

    AU25 is read from the gap between the inner lips of the posed mesh, relative to the same identity's
    neutral gap and height of mouth, so that a dropped jaw or a raised lip that parts the lips sets it, and a
    lower lip that is pushed up against the upper one does not. AU43 is left out where a gaze far down or a
    hard squint leaves no more of the eyes to see than AU43 does.

    Args:
        expression: What was asked for.
        weights: The shapes that were rendered, of `blendshape_weights`.
        model: The face model.
        appearance: The subject.
    """
    neutral = appearance.vertices[model.landmarks]
    rest = blendshape_weights(Expression(), model, appearance)
    gap = _largest_gap(model, weights - rest)
    mouth_height = float(neutral[51, 1] - neutral[57, 1])
    full = Expression({25: 1.0})
    full_gap = _largest_gap(model, blendshape_weights(full, model, appearance) - rest)
    intensities = {au: expression.of(au) for au in SYNFACS_AUS}
    occurrences = {au: _occurrence(intensity) for au, intensity in intensities.items()}
    sides = {au: expression.intensities_of_sides(au) for au in SIDED_AUS}
    if occurrences[43] == 0 and _eye_opening(model, appearance, weights) < _SHUT_EYES:
        occurrences[43], sides[43] = MISSING, (np.nan, np.nan)
    pushed_up = float((weights - rest)[model.expression_index("mouthShrugLower")])
    opening = (gap - _LIP_BULGE * max(0.0, pushed_up)) / mouth_height
    if opening >= _OPEN_LIPS:
        occurrences[25] = 1
    elif opening <= _TOUCHING_LIPS:
        occurrences[25] = 0
    else:
        occurrences[25] = MISSING
    intensities[25] = float(np.clip(gap / full_gap, 0.0, 1.0)) if occurrences[25] != 0 else 0.0
    return VisibleActionUnits(intensities, occurrences, sides, gap)


def _occurrence(intensity: float) -> int:
    if intensity >= VISIBLE_INTENSITY:
        return 1
    return MISSING if intensity > 0 else 0


def _largest_gap(model: FaceModel, weights: FloatArray) -> float:
    """Growth in cm of the largest of three vertical gaps between the inner lips under some shapes."""
    height = model.expression[:, model.landmarks, 1]
    return float((weights @ (height[:, _UPPER_LIP] - height[:, _LOWER_LIP])).max())


def _eye_opening(model: FaceModel, appearance: Appearance, weights: FloatArray) -> float:
    """Opening of both eyes under some shapes as a share of the identity's own."""
    upper, lower = (lids["R"] + lids["L"] for lids in (_UPPER_LIDS, _LOWER_LIDS))
    neutral = appearance.vertices[model.landmarks, 1]
    height = neutral + weights @ model.expression[:, model.landmarks, 1]
    return float((height[upper] - height[lower]).mean() / (neutral[upper] - neutral[lower]).mean())


def _add_smile_and_parting(weights: _Weights, expression: Expression, style: FloatArray) -> None:
    """Add AU12 and AU25; together they bare the upper teeth between stretched lips."""
    smile, parting = expression.of(12) ** _EARLY[12], expression.of(25)
    sides = expression.sides(12)
    skew = 0.06 * float(style[7])
    sides = {"L": sides["L"] * (1 + skew), "R": sides["R"] * (1 - skew)}
    straight = expression.straightness
    for name, weight in SHAPES[12].items():
        weights.add(name, weight * smile * (1.0 - 0.4 * straight * (name == "mouthSmile")), sides)
    weights.add("mouthStretch", 0.45 * straight * smile, sides)
    weights.add("mouthDimple", 0.2 * straight * smile, sides)
    weights.add("mouthStretch", 0.08 * float(style[0]) * smile, sides)
    weights.add("mouthDimple", 0.10 * float(style[1]) * smile, sides)
    weights.add(
        "cheekSquint", (0.12 + 0.04 * float(style[2])) * smile, sides
    )  # a strong smile lifts the cheeks
    together = smile * parting
    alone = parting - together
    for name, weight in SHAPES[25].items():
        weights.add(name, weight * alone, expression.sides(25))
    teeth = 0.12 * float(style[3])
    weights.add("mouthUpperUp", (0.42 + teeth + 0.1 * straight) * together)
    weights.add("mouthLowerDown", (0.58 - teeth) * together)
    weights.add("mouthRollUpper", 0.12 * together)
    weights.add("mouthStretch", 0.16 * together)
    weights.add("jawOpen", 0.09 * together)


def _add_habits(weights: _Weights, expression: Expression, style: FloatArray) -> None:
    """Add what this person does besides, too little to be coded."""
    weights.add("eyeSquint", 0.05 * float(style[4]) * expression.of(4))
    weights.add("eyeSquint", 0.08 * float(style[5]) * expression.of(6))
    weights.add("browOuterUp", 0.08 * float(style[6]) * expression.of(1))
    weights.add("browInnerUp", -0.08 * float(style[6]) * expression.of(2))


def _bearable(model: FaceModel) -> FloatArray:
    """Return the (57,) largest weights of the shapes: skin over the brows slides further than lips bend."""
    brows = [name.startswith(("browInnerUp", "browOuterUp", "browDown")) for name in model.expression_names]
    return np.where(brows, _MOST_OF_BROWS, _MOST).astype(np.float32)


def _saturate(values: FloatArray, most: FloatArray) -> FloatArray:
    """Bend sums smoothly under the largest weight that the shapes bear; leaves what is below 3/4 of it."""
    free = 0.75 * most
    bent = free + (most - free) * np.tanh((values - free) / (most - free))
    return np.where(values > free, bent, np.maximum(values, -0.3)).astype(np.float32)


def _seal_neutral_lips(weights: _Weights, appearance: Appearance, slack: float) -> None:
    """Undo the gap or the overlap that an identity's modes give to the resting lips, up to a little slack."""
    model = weights.model
    neutral, mean = appearance.vertices[model.landmarks, 1], model.base[model.landmarks, 1]
    surplus = float((neutral[_UPPER_LIP] - neutral[_LOWER_LIP] - mean[_UPPER_LIP] + mean[_LOWER_LIP]).mean())
    mend = float(np.clip(surplus + _REST_SEAL, -0.3, 0.5)) - 0.04 * slack
    weights.add("mouthShrugUpper", -0.5 * mend / 0.50)  # cm of lip movement of a full shape
    weights.add("mouthLowerDown", -0.5 * mend / 0.62)


def _close_lids(weights: _Weights, expression: Expression, appearance: Appearance) -> None:
    """Add AU43 and the resting lids; a full blink closes exactly this identity's eye.

    Lids respond early: at intensity 0.2, the least that is coded, no more than a slit is left of the eye.
    """
    model = weights.model
    neutral = appearance.vertices[model.landmarks, 1]
    heights = model.expression[:, model.landmarks, 1]
    gains = expression.sides(43)
    for side in _SIDES:
        blink, squint, wide = (
            model.expression_index(f"{name}_{side}") for name in ("eyeBlink", "eyeSquint", "eyeWide")
        )
        closure = min(1.0, (expression.of(43) * gains[side]) ** 0.15)
        upper, lower = _UPPER_LIDS[side], _LOWER_LIDS[side]
        aperture = float((neutral[upper] - neutral[lower]).max())
        travel = float((heights[blink, lower] - heights[blink, upper]).mean())
        shut = float(np.clip(1.02 * aperture / travel, 0.8, 1.45))
        downcast = max(0.0, -expression.gaze[1])
        look = heights[model.expression_index(f"eyeLookDown_{side}")]
        lowered = (_DOWNCAST_CLOSURE * aperture - float((look[lower] - look[upper]).mean())) / travel
        resting = appearance.lid_droop * (1.0 - closure) * (1.0 - downcast)
        weights.values[squint] = weights.values[squint] * (1.0 - closure) + 0.5 * resting
        weights.values[wide] *= 1.0 - closure
        droop = 0.6 * resting * (1.0 - min(1.0, float(weights.values[wide])))
        weights.values[blink] = shut * closure + droop + lowered * downcast * (1.0 - closure)


def _turn_eyes(weights: _Weights, gaze: tuple[float, float]) -> None:
    """Turn both eyes; the lids follow a downward gaze as the model's shapes do."""
    x, y = gaze
    for side, towards_left in (("L", "eyeLookOut"), ("R", "eyeLookIn")):
        towards_right = "eyeLookIn" if side == "L" else "eyeLookOut"
        weights.add(f"{towards_left}_{side}", max(x, 0.0))
        weights.add(f"{towards_right}_{side}", max(-x, 0.0))
        weights.add(f"eyeLookUp_{side}", max(y, 0.0))
        weights.add(f"eyeLookDown_{side}", max(-y, 0.0))
