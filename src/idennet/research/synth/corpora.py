"""The SynFACS corpora as data: who is shown, what is coded, and in which ranges nuisance varies.

`studio` plays BP4D, `spot` plays DISFA, `clinic` plays UNBC-McMaster, `crowd` plays CelebA; `wild` trains the
bundled weights and `sample` ships with the package. They imitate conditions, never people or pictures.
"""

from typing import Annotated, Any

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from idennet.errors import InputError
from idennet.facs import BP4D_AUS, SYNFACS_AUS
from idennet.settings import Config

Range = tuple[float, float]
Probability = Annotated[float, Field(ge=0, le=1)]


class People(Config):
    """Who is shown.

    Attributes:
        age: Youngest and oldest, 0 (about 18 years) to 1 (about 80 years).
        glasses: Share of subjects with glasses.
        headwear: Share of subjects with a cap, a headband or a headscarf.
        confounders: How much of the person is mistaken for Action Units: 0 (nothing), 1 (as people are), 2 (a
            lot); see `confounders.confounded`.
    """

    age: Range = (0.0, 1.0)
    glasses: Probability = 0.22
    headwear: Probability = 0.05
    confounders: Annotated[float, Field(ge=0, le=2)] = 1.0


class Views(Config):
    """Pose of the head and its place in the frame; standard deviations unless a range.

    Attributes:
        yaw: Degrees.
        pitch: Degrees.
        roll: Degrees.
        profile: Share of sequences seen from the side, with a yaw of 25 to 45 degrees.
        distance: Of the camera in cm.
        zoom: Scale against the template.
        shift: In fractions of the frame.
    """

    yaw: float = 10.0
    pitch: float = 6.0
    roll: float = 4.0
    profile: Probability = 0.0
    distance: Range = (60.0, 160.0)
    zoom: Range = (0.97, 1.03)
    shift: float = 0.008


class Lights(Config):
    """Light of a sequence; warmth runs from -1 (blue) over 0 (white) to 1 (candle).

    Attributes:
        key: Strength of the light that casts shadows.
        key_warmth: Its colour.
        key_azimuth: Its direction in degrees, on either side.
        key_elevation: Its height in degrees.
        softness: 0 (spot) to 1 (overcast).
        fill: Strength of the second light.
        ambient: Strength of the surrounding light.
        ambient_warmth: Its colour.
        rim: Share of sequences with a light from behind.
    """

    key: Range = (0.5, 1.6)
    key_warmth: Range = (-0.5, 0.6)
    key_azimuth: Range = (0.0, 75.0)
    key_elevation: Range = (0.0, 65.0)
    softness: Range = (0.1, 1.0)
    fill: Range = (0.0, 0.6)
    ambient: Range = (0.15, 0.8)
    ambient_warmth: Range = (-0.4, 0.6)
    rim: Probability = 0.2


class Surroundings(Config):
    """What is behind and before the face.

    Attributes:
        scenery: Share of sequences before a random scene; the others have a plain wall.
        wall: Linear RGB of the plain wall.
        wall_spread: Relative variation of the wall's colour.
        occlusion: Share of frames in which something covers the edge of the face.
        hidden: Share of frames in which something hides eyes, brows or mouth.
    """

    scenery: Probability = 0.0
    wall: tuple[float, float, float] = (0.25, 0.25, 0.27)
    wall_spread: float = 0.05
    occlusion: Probability = 0.0
    hidden: Probability = 0.0


class Cameras(Config):
    """Lens, sensor and file.

    Attributes:
        exposure: Stops, standard deviation; more pictures are too dark than too bright.
        white_balance: Relative error of the channels, standard deviation.
        noise: Strength.
        blur: Share of sequences out of focus, up to 1.2 pixels.
        motion: Share of frames with motion blur, up to 3.5 pixels.
        low_resolution: Share of sequences that were once smaller, down to 38 % of the side.
        haze: Share of sequences that scattered light makes flat.
        grey: Share of sequences without colour.
        compression: Share of sequences with a JPEG of quality 30 to 90.
    """

    exposure: float = 0.1
    white_balance: float = 0.02
    noise: Range = (0.1, 0.4)
    blur: Probability = 0.0
    motion: Probability = 0.0
    low_resolution: Probability = 0.0
    haze: Probability = 0.0
    grey: Probability = 0.0
    compression: Probability = 0.0


