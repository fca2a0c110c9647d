"""A picture of each Action Unit's movement: one person at rest beside the same person moving in full."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from idennet.facs import SYNFACS_AUS, column
from idennet.research.synth.build import build_appearance
from idennet.research.synth.expression import Expression
from idennet.research.synth.facemodel import load_face_model
from idennet.research.synth.identity import sample_traits
from idennet.research.synth.renderer import Renderer
from idennet.research.synth.scene import Camera, CameraEffects, Lighting, Scene

SIDE = 192
"""Width and height of one face in pixels."""

_PERSON = 12
_GAP = 4
_SCENE = Scene(
    Camera(110, 6, zoom=1.25, shift=(0.0, 0.03)),
    Lighting(key_azimuth=-35, key_elevation=35, key_softness=0.6, sky_rgb=(0.45, 0.45, 0.48)),
    background_rgb=(0.42, 0.44, 0.45),
    effects=CameraEffects(noise=0.0, contrast=1.2),
)
_NEEDS = {27: {25: 1.0}, 26: {25: 1.0}, 22: {25: 0.6}}
"""What a movement brings with it: nobody drops the jaw with closed lips in a picture that explains it."""


def movement_pictures(out: Path, face_model: Path | None = None) -> list[Path]:
    """Write `AU12.webp` and so on, at rest on the left and in full on the right, and return their paths.

    Args:
        out: Folder of the pictures; made when it does not exist.
        face_model: NPZ of the face model; by default the one that `IDENNET_FACE_MODEL` names.

    Raises:
        InputError: There is no face model.
    """
    model = load_face_model(face_model)
    traits = sample_traits(np.random.default_rng(_PERSON), headwear_probability=0.0)
    appearance, renderer = build_appearance(model, traits), Renderer(model, SIDE, supersample=2.5)

    def drawn(intensities: dict[int, float]) -> NDArray[np.uint8]:
        return renderer.render(appearance, Expression(intensities), _SCENE, np.random.default_rng(0)).image

    out.mkdir(parents=True, exist_ok=True)
    rest, gap = drawn({}), np.full((SIDE, _GAP, 3), 255, np.uint8)
    paths = []
    for au in SYNFACS_AUS:
        moved = drawn({**_NEEDS.get(au, {}), au: 1.0})
        path = out / f"{column(au)}.webp"
        Image.fromarray(np.hstack([rest, gap, moved])).save(path, quality=72, method=6)
        paths.append(path)
    return paths
