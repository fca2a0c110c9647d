"""What a picture has besides the face: camera, light, background, things in front, and the sensor.

Plain data with sensible defaults; the corpora sample it. Directions are in camera space: +x to the right
of the picture, +y up, +z towards the camera. Colours are linear RGB.
"""

from dataclasses import dataclass, field

from idennet.research.synth.appearance import FloatArray

Rgb = tuple[float, float, float]


@dataclass(frozen=True)
class Camera:
    """Where the head is seen from and where it lies in the frame.

    Attributes:
        distance: From the lens to the eyes, in cm; small values give the selfie's big nose.
        yaw: Turn of the head in degrees; positive towards the subject's left, the picture's right.
        pitch: Positive when the face looks up.
        roll: Positive when the head leans clockwise in the picture.
        zoom: Scale of the face relative to the template of `docs/architecture.md`.
        shift: (x, y) by which the face leaves the template's place, in fractions of the frame.
    """

    distance: float = 90.0
    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    zoom: float = 1.0
    shift: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True)
class Lighting:
    """A key light that casts shadows, a fill and a rim light that do not, and ambient light in two tones.

    Attributes:
        key_azimuth: Degrees; positive from the picture's right.
        key_elevation: Degrees above the horizon.
        key_rgb: Colour and strength.
        key_softness: 0 (spot) to 1 (overcast): width of the shadows' edges.
        fill_azimuth: As `key_azimuth`; the fill is 10 degrees above the horizon.
        fill_rgb: Colour and strength.
        rim_azimuth: As `key_azimuth`; beyond 90 degrees the light comes from behind.
        rim_rgb: Colour and strength.
        sky_rgb: Ambient light on surfaces that look up.
        ground_rgb: Ambient light on surfaces that look down.
    """

    key_azimuth: float = 30.0
    key_elevation: float = 30.0
    key_rgb: Rgb = (1.1, 1.08, 1.02)
    key_softness: float = 0.4
    fill_azimuth: float = -40.0
    fill_rgb: Rgb = (0.28, 0.28, 0.3)
    rim_azimuth: float = 150.0
    rim_rgb: Rgb = (0.0, 0.0, 0.0)
    sky_rgb: Rgb = (0.5, 0.5, 0.52)
    ground_rgb: Rgb = (0.3, 0.28, 0.26)


@dataclass(frozen=True)
class Covering:
    """Something put on for one picture that hides a part of the face.

    Attributes:
        kind: One of `coverings.COVERINGS`.
        seed: Source of its shape, colour and pattern.
    """

    kind: str
    seed: int = 0


@dataclass(frozen=True)
class CameraEffects:
    """What lens, sensor and file do to the picture, in this order.

    Attributes:
        vignette: Light lost in the corners, 0 to 1.
        white_balance: Gain of each channel.
        exposure: Stops added to the automatic exposure of the face.
        blur: Standard deviation of the defocus in output pixels.
        motion_length: Length of the motion blur in output pixels.
        motion_angle: Its direction in degrees.
        resolution: Share of a side's pixels that a small intermediate picture keeps, above 0, at most 1.
        noise: Strength of shot and read noise; 1 is a dim phone picture.
        contrast: Slope of the tone curve at middle grey; 1 leaves it, cameras and photographs have about 1.5.
        haze: Share of the light that a lens or a window scatters evenly over the picture, 0 to 1.
        grey: Whether colour is dropped.
        jpeg_quality: 1 to 100, or None for no compression.
    """

    vignette: float = 0.0
    white_balance: Rgb = (1.0, 1.0, 1.0)
    exposure: float = 0.0
    blur: float = 0.0
    motion_length: float = 0.0
    motion_angle: float = 0.0
    resolution: float = 1.0
    noise: float = 0.3
    contrast: float = 1.0
    haze: float = 0.0
    grey: bool = False
    jpeg_quality: int | None = None


@dataclass(frozen=True)
class Scene:
    """One picture's surroundings (S = frame size).

    Attributes:
        camera: Pose and framing.
        lighting: Light on the head.
        background: (S, S, 3) linear RGB, or None for a plain wall of `background_rgb`.
        background_rgb: Colour of the plain wall.
        occluders: (S, S, 4) linear RGB and opacity layers in frame coordinates, drawn in this order over
            everything (a hand, a microphone, a mask).
        covering: What is put on for this picture, if anything.
        effects: Lens, sensor and file.
    """

    camera: Camera = field(default_factory=Camera)
    lighting: Lighting = field(default_factory=Lighting)
    background: FloatArray | None = None
    background_rgb: Rgb = (0.25, 0.25, 0.27)
    occluders: tuple[FloatArray, ...] = ()
    covering: Covering | None = None
    effects: CameraEffects = field(default_factory=CameraEffects)