class CorpusConfig(Config):
    """A corpus; the same configuration always gives the same pictures on one machine.

    Attributes:
        name: Name of the corpus; identities are called `synfacs-<name>/<subject>`.
        subjects: Number of subjects.
        frames_per_subject: Frames of each.
        seed: Source of all randomness, together with the corpus's name and the subject's number.
        frame_size: Side of the pictures in pixels.
        jpeg_quality: Quality of the stored JPEG, 1 to 100, colour not subsampled.
        aus: Action Units that are coded; the others have label -1 and intensity NaN.
        sequence_length: Frames of a recorded sequence; 1 makes all pictures independent.
        one_sided: Share of independent pictures whose Action Units act more on one side of the face.
        people: Who is shown.
        views: Pose and framing.
        lights: Light.
        surroundings: Background and occlusion.
        cameras: Lens, sensor and file.
    """

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]
    subjects: Annotated[int, Field(ge=1, le=99_999)]
    frames_per_subject: Annotated[int, Field(ge=1)]
    seed: Annotated[int, Field(ge=0)] = 0
    frame_size: Annotated[int, Field(ge=64, le=1024)] = 160
    jpeg_quality: Annotated[int, Field(ge=1, le=100)] = 95
    aus: tuple[int, ...] = SYNFACS_AUS
    sequence_length: Annotated[int, Field(ge=1)] = 1
    one_sided: Probability = 0.0
    people: People = People()
    views: Views = Views()
    lights: Lights = Lights()
    surroundings: Surroundings = Surroundings()
    cameras: Cameras = Cameras()

    @model_serializer(mode="wrap")
    def _keep_digests(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave `one_sided` out where it is 0, so that corpora older than the field keep their digests."""
        values: dict[str, Any] = serialize(self)
        if not self.one_sided:
            del values["one_sided"]
        return values


STUDIO = CorpusConfig(
    name="studio",
    subjects=41,
    frames_per_subject=192,
    aus=BP4D_AUS,
    sequence_length=24,
    people=People(age=(0.0, 0.25), glasses=0.05, headwear=0.0),
    views=Views(yaw=7, pitch=5, roll=3, distance=(95, 115)),
    lights=Lights(
        key=(0.3, 0.5),
        key_warmth=(0.35, 0.55),
        key_azimuth=(15, 30),
        key_elevation=(35, 50),
        softness=(0.8, 1.0),
        fill=(0.15, 0.25),
        ambient=(0.6, 0.8),
        ambient_warmth=(0.3, 0.5),
        rim=0.0,
    ),
    surroundings=Surroundings(wall=(0.52, 0.44, 0.32), wall_spread=0.04),
)
"""Plays BP4D: 41 young adults, warm ambient light, beige wall, the 12 Action Units of Table III."""

SPOT = CorpusConfig(
    name="spot",
    subjects=27,
    frames_per_subject=192,
    aus=(1, 2, 4, 6, 9, 12, 25, 26),
    sequence_length=24,
    people=People(age=(0.0, 0.6), glasses=0.1, headwear=0.0),
    views=Views(yaw=4, pitch=4, roll=2, distance=(110, 130)),
    lights=Lights(
        key=(1.6, 2.0),
        key_warmth=(-0.5, -0.3),
        key_azimuth=(30, 45),
        key_elevation=(35, 50),
        softness=(0.0, 0.15),
        fill=(0.0, 0.06),
        ambient=(0.12, 0.2),
        ambient_warmth=(-0.3, -0.1),
        rim=0.0,
    ),
    surroundings=Surroundings(wall=(0.012, 0.014, 0.018), wall_spread=0.1),
)
"""Plays DISFA: 27 subjects, cool hard key light, dark wall, 8 Action Units."""

CLINIC = CorpusConfig(
    name="clinic",
    subjects=25,
    frames_per_subject=192,
    aus=(4, 6, 7, 10, 12, 25, 26, 43),
    sequence_length=24,
    people=People(age=(0.45, 1.0), glasses=0.15, headwear=0.0),
    views=Views(yaw=9, pitch=6, roll=6, distance=(100, 140)),
    lights=Lights(
        key=(0.7, 1.0),
        key_warmth=(-0.15, 0.1),
        key_azimuth=(0, 40),
        key_elevation=(50, 70),
        softness=(0.6, 0.9),
        fill=(0.1, 0.3),
        ambient=(0.35, 0.5),
        ambient_warmth=(-0.2, 0.0),
        rim=0.0,
    ),
    surroundings=Surroundings(wall=(0.34, 0.4, 0.38), wall_spread=0.08),
    cameras=Cameras(noise=(0.3, 0.7), low_resolution=0.35),
)
"""Plays UNBC-McMaster: 25 older patients under the lamps of a consulting room, 8 Action Units."""

CROWD = CorpusConfig(
    name="crowd",
    subjects=4000,
    frames_per_subject=8,
    aus=(),
    views=Views(yaw=14, pitch=7, roll=5, profile=0.08, distance=(45, 220), zoom=(0.95, 1.05), shift=0.012),
    lights=Lights(key=(0.2, 2.2), key_azimuth=(0, 100), ambient=(0.12, 0.9), rim=0.3),
    surroundings=Surroundings(scenery=0.9, occlusion=0.06),
    cameras=Cameras(
        exposure=0.35,
        white_balance=0.06,
        noise=(0.1, 0.8),
        blur=0.15,
        motion=0.04,
        low_resolution=0.2,
        grey=0.05,
        compression=0.35,
    ),
)
"""Plays CelebA: thousands of identities in any light, no Action Units coded."""

WILD = CorpusConfig(
    name="wild",
    subjects=2000,
    frames_per_subject=24,
    one_sided=0.2,
    people=People(glasses=0.28),
    views=Views(yaw=12, pitch=8, roll=6, profile=0.12, distance=(45, 250), zoom=(0.93, 1.08), shift=0.015),
    lights=Lights(
        key=(0.1, 2.6),
        key_warmth=(-0.5, 0.7),
        key_azimuth=(0, 110),
        key_elevation=(-15, 80),
        ambient=(0.07, 1.0),
        ambient_warmth=(-0.4, 0.6),
        rim=0.3,
    ),
    surroundings=Surroundings(scenery=0.92, occlusion=0.12, hidden=0.12),
    cameras=Cameras(
        exposure=0.65,
        white_balance=0.06,
        noise=(0.05, 1.2),
        blur=0.2,
        motion=0.06,
        low_resolution=0.35,
        haze=0.15,
        grey=0.2,
        compression=0.45,
    ),
)
"""Everything coded, everything as broad as possible: trains the bundled weights."""

SAMPLE = CorpusConfig(
    name="sample",
    subjects=20,
    frames_per_subject=40,
    jpeg_quality=82,
    people=People(glasses=0.1, headwear=0.0),
    views=Views(yaw=9, pitch=5, roll=4),
    lights=Lights(rim=0.1),
    surroundings=Surroundings(scenery=0.8, occlusion=0.02),
    cameras=Cameras(exposure=0.2, white_balance=0.03, grey=0.03, blur=0.05),
)
"""Ships with the package: moderate nuisance, all 22 Action Units, some megabytes.

Made again with `idennet synth render sample --out src/idennet/assets/sample-corpus`.
"""

CORPORA = {corpus.name: corpus for corpus in (STUDIO, SPOT, CLINIC, CROWD, WILD, SAMPLE)}
"""All corpora by name."""


def corpus_config(name: str) -> CorpusConfig:
    """Return the configuration of a named corpus.

    Raises:
        InputError: No corpus has this name.
    """
    if name not in CORPORA:
        raise InputError(f"There is no corpus {name!r}; choose one of {', '.join(CORPORA)}.")
    return CORPORA[name]
